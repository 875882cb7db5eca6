// SPDX-License-Identifier: MIT
#include "actors/peer/calls.h"
#include "actors/peer/channels.h"

#include <string.h>

// Where the channel is, or belongs.
static uint32_t place_of(const struct hwi_peer *peer, uint8_t kind, uint64_t tag)
{
    uint32_t low = 0, high = peer->channel_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct hwi_peer_channel *channel = &peer->channels[middle];
        bool before = channel->kind < kind || (channel->kind == kind && channel->tag < tag);
        low = before ? middle + 1 : low;
        high = before ? high : middle;
    }
    return low;
}

struct hwi_peer_channel *hwi_peer_channel_find(const struct hwi_peer *peer, uint8_t kind,
                                               uint64_t tag)
{
    kind = hwi_channel_kind(kind);
    uint32_t place = place_of(peer, kind, tag);
    struct hwi_peer_channel *channel = peer->channels + place;
    bool found = place < peer->channel_count && channel->kind == kind && channel->tag == tag;
    return found ? channel : NULL;
}

struct hwi_peer_channel *hwi_peer_channel_open(struct hwi_peer *peer, uint8_t kind, uint64_t tag)
{
    struct hwi_peer_channel *channel = hwi_peer_channel_find(peer, kind, tag);
    if (channel != NULL || peer->channel_count == HWI_TAGS_MAX) {
        return channel;
    }
    if (peer->channel_count == peer->channel_capacity) {
        peer->channel_capacity = HWI_MAX(16, peer->channel_capacity * 2);
        peer->channels = hwi_resize(peer->alloc, peer->channels,
                                    peer->channel_capacity * sizeof *peer->channels);
    }
    kind = hwi_channel_kind(kind);
    uint32_t place = place_of(peer, kind, tag);
    channel = &peer->channels[place];
    memmove(channel + 1, channel, (peer->channel_count++ - place) * sizeof *channel);
    *channel = (struct hwi_peer_channel){.kind = kind, .tag = tag};
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
