// SPDX-License-Identifier: MIT
// The peer's outgoing messages: to actors of this process, and to the master, whose link counts
// them.
#ifndef HAWSER_ACTORS_PEER_LINK_H
#define HAWSER_ACTORS_PEER_LINK_H

#include "actors/peer/peer.h"

static inline struct hwi_addr hwi_peer_local(enum hwi_role role)
{
    return hwi_addr_of(role, 0);
}

// A message to the master, to fill in; counted.
struct hwi_msg *hwi_peer_tell(struct hwi_peer *peer, struct hwi_effects *effects, uint16_t type);
#define HWI_PEER_TELL(peer, effects, name)                                                         \
    (&hwi_peer_tell((peer), (effects), HWI_MSG_##name)->u.name)

#endif
