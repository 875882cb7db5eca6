// SPDX-License-Identifier: MIT
// The one answer to a request.
#ifndef HAWSER_ACTORS_PEER_REPLY_H
#define HAWSER_ACTORS_PEER_REPLY_H

#include "actors/peer/peer.h"

// To a call of this kind, which tells whether it names the group's members or the run's. `view` is
// NULL for none.
struct hwi_msg_reply *hwi_peer_reply(const struct hwi_peer *peer, uint64_t request, uint8_t kind,
                                     int status, const struct hwi_peer_members *view,
                                     struct hwi_effects *effects);

#endif
