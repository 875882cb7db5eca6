// SPDX-License-Identifier: MIT
// The sender's side: what another member called and granted, and what goes to it.
#include <hawser/types.h>

#include "collectives/reducer/reducer.h"

static bool signatures_equal(const struct hwi_signature *a, const struct hwi_signature *b)
{
    return a->kind == b->kind && a->dtype == b->dtype && a->redop == b->redop &&
           a->plan == b->plan && a->root == b->root && a->unequal == b->unequal &&
           (a->unequal || a->count == b->count);
}

// The smaller peer id comes first, so that both sides report the same fault.
static void report_mismatch(const struct hwi_reducer *reducer, struct hwi_reduction *reduction,
                            uint32_t rank, const struct hwi_msg_call *call,
                            struct hwi_effects *effects)
{
    bool self_first = reducer->self < rank;
    struct hwi_msg_op_fault *message = HWI_EMIT(effects, hwi_to_peer(), op_fault);
    message->op = reduction->op;
    struct hwi_fault *fault = &message->fault;
    fault->status = HWS_E_MISMATCH;
    fault->kind = hwi_channel_kind(reduction->op.kind);
    fault->tag = reduction->op.tag;
    fault->peer_a = reducer->members[self_first ? reducer->self : rank];
    fault->peer_b = reducer->members[self_first ? rank : reducer->self];
    fault->signature_a = self_first ? reduction->signature : call->signature;
    fault->signature_b = self_first ? call->signature : reduction->signature;
    reduction->state = HWI_REDUCTION_FAULTED;
}

static struct hwi_part part_for(const struct hwi_reduction *reduction, uint32_t rank)
{
    return hwi_reduction_input(reduction, reduction->self, rank);
}

void hwi_reduction_called(struct hwi_reducer *reducer, struct hwi_reduction *reduction,
                          uint32_t rank, const struct hwi_msg_call *call,
                          struct hwi_effects *effects)
{
    struct hwi_reduction_edge *edge = &reduction->edges[rank];
    const struct hwi_signature *signature = &call->signature;
    if (edge->called || reduction->state >= HWI_REDUCTION_FAULTED) {
        return;
    }
    if (!signatures_equal(&reduction->signature, signature)) {
        report_mismatch(reducer, reduction, rank, call, effects);
        return;
    }
    edge->called = true;
    if (edge->sent > 0) {
        reducer->ahead_bytes[rank] -=
            (uint32_t)hwi_part_bytes(reduction, part_for(reduction, rank), edge->sent);
    }
    if (signature->unequal) {
        reduction->begin[rank + 1] =
            signature->count * hws_dtype_bytes((hws_dtype)signature->dtype);
    }
    if (--reduction->calls_due == 0) {
        reduction->waits.called_ns = reducer->now_ns;
    }
    hwi_reduction_grant(reduction, rank, call->granted);
}

void hwi_reduction_grant(struct hwi_reduction *reduction, uint32_t rank, uint32_t granted)
{
    struct hwi_reduction_edge *edge = &reduction->edges[rank];
    edge->granted = HWI_MAX(edge->granted, granted);
}

// How many chunks may go to a member that has not called: no more than it will grant at first, and
// no more than it keeps room for. Asked once, when nothing has been sent.
static uint32_t eager_limit(const struct hwi_reducer *reducer,
                            const struct hwi_reduction *reduction, uint32_t rank)
{
    struct hwi_part part = part_for(reduction, rank);
    uint32_t window = hwi_reduction_window(reduction, part.chunks);
    uint64_t room = HWI_EAGER_BYTES_MAX - reducer->ahead_bytes[rank];
    uint32_t limit = 0;
    while (limit < window && hwi_part_bytes(reduction, part, limit + 1) <= room) {
        limit++;
    }
    return limit;
}

void hwi_reduction_send(const struct hwi_reducer *reducer, const struct hwi_reduction *reduction,
                        enum hwi_phase phase, uint32_t rank, struct hwi_part chunks,
                        struct hwi_effects *effects)
{
    struct hwi_msg_send *send = HWI_EMIT(effects, hwi_to_data(), send);
    send->op = reduction->op;
    send->phase = (uint8_t)phase;
    if (phase == HWI_PHASE_GATHER) {
        send->place = HWI_PLACE_OUTPUT;
    } else if (reduction->shape.chunks == 1 && reduction->op.kind == HWI_KIND_ALL_REDUCE) {
        send->place = HWI_PLACE_KEPT; // it is reduced here meanwhile
    }
    send->to = reducer->members[rank];
    send->first = chunks.first;
    send->chunks = chunks.chunks;
}

// Counts the time in which some member does not let come what waits for it.
static void note_stall(struct hwi_waits *waits, struct hwi_reduction_edge *edge, bool stalled,
                       uint64_t now_ns)
{
    if (stalled == edge->stalled) {
        return;
    }
    edge->stalled = stalled;
    if (stalled && waits->stalled++ == 0) {
        waits->stalled_from_ns = now_ns;
    }
    if (!stalled && --waits->stalled == 0) {
        waits->stalled_ns += now_ns - waits->stalled_from_ns;
    }
}

static void feed(struct hwi_reducer *reducer, struct hwi_reduction *reduction, uint32_t rank,
                 struct hwi_part part, struct hwi_effects *effects)
{
    struct hwi_reduction_edge *edge = &reduction->edges[rank];
    uint32_t limit =
        edge->called ? HWI_MIN(edge->granted, part.chunks) : eager_limit(reducer, reduction, rank);
    if (limit <= edge->sent) {
        return;
    }
    struct hwi_part chunks = {.first = part.first + edge->sent, .chunks = limit - edge->sent};
    hwi_reduction_send(reducer, reduction, HWI_PHASE_SCATTER, rank, chunks, effects);
    if (!edge->called) { // nothing was sent before
        reducer->ahead_bytes[rank] += (uint32_t)hwi_part_bytes(reduction, part, limit);
    }
    edge->sent = limit;
}

void hwi_reduction_feed(struct hwi_reducer *reducer, struct hwi_reduction *reduction, uint32_t rank,
                        struct hwi_effects *effects)
{
    struct hwi_reduction_edge *edge = &reduction->edges[rank];
    if (!hwi_reduction_is_known(reduction)) {
        return;
    }
    struct hwi_part part = part_for(reduction, rank);
    feed(reducer, reduction, rank, part, effects);
    note_stall(&reduction->waits, edge, edge->called && edge->sent < part.chunks, reducer->now_ns);
}

void hwi_reduction_pass_on(const struct hwi_reducer *reducer, const struct hwi_reduction *reduction,
                           uint32_t rank, struct hwi_effects *effects)
{
    if (reduction->signature.kind != HWI_KIND_BROADCAST || !hwi_reduction_is_known(reduction)) {
        return;
    }
    const struct hwi_ledger *ledger = &reduction->ledger;
    struct hwi_part part = hwi_reduction_result(reduction, reduction->self, rank);
    struct hwi_part low = {.first = part.first, .chunks = HWI_MIN(ledger->low, part.chunks)};
    if (low.chunks > 0) {
        hwi_reduction_send(reducer, reduction, HWI_PHASE_GATHER, rank, low, effects);
    }
    for (uint32_t chunk = low.chunks; chunk < part.chunks && chunk < ledger->granted; chunk++) {
        struct hwi_part one = {.first = part.first + chunk, .chunks = 1};
        if (hwi_ledger_final(ledger, chunk)) {
            hwi_reduction_send(reducer, reduction, HWI_PHASE_GATHER, rank, one, effects);
        }
    }
}

void hwi_reduction_tell_grant(const struct hwi_reducer *reducer,
                              const struct hwi_reduction *reduction, uint32_t granted,
                              struct hwi_effects *effects)
{
    for (uint32_t i = 0; i + 1 < reducer->world; i++) {
        uint32_t rank = hwi_reducer_other(reducer, i);
        if (hwi_reduction_input(reduction, rank, reduction->self).chunks == 0) {
            continue;
        }
        struct hwi_msg_grant *grant =
            HWI_EMIT(effects, hwi_to_reducer(reducer->members[rank]), grant);
        grant->op = reduction->op;
        grant->phase = HWI_PHASE_SCATTER;
        grant->granted = granted;
    }
}

void hwi_reduction_all_called(struct hwi_reducer *reducer, struct hwi_reduction *reduction,
                              uint64_t now_ns, struct hwi_effects *effects)
{
    if (reduction->laid || reduction->calls_due > 0 || reduction->state > HWI_REDUCTION_RUNNING) {
        return;
    }
    hwi_reduction_lay(reducer, reduction, true, effects);
    if (!reduction->laid) {
        return;
    }
    hwi_reduction_tell_grant(reducer, reduction, hwi_reduction_first_grant(reduction), effects);
    hwi_reduction_copy(reduction, now_ns, effects);
    for (uint32_t i = 0; i + 1 < reducer->world; i++) {
        hwi_reduction_feed(reducer, reduction, hwi_reducer_other(reducer, i), effects);
    }
}
