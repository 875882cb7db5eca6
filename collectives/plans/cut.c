// SPDX-License-Identifier: MIT
#include "collectives/plans/cut.h"

enum {
    CHUNKS_PER_SHARE = 4, // wanted, so that reducing and sending overlap
    CHUNK_ALIGN = 64,
};

static uint64_t divide_up(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

static uint64_t align_up(uint64_t bytes)
{
    return divide_up(bytes, CHUNK_ALIGN) * CHUNK_ALIGN;
}

uint64_t hwi_cut_part(uint64_t count, uint32_t world, uint32_t rank)
{
    return count / world * rank + count % world * rank / world;
}

uint64_t hwi_cut_largest(const struct hwi_plan_shape *shape)
{
    uint64_t largest = 0;
    if (shape->begin == NULL) {
        return shape->bytes;
    }
    for (uint32_t rank = 0; rank < shape->world; rank++) {
        largest = HWI_MAX(largest, shape->begin[rank + 1] - shape->begin[rank]);
    }
    return largest;
}

// Each region begins its own grid.
static void count_chunks(struct hwi_plan_shape *shape, uint64_t chunk_bytes)
{
    uint64_t chunks = 0;
    shape->chunk_bytes = (uint32_t)chunk_bytes;
    if (shape->begin == NULL) {
        shape->chunks = (uint32_t)divide_up(shape->bytes, chunk_bytes);
        return;
    }
    for (uint32_t rank = 0; rank <= shape->world; rank++) {
        shape->first[rank] = (uint32_t)chunks;
        if (rank < shape->world) {
            chunks += divide_up(shape->begin[rank + 1] - shape->begin[rank], chunk_bytes);
        }
    }
    shape->chunks = (uint32_t)chunks;
}

static void check(const struct hwi_plan_shape *shape)
{
    HWI_CHECK(shape->bytes > 0 && shape->bytes <= HWI_TENSOR_BYTES_MAX && shape->world >= 1);
    HWI_CHECK(shape->unit_bytes > 0 && CHUNK_ALIGN % shape->unit_bytes == 0);
    HWI_CHECK(shape->bytes % shape->unit_bytes == 0);
    HWI_CHECK(shape->begin == NULL ||
              (shape->begin[0] == 0 && shape->begin[shape->world] == shape->bytes));
}

void hwi_cut_whole(struct hwi_plan_shape *shape)
{
    check(shape);
    count_chunks(shape, hwi_cut_largest(shape));
}

void hwi_cut_shares(struct hwi_plan_shape *shape, uint32_t owners)
{
    check(shape);
    HWI_CHECK(owners >= 1);
    uint64_t largest = hwi_cut_largest(shape);
    uint64_t share = align_up(shape->begin != NULL ? largest : divide_up(largest, owners));
    uint64_t chunk = align_up(divide_up(share, CHUNKS_PER_SHARE));
    chunk = HWI_MIN(HWI_MAX(chunk, HWI_CHUNK_BYTES_MIN), HWI_CHUNK_BYTES_MAX);
    chunk = shape->asked == HWI_PLAN_DIRECT ? HWI_MIN(chunk, share) : chunk;
    count_chunks(shape, shape->begin != NULL ? chunk : HWI_MIN(chunk, shape->bytes));
}

// Chunks [first, end) of a grid without regions.
static struct hwi_run run_of(const struct hwi_plan_shape *shape, uint32_t first, uint32_t end)
{
    uint64_t from = (uint64_t)first * shape->chunk_bytes;
    uint64_t to = HWI_MIN((uint64_t)end * shape->chunk_bytes, shape->bytes);
    return first < end ? (struct hwi_run){first, end - first, to - from} : (struct hwi_run){0};
}

struct hwi_run hwi_cut_all(const struct hwi_plan_shape *shape)
{
    return (struct hwi_run){0, shape->chunks, shape->bytes};
}

struct hwi_run hwi_cut_region(const struct hwi_plan_shape *shape, uint32_t rank)
{
    return (struct hwi_run){shape->first[rank], shape->first[rank + 1] - shape->first[rank],
                            shape->begin[rank + 1] - shape->begin[rank]};
}

// The least chunk k with k * owners / chunks >= index.
static uint32_t share_begin(const struct hwi_plan_shape *shape, uint32_t owners, uint32_t index)
{
    if (shape->chunks < owners) {
        return HWI_MIN(index, shape->chunks);
    }
    return (uint32_t)divide_up((uint64_t)index * shape->chunks, owners);
}

struct hwi_run hwi_cut_share(const struct hwi_plan_shape *shape, uint32_t owners, uint32_t index)
{
    return run_of(shape, share_begin(shape, owners, index), share_begin(shape, owners, index + 1));
}

bool hwi_cut_combines(const struct hwi_plan_shape *shape)
{
    return shape->kind == HWI_KIND_ALL_REDUCE || shape->kind == HWI_KIND_REDUCE_SCATTER;
}

struct hwi_spot hwi_cut_operand(const struct hwi_plan_shape *shape, uint32_t stage, uint32_t self,
                                uint32_t index)
{
    (void)shape;
    return index == self ? (struct hwi_spot){HWI_PLACE_INPUT, 0, 0}
                         : (struct hwi_spot){HWI_PLACE_SCRATCH, stage, index};
}

struct hwi_run hwi_cut_copied(const struct hwi_plan_shape *shape, uint32_t self)
{
    bool root = shape->kind == HWI_KIND_BROADCAST && self == shape->root;
    if (shape->kind == HWI_KIND_ALL_GATHER) {
        return hwi_cut_region(shape, self);
    }
    return root || shape->world == 1 ? hwi_cut_all(shape) : (struct hwi_run){0};
}
