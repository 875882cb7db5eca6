// SPDX-License-Identifier: MIT
#include "collectives/reducer/reducer.h"

static void emit_memory(const struct hwi_reduction *reduction, const struct hwi_msg_op_start *start,
                        struct hwi_effects *effects)
{
    struct hwi_msg_op_memory *memory = HWI_EMIT(effects, hwi_to_data(), op_memory);
    memory->op = reduction->op;
    memory->request = start->request;
    memory->in_place = start->in_place;
    memory->dtype = reduction->signature.dtype;
    memory->redop = reduction->signature.redop;
    memory->bytes = reduction->bytes;
    memory->chunk_bytes = reduction->shape.chunk_bytes;
}

static struct hwi_msg_place *emit_place(const struct hwi_reduction *reduction, enum hwi_phase phase,
                                        uint64_t from, struct hwi_effects *effects)
{
    struct hwi_msg_place *place = HWI_EMIT(effects, hwi_to_data(), place);
    place->op = reduction->op;
    place->phase = (uint8_t)phase;
    place->from = from;
    return place;
}

// Inputs from the member for the own share, and results from it for its own.
static void place_rows(const struct hwi_reducer *reducer, const struct hwi_reduction *reduction,
                       uint32_t rank, struct hwi_effects *effects)
{
    const struct hwi_ledger *ledger = &reduction->ledger;
    if (ledger->count > 0) {
        struct hwi_msg_place *row =
            emit_place(reduction, HWI_PHASE_SCATTER, reducer->members[rank], effects);
        row->first = reduction->first;
        row->chunks = ledger->count;
        row->slots = ledger->window;
        row->granted = ledger->granted;
    }
    uint32_t chunks = hwi_reduction_chunks(reduction, rank);
    if (reduction->gathers_due > 0 && chunks > 0) {
        struct hwi_msg_place *row =
            emit_place(reduction, HWI_PHASE_GATHER, reducer->members[rank], effects);
        row->first = hwi_reduction_first(reduction, rank);
        row->chunks = chunks;
        row->granted = chunks;
    }
}

static void emit_call(const struct hwi_reducer *reducer, const struct hwi_reduction *reduction,
                      uint32_t rank, struct hwi_effects *effects)
{
    struct hwi_msg_call *call = HWI_EMIT(effects, hwi_to_reducer(reducer->members[rank]), call);
    call->op = reduction->op;
    call->signature = reduction->signature;
    call->granted = reduction->ledger.granted;
}

static void hear_early_calls(struct hwi_reducer *reducer, struct hwi_reduction *reduction,
                             struct hwi_effects *effects)
{
    struct hwi_msg_call call;
    for (uint32_t rank = 0; rank < reducer->world; rank++) {
        if (rank != reducer->self &&
            hwi_early_take(&reducer->early, reducer->members[rank], reduction->op, &call))
            hwi_reduction_called(reducer, reduction, rank, &call, effects);
    }
}

static void start_with_others(struct hwi_reducer *reducer, struct hwi_reduction *reduction,
                              struct hwi_effects *effects)
{
    uint32_t others = reducer->world - 1;
    for (uint32_t i = 0; i < others; i++)
        place_rows(reducer, reduction, hwi_reducer_other(reducer, i), effects);
    // Everyone hears the call, also after a mismatch: the other side has to find it too.
    for (uint32_t i = 0; i < others; i++)
        emit_call(reducer, reduction, hwi_reducer_other(reducer, i), effects);
    hear_early_calls(reducer, reduction, effects);
    for (uint32_t i = 0; i < others && reduction->state == HWI_REDUCTION_STARTING; i++)
        hwi_reduction_feed(reducer, reduction, hwi_reducer_other(reducer, i), effects);
}

void hwi_reducer_on_op_start(struct hwi_reducer *reducer, const struct hwi_msg_op_start *message,
                             uint64_t now_ns, struct hwi_effects *effects)
{
    HWI_CHECK(message->op.view == reducer->view && reducer->view != 0);
    HWI_CHECK(message->op.kind == HWI_KIND_ALL_REDUCE);
    HWI_CHECK(!hwi_reducer_find(reducer, message->op));
    struct hwi_reduction *reduction = hwi_reducer_open(reducer, message);
    emit_memory(reduction, message, effects);
    if (reducer->world > 1)
        start_with_others(reducer, reduction, effects);
    else
        hwi_reduction_copy(reduction, now_ns, effects);
    if (reduction->state == HWI_REDUCTION_STARTING)
        reduction->state = HWI_REDUCTION_RUNNING;
}
