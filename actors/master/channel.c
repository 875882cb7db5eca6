// SPDX-License-Identifier: MIT
#include "actors/master/channel.h"

#include "actors/base/rows.h"
#include "actors/master/group.h"
#include "actors/master/master.h"

static int compare(const void *item, const void *wanted)
{
    const struct hwi_master_channel *a = item, *b = wanted;
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

struct hwi_master_channel *hwi_master_channel(const struct hwi_master *master, uint8_t kind,
                                              uint32_t group, uint64_t tag)
{
    struct hwi_master_channel name = named(kind, group, tag);
    return hwi_rows_find(master->channels, master->channel_count, sizeof name, compare, &name);
}

struct hwi_master_channel *hwi_master_channel_open(struct hwi_master *master, uint8_t kind,
                                                   uint32_t group, uint64_t tag)
{
    struct hwi_master_channel name = named(kind, group, tag);
    uint32_t at =
        hwi_rows_place(master->channels, master->channel_count, sizeof name, compare, &name);
    if (at < master->channel_count && compare(&master->channels[at], &name) == 0) {
        return &master->channels[at];
    }
    if (master->channel_count == HWI_TAGS_MAX) {
        return NULL;
    }
    struct hwi_master_channel *channel =
        HWI_ROWS_INSERT(master->alloc, &master->channels, &master->channel_count,
                        &master->channel_capacity, HWI_TAGS_MAX, at);
    *channel = name;
    channel->count =
        hwi_kind_is_run_wide(kind) ? master->view.count : hwi_master_group(master, group)->count;
    channel->counts = hwi_new(master->alloc, channel->count * sizeof *channel->counts);
    return channel;
}

void hwi_master_channels_clear(struct hwi_master *master)
{
    for (uint32_t i = 0; i < master->channel_count; i++) {
        hwi_free(master->alloc, master->channels[i].counts);
    }
    master->channel_count = 0;
}

bool hwi_master_spans(const struct hwi_master_channel *channel, uint32_t group)
{
    return hwi_kind_is_run_wide(channel->kind) || channel->group == group;
}

uint32_t *hwi_master_done(const struct hwi_master *master, const struct hwi_master_channel *channel,
                          uint32_t rank)
{
    return &channel->counts[hwi_kind_is_run_wide(channel->kind) ? rank
                                                                : master->view.seats[rank].rank];
}

bool hwi_master_count(struct hwi_master_channel *channel, uint32_t *counted, uint32_t count)
{
    channel->ahead += *counted == channel->committed;
    *counted = count;
    return channel->ahead >= channel->count;
}

void hwi_master_tell_commit(const struct hwi_master *master,
                            const struct hwi_master_channel *channel, uint32_t heard,
                            struct hwi_master_session *session, struct hwi_effects *effects)
{
    for (uint32_t i = 0; i < channel->pending_count; i++) {
        const struct hwi_master_pending *pending = &channel->pendings[i];
        if (pending->until > heard) {
            struct hwi_msg_commit *commit = HWI_MASTER_TELL(session, effects, commit);
            commit->view = master->view.number;
            commit->kind = channel->kind;
            commit->tag = channel->tag;
            commit->count = pending->until;
            commit->value = channel->value;
            commit->pending = pending->count;
            commit->from = i > 0 ? channel->pendings[i - 1].until : 0;
        }
    }
}
