// SPDX-License-Identifier: MIT
// Calls of operations that have not started here.
#ifndef HAWSER_COLLECTIVES_REDUCER_EARLY_H
#define HAWSER_COLLECTIVES_REDUCER_EARLY_H

#include "actors/wire/msg.h"

struct hwi_early_peer {
    uint64_t peer;
    uint64_t view; // of all its calls
    struct hwi_msg_call *calls;
    uint32_t count;
    uint32_t capacity;
};

// Calls by sender, ordered by peer id. At most HWI_MEMBERS_MAX senders and HWI_OPS_MAX calls of
// each; a call beyond is ignored. A member that keeps to its own limit of operations never passes
// it; for one that does, the operation ends at its deadline.
struct hwi_early {
    struct hwi_early_peer *peers;
    uint32_t count;
    uint32_t capacity;
};

// Remembers a call (borrowed until return). A call of a newer view drops the sender's older ones;
// one of an older view, or a second one for an operation, is ignored.
void hwi_early_keep(struct hwi_early *early, const struct hwi_alloc *alloc, uint64_t peer,
                    const struct hwi_msg_call *call);
// Takes the call of `peer` for `op` out, into *call; false if there is none.
bool hwi_early_take(struct hwi_early *early, uint64_t peer, struct hwi_op op,
                    struct hwi_msg_call *call);
// `view` is in force: drops calls of older views, and those for it from others than `members`
// (sorted; borrowed until return).
void hwi_early_forget(struct hwi_early *early, const struct hwi_alloc *alloc, uint64_t view,
                      const uint64_t *members, uint32_t count);
void hwi_early_fini(struct hwi_early *early, const struct hwi_alloc *alloc);

#endif
