// SPDX-License-Identifier: MIT
// The end of this incarnation: by the trainer's close, an eviction, or a decision that cannot be
// had.
#include "actors/peer/peer.h"

#include <stdio.h>

#include <hawser/types.h>

void hwi_peer_finish(struct hwi_peer *peer, int status, const char *reason,
                     struct hwi_effects *effects)
{
    if (peer->phase == HWI_PEER_PHASE_FINISHED) {
        return;
    }
    bool joining = peer->phase == HWI_PEER_PHASE_JOINING;
    peer->phase = HWI_PEER_PHASE_FINISHED;
    peer->finish_status = status;
    snprintf(peer->finish_reason, sizeof peer->finish_reason, "%s", reason);
    for (uint32_t i = 0; i < peer->call_capacity && peer->call_count > 0; i++) {
        if (peer->calls[i].stage != HWI_CALL_FREE && peer->calls[i].stage != HWI_CALL_ENDING) {
            hwi_peer_end(peer, &peer->calls[i], status, effects);
        }
    }
    HWI_EMIT(effects, hwi_peer_local(HWI_ROLE_REDUCER), lane_view)->self = peer->id;
    HWI_EMIT(effects, hwi_peer_local(HWI_ROLE_SNAPSHOT), lane_view)->self = peer->id;
    hwi_peer_close_edges(peer, true, effects);
    if (joining) {
        hwi_peer_reply(peer, peer->config.request, HWI_KIND_NONE, status, NULL, effects);
    }
    if (status != HWS_E_EVICTED && peer->leave_until_ns == HWI_NEVER && peer->heard_master) {
        HWI_PEER_TELL(peer, effects, leave)->incarnation = peer->config.incarnation;
    }
}

void hwi_peer_on_evicted(struct hwi_peer *peer, const struct hwi_msg_evicted *e,
                         struct hwi_effects *effects)
{
    if (e->incarnation != peer->config.incarnation) {
        return;
    }
    bool known = hws_status_class((hws_status)e->status) != HWS_CLASS_OK;
    hwi_peer_finish(peer, known ? e->status : HWS_E_EVICTED, e->reason, effects);
    hwi_peer_closed(peer, effects);
}

void hwi_peer_on_refused(struct hwi_peer *peer, const struct hwi_msg_refused *r,
                         struct hwi_effects *effects)
{
    hwi_peer_finish(peer, HWS_E_REFUSED, r->reason, effects);
}

void hwi_peer_close(struct hwi_peer *peer, uint64_t request, struct hwi_effects *effects)
{
    peer->leave_request = request;
    bool was_member = peer->phase == HWI_PEER_PHASE_MEMBER ||
                      (peer->phase == HWI_PEER_PHASE_JOINING && peer->welcomed);
    if (!was_member) {
        hwi_peer_finish(peer, HWS_E_CLOSED, "it was closed", effects);
        peer->leave_until_ns = peer->now_ns;
        hwi_peer_closed(peer, effects);
        return;
    }
    peer->leave_until_ns = peer->now_ns + HWI_PEER_LEAVE_MS * HWI_NS_PER_MS;
    HWI_PEER_TELL(peer, effects, leave)->incarnation = peer->config.incarnation;
}

void hwi_peer_closed(struct hwi_peer *peer, struct hwi_effects *effects)
{
    if (peer->leave_until_ns == HWI_NEVER) {
        return;
    }
    hwi_peer_finish(peer, HWS_E_CLOSED, "it was closed", effects);
    if (peer->call_count > 0) {
        return; // calls in flight are answered first
    }
    peer->leave_until_ns = HWI_NEVER;
    hwi_peer_reply(peer, peer->leave_request, HWI_KIND_CLOSE, HWS_OK, NULL, effects);
}
