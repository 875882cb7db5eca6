// SPDX-License-Identifier: MIT
// cancel: the trainer gives a call up. The master decides, for the others may be Done with it.
#include "actors/peer/peer.h"

#include <hawser/types.h>

static struct call *call_named(struct peer *p, uint64_t request)
{
    for (uint32_t i = 0, seen = 0; i < p->call_capacity && seen < p->call_count; i++) {
        struct call *c = &p->calls[i];
        seen += c->stage != CALL_FREE;
        if (c->stage != CALL_FREE && c->request.request == request) {
            return c;
        }
    }
    return NULL;
}

void hwi_peer_on_cancel(struct peer *p, const struct hwi_msg_cancel *m, struct hwi_effects *fx)
{
    struct call *c = call_named(p, m->request);
    if (c == NULL) {
        return; // it ended
    }
    c->cancelled = true;
    // A result that is here will be decided by the others being Done, a vote perhaps never
    bool done = c->stage == CALL_DONE && !hwi_kind_is_agreement(c->request.kind);
    if (c->stage != CALL_ENDING && !done) {
        hwi_peer_give_up(p, c, HWS_E_CANCELLED, fx);
    }
}
