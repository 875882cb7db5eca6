// SPDX-License-Identifier: MIT
// cancel: the trainer gives a call up. The master decides, for the others may be Done with it.
#include "actors/peer/calls.h"
#include "actors/peer/end.h"
#include "actors/peer/handlers.h"

#include <hawser/types.h>

static struct hwi_peer_call *call_named(const struct hwi_peer *peer, uint64_t request)
{
    struct hwi_peer_call *call = hwi_peer_call_first(peer);
    while (call != NULL && call->request.request != request) {
        call = hwi_peer_call_next(peer, call);
    }
    return call;
}

void hwi_peer_on_cancel(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_peer *peer = state;
    struct hwi_peer_call *call = call_named(peer, event->msg->u.cancel.request);
    if (call == NULL) {
        return; // it ended
    }
    call->cancelled = true;
    // A result that is here will be decided by the others being Done, a vote perhaps never
    bool done = call->stage == HWI_CALL_DONE && !hwi_kind_is_agreement(call->request.kind);
    if (call->stage != HWI_CALL_ENDING && !done) {
        hwi_peer_give_up(peer, call, HWS_E_CANCELLED, effects);
    }
}
