// SPDX-License-Identifier: MIT
// The table of calls. Returned calls stay in the table: borrowed until one is added.
#ifndef HAWSER_ACTORS_PEER_CALLS_H
#define HAWSER_ACTORS_PEER_CALLS_H

#include "actors/peer/peer.h"

// All calls that are not FREE, in the order of the table:
//     for (call = hwi_peer_call_first(peer); call != NULL; call = hwi_peer_call_next(peer, call))
// Between the two any call may change its stage or be removed, this one, too; none may be added.
static inline struct hwi_peer_call *hwi_peer_call_from(const struct hwi_peer *peer, uint32_t place)
{
    while (place < peer->call_end && peer->calls[place].stage == HWI_CALL_FREE) {
        place++;
    }
    return place < peer->call_end ? &peer->calls[place] : NULL;
}

static inline struct hwi_peer_call *hwi_peer_call_first(const struct hwi_peer *peer)
{
    return hwi_peer_call_from(peer, 0);
}

static inline struct hwi_peer_call *hwi_peer_call_next(const struct hwi_peer *peer,
                                                       const struct hwi_peer_call *call)
{
    return hwi_peer_call_from(peer, (uint32_t)(call - peer->calls) + 1);
}

// The one that is entered under that name; NULL = none
struct hwi_peer_call *hwi_peer_call_of(const struct hwi_peer *peer, struct hwi_op op);
// A new one, QUEUED. There is room: call_count is below HWI_OPS_MAX. `request` is borrowed until
// return. Calls move.
struct hwi_peer_call *hwi_peer_call_add(struct hwi_peer *peer,
                                        const struct hwi_msg_request *request);
void hwi_peer_call_remove(struct hwi_peer *peer, struct hwi_peer_call *call);
// Gives the table room for that number of calls, the new ones FREE. Calls move.
void hwi_peer_calls_reserve(struct hwi_peer *peer, uint32_t capacity);

// An attempt of it is in the view, not decided yet.
static inline bool hwi_peer_entered(const struct hwi_peer_call *call)
{
    return call->stage == HWI_CALL_RUNNING || call->stage == HWI_CALL_DONE;
}

// ENDING, it will be queued again, and not replied.
bool hwi_peer_runs_again(const struct hwi_peer *peer, const struct hwi_peer_call *call);
// The actor that works on calls of this kind; HWI_ROLE_NONE: it is a vote
enum hwi_role hwi_peer_lane_of(uint8_t kind);
struct hwi_signature hwi_peer_signature_of(const struct hwi_peer_call *call);

#endif
