// SPDX-License-Identifier: MIT
// woken: who has been silent too long, which proposal has waited too long.
#include "actors/master/master.h"

#include <stdio.h>

#include <hawser/types.h>

static void put_out_silent(struct master *m, struct hwi_effects *fx)
{
    // Woken every half heartbeat: counted off, so that it is out by dead_ms.
    uint64_t limit = (m->config.dead_ms - m->config.heartbeat_ms / 2) * HWI_NS_PER_MS;
    bool concerned = false;
    for (uint32_t i = m->session_count; i-- > 0;) {
        struct session *s = &m->sessions[i];
        if (!s->gone && m->now_ns - s->heard_ns > limit) {
            char reason[HWI_TEXT_BYTES_MAX];
            snprintf(reason, sizeof reason, "nothing was heard from it for %u ms",
                     (unsigned)((m->now_ns - s->heard_ns) / HWI_NS_PER_MS));
            concerned |= hwi_master_dismiss(m, s, HWS_E_EVICTED, reason, fx);
        }
    }
    hwi_master_sweep(m);
    if (concerned) {
        hwi_master_reform(m, fx);
    }
}

// Asks those whose stripes broke, or for whom a proposal waits, whether they live: a dead one's
// connection is gone, and sending says so.
static void probe_suspects(struct master *m, struct hwi_effects *fx)
{
    uint32_t told = 0;
    for (uint32_t i = 0; i < m->session_count; i++) {
        struct session *s = &m->sessions[i];
        bool awaited = m->stage == STAGE_OPEN && s->proposed && !s->ready;
        if (awaited || (s->suspect && s->member)) {
            hwi_master_tell(s, fx, HWI_MSG_probe);
            told++;
        }
    }
    uint64_t pause_ns = told * (MASTER_PROBE_US_EACH * HWI_NS_PER_MS / 1000);
    m->probe_from_ns = m->now_ns + pause_ns;
    m->probe_at_ns =
        told > 0 ? m->now_ns + HWI_MAX(pause_ns, MASTER_PROBE_MS * HWI_NS_PER_MS) : HWI_NEVER;
}

void hwi_master_on_woken(struct master *m, struct hwi_effects *fx)
{
    m->turn_at_ns = m->now_ns + m->config.heartbeat_ms * HWI_NS_PER_MS / 2;
    put_out_silent(m, fx);
    if (m->stage == STAGE_OPEN && m->now_ns >= m->proposal_until_ns) {
        hwi_master_proposal_expired(m, fx);
    }
    if (m->now_ns >= m->reform_at_ns) {
        hwi_master_reform_now(m, fx);
    }
    hwi_master_find_mismatch(m, fx);
    if (m->now_ns >= m->probe_at_ns) {
        probe_suspects(m, fx);
    }
    if (m->now_ns >= m->store_again_ns) {
        m->store_again_ns = HWI_NEVER;
        hwi_master_store(m, fx);
    }
}
