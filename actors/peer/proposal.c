// SPDX-License-Identifier: MIT
#include "actors/base/dials.h"
#include "actors/peer/edges.h"
#include "actors/peer/link.h"
#include "actors/peer/members.h"
#include "actors/peer/proposal.h"

#include <stdio.h>
#include <string.h>

static bool proposed(const struct hwi_peer *peer, uint64_t id)
{
    return hwi_peer_is_ours(&peer->proposal, id);
}

void hwi_peer_targets_forget(struct hwi_peer *peer)
{
    hwi_free(peer->alloc, peer->targets);
    hwi_free(peer->alloc, peer->addresses);
    peer->targets = NULL;
    peer->addresses = NULL;
    peer->addresses_bytes = 0;
}

void hwi_peer_proposal_forget(struct hwi_peer *peer)
{
    hwi_peer_members_forget(peer, &peer->proposal);
    hwi_peer_targets_forget(peer);
    peer->opening = 0;
    peer->ready_said = false;
}

static void note_targets(struct hwi_peer *peer, const struct hwi_msg_propose *propose)
{
    const struct hwi_member *members = propose->members;
    hwi_peer_targets_forget(peer);
    peer->targets = hwi_new(peer->alloc, propose->members_count * sizeof *peer->targets);
    for (uint32_t i = 0; i < propose->members_count; i++) {
        bool dial = hwi_dials(peer->id, members[i].peer);
        peer->targets[i].incarnation = members[i].incarnation;
        peer->targets[i].address = peer->addresses_bytes;
        peer->addresses_bytes += dial ? (uint32_t)strlen(members[i].address) + 1 : 0;
    }
    peer->addresses = hwi_new(peer->alloc, peer->addresses_bytes);
    for (uint32_t i = 0; i < propose->members_count; i++) {
        const char *address = members[i].address;
        if (hwi_dials(peer->id, members[i].peer)) {
            memcpy(peer->addresses + peer->targets[i].address, address, strlen(address) + 1);
        }
    }
}

static void open_edge(struct hwi_peer *peer, struct hwi_peer_edge *edge, int64_t rank,
                      struct hwi_effects *effects)
{
    struct hwi_peer_target *target = &peer->targets[rank];
    peer->opening += edge->state != HWI_PEER_EDGE_OPENING;
    edge->state = HWI_PEER_EDGE_OPENING;
    target->tries++;
    struct hwi_msg_edge_open *open = HWI_EMIT(effects, hwi_peer_local(HWI_ROLE_DATA), edge_open);
    open->run = peer->run;
    open->self = peer->id;
    open->self_incarnation = peer->config.incarnation;
    open->peer = edge->peer;
    open->incarnation = target->incarnation;
    open->dial = hwi_dials(peer->id, edge->peer);
    open->stripes = peer->config.stripes;
    snprintf(open->address, sizeof open->address, "%s",
             open->dial ? peer->addresses + target->address : "");
}

static void open_edges(struct hwi_peer *peer, struct hwi_effects *effects)
{
    peer->opening = 0;
    for (uint32_t i = 0; i < peer->edge_count; i++) {
        struct hwi_peer_edge *edge = &peer->edges[i];
        int64_t rank =
            edge->state == HWI_PEER_EDGE_UP ? -1 : hwi_peer_rank(&peer->proposal, edge->peer);
        if (rank >= 0) {
            peer->opening += edge->state == HWI_PEER_EDGE_OPENING;
            open_edge(peer, edge, rank, effects);
        }
    }
}

void hwi_peer_proposal_set(struct hwi_peer *peer, const struct hwi_msg_propose *propose,
                           struct hwi_effects *effects)
{
    hwi_peer_members_set(peer, &peer->proposal, propose->view, propose->members,
                         propose->members_count);
    peer->ready_said = false;
    peer->ready_until_ns = peer->now_ns + propose->timeout_ms * HWI_NS_PER_MS / 4 * 3;
    note_targets(peer, propose);
    hwi_peer_edges_list(peer, effects);
    open_edges(peer, effects);
    hwi_peer_say_ready(peer, false, effects);
}

void hwi_peer_edge_settle(struct hwi_peer *peer, struct hwi_peer_edge *edge,
                          enum hwi_peer_edge_state state)
{
    peer->opening -= edge->state == HWI_PEER_EDGE_OPENING && proposed(peer, edge->peer);
    edge->state = state;
}

// A refused dialler gives up soon; an acceptor continues to expect, until the proposal's time is
// over.
static bool may_try_again(const struct hwi_peer *peer, uint64_t id, int64_t rank)
{
    return peer->targets[rank].tries < (hwi_dials(peer->id, id) ? 2 : HWI_PEER_EDGE_TRIES_MAX);
}

void hwi_peer_proposal_lost(struct hwi_peer *peer, struct hwi_peer_edge *edge,
                            struct hwi_effects *effects)
{
    int64_t rank = hwi_peer_rank(&peer->proposal, edge->peer);
    if (rank >= 0 && peer->ready_said) {
        hwi_peer_edge_tell_lost(peer, peer->proposal.number, edge->peer, effects);
    } else if (rank >= 0 && may_try_again(peer, edge->peer, rank)) {
        open_edge(peer, edge, rank, effects);
    }
    hwi_peer_say_ready(peer, false, effects);
}

void hwi_peer_say_ready(struct hwi_peer *peer, bool expired, struct hwi_effects *effects)
{
    bool opening = peer->opening > 0 && !expired;
    if (peer->proposal.number != 0 && !peer->ready_said && !opening) {
        peer->ready_said = true;
        hwi_peer_targets_forget(peer);
        hwi_peer_tell_ready(peer, effects);
    }
}

void hwi_peer_tell_ready(struct hwi_peer *peer, struct hwi_effects *effects)
{
    struct hwi_id *broken = hwi_effects_memory(effects, peer->edge_count * sizeof *broken);
    uint32_t count = 0;
    for (uint32_t i = 0; i < peer->edge_count; i++) {
        if (peer->edges[i].state != HWI_PEER_EDGE_UP && proposed(peer, peer->edges[i].peer)) {
            broken[count++].value = peer->edges[i].peer;
        }
    }
    struct hwi_msg_ready *ready = HWI_PEER_TELL(peer, effects, ready);
    ready->view = peer->proposal.number;
    ready->broken = broken;
    ready->broken_count = count;
}
