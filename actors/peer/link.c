// SPDX-License-Identifier: MIT
#include "actors/peer/link.h"

struct hwi_msg *hwi_peer_tell(struct hwi_peer *peer, struct hwi_effects *effects, uint16_t type)
{
    peer->sent++;
    return hwi_emit(effects, hwi_peer_local(HWI_ROLE_MASTER), type);
}
