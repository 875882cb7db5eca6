// SPDX-License-Identifier: MIT
// One call of the API, from its submission to the reply's collection.
#ifndef HAWSER_RUNTIME_REQUEST_H
#define HAWSER_RUNTIME_REQUEST_H

#include "runtime/comm.h"

enum { HWI_REQUEST_OPENING = 1 }; // the id of a communicator's first request

struct hwi_wait;

// On the stack of a blocking call; on the heap for an asynchronous one, and then a handle.
struct hws_request {
    struct hws_comm *comm; // stays at least until the request is collected
    uint64_t id;
    uint64_t tag;
    uint64_t limit_ns; // when the peer has surely replied
    uint32_t timeout_ms;
    uint8_t kind; // enum hwi_kind
    bool async;
    size_t *counts; // the caller's, for those of the reply
    size_t counts_room;
    bool memory;           // the data port knows buffers of it
    bool overdue;          // limit_ns passed once and was extended
    bool done;             // `reply` is here
    struct hwi_wait *wait; // who waits for it, and will collect it; NULL = nobody
    struct hwi_msg reply;  // of type reply
    void *block;           // behind its lists
};

// True if it is a broadcast that this member, its root, gives no input for: then starting it is
// HWS_E_INVALID. The communicator's mutex is held.
bool hwi_request_lacks_input(const struct hws_comm *comm, const struct hwi_submission *submission);

// Numbers a request, puts it into the communicator's table, submits, and gives it out as a handle:
// who has it collects it. `submission` (borrowed) carries a `request` message, whose id and count
// of failures are filled in here. Errors: HWS_E_CLOSED (closed meanwhile), HWS_E_LIMIT,
// HWS_E_NO_MEMORY, or what the communicator finished with; then *request is not set. `function`
// names the call in the sentence.
hws_status hwi_request_launch(struct hws_comm *comm, const char *function,
                              struct hwi_submission *submission, hws_request **request);

// The reply's status, with its sentence if it failed; fills `result` and `value` (each may be NULL;
// `value` only on HWS_OK). The request must be done and nobody else's; it leaves the table and is
// over. An asynchronous one is freed, another one's memory remains the caller's.
hws_status hwi_request_collect(struct hws_request *request, uint64_t *value, hws_result *result);

// The same of a request on the stack that is waited for and collected: a blocking call.
hws_status hwi_request_call(struct hws_comm *comm, struct hwi_submission *submission,
                            uint64_t *value, hws_result *result);

// A blocking call (`open`, too) on a communicator that is no handle: not yet, or not any more.
hws_status hwi_request_call_own(struct hws_comm *comm, struct hwi_submission *submission);

// A `request` message of a kind to the peer; its deadline is the communicator's if none is set.
struct hwi_submission hwi_request_make(uint8_t kind);

// From the host's thread: a reply came.
void hwi_request_replied(struct hws_comm *comm, const struct hwi_msg *msg);

// Ends what waits with `status`, without the host. The communicator's mutex is held.
void hwi_requests_end(struct hws_comm *comm, hws_status status, const char *reason);

#endif
