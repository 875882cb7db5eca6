// SPDX-License-Identifier: MIT
// One call of the API, from its submission to the reply's collection.
#ifndef HAWSER_ACTORS_NODE_REQUEST_H
#define HAWSER_ACTORS_NODE_REQUEST_H

#include "actors/node/comm.h"

enum { HWI_REQUEST_OPENING = 1 }; // the id of a communicator's first request

// On the stack of a blocking call; on the heap for an asynchronous one.
struct hws_request {
    struct hws_comm *comm; // stays at least until the request is collected
    uint64_t id;
    uint64_t tag;
    uint64_t limit_ns; // when the peer has surely replied
    uint32_t timeout_ms;
    uint8_t kind; // enum hwi_kind
    bool async;
    bool overdue; // limit_ns passed once and was extended
    bool done;    // `reply` is here
    pthread_cond_t replied;
    struct hwi_msg reply; // of type reply
    void *block;          // behind its lists
};

// Numbers the request, puts it into the communicator's table and submits. `submission` (borrowed)
// carries an `open` or a `request` message, whose id and count of failures are filled in here. On
// an error the request is in no table: HWS_E_LIMIT, HWS_E_NO_MEMORY, or what the communicator
// finished with. `async`: the trainer collects it with hws_wait.
hws_status hwi_request_start(struct hws_comm *comm, struct hws_request *request, bool async,
                             struct hwi_submission *submission);

// Waits until the reply is here or `until_ns` (hwi_host_now) has passed; true if it is here. Gives
// the host up rather than wait for ever.
bool hwi_request_await(struct hws_request *request, uint64_t until_ns);

// The reply's status, with its sentence if it failed; fills `result` and `value` (each may be NULL;
// `value` only on HWS_OK). The request must be done; it leaves the table and is over, its memory
// remains the caller's.
hws_status hwi_request_collect(struct hws_request *request, uint64_t *value, hws_result *result);

// Start, wait and collect: a blocking call.
hws_status hwi_request_call(struct hws_comm *comm, struct hwi_submission *submission,
                            uint64_t *value, hws_result *result);

// A `request` message of a kind to the peer, with the communicator's deadline.
struct hwi_submission hwi_request_make(const struct hws_comm *comm, uint8_t kind);

// From the host's thread: a reply came.
void hwi_request_replied(struct hws_comm *comm, const struct hwi_msg *msg);

// Ends what waits with `status`, without the host. The communicator's mutex is held.
void hwi_requests_end(struct hws_comm *comm, hws_status status, const char *reason);

#endif
