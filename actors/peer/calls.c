// SPDX-License-Identifier: MIT
#include "actors/peer/calls.h"

#include <string.h>

#include <hawser/types.h>

struct hwi_peer_call *hwi_peer_call_of(const struct hwi_peer *peer, struct hwi_op op)
{
    struct hwi_peer_call *call = hwi_peer_call_first(peer);
    while (call != NULL && !(hwi_peer_entered(call) && hwi_op_equal(call->op, op))) {
        call = hwi_peer_call_next(peer, call);
    }
    return call;
}

void hwi_peer_calls_reserve(struct hwi_peer *peer, uint32_t capacity)
{
    uint32_t old = peer->call_capacity;
    if (capacity > old) {
        peer->calls = hwi_resize(peer->alloc, peer->calls, capacity * sizeof *peer->calls);
        memset(peer->calls + old, 0, (capacity - old) * sizeof *peer->calls);
        peer->call_capacity = capacity;
    }
}

static uint64_t deadline_of(const struct hwi_peer *peer, const struct hwi_msg_request *request)
{
    const uint64_t latest_ns = HWI_NEVER / 2;
    uint64_t timeout_ns = HWI_MIN(request->timeout_ns, latest_ns);
    return HWI_MIN(peer->now_ns + timeout_ns, latest_ns);
}

struct hwi_peer_call *hwi_peer_call_add(struct hwi_peer *peer,
                                        const struct hwi_msg_request *request)
{
    uint32_t place = 0;
    while (place < peer->call_end && peer->calls[place].stage != HWI_CALL_FREE) {
        place++;
    }
    HWI_CHECK(place < HWI_OPS_MAX); // call_count is right
    if (place == peer->call_capacity) {
        hwi_peer_calls_reserve(peer, HWI_MIN(HWI_MAX(4, 2 * place), HWI_OPS_MAX));
    }
    struct hwi_peer_call *call = &peer->calls[place];
    *call = (struct hwi_peer_call){.stage = HWI_CALL_QUEUED,
                                   .request = *request,
                                   .arrival = ++peer->arrivals,
                                   .deadline_ns = deadline_of(peer, request)};
    peer->call_count++;
    peer->call_end = HWI_MAX(peer->call_end, place + 1);
    return call;
}

void hwi_peer_call_remove(struct hwi_peer *peer, struct hwi_peer_call *call)
{
    call->stage = HWI_CALL_FREE;
    peer->call_count--;
    while (peer->call_end > 0 && peer->calls[peer->call_end - 1].stage == HWI_CALL_FREE) {
        peer->call_end--;
    }
}

bool hwi_peer_runs_again(const struct hwi_peer *peer, const struct hwi_peer_call *call)
{
    bool given_up = call->cancelled && call->withdrawn;
    return !call->committed && call->request.retry && !given_up &&
           peer->phase == HWI_PEER_PHASE_MEMBER &&
           hws_status_class((hws_status)call->status) == HWS_CLASS_VIEW &&
           peer->now_ns < call->deadline_ns;
}

enum hwi_role hwi_peer_lane_of(uint8_t kind)
{
    if (kind == HWI_KIND_SYNC) {
        return HWI_ROLE_SNAPSHOT;
    }
    return hwi_kind_is_collective(kind) ? HWI_ROLE_REDUCER : HWI_ROLE_NONE;
}

struct hwi_signature hwi_peer_signature_of(const struct hwi_peer_call *call)
{
    return (struct hwi_signature){.kind = call->request.kind,
                                  .dtype = call->request.dtype,
                                  .redop = call->request.redop,
                                  .count = call->request.count,
                                  .plan = call->request.plan,
                                  .root = call->request.root,
                                  .unequal = call->request.unequal};
}
