// SPDX-License-Identifier: MIT
// The ledger of one stage: which of its chunks have come, and which may come next.
#ifndef HAWSER_COLLECTIVES_REDUCER_LEDGER_H
#define HAWSER_COLLECTIVES_REDUCER_LEDGER_H

#include "actors/base/base.h"

// Only the window [low, low + window) can be in work, so that is all that is remembered: chunk i
// uses entry i mod window. Chunks are counted from the beginning of the stage's run here.
struct hwi_ledger {
    uint32_t count;   // chunks of the run
    uint32_t window;  // chunks that may be in work: scratch slots per sender
    uint32_t due;     // frames that a chunk needs, at least 1
    uint32_t out;     // frames that leave from its scratch when it is complete
    uint32_t low;     // all before it are complete and have left
    uint32_t granted; // all before it may come; at most low + window
    // [window] frames that have not come, and those that have not left; owned by its maker
    uint32_t *missing;
};

// Bytes that init needs.
size_t hwi_ledger_bytes(uint32_t window);
// `memory` (kept; owned by the caller, 4-byte aligned) has hwi_ledger_bytes. `ledger` has count,
// window, due and out. Grants the first window.
void hwi_ledger_init(struct hwi_ledger *ledger, void *memory);
// Another frame of `chunk` is here, of a chunk that was granted; true if it was the last, so that
// the chunk is complete now. That nobody's comes twice is the data port's care.
bool hwi_ledger_arrive(struct hwi_ledger *ledger, uint32_t chunk);
// A frame of a complete chunk has left.
void hwi_ledger_leave(struct hwi_ledger *ledger, uint32_t chunk);
// All of the chunk came.
bool hwi_ledger_complete(const struct hwi_ledger *ledger, uint32_t chunk);
// Passes what is complete and has left, and grants what that frees; true if `granted` rose enough
// to be worth telling.
bool hwi_ledger_advance(struct hwi_ledger *ledger);

#endif
