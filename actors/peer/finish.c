// SPDX-License-Identifier: MIT
#include "actors/peer/calls.h"
#include "actors/peer/edges.h"
#include "actors/peer/end.h"
#include "actors/peer/finish.h"
#include "actors/peer/link.h"
#include "actors/peer/reply.h"
#include "actors/peer/session.h"

#include <stdio.h>

#include <hawser/types.h>

static void end_calls(struct hwi_peer *peer, int status, struct hwi_effects *effects)
{
    struct hwi_peer_call *call = hwi_peer_call_first(peer);
    for (; call != NULL; call = hwi_peer_call_next(peer, call)) {
        if (call->stage != HWI_CALL_ENDING) {
            hwi_peer_end(peer, call, status, effects);
        }
    }
}

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
    end_calls(peer, status, effects);
    HWI_EMIT(effects, hwi_peer_local(HWI_ROLE_REDUCER), lane_view)->self = peer->id;
    HWI_EMIT(effects, hwi_peer_local(HWI_ROLE_SNAPSHOT), lane_view)->self = peer->id;
    hwi_peer_edges_close(peer, true, effects);
    if (joining) {
        hwi_peer_reply(peer, peer->config.request, HWI_KIND_NONE, status, NULL, effects);
    }
    if (status != HWS_E_EVICTED && peer->leave_until_ns == HWI_NEVER && peer->heard_master) {
        hwi_peer_tell_leave(peer, effects);
    }
}

void hwi_peer_finish_with(struct hwi_peer *peer, int status, struct hwi_effects *effects)
{
    if (status != HWS_OK) {
        hwi_peer_finish(peer, status, hws_status_text((hws_status)status), effects);
    }
}

void hwi_peer_finish_not_done(struct hwi_peer *peer, struct hwi_effects *effects)
{
    hwi_peer_finish(peer, HWS_E_INTERNAL, "the master committed what this member was not Done with",
                    effects);
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
    hwi_peer_tell_leave(peer, effects);
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
