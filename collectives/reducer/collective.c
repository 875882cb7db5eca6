// SPDX-License-Identifier: MIT
#include "collectives/reducer/collective.h"

#include <hawser/types.h>

#include "actors/base/dtype.h"
#include "actors/base/rows.h"
#include "collectives/reducer/reducer.h"

// ---- the table ----------------------------------------------------------------------------------

struct hwi_collective *hwi_collective_find(const struct hwi_reducer *reducer, struct hwi_op op)
{
    for (uint32_t i = 0; i < reducer->collective_count; i++) {
        if (hwi_op_equal(reducer->collectives[i]->op, op)) {
            return reducer->collectives[i];
        }
    }
    return NULL;
}

static void check_start(const struct hwi_msg_op_start *start)
{
    const struct hwi_signature *signature = &start->signature;
    HWI_CHECK(hwi_dtype_bits(signature->dtype) > 0 && (signature->count > 0 || signature->unequal));
    HWI_CHECK(signature->count <= hwi_dtype_count(signature->dtype, HWI_TENSOR_BYTES_MAX));
    HWI_CHECK(signature->kind == start->op.kind);
}

static uint32_t rank_of_root(const struct hwi_reducer *reducer, uint64_t root)
{
    uint32_t rank =
        hwi_rows_place_key(reducer->members, reducer->world, sizeof *reducer->members, 0, root);
    HWI_CHECK(rank < reducer->world && reducer->members[rank] == root);
    return rank;
}

static void open_shape(const struct hwi_reducer *reducer, struct hwi_collective *collective,
                       const struct hwi_msg_op_start *start)
{
    struct hwi_plan_shape *shape = &collective->shape;
    const struct hwi_signature *signature = &start->signature;
    size_t ends = reducer->world + (size_t)1;
    shape->asked = start->plan;
    shape->kind = signature->kind;
    shape->redop = signature->redop;
    shape->world = reducer->world;
    shape->unit_bytes = hwi_dtype_unit(signature->dtype);
    if (signature->kind == HWI_KIND_BROADCAST) {
        shape->root = rank_of_root(reducer, signature->root);
    }
    if (!hwi_collective_has_regions(collective)) {
        return;
    }
    shape->begin = hwi_new(reducer->alloc, ends * sizeof *shape->begin);
    shape->first = hwi_new(reducer->alloc, ends * sizeof *shape->first);
    if (signature->unequal) {
        shape->begin[reducer->self + 1] = hwi_dtype_bytes(signature->dtype, signature->count);
    }
}

struct hwi_collective *hwi_collective_open(struct hwi_reducer *reducer,
                                           const struct hwi_msg_op_start *start)
{
    uint32_t world = reducer->world;
    HWI_CHECK(reducer->collective_count < HWI_OPS_MAX);
    check_start(start);
    struct hwi_collective *collective = hwi_new(reducer->alloc, sizeof *collective);
    reducer->collectives[reducer->collective_count++] = collective;
    collective->op = start->op;
    collective->signature = start->signature;
    open_shape(reducer, collective, start);
    collective->request = start->request;
    collective->room = start->room;
    collective->in_place = start->in_place;
    collective->self = reducer->self;
    collective->phases_max = hwi_plan_phases_max(world);
    collective->calls_due = world - 1;
    collective->waits.started_ns = reducer->now_ns;
    collective->waits.called_ns = world > 1 ? 0 : reducer->now_ns;
    collective->edges = hwi_new(reducer->alloc, world * sizeof *collective->edges);
    size_t hops = (size_t)collective->phases_max * world;
    collective->hops = hwi_new(reducer->alloc, hops * sizeof *collective->hops);
    return collective;
}

static void free_stages(const struct hwi_alloc *alloc, struct hwi_collective *collective)
{
    for (uint32_t i = 0; i < collective->stage_count; i++) {
        hwi_free(alloc, collective->stages[i].ledger.missing);
    }
    hwi_free(alloc, collective->stages);
}

void hwi_collective_drop(struct hwi_reducer *reducer, struct hwi_collective *collective)
{
    uint32_t at = 0;
    while (reducer->collectives[at] != collective) {
        at++;
    }
    HWI_ROWS_REMOVE(reducer->collectives, &reducer->collective_count, at);
    free_stages(reducer->alloc, collective);
    hwi_free(reducer->alloc, collective->edges);
    hwi_free(reducer->alloc, collective->hops);
    hwi_free(reducer->alloc, collective->shape.begin);
    hwi_free(reducer->alloc, collective->shape.first);
    hwi_free(reducer->alloc, collective);
}

// ---- its end ------------------------------------------------------------------------------------

static bool is_whole(const struct hwi_collective *collective)
{
    bool whole = collective->laid && collective->chunks_due == 0 && collective->copies_due == 0;
    for (uint32_t i = 0; i < collective->stage_count && whole; i++) {
        const struct hwi_ledger *ledger = &collective->stages[i].ledger;
        whole = ledger->low == ledger->count;
    }
    return whole;
}

// Waiting for every call before Done is what makes signatures count before bytes do: stripes may
// bring a member's chunks before its call.
void hwi_collective_finish(struct hwi_collective *collective, struct hwi_effects *effects)
{
    if (collective->calls_due > 0 || collective->done ||
        collective->state > HWI_COLLECTIVE_RUNNING || !is_whole(collective)) {
        return;
    }
    collective->done = true;
    struct hwi_msg_op_done *done = HWI_EMIT(effects, hwi_to_peer(), op_done);
    done->op = collective->op;
    done->last = collective->waits.called_ns == collective->waits.started_ns;
}

// Elements that lie whole before a byte of the whole; the last byte may have room for more than
// there are.
static uint64_t elements_before(const struct hwi_collective *collective, uint64_t bytes)
{
    const struct hwi_signature *signature = &collective->signature;
    uint64_t count = hwi_dtype_count(signature->dtype, bytes);
    return signature->kind == HWI_KIND_REDUCE_SCATTER ? HWI_MIN(count, signature->count) : count;
}

static void tell_counts(const struct hwi_collective *collective, struct hwi_msg_op_ended *ended,
                        struct hwi_effects *effects)
{
    const struct hwi_plan_shape *shape = &collective->shape;
    const uint64_t *begin = &shape->begin[collective->self];
    ended->offset = elements_before(collective, begin[0]);
    ended->count = elements_before(collective, begin[1]) - ended->offset;
    if (!collective->signature.unequal) {
        return;
    }
    ended->counts = hwi_effects_memory(effects, shape->world * sizeof *ended->counts);
    ended->counts_count = shape->world;
    for (uint32_t rank = 0; rank < shape->world; rank++) {
        ended->counts[rank].value = hwi_dtype_count(collective->signature.dtype,
                                                    shape->begin[rank + 1] - shape->begin[rank]);
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

struct hwi_msg_op_ended *hwi_collective_ended(const struct hwi_reducer *reducer,
                                              const struct hwi_collective *collective,
                                              struct hwi_effects *effects)
{
    struct hwi_msg_op_ended *ended = HWI_EMIT(effects, hwi_to_peer(), op_ended);
    ended->op = collective->op;
    tell_waits(&collective->waits, reducer->now_ns, ended);
    if (!collective->done) {
        return ended;
    }
    ended->count = collective->signature.count;
    if (hwi_collective_has_regions(collective)) {
        tell_counts(collective, ended, effects);
    }
    return ended;
}
