// SPDX-License-Identifier: MIT
#include "transport/host/inbox.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hawser/types.h>

#include "actors/wire/codec.h"
#include "transport/os/os_linux.h"

bool hwi_inbox_init(struct hwi_inbox *inbox)
{
    inbox->wake = hwi_os_event_create();
    return inbox->wake >= 0 && pthread_mutex_init(&inbox->mutex, NULL) == 0;
}

void hwi_inbox_release(struct hwi_inbox_entry *entry)
{
    free((void *)(uintptr_t)entry->submission.tensors);
    free(entry->block);
}

void hwi_inbox_fini(struct hwi_inbox *inbox)
{
    for (uint32_t i = 0; i < inbox->count; i++) {
        hwi_inbox_release(&inbox->waiting[i]);
    }
    free(inbox->waiting);
    close(inbox->wake);
    pthread_mutex_destroy(&inbox->mutex);
}

static bool copy_tensors(const struct hwi_submission *from, struct hwi_submission *to)
{
    to->tensors = NULL;
    if (from->msg.type != HWI_MSG_state_layout || from->msg.u.state_layout.tensors_count == 0) {
        return true;
    }
    size_t bytes = from->msg.u.state_layout.tensors_count * sizeof *to->tensors;
    struct hwi_location *tensors = malloc(bytes);
    if (tensors != NULL) {
        memcpy(tensors, from->tensors, bytes);
    }
    to->tensors = tensors;
    return tensors != NULL;
}

static bool copy(const struct hwi_submission *from, struct hwi_inbox_entry *to)
{
    to->submission = *from;
    if (!copy_tensors(from, &to->submission)) {
        return false;
    }
    if (hwi_msg_clone(&from->msg, &to->submission.msg, &to->block)) {
        return true;
    }
    free((void *)(uintptr_t)to->submission.tensors);
    return false;
}

static bool make_room(struct hwi_inbox *inbox)
{
    if (inbox->count < inbox->capacity) {
        return true;
    }
    uint32_t capacity = inbox->capacity ? 2 * inbox->capacity : 16;
    struct hwi_inbox_entry *waiting = realloc(inbox->waiting, capacity * sizeof *waiting);
    if (waiting == NULL) {
        return false;
    }
    inbox->waiting = waiting;
    inbox->capacity = capacity;
    return true;
}

static int append(struct hwi_inbox *inbox, const struct hwi_inbox_entry *entry)
{
    if (inbox->failed) {
        return HWS_E_INTERNAL;
    }
    if (inbox->count == HWI_SUBMISSIONS_MAX) {
        return HWS_E_LIMIT;
    }
    if (!make_room(inbox)) {
        return HWS_E_NO_MEMORY;
    }
    inbox->waiting[inbox->count++] = *entry;
    if (inbox->count == 1) { // the others find the host already called
        hwi_os_event_signal(inbox->wake);
    }
    return HWS_OK;
}

int hwi_inbox_put(struct hwi_inbox *inbox, const struct hwi_submission *submission)
{
    struct hwi_inbox_entry entry = {.block = NULL};
    if (!copy(submission, &entry)) {
        return HWS_E_NO_MEMORY;
    }
    pthread_mutex_lock(&inbox->mutex);
    int status = append(inbox, &entry);
    pthread_mutex_unlock(&inbox->mutex);
    if (status != HWS_OK) {
        hwi_inbox_release(&entry);
    }
    return status;
}

void hwi_inbox_stop(struct hwi_inbox *inbox)
{
    pthread_mutex_lock(&inbox->mutex);
    inbox->stop = true;
    pthread_mutex_unlock(&inbox->mutex);
    hwi_os_event_signal(inbox->wake);
}

void hwi_inbox_fail(struct hwi_inbox *inbox)
{
    pthread_mutex_lock(&inbox->mutex);
    inbox->failed = true;
    pthread_mutex_unlock(&inbox->mutex);
}

uint32_t hwi_inbox_take(struct hwi_inbox *inbox, struct hwi_inbox_entry **entries,
                        uint32_t *capacity, bool *stop)
{
    pthread_mutex_lock(&inbox->mutex);
    struct hwi_inbox_entry *taken = inbox->waiting;
    uint32_t count = inbox->count, taken_capacity = inbox->capacity;
    inbox->waiting = *entries;
    inbox->capacity = *capacity;
    inbox->count = 0;
    *stop = inbox->stop;
    pthread_mutex_unlock(&inbox->mutex);
    *entries = taken;
    *capacity = taken_capacity;
    return count;
}
