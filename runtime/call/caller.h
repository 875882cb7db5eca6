// SPDX-License-Identifier: MIT
// The common state of the calls of one communicator: their caller, the number in flight, the
// results of earlier ones.
#ifndef HAWSER_RUNTIME_CALL_CALLER_H
#define HAWSER_RUNTIME_CALL_CALLER_H

#include "runtime/call/call.h"

enum {
    HWI_CALLS_CONTROL_MAX = 16, // hws_view and hws_close at once, in addition to the operations
    HWI_CALLS_MAX = HWI_OPS_MAX + HWI_CALLS_CONTROL_MAX, // in flight on one communicator
    HWI_CALLER_OPENING = 1, // the id of its first request, which opens it
    HWI_CLOSE_MS = 1000,    // how long hws_close waits for the master
};

struct hwi_caller {
    uint64_t self;         // own peer id, from the opening's reply; 0 = no member yet
    uint64_t last_request; // ids count up from HWI_CALLER_OPENING
    uint64_t collected;    // failures of asynchronous calls that were collected
    uint32_t timeout_ms;   // of a call that says none
    uint32_t in_flight;    // calls that are not collected yet
    uint32_t
        pending; // newcomers that wait, by the last reply collected that was OK or of class VIEW
};

// May this call be made now? Errors: HWS_E_LIMIT (too many are in flight), HWS_E_INVALID (a
// broadcast that this member, its root, gives no input for).
hws_status hwi_caller_check(const struct hwi_caller *caller, const struct hwi_call *call,
                            struct hwi_error *error);

// True if it is a broadcast that this member, its root, gives no input for.
bool hwi_caller_lacks_input(const struct hwi_caller *caller, const struct hwi_call *call);

// Numbers a call that was checked: its id, its deadline if it has none, and how many failures the
// caller has collected. `async`: it is collected later, not by the call itself.
void hwi_caller_name(struct hwi_caller *caller, struct hwi_call *call, bool async);

// The reply to one of its calls is collected.
void hwi_caller_collect(struct hwi_caller *caller, const struct hwi_msg_reply *reply, bool async);

#endif
