// SPDX-License-Identifier: MIT
// commit: the channel's first `count` operations are committed.
#include "actors/peer/peer.h"

#include <hawser/types.h>

void hwi_peer_on_commit(struct peer *p, const struct hwi_msg_commit *m, struct hwi_effects *fx)
{
    if (p->phase != PHASE_MEMBER || m->view != p->view.number) {
        return;
    }
    struct channel *ch = hwi_peer_channel(p, m->kind, m->tag);
    if (ch == NULL || m->count > ch->done) {
        hwi_peer_finish(p, HWS_E_INTERNAL,
                        "the master committed what this member was not Done with", fx);
        return;
    }
    if (m->from > ch->heard) { // an earlier commit was lost, and what it said with it
        hwi_peer_register_again(p, fx);
        return;
    }
    p->pending = m->pending;
    struct hwi_op op = {.view = m->view, .kind = m->kind, .tag = m->tag, .seq = ch->heard};
    ch->heard = HWI_MAX(ch->heard, m->count);
    for (; op.seq < m->count; op.seq++) {
        struct call *c = hwi_peer_call_of(p, op);
        if (c != NULL) {
            c->pending = m->pending;
            c->value = m->value;
            hwi_peer_end(p, c, HWS_OK, fx);
        }
    }
    hwi_peer_start_queued(p, fx);
}
