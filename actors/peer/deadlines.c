// SPDX-License-Identifier: MIT
#include "actors/peer/calls.h"
#include "actors/peer/deadlines.h"
#include "actors/peer/end.h"
#include "actors/peer/finish.h"
#include "actors/peer/members.h"

#include <hawser/types.h>

void hwi_peer_notice_sleep(struct hwi_peer *peer, uint64_t now_ns)
{
    if (peer->welcomed && now_ns - peer->now_ns > 2 * peer->heartbeat_ns) {
        peer->excused_until_ns = now_ns + HWI_PEER_EXCUSE_MS * HWI_NS_PER_MS;
    }
    peer->now_ns = now_ns;
}

// The fault of a call that never got its turn.
static int queued_status(const struct hwi_peer *peer)
{
    return hwi_peer_too_few(peer) ? HWS_E_TOO_FEW : HWS_E_TIMEOUT;
}

static void check_deadline(struct hwi_peer *peer, struct hwi_peer_call *call,
                           struct hwi_effects *effects)
{
    int queued = queued_status(peer);
    if (call->stage == HWI_CALL_QUEUED && queued == HWS_E_TIMEOUT) {
        hwi_peer_give_up(peer, call, queued, effects); // its turn would still come in this view
    } else if (call->stage == HWI_CALL_QUEUED) {
        hwi_peer_end(peer, call, queued, effects);
    } else if (hwi_peer_entered(call)) {
        if (peer->now_ns - call->deadline_ns >= peer->config.grace_ns) {
            hwi_peer_finish(peer, HWS_E_OUTCOME_UNKNOWN, "the master gave no decision in time",
                            effects);
            return;
        }
        hwi_peer_give_up(peer, call, HWS_E_TIMEOUT, effects);
    }
}

void hwi_peer_check_deadlines(struct hwi_peer *peer, struct hwi_effects *effects)
{
    if (peer->now_ns < peer->excused_until_ns) {
        return;
    }
    struct hwi_peer_call *call = hwi_peer_call_first(peer);
    for (; call != NULL; call = hwi_peer_call_next(peer, call)) {
        if (peer->now_ns >= call->deadline_ns) {
            check_deadline(peer, call, effects);
        }
    }
}

uint64_t hwi_peer_next_deadline(const struct hwi_peer *peer)
{
    uint64_t next = HWI_NEVER;
    const struct hwi_peer_call *call = hwi_peer_call_first(peer);
    for (; call != NULL; call = hwi_peer_call_next(peer, call)) {
        uint64_t grace_ns = call->withdrawn ? peer->config.grace_ns : 0;
        uint64_t at = HWI_MAX(call->deadline_ns + grace_ns, peer->excused_until_ns);
        next = call->stage == HWI_CALL_ENDING ? next : HWI_MIN(next, at);
    }
    return next;
}
