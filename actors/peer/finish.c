// SPDX-License-Identifier: MIT
// The end of this incarnation: by the trainer's close, an eviction, or a decision that cannot be
// had.
#include "actors/peer/peer.h"

#include <stdio.h>

#include <hawser/types.h>

void hwi_peer_finish(struct peer *p, int status, const char *reason, struct hwi_effects *fx)
{
    if (p->phase == PHASE_FINISHED) {
        return;
    }
    bool joining = p->phase == PHASE_JOINING;
    p->phase = PHASE_FINISHED;
    p->finish_status = status;
    snprintf(p->finish_reason, sizeof p->finish_reason, "%s", reason);
    for (uint32_t i = 0; i < p->call_capacity && p->call_count > 0; i++) {
        if (p->calls[i].stage != CALL_FREE && p->calls[i].stage != CALL_ENDING) {
            hwi_peer_end(p, &p->calls[i], status, fx);
        }
    }
    HWI_EMIT(fx, hwi_peer_local(HWI_ROLE_REDUCER), lane_view)->self = p->id;
    HWI_EMIT(fx, hwi_peer_local(HWI_ROLE_SNAPSHOT), lane_view)->self = p->id;
    hwi_peer_close_edges(p, true, fx);
    if (joining) {
        hwi_peer_reply(p, p->config.request, HWI_KIND_NONE, status, NULL, fx);
    }
    if (status != HWS_E_EVICTED && p->leave_until_ns == HWI_NEVER && p->heard_master) {
        PEER_TELL(p, fx, leave)->incarnation = p->config.incarnation;
    }
}

void hwi_peer_on_evicted(struct peer *p, const struct hwi_msg_evicted *e, struct hwi_effects *fx)
{
    if (e->incarnation != p->config.incarnation) {
        return;
    }
    bool known = hws_status_class((hws_status)e->status) != HWS_CLASS_OK;
    hwi_peer_finish(p, known ? e->status : HWS_E_EVICTED, e->reason, fx);
    hwi_peer_closed(p, fx);
}

void hwi_peer_on_refused(struct peer *p, const struct hwi_msg_refused *r, struct hwi_effects *fx)
{
    hwi_peer_finish(p, HWS_E_REFUSED, r->reason, fx);
}

void hwi_peer_close(struct peer *p, uint64_t request, struct hwi_effects *fx)
{
    p->leave_request = request;
    bool was_member = p->phase == PHASE_MEMBER || (p->phase == PHASE_JOINING && p->welcomed);
    if (!was_member) {
        hwi_peer_finish(p, HWS_E_CLOSED, "it was closed", fx);
        p->leave_until_ns = p->now_ns;
        hwi_peer_closed(p, fx);
        return;
    }
    p->leave_until_ns = p->now_ns + PEER_LEAVE_MS * HWI_NS_PER_MS;
    PEER_TELL(p, fx, leave)->incarnation = p->config.incarnation;
}

void hwi_peer_closed(struct peer *p, struct hwi_effects *fx)
{
    if (p->leave_until_ns == HWI_NEVER) {
        return;
    }
    hwi_peer_finish(p, HWS_E_CLOSED, "it was closed", fx);
    if (p->call_count > 0) {
        return; // calls in flight are answered first
    }
    p->leave_until_ns = HWI_NEVER;
    hwi_peer_reply(p, p->leave_request, HWI_KIND_CLOSE, HWS_OK, NULL, fx);
}
