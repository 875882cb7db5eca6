// SPDX-License-Identifier: MIT
// commit: the channel's first `count` operations are committed.
#include "actors/peer/calls.h"
#include "actors/peer/channels.h"
#include "actors/peer/end.h"
#include "actors/peer/finish.h"
#include "actors/peer/handlers.h"
#include "actors/peer/session.h"
#include "actors/peer/turns.h"

#include <hawser/types.h>

static void commit_calls(struct hwi_peer *peer, struct hwi_peer_channel *channel,
                         const struct hwi_msg_commit *commit, struct hwi_effects *effects)
{
    struct hwi_op op = {
        .view = commit->view, .kind = commit->kind, .tag = commit->tag, .seq = channel->heard};
    channel->heard = HWI_MAX(channel->heard, commit->count);
    for (; op.seq < commit->count; op.seq++) {
        struct hwi_peer_call *call = hwi_peer_call_of(peer, op);
        if (call != NULL) {
            call->pending = commit->pending;
            call->value = commit->value;
            hwi_peer_end(peer, call, HWS_OK, effects);
        }
    }
}

void hwi_peer_on_commit(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_peer *peer = state;
    const struct hwi_msg_commit *commit = &event->msg->u.commit;
    if (peer->phase != HWI_PEER_PHASE_MEMBER || commit->view != peer->view.number) {
        return;
    }
    struct hwi_peer_channel *channel = hwi_peer_channel_find(peer, commit->kind, commit->tag);
    uint32_t done = channel != NULL ? channel->done : 0;
    uint32_t heard = channel != NULL ? channel->heard : 0;
    if (commit->count > done) {
        hwi_peer_finish_not_done(peer, effects);
        return;
    }
    if (commit->from > heard) { // an earlier commit was lost, and what it said with it
        hwi_peer_register_again(peer, effects);
        return;
    }
    peer->pending = commit->pending;
    if (channel != NULL) {
        commit_calls(peer, channel, commit, effects);
    }
    hwi_peer_start_queued(peer, effects);
}
