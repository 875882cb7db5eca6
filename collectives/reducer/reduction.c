// SPDX-License-Identifier: MIT
// One operation: its place in the table, its shares, its end.
#include <string.h>

#include <hawser/types.h>

#include "actors/base/place.h"
#include "collectives/reducer/reducer.h"

struct hwi_reduction *hwi_reducer_find(struct hwi_reducer *reducer, struct hwi_op op)
{
    for (uint32_t i = 0; i < reducer->reduction_count; i++) {
        if (hwi_op_equal(reducer->reductions[i]->op, op)) {
            return reducer->reductions[i];
        }
    }
    return NULL;
}

bool hwi_reducer_rank(const struct hwi_reducer *reducer, uint64_t peer, uint32_t *rank)
{
    uint32_t at = hwi_place(reducer->members, reducer->world, sizeof *reducer->members, 0, peer);
    if (at == reducer->world || reducer->members[at] != peer || at == reducer->self) {
        return false;
    }
    *rank = at;
    return true;
}

uint32_t hwi_reducer_other(const struct hwi_reducer *reducer, uint32_t i)
{
    return (reducer->self + 1 + i) % reducer->world;
}

static void open_regions(const struct hwi_alloc *alloc, struct hwi_reduction *reduction)
{
    size_t ends = reduction->shape.world + (size_t)1;
    if (!hwi_reduction_has_regions(reduction)) {
        return;
    }
    reduction->begin = hwi_new(alloc, ends * sizeof *reduction->begin);
    reduction->first = hwi_new(alloc, ends * sizeof *reduction->first);
}

static void check_start(const struct hwi_msg_op_start *start)
{
    const struct hwi_signature *signature = &start->signature;
    uint32_t element_bytes = (uint32_t)hws_dtype_bytes((hws_dtype)signature->dtype);
    HWI_CHECK(element_bytes > 0 && (signature->count > 0 || signature->unequal));
    HWI_CHECK(signature->count <= HWI_TENSOR_BYTES_MAX / element_bytes);
    HWI_CHECK(signature->kind == start->op.kind);
}

struct hwi_reduction *hwi_reducer_open(struct hwi_reducer *reducer,
                                       const struct hwi_msg_op_start *start)
{
    HWI_CHECK(reducer->reduction_count < HWI_OPS_MAX);
    check_start(start);
    struct hwi_reduction *reduction = hwi_new(reducer->alloc, sizeof *reduction);
    reducer->reductions[reducer->reduction_count++] = reduction;
    reduction->op = start->op;
    reduction->signature = start->signature;
    reduction->shape.plan = start->plan;
    reduction->shape.world = reducer->world;
    reduction->request = start->request;
    reduction->room = start->room;
    reduction->in_place = start->in_place;
    reduction->self = reducer->self;
    reduction->calls_due = reducer->world - 1;
    reduction->waits.started_ns = reducer->now_ns;
    reduction->waits.called_ns = reducer->world > 1 ? 0 : reducer->now_ns;
    reduction->edges = hwi_new(reducer->alloc, reducer->world * sizeof *reduction->edges);
    open_regions(reducer->alloc, reduction);
    if (reduction->signature.unequal) {
        reduction->begin[reducer->self + 1] =
            start->signature.count * hws_dtype_bytes((hws_dtype)start->signature.dtype);
    }
    if (reduction->signature.kind == HWI_KIND_BROADCAST) {
        reduction->root = hwi_place(reducer->members, reducer->world, sizeof *reducer->members, 0,
                                    start->signature.root);
    }
    HWI_CHECK(reduction->signature.kind != HWI_KIND_BROADCAST ||
              (reduction->root < reducer->world &&
               reducer->members[reduction->root] == start->signature.root));
    return reduction;
}

void hwi_reducer_drop(struct hwi_reducer *reducer, struct hwi_reduction *reduction)
{
    uint32_t at = 0;
    while (reducer->reductions[at] != reduction) {
        at++;
    }
    reducer->reduction_count--;
    memmove(&reducer->reductions[at], &reducer->reductions[at + 1],
            (reducer->reduction_count - at) * sizeof reducer->reductions[0]);
    hwi_free(reducer->alloc, reduction->ledger.missing);
    hwi_free(reducer->alloc, reduction->edges);
    hwi_free(reducer->alloc, reduction->begin);
    hwi_free(reducer->alloc, reduction->first);
    hwi_free(reducer->alloc, reduction);
}

// Waiting for every call before Done is what makes signatures count before bytes do: stripes may
// bring a member's chunks before its call.
void hwi_reduction_finish(struct hwi_reduction *reduction, struct hwi_effects *effects)
{
    bool whole = reduction->laid && reduction->ledger.low == reduction->ledger.count &&
                 !reduction->chunks_due && !reduction->copies_due;
    if (!whole || reduction->calls_due || reduction->done ||
        reduction->state > HWI_REDUCTION_RUNNING) {
        return;
    }
    reduction->done = true;
    HWI_EMIT(effects, hwi_to_peer(), op_done)->op = reduction->op;
}

void hwi_reduction_copy(struct hwi_reduction *reduction, uint64_t now_ns,
                        struct hwi_effects *effects)
{
    struct hwi_part part = hwi_reduction_copied(reduction);
    uint32_t count = HWI_MIN(reduction->copies_due, (uint32_t)HWI_REDUCER_COPY_MAX);
    uint32_t first = part.first + part.chunks - reduction->copies_due;
    if (count == 0) {
        return;
    }
    struct hwi_id *operands = hwi_effects_memory(effects, sizeof *operands);
    operands->value = HWI_OPERAND_SELF;
    for (uint32_t i = 0; i < count; i++) {
        struct hwi_msg_reduce *copy = HWI_EMIT(effects, hwi_to_data(), reduce);
        copy->op = reduction->op;
        copy->chunk = first + i;
        copy->operands = operands;
        copy->operands_count = 1;
    }
    reduction->copies_due -= count;
    if (reduction->copies_due > 0) {
        HWI_EMIT(effects, hwi_to_clock(), wake_at)->at_ns = now_ns + 1;
    }
}

static void tell_counts(const struct hwi_reduction *reduction, uint64_t element_bytes,
                        struct hwi_msg_op_ended *ended, struct hwi_effects *effects)
{
    uint32_t world = reduction->shape.world;
    ended->offset = reduction->begin[reduction->self] / element_bytes;
    ended->count =
        (reduction->begin[reduction->self + 1] - reduction->begin[reduction->self]) / element_bytes;
    if (!reduction->signature.unequal) {
        return;
    }
    ended->counts = hwi_effects_memory(effects, world * sizeof *ended->counts);
    ended->counts_count = world;
    for (uint32_t rank = 0; rank < world; rank++) {
        ended->counts[rank].value =
            (reduction->begin[rank + 1] - reduction->begin[rank]) / element_bytes;
    }
}

static uint64_t stalled_ns(const struct hwi_waits *waits, uint64_t now_ns)
{
    return waits->stalled_ns + (waits->stalled > 0 ? now_ns - waits->stalled_from_ns : 0);
}

static void tell_waits(const struct hwi_waits *waits, uint64_t now_ns,
                       struct hwi_msg_op_ended *ended)
{
    uint64_t called_ns = waits->called_ns != 0 ? waits->called_ns : now_ns;
    ended->members_us = (called_ns - waits->started_ns) / 1000;
    ended->credit_us = stalled_ns(waits, now_ns) / 1000;
}

struct hwi_msg_op_ended *hwi_reduction_ended(const struct hwi_reducer *reducer,
                                             const struct hwi_reduction *reduction,
                                             struct hwi_effects *effects)
{
    struct hwi_msg_op_ended *ended = HWI_EMIT(effects, hwi_to_peer(), op_ended);
    ended->op = reduction->op;
    tell_waits(&reduction->waits, reducer->now_ns, ended);
    if (!reduction->done) {
        return ended;
    }
    ended->count = reduction->signature.count;
    if (hwi_reduction_has_regions(reduction)) {
        tell_counts(reduction, hws_dtype_bytes((hws_dtype)reduction->signature.dtype), ended,
                    effects);
    }
    return ended;
}
