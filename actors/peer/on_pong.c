// SPDX-License-Identifier: MIT
// pong: the master heard a heartbeat, and says how many messages it sent.
#include <string.h>

#include "actors/peer/handlers.h"
#include "actors/peer/members.h"
#include "actors/peer/session.h"
#include "actors/peer/turns.h"

// With too few members nothing commits that could tell how many wait, the same to all: then each
// member hears it by itself, and all are to admit.
static void hear_pending(struct hwi_peer *peer, uint32_t pending, struct hwi_effects *effects)
{
    if (peer->phase == HWI_PEER_PHASE_MEMBER && hwi_peer_too_few(peer) &&
        pending != peer->pending) {
        peer->pending = pending;
        hwi_peer_start_queued(peer, effects);
    }
}

void hwi_peer_on_pong(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_peer *peer = state;
    const struct hwi_msg_pong *pong = &event->msg->u.pong;
    peer->pong_ns = peer->now_ns;
    memcpy(peer->trouble, pong->trouble, sizeof peer->trouble);
    hear_pending(peer, pong->pending, effects);
    // `received` counts this pong, `sent` does not
    if (peer->welcomed && pong->sent + 1 != peer->received) {
        hwi_peer_register_again(peer, effects);
    }
}
