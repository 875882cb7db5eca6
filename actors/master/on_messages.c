// SPDX-License-Identifier: MIT
// The messages of a registered peer that need a few lines each.
#include "actors/master/master.h"

#include <stdio.h>
#include <string.h>

#include <hawser/types.h>

void hwi_master_on_heartbeat(struct hwi_master *master, struct hwi_master_session *s,
                             const struct hwi_msg_heartbeat *h, struct hwi_effects *effects)
{
    // `received` counts this heartbeat, `sent` does not.
    if (h->sent + 1 != s->received) {
        hwi_master_tell(s, effects, HWI_MSG_register_again);
        return;
    }
    if (h->view > s->acked && h->view <= master->view.number) {
        s->acked = h->view;
        hwi_master_prune_past(master);
    }
    uint32_t tallies = h->view == master->view.number ? h->tallies_count : 0;
    if (tallies != s->tally_count) {
        s->tallies = hwi_resize(master->alloc, s->tallies, tallies * sizeof *s->tallies);
        s->tally_count = tallies;
    }
    if (tallies > 0) {
        memcpy(s->tallies, h->tallies, s->tally_count * sizeof *s->tallies);
    }
    uint64_t sent = s->sent;
    struct hwi_msg_pong *p = HWI_MASTER_TELL(s, effects, pong);
    p->sent = sent;
}

// Adds a vote; false if it combines otherwise than the votes before it.
static bool fold(struct hwi_master_channel *c, const struct hwi_msg_done *d)
{
    if (c->redop == 0) {
        c->redop = d->redop;
        c->folded = d->value;
    } else if (c->redop != d->redop) {
        return false;
    } else if (d->redop == HWI_AGREE_AND) {
        c->folded &= d->value;
    } else {
        c->folded = HWI_MIN(c->folded, d->value);
    }
    return true;
}

// The call that votes so on a channel.
static struct hwi_signature voted(const struct hwi_master_channel *c, uint8_t redop)
{
    uint8_t barrier = c->kind == HWI_KIND_AGREE_RUN ? HWI_KIND_BARRIER_RUN : HWI_KIND_BARRIER;
    return (struct hwi_signature){.kind = redop == HWI_AGREE_BARRIER ? barrier : c->kind,
                                  .redop = redop};
}

// The first member that has voted.
static uint64_t first_voter(const struct hwi_master *master, const struct hwi_master_channel *c)
{
    for (uint32_t rank = 0; rank < master->view.count; rank++) {
        const struct hwi_master_seat *seat = &master->view.seats[rank];
        if (hwi_master_spans(c, seat->group) && *hwi_master_done(master, c, rank) > c->committed) {
            return seat->peer;
        }
    }
    return 0;
}

// The view changes, for all to be told what an operation failed of.
static void end_operation(struct hwi_master *master, const struct hwi_fault *fault,
                          struct hwi_effects *effects)
{
    hwi_master_fault(master, fault);
    master->change = true;
    if (master->stage == HWI_STAGE_NONE) {
        hwi_master_reform(master, effects);
    }
}

// The view's tags are used up, whoever used them: the operation fails on those that it spans, and
// the next view has them all again.
static void lack_tags(struct hwi_master *master, const struct hwi_master_session *s,
                      const struct hwi_msg_done *d, struct hwi_effects *effects)
{
    struct hwi_fault fault = {.status = HWS_E_LIMIT,
                              .kind = hwi_channel_kind(d->kind),
                              .group = hwi_kind_is_run_wide(d->kind) ? 0 : s->group,
                              .tag = d->tag,
                              .peer_a = s->peer};
    end_operation(master, &fault, effects);
}

// Members vote on one channel in different ways: the view changes, and all are told of two of them.
static void disagree(struct hwi_master *master, const struct hwi_master_channel *c, uint64_t peer,
                     uint8_t redop, struct hwi_effects *effects)
{
    struct hwi_fault fault = {.status = HWS_E_MISMATCH,
                              .kind = c->kind,
                              .group = c->group,
                              .tag = c->tag,
                              .seq = c->committed,
                              .peer_a = first_voter(master, c),
                              .peer_b = peer,
                              .signature_a = voted(c, c->redop),
                              .signature_b = voted(c, redop)};
    end_operation(master, &fault, effects);
}

void hwi_master_on_done(struct hwi_master *master, struct hwi_master_session *s,
                        const struct hwi_msg_done *d, struct hwi_effects *effects)
{
    int64_t rank = hwi_master_rank(master, s->peer);
    if (!s->member || d->view != master->view.number || rank < 0) {
        return; // of an earlier view: decided already
    }
    struct hwi_master_channel *c = hwi_master_channel(master, d->kind, s->group, d->tag);
    if (c == NULL) {
        lack_tags(master, s, d, effects);
        return;
    }
    bool agreement = hwi_kind_is_agreement(c->kind);
    bool vote = agreement || c->kind == HWI_KIND_ADMIT;
    uint32_t *counted = hwi_master_done(master, c, (uint32_t)rank);
    if (d->count <= *counted || (vote && d->count != c->committed + 1)) {
        return; // said before
    }
    if (agreement && !fold(c, d)) {
        disagree(master, c, s->peer, d->redop, effects);
        return;
    }
    hwi_master_count(master, c, counted, d->count, effects);
}

void hwi_master_on_withdraw(struct hwi_master *master, struct hwi_master_session *s,
                            const struct hwi_msg_withdraw *w, struct hwi_effects *effects)
{
    if (!s->member || w->op.view != master->view.number) {
        return;
    }
    const struct hwi_master_channel *c =
        hwi_master_channel_known(master, w->op.kind, s->group, w->op.tag);
    if (c != NULL && w->op.seq < c->committed) {
        return; // committed meanwhile: the commit is on its way
    }
    struct hwi_fault fault = w->fault;
    fault.kind = hwi_channel_kind(w->op.kind);
    fault.group = hwi_kind_is_run_wide(w->op.kind) ? 0 : s->group;
    fault.tag = w->op.tag;
    fault.seq = w->op.seq;
    end_operation(master, &fault, effects);
}

// What a newcomer says of a member does that one no harm.
static bool believed(const struct hwi_master_session *s, const struct hwi_master_session *t)
{
    return s->member || !t->member;
}

// It is asked whether it lives.
static void suspect(struct hwi_master *master, struct hwi_master_session *t)
{
    t->suspect = true;
    master->probe_at_ns = HWI_MAX(master->now_ns, master->probe_from_ns);
}

void hwi_master_on_ready(struct hwi_master *master, struct hwi_master_session *s,
                         const struct hwi_msg_ready *r, struct hwi_effects *effects)
{
    if (master->stage != HWI_STAGE_OPEN || r->view != master->proposal || !s->proposed) {
        return;
    }
    master->ready_due -= !s->ready;
    s->ready = true;
    for (uint32_t i = 0; i < r->broken_count; i++) {
        struct hwi_master_session *t = hwi_master_session_of_peer(master, r->broken[i].value);
        if (t == NULL || !t->proposed || t->group != s->group) {
            continue;
        }
        hwi_master_broken(master, s, t);
        if (!believed(s, t)) {
            continue;
        }
        suspect(master, t);
        if (t->unreachable) {
            hwi_master_put_out(master, t, HWS_E_EVICTED, "its connections were lost", effects);
            return; // proposed again
        }
    }
    hwi_master_judge(master, effects);
}

void hwi_master_on_edge_lost(struct hwi_master *master, struct hwi_master_session *s,
                             const struct hwi_msg_edge_lost *e, struct hwi_effects *effects)
{
    bool in_force = s->member && e->view == master->view.number;
    bool proposed = s->proposed && master->stage == HWI_STAGE_OPEN && e->view == master->proposal;
    struct hwi_master_session *t = hwi_master_session_of_peer(master, e->peer);
    if (t == NULL || t->group != s->group || !(in_force || proposed)) {
        return; // between groups there are no edges
    }
    master->change |= in_force;
    // not dialled again: a newcomer's stripes could break for ever
    if (proposed && !(s->member && t->member)) {
        hwi_master_broken(master, s, t);
    }
    if (believed(s, t)) {
        suspect(master, t);
    }
    if (t->unreachable && t->suspect) {
        hwi_master_put_out(master, t, HWS_E_EVICTED, "its connections were lost", effects);
    } else if (proposed && !(s->member && t->member)) {
        hwi_master_judge(master, effects);
    } else if (master->stage == HWI_STAGE_NONE || proposed) {
        hwi_master_reform(master, effects);
    }
}

void hwi_master_on_leave(struct hwi_master *master, struct hwi_master_session *s,
                         const struct hwi_msg_leave *l, struct hwi_effects *effects)
{
    if (l->incarnation == s->incarnation) {
        hwi_master_put_out(master, s, HWS_E_CLOSED, "it left", effects);
    }
}

void hwi_master_on_unreachable(struct hwi_master *master, struct hwi_master_session *s,
                               struct hwi_effects *effects)
{
    s->unreachable = true;
    if (s->suspect || !s->member) { // a newcomer that lives registers again, and is another one
        hwi_master_put_out(master, s, HWS_E_EVICTED, "its connections were lost", effects);
    }
}
