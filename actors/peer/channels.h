// SPDX-License-Identifier: MIT
// The channels of the view in force, and the numbers of calls on them.
#ifndef HAWSER_ACTORS_PEER_CHANNELS_H
#define HAWSER_ACTORS_PEER_CHANNELS_H

#include "actors/peer/peer.h"

// Of any kind of the channel. NULL = no call entered there in this view
struct hwi_peer_channel *hwi_peer_channel_find(const struct hwi_peer *peer, uint8_t kind,
                                               uint64_t tag);
// It, made if need be. NULL = HWI_TAGS_MAX passed
struct hwi_peer_channel *hwi_peer_channel_open(struct hwi_peer *peer, uint8_t kind, uint64_t tag);
// Of a QUEUED one: the number that it would get on its channel, after those before it that wait.
uint32_t hwi_peer_number_of(const struct hwi_peer *peer, const struct hwi_peer_call *call);
// It is RUNNING under that number, in name only: nothing works on it.
void hwi_peer_take_number(struct hwi_peer *peer, struct hwi_peer_call *call);

#endif
