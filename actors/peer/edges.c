// SPDX-License-Identifier: MIT
// Stripes to the members of our group in the view in force and in the proposal.
#include "actors/base/place.h"
#include "actors/peer/peer.h"

#include <stdio.h>
#include <string.h>

static struct hwi_peer_edge *find_edge(struct hwi_peer *peer, uint64_t id)
{
    if (peer->edge_count == 0 || id < peer->edges[0].peer) {
        return NULL;
    }
    // As in hwi_peer_rank; our own id is left out.
    uint32_t low = 0, high = (uint32_t)HWI_MIN(id - peer->edges[0].peer, peer->edge_count - 1);
    low = high > 0 && peer->edges[high - 1].peer <= id ? high - 1 : 0;
    low += HWI_PLACE(struct hwi_peer_edge, peer, peer->edges + low, high - low, id);
    return peer->edges[low].peer == id ? &peer->edges[low] : NULL;
}

static bool proposed(const struct hwi_peer *peer, uint64_t id)
{
    return hwi_peer_is_ours(&peer->proposal, id);
}

static void open_edge(struct hwi_peer *peer, struct hwi_peer_edge *e, int64_t rank,
                      struct hwi_effects *effects)
{
    struct hwi_peer_target *t = &peer->targets[rank];
    peer->opening += e->state != HWI_PEER_EDGE_OPENING;
    e->state = HWI_PEER_EDGE_OPENING;
    t->tries++;
    struct hwi_msg_edge_open *o = HWI_EMIT(effects, hwi_peer_local(HWI_ROLE_DATA), edge_open);
    o->run = peer->run;
    o->self = peer->id;
    o->self_incarnation = peer->config.incarnation;
    o->peer = e->peer;
    o->incarnation = t->incarnation;
    o->dial = peer->id > e->peer;
    o->stripes = peer->config.stripes;
    snprintf(o->address, sizeof o->address, "%s", o->dial ? peer->addresses + t->address : "");
}

void hwi_peer_targets_forget(struct hwi_peer *peer)
{
    hwi_free(peer->alloc, peer->targets);
    hwi_free(peer->alloc, peer->addresses);
    peer->targets = NULL;
    peer->addresses = NULL;
    peer->addresses_bytes = 0;
}

static void note_targets(struct hwi_peer *peer, const struct hwi_msg_propose *m)
{
    hwi_peer_targets_forget(peer);
    peer->targets = hwi_new(peer->alloc, m->members_count * sizeof *peer->targets);
    for (uint32_t i = 0; i < m->members_count; i++) {
        bool dial = m->members[i].peer < peer->id;
        peer->targets[i].incarnation = m->members[i].incarnation;
        peer->targets[i].address = peer->addresses_bytes;
        peer->addresses_bytes += dial ? (uint32_t)strlen(m->members[i].address) + 1 : 0;
    }
    peer->addresses = hwi_new(peer->alloc, peer->addresses_bytes);
    for (uint32_t i = 0; i < m->members_count && m->members[i].peer < peer->id; i++) {
        const char *address = m->members[i].address;
        memcpy(peer->addresses + peer->targets[i].address, address, strlen(address) + 1);
    }
}

// An edge for each other member of our group in the proposal and in the view, and for nobody else.
static void list_edges(struct hwi_peer *peer, struct hwi_effects *effects)
{
    struct hwi_peer_edge *old = peer->edges;
    uint32_t old_count = peer->edge_count, at = 0;
    peer->edge_count = 0;
    peer->edges =
        hwi_new(peer->alloc, (old_count + peer->proposal.own_count) * sizeof *peer->edges);
    for (uint32_t i = 0; i <= peer->proposal.count; i++) {
        if (i < peer->proposal.count && !hwi_peer_is_ours_at(&peer->proposal, i)) {
            continue;
        }
        uint64_t next = i < peer->proposal.count ? peer->proposal.ids[i].value : UINT64_MAX;
        for (; at < old_count && old[at].peer < next; at++) {
            peer->edges[peer->edge_count++] = old[at];
        }
        bool known = at < old_count && old[at].peer == next;
        if (known || (i < peer->proposal.count && next != peer->id)) {
            peer->edges[peer->edge_count++] =
                known ? old[at++]
                      : (struct hwi_peer_edge){.peer = next, .state = HWI_PEER_EDGE_DOWN};
        }
    }
    hwi_free(peer->alloc, old);
    hwi_peer_close_edges(peer, false, effects);
}

static void open_edges(struct hwi_peer *peer, struct hwi_effects *effects)
{
    peer->opening = 0;
    for (uint32_t i = 0; i < peer->edge_count; i++) {
        struct hwi_peer_edge *e = &peer->edges[i];
        int64_t rank = e->state == HWI_PEER_EDGE_UP ? -1 : hwi_peer_rank(&peer->proposal, e->peer);
        if (rank >= 0) {
            peer->opening += e->state == HWI_PEER_EDGE_OPENING;
            open_edge(peer, e, rank, effects);
        }
    }
}

void hwi_peer_on_propose(struct hwi_peer *peer, const struct hwi_msg_propose *m,
                         struct hwi_effects *effects)
{
    if (m->incarnation != peer->config.incarnation || m->view <= peer->view.number ||
        !hwi_peer_members_ordered(m->members, m->members_count)) {
        return;
    }
    if (m->view <= peer->proposal.number) {
        if (m->view == peer->proposal.number && peer->ready_said) {
            hwi_peer_tell_ready(peer, effects);
        }
        return;
    }
    hwi_peer_members_set(peer, &peer->proposal, m->view, m->members, m->members_count);
    peer->ready_said = false;
    peer->ready_until_ns = peer->now_ns + m->timeout_ms * HWI_NS_PER_MS / 4 * 3;
    note_targets(peer, m);
    list_edges(peer, effects);
    open_edges(peer, effects);
    hwi_peer_say_ready(peer, false, effects);
}

// A dialler that was refused gives up soon; an acceptor goes on expecting, until the proposal's
// time is over.
static bool may_try_again(const struct hwi_peer *peer, uint64_t id, int64_t rank)
{
    return peer->targets[rank].tries < (peer->id > id ? 2 : HWI_PEER_EDGE_TRIES_MAX);
}

void hwi_peer_say_ready(struct hwi_peer *peer, bool expired, struct hwi_effects *effects)
{
    if (peer->proposal.number == 0 || peer->ready_said || (peer->opening > 0 && !expired)) {
        return;
    }
    peer->ready_said = true;
    hwi_peer_targets_forget(peer);
    hwi_peer_tell_ready(peer, effects);
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
    struct hwi_msg_ready *r = HWI_PEER_TELL(peer, effects, ready);
    r->view = peer->proposal.number;
    r->broken = broken;
    r->broken_count = count;
}

// It is up or down from now on.
static void settle(struct hwi_peer *peer, struct hwi_peer_edge *e, enum hwi_peer_edge_state state)
{
    peer->opening -= e->state == HWI_PEER_EDGE_OPENING && proposed(peer, e->peer);
    e->state = state;
}

void hwi_peer_on_edge_up(struct hwi_peer *peer, uint64_t id, struct hwi_effects *effects)
{
    struct hwi_peer_edge *e = find_edge(peer, id);
    if (e != NULL) {
        settle(peer, e, HWI_PEER_EDGE_UP);
        hwi_peer_say_ready(peer, false, effects);
    }
}

static void tell_lost(struct hwi_peer *peer, uint64_t view, uint64_t id,
                      struct hwi_effects *effects)
{
    struct hwi_msg_edge_lost *l = HWI_PEER_TELL(peer, effects, edge_lost);
    l->view = view;
    l->peer = id;
}

void hwi_peer_on_edge_down(struct hwi_peer *peer, uint64_t id, struct hwi_effects *effects)
{
    struct hwi_peer_edge *e = find_edge(peer, id);
    if (e == NULL) {
        return;
    }
    bool was_up = e->state == HWI_PEER_EDGE_UP;
    settle(peer, e, HWI_PEER_EDGE_DOWN);
    if (was_up && hwi_peer_rank(&peer->view, id) >= 0) {
        tell_lost(peer, peer->view.number, id, effects);
    }
    int64_t rank = hwi_peer_rank(&peer->proposal, id);
    if (rank >= 0 && peer->ready_said) {
        tell_lost(peer, peer->proposal.number, id, effects);
    } else if (rank >= 0 && may_try_again(peer, id, rank)) {
        open_edge(peer, e, rank, effects);
    }
    hwi_peer_say_ready(peer, false, effects);
}

void hwi_peer_report_edges(struct hwi_peer *peer, struct hwi_effects *effects)
{
    for (uint32_t i = 0; i < peer->view.count; i++) {
        uint64_t id = peer->view.ids[i].value;
        const struct hwi_peer_edge *e = find_edge(peer, id);
        bool ours = hwi_peer_is_ours_at(&peer->view, i) && id != peer->id;
        if (ours && (e == NULL || e->state != HWI_PEER_EDGE_UP)) {
            tell_lost(peer, peer->view.number, id, effects);
        }
    }
}

void hwi_peer_close_edges(struct hwi_peer *peer, bool all, struct hwi_effects *effects)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < peer->edge_count; i++) {
        struct hwi_peer_edge e = peer->edges[i];
        bool wanted = hwi_peer_rank(&peer->view, e.peer) >= 0 || proposed(peer, e.peer);
        if (wanted && !all) {
            peer->edges[kept++] = e;
        } else {
            HWI_EMIT(effects, hwi_peer_local(HWI_ROLE_DATA), edge_close)->peer = e.peer;
        }
    }
    peer->edge_count = kept;
    peer->edges = hwi_resize(peer->alloc, peer->edges, kept * sizeof *peer->edges);
}
