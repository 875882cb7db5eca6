// SPDX-License-Identifier: MIT
// How the run stands, for the status command.
#include "actors/master/master.h"

#include <string.h>

// While operations are listed: for each, its channel, and what one member said of it.
struct listing {
    const struct channel *channels[HWI_OPS_MAX]; // NULL = nobody is Done on it
    uint32_t entered[HWI_OPS_MAX], done[HWI_OPS_MAX];
};

// Index of the channel's operation, or of where it would be.
static uint32_t place_of(const struct hwi_msg_status *st, uint8_t kind, uint64_t tag)
{
    uint32_t low = 0, high = st->ops_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct hwi_status_op *op = &st->ops[middle];
        if (op->kind < kind || (op->kind == kind && op->tag < tag)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool listed(const struct hwi_msg_status *st, uint32_t place, uint8_t kind, uint64_t tag)
{
    return place < st->ops_count && st->ops[place].kind == kind && st->ops[place].tag == tag;
}

static void list_ops(struct master *m, struct hwi_msg_status *st, const struct session *s)
{
    for (uint32_t i = 0; i < s->tally_count && s->member; i++) {
        const struct hwi_tally *t = &s->tallies[i];
        const struct channel *c = hwi_master_channel_known(m, t->kind, t->tag);
        uint32_t committed = c == NULL ? 0 : c->committed;
        uint32_t place = place_of(st, t->kind, t->tag);
        if (t->entered > committed && !listed(st, place, t->kind, t->tag) &&
            st->ops_count < HWI_OPS_MAX) {
            struct hwi_status_op *op = &st->ops[place];
            memmove(op + 1, op, (st->ops_count++ - place) * sizeof *op);
            *op = (struct hwi_status_op){.kind = t->kind, .tag = t->tag, .seq = committed};
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
static void list_waits(const struct master *m, struct hwi_msg_status *st, struct listing *listing,
                       const struct session *s)
{
    int64_t rank = hwi_master_rank(m, s->peer);
    memset(listing->entered, 0, sizeof listing->entered);
    memset(listing->done, 0, sizeof listing->done);
    for (uint32_t i = 0; i < s->tally_count; i++) {
        const struct hwi_tally *t = &s->tallies[i];
        uint32_t place = place_of(st, t->kind, t->tag);
        if (listed(st, place, t->kind, t->tag)) {
            listing->entered[place] = t->entered;
            listing->done[place] = t->done;
        }
    }
    for (uint32_t i = 0; i < st->ops_count; i++) {
        struct hwi_status_op *op = &st->ops[i];
        const struct channel *c = listing->channels[i];
        uint32_t counted = c == NULL || rank < 0 ? 0 : c->counts[rank];
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

static void list_operations(struct master *m, struct hwi_msg_status *st, struct hwi_effects *fx)
{
    st->ops = hwi_effects_memory(fx, HWI_OPS_MAX * sizeof *st->ops);
    for (uint32_t i = 0; i < m->session_count; i++) {
        list_ops(m, st, &m->sessions[i]);
    }
    struct listing *listing = hwi_effects_memory(fx, sizeof *listing);
    for (uint32_t i = 0; i < st->ops_count; i++) {
        struct hwi_status_op *op = &st->ops[i];
        listing->channels[i] = hwi_master_channel_known(m, op->kind, op->tag);
        op->absent = hwi_effects_memory(fx, HWI_STATUS_NAMES_MAX * sizeof *op->absent);
        op->working = hwi_effects_memory(fx, HWI_STATUS_NAMES_MAX * sizeof *op->working);
    }
    for (uint32_t i = 0; i < m->session_count; i++) {
        if (m->sessions[i].member) {
            list_waits(m, st, listing, &m->sessions[i]);
        }
    }
}

void hwi_master_status(struct master *m, uint64_t tool, struct hwi_effects *fx)
{
    struct hwi_msg_status *st = HWI_EMIT(fx, hwi_addr_of(HWI_ROLE_TOOL, tool), status);
    st->run = m->run;
    st->view = m->view.number;
    st->proposal = m->proposal;
    st->min_members = m->config.min_members;
    st->committed = m->committed_total;
    st->aborted = m->aborted_total;
    st->members = hwi_effects_memory(fx, m->session_count * sizeof *st->members);
    st->members_count = m->session_count;
    for (uint32_t i = 0; i < m->session_count; i++) {
        const struct session *s = &m->sessions[i];
        struct hwi_status_member *member = &st->members[i];
        *member = (struct hwi_status_member){.peer = s->peer,
                                             .synced = s->synced,
                                             .silent_ns = m->now_ns - s->heard_ns,
                                             .standing = (uint8_t)(s->member     ? 2
                                                                   : s->proposed ? 1
                                                                                 : 0)};
        memcpy(member->address, s->address, sizeof member->address);
    }
    list_operations(m, st, fx);
}
