// SPDX-License-Identifier: MIT
#include "collectives/plan.h"

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

// `bytes` in all, `largest` of them in one chunk if nothing is cut.
static bool is_one_shot(uint8_t plan, uint64_t bytes, uint64_t largest, uint32_t world)
{
    if (largest > HWI_CHUNK_BYTES_MAX) {
        return false;
    }
    if (plan == HWI_PLAN_AUTO) {
        return world == 1 || bytes <= HWI_ONE_SHOT_BYTES_MAX;
    }
    return world == 1 || plan == HWI_PLAN_ONE_SHOT;
}

// A forced plan also cuts what AUTO would not, so that every member has a share.
static uint64_t direct_chunk(uint8_t plan, uint64_t share)
{
    uint64_t chunk = align_up(divide_up(share, CHUNKS_PER_SHARE));

    chunk = HWI_MIN(HWI_MAX(chunk, HWI_CHUNK_BYTES_MIN), HWI_CHUNK_BYTES_MAX);
    return plan == HWI_PLAN_DIRECT ? HWI_MIN(chunk, share) : chunk;
}

struct hwi_plan_shape hwi_plan_make(uint8_t plan, uint64_t bytes, uint32_t element_bytes,
                                    uint32_t world, uint32_t owners)
{
    HWI_CHECK(bytes > 0 && bytes <= HWI_TENSOR_BYTES_MAX && world >= 1 && owners >= 1);
    HWI_CHECK(element_bytes > 0 && CHUNK_ALIGN % element_bytes == 0 && bytes % element_bytes == 0);

    bool one_shot = is_one_shot(plan, bytes, bytes, world);
    uint64_t share = align_up(divide_up(bytes, owners));
    uint64_t chunk = one_shot ? bytes : HWI_MIN(direct_chunk(plan, share), bytes);
    return (struct hwi_plan_shape){
        .plan = one_shot ? HWI_PLAN_ONE_SHOT : HWI_PLAN_DIRECT,
        .chunk_bytes = (uint32_t)chunk,
        .chunks = (uint32_t)divide_up(bytes, chunk),
        .world = world,
    };
}

uint32_t hwi_plan_share(const struct hwi_plan_shape *shape, uint32_t owners, uint32_t index)
{
    if (shape->chunks < owners) {
        return HWI_MIN(index, shape->chunks);
    }
    // The least k with k * owners / chunks >= index.
    return (uint32_t)divide_up((uint64_t)index * shape->chunks, owners);
}

static uint64_t largest_region(const uint64_t *begin, uint32_t world)
{
    uint64_t largest = 0;

    for (uint32_t rank = 0; rank < world; rank++) {
        largest = HWI_MAX(largest, begin[rank + 1] - begin[rank]);
    }
    return largest;
}

struct hwi_plan_shape hwi_plan_cut(uint8_t plan, const uint64_t *begin, uint32_t *first,
                                   uint32_t world)
{
    uint64_t bytes = begin[world], largest = largest_region(begin, world);
    HWI_CHECK(begin[0] == 0 && bytes > 0 && bytes <= HWI_TENSOR_BYTES_MAX);

    bool one_shot = is_one_shot(plan, bytes, largest, world);
    uint64_t chunk = one_shot ? largest : direct_chunk(plan, align_up(largest));
    uint64_t chunks = 0;
    for (uint32_t rank = 0; rank <= world; rank++) {
        first[rank] = (uint32_t)chunks;
        if (rank < world) {
            chunks += divide_up(begin[rank + 1] - begin[rank], chunk);
        }
    }
    return (struct hwi_plan_shape){
        .plan = one_shot ? HWI_PLAN_ONE_SHOT : HWI_PLAN_DIRECT,
        .chunk_bytes = (uint32_t)chunk,
        .chunks = (uint32_t)chunks,
        .world = world,
    };
}

uint64_t hwi_plan_part(uint64_t count, uint32_t world, uint32_t rank)
{
    return count / world * rank + count % world * rank / world;
}
