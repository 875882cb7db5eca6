// SPDX-License-Identifier: MIT
// woken: who has been silent too long, which proposal has waited too long.
#include "actors/master/master.h"

#include <stdio.h>

#include <hawser/types.h>

static void put_out_silent(struct hwi_master *master, struct hwi_effects *effects)
{
    // Woken every half heartbeat: counted off, so that it is out by dead_ms.
    uint64_t limit = (master->config.dead_ms - master->config.heartbeat_ms / 2) * HWI_NS_PER_MS;
    bool concerned = false;
    for (uint32_t i = master->session_count; i-- > 0;) {
        struct hwi_master_session *s = &master->sessions[i];
        if (!s->gone && master->now_ns - s->heard_ns > limit) {
            char reason[HWI_TEXT_BYTES_MAX];
            snprintf(reason, sizeof reason, "nothing was heard from it for %u ms",
                     (unsigned)((master->now_ns - s->heard_ns) / HWI_NS_PER_MS));
            concerned |= hwi_master_dismiss(master, s, HWS_E_EVICTED, reason, effects);
        }
    }
    hwi_master_sweep(master);
    if (concerned) {
        hwi_master_reform(master, effects);
    }
}

// Asks those whose stripes broke, or for whom a proposal waits, whether they live: a dead one's
// connection is gone, and sending says so.
static void probe_suspects(struct hwi_master *master, struct hwi_effects *effects)
{
    uint32_t told = 0;
    for (uint32_t i = 0; i < master->session_count; i++) {
        struct hwi_master_session *s = &master->sessions[i];
        bool awaited = master->stage == HWI_STAGE_OPEN && s->proposed && !s->ready;
        if (awaited || (s->suspect && s->member)) {
            hwi_master_tell(s, effects, HWI_MSG_probe);
            told++;
        }
    }
    uint64_t pause_ns = told * (HWI_MASTER_PROBE_US_EACH * HWI_NS_PER_MS / 1000);
    master->probe_from_ns = master->now_ns + pause_ns;
    master->probe_at_ns =
        told > 0 ? master->now_ns + HWI_MAX(pause_ns, HWI_MASTER_PROBE_MS * HWI_NS_PER_MS)
                 : HWI_NEVER;
}

void hwi_master_on_woken(struct hwi_master *master, struct hwi_effects *effects)
{
    master->turn_at_ns = master->now_ns + master->config.heartbeat_ms * HWI_NS_PER_MS / 2;
    put_out_silent(master, effects);
    if (master->stage == HWI_STAGE_OPEN && master->now_ns >= master->proposal_until_ns) {
        hwi_master_proposal_expired(master, effects);
    }
    if (master->now_ns >= master->reform_at_ns) {
        hwi_master_reform_now(master, effects);
    }
    hwi_master_find_mismatch(master, effects);
    if (master->now_ns >= master->probe_at_ns) {
        probe_suspects(master, effects);
    }
    if (master->now_ns >= master->store_again_ns) {
        master->store_again_ns = HWI_NEVER;
        hwi_master_store(master, effects);
    }
}
