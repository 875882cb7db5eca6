// SPDX-License-Identifier: MIT
// Channels: who is Done with how many operations, and what follows from it.
#include "actors/master/master.h"

#include <string.h>

// Of channel `a` to channel `b`: below, the same, above.
static int compare(const struct hwi_master_channel *a, const struct hwi_master_channel *b)
{
    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }
    if (a->group != b->group) {
        return a->group < b->group ? -1 : 1;
    }
    return (a->tag > b->tag) - (a->tag < b->tag);
}

static struct hwi_master_channel named(uint8_t kind, uint32_t group, uint64_t tag)
{
    return (struct hwi_master_channel){.kind = hwi_channel_kind(kind),
                                       .group = hwi_kind_is_run_wide(kind) ? 0 : group,
                                       .tag = tag};
}

static uint32_t place_of(const struct hwi_master *master, const struct hwi_master_channel *name)
{
    uint32_t low = 0, high = master->channel_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        bool before = compare(&master->channels[middle], name) < 0;
        low = before ? middle + 1 : low;
        high = before ? high : middle;
    }
    return low;
}

struct hwi_master_channel *hwi_master_channel_known(struct hwi_master *master, uint8_t kind,
                                                    uint32_t group, uint64_t tag)
{
    struct hwi_master_channel name = named(kind, group, tag);
    uint32_t at = place_of(master, &name);
    bool known = at < master->channel_count && compare(&master->channels[at], &name) == 0;
    return known ? &master->channels[at] : NULL;
}

struct hwi_master_channel *hwi_master_channel(struct hwi_master *master, uint8_t kind,
                                              uint32_t group, uint64_t tag)
{
    struct hwi_master_channel *known = hwi_master_channel_known(master, kind, group, tag);
    if (known != NULL) {
        return known;
    }
    if (master->channel_count == HWI_TAGS_MAX) {
        return NULL;
    }
    if (master->channel_count == master->channel_capacity) {
        master->channel_capacity = HWI_MAX(16, master->channel_capacity * 2);
        master->channels = hwi_resize(master->alloc, master->channels,
                                      master->channel_capacity * sizeof *master->channels);
    }
    struct hwi_master_channel name = named(kind, group, tag);
    struct hwi_master_channel *c = &master->channels[place_of(master, &name)];
    memmove(c + 1, c, (size_t)(master->channels + master->channel_count++ - c) * sizeof *c);
    *c = name;
    c->count =
        hwi_kind_is_run_wide(kind) ? master->view.count : hwi_master_group(master, group)->count;
    c->counts = hwi_new(master->alloc, c->count * sizeof *c->counts);
    return c;
}

void hwi_master_channels_clear(struct hwi_master *master)
{
    for (uint32_t i = 0; i < master->channel_count; i++) {
        hwi_free(master->alloc, master->channels[i].counts);
    }
    master->channel_count = 0;
}

bool hwi_master_spans(const struct hwi_master_channel *c, uint32_t group)
{
    return hwi_kind_is_run_wide(c->kind) || c->group == group;
}

uint32_t *hwi_master_done(const struct hwi_master *master, const struct hwi_master_channel *c,
                          uint32_t rank)
{
    return &c->counts[hwi_kind_is_run_wide(c->kind) ? rank : master->view.seats[rank].rank];
}

void hwi_master_tell_commit(const struct hwi_master *master, const struct hwi_master_channel *c,
                            uint32_t heard, struct hwi_master_session *s,
                            struct hwi_effects *effects)
{
    for (uint32_t i = 0; i < c->pending_count; i++) {
        const struct hwi_master_pending *pending = &c->pendings[i];
        if (pending->until > heard) {
            struct hwi_msg_commit *commit = HWI_MASTER_TELL(s, effects, commit);
            commit->view = master->view.number;
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
static void note_pending(struct hwi_master_channel *c, uint32_t until, uint32_t count)
{
    struct hwi_master_pending *last =
        c->pending_count > 0 ? &c->pendings[c->pending_count - 1] : NULL;
    if (last != NULL && last->count == count) {
        last->until = until;
        return;
    }
    if (c->pending_count == HWI_MASTER_PENDINGS_MAX) {
        memmove(c->pendings, c->pendings + 1, --c->pending_count * sizeof *c->pendings);
    }
    c->pendings[c->pending_count++] = (struct hwi_master_pending){.until = until, .count = count};
}

// Of many groups' members only those that it spans are looked up.
static void tell_members(struct hwi_master *master, const struct hwi_master_channel *c,
                         struct hwi_effects *effects)
{
    if (c->count == master->view.count) {
        for (uint32_t i = 0; i < master->session_count; i++) {
            if (master->sessions[i].member) {
                hwi_master_tell_commit(master, c, c->committed - 1, &master->sessions[i], effects);
            }
        }
        return;
    }
    for (uint32_t rank = 0; rank < master->view.count; rank++) {
        const struct hwi_master_seat *seat = &master->view.seats[rank];
        struct hwi_master_session *s =
            seat->group == c->group ? hwi_master_session_of_peer(master, seat->peer) : NULL;
        if (s != NULL && s->member) {
            hwi_master_tell_commit(master, c, c->committed - 1, s, effects);
        }
    }
}

void hwi_master_commit(struct hwi_master *master, struct hwi_master_channel *c, uint32_t count,
                       struct hwi_effects *effects)
{
    master->committed_total += count - c->committed;
    c->committed = count;
    c->value = c->folded;
    c->redop = 0;
    note_pending(c, count, hwi_master_waiting(master));
    c->ahead = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        c->ahead += c->counts[i] > count;
    }
    tell_members(master, c, effects);
    if (c->kind == HWI_KIND_SYNC) {
        hwi_master_synced(master, hwi_master_group(master, c->group));
    }
}

void hwi_master_count(struct hwi_master *master, struct hwi_master_channel *c, uint32_t *counted,
                      uint32_t count, struct hwi_effects *effects)
{
    if (*counted == c->committed) {
        c->ahead++;
    }
    *counted = count;
    if (c->ahead < c->count) {
        return;
    }
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

void hwi_master_fault(struct hwi_master *master, const struct hwi_fault *fault)
{
    for (uint32_t i = 0; i < master->fault_count; i++) {
        const struct hwi_fault *known = &master->faults[i];
        if (known->kind == fault->kind && known->group == fault->group &&
            known->tag == fault->tag && known->seq == fault->seq) {
            return; // the first to speak is told to all
        }
    }
    if (master->fault_count < HWI_OPS_MAX) {
        master->faults[master->fault_count++] = *fault;
    }
}
