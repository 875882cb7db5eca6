// SPDX-License-Identifier: MIT
// open: the first event; everything the peer must know.
#include "actors/peer/handlers.h"
#include "actors/peer/session.h"

void hwi_peer_on_open(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_peer *peer = state;
    const struct hwi_msg_open *open = &event->msg->u.open;
    peer->config = *open;
    peer->phase = HWI_PEER_PHASE_JOINING;
    peer->open_until_ns = peer->now_ns + open->timeout_ns;
    hwi_peer_register(peer, effects);
}
