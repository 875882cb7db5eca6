// SPDX-License-Identifier: MIT
// ready: one of the proposal has opened its stripes, and says which it could not.
#include <hawser/types.h>

#include "actors/master/broken.h"
#include "actors/master/dismiss.h"
#include "actors/master/handlers.h"
#include "actors/master/judge.h"
#include "actors/master/master.h"
#include "actors/master/probe.h"
#include "actors/master/session.h"
#include "actors/master/trial.h"

void hwi_master_on_ready(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_master *master = state;
    struct hwi_master_session *session = hwi_master_session(master, event->from.id);
    const struct hwi_msg_ready *ready = &event->msg->u.ready;
    if (master->stage != HWI_STAGE_OPEN || ready->view != master->proposal || !session->proposed) {
        return;
    }
    master->ready_due -= !session->ready;
    session->ready = true;
    for (uint32_t i = 0; i < ready->broken_count; i++) {
        struct hwi_master_session *other =
            hwi_master_session_of_peer(master, ready->broken[i].value);
        if (other == NULL || !other->proposed || other->group != session->group ||
            hwi_master_trial_doubts(master, session, other)) {
            continue;
        }
        hwi_master_broken(master, session, other);
        if (!hwi_master_believes(session, other)) {
            continue;
        }
        hwi_master_suspect(master, other);
        if (other->unreachable) {
            hwi_master_put_out(master, other, HWS_E_EVICTED, "its connections were lost", effects);
            return; // proposed again
        }
    }
    hwi_master_judge(master, effects);
}
