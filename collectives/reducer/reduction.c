// SPDX-License-Identifier: MIT
// One operation: its place in the table, its shares, its end.
#include <string.h>

#include <hawser/types.h>

#include "actors/base/place.h"
#include "collectives/reducer/reducer.h"

struct hwi_reduction *hwi_reducer_find(struct hwi_reducer *reducer, struct hwi_op op)
{
    for (uint32_t i = 0; i < reducer->reduction_count; i++) {
        if (hwi_op_equal(reducer->reductions[i]->op, op))
            return reducer->reductions[i];
    }
    return NULL;
}

bool hwi_reducer_rank(const struct hwi_reducer *reducer, uint64_t peer, uint32_t *rank)
{
    uint32_t at = hwi_place(reducer->members, reducer->world, sizeof *reducer->members, 0, peer);
    if (at == reducer->world || reducer->members[at] != peer || at == reducer->self)
        return false;
    *rank = at;
    return true;
}

uint32_t hwi_reducer_other(const struct hwi_reducer *reducer, uint32_t i)
{
    return (reducer->self + 1 + i) % reducer->world;
}

static uint32_t share_begin(const struct hwi_plan_shape *shape, uint32_t rank)
{
    return shape->plan == HWI_PLAN_ONE_SHOT ? 0 : hwi_plan_share(shape, rank);
}

static uint32_t share_chunks(const struct hwi_plan_shape *shape, uint32_t rank)
{
    if (shape->plan == HWI_PLAN_ONE_SHOT)
        return shape->chunks;
    uint32_t end = rank + 1 < shape->world ? hwi_plan_share(shape, rank + 1) : shape->chunks;
    return end - hwi_plan_share(shape, rank);
}

uint32_t hwi_reduction_first(const struct hwi_reduction *reduction, uint32_t rank)
{
    return share_begin(&reduction->shape, rank);
}

uint32_t hwi_reduction_chunks(const struct hwi_reduction *reduction, uint32_t rank)
{
    return share_chunks(&reduction->shape, rank);
}

uint32_t hwi_reduction_window(const struct hwi_plan_shape *shape, uint32_t chunks)
{
    if (chunks == 0)
        return 0;
    uint64_t row_bytes = (uint64_t)shape->chunk_bytes * (shape->world - 1);
    uint64_t slots = HWI_MAX((uint64_t)HWI_SCRATCH_BYTES_MAX / row_bytes, 1);
    return (uint32_t)HWI_MIN(slots, chunks);
}

// In a view of one nothing is reduced.
static uint32_t ledger_chunks(const struct hwi_plan_shape *shape, uint32_t self)
{
    return shape->world > 1 ? share_chunks(shape, self) : 0;
}

static size_t ledger_bytes(const struct hwi_plan_shape *shape, uint32_t self)
{
    uint32_t window = hwi_reduction_window(shape, ledger_chunks(shape, self));
    return hwi_ledger_bytes(window, shape->world);
}

size_t hwi_reduction_behind(const struct hwi_plan_shape *shape, uint32_t self)
{
    return ledger_bytes(shape, self) + shape->world * sizeof(struct hwi_reduction_edge);
}

// Ledger and edges lie behind the reduction; the ledger needs 8-byte alignment, so it comes first.
struct hwi_reduction *hwi_reduction_make(const struct hwi_alloc *alloc,
                                         const struct hwi_plan_shape *shape, uint32_t self)
{
    uint32_t chunks = ledger_chunks(shape, self);
    uint32_t window = hwi_reduction_window(shape, chunks);
    struct hwi_reduction *reduction =
        hwi_new(alloc, sizeof(*reduction) + hwi_reduction_behind(shape, self));
    unsigned char *behind = (unsigned char *)(reduction + 1);
    reduction->shape = *shape;
    reduction->first = share_begin(shape, self);
    hwi_ledger_init(&reduction->ledger, behind, chunks, window, shape->world, self);
    reduction->edges = (struct hwi_reduction_edge *)(behind + ledger_bytes(shape, self));
    return reduction;
}

struct hwi_reduction *hwi_reducer_open(struct hwi_reducer *reducer,
                                       const struct hwi_msg_op_start *start)
{
    uint32_t element_bytes = (uint32_t)hws_dtype_bytes((hws_dtype)start->signature.dtype);
    HWI_CHECK(reducer->reduction_count < HWI_OPS_MAX);
    HWI_CHECK(element_bytes > 0 && start->signature.count > 0);
    HWI_CHECK(start->signature.count <= HWI_TENSOR_BYTES_MAX / element_bytes);
    uint64_t bytes = start->signature.count * element_bytes;
    struct hwi_plan_shape shape = hwi_plan_make(start->plan, bytes, element_bytes, reducer->world);
    struct hwi_reduction *reduction = hwi_reduction_make(reducer->alloc, &shape, reducer->self);
    reducer->reductions[reducer->reduction_count++] = reduction;
    reduction->op = start->op;
    reduction->signature = start->signature;
    reduction->bytes = bytes;
    reduction->calls_due = reducer->world - 1;
    if (shape.world == 1)
        reduction->copies_due = start->in_place ? 0 : shape.chunks;
    else if (shape.plan == HWI_PLAN_DIRECT)
        reduction->gathers_due = shape.chunks - reduction->ledger.count;
    return reduction;
}

void hwi_reducer_drop(struct hwi_reducer *reducer, struct hwi_reduction *reduction)
{
    uint32_t at = 0;
    while (reducer->reductions[at] != reduction)
        at++;
    reducer->reduction_count--;
    memmove(&reducer->reductions[at], &reducer->reductions[at + 1],
            (reducer->reduction_count - at) * sizeof(reducer->reductions[0]));
    hwi_free(reducer->alloc, reduction);
}

// Waiting for every call before Done is what makes signatures count before bytes do: stripes may
// bring a member's chunks before its call.
void hwi_reduction_finish(struct hwi_reduction *reduction, struct hwi_effects *effects)
{
    bool whole = reduction->ledger.low == reduction->ledger.count && !reduction->gathers_due &&
                 !reduction->copies_due;
    if (!whole || reduction->calls_due || reduction->done ||
        reduction->state > HWI_REDUCTION_RUNNING)
        return;
    reduction->done = true;
    HWI_EMIT(effects, hwi_to_peer(), op_done)->op = reduction->op;
}

void hwi_reduction_copy(struct hwi_reduction *reduction, uint64_t now_ns,
                        struct hwi_effects *effects)
{
    uint32_t count = HWI_MIN(reduction->copies_due, (uint32_t)HWI_REDUCER_COPY_MAX);
    uint32_t first = reduction->shape.chunks - reduction->copies_due;
    for (uint32_t i = 0; i < count; i++) {
        struct hwi_msg_reduce *copy = HWI_EMIT(effects, hwi_to_data(), reduce);
        copy->op = reduction->op;
        copy->chunk = first + i;
        copy->a = HWI_OPERAND_SELF;
        copy->b = HWI_OPERAND_NONE;
    }
    reduction->copies_due -= count;
    if (reduction->copies_due > 0)
        HWI_EMIT(effects, hwi_to_clock(), wake_at)->at_ns = now_ns + 1;
    hwi_reduction_finish(reduction, effects);
}
