// SPDX-License-Identifier: MIT
// leave: a session ends in good order.
#include <hawser/types.h>

#include "actors/master/dismiss.h"
#include "actors/master/handlers.h"
#include "actors/master/master.h"
#include "actors/master/session.h"

void hwi_master_on_leave(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_master *master = state;
    struct hwi_master_session *session = hwi_master_session(master, event->from.id);
    const struct hwi_msg_leave *leave = &event->msg->u.leave;
    if (leave->incarnation == session->incarnation) {
        hwi_master_put_out(master, session, HWS_E_CLOSED, "it left", effects);
    }
}
