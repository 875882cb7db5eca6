// SPDX-License-Identifier: MIT
#include "actors/master/past.h"

#include <string.h>

#include "actors/base/rows.h"
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
        const struct hwi_master_session *s = &master->sessions[i];
        if (s->member && s->proposed) {
            int64_t rank = hwi_master_rank(master, s->peer);
            HWI_CHECK(rank >= 0);
            survives[rank] = true;
        }
    }
    return survives;
}

// The commit rule at a view change: what was committed stands; else all survivors (of the group,
// where the channel is a group's) Done means COMMIT. A vote's result exists at the master only, so
// a vote that was not complete is aborted; an admission needs the survivors only.
static uint32_t final_count(const struct hwi_master *master, const struct hwi_master_channel *c,
                            const bool *survives)
{
    uint32_t least = UINT32_MAX;
    for (uint32_t rank = 0; rank < master->view.count; rank++) {
        if (survives[rank] && hwi_master_spans(c, master->view.seats[rank].group)) {
            least = HWI_MIN(least, *hwi_master_done(master, c, rank));
        }
    }
    if (hwi_kind_is_agreement(c->kind) || least == UINT32_MAX) {
        return c->committed;
    }
    return HWI_MAX(least, c->committed);
}

// One tally for each number of newcomers that was told with the channel's commits; the last one
// says how many operations are committed in the end.
static void record_channel(struct hwi_past *past, const struct hwi_master_channel *c,
                           uint32_t count, bool all)
{
    uint32_t first = all || c->pending_count == 0 ? 0 : c->pending_count - 1;
    struct hwi_tally tally = {
        .kind = c->kind, .group = c->group, .tag = c->tag, .heard = count, .value = c->value};
    for (uint32_t i = first; i < c->pending_count; i++) {
        tally.done = c->pendings[i].until;
        tally.pending = c->pendings[i].count;
        past->tallies[past->tallies_count++] = tally;
    }
    if (c->pending_count == 0 && count > 0) {
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
        const struct hwi_master_channel *c = &master->channels[i];
        uint32_t count = final_count(master, c, survives);
        uint32_t most = 0;
        for (uint32_t j = 0; j < c->count; j++) {
            most = HWI_MAX(most, c->counts[j]);
        }
        master->committed_total += count - c->committed;
        master->aborted_total += most - count;
        if (c->kind == HWI_KIND_SYNC && count > c->committed) {
            hwi_master_synced(master, hwi_master_group(master, c->group));
        }
        record_channel(past, c, count, tallies <= HWI_TAGS_MAX);
    }
}

void hwi_master_past_drop(struct hwi_master *master)
{
    hwi_free(master->alloc, master->past[0].tallies);
    hwi_free(master->alloc, master->past[0].faults);
    HWI_ROWS_REMOVE(master->past, &master->past_count, 0);
    master->held_back_by = 0;
}

// Room for one more view and its `tallies`. Who still needs what is dropped finds no outcome and
// gives up (OUTCOME_UNKNOWN).
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
    past->faults = hwi_new(master->alloc, (master->fault_count + 1) * sizeof *past->faults);
    memcpy(past->faults, master->faults, master->fault_count * sizeof *past->faults);
    past->faults_count = master->fault_count;
    return past;
}

// The first member that has not said that it holds a later view than the oldest of them; 0 = none.
// Acknowledgements only rise: who was found not to keep the oldest is not looked at again.
static uint64_t keeper_of_oldest(const struct hwi_master *master)
{
    uint32_t from = hwi_master_session_place(master, master->held_back_by);
    for (uint32_t i = from; i < master->session_count; i++) {
        const struct hwi_master_session *s = &master->sessions[i];
        if (s->member && s->acked <= master->past[0].view) {
            return s->peer;
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
