// SPDX-License-Identifier: MIT
#include "actors/peer/calls.h"
#include "actors/peer/channels.h"
#include "actors/peer/end.h"
#include "actors/peer/finish.h"
#include "actors/peer/outcome.h"

#include <hawser/types.h>

// The outcome of one call in an announcement.
struct outcome {
    bool committed;
    uint64_t value; // these two go with a commit
    uint32_t pending;
    const struct hwi_fault *fault; // why it is aborted; NULL = not known; borrowed
};

// As outcomes name the channel of a call of that kind.
static uint32_t group_of(const struct hwi_peer *peer, uint8_t kind)
{
    return hwi_kind_is_run_wide(kind) ? 0 : peer->config.group;
}

static const struct hwi_fault *find_fault(const struct hwi_peer *peer, const struct hwi_past *past,
                                          struct hwi_op op)
{
    for (uint32_t i = 0; i < past->faults_count; i++) {
        const struct hwi_fault *fault = &past->faults[i];
        if (fault->kind == hwi_channel_kind(op.kind) && fault->tag == op.tag &&
            fault->seq == op.seq && fault->group == group_of(peer, op.kind) &&
            fault->status != HWS_OK) {
            return fault;
        }
    }
    return NULL;
}

// An operation decided inside the view keeps that outcome: a channel has a tally for each announced
// number of newcomers, and its last one decides.
static struct outcome outcome_of(const struct hwi_peer *peer, const struct hwi_past *past,
                                 const struct hwi_peer_call *call)
{
    const struct hwi_op *op = &call->op;
    struct outcome outcome = {.value = call->value, .pending = past->pending};
    for (uint32_t i = past->tallies_count; i-- > 0;) {
        const struct hwi_tally *tally = &past->tallies[i];
        if (tally->kind == hwi_channel_kind(op->kind) && tally->tag == op->tag &&
            tally->group == group_of(peer, op->kind)) {
            outcome.value = hwi_kind_is_agreement(op->kind) ? tally->value : outcome.value;
            outcome.pending = op->seq < tally->done ? tally->pending : outcome.pending;
            outcome.committed = op->seq < tally->heard;
        }
    }
    outcome.fault = outcome.committed ? NULL : find_fault(peer, past, *op);
    return outcome;
}

static int abort_status(const struct hwi_peer *peer, const struct hwi_peer_call *call,
                        const struct hwi_fault *fault)
{
    if (fault != NULL) {
        bool given_up = fault->status == HWS_E_CANCELLED || fault->status == HWS_E_TIMEOUT;
        return given_up && fault->peer_a != peer->id ? HWS_E_WITHDRAWN : fault->status;
    }
    if (call->cancelled && call->withdrawn) {
        return HWS_E_CANCELLED;
    }
    return peer->lost_count > 0 ? HWS_E_MEMBER_LOST : HWS_E_WITHDRAWN;
}

static void abort_call(struct hwi_peer *peer, struct hwi_peer_call *call,
                       const struct hwi_fault *fault, struct hwi_effects *effects)
{
    if (fault != NULL) {
        bool cancelled = fault->status == HWS_E_CANCELLED;
        call->fault = *fault;
        call->request.retry = cancelled ? 0 : call->request.retry; // over for all
    }
    int over = hwi_peer_end(peer, call, abort_status(peer, call, fault), effects);
    hwi_peer_finish_with(peer, over, effects);
}

// One that others gave up and that waits for its turn here is decided with those that were entered:
// run in the new view it would wait in vain, and meet another call.
static void name_cancelled(struct hwi_peer *peer, const struct hwi_fault *fault)
{
    struct hwi_peer_call *call = hwi_peer_call_first(peer);
    for (; call != NULL; call = hwi_peer_call_next(peer, call)) {
        if (call->stage == HWI_CALL_QUEUED && hwi_channel_kind(call->request.kind) == fault->kind &&
            call->request.tag == fault->tag && hwi_peer_number_of(peer, call) == fault->seq) {
            hwi_peer_take_number(peer, call);
        }
    }
}

static void name_all_cancelled(struct hwi_peer *peer, const struct hwi_past *past)
{
    for (uint32_t i = 0; i < past->faults_count; i++) {
        const struct hwi_fault *fault = &past->faults[i];
        if (fault->status == HWS_E_CANCELLED && fault->group == group_of(peer, fault->kind)) {
            name_cancelled(peer, fault);
        }
    }
}

static void decide_call(struct hwi_peer *peer, const struct hwi_past *past,
                        struct hwi_peer_call *call, struct hwi_effects *effects)
{
    struct outcome outcome = outcome_of(peer, past, call);
    call->value = outcome.value;
    call->pending = outcome.pending;
    if (!outcome.committed) {
        abort_call(peer, call, outcome.fault, effects);
    } else if (call->stage != HWI_CALL_DONE) {
        hwi_peer_finish_not_done(peer, effects);
    } else if (call->op.kind == HWI_KIND_ADMIT) { // answered with the new view, once it is in force
        call->stage = HWI_CALL_ENDING;
        call->committed = true;
    } else {
        hwi_peer_end(peer, call, HWS_OK, effects);
    }
}

void hwi_peer_decide(struct hwi_peer *peer, const struct hwi_past *past,
                     struct hwi_effects *effects)
{
    name_all_cancelled(peer, past);
    struct hwi_peer_call *call = hwi_peer_call_first(peer);
    for (; call != NULL; call = hwi_peer_call_next(peer, call)) {
        if (hwi_peer_entered(call)) {
            decide_call(peer, past, call, effects);
        }
    }
}
