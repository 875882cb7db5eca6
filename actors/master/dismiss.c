// SPDX-License-Identifier: MIT
#include "actors/master/dismiss.h"

#include <stdio.h>
#include <string.h>

#include <hawser/types.h>

#include "actors/master/group.h"
#include "actors/master/master.h"
#include "actors/master/propose.h"
#include "actors/master/sync.h"
#include "actors/master/unit.h"

static bool dismiss(struct hwi_master *master, struct hwi_master_session *session, int status,
                    const char *reason, struct hwi_effects *effects)
{
    struct hwi_msg_evicted *e = HWI_MASTER_TELL(session, effects, evicted);
    e->incarnation = session->incarnation;
    e->status = status;
    strncpy(e->reason, reason, sizeof e->reason - 1);
    bool concerned = session->member || session->proposed;
    master->change |= session->member;
    if (session->member) {
        struct hwi_master_group *group = hwi_master_group(master, session->group);
        master->member_count--;
        group->members--;
        group->offers -= hwi_master_offered(master, session);
    }
    session->member = false;
    session->proposed = false;
    session->gone = true;
    hwi_master_session_unname(master, session->incarnation);
    hwi_master_unit_leave(master, session);
    return concerned;
}

bool hwi_master_dismiss(struct hwi_master *master, struct hwi_master_session *session, int status,
                        const char *reason, struct hwi_effects *effects)
{
    bool whole =
        session->member && session->unit[0] != '\0'; // of newcomers, the rest of the unit waits
    bool concerned = dismiss(master, session, status, reason, effects);
    for (uint32_t i = 0; whole && i < master->session_count; i++) {
        struct hwi_master_session *other = &master->sessions[i];
        if (!other->gone && strncmp(other->unit, session->unit, sizeof other->unit) == 0) {
            char lost[HWI_TEXT_BYTES_MAX];
            snprintf(lost, sizeof lost, "member %llu of its unit was removed",
                     (unsigned long long)session->peer);
            dismiss(master, other, HWS_E_EVICTED, lost, effects);
        }
    }
    return concerned;
}

void hwi_master_put_out(struct hwi_master *master, struct hwi_master_session *session, int status,
                        const char *reason, struct hwi_effects *effects)
{
    bool concerned = hwi_master_dismiss(master, session, status, reason, effects);
    hwi_master_sweep(master);
    if (concerned) {
        hwi_master_reform(master, effects);
    }
}
