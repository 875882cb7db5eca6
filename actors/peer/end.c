// SPDX-License-Identifier: MIT
#include "actors/peer/calls.h"
#include "actors/peer/channels.h"
#include "actors/peer/end.h"
#include "actors/peer/fence.h"
#include "actors/peer/link.h"
#include "actors/peer/members.h"
#include "actors/peer/reply.h"
#include "actors/peer/report.h"
#include "actors/peer/sync.h"

#include <hawser/types.h>

// A vote is Done as it is made: what it waits for then are the others.
static void count_wait(const struct hwi_peer *peer, struct hwi_peer_call *call)
{
    uint64_t waited_us = (peer->now_ns - call->done_ns) / 1000;
    if (call->stage == HWI_CALL_DONE && hwi_peer_lane_of(call->request.kind) == HWI_ROLE_NONE) {
        call->members_us += waited_us;
    } else if (call->stage == HWI_CALL_DONE) {
        call->commit_us += waited_us;
    }
}

// The role that must release the call's memory; HWI_ROLE_NONE: none
static enum hwi_role holder_of(const struct hwi_peer *peer, const struct hwi_peer_call *call)
{
    enum hwi_role lane =
        hwi_peer_entered(call) ? hwi_peer_lane_of(call->request.kind) : HWI_ROLE_NONE;
    return (peer->lanes_failed & 1u << lane) != 0 ? HWI_ROLE_NONE : lane;
}

int hwi_peer_end(struct hwi_peer *peer, struct hwi_peer_call *call, int status,
                 struct hwi_effects *effects)
{
    count_wait(peer, call);
    enum hwi_role lane = holder_of(peer, call);
    call->stage = HWI_CALL_ENDING;
    call->committed = status == HWS_OK;
    call->status = status;
    if (call->committed && call->request.kind == HWI_KIND_SYNC) {
        hwi_peer_sync_committed(peer);
        peer->revision = call->sync.revision;
    }
    if (lane == HWI_ROLE_NONE) {
        return hwi_peer_ended(peer, call, NULL, effects);
    }
    struct hwi_msg_op_end *end = HWI_EMIT(effects, hwi_peer_local(lane), op_end);
    end->op = call->op;
    end->committed = call->committed;
    return HWS_OK;
}

// Those behind it on its tag fail with it: run again they would take its place, and meet others'
// calls there.
static void fail_behind(struct hwi_peer *peer, const struct hwi_peer_call *call,
                        struct hwi_effects *effects)
{
    struct hwi_peer_call *other = hwi_peer_call_first(peer);
    for (; other != NULL && peer->phase == HWI_PEER_PHASE_MEMBER;
         other = hwi_peer_call_next(peer, other)) {
        if (other->arrival <= call->arrival || other->request.tag != call->request.tag) {
            continue;
        }
        if (other->stage == HWI_CALL_QUEUED ||
            (other->stage == HWI_CALL_ENDING && !other->committed)) {
            other->request.retry = 0;
        }
        if (other->stage == HWI_CALL_QUEUED) {
            hwi_peer_end(peer, other, HWS_E_VIEW, effects);
        }
    }
}

void hwi_peer_forget_before(struct hwi_peer *peer)
{
    if (peer->call_count == 0) { // calls that are ENDING may still belong to it
        hwi_peer_members_forget(peer, &peer->before);
    }
}

static const struct hwi_peer_members *view_of(const struct hwi_peer *peer,
                                              const struct hwi_peer_call *call)
{
    bool old = call->attempts > 0 && call->op.view == peer->before.number;
    return old && call->request.kind != HWI_KIND_ADMIT ? &peer->before : &peer->view;
}

// The lane's counters
static void add_counts(struct hwi_msg_reply *reply, const struct hwi_peer_call *call,
                       const struct hwi_msg_op_ended *ended, struct hwi_effects *effects)
{
    reply->bytes_sent = ended->bytes_sent;
    reply->bytes_received = ended->bytes_received;
    reply->sources = ended->sources;
    reply->hash_us = ended->hash_us;
    reply->move_us = ended->move_us;
    if (call->committed) {
        reply->offset = ended->offset;
        reply->count = ended->count;
        reply->counts =
            hwi_effects_copy(effects, ended->counts, ended->counts_count * sizeof *ended->counts);
        reply->counts_count = ended->counts_count;
    }
}

// A member that took part in what was committed may have been lost since: the result has its part,
// and does not name it as lost.
static uint32_t leave_out_members(const struct hwi_msg_reply *reply)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < reply->lost_count; i++) {
        uint32_t rank = 0;
        while (rank < reply->members_count && reply->members[rank].value != reply->lost[i].value) {
            rank++;
        }
        if (rank == reply->members_count) {
            reply->lost[kept++] = reply->lost[i];
        }
    }
    return kept;
}

static void reply_call(const struct hwi_peer *peer, const struct hwi_peer_call *call,
                       const struct hwi_msg_op_ended *ended, struct hwi_effects *effects)
{
    struct hwi_msg_reply *reply = hwi_peer_reply(peer, call->request.request, call->request.kind,
                                                 call->status, view_of(peer, call), effects);
    reply->attempts = call->attempts;
    reply->fault = call->fault;
    reply->value = call->request.kind == HWI_KIND_SYNC ? call->sync.revision : call->value;
    reply->root = call->sync.root;
    reply->members_us = call->members_us;
    reply->commit_us = call->commit_us;
    reply->credit_us = call->credit_us;
    if (call->committed) {
        reply->pending = call->pending;
        reply->lost_count = call->attempts > 1 ? leave_out_members(reply) : 0;
    }
    if (ended != NULL) {
        add_counts(reply, call, ended, effects);
    }
}

static void queue_again(struct hwi_peer *peer, struct hwi_peer_call *call,
                        struct hwi_effects *effects)
{
    call->stage = HWI_CALL_QUEUED;
    call->withdrawn = false;
    if (call->cancelled) {
        hwi_peer_give_up(peer, call, HWS_E_CANCELLED, effects);
    }
}

// HWS_OK, or the status of a call that failed with the whole incarnation.
static int fatal_status(const struct hwi_peer *peer, const struct hwi_peer_call *call)
{
    bool fatal = !call->committed && peer->phase == HWI_PEER_PHASE_MEMBER &&
                 hws_status_class((hws_status)call->status) == HWS_CLASS_RUN;
    return fatal ? call->status : HWS_OK;
}

int hwi_peer_ended(struct hwi_peer *peer, struct hwi_peer_call *call,
                   const struct hwi_msg_op_ended *ended, struct hwi_effects *effects)
{
    if (ended != NULL) {
        peer->bytes_sent += ended->bytes_sent;
        peer->bytes_received += ended->bytes_received;
    }
    call->members_us += ended != NULL ? ended->members_us : 0;
    call->credit_us += ended != NULL ? ended->credit_us : 0;
    if (hwi_peer_runs_again(peer, call)) {
        queue_again(peer, call, effects);
        return HWS_OK;
    }
    if (!call->committed) {
        fail_behind(peer, call, effects);
    }
    hwi_peer_fence_ended(peer, call);
    reply_call(peer, call, ended, effects);
    int fatal = fatal_status(peer, call);
    hwi_peer_call_remove(peer, call);
    hwi_peer_forget_before(peer);
    return fatal;
}

void hwi_peer_give_up(struct hwi_peer *peer, struct hwi_peer_call *call, int status,
                      struct hwi_effects *effects)
{
    struct hwi_fault fault = {
        .status = status, .peer_a = peer->id, .signature_a = hwi_peer_signature_of(call)};
    uint64_t begun_ns = call->deadline_ns - call->request.timeout_ns;
    fault.waited_ms =
        (uint32_t)HWI_MIN((peer->now_ns - begun_ns) / HWI_NS_PER_MS, (uint64_t)UINT32_MAX);
    if (call->stage == HWI_CALL_QUEUED) {
        if (hwi_peer_channel_open(peer, call->request.kind, call->request.tag) == NULL) {
            hwi_peer_end(peer, call, HWS_E_LIMIT, effects);
            return;
        }
        hwi_peer_take_number(peer, call);
    }
    hwi_peer_withdraw(peer, call, &fault, effects);
}
