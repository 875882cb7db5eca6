// SPDX-License-Identifier: MIT
// pong: the master heard a heartbeat, and says how many messages it sent.
#include <string.h>

#include "actors/peer/handlers.h"
#include "actors/peer/session.h"

void hwi_peer_on_pong(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_peer *peer = state;
    const struct hwi_msg_pong *pong = &event->msg->u.pong;
    peer->pong_ns = peer->now_ns;
    memcpy(peer->trouble, pong->trouble, sizeof peer->trouble);
    // `received` counts this pong, `sent` does not
    if (peer->welcomed && pong->sent + 1 != peer->received) {
        hwi_peer_register_again(peer, effects);
    }
}
