// SPDX-License-Identifier: MIT
// woken: finds members that have been silent too long, and a proposal that has waited too long.
#include <stdio.h>

#include <hawser/types.h>

#include "actors/master/announce.h"
#include "actors/master/dismiss.h"
#include "actors/master/handlers.h"
#include "actors/master/judge.h"
#include "actors/master/master.h"
#include "actors/master/mismatch.h"
#include "actors/master/probe.h"
#include "actors/master/propose.h"
#include "actors/master/session.h"

static void put_out_silent(struct hwi_master *master, struct hwi_effects *effects)
{
    // Woken every half heartbeat: counted off, so that it is out by dead_ms.
    uint64_t limit = (master->config.dead_ms - master->config.heartbeat_ms / 2) * HWI_NS_PER_MS;
    bool concerned = false;
    for (uint32_t i = master->session_count; i-- > 0;) {
        struct hwi_master_session *session = &master->sessions[i];
        if (!session->gone && master->now_ns - session->heard_ns > limit) {
            char reason[HWI_TEXT_BYTES_MAX];
            snprintf(reason, sizeof reason, "nothing was heard from it for %u ms",
                     (unsigned)((master->now_ns - session->heard_ns) / HWI_NS_PER_MS));
            concerned |= hwi_master_dismiss(master, session, HWS_E_EVICTED, reason, effects);
        }
    }
    hwi_master_sweep(master);
    if (concerned) {
        hwi_master_reform(master, effects);
    }
}

void hwi_master_on_woken(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_master *master = state;
    (void)event;
    master->turn_at_ns = master->now_ns + master->config.heartbeat_ms * HWI_NS_PER_MS / 2;
    put_out_silent(master, effects);
    bool awaited = master->stage == HWI_STAGE_OPEN && master->ready_due > 0;
    if (awaited && master->now_ns >= master->proposal_until_ns) {
        hwi_master_proposal_expired(master, effects);
    }
    if (hwi_master_gathers(master) && master->now_ns >= master->gather_until_ns) {
        hwi_master_gathered(master, effects);
    }
    if (master->now_ns >= master->reform_at_ns) {
        hwi_master_reform_now(master, effects);
    }
    hwi_master_end_mismatch(master, effects);
    if (master->now_ns >= master->probe_at_ns) {
        hwi_master_probe(master, effects);
    }
    if (master->now_ns >= master->store_again_ns) {
        master->store_again_ns = HWI_NEVER;
        hwi_master_store(master, effects);
    }
}
