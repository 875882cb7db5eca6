// SPDX-License-Identifier: MIT
// A view comes into force: every operation of the old one is decided, once.
#include "actors/master/master.h"

#include <stdio.h>
#include <string.h>

// By rank in the old view: is it in the new one, too? Good until the step ends.
static bool *list_survivors(const struct master *m, struct hwi_effects *fx)
{
    bool *survives = hwi_effects_memory(fx, m->view.count);
    for (uint32_t i = 0; i < m->session_count; i++) {
        const struct session *s = &m->sessions[i];
        if (s->member && s->proposed) {
            int64_t rank = hwi_master_rank(m, s->peer);
            HWI_CHECK(rank >= 0);
            survives[rank] = true;
        }
    }
    return survives;
}

// The commit rule at a view change: what was committed stands; else all survivors (of the group,
// where the channel is a group's) Done means COMMIT. A vote's result exists at the master only, so
// a vote that was not complete is aborted; an admission needs the survivors only.
static uint32_t final_count(const struct master *m, const struct channel *c, const bool *survives)
{
    uint32_t least = UINT32_MAX;
    for (uint32_t rank = 0; rank < m->view.count; rank++) {
        if (survives[rank] && hwi_master_spans(c, m->view.seats[rank].group)) {
            least = HWI_MIN(least, *hwi_master_done(m, c, rank));
        }
    }
    if (hwi_kind_is_agreement(c->kind) || least == UINT32_MAX) {
        return c->committed;
    }
    return HWI_MAX(least, c->committed);
}

// One tally for each number of newcomers that was told with the channel's commits; the last one
// says how many operations are committed in the end.
static void record_channel(struct hwi_past *past, const struct channel *c, uint32_t count, bool all)
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
static uint32_t tallies_of(const struct master *m)
{
    uint32_t tallies = 0;
    for (uint32_t i = 0; i < m->channel_count; i++) {
        tallies += HWI_MAX(1, m->channels[i].pending_count);
    }
    return tallies;
}

static void record_tallies(struct master *m, struct hwi_past *past, struct hwi_effects *fx)
{
    const bool *survives = list_survivors(m, fx);
    uint32_t tallies = tallies_of(m);
    past->tallies = hwi_new(m->alloc, (tallies + 1) * sizeof *past->tallies);
    for (uint32_t i = 0; i < m->channel_count; i++) {
        const struct channel *c = &m->channels[i];
        uint32_t count = final_count(m, c, survives);
        uint32_t most = 0;
        for (uint32_t j = 0; j < c->count; j++) {
            most = HWI_MAX(most, c->counts[j]);
        }
        m->committed_total += count - c->committed;
        m->aborted_total += most - count;
        if (c->kind == HWI_KIND_SYNC && count > c->committed) {
            hwi_master_synced(m, hwi_master_group(m, c->group));
        }
        record_channel(past, c, count, tallies <= HWI_TAGS_MAX);
    }
}

void hwi_master_drop_past(struct master *m)
{
    hwi_free(m->alloc, m->past[0].tallies);
    hwi_free(m->alloc, m->past[0].faults);
    memmove(&m->past[0], &m->past[1], --m->past_count * sizeof *m->past);
    m->held_back_by = 0;
}

// Room for one more view and its `tallies`. Who still needs what is dropped finds no outcome and
// gives up (OUTCOME_UNKNOWN).
static void make_room(struct master *m, uint32_t tallies)
{
    for (uint32_t i = 0; i < m->past_count; i++) {
        tallies += m->past[i].tallies_count;
    }
    while (m->past_count == HWI_PAST_VIEWS_MAX ||
           (m->past_count > 0 && tallies > MASTER_PAST_TALLIES_MAX)) {
        tallies -= m->past[0].tallies_count;
        hwi_master_drop_past(m);
    }
}

// NULL = there was no view.
static struct hwi_past *record_past(struct master *m, struct hwi_effects *fx)
{
    if (m->view.count == 0) {
        return NULL;
    }
    make_room(m, tallies_of(m));
    struct hwi_past *past = &m->past[m->past_count++];
    *past = (struct hwi_past){.view = m->view.number};
    record_tallies(m, past, fx);
    past->faults = hwi_new(m->alloc, (m->fault_count + 1) * sizeof *past->faults);
    memcpy(past->faults, m->faults, m->fault_count * sizeof *past->faults);
    past->faults_count = m->fault_count;
    return past;
}

// Acknowledgements only rise: who was found not to keep the oldest is not looked at again.
static bool held_back(struct master *m)
{
    uint32_t from = hwi_master_session_place(m, m->held_back_by);
    for (uint32_t i = from; i < m->session_count; i++) {
        if (m->sessions[i].member && m->sessions[i].acked <= m->past[0].view) {
            m->held_back_by = m->sessions[i].peer;
            return true;
        }
    }
    return false;
}

void hwi_master_prune_past(struct master *m)
{
    while (m->past_count > 0 && !held_back(m)) {
        hwi_master_drop_past(m);
    }
}

static void put_in_force(struct master *m)
{
    hwi_master_channels_clear(m);
    m->fault_count = 0;
    m->change = false;
    m->view.number = m->proposal;
    m->admitting = false;
    m->any_late = false;
    for (uint32_t i = 0; i < m->session_count; i++) {
        struct session *s = &m->sessions[i];
        s->acked = s->proposed && !s->member ? m->proposal : s->acked;
        s->suspect = false;
        s->offer.count = 0;
        hwi_master_late(m, s, false);
        hwi_free(m->alloc, s->tallies);
        s->tallies = NULL;
        s->tally_count = 0;
    }
    hwi_master_seat(m);
    m->proposal = 0;
    m->view.pending = hwi_master_waiting(m);
}

void hwi_master_seal(struct master *m, struct hwi_effects *fx)
{
    struct hwi_past *past = record_past(m, fx);
    put_in_force(m);
    if (past != NULL) {
        past->pending = m->view.pending;
    }
    m->stage = STAGE_SEALING;
    if (m->config.durable) {
        hwi_master_store(m, fx);
    } else {
        hwi_master_stored(m, fx);
    }
}

// With what it takes to reach them if `whole`; who is told of a view has that from its proposal.
static struct hwi_member *list_members(struct master *m, bool whole, struct hwi_effects *fx)
{
    struct hwi_member *members = hwi_effects_memory(fx, m->view.count * sizeof *members);
    for (uint32_t rank = 0; rank < m->view.count; rank++) {
        const struct seat *seat = &m->view.seats[rank];
        const struct session *s = hwi_master_session_of_peer(m, seat->peer);
        members[rank].peer = seat->peer;
        members[rank].group = seat->group;
        if (s != NULL) { // a member that just died is still in the view
            members[rank].synced = s->synced;
        }
        if (s != NULL && whole) {
            members[rank].incarnation = s->incarnation;
            memcpy(members[rank].address, s->address, sizeof s->address);
        }
    }
    return members;
}

static struct hwi_past *list_past(const struct master *m, struct hwi_effects *fx)
{
    struct hwi_past *list = hwi_effects_memory(fx, m->past_count * sizeof *list);
    for (uint32_t i = 0; i < m->past_count; i++) {
        const struct hwi_past *past = &m->past[i];
        list[i] = *past;
        list[i].tallies =
            hwi_effects_copy(fx, past->tallies, past->tallies_count * sizeof *past->tallies);
        list[i].faults =
            hwi_effects_copy(fx, past->faults, past->faults_count * sizeof *past->faults);
    }
    return list;
}

static struct hwi_msg_announce announcement(struct master *m, struct hwi_effects *fx)
{
    return (struct hwi_msg_announce){
        .run = m->run,
        .view = m->view.number,
        .pending = m->view.pending,
        .members = list_members(m, false, fx),
        .members_count = m->view.count,
        .past = list_past(m, fx),
        .past_count = m->past_count,
        .groups = m->group_count,
        .largest = m->view.largest,
    };
}

static void tell(struct session *s, const struct hwi_msg_announce *made, struct hwi_effects *fx)
{
    struct hwi_msg_announce *a = MASTER_TELL(s, fx, announce);
    *a = *made;
    a->incarnation = s->incarnation;
}

void hwi_master_announce(struct master *m, struct hwi_effects *fx)
{
    struct hwi_msg_announce made = announcement(m, fx); // one list for all addressees
    for (uint32_t i = 0; i < m->session_count; i++) {
        if (m->sessions[i].member) {
            tell(&m->sessions[i], &made, fx);
        }
    }
}

void hwi_master_announce_to(struct master *m, struct session *s, struct hwi_effects *fx)
{
    struct hwi_msg_announce made = announcement(m, fx);
    tell(s, &made, fx);
}

void hwi_master_store(struct master *m, struct hwi_effects *fx)
{
    struct hwi_msg_view_file *f = HWI_EMIT(fx, hwi_addr_of(HWI_ROLE_DISK, 0), view_file);
    f->run = m->run;
    f->master = m->incarnation;
    f->highest = m->highest;
    f->next_peer = m->next_peer;
    f->view = m->view.number;
    f->members = list_members(m, true, fx);
    f->members_count = m->view.count;
    f->past = m->past; // the disk writes it before another step
    f->past_count = m->past_count;
}
