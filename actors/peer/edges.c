// SPDX-License-Identifier: MIT
// Stripes to the members of the view in force and of the proposal.
#include "actors/peer/peer.h"

#include <stdio.h>
#include <string.h>

static struct edge *find_edge(struct peer *p, uint64_t peer)
{
    for (uint32_t i = 0; i < p->edge_count; i++) {
        if (p->edges[i].peer == peer) {
            return &p->edges[i];
        }
    }
    return NULL;
}

static struct edge *add_edge(struct peer *p, const struct hwi_member *m)
{
    if (p->edge_count == p->edge_capacity) {
        p->edge_capacity = HWI_MAX(16, p->edge_capacity * 2);
        p->edges = hwi_resize(p->alloc, p->edges, p->edge_capacity * sizeof *p->edges);
    }
    struct edge *e = &p->edges[p->edge_count++];
    *e = (struct edge){.peer = m->peer, .incarnation = m->incarnation, .state = EDGE_DOWN};
    return e;
}

static void open_edge(struct peer *p, struct edge *e, const struct hwi_member *m,
                      struct hwi_effects *fx)
{
    e->state = EDGE_OPENING;
    e->tries++;
    struct hwi_msg_edge_open *o = HWI_EMIT(fx, hwi_peer_local(HWI_ROLE_DATA), edge_open);
    o->run = p->run;
    o->self = p->id;
    o->self_incarnation = p->config.incarnation;
    o->peer = m->peer;
    o->incarnation = m->incarnation;
    o->dial = p->id > m->peer;
    o->stripes = p->config.stripes;
    snprintf(o->address, sizeof o->address, "%s", m->address);
}

void hwi_peer_on_propose(struct peer *p, const struct hwi_msg_propose *m, struct hwi_effects *fx)
{
    if (m->incarnation != p->config.incarnation || m->view <= p->view.number) {
        return;
    }
    if (m->view <= p->proposal.number) {
        if (m->view == p->proposal.number && p->ready_said) {
            hwi_peer_tell_ready(p, fx);
        }
        return;
    }
    hwi_peer_members_copy(p, &p->proposal, m->view, m->members, m->members_count);
    p->ready_said = false;
    p->ready_until_ns = p->now_ns + m->timeout_ms * HWI_NS_PER_MS / 4 * 3;
    for (uint32_t i = 0; i < p->proposal.count; i++) {
        const struct hwi_member *member = &p->proposal.list[i];
        if (member->peer == p->id) {
            continue;
        }
        struct edge *e = find_edge(p, member->peer);
        e = e == NULL ? add_edge(p, member) : e;
        e->tries = 0;
        if (e->state != EDGE_UP) {
            open_edge(p, e, member, fx);
        }
    }
    hwi_peer_close_edges(p, false, fx);
    hwi_peer_say_ready(p, false, fx);
}

// A dialler that was refused gives up soon; an acceptor goes on expecting, until the proposal's
// time is over.
static bool may_try_again(const struct peer *p, const struct edge *e)
{
    return e->tries < (p->id > e->peer ? 2 : PEER_EDGE_TRIES_MAX);
}

void hwi_peer_say_ready(struct peer *p, bool expired, struct hwi_effects *fx)
{
    if (p->proposal.number == 0 || p->ready_said) {
        return;
    }
    for (uint32_t i = 0; i < p->edge_count && !expired; i++) {
        bool concerned = hwi_peer_member(&p->proposal, p->edges[i].peer) != NULL;
        if (concerned && p->edges[i].state == EDGE_OPENING) {
            return;
        }
    }
    p->ready_said = true;
    hwi_peer_tell_ready(p, fx);
}

void hwi_peer_tell_ready(struct peer *p, struct hwi_effects *fx)
{
    struct hwi_id *broken = hwi_effects_memory(fx, p->edge_count * sizeof *broken);
    uint32_t count = 0;
    for (uint32_t i = 0; i < p->edge_count; i++) {
        bool concerned = hwi_peer_member(&p->proposal, p->edges[i].peer) != NULL;
        if (concerned && p->edges[i].state != EDGE_UP) {
            broken[count++].value = p->edges[i].peer;
        }
    }
    struct hwi_msg_ready *r = PEER_TELL(p, fx, ready);
    r->view = p->proposal.number;
    r->broken = broken;
    r->broken_count = count;
}

void hwi_peer_on_edge_up(struct peer *p, uint64_t peer, struct hwi_effects *fx)
{
    struct edge *e = find_edge(p, peer);
    if (e != NULL) {
        e->state = EDGE_UP;
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
    const struct hwi_member *proposed = hwi_peer_member(&p->proposal, peer);
    e->state = EDGE_DOWN;
    if (was_up && hwi_peer_member(&p->view, peer) != NULL) {
        tell_lost(p, p->view.number, peer, fx);
    }
    if (proposed != NULL && p->ready_said) {
        tell_lost(p, p->proposal.number, peer, fx);
    } else if (proposed != NULL && may_try_again(p, e)) {
        open_edge(p, e, proposed, fx);
    }
    hwi_peer_say_ready(p, false, fx);
}

void hwi_peer_report_edges(struct peer *p, struct hwi_effects *fx)
{
    for (uint32_t i = 0; i < p->view.count; i++) {
        uint64_t peer = p->view.list[i].peer;
        const struct edge *e = find_edge(p, peer);
        if (peer != p->id && (e == NULL || e->state != EDGE_UP)) {
            tell_lost(p, p->view.number, peer, fx);
        }
    }
}

void hwi_peer_close_edges(struct peer *p, bool all, struct hwi_effects *fx)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < p->edge_count; i++) {
        struct edge e = p->edges[i];
        bool wanted = hwi_peer_member(&p->view, e.peer) != NULL ||
                      hwi_peer_member(&p->proposal, e.peer) != NULL;
        if (wanted && !all) {
            p->edges[kept++] = e;
        } else {
            HWI_EMIT(fx, hwi_peer_local(HWI_ROLE_DATA), edge_close)->peer = e.peer;
        }
    }
    p->edge_count = kept;
}
