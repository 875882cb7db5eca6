// SPDX-License-Identifier: MIT
#include "actors/base/rows.h"
#include "actors/peer/edges.h"
#include "actors/peer/link.h"
#include "actors/peer/members.h"

struct hwi_peer_edge *hwi_peer_edge_find(const struct hwi_peer *peer, uint64_t id)
{
    struct hwi_peer_edge *edges = peer->edges;
    if (peer->edge_count == 0 || id < edges[0].peer) {
        return NULL;
    }
    // As in hwi_peer_rank; our own id is left out.
    uint32_t low = 0, high = (uint32_t)HWI_MIN(id - edges[0].peer, peer->edge_count - 1);
    low = high > 0 && edges[high - 1].peer <= id ? high - 1 : 0;
    return HWI_ROWS_FIND(struct hwi_peer_edge, peer, edges + low, high - low + 1, id);
}

void hwi_peer_edges_list(struct hwi_peer *peer, struct hwi_effects *effects)
{
    const struct hwi_peer_members *proposal = &peer->proposal;
    struct hwi_peer_edge *old = peer->edges;
    uint32_t old_count = peer->edge_count, at = 0;
    peer->edge_count = 0;
    peer->edges = hwi_new(peer->alloc, (old_count + proposal->own_count) * sizeof *peer->edges);
    for (uint32_t i = 0; i <= proposal->count; i++) {
        if (i < proposal->count && !hwi_peer_is_ours_at(proposal, i)) {
            continue;
        }
        uint64_t next = i < proposal->count ? proposal->ids[i].value : UINT64_MAX;
        for (; at < old_count && old[at].peer < next; at++) {
            peer->edges[peer->edge_count++] = old[at];
        }
        bool known = at < old_count && old[at].peer == next;
        if (known || (i < proposal->count && next != peer->id)) {
            peer->edges[peer->edge_count++] =
                known ? old[at++]
                      : (struct hwi_peer_edge){.peer = next, .state = HWI_PEER_EDGE_DOWN};
        }
    }
    hwi_free(peer->alloc, old);
    hwi_peer_edges_close(peer, false, effects);
}

void hwi_peer_edge_tell_lost(struct hwi_peer *peer, uint64_t view, uint64_t id,
                             struct hwi_effects *effects)
{
    struct hwi_msg_edge_lost *lost = HWI_PEER_TELL(peer, effects, edge_lost);
    lost->view = view;
    lost->peer = id;
}

void hwi_peer_edges_report(struct hwi_peer *peer, struct hwi_effects *effects)
{
    for (uint32_t i = 0; i < peer->view.count; i++) {
        uint64_t id = peer->view.ids[i].value;
        const struct hwi_peer_edge *edge = hwi_peer_edge_find(peer, id);
        bool ours = hwi_peer_is_ours_at(&peer->view, i) && id != peer->id;
        if (ours && (edge == NULL || edge->state != HWI_PEER_EDGE_UP)) {
            hwi_peer_edge_tell_lost(peer, peer->view.number, id, effects);
        }
    }
}

void hwi_peer_edges_close(struct hwi_peer *peer, bool all, struct hwi_effects *effects)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < peer->edge_count; i++) {
        struct hwi_peer_edge edge = peer->edges[i];
        bool wanted = hwi_peer_rank(&peer->view, edge.peer) >= 0 ||
                      hwi_peer_is_ours(&peer->proposal, edge.peer);
        if (wanted && !all) {
            peer->edges[kept++] = edge;
        } else {
            HWI_EMIT(effects, hwi_peer_local(HWI_ROLE_DATA), edge_close)->peer = edge.peer;
        }
    }
    peer->edge_count = kept;
    peer->edges = hwi_resize(peer->alloc, peer->edges, kept * sizeof *peer->edges);
}
