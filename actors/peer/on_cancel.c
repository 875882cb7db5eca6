// SPDX-License-Identifier: MIT
// cancel: the trainer gives a call up. The master decides, for the others may be Done with it.
#include "actors/peer/peer.h"

#include <hawser/types.h>

static struct hwi_peer_call *call_named(struct hwi_peer *peer, uint64_t request)
{
    for (uint32_t i = 0, seen = 0; i < peer->call_capacity && seen < peer->call_count; i++) {
        struct hwi_peer_call *c = &peer->calls[i];
        seen += c->stage != HWI_CALL_FREE;
        if (c->stage != HWI_CALL_FREE && c->request.request == request) {
            return c;
        }
    }
    return NULL;
}

void hwi_peer_on_cancel(struct hwi_peer *peer, const struct hwi_msg_cancel *m,
                        struct hwi_effects *effects)
{
    struct hwi_peer_call *c = call_named(peer, m->request);
    if (c == NULL) {
        return; // it ended
    }
    c->cancelled = true;
    // A result that is here will be decided by the others being Done, a vote perhaps never
    bool done = c->stage == HWI_CALL_DONE && !hwi_kind_is_agreement(c->request.kind);
    if (c->stage != HWI_CALL_ENDING && !done) {
        hwi_peer_give_up(peer, c, HWS_E_CANCELLED, effects);
    }
}
