// SPDX-License-Identifier: MIT
#include "actors/peer/edges.h"
#include "actors/peer/link.h"
#include "actors/peer/members.h"
#include "actors/peer/proposal.h"
#include "actors/peer/session.h"
#include "actors/peer/view.h"

// Members of the view in force that the next one has not, in *lost if there is room.
static uint32_t list_lost(const struct hwi_peer *peer, const struct hwi_msg_announce *announce,
                          struct hwi_id *lost)
{
    uint32_t count = 0, at = 0;
    for (uint32_t i = 0; i < peer->view.count; i++) {
        uint64_t id = peer->view.ids[i].value;
        while (at < announce->members_count && announce->members[at].peer < id) {
            at++;
        }
        if (at == announce->members_count || announce->members[at].peer != id) {
            if (lost != NULL) {
                lost[count].value = id;
            }
            count++;
        }
    }
    return count;
}

void hwi_peer_note_lost(struct hwi_peer *peer, const struct hwi_msg_announce *announce)
{
    peer->lost_count = list_lost(peer, announce, NULL);
    peer->lost = hwi_resize(peer->alloc, peer->lost, peer->lost_count * sizeof *peer->lost);
    list_lost(peer, announce, peer->lost);
}

static void tell_lanes(const struct hwi_peer *peer, struct hwi_effects *effects)
{
    struct hwi_id *members = hwi_peer_ids(&peer->view, false, effects);
    static const enum hwi_role lanes[] = {HWI_ROLE_REDUCER, HWI_ROLE_SNAPSHOT};
    for (size_t i = 0; i < HWI_COUNT(lanes); i++) {
        struct hwi_msg_lane_view *view = HWI_EMIT(effects, hwi_peer_local(lanes[i]), lane_view);
        view->view = peer->view.number;
        view->self = peer->id;
        view->members = members;
        view->members_count = peer->view.own_count;
    }
}

void hwi_peer_switch_view(struct hwi_peer *peer, const struct hwi_msg_announce *announce,
                          struct hwi_effects *effects)
{
    hwi_peer_members_forget(peer, &peer->before);
    peer->before = peer->view;
    peer->view = (struct hwi_peer_members){0};
    hwi_peer_members_set(peer, &peer->view, announce->view, announce->members,
                         announce->members_count);
    peer->view.groups = announce->groups;
    peer->view.largest = announce->largest;
    peer->channel_count = 0;
    hwi_peer_proposal_forget(peer);
    tell_lanes(peer, effects);
    hwi_peer_edges_close(peer, false, effects);
    hwi_peer_heartbeat(peer, effects); // acknowledges the outcomes
    hwi_peer_edges_report(peer, effects);
}
