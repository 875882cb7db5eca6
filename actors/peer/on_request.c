// SPDX-License-Identifier: MIT
// request: one call of the public API arrives.
#include "actors/peer/peer.h"

#include <hawser/types.h>

// Nothing of this member's is in flight with an admit or a sync. The master relies on it when it
// looks for members that wait for each other.
static bool busy(const struct hwi_peer *peer, uint8_t kind)
{
    uint32_t i = 0;
    if (peer->call_count == 0 || hwi_kind_is_alone(kind)) {
        return peer->call_count > 0;
    }
    while (peer->calls[i].stage == HWI_CALL_FREE) {
        i++;
    }
    return hwi_kind_is_alone(peer->calls[i].request.kind);
}

// A status that the call gets at once, or HWS_OK if it may take its turn.
static int judge(const struct hwi_peer *peer, const struct hwi_msg_request *r)
{
    if (peer->phase == HWI_PEER_PHASE_FINISHED) {
        return peer->finish_status;
    }
    if (peer->phase != HWI_PEER_PHASE_MEMBER || peer->leave_until_ns != HWI_NEVER) {
        return HWS_E_CLOSED;
    }
    if (r->kind == HWI_KIND_NONE) {
        return HWS_OK; // it acknowledges the view: no fence holds it
    }
    if (peer->call_count == HWI_OPS_MAX) {
        return HWS_E_LIMIT;
    }
    if (busy(peer, r->kind)) {
        return HWS_E_BUSY;
    }
    if (hwi_kind_is_collective(r->kind) && peer->state_attached &&
        (!peer->state_synced || peer->state_dirty)) {
        return HWS_E_NOT_SYNCED;
    }
    if (peer->failures > r->collected || hwi_peer_failing(peer)) {
        // Made without knowing of a failure, it could take the place of the call that failed
        return HWS_E_VIEW;
    }
    if (peer->fence_held || (peer->acked != peer->view.number && !r->retry)) {
        return HWS_E_VIEW;
    }
    bool few = peer->view.count < peer->config.min_members && r->kind != HWI_KIND_ADMIT;
    return few && !r->retry ? HWS_E_TOO_FEW : HWS_OK;
}

static struct hwi_peer_call *free_call(struct hwi_peer *peer)
{
    uint32_t i = 0;
    while (i < peer->call_capacity && peer->calls[i].stage != HWI_CALL_FREE) {
        i++;
    }
    HWI_CHECK(i < HWI_OPS_MAX); // call_count is right
    if (i == peer->call_capacity) {
        hwi_peer_calls_reserve(peer, HWI_MIN(HWI_MAX(4, 2 * i), HWI_OPS_MAX));
    }
    return &peer->calls[i];
}

void hwi_peer_on_request(struct hwi_peer *peer, const struct hwi_msg_request *r,
                         struct hwi_effects *effects)
{
    if (r->kind == HWI_KIND_CLOSE) {
        hwi_peer_close(peer, r->request, effects);
        return;
    }
    if (r->kind == HWI_KIND_SYNC) {
        peer->state_attached = true;
    }
    int status = judge(peer, r);
    if (status != HWS_OK) {
        peer->failures += r->async;
        hwi_peer_reply(peer, r->request, r->kind, status, &peer->view, effects);
        return;
    }
    if (r->kind == HWI_KIND_NONE) {
        hwi_peer_acknowledge(peer, r, effects);
        return;
    }
    struct hwi_peer_call *c = free_call(peer);
    *c = (struct hwi_peer_call){
        .stage = HWI_CALL_QUEUED, .request = *r, .arrival = ++peer->arrivals};
    c->deadline_ns = r->timeout_ns > HWI_NEVER / 2 ? HWI_NEVER / 2 : peer->now_ns + r->timeout_ns;
    if (c->deadline_ns > HWI_NEVER / 2) {
        c->deadline_ns = HWI_NEVER / 2;
    }
    peer->call_count++;
    hwi_peer_start_queued(peer, effects);
}
