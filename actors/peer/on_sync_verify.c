// SPDX-License-Identifier: MIT
// sync_verify: not all offered the same without hashing.
#include "actors/peer/calls.h"
#include "actors/peer/handlers.h"
#include "actors/peer/sync.h"

void hwi_peer_on_sync_verify(void *state, const struct hwi_event *event,
                             struct hwi_effects *effects)
{
    struct hwi_peer *peer = state;
    struct hwi_peer_call *call = hwi_peer_call_of(peer, event->msg->u.sync_verify.op);
    if (call != NULL) {
        hwi_peer_sync_verify(call, effects);
    }
}
