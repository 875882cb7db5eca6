// SPDX-License-Identifier: MIT
// Channels: who is Done with how many operations, and what follows from it.
#include "actors/master/master.h"

#include <string.h>

// Of channel `a` to channel `b`: below, the same, above.
static int compare(const struct channel *a, const struct channel *b)
{
    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }
    if (a->group != b->group) {
        return a->group < b->group ? -1 : 1;
    }
    return (a->tag > b->tag) - (a->tag < b->tag);
}

static struct channel named(uint8_t kind, uint32_t group, uint64_t tag)
{
    return (struct channel){.kind = hwi_channel_kind(kind),
                            .group = hwi_kind_is_run_wide(kind) ? 0 : group,
                            .tag = tag};
}

static uint32_t place_of(const struct master *m, const struct channel *name)
{
    uint32_t low = 0, high = m->channel_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        bool before = compare(&m->channels[middle], name) < 0;
        low = before ? middle + 1 : low;
        high = before ? high : middle;
    }
    return low;
}

struct channel *hwi_master_channel_known(struct master *m, uint8_t kind, uint32_t group,
                                         uint64_t tag)
{
    struct channel name = named(kind, group, tag);
    uint32_t at = place_of(m, &name);
    bool known = at < m->channel_count && compare(&m->channels[at], &name) == 0;
    return known ? &m->channels[at] : NULL;
}

struct channel *hwi_master_channel(struct master *m, uint8_t kind, uint32_t group, uint64_t tag)
{
    struct channel *known = hwi_master_channel_known(m, kind, group, tag);
    if (known != NULL) {
        return known;
    }
    if (m->channel_count == HWI_TAGS_MAX) {
        return NULL;
    }
    if (m->channel_count == m->channel_capacity) {
        m->channel_capacity = HWI_MAX(16, m->channel_capacity * 2);
        m->channels = hwi_resize(m->alloc, m->channels, m->channel_capacity * sizeof *m->channels);
    }
    struct channel name = named(kind, group, tag);
    struct channel *c = &m->channels[place_of(m, &name)];
    memmove(c + 1, c, (size_t)(m->channels + m->channel_count++ - c) * sizeof *c);
    *c = name;
    c->count = hwi_kind_is_run_wide(kind) ? m->view.count : hwi_master_group(m, group)->count;
    c->counts = hwi_new(m->alloc, c->count * sizeof *c->counts);
    return c;
}

void hwi_master_channels_clear(struct master *m)
{
    for (uint32_t i = 0; i < m->channel_count; i++) {
        hwi_free(m->alloc, m->channels[i].counts);
    }
    m->channel_count = 0;
}

bool hwi_master_spans(const struct channel *c, uint32_t group)
{
    return hwi_kind_is_run_wide(c->kind) || c->group == group;
}

uint32_t *hwi_master_done(const struct master *m, const struct channel *c, uint32_t rank)
{
    return &c->counts[hwi_kind_is_run_wide(c->kind) ? rank : m->view.seats[rank].rank];
}

void hwi_master_tell_commit(const struct master *m, const struct channel *c, uint32_t heard,
                            struct session *s, struct hwi_effects *fx)
{
    for (uint32_t i = 0; i < c->pending_count; i++) {
        const struct pending *pending = &c->pendings[i];
        if (pending->until > heard) {
            struct hwi_msg_commit *commit = MASTER_TELL(s, fx, commit);
            commit->view = m->view.number;
            commit->kind = c->kind;
            commit->tag = c->tag;
            commit->count = pending->until;
            commit->value = c->value;
            commit->pending = pending->count;
            commit->from = i > 0 ? c->pendings[i - 1].until : 0;
        }
    }
}

// The operations before `until` that were not committed yet are, with so many newcomers waiting.
static void note_pending(struct channel *c, uint32_t until, uint32_t count)
{
    struct pending *last = c->pending_count > 0 ? &c->pendings[c->pending_count - 1] : NULL;
    if (last != NULL && last->count == count) {
        last->until = until;
        return;
    }
    if (c->pending_count == MASTER_PENDINGS_MAX) {
        memmove(c->pendings, c->pendings + 1, --c->pending_count * sizeof *c->pendings);
    }
    c->pendings[c->pending_count++] = (struct pending){.until = until, .count = count};
}

// Of many groups' members only those that it spans are looked up.
static void tell_members(struct master *m, const struct channel *c, struct hwi_effects *fx)
{
    if (c->count == m->view.count) {
        for (uint32_t i = 0; i < m->session_count; i++) {
            if (m->sessions[i].member) {
                hwi_master_tell_commit(m, c, c->committed - 1, &m->sessions[i], fx);
            }
        }
        return;
    }
    for (uint32_t rank = 0; rank < m->view.count; rank++) {
        const struct seat *seat = &m->view.seats[rank];
        struct session *s =
            seat->group == c->group ? hwi_master_session_of_peer(m, seat->peer) : NULL;
        if (s != NULL && s->member) {
            hwi_master_tell_commit(m, c, c->committed - 1, s, fx);
        }
    }
}

void hwi_master_commit(struct master *m, struct channel *c, uint32_t count, struct hwi_effects *fx)
{
    m->committed_total += count - c->committed;
    c->committed = count;
    c->value = c->folded;
    c->redop = 0;
    note_pending(c, count, hwi_master_waiting(m));
    c->ahead = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        c->ahead += c->counts[i] > count;
    }
    tell_members(m, c, fx);
    if (c->kind == HWI_KIND_SYNC) {
        hwi_master_synced(m, hwi_master_group(m, c->group));
    }
}

void hwi_master_count(struct master *m, struct channel *c, uint32_t *counted, uint32_t count,
                      struct hwi_effects *fx)
{
    if (*counted == c->committed) {
        c->ahead++;
    }
    *counted = count;
    if (c->ahead < c->count) {
        return;
    }
    if (c->kind == HWI_KIND_ADMIT && hwi_master_waiting(m) > 0) {
        hwi_master_reform(m, fx);
        return;
    }
    uint32_t least = UINT32_MAX;
    for (uint32_t i = 0; i < c->count; i++) {
        least = HWI_MIN(least, c->counts[i]);
    }
    hwi_master_commit(m, c, least, fx);
}

void hwi_master_fault(struct master *m, const struct hwi_fault *fault)
{
    for (uint32_t i = 0; i < m->fault_count; i++) {
        const struct hwi_fault *known = &m->faults[i];
        if (known->kind == fault->kind && known->group == fault->group &&
            known->tag == fault->tag && known->seq == fault->seq) {
            return; // the first to speak is told to all
        }
    }
    if (m->fault_count < HWI_OPS_MAX) {
        m->faults[m->fault_count++] = *fault;
    }
}
