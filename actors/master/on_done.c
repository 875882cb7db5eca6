// SPDX-License-Identifier: MIT
// done: a member is Done with operations of a channel, or votes.
#include <hawser/types.h>

#include "actors/master/channel.h"
#include "actors/master/commit.h"
#include "actors/master/fault.h"
#include "actors/master/group.h"
#include "actors/master/handlers.h"
#include "actors/master/master.h"
#include "actors/master/propose.h"
#include "actors/master/session.h"

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
    hwi_master_end_operation(master, &fault, effects);
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
    hwi_master_end_operation(master, &fault, effects);
}

// All have done, or voted. A vote to admit is answered when those who wait are in, or have gone.
static void decide(struct hwi_master *master, struct hwi_master_channel *c,
                   struct hwi_effects *effects)
{
    if (c->kind == HWI_KIND_ADMIT && hwi_master_waiting(master) > 0) {
        hwi_master_reform(master, effects);
        return;
    }
    uint32_t least = UINT32_MAX;
    for (uint32_t i = 0; i < c->count; i++) {
        least = HWI_MIN(least, c->counts[i]);
    }
    hwi_master_commit(master, c, least, effects);
}

void hwi_master_on_done(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_master *master = state;
    struct hwi_master_session *s = hwi_master_session(master, event->from.id);
    const struct hwi_msg_done *d = &event->msg->u.done;
    int64_t rank = hwi_master_rank(master, s->peer);
    if (!s->member || d->view != master->view.number || rank < 0) {
        return; // of an earlier view: decided already
    }
    struct hwi_master_channel *c = hwi_master_channel_open(master, d->kind, s->group, d->tag);
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
    if (hwi_master_count(c, counted, d->count)) {
        decide(master, c, effects);
    }
}
