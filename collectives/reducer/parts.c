// SPDX-License-Identifier: MIT
// Which chunks go from whom to whom: the one place where the operations differ.
#include "collectives/reducer/reducer.h"

static const struct hwi_part nothing;

bool hwi_reduction_adds(const struct hwi_reduction *reduction)
{
    return reduction->signature.kind == HWI_KIND_ALL_REDUCE ||
           reduction->signature.kind == HWI_KIND_REDUCE_SCATTER;
}

bool hwi_reduction_has_regions(const struct hwi_reduction *reduction)
{
    return reduction->signature.kind == HWI_KIND_REDUCE_SCATTER ||
           reduction->signature.kind == HWI_KIND_ALL_GATHER;
}

bool hwi_reduction_has_owners(const struct hwi_reduction *reduction)
{
    bool passed_on =
        reduction->signature.kind == HWI_KIND_BROADCAST && reduction->shape.plan == HWI_PLAN_DIRECT;
    return hwi_reduction_adds(reduction) || passed_on;
}

// Chunks [first, end) of a grid without regions.
static struct hwi_part part_of(const struct hwi_reduction *reduction, uint32_t first, uint32_t end)
{
    uint64_t from = (uint64_t)first * reduction->shape.chunk_bytes;
    uint64_t to = HWI_MIN((uint64_t)end * reduction->shape.chunk_bytes, reduction->bytes);
    return first < end ? (struct hwi_part){first, end - first, to - from} : nothing;
}

static struct hwi_part share_of(const struct hwi_reduction *reduction, uint32_t owners,
                                uint32_t index)
{
    const struct hwi_plan_shape *shape = &reduction->shape;
    return part_of(reduction, hwi_plan_share(shape, owners, index),
                   hwi_plan_share(shape, owners, index + 1));
}

static struct hwi_part region_of(const struct hwi_reduction *reduction, uint32_t rank)
{
    return (struct hwi_part){reduction->first[rank],
                             reduction->first[rank + 1] - reduction->first[rank],
                             reduction->begin[rank + 1] - reduction->begin[rank]};
}

// A broadcast's root has all of it: the others own it.
static struct hwi_part broadcast_share(const struct hwi_reduction *reduction, uint32_t rank)
{
    if (rank == reduction->root) {
        return nothing;
    }
    return share_of(reduction, reduction->shape.world - 1, rank - (rank > reduction->root));
}

struct hwi_part hwi_reduction_owned(const struct hwi_reduction *reduction, uint32_t rank)
{
    if (hwi_reduction_has_regions(reduction)) {
        return region_of(reduction, rank);
    }
    if (reduction->shape.plan == HWI_PLAN_ONE_SHOT) {
        return part_of(reduction, 0, reduction->shape.chunks);
    }
    if (reduction->signature.kind == HWI_KIND_BROADCAST) {
        return broadcast_share(reduction, rank);
    }
    return share_of(reduction, reduction->shape.world, rank);
}

struct hwi_part hwi_reduction_input(const struct hwi_reduction *reduction, uint32_t from,
                                    uint32_t to)
{
    if (reduction->signature.kind == HWI_KIND_BROADCAST && from != reduction->root) {
        return nothing;
    }
    bool own = reduction->signature.kind == HWI_KIND_ALL_GATHER;
    return hwi_reduction_owned(reduction, own ? from : to);
}

struct hwi_part hwi_reduction_result(const struct hwi_reduction *reduction, uint32_t from,
                                     uint32_t to)
{
    bool to_root = reduction->signature.kind == HWI_KIND_BROADCAST && to == reduction->root;
    if (hwi_reduction_has_regions(reduction) || reduction->shape.plan == HWI_PLAN_ONE_SHOT ||
        to_root) {
        return nothing;
    }
    return hwi_reduction_owned(reduction, from);
}

// An input that is gathered in place may still have to be moved, for ranks change: the data port
// sees whether it has.
struct hwi_part hwi_reduction_copied(const struct hwi_reduction *reduction)
{
    bool root =
        reduction->signature.kind == HWI_KIND_BROADCAST && reduction->root == reduction->self;
    if (reduction->signature.kind == HWI_KIND_ALL_GATHER) {
        return region_of(reduction, reduction->self);
    }
    if ((reduction->shape.world > 1 && !root) || reduction->in_place) {
        return nothing;
    }
    return part_of(reduction, 0, reduction->shape.chunks);
}

uint64_t hwi_part_bytes(const struct hwi_reduction *reduction, struct hwi_part part,
                        uint32_t chunks)
{
    return HWI_MIN((uint64_t)chunks * reduction->shape.chunk_bytes, part.bytes);
}

uint32_t hwi_reduction_window(const struct hwi_reduction *reduction, uint32_t chunks)
{
    uint64_t most = chunks;
    if (hwi_reduction_adds(reduction)) {
        uint64_t row_bytes = (uint64_t)reduction->shape.chunk_bytes * (reduction->shape.world - 1);
        most = HWI_MAX(HWI_SCRATCH_BYTES_MAX / HWI_MAX(row_bytes, 1), 1);
    } else if (hwi_reduction_has_owners(reduction)) {
        most = HWI_PASSED_CHUNKS_MAX;
    }
    return (uint32_t)HWI_MIN(most, chunks);
}
