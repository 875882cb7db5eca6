// SPDX-License-Identifier: MIT
// trace_relay: a tool wants what the ring says; the host sends it.
#include "actors/peer/handlers.h"
#include "actors/peer/link.h"

void hwi_peer_on_trace_relay(void *state, const struct hwi_event *event,
                             struct hwi_effects *effects)
{
    (void)state;
    *HWI_EMIT(effects, hwi_peer_local(HWI_ROLE_RING), trace_relay) = event->msg->u.trace_relay;
}
