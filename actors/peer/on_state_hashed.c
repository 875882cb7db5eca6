// SPDX-License-Identifier: MIT
// state_hashed: the snapshot tells what is held.
#include "actors/peer/calls.h"
#include "actors/peer/handlers.h"
#include "actors/peer/sync.h"

void hwi_peer_on_state_hashed(void *state, const struct hwi_event *event,
                              struct hwi_effects *effects)
{
    struct hwi_peer *peer = state;
    const struct hwi_msg_state_hashed *hashed = &event->msg->u.state_hashed;
    struct hwi_peer_call *call = hwi_peer_call_of(peer, hashed->op);
    if (call != NULL) {
        hwi_peer_sync_offer(peer, call, hashed, effects);
    }
}
