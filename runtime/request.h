// SPDX-License-Identifier: MIT
// One call of the API, from its submission to the reply's collection.
#ifndef HAWSER_RUNTIME_REQUEST_H
#define HAWSER_RUNTIME_REQUEST_H

#include "runtime/comm.h"

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

// Numbers a call, puts its request into the communicator's table, submits it, and returns it as a
// handle that its owner must collect. `call` is borrowed until return; missing fields are filled
// in. Errors: HWS_E_CLOSED (closed meanwhile), HWS_E_LIMIT, HWS_E_INVALID, HWS_E_NO_MEMORY, or what
// the communicator finished with; then *request is not set. `function` names the public call in the
// sentence.
hws_status hwi_request_launch(struct hws_comm *comm, const char *function, struct hwi_call *call,
                              hws_request **request);

// The reply's status, with its sentence if it failed; fills `result` and `value` (each may be NULL;
// `value` only on HWS_OK). The request must be done and nobody else's; it leaves the table and is
// over. An asynchronous one is freed, another one's memory remains the caller's.
hws_status hwi_request_collect(struct hws_request *request, uint64_t *value, hws_result *result);

// The same of a request on the stack that is waited for and collected: a blocking call.
hws_status hwi_request_call(struct hws_comm *comm, struct hwi_call *call, uint64_t *value,
                            hws_result *result);

// Two blocking calls on a communicator that is no handle: not yet (`open`, borrowed until return,
// lacks only the request's id; `open_ms` is for the sentence), or not any more.
hws_status hwi_request_open(struct hws_comm *comm, const struct hwi_msg_open *open,
                            uint32_t open_ms);
hws_status hwi_request_close(struct hws_comm *comm, struct hwi_call *call);

// From the host's thread: a reply came.
void hwi_request_replied(struct hws_comm *comm, const struct hwi_msg *msg);

// stats.c: neither the opening nor hws_view or hws_close.
bool hwi_request_is_operation(const struct hws_request *request);

// Ends what waits with `status`, without the host. The communicator's mutex is held.
void hwi_requests_end(struct hws_comm *comm, hws_status status, const char *reason);

#endif
