// SPDX-License-Identifier: MIT
// An operation's sizes: how it is cut, what it needs, and what the data port is told of it.
#include <hawser/types.h>

#include "collectives/reducer/reducer.h"

static uint32_t element_bytes(const struct hwi_reduction *reduction)
{
    return (uint32_t)hws_dtype_bytes((hws_dtype)reduction->signature.dtype);
}

// ---- regions ------------------------------------------------------------------------------------

// All begin[rank + 1] are the sizes of regions: makes them what they are afterwards.
static void begin_regions(struct hwi_reduction *reduction)
{
    for (uint32_t rank = 0; rank < reduction->shape.world; rank++) {
        reduction->begin[rank + 1] += reduction->begin[rank];
    }
    reduction->bytes = reduction->begin[reduction->shape.world];
}

// Where the counts follow from the own one. Asked again after a failure, it finds the same.
static void size_regions(struct hwi_reduction *reduction)
{
    const struct hwi_signature *signature = &reduction->signature;
    uint32_t world = reduction->shape.world, element = element_bytes(reduction);
    for (uint32_t rank = 0; rank < world; rank++) {
        uint64_t count = signature->count;
        if (signature->kind == HWI_KIND_REDUCE_SCATTER) {
            count = hwi_plan_part(count, world, rank + 1) - hwi_plan_part(count, world, rank);
        }
        reduction->begin[rank + 1] = count * element;
    }
}

// ---- what it needs ------------------------------------------------------------------------------

// Elements that the output must have room for.
static uint64_t needed(const struct hwi_reduction *reduction)
{
    if (!hwi_reduction_has_regions(reduction)) {
        return reduction->signature.count;
    }
    uint64_t bytes = 0;
    for (uint32_t rank = 0; rank < reduction->shape.world; rank++) {
        bool all = reduction->signature.kind == HWI_KIND_ALL_GATHER;
        bytes += all || rank == reduction->self ? reduction->begin[rank + 1] : 0;
    }
    return bytes / element_bytes(reduction);
}

// The room, and what is needed, ride as the counts of two signatures.
static void report(const struct hwi_reducer *reducer, struct hwi_reduction *reduction, int status,
                   struct hwi_effects *effects)
{
    struct hwi_msg_op_fault *message = HWI_EMIT(effects, hwi_to_peer(), op_fault);
    message->op = reduction->op;
    struct hwi_fault *fault = &message->fault;
    fault->status = status;
    fault->kind = hwi_channel_kind(reduction->op.kind);
    fault->tag = reduction->op.tag;
    fault->peer_a = reducer->members[reducer->self];
    fault->signature_a = fault->signature_b = reduction->signature;
    fault->signature_a.count = reduction->room;
    fault->signature_b.count = needed(reduction);
    reduction->state = HWI_REDUCTION_FAULTED;
}

static int judge(const struct hwi_reduction *reduction)
{
    bool in_its_input = reduction->in_place && reduction->signature.kind == HWI_KIND_REDUCE_SCATTER;
    uint64_t elements = needed(reduction);
    if (elements > HWI_TENSOR_BYTES_MAX / element_bytes(reduction)) {
        return HWS_E_LIMIT;
    }
    bool fits =
        !hwi_reduction_has_regions(reduction) || in_its_input || elements <= reduction->room;
    return fits ? HWS_OK : HWS_E_INVALID;
}

// ---- laying it out ------------------------------------------------------------------------------

static void cut(struct hwi_reduction *reduction)
{
    struct hwi_plan_shape *shape = &reduction->shape;
    bool others_own = reduction->signature.kind == HWI_KIND_BROADCAST && shape->world > 1;
    if (hwi_reduction_has_regions(reduction)) {
        begin_regions(reduction);
        if (reduction->bytes > 0) {
            *shape = hwi_plan_cut(shape->plan, reduction->begin, reduction->first, shape->world);
        }
        return;
    }
    reduction->bytes = reduction->signature.count * element_bytes(reduction);
    *shape = hwi_plan_make(shape->plan, reduction->bytes, element_bytes(reduction), shape->world,
                           shape->world - others_own);
}

// Bytes of scratch that all operations have together.
static uint64_t scratch_in_use(const struct hwi_reducer *reducer)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < reducer->reduction_count; i++) {
        const struct hwi_reduction *reduction = reducer->reductions[i];
        if (hwi_reduction_adds(reduction)) {
            bytes += (uint64_t)reduction->ledger.window * reduction->shape.chunk_bytes *
                     (reduction->shape.world - 1);
        }
    }
    return bytes;
}

// The first operations take what one may have, later ones half of what is left of
// HWI_SCRATCH_ALL_BYTES_MAX; each has its one slot for each sender.
static uint32_t window_of(const struct hwi_reducer *reducer, const struct hwi_reduction *reduction,
                          uint32_t chunks)
{
    uint32_t most = hwi_reduction_window(reduction, chunks);
    if (!hwi_reduction_adds(reduction) || most <= 1) {
        return most;
    }
    uint64_t used = HWI_MIN(scratch_in_use(reducer), HWI_SCRATCH_ALL_BYTES_MAX);
    uint64_t row_bytes = (uint64_t)reduction->shape.chunk_bytes * (reduction->shape.world - 1);
    uint64_t slots = (HWI_SCRATCH_ALL_BYTES_MAX - used) / 2 / row_bytes;
    return (uint32_t)HWI_MIN(HWI_MAX(slots, 1), most);
}

static void open_ledger(const struct hwi_reducer *reducer, struct hwi_reduction *reduction)
{
    uint32_t world = reduction->shape.world;
    if (world == 1 || !hwi_reduction_has_owners(reduction)) {
        return;
    }
    uint32_t chunks = hwi_reduction_owned(reduction, reduction->self).chunks;
    uint32_t window = window_of(reducer, reduction, chunks);
    void *missing = hwi_new(reducer->alloc, hwi_ledger_bytes(HWI_MAX(window, 1)));
    hwi_ledger_init(&reduction->ledger, missing, chunks, window,
                    hwi_reduction_adds(reduction) ? world - 1 : 1);
}

static void count_due(struct hwi_reduction *reduction)
{
    bool ledger = hwi_reduction_has_owners(reduction);
    for (uint32_t rank = 0; rank < reduction->shape.world; rank++) {
        if (rank == reduction->self) {
            continue;
        }
        reduction->chunks_due += hwi_reduction_result(reduction, rank, reduction->self).chunks;
        if (!ledger) {
            reduction->chunks_due += hwi_reduction_input(reduction, rank, reduction->self).chunks;
        }
    }
    reduction->copies_due = hwi_reduction_copied(reduction).chunks;
}

// ---- what the data port is told -----------------------------------------------------------------

// In place: what may be overwritten.
static void save_part(const struct hwi_reduction *reduction, struct hwi_msg_op_memory *memory)
{
    bool root =
        reduction->signature.kind == HWI_KIND_BROADCAST && reduction->root == reduction->self;
    bool gather = reduction->signature.kind == HWI_KIND_ALL_GATHER;
    if (!reduction->in_place || root || (reduction->shape.world == 1 && !gather)) {
        return;
    }
    memory->save_bytes = reduction->bytes;
    if (reduction->signature.kind == HWI_KIND_REDUCE_SCATTER) {
        memory->save_from = reduction->begin[reduction->self];
        memory->save_bytes = reduction->begin[reduction->self + 1] - memory->save_from;
    }
}

static void emit_memory(const struct hwi_reduction *reduction, struct hwi_effects *effects)
{
    struct hwi_msg_op_memory *memory = HWI_EMIT(effects, hwi_to_data(), op_memory);
    uint32_t world = reduction->shape.world;
    memory->op = reduction->op;
    memory->request = reduction->request;
    memory->in_place = reduction->in_place;
    memory->dtype = reduction->signature.dtype;
    memory->redop = reduction->signature.redop;
    memory->bytes = reduction->bytes;
    memory->chunk_bytes = reduction->shape.chunk_bytes;
    save_part(reduction, memory);
    if (!hwi_reduction_has_regions(reduction)) {
        return;
    }
    memory->regions = hwi_effects_memory(effects, world * sizeof *memory->regions);
    memory->regions_count = world;
    for (uint32_t rank = 0; rank < world; rank++) {
        memory->regions[rank].value = reduction->begin[rank + 1] - reduction->begin[rank];
    }
    if (reduction->signature.kind == HWI_KIND_ALL_GATHER) {
        memory->input_from = reduction->begin[reduction->self];
    } else if (!reduction->in_place) {
        memory->output_from = reduction->begin[reduction->self];
    }
}

static void emit_row(const struct hwi_reduction *reduction, enum hwi_phase phase, uint64_t from,
                     struct hwi_part part, struct hwi_effects *effects)
{
    bool ledger = phase == HWI_PHASE_SCATTER && hwi_reduction_has_owners(reduction);
    if (part.chunks == 0) {
        return;
    }
    struct hwi_msg_place *place = HWI_EMIT(effects, hwi_to_data(), place);
    place->op = reduction->op;
    place->phase = (uint8_t)phase;
    place->from = from;
    place->first = part.first;
    place->chunks = part.chunks;
    place->granted = ledger ? reduction->ledger.granted : part.chunks;
    place->slots = ledger && hwi_reduction_adds(reduction) ? reduction->ledger.window : 0;
}

static void tell_port(const struct hwi_reducer *reducer, const struct hwi_reduction *reduction,
                      struct hwi_effects *effects)
{
    emit_memory(reduction, effects);
    for (uint32_t i = 0; i + 1 < reduction->shape.world; i++) {
        uint32_t rank = hwi_reducer_other(reducer, i);
        uint64_t peer = reducer->members[rank];
        emit_row(reduction, HWI_PHASE_SCATTER, peer,
                 hwi_reduction_input(reduction, rank, reduction->self), effects);
        emit_row(reduction, HWI_PHASE_GATHER, peer,
                 hwi_reduction_result(reduction, rank, reduction->self), effects);
    }
}

void hwi_reduction_lay(const struct hwi_reducer *reducer, struct hwi_reduction *reduction,
                       bool final, struct hwi_effects *effects)
{
    if (reduction->laid || (reduction->signature.unequal && !final)) {
        return;
    }
    if (hwi_reduction_has_regions(reduction) && !reduction->signature.unequal) {
        size_regions(reduction);
    }
    int status = judge(reduction);
    if (status != HWS_OK && final) {
        report(reducer, reduction, status, effects);
    }
    if (status != HWS_OK) {
        return;
    }
    cut(reduction);
    reduction->laid = true;
    if (reduction->bytes == 0) {
        return;
    }
    open_ledger(reducer, reduction);
    count_due(reduction);
    tell_port(reducer, reduction, effects);
}

uint32_t hwi_reduction_first_grant(const struct hwi_reduction *reduction)
{
    if (!reduction->laid) {
        return 0;
    }
    return hwi_reduction_has_owners(reduction) ? reduction->ledger.granted : UINT32_MAX;
}

bool hwi_reduction_is_known(const struct hwi_reduction *reduction)
{
    return reduction->laid && reduction->bytes > 0;
}
