// SPDX-License-Identifier: MIT
// edge_down: stripes to a member could not be opened, or broke.
#include "actors/peer/edges.h"
#include "actors/peer/handlers.h"
#include "actors/peer/members.h"
#include "actors/peer/proposal.h"

void hwi_peer_on_edge_down(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_peer *peer = state;
    struct hwi_peer_edge *edge = hwi_peer_edge_find(peer, event->msg->u.edge_down.peer);
    if (edge == NULL) {
        return;
    }
    bool was_up = edge->state == HWI_PEER_EDGE_UP;
    hwi_peer_edge_settle(peer, edge, HWI_PEER_EDGE_DOWN);
    if (was_up && hwi_peer_rank(&peer->view, edge->peer) >= 0) {
        hwi_peer_edge_tell_lost(peer, peer->view.number, edge->peer, effects);
    }
    hwi_peer_proposal_lost(peer, edge, effects);
}
