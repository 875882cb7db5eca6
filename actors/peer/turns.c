// SPDX-License-Identifier: MIT
#include "actors/peer/calls.h"
#include "actors/peer/channels.h"
#include "actors/peer/end.h"
#include "actors/peer/fence.h"
#include "actors/peer/link.h"
#include "actors/peer/members.h"
#include "actors/peer/report.h"
#include "actors/peer/sync.h"
#include "actors/peer/turns.h"

#include <string.h>

#include <hawser/types.h>

static void start_collective(const struct hwi_peer_call *call, struct hwi_effects *effects)
{
    struct hwi_msg_op_start *start = HWI_EMIT(effects, hwi_peer_local(HWI_ROLE_REDUCER), op_start);
    start->op = call->op;
    start->signature = hwi_peer_signature_of(call);
    start->request = call->request.request;
    start->in_place = call->request.in_place;
    start->plan = call->request.plan;
    start->room = call->request.room;
}

static void start(struct hwi_peer *peer, struct hwi_peer_call *call,
                  struct hwi_peer_channel *channel, struct hwi_effects *effects)
{
    enum hwi_role lane = hwi_peer_lane_of(call->op.kind);
    if (lane == HWI_ROLE_REDUCER) {
        start_collective(call, effects);
    } else if (lane == HWI_ROLE_SNAPSHOT) {
        hwi_peer_sync_start(call, call->request.verify, effects);
    } else { // a vote: saying it is being Done
        call->stage = HWI_CALL_DONE;
        call->done_ns = peer->now_ns;
        channel->done = channel->entered;
        hwi_peer_tell_done(peer, channel, 0, effects);
    }
}

// A broadcast whose root is no member fails on all of them alike before anybody enters it, and
// would each time it ran again.
static bool lacks_root(const struct hwi_peer *peer, const struct hwi_peer_call *call)
{
    return call->request.kind == HWI_KIND_BROADCAST &&
           !hwi_peer_is_ours(&peer->view, call->request.root);
}

static void enter(struct hwi_peer *peer, struct hwi_peer_call *call, struct hwi_effects *effects)
{
    if (lacks_root(peer, call)) {
        call->request.retry = 0;
        call->fault = (struct hwi_fault){.status = HWS_E_MEMBER_LOST, .peer_a = call->request.root};
        hwi_peer_end(peer, call, HWS_E_MEMBER_LOST, effects);
        return;
    }
    struct hwi_peer_channel *channel =
        hwi_peer_channel_open(peer, call->request.kind, call->request.tag);
    if (channel == NULL) {
        hwi_peer_end(peer, call, HWS_E_LIMIT, effects);
        return;
    }
    call->op = (struct hwi_op){.view = peer->view.number,
                               .kind = call->request.kind,
                               .tag = channel->tag,
                               .seq = channel->entered++};
    call->stage = HWI_CALL_RUNNING;
    call->attempts++;
    call->withdrawn = false;
    memset(&call->fault, 0, sizeof call->fault);
    memset(&call->sync, 0, sizeof call->sync);
    start(peer, call, channel, effects);
}

// An earlier call with the same tag that has not entered this view must go first; and a vote waits
// until it is over, as what comes after waits for a vote: a member that votes has nothing else in
// flight with that tag, and the master relies on that when it looks for members that wait for each
// other.
static bool must_wait_for(const struct hwi_peer_call *call, const struct hwi_peer_call *earlier)
{
    bool vote =
        hwi_kind_is_agreement(call->request.kind) || hwi_kind_is_agreement(earlier->request.kind);
    // Comes back, or takes us with it
    bool returns = earlier->withdrawn || (earlier->stage == HWI_CALL_ENDING && !earlier->committed);
    return vote || returns || earlier->stage == HWI_CALL_QUEUED;
}

static bool must_wait(const struct hwi_peer *peer, const struct hwi_peer_call *call)
{
    const struct hwi_peer_call *other = hwi_peer_call_first(peer);
    for (; other != NULL; other = hwi_peer_call_next(peer, other)) {
        bool before = other->arrival < call->arrival && other->request.tag == call->request.tag;
        if (before && must_wait_for(call, other)) {
            return true;
        }
    }
    return false;
}

static struct hwi_peer_call *next_queued(const struct hwi_peer *peer, uint64_t after)
{
    struct hwi_peer_call *next = NULL, *call = hwi_peer_call_first(peer);
    for (; call != NULL; call = hwi_peer_call_next(peer, call)) {
        if (call->stage == HWI_CALL_QUEUED && call->arrival > after &&
            (next == NULL || call->arrival < next->arrival)) {
            next = call;
        }
    }
    return next;
}

// Its turn has come. With too few members it waits for a newcomer. Only hws_admit admits one, so it
// ends then, to let its trainer call that. A call that the fence stops waits if it has `retry`;
// else it ends: its trainer may wait for it before it acknowledges.
static void take_turn(struct hwi_peer *peer, struct hwi_peer_call *call,
                      struct hwi_effects *effects)
{
    bool few = hwi_peer_too_few(peer) && call->request.kind != HWI_KIND_ADMIT;
    bool open = hwi_peer_fence_open(peer, call);
    if (few && peer->pending > 0) {
        call->request.retry = 0; // it would wait in vain
        hwi_peer_end(peer, call, HWS_E_TOO_FEW, effects);
    } else if (!few && open) {
        hwi_peer_fence_pass(peer, call);
        enter(peer, call, effects);
    } else if (!open && !call->request.retry) {
        hwi_peer_end(peer, call, few ? HWS_E_TOO_FEW : HWS_E_VIEW, effects);
    }
}

void hwi_peer_start_queued(struct hwi_peer *peer, struct hwi_effects *effects)
{
    struct hwi_peer_call *call = next_queued(peer, 0);
    while (call != NULL && peer->phase == HWI_PEER_PHASE_MEMBER) {
        uint64_t arrival = call->arrival;
        if (!must_wait(peer, call)) {
            take_turn(peer, call, effects);
        }
        call = next_queued(peer, arrival);
    }
}
