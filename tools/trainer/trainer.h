// SPDX-License-Identifier: MIT
// Trainers of simulated processes: what a program does with the public API, in the simulator. A
// call's arguments are judged, filled with defaults and made a request by the code that stands
// behind the API (runtime/call); only how a request reaches the peer is the simulator's.
//
// Buffers belong to the caller and stay until the reply. Replies: hwi_sim_reply and the others of
// transport/sim/sim.h.
#ifndef HAWSER_TOOLS_TRAINER_TRAINER_H
#define HAWSER_TOOLS_TRAINER_TRAINER_H

#include "runtime/call/caller.h"
#include "transport/sim/sim.h"

// A call by the kind of its request; fields that the kind does not use are ignored.
struct trainer_call {
    uint8_t kind;             // enum hwi_kind: also of calls that are no operations
    uint8_t dtype, redop;     // of an agree: enum hws_agree_op
    uint8_t retry, plan;      // options, as what follows
    uint8_t strategy, verify; // of a sync; strategy 0 = enforce
    uint8_t unequal;          // all-gather: counts may differ
    uint64_t tag, count;
    uint64_t value;    // of an agree; a sync's revision
    uint64_t root;     // broadcast: a peer id
    uint64_t room;     // reduce-scatter, all-gather: elements that the output has room for
    const void *input; // NULL = none. In place it is the output, or (all-gather) lies in it.
    void *output;
    uint64_t timeout_ms; // 0 = the communicator's
};

// Makes the call. HWS_OK: *request is its number. Errors: as the API refuses it, with its sentence;
// then nothing was asked of the peer.
hws_status trainer_try(struct hwi_sim *sim, uint32_t node, const struct trainer_call *call,
                       uint64_t *request, struct hwi_error *error);
// Of a call that is not refused: anything else is a failed check, after its sentence on stderr.
uint64_t trainer_call(struct hwi_sim *sim, uint32_t node, const struct trainer_call *call);
// The same call as an hws_op; of an operation only. With `unequal` its counts go to `counts`
// (borrowed as the operation's), which has room for `counts_room`.
hws_op trainer_op(const struct trainer_call *call, size_t *counts, size_t counts_room);
// The facts about its calls that the process's communicator knows.
struct hwi_caller trainer_caller(const struct hwi_sim *sim, uint32_t node);
// Names a call that was judged (`call` is borrowed until return) and hands it to the peer; returns
// the request's number.
uint64_t trainer_submit(struct hwi_sim *sim, uint32_t node, struct hwi_call *call);
// hws_view.
uint64_t trainer_view(struct hwi_sim *sim, uint32_t node);
// hws_close.
void trainer_close(struct hwi_sim *sim, uint32_t node);

#endif
