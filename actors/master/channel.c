// SPDX-License-Identifier: MIT
// Channels: who is Done with how many operations, and what follows from it.
#include "actors/base/place.h"
#include "actors/master/master.h"

#include <string.h>

static bool before(const struct channel *c, uint8_t kind, uint64_t tag)
{
    return c->kind < kind || (c->kind == kind && c->tag < tag);
}

static uint32_t place_of(const struct master *m, uint8_t kind, uint64_t tag)
{
    uint32_t low = 0, high = m->channel_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (before(&m->channels[middle], kind, tag)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct channel *hwi_master_channel_known(struct master *m, uint8_t kind, uint64_t tag)
{
    uint32_t at = place_of(m, kind, tag);
    bool known =
        at < m->channel_count && m->channels[at].kind == kind && m->channels[at].tag == tag;
    return known ? &m->channels[at] : NULL;
}

struct channel *hwi_master_channel(struct master *m, uint8_t kind, uint64_t tag)
{
    uint32_t at = place_of(m, kind, tag);
    struct channel *known = hwi_master_channel_known(m, kind, tag);
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
    struct channel *c = &m->channels[at];
    memmove(c + 1, c, (m->channel_count++ - at) * sizeof *c);
    *c = (struct channel){.kind = kind, .tag = tag};
    c->counts = hwi_new(m->alloc, m->view.count * sizeof *c->counts);
    return c;
}

void hwi_master_channels_clear(struct master *m)
{
    for (uint32_t i = 0; i < m->channel_count; i++) {
        hwi_free(m->alloc, m->channels[i].counts);
    }
    m->channel_count = 0;
}

int64_t hwi_master_rank(const struct master *m, uint64_t peer)
{
    uint32_t at = hwi_place(m->view.ids, m->view.count, sizeof *m->view.ids, 0, peer);
    return at < m->view.count && m->view.ids[at] == peer ? (int64_t)at : -1;
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

void hwi_master_commit(struct master *m, struct channel *c, uint32_t count, struct hwi_effects *fx)
{
    m->committed_total += count - c->committed;
    c->committed = count;
    c->value = c->folded;
    c->redop = 0;
    note_pending(c, count, hwi_master_waiting(m));
    c->ahead = 0;
    for (uint32_t rank = 0; rank < m->view.count; rank++) {
        c->ahead += c->counts[rank] > count;
    }
    for (uint32_t i = 0; i < m->session_count; i++) {
        if (m->sessions[i].member) {
            hwi_master_tell_commit(m, c, count - 1, &m->sessions[i], fx);
        }
    }
    if (c->kind == HWI_KIND_SYNC) {
        hwi_master_synced(m);
    }
}

void hwi_master_count(struct master *m, struct channel *c, uint32_t rank, uint32_t count,
                      struct hwi_effects *fx)
{
    if (c->counts[rank] == c->committed) {
        c->ahead++;
    }
    c->counts[rank] = count;
    if (c->ahead < m->view.count) {
        return;
    }
    if (c->kind == HWI_KIND_ADMIT && hwi_master_waiting(m) > 0) {
        hwi_master_reform(m, fx);
        return;
    }
    uint32_t least = UINT32_MAX;
    for (uint32_t i = 0; i < m->view.count; i++) {
        least = HWI_MIN(least, c->counts[i]);
    }
    hwi_master_commit(m, c, least, fx);
}

void hwi_master_fault(struct master *m, const struct hwi_fault *fault)
{
    for (uint32_t i = 0; i < m->fault_count; i++) {
        const struct hwi_fault *known = &m->faults[i];
        if (known->kind == fault->kind && known->tag == fault->tag && known->seq == fault->seq) {
            return; // the first to speak is told to all
        }
    }
    if (m->fault_count < HWI_OPS_MAX) {
        m->faults[m->fault_count++] = *fault;
    }
}
