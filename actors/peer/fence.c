// SPDX-License-Identifier: MIT
#include "actors/peer/calls.h"
#include "actors/peer/fence.h"

#include <hawser/types.h>

// A call failed for good and is not answered yet.
static bool failing(const struct hwi_peer *peer)
{
    const struct hwi_peer_call *call = hwi_peer_call_first(peer);
    for (; call != NULL; call = hwi_peer_call_next(peer, call)) {
        if (call->stage == HWI_CALL_ENDING && !call->committed &&
            !hwi_peer_runs_again(peer, call)) {
            return true;
        }
    }
    return false;
}

static bool failed(const struct hwi_peer *peer)
{
    return peer->fence.held || failing(peer);
}

static bool acknowledged(const struct hwi_peer *peer)
{
    return peer->fence.acked == peer->view.number;
}

// Made without knowing of a failure, it could take the place of the call that failed. With `retry`
// it need not know of the view.
bool hwi_peer_fence_stops(const struct hwi_peer *peer, const struct hwi_msg_request *request)
{
    return peer->fence.failures > request->collected || failed(peer) ||
           (!acknowledged(peer) && !request->retry);
}

// A call with `retry` was made before anything failed, or would not have been taken: it continues
// by itself, in its place on its tag.
bool hwi_peer_fence_open(const struct hwi_peer *peer, const struct hwi_peer_call *call)
{
    return call->request.retry || (acknowledged(peer) && !failed(peer));
}

// One with `retry` acknowledges the view for new calls, too, unless one failed.
void hwi_peer_fence_pass(struct hwi_peer *peer, const struct hwi_peer_call *call)
{
    if (call->request.retry && !failed(peer)) {
        hwi_peer_fence_acknowledge(peer);
    }
}

static bool old_calls_in_flight(const struct hwi_peer *peer)
{
    const struct hwi_peer_call *call = hwi_peer_call_first(peer);
    for (; call != NULL; call = hwi_peer_call_next(peer, call)) {
        if (call->stage == HWI_CALL_ENDING && call->op.view != peer->view.number) {
            return true;
        }
    }
    return false;
}

int hwi_peer_fence_lift(struct hwi_peer *peer, const struct hwi_msg_request *request)
{
    bool closed = !acknowledged(peer) || failed(peer);
    if (closed && (peer->fence.failures > request->collected || old_calls_in_flight(peer))) {
        return HWS_E_BUSY;
    }
    hwi_peer_fence_acknowledge(peer);
    peer->fence.held = false;
    return HWS_OK;
}

void hwi_peer_fence_acknowledge(struct hwi_peer *peer)
{
    peer->fence.acked = peer->view.number;
}

void hwi_peer_fence_refused(struct hwi_peer *peer, const struct hwi_msg_request *request)
{
    peer->fence.failures += request->async;
}

void hwi_peer_fence_ended(struct hwi_peer *peer, const struct hwi_peer_call *call)
{
    if (call->committed && call->request.kind == HWI_KIND_ADMIT) {
        hwi_peer_fence_acknowledge(peer); // the joint call is the acknowledgement
    }
    peer->fence.held |= !call->committed && call->attempts > 0;
    peer->fence.failures += call->request.async && call->status != HWS_OK;
}
