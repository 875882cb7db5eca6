// SPDX-License-Identifier: MIT
// propose: a view is proposed; its members are to be reached.
#include "actors/peer/handlers.h"
#include "actors/peer/members.h"
#include "actors/peer/proposal.h"

void hwi_peer_on_propose(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_peer *peer = state;
    const struct hwi_msg_propose *propose = &event->msg->u.propose;
    if (propose->incarnation != peer->config.incarnation || propose->view <= peer->view.number ||
        !hwi_peer_members_ordered(propose->members, propose->members_count)) {
        return;
    }
    if (propose->view > peer->proposal.number) {
        hwi_peer_proposal_set(peer, propose, effects);
    } else if (propose->view == peer->proposal.number && peer->ready_said) {
        hwi_peer_tell_ready(peer, effects);
    }
}
