// SPDX-License-Identifier: MIT
// counted: what this process has dropped, for the next heartbeat.
#include "actors/peer/handlers.h"
#include "actors/peer/peer.h"

void hwi_peer_on_counted(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_peer *peer = state;
    (void)effects;
    peer->counters = event->msg->u.counted.counters;
}
