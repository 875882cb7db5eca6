// SPDX-License-Identifier: MIT
#include "actors/base/rows.h"
#include "actors/peer/calls.h"
#include "actors/peer/channels.h"

static int compare(const void *item, const void *wanted)
{
    const struct hwi_peer_channel *a = item, *b = wanted;
    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }
    return (a->tag > b->tag) - (a->tag < b->tag);
}

struct hwi_peer_channel *hwi_peer_channel_find(const struct hwi_peer *peer, uint8_t kind,
                                               uint64_t tag)
{
    const struct hwi_peer_channel wanted = {.kind = hwi_channel_kind(kind), .tag = tag};
    return hwi_rows_find(peer->channels, peer->channel_count, sizeof wanted, compare, &wanted);
}

struct hwi_peer_channel *hwi_peer_channel_open(struct hwi_peer *peer, uint8_t kind, uint64_t tag)
{
    struct hwi_peer_channel *channel = hwi_peer_channel_find(peer, kind, tag);
    if (channel != NULL || peer->channel_count == HWI_TAGS_MAX) {
        return channel;
    }
    const struct hwi_peer_channel added = {.kind = hwi_channel_kind(kind), .tag = tag};
    uint32_t at =
        hwi_rows_place(peer->channels, peer->channel_count, sizeof added, compare, &added);
    channel = HWI_ROWS_INSERT(peer->alloc, &peer->channels, &peer->channel_count,
                              &peer->channel_capacity, HWI_TAGS_MAX, at);
    *channel = added;
    return channel;
}

// It has a number on its channel, or will get one.
static bool takes_number(const struct hwi_peer *peer, const struct hwi_peer_call *call,
                         uint32_t entered)
{
    bool in_name = hwi_peer_entered(call) && call->op.seq >= entered;
    bool returns = call->stage == HWI_CALL_ENDING && hwi_peer_runs_again(peer, call);
    return call->stage == HWI_CALL_QUEUED || in_name || returns;
}

uint32_t hwi_peer_number_of(const struct hwi_peer *peer, const struct hwi_peer_call *call)
{
    uint8_t kind = hwi_channel_kind(call->request.kind);
    const struct hwi_peer_channel *channel = hwi_peer_channel_find(peer, kind, call->request.tag);
    uint32_t entered = channel != NULL ? channel->entered : 0;
    uint32_t number = entered;
    const struct hwi_peer_call *other = hwi_peer_call_first(peer);
    for (; other != NULL; other = hwi_peer_call_next(peer, other)) {
        bool before = other->arrival < call->arrival && other->request.tag == call->request.tag &&
                      hwi_channel_kind(other->request.kind) == kind;
        number += before && takes_number(peer, other, entered);
    }
    return number;
}

void hwi_peer_take_number(struct hwi_peer *peer, struct hwi_peer_call *call)
{
    call->op = (struct hwi_op){.view = peer->view.number,
                               .kind = call->request.kind,
                               .tag = call->request.tag,
                               .seq = hwi_peer_number_of(peer, call)};
    call->stage = HWI_CALL_RUNNING;
    call->attempts++;
}
