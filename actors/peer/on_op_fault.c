// SPDX-License-Identifier: MIT
// op_fault: a call cannot be Done here, or a lane itself has failed.
#include "actors/peer/calls.h"
#include "actors/peer/end.h"
#include "actors/peer/finish.h"
#include "actors/peer/handlers.h"
#include "actors/peer/report.h"

#include <hawser/types.h>

static void note_lane_failed(struct hwi_peer *peer, enum hwi_role lane, struct hwi_effects *effects)
{
    peer->lanes_failed |= 1u << lane;
    struct hwi_peer_call *call = hwi_peer_call_first(peer);
    for (; call != NULL; call = hwi_peer_call_next(peer, call)) {
        if (call->stage == HWI_CALL_ENDING && hwi_peer_lane_of(call->request.kind) == lane) {
            int over = hwi_peer_ended(peer, call, NULL, effects); // it let go of the memory
            hwi_peer_finish_with(peer, over, effects);
        }
    }
    hwi_peer_finish(peer, HWS_E_INTERNAL, "an internal check failed", effects);
}

void hwi_peer_on_op_fault(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_peer *peer = state;
    const struct hwi_msg_op_fault *fault = &event->msg->u.op_fault;
    if (fault->fault.status == HWS_E_INTERNAL) {
        note_lane_failed(peer, event->from.role, effects);
        return;
    }
    struct hwi_peer_call *call = hwi_peer_call_of(peer, fault->op);
    if (call != NULL) {
        hwi_peer_withdraw(peer, call, &fault->fault, effects);
    }
}
