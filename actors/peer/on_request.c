// SPDX-License-Identifier: MIT
// request: one call of the public API arrives.
#include "actors/peer/peer.h"

#include <hawser/types.h>

// Nothing of this member's is in flight with an admit or a sync. The master relies on it when it
// looks for members that wait for each other.
static bool busy(const struct peer *p, uint8_t kind)
{
    uint32_t i = 0;
    if (p->call_count == 0 || hwi_kind_is_alone(kind)) {
        return p->call_count > 0;
    }
    while (p->calls[i].stage == CALL_FREE) {
        i++;
    }
    return hwi_kind_is_alone(p->calls[i].request.kind);
}

// A status that the call gets at once, or HWS_OK if it may take its turn.
static int judge(const struct peer *p, const struct hwi_msg_request *r)
{
    bool reduces = hwi_channel_kind(r->kind) == HWI_KIND_ALL_REDUCE;
    if (p->phase == PHASE_FINISHED) {
        return p->finish_status;
    }
    if (p->phase != PHASE_MEMBER || p->leave_until_ns != HWI_NEVER) {
        return HWS_E_CLOSED;
    }
    if (r->kind == HWI_KIND_NONE) {
        return HWS_OK; // it acknowledges the view: no fence holds it
    }
    if (p->call_count == HWI_OPS_MAX) {
        return HWS_E_LIMIT;
    }
    if (busy(p, r->kind)) {
        return HWS_E_BUSY;
    }
    if (reduces && p->state_attached && (!p->state_synced || p->state_dirty)) {
        return HWS_E_NOT_SYNCED;
    }
    if (p->failures > r->collected || hwi_peer_failing(p)) {
        // Made without knowing of a failure, it could take the place of the call that failed
        return HWS_E_VIEW;
    }
    if (p->fence_held || (p->acked != p->view.number && !r->retry)) {
        return HWS_E_VIEW;
    }
    bool few = p->view.count < p->config.min_members && r->kind != HWI_KIND_ADMIT;
    return few && !r->retry ? HWS_E_TOO_FEW : HWS_OK;
}

static struct call *free_call(struct peer *p)
{
    uint32_t i = 0;
    while (i < p->call_capacity && p->calls[i].stage != CALL_FREE) {
        i++;
    }
    HWI_CHECK(i < HWI_OPS_MAX); // call_count is right
    if (i == p->call_capacity) {
        hwi_peer_calls_reserve(p, HWI_MIN(HWI_MAX(4, 2 * i), HWI_OPS_MAX));
    }
    return &p->calls[i];
}

void hwi_peer_on_request(struct peer *p, const struct hwi_msg_request *r, struct hwi_effects *fx)
{
    if (r->kind == HWI_KIND_CLOSE) {
        hwi_peer_close(p, r->request, fx);
        return;
    }
    if (r->kind == HWI_KIND_SYNC) {
        p->state_attached = true;
    }
    int status = judge(p, r);
    if (status != HWS_OK) {
        p->failures += r->async;
        hwi_peer_reply(p, r->request, r->kind, status, &p->view, fx);
        return;
    }
    if (r->kind == HWI_KIND_NONE) {
        hwi_peer_acknowledge(p, r, fx);
        return;
    }
    struct call *c = free_call(p);
    *c = (struct call){.stage = CALL_QUEUED, .request = *r, .arrival = ++p->arrivals};
    c->deadline_ns = r->timeout_ns > HWI_NEVER / 2 ? HWI_NEVER / 2 : p->now_ns + r->timeout_ns;
    if (c->deadline_ns > HWI_NEVER / 2) {
        c->deadline_ns = HWI_NEVER / 2;
    }
    p->call_count++;
    hwi_peer_start_queued(p, fx);
}
