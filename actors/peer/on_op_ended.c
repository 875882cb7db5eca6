// SPDX-License-Identifier: MIT
// op_ended: a lane has let go of a call.
#include "actors/peer/calls.h"
#include "actors/peer/end.h"
#include "actors/peer/finish.h"
#include "actors/peer/handlers.h"
#include "actors/peer/turns.h"

void hwi_peer_on_op_ended(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_peer *peer = state;
    const struct hwi_msg_op_ended *ended = &event->msg->u.op_ended;
    struct hwi_peer_call *call = hwi_peer_call_first(peer);
    while (call != NULL && !(call->stage == HWI_CALL_ENDING && hwi_op_equal(call->op, ended->op))) {
        call = hwi_peer_call_next(peer, call);
    }
    if (call != NULL) {
        hwi_peer_finish_with(peer, hwi_peer_ended(peer, call, ended, effects), effects);
    }
    if (peer->phase == HWI_PEER_PHASE_FINISHED) {
        hwi_peer_closed(peer, effects);
    }
    hwi_peer_start_queued(peer, effects);
}
