// SPDX-License-Identifier: MIT
// unreachable: the control link of this process could not send to a peer, in whose name it says so.
#include <hawser/types.h>

#include "actors/master/dismiss.h"
#include "actors/master/handlers.h"
#include "actors/master/master.h"
#include "actors/master/session.h"

void hwi_master_on_unreachable(void *state, const struct hwi_event *event,
                               struct hwi_effects *effects)
{
    struct hwi_master *master = state;
    struct hwi_master_session *session = hwi_master_session(master, event->from.id);
    session->unreachable = true;
    if (session->suspect ||
        !session->member) { // a newcomer that lives registers again, and is another one
        hwi_master_put_out(master, session, HWS_E_EVICTED, "its connections were lost", effects);
    }
}
