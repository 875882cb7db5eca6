// SPDX-License-Identifier: MIT
// refused: the master does not take us.
#include "actors/peer/finish.h"
#include "actors/peer/handlers.h"

#include <hawser/types.h>

void hwi_peer_on_refused(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_peer *peer = state;
    hwi_peer_finish(peer, HWS_E_REFUSED, event->msg->u.refused.reason, effects);
}
