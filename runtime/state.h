// SPDX-License-Identifier: MIT
// The shared state behind hws_state.
#ifndef HAWSER_RUNTIME_STATE_H
#define HAWSER_RUNTIME_STATE_H

#include <stdatomic.h>
#include <stdbool.h>

#include <hawser/state.h>

#include "actors/wire/msg.h"
#include "transport/memory/memory.h"
#include "transport/memory/writes.h"

struct hws_state {
    struct hwi_tensor *tensors;  // owned
    struct hwi_location *memory; // theirs, the caller's; the array is owned
    uint32_t count, capacity;
    uint64_t bytes;
    bool sealed; // a communicator has its layout
    _Atomic uint64_t revision;
    // Bytes were replaced as no step of a trainer does it (a checkpoint was loaded): the next sync
    // hashes, whatever its options say.
    atomic_bool replaced;
    atomic_bool torn; // its bytes are of two revisions: a sync or a load was cut in the middle
    struct hwi_writes writes; // into the tensors, and changes of the revision
};

// Changes the revision; a save that runs meanwhile is of two moments then.
static inline void hwi_state_note_revision(struct hws_state *state, uint64_t revision)
{
    if (atomic_exchange(&state->revision, revision) != revision) {
        hwi_writes_note(&state->writes);
    }
}

#endif
