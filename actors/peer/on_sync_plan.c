// SPDX-License-Identifier: MIT
// sync_plan: the elected state and the members that hold it.
#include "actors/peer/calls.h"
#include "actors/peer/handlers.h"
#include "actors/peer/sync.h"

void hwi_peer_on_sync_plan(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_peer *peer = state;
    const struct hwi_msg_sync_plan *plan = &event->msg->u.sync_plan;
    struct hwi_peer_call *call = hwi_peer_call_of(peer, plan->op);
    if (call != NULL) {
        hwi_peer_sync_plan(peer, call, plan, effects);
    }
}
