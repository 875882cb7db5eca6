// SPDX-License-Identifier: MIT
#include "actors/master/past.h"

#include <string.h>

#include "actors/base/rows.h"
#include "actors/master/absent.h"
#include "actors/master/channel.h"
#include "actors/master/group.h"
#include "actors/master/master.h"
#include "actors/master/session.h"
#include "actors/master/sync.h"

enum { TALLIES_MAX = 2 * HWI_TAGS_MAX }; // of all earlier views: they fit one message

// By rank in the old view: is it in the new one, too? Good until the step ends.
static bool *list_survivors(const struct hwi_master *master, struct hwi_effects *effects)
{
    bool *survives = hwi_effects_memory(effects, master->view.count);
    for (uint32_t i = 0; i < master->session_count; i++) {
        const struct hwi_master_session *session = &master->sessions[i];
        if (session->member && session->proposed) {
            int64_t rank = hwi_master_rank(master, session->peer);
            HWI_CHECK(rank >= 0);
            survives[rank] = true;
        }
    }
    return survives;
}

// The commit rule at a view change: what was committed stands; else all survivors (of the group,
// where the channel is a group's) Done means COMMIT. A vote's result exists at the master only, so
// a vote that was not complete is aborted; an admission needs the survivors only.
static uint32_t final_count(const struct hwi_master *master,
                            const struct hwi_master_channel *channel, const bool *survives)
{
    uint32_t least = UINT32_MAX;
    for (uint32_t rank = 0; rank < master->view.count; rank++) {
        if (survives[rank] && hwi_master_spans(channel, master->view.seats[rank].group)) {
            least = HWI_MIN(least, *hwi_master_done(master, channel, rank));
        }
    }
    if (hwi_kind_is_agreement(channel->kind) || least == UINT32_MAX) {
        return channel->committed;
    }
    return HWI_MAX(least, channel->committed);
}

// One tally for each number of newcomers that the channel's commits announced; the last one
// says how many operations are committed in the end.
static void record_channel(struct hwi_past *past, const struct hwi_master_channel *channel,
                           uint32_t count, bool all)
{
    uint32_t first = all || channel->pending_count == 0 ? 0 : channel->pending_count - 1;
    struct hwi_tally tally = {.kind = channel->kind,
                              .group = channel->group,
                              .tag = channel->tag,
                              .heard = count,
                              .value = channel->value};
    for (uint32_t i = first; i < channel->pending_count; i++) {
        tally.done = channel->pendings[i].until;
        tally.pending = channel->pendings[i].count;
        past->tallies[past->tallies_count++] = tally;
    }
    if (channel->pending_count == 0 && count > 0) {
        past->tallies[past->tallies_count++] = tally;
    }
}

// Tallies that the view's channels need.
static uint32_t tallies_of(const struct hwi_master *master)
{
    uint32_t tallies = 0;
    for (uint32_t i = 0; i < master->channel_count; i++) {
        tallies += HWI_MAX(1, master->channels[i].pending_count);
    }
    return tallies;
}

static void record_tallies(struct hwi_master *master, struct hwi_past *past,
                           struct hwi_effects *effects)
{
    const bool *survives = list_survivors(master, effects);
    uint32_t tallies = tallies_of(master);
    past->tallies = hwi_new(master->alloc, (tallies + 1) * sizeof *past->tallies);
    for (uint32_t i = 0; i < master->channel_count; i++) {
        const struct hwi_master_channel *channel = &master->channels[i];
        uint32_t count = final_count(master, channel, survives);
        uint32_t most = 0;
        for (uint32_t j = 0; j < channel->count; j++) {
            most = HWI_MAX(most, channel->counts[j]);
        }
        master->committed_total += count - channel->committed;
        master->aborted_total += most - count;
        if (channel->kind == HWI_KIND_SYNC && count > channel->committed) {
            hwi_master_synced(master, hwi_master_group(master, channel->group));
        }
        record_channel(past, channel, count, tallies <= HWI_TAGS_MAX);
    }
}

void hwi_master_past_drop(struct hwi_master *master)
{
    hwi_free(master->alloc, master->past[0].tallies);
    hwi_free(master->alloc, master->past[0].faults);
    HWI_ROWS_REMOVE(master->past, &master->past_count, 0);
    master->held_back_by = 0;
}

// Room for one more view and its `tallies`. A member that still needs a dropped view finds no
// outcome and gives up (OUTCOME_UNKNOWN).
static void make_room(struct hwi_master *master, uint32_t tallies)
{
    for (uint32_t i = 0; i < master->past_count; i++) {
        tallies += master->past[i].tallies_count;
    }
    while (master->past_count == HWI_PAST_VIEWS_MAX ||
           (master->past_count > 0 && tallies > TALLIES_MAX)) {
        tallies -= master->past[0].tallies_count;
        hwi_master_past_drop(master);
    }
}

struct hwi_past *hwi_master_past_record(struct hwi_master *master, struct hwi_effects *effects)
{
    if (master->view.count == 0) {
        return NULL;
    }
    make_room(master, tallies_of(master));
    struct hwi_past *past = &master->past[master->past_count++];
    *past = (struct hwi_past){.view = master->view.number};
    record_tallies(master, past, effects);
    hwi_master_name_absent(master);
    past->faults = hwi_new(master->alloc, (master->fault_count + 1) * sizeof *past->faults);
    memcpy(past->faults, master->faults, master->fault_count * sizeof *past->faults);
    past->faults_count = master->fault_count;
    return past;
}

// The first member that has not said that it holds a later view than the oldest of them; 0 = none.
// Acknowledgements only increase: a member that was found not to keep the oldest is not checked
// again.
static uint64_t keeper_of_oldest(const struct hwi_master *master)
{
    uint32_t from = hwi_master_session_place(master, master->held_back_by);
    for (uint32_t i = from; i < master->session_count; i++) {
        const struct hwi_master_session *session = &master->sessions[i];
        if (session->member && session->acked <= master->past[0].view) {
            return session->peer;
        }
    }
    return 0;
}

void hwi_master_past_prune(struct hwi_master *master)
{
    while (master->past_count > 0) {
        uint64_t keeper = keeper_of_oldest(master);
        if (keeper != 0) {
            master->held_back_by = keeper;
            return;
        }
        hwi_master_past_drop(master);
    }
}

struct hwi_past *hwi_master_past_list(const struct hwi_master *master, struct hwi_effects *effects)
{
    struct hwi_past *list = hwi_effects_memory(effects, master->past_count * sizeof *list);
    for (uint32_t i = 0; i < master->past_count; i++) {
        const struct hwi_past *past = &master->past[i];
        list[i] = *past;
        list[i].tallies =
            hwi_effects_copy(effects, past->tallies, past->tallies_count * sizeof *past->tallies);
        list[i].faults =
            hwi_effects_copy(effects, past->faults, past->faults_count * sizeof *past->faults);
    }
    return list;
}
