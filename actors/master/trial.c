// SPDX-License-Identifier: MIT
#include "actors/master/trial.h"

#include "actors/master/session.h"
#include "actors/master/unit.h"

enum { PAUSE_MS_LEAST = 100, PAUSE_MS_MAX = 4000 };

static bool may_come(const struct hwi_master *master, const struct hwi_master_session *session)
{
    return !session->gone && !session->member && hwi_master_admissible(master, session);
}

bool hwi_master_trial_wanted(const struct hwi_master *master)
{
    if (master->member_count == 0 || master->change ||
        master->session_count == master->member_count) {
        return false;
    }
    for (uint32_t i = 0; i < master->session_count; i++) {
        if (may_come(master, &master->sessions[i]) && !master->sessions[i].proven) {
            return true;
        }
    }
    return false;
}

// A unit enters whole, so it is proven only if all its processes are.
static void count_units(struct hwi_master *master)
{
    for (uint32_t i = 0; i < master->unit_count; i++) {
        master->units[i].proven = 0;
    }
    for (uint32_t i = 0; master->unit_count > 0 && i < master->session_count; i++) {
        struct hwi_master_unit *unit = hwi_master_unit(master, &master->sessions[i]);
        if (unit != NULL) {
            unit->proven += master->sessions[i].proven;
        }
    }
}

void hwi_master_trial_count(struct hwi_master *master)
{
    master->proven = 0;
    count_units(master);
    for (uint32_t i = 0; i < master->session_count; i++) {
        struct hwi_master_session *session = &master->sessions[i];
        const struct hwi_master_unit *unit = hwi_master_unit(master, session);
        session->proven &= !session->member && (unit == NULL || unit->proven == unit->size);
        master->proven += session->proven && may_come(master, session);
    }
}

void hwi_master_trial_holds(struct hwi_master *master)
{
    for (uint32_t i = 0; i < master->session_count; i++) {
        struct hwi_master_session *session = &master->sessions[i];
        session->proven |= session->proposed && !session->member;
    }
    hwi_master_trial_count(master);
    master->trial_pause_ms = 0;
}

bool hwi_master_trial_doubts(const struct hwi_master *master,
                             const struct hwi_master_session *session,
                             const struct hwi_master_session *other)
{
    return master->trial && !session->member && other->member && !other->ready;
}

void hwi_master_trial_fails(struct hwi_master *master)
{
    uint32_t longer = HWI_MAX(2 * master->trial_pause_ms, (uint32_t)PAUSE_MS_LEAST);
    master->trial_pause_ms = HWI_MIN(longer, (uint32_t)PAUSE_MS_MAX);
    master->trial_from_ns = master->now_ns + master->trial_pause_ms * HWI_NS_PER_MS;
}

bool hwi_master_trial_adopt(struct hwi_master *master)
{
    bool holds = master->ready_due == 0 && master->broken_edges == 0;
    bool open = master->trial && master->stage == HWI_STAGE_OPEN;
    if (!open || master->reform_at_ns != HWI_NEVER || (!holds && master->proven > 0)) {
        return false;
    }
    master->trial = false;
    master->admitting = true;
    return true;
}
