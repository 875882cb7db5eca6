// SPDX-License-Identifier: MIT
#include "collectives/reducer/layout.h"

#include <hawser/types.h>

#include "actors/base/dtype.h"
#include "collectives/plans/cut.h"
#include "collectives/reducer/copy.h"
#include "collectives/reducer/memory.h"
#include "collectives/reducer/reducer.h"

enum { PASSED_CHUNKS_MAX = 1024 }; // that may come ahead of those that came, without scratch

// ---- regions ------------------------------------------------------------------------------------

// All begin[rank + 1] are the sizes of regions: makes them what they are afterwards.
static void begin_regions(struct hwi_plan_shape *shape)
{
    for (uint32_t rank = 0; rank < shape->world; rank++) {
        shape->begin[rank + 1] += shape->begin[rank];
    }
    shape->bytes = shape->begin[shape->world];
}

// Where the counts follow from the own one. Asked again after a failure, it finds the same.
static void size_regions(struct hwi_collective *collective)
{
    const struct hwi_signature *signature = &collective->signature;
    uint32_t world = collective->shape.world;
    uint64_t bytes = hwi_dtype_bytes(signature->dtype, signature->count);
    uint64_t unit = collective->shape.unit_bytes, units = bytes / unit;
    for (uint32_t rank = 0; rank < world; rank++) {
        if (signature->kind == HWI_KIND_REDUCE_SCATTER) {
            uint64_t end = hwi_cut_part(units, world, rank + 1);
            bytes = (end - hwi_cut_part(units, world, rank)) * unit;
        }
        collective->shape.begin[rank + 1] = bytes;
    }
}

// ---- what it needs ------------------------------------------------------------------------------

// Bytes that the output must have room for.
static uint64_t needed(const struct hwi_collective *collective)
{
    const struct hwi_plan_shape *shape = &collective->shape;
    if (!hwi_collective_has_regions(collective)) {
        return hwi_dtype_bytes(collective->signature.dtype, collective->signature.count);
    }
    uint64_t bytes = 0;
    for (uint32_t rank = 0; rank < shape->world; rank++) {
        bool all = collective->signature.kind == HWI_KIND_ALL_GATHER;
        bytes += all || rank == collective->self ? shape->begin[rank + 1] : 0;
    }
    return bytes;
}

// The room, and what is needed, ride as the counts of two signatures. Members may give more in all
// than a signature can say: then it says the most.
static void report(const struct hwi_reducer *reducer, struct hwi_collective *collective, int status,
                   struct hwi_effects *effects)
{
    struct hwi_msg_op_fault *message = HWI_EMIT(effects, hwi_to_peer(), op_fault);
    message->op = collective->op;
    struct hwi_fault *fault = &message->fault;
    fault->status = status;
    fault->kind = hwi_channel_kind(collective->op.kind);
    fault->tag = collective->op.tag;
    fault->peer_a = reducer->members[reducer->self];
    fault->signature_a = fault->signature_b = collective->signature;
    fault->signature_a.count = collective->room;
    uint64_t count = hwi_dtype_count(collective->signature.dtype, needed(collective));
    fault->signature_b.count = HWI_MIN(count, HWI_TENSOR_BYTES_MAX);
    collective->state = HWI_COLLECTIVE_FAULTED;
}

static int judge(const struct hwi_collective *collective)
{
    bool in_its_input =
        collective->in_place && collective->signature.kind == HWI_KIND_REDUCE_SCATTER;
    uint64_t bytes = needed(collective);
    if (bytes > HWI_TENSOR_BYTES_MAX) {
        return HWS_E_LIMIT;
    }
    bool fits = !hwi_collective_has_regions(collective) || in_its_input ||
                bytes <= hwi_dtype_bytes(collective->signature.dtype, collective->room);
    return fits ? HWS_OK : HWS_E_INVALID;
}

// ---- stages -------------------------------------------------------------------------------------

uint64_t hwi_layout_bytes(const struct hwi_collective *collective, struct hwi_run run,
                          uint32_t chunks)
{
    return HWI_MIN((uint64_t)chunks * collective->shape.chunk_bytes, run.bytes);
}

uint32_t hwi_layout_window(const struct hwi_collective *collective,
                           const struct hwi_plan_phase *phase, uint32_t chunks)
{
    const struct hwi_plan_shape *shape = &collective->shape;
    uint64_t most = chunks;
    if (phase->scratch) {
        uint64_t row_bytes = (uint64_t)shape->chunk_bytes * shape->slots;
        most = HWI_MAX(HWI_SCRATCH_BYTES_MAX / HWI_MAX(row_bytes, 1), 1);
    } else if (phase->stage != 0) {
        most = PASSED_CHUNKS_MAX;
    }
    return (uint32_t)HWI_MIN(most, chunks);
}

// Bytes of scratch that all operations have together.
static uint64_t scratch_in_use(const struct hwi_reducer *reducer)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < reducer->collective_count; i++) {
        const struct hwi_collective *collective = reducer->collectives[i];
        for (uint32_t s = 0; s < collective->stage_count; s++) {
            const struct hwi_stage *stage = &collective->stages[s];
            bytes += (uint64_t)stage->ledger.window * stage->rows * collective->shape.chunk_bytes;
        }
    }
    return bytes;
}

// The first operations take what one may have, later ones half of what is left of
// HWI_SCRATCH_ALL_BYTES_MAX; each has its one slot for each sender.
static uint32_t window_of(const struct hwi_collective *collective,
                          const struct hwi_plan_phase *phase, uint64_t used, uint32_t chunks)
{
    uint32_t most = hwi_layout_window(collective, phase, chunks);
    if (!phase->scratch || most <= 1) {
        return most;
    }
    uint64_t row_bytes = (uint64_t)collective->shape.chunk_bytes * collective->shape.slots;
    uint64_t left = HWI_SCRATCH_ALL_BYTES_MAX - HWI_MIN(used, HWI_SCRATCH_ALL_BYTES_MAX);
    return (uint32_t)HWI_MIN(HWI_MAX(left / 2 / row_bytes, 1), most);
}

// The input of the stage: its run, and the frames and slots of a chunk.
static struct hwi_run gather(const struct hwi_collective *collective, uint32_t number,
                             struct hwi_stage *stage)
{
    struct hwi_run all = {0};
    for (uint32_t phase = number; phase <= collective->shape.phases; phase++) {
        struct hwi_plan_phase seen = hwi_collective_phase(collective, phase);
        for (uint32_t rank = 0; seen.stage == number && rank < collective->shape.world; rank++) {
            struct hwi_run run = hwi_collective_run_from(collective, phase, rank);
            if (run.chunks == 0) {
                continue;
            }
            HWI_CHECK(all.chunks == 0 || (all.first == run.first && all.chunks == run.chunks));
            all = run;
            stage->ledger.due++;
            stage->rows += seen.scratch;
        }
    }
    return all;
}

// Frames that leave from a chunk's scratch.
static uint32_t leaving(const struct hwi_collective *collective, uint32_t number)
{
    uint32_t count = 0;
    for (uint32_t phase = number + 1; phase <= collective->shape.phases; phase++) {
        struct hwi_plan_phase seen = hwi_collective_phase(collective, phase);
        bool leaves = seen.after == number && seen.from.place == HWI_PLACE_SCRATCH;
        for (uint32_t rank = 0; leaves && rank < collective->shape.world; rank++) {
            count += hwi_collective_run_to(collective, phase, rank).chunks > 0;
        }
    }
    return count;
}

static void open_stages(const struct hwi_reducer *reducer, struct hwi_collective *collective)
{
    uint32_t phases = collective->shape.phases;
    uint64_t used = scratch_in_use(reducer);
    HWI_CHECK(phases >= 1 && phases <= collective->phases_max && phases <= HWI_PHASES_MAX);
    collective->stages = hwi_new(reducer->alloc, phases * sizeof *collective->stages);
    collective->stage_count = phases;
    for (uint32_t number = 1; number <= phases; number++) {
        struct hwi_stage *stage = &collective->stages[number - 1];
        struct hwi_plan_phase phase = hwi_collective_phase(collective, number);
        if (phase.stage != number) {
            continue;
        }
        struct hwi_run run = gather(collective, number, stage);
        struct hwi_ledger *ledger = &stage->ledger;
        stage->first = run.first;
        ledger->count = run.chunks;
        ledger->window = window_of(collective, &phase, used, run.chunks);
        ledger->out = leaving(collective, number);
        size_t bytes = hwi_ledger_bytes(HWI_MAX(ledger->window, 1));
        hwi_ledger_init(ledger, hwi_new(reducer->alloc, bytes));
    }
}

static void count_due(struct hwi_collective *collective)
{
    for (uint32_t phase = 1; phase <= collective->shape.phases; phase++) {
        bool final = hwi_collective_phase(collective, phase).stage == 0;
        for (uint32_t rank = 0; final && rank < collective->shape.world; rank++) {
            collective->chunks_due += hwi_collective_run_from(collective, phase, rank).chunks;
        }
    }
    collective->copies_due = hwi_collective_copied(collective).chunks;
}

// ---- laying it out ------------------------------------------------------------------------------

static void cut(struct hwi_collective *collective)
{
    struct hwi_plan_shape *shape = &collective->shape;
    if (hwi_collective_has_regions(collective)) {
        begin_regions(shape);
    } else {
        shape->bytes = hwi_dtype_bytes(collective->signature.dtype, collective->signature.count);
    }
    if (shape->bytes > 0) {
        shape->ops = hwi_plan_choose(shape);
        shape->ops->cut(shape);
    }
}

void hwi_layout_make(const struct hwi_reducer *reducer, struct hwi_collective *collective,
                     bool final, struct hwi_effects *effects)
{
    if (collective->laid || (collective->signature.unequal && !final)) {
        return;
    }
    if (hwi_collective_has_regions(collective) && !collective->signature.unequal) {
        size_regions(collective);
    }
    int status = judge(collective);
    if (status != HWS_OK && final) {
        report(reducer, collective, status, effects);
    }
    if (status != HWS_OK) {
        return;
    }
    cut(collective);
    collective->laid = true;
    if (collective->shape.bytes == 0) {
        return;
    }
    open_stages(reducer, collective);
    count_due(collective);
    hwi_memory_tell(reducer, collective, effects);
}

uint32_t hwi_layout_granted(const struct hwi_collective *collective, uint32_t phase)
{
    if (!collective->laid) {
        return 0;
    }
    if (collective->shape.bytes == 0) {
        return UINT32_MAX;
    }
    uint32_t stage = hwi_collective_phase(collective, phase).stage;
    return stage != 0 ? collective->stages[stage - 1].ledger.granted : UINT32_MAX;
}
