// SPDX-License-Identifier: MIT
// evicted: this incarnation is in no view any more.
#include "actors/peer/finish.h"
#include "actors/peer/handlers.h"

#include <hawser/types.h>

void hwi_peer_on_evicted(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_peer *peer = state;
    const struct hwi_msg_evicted *evicted = &event->msg->u.evicted;
    if (evicted->incarnation != peer->config.incarnation) {
        return;
    }
    bool known = hws_status_class((hws_status)evicted->status) != HWS_CLASS_OK;
    int status = known ? evicted->status : HWS_E_EVICTED;
    hwi_peer_finish(peer, status, evicted->reason, effects);
    hwi_peer_closed(peer, effects);
}
