// SPDX-License-Identifier: MIT
#include "actors/peer/calls.h"
#include "actors/peer/link.h"
#include "actors/peer/session.h"

#include <stdio.h>
#include <string.h>

// The kind of its first call in flight, for members that wait in another one.
static uint8_t kind_of(const struct hwi_peer *peer, const struct hwi_peer_channel *channel)
{
    struct hwi_op op = {.view = peer->view.number,
                        .kind = channel->kind,
                        .tag = channel->tag,
                        .seq = channel->heard};
    const struct hwi_peer_call *call = hwi_peer_call_of(peer, op);
    return call != NULL ? call->request.kind : channel->kind;
}

static struct hwi_tally *list_tallies(const struct hwi_peer *peer, bool in_flight_only,
                                      uint32_t most, uint32_t *count, struct hwi_effects *effects)
{
    struct hwi_tally *tallies = hwi_effects_memory(effects, peer->channel_count * sizeof *tallies);
    *count = 0;
    for (uint32_t i = 0; i < peer->channel_count && *count < most; i++) {
        const struct hwi_peer_channel *channel = &peer->channels[i];
        if (!in_flight_only || channel->entered > channel->heard) {
            tallies[(*count)++] =
                (struct hwi_tally){.kind = in_flight_only ? kind_of(peer, channel) : channel->kind,
                                   .tag = channel->tag,
                                   .entered = channel->entered,
                                   .done = channel->done,
                                   .heard = channel->heard};
        }
    }
    return tallies;
}

void hwi_peer_register(struct hwi_peer *peer, struct hwi_effects *effects)
{
    peer->welcomed = false;
    peer->sent = 0;
    peer->registered_ns = peer->now_ns;
    peer->speak_at_ns = peer->now_ns + HWI_PEER_REGISTER_MS * HWI_NS_PER_MS;
    struct hwi_msg_registration *registration =
        HWI_EMIT(effects, hwi_peer_local(HWI_ROLE_MASTER), registration);
    registration->protocol = HWI_PROTOCOL;
    registration->run = peer->run;
    registration->incarnation = peer->config.incarnation;
    registration->view = peer->view.number;
    registration->ready_view = peer->ready_said ? peer->proposal.number : 0;
    snprintf(registration->address, sizeof registration->address, "%s", peer->config.address);
    registration->group = peer->config.group;
    snprintf(registration->unit, sizeof registration->unit, "%s", peer->config.unit);
    registration->unit_size = peer->config.unit_size;
    registration->pid = peer->config.pid;
    memcpy(registration->host, peer->config.host, sizeof registration->host);
    registration->revision = peer->config.revision;
    registration->has_revision = peer->config.has_revision;
    registration->tallies =
        list_tallies(peer, false, HWI_TAGS_MAX, &registration->tallies_count, effects);
}

void hwi_peer_register_again(struct hwi_peer *peer, struct hwi_effects *effects)
{
    uint64_t earliest_ns = peer->registered_ns + HWI_PEER_REGISTER_MS * HWI_NS_PER_MS;
    if (peer->now_ns >= earliest_ns) {
        hwi_peer_register(peer, effects);
    } else {
        peer->welcomed = false;
        peer->speak_at_ns = earliest_ns;
    }
}

void hwi_peer_heartbeat(struct hwi_peer *peer, struct hwi_effects *effects)
{
    uint64_t sent = peer->sent;
    peer->speak_at_ns = peer->now_ns + peer->heartbeat_ns;
    struct hwi_msg_heartbeat *heartbeat = HWI_PEER_TELL(peer, effects, heartbeat);
    heartbeat->view = peer->view.number;
    heartbeat->sent = sent;
    heartbeat->revision = peer->revision;
    heartbeat->bytes_sent = peer->bytes_sent;
    heartbeat->bytes_received = peer->bytes_received;
    heartbeat->counters = peer->counters;
    heartbeat->tallies = list_tallies(peer, true, HWI_OPS_MAX, &heartbeat->tallies_count, effects);
}

void hwi_peer_speak(struct hwi_peer *peer, struct hwi_effects *effects)
{
    bool silent = peer->welcomed && peer->now_ns - peer->pong_ns > 3 * peer->heartbeat_ns;
    if (!peer->welcomed || silent) {
        hwi_peer_register(peer, effects);
    } else {
        hwi_peer_heartbeat(peer, effects);
    }
}

void hwi_peer_tell_leave(struct hwi_peer *peer, struct hwi_effects *effects)
{
    HWI_PEER_TELL(peer, effects, leave)->incarnation = peer->config.incarnation;
}
