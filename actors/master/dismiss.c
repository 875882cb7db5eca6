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

static bool dismiss(struct hwi_master *master, struct hwi_master_session *s, int status,
                    const char *reason, struct hwi_effects *effects)
{
    struct hwi_msg_evicted *e = HWI_MASTER_TELL(s, effects, evicted);
    e->incarnation = s->incarnation;
    e->status = status;
    strncpy(e->reason, reason, sizeof e->reason - 1);
    bool concerned = s->member || s->proposed;
    master->change |= s->member;
    if (s->member) {
        struct hwi_master_group *g = hwi_master_group(master, s->group);
        master->member_count--;
        g->members--;
        g->offers -= hwi_master_offered(master, s);
    }
    s->member = false;
    s->proposed = false;
    s->gone = true;
    hwi_master_session_unname(master, s->incarnation);
    hwi_master_unit_leave(master, s);
    return concerned;
}

bool hwi_master_dismiss(struct hwi_master *master, struct hwi_master_session *s, int status,
                        const char *reason, struct hwi_effects *effects)
{
    bool whole = s->member && s->unit[0] != '\0'; // of newcomers, the rest of the unit waits
    bool concerned = dismiss(master, s, status, reason, effects);
    for (uint32_t i = 0; whole && i < master->session_count; i++) {
        struct hwi_master_session *t = &master->sessions[i];
        if (!t->gone && strncmp(t->unit, s->unit, sizeof t->unit) == 0) {
            char lost[HWI_TEXT_BYTES_MAX];
            snprintf(lost, sizeof lost, "peer %llu of its unit is out",
                     (unsigned long long)s->peer);
            dismiss(master, t, HWS_E_EVICTED, lost, effects);
        }
    }
    return concerned;
}

void hwi_master_put_out(struct hwi_master *master, struct hwi_master_session *s, int status,
                        const char *reason, struct hwi_effects *effects)
{
    bool concerned = hwi_master_dismiss(master, s, status, reason, effects);
    hwi_master_sweep(master);
    if (concerned) {
        hwi_master_reform(master, effects);
    }
}
