// SPDX-License-Identifier: MIT
// Stripes to the members of our group in the view in force and in the proposal.
#include "actors/base/place.h"
#include "actors/peer/peer.h"

#include <stdio.h>
#include <string.h>

static struct edge *find_edge(struct peer *p, uint64_t peer)
{
    if (p->edge_count == 0 || peer < p->edges[0].peer) {
        return NULL;
    }
    // As in hwi_peer_rank; our own id is left out.
    uint32_t low = 0, high = (uint32_t)HWI_MIN(peer - p->edges[0].peer, p->edge_count - 1);
    low = high > 0 && p->edges[high - 1].peer <= peer ? high - 1 : 0;
    low += HWI_PLACE(struct edge, peer, p->edges + low, high - low, peer);
    return p->edges[low].peer == peer ? &p->edges[low] : NULL;
}

static bool proposed(const struct peer *p, uint64_t peer)
{
    return hwi_peer_is_ours(&p->proposal, peer);
}

static void open_edge(struct peer *p, struct edge *e, int64_t rank, struct hwi_effects *fx)
{
    struct target *t = &p->targets[rank];
    p->opening += e->state != EDGE_OPENING;
    e->state = EDGE_OPENING;
    t->tries++;
    struct hwi_msg_edge_open *o = HWI_EMIT(fx, hwi_peer_local(HWI_ROLE_DATA), edge_open);
    o->run = p->run;
    o->self = p->id;
    o->self_incarnation = p->config.incarnation;
    o->peer = e->peer;
    o->incarnation = t->incarnation;
    o->dial = p->id > e->peer;
    o->stripes = p->config.stripes;
    snprintf(o->address, sizeof o->address, "%s", o->dial ? p->addresses + t->address : "");
}

void hwi_peer_targets_forget(struct peer *p)
{
    hwi_free(p->alloc, p->targets);
    hwi_free(p->alloc, p->addresses);
    p->targets = NULL;
    p->addresses = NULL;
    p->addresses_bytes = 0;
}

static void note_targets(struct peer *p, const struct hwi_msg_propose *m)
{
    hwi_peer_targets_forget(p);
    p->targets = hwi_new(p->alloc, m->members_count * sizeof *p->targets);
    for (uint32_t i = 0; i < m->members_count; i++) {
        bool dial = m->members[i].peer < p->id;
        p->targets[i].incarnation = m->members[i].incarnation;
        p->targets[i].address = p->addresses_bytes;
        p->addresses_bytes += dial ? (uint32_t)strlen(m->members[i].address) + 1 : 0;
    }
    p->addresses = hwi_new(p->alloc, p->addresses_bytes);
    for (uint32_t i = 0; i < m->members_count && m->members[i].peer < p->id; i++) {
        const char *address = m->members[i].address;
        memcpy(p->addresses + p->targets[i].address, address, strlen(address) + 1);
    }
}

// An edge for each other member of our group in the proposal and in the view, and for nobody else.
static void list_edges(struct peer *p, struct hwi_effects *fx)
{
    struct edge *old = p->edges;
    uint32_t old_count = p->edge_count, at = 0;
    p->edge_count = 0;
    p->edges = hwi_new(p->alloc, (old_count + p->proposal.own_count) * sizeof *p->edges);
    for (uint32_t i = 0; i <= p->proposal.count; i++) {
        if (i < p->proposal.count && !hwi_peer_is_ours_at(&p->proposal, i)) {
            continue;
        }
        uint64_t next = i < p->proposal.count ? p->proposal.ids[i].value : UINT64_MAX;
        for (; at < old_count && old[at].peer < next; at++) {
            p->edges[p->edge_count++] = old[at];
        }
        bool known = at < old_count && old[at].peer == next;
        if (known || (i < p->proposal.count && next != p->id)) {
            p->edges[p->edge_count++] =
                known ? old[at++] : (struct edge){.peer = next, .state = EDGE_DOWN};
        }
    }
    hwi_free(p->alloc, old);
    hwi_peer_close_edges(p, false, fx);
}

static void open_edges(struct peer *p, struct hwi_effects *fx)
{
    p->opening = 0;
    for (uint32_t i = 0; i < p->edge_count; i++) {
        struct edge *e = &p->edges[i];
        int64_t rank = e->state == EDGE_UP ? -1 : hwi_peer_rank(&p->proposal, e->peer);
        if (rank >= 0) {
            p->opening += e->state == EDGE_OPENING;
            open_edge(p, e, rank, fx);
        }
    }
}

void hwi_peer_on_propose(struct peer *p, const struct hwi_msg_propose *m, struct hwi_effects *fx)
{
    if (m->incarnation != p->config.incarnation || m->view <= p->view.number ||
        !hwi_peer_members_ordered(m->members, m->members_count)) {
        return;
    }
    if (m->view <= p->proposal.number) {
        if (m->view == p->proposal.number && p->ready_said) {
            hwi_peer_tell_ready(p, fx);
        }
        return;
    }
    hwi_peer_members_set(p, &p->proposal, m->view, m->members, m->members_count);
    p->ready_said = false;
    p->ready_until_ns = p->now_ns + m->timeout_ms * HWI_NS_PER_MS / 4 * 3;
    note_targets(p, m);
    list_edges(p, fx);
    open_edges(p, fx);
    hwi_peer_say_ready(p, false, fx);
}

// A dialler that was refused gives up soon; an acceptor goes on expecting, until the proposal's
// time is over.
static bool may_try_again(const struct peer *p, uint64_t peer, int64_t rank)
{
    return p->targets[rank].tries < (p->id > peer ? 2 : PEER_EDGE_TRIES_MAX);
}

void hwi_peer_say_ready(struct peer *p, bool expired, struct hwi_effects *fx)
{
    if (p->proposal.number == 0 || p->ready_said || (p->opening > 0 && !expired)) {
        return;
    }
    p->ready_said = true;
    hwi_peer_targets_forget(p);
    hwi_peer_tell_ready(p, fx);
}

void hwi_peer_tell_ready(struct peer *p, struct hwi_effects *fx)
{
    struct hwi_id *broken = hwi_effects_memory(fx, p->edge_count * sizeof *broken);
    uint32_t count = 0;
    for (uint32_t i = 0; i < p->edge_count; i++) {
        if (p->edges[i].state != EDGE_UP && proposed(p, p->edges[i].peer)) {
            broken[count++].value = p->edges[i].peer;
        }
    }
    struct hwi_msg_ready *r = PEER_TELL(p, fx, ready);
    r->view = p->proposal.number;
    r->broken = broken;
    r->broken_count = count;
}

// It is up or down from now on.
static void settle(struct peer *p, struct edge *e, enum edge_state state)
{
    p->opening -= e->state == EDGE_OPENING && proposed(p, e->peer);
    e->state = state;
}

void hwi_peer_on_edge_up(struct peer *p, uint64_t peer, struct hwi_effects *fx)
{
    struct edge *e = find_edge(p, peer);
    if (e != NULL) {
        settle(p, e, EDGE_UP);
        hwi_peer_say_ready(p, false, fx);
    }
}

static void tell_lost(struct peer *p, uint64_t view, uint64_t peer, struct hwi_effects *fx)
{
    struct hwi_msg_edge_lost *l = PEER_TELL(p, fx, edge_lost);
    l->view = view;
    l->peer = peer;
}

void hwi_peer_on_edge_down(struct peer *p, uint64_t peer, struct hwi_effects *fx)
{
    struct edge *e = find_edge(p, peer);
    if (e == NULL) {
        return;
    }
    bool was_up = e->state == EDGE_UP;
    settle(p, e, EDGE_DOWN);
    if (was_up && hwi_peer_rank(&p->view, peer) >= 0) {
        tell_lost(p, p->view.number, peer, fx);
    }
    int64_t rank = hwi_peer_rank(&p->proposal, peer);
    if (rank >= 0 && p->ready_said) {
        tell_lost(p, p->proposal.number, peer, fx);
    } else if (rank >= 0 && may_try_again(p, peer, rank)) {
        open_edge(p, e, rank, fx);
    }
    hwi_peer_say_ready(p, false, fx);
}

void hwi_peer_report_edges(struct peer *p, struct hwi_effects *fx)
{
    for (uint32_t i = 0; i < p->view.count; i++) {
        uint64_t peer = p->view.ids[i].value;
        const struct edge *e = find_edge(p, peer);
        bool ours = hwi_peer_is_ours_at(&p->view, i) && peer != p->id;
        if (ours && (e == NULL || e->state != EDGE_UP)) {
            tell_lost(p, p->view.number, peer, fx);
        }
    }
}

void hwi_peer_close_edges(struct peer *p, bool all, struct hwi_effects *fx)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < p->edge_count; i++) {
        struct edge e = p->edges[i];
        bool wanted = hwi_peer_rank(&p->view, e.peer) >= 0 || proposed(p, e.peer);
        if (wanted && !all) {
            p->edges[kept++] = e;
        } else {
            HWI_EMIT(fx, hwi_peer_local(HWI_ROLE_DATA), edge_close)->peer = e.peer;
        }
    }
    p->edge_count = kept;
    p->edges = hwi_resize(p->alloc, p->edges, kept * sizeof *p->edges);
}
