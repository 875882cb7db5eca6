// SPDX-License-Identifier: MIT
// commit: the channel's first `count` operations are committed.
#include "actors/peer/peer.h"

#include <hawser/types.h>

void hwi_peer_on_commit(struct hwi_peer *peer, const struct hwi_msg_commit *m,
                        struct hwi_effects *effects)
{
    if (peer->phase != HWI_PEER_PHASE_MEMBER || m->view != peer->view.number) {
        return;
    }
    struct hwi_peer_channel *ch = hwi_peer_channel(peer, m->kind, m->tag);
    if (ch == NULL || m->count > ch->done) {
        hwi_peer_finish(peer, HWS_E_INTERNAL,
                        "the master committed what this member was not Done with", effects);
        return;
    }
    if (m->from > ch->heard) { // an earlier commit was lost, and what it said with it
        hwi_peer_register_again(peer, effects);
        return;
    }
    peer->pending = m->pending;
    struct hwi_op op = {.view = m->view, .kind = m->kind, .tag = m->tag, .seq = ch->heard};
    ch->heard = HWI_MAX(ch->heard, m->count);
    for (; op.seq < m->count; op.seq++) {
        struct hwi_peer_call *c = hwi_peer_call_of(peer, op);
        if (c != NULL) {
            c->pending = m->pending;
            c->value = m->value;
            hwi_peer_end(peer, c, HWS_OK, effects);
        }
    }
    hwi_peer_start_queued(peer, effects);
}
