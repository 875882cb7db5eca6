// SPDX-License-Identifier: MIT
// register_again: the master does not know where we stand.
#include "actors/peer/handlers.h"
#include "actors/peer/session.h"

void hwi_peer_on_register_again(void *state, const struct hwi_event *event,
                                struct hwi_effects *effects)
{
    struct hwi_peer *peer = state;
    (void)event;
    if (peer->welcomed) {
        hwi_peer_register_again(peer, effects);
    }
}
