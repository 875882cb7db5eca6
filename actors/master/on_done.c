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
#include "actors/master/trial.h"
#include "actors/master/judge.h"

// Adds a vote; false if it combines otherwise than the votes before it.
static bool fold(struct hwi_master_channel *channel, const struct hwi_msg_done *done)
{
    if (channel->redop == 0) {
        channel->redop = done->redop;
        channel->folded = done->value;
    } else if (channel->redop != done->redop) {
        return false;
    } else if (done->redop == HWI_AGREE_AND) {
        channel->folded &= done->value;
    } else {
        channel->folded = HWI_MIN(channel->folded, done->value);
    }
    return true;
}

// The call that votes so on a channel.
static struct hwi_signature voted(const struct hwi_master_channel *channel, uint8_t redop)
{
    uint8_t barrier = channel->kind == HWI_KIND_AGREE_RUN ? HWI_KIND_BARRIER_RUN : HWI_KIND_BARRIER;
    return (struct hwi_signature){.kind = redop == HWI_AGREE_BARRIER ? barrier : channel->kind,
                                  .redop = redop};
}

// The first member that has voted.
static uint64_t first_voter(const struct hwi_master *master,
                            const struct hwi_master_channel *channel)
{
    for (uint32_t rank = 0; rank < master->view.count; rank++) {
        const struct hwi_master_seat *seat = &master->view.seats[rank];
        if (hwi_master_spans(channel, seat->group) &&
            *hwi_master_done(master, channel, rank) > channel->committed) {
            return seat->peer;
        }
    }
    return 0;
}

// The view's tags are used up, by whichever members: the operation fails on those that it spans,
// and the next view has them all again.
static void lack_tags(struct hwi_master *master, const struct hwi_master_session *session,
                      const struct hwi_msg_done *done, struct hwi_effects *effects)
{
    struct hwi_fault fault = {.status = HWS_E_LIMIT,
                              .kind = hwi_channel_kind(done->kind),
                              .group = hwi_kind_is_run_wide(done->kind) ? 0 : session->group,
                              .tag = done->tag,
                              .peer_a = session->peer};
    hwi_master_end_operation(master, &fault, effects);
}

// Members vote on one channel in different ways: the view changes, and all get the names of two of
// them.
static void disagree(struct hwi_master *master, const struct hwi_master_channel *channel,
                     uint64_t peer, uint8_t redop, struct hwi_effects *effects)
{
    struct hwi_fault fault = {.status = HWS_E_MISMATCH,
                              .kind = channel->kind,
                              .group = channel->group,
                              .tag = channel->tag,
                              .seq = channel->committed,
                              .peer_a = first_voter(master, channel),
                              .peer_b = peer,
                              .signature_a = voted(channel, channel->redop),
                              .signature_b = voted(channel, redop)};
    hwi_master_end_operation(master, &fault, effects);
}

// All have done, or voted. A vote to admit is answered when the waiting newcomers are in, or have
// gone.
static void decide(struct hwi_master *master, struct hwi_master_channel *channel,
                   struct hwi_effects *effects)
{
    if (channel->kind == HWI_KIND_ADMIT && hwi_master_newcomers(master) > 0) {
        if (hwi_master_trial_adopt(master)) {
            hwi_master_judge(master, effects);
        } else {
            hwi_master_reform(master, effects);
        }
        return;
    }
    uint32_t least = UINT32_MAX;
    for (uint32_t i = 0; i < channel->count; i++) {
        least = HWI_MIN(least, channel->counts[i]);
    }
    hwi_master_commit(master, channel, least, effects);
}

void hwi_master_on_done(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_master *master = state;
    struct hwi_master_session *session = hwi_master_session(master, event->from.id);
    const struct hwi_msg_done *done = &event->msg->u.done;
    int64_t rank = hwi_master_rank(master, session->peer);
    if (!session->member || done->view != master->view.number || rank < 0) {
        return; // of an earlier view: decided already
    }
    struct hwi_master_channel *channel =
        hwi_master_channel_open(master, done->kind, session->group, done->tag);
    if (channel == NULL) {
        lack_tags(master, session, done, effects);
        return;
    }
    bool agreement = hwi_kind_is_agreement(channel->kind);
    bool vote = agreement || channel->kind == HWI_KIND_ADMIT;
    uint32_t *counted = hwi_master_done(master, channel, (uint32_t)rank);
    if (done->count <= *counted || (vote && done->count != channel->committed + 1)) {
        return; // said before
    }
    if (agreement && !fold(channel, done)) {
        disagree(master, channel, session->peer, done->redop, effects);
        return;
    }
    bool collective = hwi_kind_is_collective(channel->kind);
    if (collective && channel->count > 1) {
        session->facts.last += HWI_MIN(done->last, done->count - *counted);
    }
    if (hwi_master_count(channel, counted, done->count)) {
        session->facts.last += !collective && channel->count > 1;
        decide(master, channel, effects);
    }
}
