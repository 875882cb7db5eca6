// SPDX-License-Identifier: MIT
// status_want: a tool asks how the run stands.
#include <string.h>

#include "actors/base/rows.h"
#include "actors/master/channel.h"
#include "actors/master/group.h"
#include "actors/master/handlers.h"
#include "actors/master/master.h"
#include "actors/master/propose.h"
#include "actors/master/session.h"

// While operations are listed: for each, its channel, and what one member said of it.
struct listing {
    const struct hwi_master_channel *channels[HWI_OPS_MAX]; // NULL = nobody is Done on it
    uint32_t entered[HWI_OPS_MAX], done[HWI_OPS_MAX];
};

// The operation of a member's tally.
static struct hwi_status_op named(const struct hwi_master_session *session,
                                  const struct hwi_tally *tally)
{
    return (struct hwi_status_op){.kind = tally->kind,
                                  .group = hwi_kind_is_run_wide(tally->kind) ? 0 : session->group,
                                  .tag = tally->tag};
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
static uint32_t place_of(const struct hwi_msg_status *status, const struct hwi_status_op *name)
{
    return hwi_rows_place(status->ops, status->ops_count, sizeof *name, compare, name);
}

static bool listed(const struct hwi_msg_status *status, uint32_t place,
                   const struct hwi_status_op *name)
{
    return place < status->ops_count && compare(&status->ops[place], name) == 0;
}

static void list_ops(const struct hwi_master *master, struct hwi_msg_status *status,
                     const struct hwi_master_session *session)
{
    for (uint32_t i = 0; i < session->tally_count && session->member; i++) {
        const struct hwi_tally *tally = &session->tallies[i];
        const struct hwi_master_channel *channel =
            hwi_master_channel(master, tally->kind, session->group, tally->tag);
        struct hwi_status_op found = named(session, tally);
        uint32_t place = place_of(status, &found);
        found.seq = channel == NULL ? 0 : channel->committed;
        if (tally->entered > found.seq && !listed(status, place, &found) &&
            status->ops_count < HWI_OPS_MAX) {
            struct hwi_status_op *op = HWI_ROWS_OPEN(status->ops, &status->ops_count, place);
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
static void list_waits(const struct hwi_master *master, struct hwi_msg_status *status,
                       struct listing *listing, const struct hwi_master_session *session)
{
    int64_t rank = hwi_master_rank(master, session->peer);
    memset(listing->entered, 0, sizeof listing->entered);
    memset(listing->done, 0, sizeof listing->done);
    for (uint32_t i = 0; i < session->tally_count; i++) {
        const struct hwi_tally *tally = &session->tallies[i];
        struct hwi_status_op told = named(session, tally);
        uint32_t place = place_of(status, &told);
        if (listed(status, place, &told)) {
            listing->entered[place] = tally->entered;
            listing->done[place] = tally->done;
        }
    }
    for (uint32_t i = 0; i < status->ops_count; i++) {
        struct hwi_status_op *op = &status->ops[i];
        const struct hwi_master_channel *channel = listing->channels[i];
        if (rank < 0 || (!hwi_kind_is_run_wide(op->kind) && op->group != session->group)) {
            continue;
        }
        uint32_t counted = channel == NULL ? 0 : *hwi_master_done(master, channel, (uint32_t)rank);
        if (HWI_MAX(listing->done[i], counted) > op->seq) {
            continue;
        }
        if (listing->entered[i] > op->seq) {
            name(op->working, &op->working_count, &op->working_in_all, session->peer);
        } else {
            name(op->absent, &op->absent_count, &op->absent_in_all, session->peer);
        }
    }
}

static void list_operations(const struct hwi_master *master, struct hwi_msg_status *status,
                            struct hwi_effects *effects)
{
    status->ops = hwi_effects_memory(effects, HWI_OPS_MAX * sizeof *status->ops);
    for (uint32_t i = 0; i < master->session_count; i++) {
        list_ops(master, status, &master->sessions[i]);
    }
    struct listing *listing = hwi_effects_memory(effects, sizeof *listing);
    for (uint32_t i = 0; i < status->ops_count; i++) {
        struct hwi_status_op *op = &status->ops[i];
        listing->channels[i] = hwi_master_channel(master, op->kind, op->group, op->tag);
        op->absent = hwi_effects_memory(effects, HWI_STATUS_NAMES_MAX * sizeof *op->absent);
        op->working = hwi_effects_memory(effects, HWI_STATUS_NAMES_MAX * sizeof *op->working);
    }
    for (uint32_t i = 0; i < master->session_count; i++) {
        if (master->sessions[i].member) {
            list_waits(master, status, listing, &master->sessions[i]);
        }
    }
}

void hwi_master_on_status_want(void *state, const struct hwi_event *event,
                               struct hwi_effects *effects)
{
    const struct hwi_master *master = state;
    struct hwi_msg_status *status =
        HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_TOOL, event->from.id), status);
    status->run = master->run;
    status->view = master->view.number;
    status->proposal = master->trial ? 0 : master->proposal; // a trial replaces nothing
    status->min_members = master->config.min_members;
    status->first_members = master->config.first_members;
    if (hwi_master_gathers(master) && master->gather_until_ns > master->now_ns) {
        uint64_t left_ns = master->gather_until_ns - master->now_ns;
        status->gather_ms = (uint32_t)(left_ns / HWI_NS_PER_MS + 1);
    }
    status->committed = master->committed_total;
    status->aborted = master->aborted_total;
    status->members = hwi_effects_memory(effects, master->session_count * sizeof *status->members);
    status->members_count = master->session_count;
    for (uint32_t i = 0; i < master->session_count; i++) {
        const struct hwi_master_session *session = &master->sessions[i];
        struct hwi_status_member *member = &status->members[i];
        *member = (struct hwi_status_member){.peer = session->peer,
                                             .synced = session->synced,
                                             .group = session->group,
                                             .unit_size = session->unit_size,
                                             .silent_ns = master->now_ns - session->heard_ns,
                                             .standing = (uint8_t)(session->member     ? 2
                                                                   : session->proposed ? 1
                                                                                       : 0)};
        memcpy(member->address, session->address, sizeof member->address);
        memcpy(member->unit, session->unit, sizeof member->unit);
        member->facts = session->facts;
    }
    status->counters = master->counters;
    memcpy(status->trouble, master->trouble, sizeof status->trouble);
    list_operations(master, status, effects);
}
