// SPDX-License-Identifier: MIT
#include "actors/master/probe.h"

#include "actors/master/master.h"
#include "actors/master/propose.h"

enum { PROBE_US_EACH = 100 }; // of the time between two rounds, for each that is asked

bool hwi_master_believes(const struct hwi_master_session *session,
                         const struct hwi_master_session *other)
{
    return session->member || !other->member;
}

void hwi_master_suspect(struct hwi_master *master, struct hwi_master_session *other)
{
    other->suspect = true;
    master->probe_at_ns = HWI_MAX(master->now_ns, master->probe_from_ns);
}

void hwi_master_probe(struct hwi_master *master, struct hwi_effects *effects)
{
    uint32_t told = 0;
    for (uint32_t i = 0; i < master->session_count; i++) {
        struct hwi_master_session *session = &master->sessions[i];
        bool awaited = master->stage == HWI_STAGE_OPEN && session->proposed && !session->ready;
        if (awaited || (session->suspect && session->member)) {
            hwi_master_tell(session, effects, HWI_MSG_probe);
            told++;
        }
    }
    uint64_t pause_ns = told * (PROBE_US_EACH * HWI_NS_PER_MS / 1000);
    master->probe_from_ns = master->now_ns + pause_ns;
    master->probe_at_ns =
        told > 0 ? master->now_ns + HWI_MAX(pause_ns, HWI_MASTER_PROBE_MS * HWI_NS_PER_MS)
                 : HWI_NEVER;
}
