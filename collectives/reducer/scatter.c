// SPDX-License-Identifier: MIT
// The sender's side: what another member called and granted, and the inputs that go to it.
#include <hawser/types.h>

#include "collectives/reducer/reducer.h"

static bool signatures_equal(const struct hwi_signature *a, const struct hwi_signature *b)
{
    return a->kind == b->kind && a->dtype == b->dtype && a->redop == b->redop &&
           a->count == b->count && a->plan == b->plan;
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
    fault->kind = reduction->op.kind;
    fault->tag = reduction->op.tag;
    fault->peer_a = reducer->members[self_first ? reducer->self : rank];
    fault->peer_b = reducer->members[self_first ? rank : reducer->self];
    fault->signature_a = self_first ? reduction->signature : call->signature;
    fault->signature_b = self_first ? call->signature : reduction->signature;
    reduction->state = HWI_REDUCTION_FAULTED;
}

// Bytes of chunks [from, to) of the tensor; the last one may be short.
static uint64_t range_bytes(const struct hwi_reduction *reduction, uint32_t from, uint32_t to)
{
    uint64_t begin = (uint64_t)from * reduction->shape.chunk_bytes;
    uint64_t end = (uint64_t)to * reduction->shape.chunk_bytes;
    return HWI_MIN(end, reduction->bytes) - HWI_MIN(begin, reduction->bytes);
}

void hwi_reduction_called(struct hwi_reducer *reducer, struct hwi_reduction *reduction,
                          uint32_t rank, const struct hwi_msg_call *call,
                          struct hwi_effects *effects)
{
    struct hwi_reduction_edge *edge = &reduction->edges[rank];
    if (edge->called || reduction->state >= HWI_REDUCTION_FAULTED)
        return;
    if (!signatures_equal(&reduction->signature, &call->signature)) {
        report_mismatch(reducer, reduction, rank, call, effects);
        return;
    }
    uint32_t first = hwi_reduction_first(reduction, rank);
    edge->called = true;
    reducer->ahead_bytes[rank] -= range_bytes(reduction, first, first + edge->sent);
    reduction->calls_due--;
    hwi_reduction_grant(reduction, rank, call->granted);
}

void hwi_reduction_grant(struct hwi_reduction *reduction, uint32_t rank, uint32_t granted)
{
    struct hwi_reduction_edge *edge = &reduction->edges[rank];
    edge->granted = HWI_MAX(edge->granted, HWI_MIN(granted, hwi_reduction_chunks(reduction, rank)));
}

// How many chunks may go to a member that has not called: no more than it will grant at first, and
// no more than it keeps room for. Asked once, when nothing has been sent.
static uint32_t eager_limit(const struct hwi_reducer *reducer,
                            const struct hwi_reduction *reduction, uint32_t rank)
{
    uint32_t chunks = hwi_reduction_chunks(reduction, rank);
    uint32_t first = hwi_reduction_first(reduction, rank);
    uint32_t window = hwi_reduction_window(&reduction->shape, chunks);
    uint64_t room = HWI_EAGER_BYTES_MAX - reducer->ahead_bytes[rank];
    uint32_t limit = 0;
    while (limit < window && range_bytes(reduction, first, first + limit + 1) <= room)
        limit++;
    return limit;
}

void hwi_reduction_feed(struct hwi_reducer *reducer, struct hwi_reduction *reduction, uint32_t rank,
                        struct hwi_effects *effects)
{
    struct hwi_reduction_edge *edge = &reduction->edges[rank];
    uint32_t limit = edge->called ? edge->granted : eager_limit(reducer, reduction, rank);
    if (limit <= edge->sent)
        return;
    struct hwi_msg_send *send = HWI_EMIT(effects, hwi_to_data(), send);
    send->op = reduction->op;
    send->phase = HWI_PHASE_SCATTER;
    send->to = reducer->members[rank];
    send->first = hwi_reduction_first(reduction, rank) + edge->sent;
    send->chunks = limit - edge->sent;
    if (!edge->called)
        reducer->ahead_bytes[rank] +=
            range_bytes(reduction, send->first, send->first + send->chunks);
    edge->sent = limit;
}
