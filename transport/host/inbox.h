// SPDX-License-Identifier: MIT
// Submissions from other threads, in order, until the host's thread takes them.
#ifndef HAWSER_TRANSPORT_HOST_INBOX_H
#define HAWSER_TRANSPORT_HOST_INBOX_H

#include <pthread.h>

#include "transport/host/host.h"

enum { HWI_SUBMISSIONS_MAX = 1024 };

struct hwi_inbox_entry {
    struct hwi_submission submission; // its lists and `tensors` are owned
    void *block;
};

struct hwi_inbox {
    pthread_mutex_t mutex; // guards the rest
    struct hwi_inbox_entry *waiting;
    uint32_t count, capacity;
    bool stop;   // the host is asked to end
    bool failed; // it has failed: nothing is taken any more
    int wake;    // an event descriptor, constant
};

// False with errno.
bool hwi_inbox_init(struct hwi_inbox *inbox);
void hwi_inbox_fini(struct hwi_inbox *inbox);

// Any thread. Copies what the submission points to, but for input and output. 0, HWS_E_LIMIT,
// HWS_E_NO_MEMORY, HWS_E_INTERNAL (the host has failed).
int hwi_inbox_put(struct hwi_inbox *inbox, const struct hwi_submission *submission);
void hwi_inbox_stop(struct hwi_inbox *inbox);
void hwi_inbox_fail(struct hwi_inbox *inbox);

// The host's thread: swaps what waits with the empty *entries and its *capacity; returns how many,
// to be released one by one. *stop says whether to end.
uint32_t hwi_inbox_take(struct hwi_inbox *inbox, struct hwi_inbox_entry **entries,
                        uint32_t *capacity, bool *stop);
void hwi_inbox_release(struct hwi_inbox_entry *entry);

#endif
