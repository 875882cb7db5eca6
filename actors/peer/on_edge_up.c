// SPDX-License-Identifier: MIT
// edge_up: all stripes to a member are open.
#include "actors/peer/edges.h"
#include "actors/peer/handlers.h"
#include "actors/peer/proposal.h"

void hwi_peer_on_edge_up(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_peer *peer = state;
    struct hwi_peer_edge *edge = hwi_peer_edge_find(peer, event->msg->u.edge_up.peer);
    if (edge != NULL) {
        hwi_peer_edge_settle(peer, edge, HWI_PEER_EDGE_UP);
        hwi_peer_say_ready(peer, false, effects);
    }
}
