// SPDX-License-Identifier: MIT
// One thread that waits for some requests of one communicator.
#ifndef HAWSER_RUNTIME_WAIT_H
#define HAWSER_RUNTIME_WAIT_H

#include "runtime/request.h"

// On the waiting thread's stack. The thread that claimed a request must collect it.
struct hwi_wait {
    struct hws_comm *comm;         // NULL = no requests
    struct hws_request **requests; // NULLs are skipped; borrowed
    size_t count;
    pthread_cond_t replied;
};

// Claims the caller's handles for `function`. Errors: HWS_E_INVALID (one is no handle, is named
// twice, is of another communicator), HWS_E_FORKED, HWS_E_PENDING (another thread waits for one);
// then nothing is claimed. `wait` is borrowed until hwi_wait_end.
hws_status hwi_wait_begin(struct hwi_wait *wait, const char *function,
                          struct hws_request **requests, size_t count);

// The same for requests that nobody else knows.
void hwi_wait_own(struct hwi_wait *wait, struct hws_comm *comm, struct hws_request **requests,
                  size_t count);

// The error for a request that is not (or no longer) a handle; returns HWS_E_INVALID.
hws_status hwi_wait_gone(const char *function);

// Waits until `wanted` of them are done or `until_ns` (hwi_host_now) has passed; returns how many
// are. Gives the host up rather than wait for ever.
size_t hwi_wait_for(struct hwi_wait *wait, size_t wanted, uint64_t until_ns);

// Lets go of all but `kept` (NULL = none kept), which the caller collects next.
void hwi_wait_end(struct hwi_wait *wait, const struct hws_request *kept);

// The clock's time in `timeout_ms`; UINT32_MAX = never.
uint64_t hwi_wait_until(uint32_t timeout_ms);

#endif
