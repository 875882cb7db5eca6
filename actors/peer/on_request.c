// SPDX-License-Identifier: MIT
// request: one call of the public API arrives.
#include "actors/peer/calls.h"
#include "actors/peer/fence.h"
#include "actors/peer/finish.h"
#include "actors/peer/handlers.h"
#include "actors/peer/reply.h"
#include "actors/peer/sync.h"
#include "actors/peer/turns.h"

#include <hawser/types.h>

// Nothing of this member's is in flight with an admit or a sync. The master relies on it when it
// looks for members that wait for each other.
static bool busy(const struct hwi_peer *peer, uint8_t kind)
{
    const struct hwi_peer_call *first = hwi_peer_call_first(peer);
    return first != NULL && (hwi_kind_is_alone(kind) || hwi_kind_is_alone(first->request.kind));
}

// A status that a call gets at once, or HWS_OK if it may take its turn.
static int judge_call(const struct hwi_peer *peer, const struct hwi_msg_request *request)
{
    if (peer->call_count == HWI_OPS_MAX) {
        return HWS_E_LIMIT;
    }
    if (busy(peer, request->kind)) {
        return HWS_E_BUSY;
    }
    if (hwi_kind_is_collective(request->kind) && hwi_peer_sync_missing(peer)) {
        return HWS_E_NOT_SYNCED;
    }
    if (hwi_peer_fence_stops(peer, request)) {
        return HWS_E_VIEW;
    }
    return HWS_OK;
}

static int judge(const struct hwi_peer *peer, const struct hwi_msg_request *request)
{
    if (peer->phase == HWI_PEER_PHASE_FINISHED) {
        return peer->finish_status;
    }
    if (peer->phase != HWI_PEER_PHASE_MEMBER || peer->leave_until_ns != HWI_NEVER) {
        return HWS_E_CLOSED;
    }
    // hws_view acknowledges the view: no fence holds it
    return request->kind == HWI_KIND_NONE ? HWS_OK : judge_call(peer, request);
}

static void lift_fence(struct hwi_peer *peer, const struct hwi_msg_request *request,
                       struct hwi_effects *effects)
{
    int status = hwi_peer_fence_lift(peer, request);
    hwi_peer_reply(peer, request->request, request->kind, status, &peer->view, effects);
    if (status == HWS_OK) {
        hwi_peer_start_queued(peer, effects);
    }
}

static void take(struct hwi_peer *peer, const struct hwi_msg_request *request,
                 struct hwi_effects *effects)
{
    int status = judge(peer, request);
    if (status != HWS_OK) {
        hwi_peer_fence_refused(peer, request);
        hwi_peer_reply(peer, request->request, request->kind, status, &peer->view, effects);
    } else if (request->kind == HWI_KIND_NONE) {
        lift_fence(peer, request, effects);
    } else {
        hwi_peer_call_add(peer, request);
        hwi_peer_start_queued(peer, effects);
    }
}

void hwi_peer_on_request(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_peer *peer = state;
    const struct hwi_msg_request *request = &event->msg->u.request;
    if (request->kind == HWI_KIND_CLOSE) {
        hwi_peer_close(peer, request->request, effects);
        return;
    }
    if (request->kind == HWI_KIND_SYNC) {
        hwi_peer_sync_attach(peer);
    }
    take(peer, request, effects);
}
