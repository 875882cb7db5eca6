// SPDX-License-Identifier: MIT
// probe: the master asks whether we are there.
#include "actors/peer/handlers.h"
#include "actors/peer/session.h"

void hwi_peer_on_probe(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_peer *peer = state;
    (void)event;
    if (peer->welcomed) {
        hwi_peer_heartbeat(peer, effects);
    }
}
