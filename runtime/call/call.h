// SPDX-License-Identifier: MIT
// A call of the public API on its way to the peer: the message that asks for it, and the caller's
// memory. This file and operation.h make one from the caller's arguments; it is the same
// code for a program (runtime) and for a simulated trainer (tools/trainer).
#ifndef HAWSER_RUNTIME_CALL_CALL_H
#define HAWSER_RUNTIME_CALL_CALL_H

#include <hawser/state.h>

#include "actors/wire/msg.h"
#include "runtime/call/error.h"

struct hwi_call {
    struct hwi_msg_request request; // its id and what the caller counts: see caller.h
    const void *input;              // borrowed until the reply, as all memory here; NULL = none
    void *output;                   // NULL = none
    uint64_t input_bytes, output_bytes;
    size_t *counts; // where the reply's counts go; NULL = nowhere
    size_t counts_room;
};

// A call of a kind that takes no arguments: hws_view (HWI_KIND_NONE), hws_admit, hws_close.
struct hwi_call hwi_call_of(uint8_t kind);

// hws_sync of a state of this revision. `options` (borrowed, NULL = defaults) as the caller gives
// them; `changed`: the bytes are not what a trainer left there, so they are hashed in any case.
// Errors: HWS_E_INVALID.
hws_status hwi_call_sync(hws_strategy strategy, uint64_t revision, bool changed,
                         const hws_options *options, struct hwi_call *call,
                         struct hwi_error *error);

#endif
