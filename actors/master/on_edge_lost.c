// SPDX-License-Identifier: MIT
// edge_lost: a member's stripes to another broke.
#include <hawser/types.h>

#include "actors/master/broken.h"
#include "actors/master/dismiss.h"
#include "actors/master/handlers.h"
#include "actors/master/judge.h"
#include "actors/master/master.h"
#include "actors/master/probe.h"
#include "actors/master/propose.h"
#include "actors/master/session.h"

void hwi_master_on_edge_lost(void *state, const struct hwi_event *event,
                             struct hwi_effects *effects)
{
    struct hwi_master *master = state;
    struct hwi_master_session *session = hwi_master_session(master, event->from.id);
    const struct hwi_msg_edge_lost *lost = &event->msg->u.edge_lost;
    bool in_force = session->member && lost->view == master->view.number;
    bool proposed =
        session->proposed && master->stage == HWI_STAGE_OPEN && lost->view == master->proposal;
    struct hwi_master_session *other = hwi_master_session_of_peer(master, lost->peer);
    if (other == NULL || other->group != session->group || !(in_force || proposed)) {
        return; // between groups there are no edges
    }
    master->change |= in_force;
    // not dialled again: a newcomer's stripes could break for ever
    if (proposed && !(session->member && other->member)) {
        hwi_master_broken(master, session, other);
    }
    if (hwi_master_believes(session, other)) {
        hwi_master_suspect(master, other);
    }
    if (other->unreachable && other->suspect) {
        hwi_master_put_out(master, other, HWS_E_EVICTED, "its connections were lost", effects);
    } else if (proposed && !(session->member && other->member)) {
        hwi_master_judge(master, effects);
    } else if (hwi_master_may_reform(master) || proposed) {
        hwi_master_reform(master, effects);
    }
}
