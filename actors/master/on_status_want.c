// SPDX-License-Identifier: MIT
// status_want: a tool asks how the run stands.
#include <string.h>

#include "actors/base/rows.h"
#include "actors/master/channel.h"
#include "actors/master/group.h"
#include "actors/master/handlers.h"
#include "actors/master/master.h"
#include "actors/master/session.h"

// While operations are listed: for each, its channel, and what one member said of it.
struct listing {
    const struct hwi_master_channel *channels[HWI_OPS_MAX]; // NULL = nobody is Done on it
    uint32_t entered[HWI_OPS_MAX], done[HWI_OPS_MAX];
};

// The operation that a member's tally speaks of.
static struct hwi_status_op named(const struct hwi_master_session *s, const struct hwi_tally *t)
{
    return (struct hwi_status_op){
        .kind = t->kind, .group = hwi_kind_is_run_wide(t->kind) ? 0 : s->group, .tag = t->tag};
}

static int compare(const void *item, const void *wanted)
{
    const struct hwi_status_op *a = item, *b = wanted;
    int kinds = hwi_channel_kind(a->kind) - hwi_channel_kind(b->kind);
    if (kinds != 0) {
        return kinds;
    }
    if (a->group != b->group) {
        return a->group < b->group ? -1 : 1;
    }
    return (a->tag > b->tag) - (a->tag < b->tag);
}

// Index of the channel's operation, or of where it would be.
static uint32_t place_of(const struct hwi_msg_status *st, const struct hwi_status_op *name)
{
    return hwi_rows_place(st->ops, st->ops_count, sizeof *name, compare, name);
}

static bool listed(const struct hwi_msg_status *st, uint32_t place,
                   const struct hwi_status_op *name)
{
    return place < st->ops_count && compare(&st->ops[place], name) == 0;
}

static void list_ops(const struct hwi_master *master, struct hwi_msg_status *st,
                     const struct hwi_master_session *s)
{
    for (uint32_t i = 0; i < s->tally_count && s->member; i++) {
        const struct hwi_tally *t = &s->tallies[i];
        const struct hwi_master_channel *c = hwi_master_channel(master, t->kind, s->group, t->tag);
        struct hwi_status_op found = named(s, t);
        uint32_t place = place_of(st, &found);
        found.seq = c == NULL ? 0 : c->committed;
        if (t->entered > found.seq && !listed(st, place, &found) && st->ops_count < HWI_OPS_MAX) {
            struct hwi_status_op *op = HWI_ROWS_OPEN(st->ops, &st->ops_count, place);
            *op = found;
        }
    }
}

static void name(struct hwi_id *names, uint32_t *named, uint32_t *in_all, uint64_t peer)
{
    if (*named < HWI_STATUS_NAMES_MAX) {
        names[(*named)++].value = peer;
    }
    (*in_all)++;
}

// Adds a member to those that each operation waits for.
static void list_waits(const struct hwi_master *master, struct hwi_msg_status *st,
                       struct listing *listing, const struct hwi_master_session *s)
{
    int64_t rank = hwi_master_rank(master, s->peer);
    memset(listing->entered, 0, sizeof listing->entered);
    memset(listing->done, 0, sizeof listing->done);
    for (uint32_t i = 0; i < s->tally_count; i++) {
        const struct hwi_tally *t = &s->tallies[i];
        struct hwi_status_op told = named(s, t);
        uint32_t place = place_of(st, &told);
        if (listed(st, place, &told)) {
            listing->entered[place] = t->entered;
            listing->done[place] = t->done;
        }
    }
    for (uint32_t i = 0; i < st->ops_count; i++) {
        struct hwi_status_op *op = &st->ops[i];
        const struct hwi_master_channel *c = listing->channels[i];
        if (rank < 0 || (!hwi_kind_is_run_wide(op->kind) && op->group != s->group)) {
            continue;
        }
        uint32_t counted = c == NULL ? 0 : *hwi_master_done(master, c, (uint32_t)rank);
        if (HWI_MAX(listing->done[i], counted) > op->seq) {
            continue;
        }
        if (listing->entered[i] > op->seq) {
            name(op->working, &op->working_count, &op->working_in_all, s->peer);
        } else {
            name(op->absent, &op->absent_count, &op->absent_in_all, s->peer);
        }
    }
}

static void list_operations(const struct hwi_master *master, struct hwi_msg_status *st,
                            struct hwi_effects *effects)
{
    st->ops = hwi_effects_memory(effects, HWI_OPS_MAX * sizeof *st->ops);
    for (uint32_t i = 0; i < master->session_count; i++) {
        list_ops(master, st, &master->sessions[i]);
    }
    struct listing *listing = hwi_effects_memory(effects, sizeof *listing);
    for (uint32_t i = 0; i < st->ops_count; i++) {
        struct hwi_status_op *op = &st->ops[i];
        listing->channels[i] = hwi_master_channel(master, op->kind, op->group, op->tag);
        op->absent = hwi_effects_memory(effects, HWI_STATUS_NAMES_MAX * sizeof *op->absent);
        op->working = hwi_effects_memory(effects, HWI_STATUS_NAMES_MAX * sizeof *op->working);
    }
    for (uint32_t i = 0; i < master->session_count; i++) {
        if (master->sessions[i].member) {
            list_waits(master, st, listing, &master->sessions[i]);
        }
    }
}

void hwi_master_on_status_want(void *state, const struct hwi_event *event,
                               struct hwi_effects *effects)
{
    const struct hwi_master *master = state;
    struct hwi_msg_status *st =
        HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_TOOL, event->from.id), status);
    st->run = master->run;
    st->view = master->view.number;
    st->proposal = master->proposal;
    st->min_members = master->config.min_members;
    st->committed = master->committed_total;
    st->aborted = master->aborted_total;
    st->members = hwi_effects_memory(effects, master->session_count * sizeof *st->members);
    st->members_count = master->session_count;
    for (uint32_t i = 0; i < master->session_count; i++) {
        const struct hwi_master_session *s = &master->sessions[i];
        struct hwi_status_member *member = &st->members[i];
        *member = (struct hwi_status_member){.peer = s->peer,
                                             .synced = s->synced,
                                             .group = s->group,
                                             .unit_size = s->unit_size,
                                             .silent_ns = master->now_ns - s->heard_ns,
                                             .standing = (uint8_t)(s->member     ? 2
                                                                   : s->proposed ? 1
                                                                                 : 0)};
        memcpy(member->address, s->address, sizeof member->address);
        memcpy(member->unit, s->unit, sizeof member->unit);
    }
    list_operations(master, st, effects);
}
