// SPDX-License-Identifier: MIT
// woken: a time has come that was waited for.
#include "actors/peer/deadlines.h"
#include "actors/peer/finish.h"
#include "actors/peer/handlers.h"
#include "actors/peer/proposal.h"
#include "actors/peer/session.h"

#include <hawser/types.h>

static void check_open(struct hwi_peer *peer, struct hwi_effects *effects)
{
    if (peer->phase != HWI_PEER_PHASE_JOINING || peer->now_ns < peer->open_until_ns) {
        return;
    }
    if (peer->heard_master) {
        hwi_peer_finish(peer, HWS_E_NOT_ADMITTED, "registered, but not admitted to a view in time",
                        effects);
    } else {
        hwi_peer_finish(peer, HWS_E_UNREACHABLE, "nothing was heard from the master", effects);
    }
}

void hwi_peer_on_woken(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_peer *peer = state;
    (void)event;
    if (peer->now_ns >= peer->speak_at_ns && peer->phase != HWI_PEER_PHASE_FINISHED) {
        hwi_peer_speak(peer, effects);
    }
    if (peer->now_ns >= peer->ready_until_ns) {
        hwi_peer_say_ready(peer, true, effects);
    }
    check_open(peer, effects);
    hwi_peer_check_deadlines(peer, effects);
    if (peer->now_ns >= peer->leave_until_ns) {
        hwi_peer_closed(peer, effects);
    }
}
