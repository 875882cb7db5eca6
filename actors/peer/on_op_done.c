// SPDX-License-Identifier: MIT
// op_done: the full result of a call is here.
#include "actors/peer/calls.h"
#include "actors/peer/channels.h"
#include "actors/peer/handlers.h"
#include "actors/peer/report.h"

static void note_done(struct hwi_peer *peer, struct hwi_peer_call *call, bool last,
                      struct hwi_effects *effects)
{
    call->stage = HWI_CALL_DONE;
    call->done_ns = peer->now_ns;
    call->last = last;
    struct hwi_peer_channel *channel = hwi_peer_channel_find(peer, call->op.kind, call->op.tag);
    HWI_CHECK(channel != NULL);
    uint32_t before = channel->done, lasts = 0;
    struct hwi_op next = call->op;
    for (; channel->done < channel->entered; channel->done++) {
        next.seq = channel->done;
        const struct hwi_peer_call *other = hwi_peer_call_of(peer, next);
        bool whole = other != NULL && other->stage == HWI_CALL_DONE;
#ifdef HWI_CANARY // the planted bug that `hawser sim` must find
        whole = other != NULL;
#endif
        if (!whole || other->withdrawn) {
            break; // Done is sent in order; a withdrawn operation never sends it
        }
        lasts += other->last;
    }
    if (channel->done > before) {
        hwi_peer_tell_done(peer, channel, lasts, effects);
    }
}

void hwi_peer_on_op_done(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_peer *peer = state;
    struct hwi_peer_call *call = hwi_peer_call_of(peer, event->msg->u.op_done.op);
    if (call != NULL && call->stage == HWI_CALL_RUNNING) {
        note_done(peer, call, event->msg->u.op_done.last, effects);
    }
}
