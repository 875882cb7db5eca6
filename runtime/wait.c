// SPDX-License-Identifier: MIT
#include "runtime/wait.h"

#include <time.h>
#include <unistd.h>

#include "runtime/error.h"
#include "runtime/handles.h"

uint64_t hwi_wait_until(uint32_t timeout_ms)
{
    return timeout_ms == UINT32_MAX ? HWI_NEVER : hwi_host_now() + timeout_ms * HWI_NS_PER_MS;
}

static void init(struct hwi_wait *wait, struct hws_comm *comm, struct hws_request **requests,
                 size_t count)
{
    pthread_condattr_t attributes;
    *wait = (struct hwi_wait){.comm = comm, .requests = requests, .count = count};
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&wait->replied, &attributes);
    pthread_condattr_destroy(&attributes);
}

hws_status hwi_wait_gone(const char *function)
{
    return hwi_error_set(HWS_E_INVALID,
                         "%s: this request is not in flight: it was waited for before, or never "
                         "existed",
                         function);
}

// ---- claiming ----------------------------------------------------------------------------------

// The request is held as a handle, so it and its communicator are there.
static hws_status claim_held(struct hwi_wait *wait, const char *function,
                             struct hws_request *request)
{
    struct hws_comm *comm = request->comm;
    if (comm->pid != getpid()) {
        return hwi_comm_forked(comm, function);
    }
    if (wait->comm != NULL && wait->comm != comm) {
        return hwi_error_set(HWS_E_INVALID,
                             "%s: the requests are of two communicators: wait for "
                             "those of one",
                             function);
    }
    pthread_mutex_lock(&comm->mutex);
    const struct hwi_wait *other = request->wait;
    if (other == NULL) {
        request->wait = wait;
    }
    pthread_mutex_unlock(&comm->mutex);
    if (other == wait) {
        return hwi_error_set(HWS_E_INVALID, "%s: one request is named twice", function);
    }
    if (other != NULL) {
        return hwi_error_set(HWS_E_PENDING,
                             "%s: another thread waits for this request: only one can", function);
    }
    wait->comm = comm;
    return HWS_OK;
}

static hws_status claim(struct hwi_wait *wait, const char *function, struct hws_request *request)
{
    if (!hwi_handles_hold(HWI_HANDLE_REQUEST, request)) {
        return hwi_wait_gone(function);
    }
    hws_status status = claim_held(wait, function, request);
    hwi_handles_release();
    return status;
}

hws_status hwi_wait_begin(struct hwi_wait *wait, const char *function,
                          struct hws_request **requests, size_t count)
{
    hws_status status = HWS_OK;
    init(wait, NULL, requests, 0);
    for (; wait->count < count && status == HWS_OK; wait->count++) {
        if (requests[wait->count] != NULL) {
            status = claim(wait, function, requests[wait->count]);
        }
    }
    if (status != HWS_OK) {
        wait->count--; // the last one was not claimed
        hwi_wait_end(wait, NULL);
    }
    return status;
}

void hwi_wait_own(struct hwi_wait *wait, struct hws_comm *comm, struct hws_request **requests,
                  size_t count)
{
    init(wait, comm, requests, count);
    pthread_mutex_lock(&comm->mutex);
    for (size_t i = 0; i < count; i++) {
        if (requests[i] != NULL) {
            requests[i]->wait = wait;
        }
    }
    pthread_mutex_unlock(&comm->mutex);
}

void hwi_wait_end(struct hwi_wait *wait, const struct hws_request *kept)
{
    if (wait->comm != NULL) {
        pthread_mutex_lock(&wait->comm->mutex);
        for (size_t i = 0; i < wait->count; i++) {
            if (wait->requests[i] != NULL && wait->requests[i] != kept) {
                wait->requests[i]->wait = NULL;
            }
        }
        pthread_mutex_unlock(&wait->comm->mutex);
    }
    pthread_cond_destroy(&wait->replied);
}

// ---- waiting -----------------------------------------------------------------------------------

// How many are done, and the one of the others whose limit is next (NULL = all are done).
static size_t look(const struct hwi_wait *wait, struct hws_request **next)
{
    size_t done = 0;
    *next = NULL;
    for (size_t i = 0; i < wait->count; i++) {
        struct hws_request *request = wait->requests[i];
        if (request == NULL) {
            continue;
        }
        done += request->done;
        if (!request->done && (*next == NULL || request->limit_ns < (*next)->limit_ns)) {
            *next = request;
        }
    }
    return done;
}

// The limit passed. Once it may be this process that stood still, so the host gets its slack again;
// twice it is the host that will not reply, and only without it the caller's memory is safe. The
// mutex is held.
static void run_late(struct hws_request *request)
{
    if (!request->overdue) {
        request->overdue = true;
        request->limit_ns = hwi_host_now() + HWI_REPLY_SLACK_MS * HWI_NS_PER_MS;
        return;
    }
    request->limit_ns = HWI_NEVER; // the thread that finishes the communicator ends this request
    pthread_mutex_unlock(&request->comm->mutex);
    hwi_comm_finish(request->comm, HWS_E_OUTCOME_UNKNOWN, "the runtime's thread did not reply");
    pthread_mutex_lock(&request->comm->mutex);
}

static void sleep_until(struct hwi_wait *wait, uint64_t at_ns)
{
    struct timespec at = {.tv_sec = (time_t)(at_ns / HWI_NS_PER_S),
                          .tv_nsec = (long)(at_ns % HWI_NS_PER_S)};
    if (at_ns == HWI_NEVER) {
        pthread_cond_wait(&wait->replied, &wait->comm->mutex);
    } else {
        pthread_cond_timedwait(&wait->replied, &wait->comm->mutex, &at);
    }
}

size_t hwi_wait_for(struct hwi_wait *wait, size_t wanted, uint64_t until_ns)
{
    struct hws_request *next;
    size_t done = 0;
    if (wait->comm == NULL) {
        return done;
    }
    pthread_mutex_lock(&wait->comm->mutex);
    while ((done = look(wait, &next)) < wanted && next != NULL) {
        uint64_t now_ns = hwi_host_now();
        if (now_ns >= next->limit_ns) {
            run_late(next);
        } else if (now_ns >= until_ns) {
            break;
        } else {
            sleep_until(wait, HWI_MIN(until_ns, next->limit_ns));
        }
    }
    pthread_mutex_unlock(&wait->comm->mutex);
    return done;
}
