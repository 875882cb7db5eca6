// SPDX-License-Identifier: MIT
#include "transport/os/lookup.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "actors/base/base.h"
#include "actors/base/limits.h"
#include "transport/os/os_linux.h"

enum { TEXT_BYTES = 300, ROUND_MS = 250 };

// Shared by the caller and the thread that asks; the last of them frees it.
struct question {
    pthread_mutex_t mutex;
    pthread_cond_t answered;
    bool done, abandoned; // guarded by `mutex`, as is what follows
    const char *wrong;
    uint32_t count;
    struct hwi_address list[HWI_LOOKUP_ADDRESSES_MAX];
    char text[TEXT_BYTES];
};

static void free_question(struct question *question)
{
    pthread_cond_destroy(&question->answered);
    pthread_mutex_destroy(&question->mutex);
    free(question);
}

static void *ask(void *user)
{
    struct question *question = user;
    struct hwi_address list[HWI_LOOKUP_ADDRESSES_MAX];
    uint32_t count = 0;
    const char *wrong =
        hwi_address_parse_all(question->text, list, HWI_LOOKUP_ADDRESSES_MAX, &count);
    pthread_mutex_lock(&question->mutex);
    memcpy(question->list, list, count * sizeof *list);
    question->count = count;
    question->wrong = wrong;
    question->done = true;
    bool abandoned = question->abandoned;
    pthread_cond_signal(&question->answered);
    pthread_mutex_unlock(&question->mutex);
    if (abandoned) {
        free_question(question);
    }
    return NULL;
}

static struct question *begin(const char *text)
{
    struct question *question = calloc(1, sizeof *question);
    pthread_condattr_t attributes;
    pthread_t thread;
    if (question == NULL) {
        return NULL;
    }
    snprintf(question->text, sizeof question->text, "%s", text);
    pthread_mutex_init(&question->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&question->answered, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_create(&thread, NULL, ask, question) != 0) {
        free_question(question);
        return NULL;
    }
    pthread_detach(thread);
    return question;
}

static const char *await(struct question *question, uint32_t within_ms, struct hwi_address *list,
                         uint32_t *count)
{
    uint64_t until_ns = hwi_os_now() + within_ms * HWI_NS_PER_MS;
    struct timespec until = {.tv_sec = (time_t)(until_ns / HWI_NS_PER_S),
                             .tv_nsec = (long)(until_ns % HWI_NS_PER_S)};
    int waited = 0;
    pthread_mutex_lock(&question->mutex);
    while (!question->done && waited == 0) {
        waited = pthread_cond_timedwait(&question->answered, &question->mutex, &until);
    }
    bool done = question->done;
    question->abandoned = !done;
    const char *wrong = done ? question->wrong : "the name service does not answer";
    *count = done ? question->count : 0;
    memcpy(list, question->list, *count * sizeof *list);
    pthread_mutex_unlock(&question->mutex);
    if (done) {
        free_question(question);
    }
    return wrong;
}

const char *hwi_look_up(const char *text, uint32_t within_ms,
                        struct hwi_address list[HWI_LOOKUP_ADDRESSES_MAX], uint32_t *count)
{
    *count = 1;
    if (strlen(text) >= TEXT_BYTES) {
        return "the name is too long";
    }
    if (hwi_address_parse(text, HWI_ADDRESS_NUMERIC, list) == NULL) {
        return NULL; // numbers need no name service
    }
    struct question *question = begin(text);
    return question != NULL ? await(question, within_ms, list, count)
                            : "no memory or thread for a look-up";
}

// ---- which one answers

static int begin_connect(const struct hwi_address *address)
{
    int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address->storage, address->bytes) != 0 &&
        errno != EINPROGRESS) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static bool is_connected(const struct pollfd *watch)
{
    int error = 0;
    socklen_t bytes = sizeof error;
    return watch->fd >= 0 && (watch->revents & POLLOUT) != 0 &&
           getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &error, &bytes) == 0 && error == 0;
}

static int first_connected(struct pollfd *watches, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (is_connected(&watches[i])) {
            return (int)i;
        }
        if (watches[i].revents != 0) { // refused: it would wake the next poll at once
            close(watches[i].fd);
            watches[i].fd = -1;
        }
    }
    return -1;
}

// All addresses at once, for `within_ms`.
static int try_round(const struct hwi_address *list, uint32_t count, uint32_t within_ms)
{
    struct pollfd watches[HWI_LOOKUP_ADDRESSES_MAX];
    uint64_t until_ns = hwi_os_now() + within_ms * HWI_NS_PER_MS;
    int found = -1;
    for (uint32_t i = 0; i < count; i++) {
        watches[i] = (struct pollfd){.fd = begin_connect(&list[i]), .events = POLLOUT};
    }
    for (uint64_t now = hwi_os_now(); found < 0 && now < until_ns; now = hwi_os_now()) {
        poll(watches, count, (int)((until_ns - now) / HWI_NS_PER_MS) + 1);
        found = first_connected(watches, count);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (watches[i].fd >= 0) {
            close(watches[i].fd);
        }
    }
    return found;
}

int hwi_first_that_accepts(const struct hwi_address *list, uint32_t count, uint32_t within_ms)
{
    uint64_t until_ns = hwi_os_now() + within_ms * HWI_NS_PER_MS;
    int found = -1;
    for (uint64_t now = hwi_os_now(); found < 0 && now < until_ns; now = hwi_os_now()) {
        uint64_t left_ms = (until_ns - now) / HWI_NS_PER_MS + 1;
        found = try_round(list, count, (uint32_t)HWI_MIN(left_ms, (uint64_t)ROUND_MS));
    }
    return found;
}
