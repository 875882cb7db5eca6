// SPDX-License-Identifier: MIT
// trace_want: a tool wants the whole run's trace: every session is asked, and the ring of this
// process. The master remembers nothing: a tool that wants more asks again, and the host bounds how
// often and for how many tools.
#include "actors/master/handlers.h"
#include "actors/master/master.h"
#include "actors/master/session.h"

enum { SHARE_BYTES_PER_S = 2048 }; // that each ring may send at least

void hwi_master_on_trace_want(void *state, const struct hwi_event *event,
                              struct hwi_effects *effects)
{
    const struct hwi_master *master = state;
    const struct hwi_msg_trace_want *want = &event->msg->u.trace_want;
    uint64_t tool = event->from.id;
    uint32_t rings = master->session_count + 1;
    const struct hwi_msg_trace_relay relay = {
        .tool = tool,
        .timeout_ms = want->timeout_ms,
        .bytes_per_s = HWI_MAX(want->bytes_per_s / rings, SHARE_BYTES_PER_S),
        .history = want->history,
    };
    for (uint32_t i = 0; i < master->session_count; i++) {
        *HWI_MASTER_TELL(&master->sessions[i], effects, trace_relay) = relay;
    }
    *HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_RING, 0), trace_relay) = relay;
    HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_TOOL, tool), trace_told)->rings =
        HWI_MIN(rings, HWI_MEMBERS_MAX);
}
