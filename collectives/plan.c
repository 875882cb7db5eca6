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

static bool is_one_shot(uint8_t plan, uint64_t bytes, uint32_t world)
{
    if (bytes > HWI_CHUNK_BYTES_MAX)
        return false;
    if (plan == HWI_PLAN_AUTO)
        return world == 1 || bytes <= HWI_ONE_SHOT_BYTES_MAX;
    return world == 1 || plan == HWI_PLAN_ONE_SHOT;
}

// A forced plan also cuts what AUTO would not, so that every member has a share.
static uint64_t direct_chunk(uint8_t plan, uint64_t bytes, uint32_t world)
{
    uint64_t share = align_up(divide_up(bytes, world));
    uint64_t chunk = align_up(divide_up(share, CHUNKS_PER_SHARE));

    chunk = HWI_MIN(HWI_MAX(chunk, HWI_CHUNK_BYTES_MIN), HWI_CHUNK_BYTES_MAX);
    return plan == HWI_PLAN_DIRECT ? HWI_MIN(chunk, share) : chunk;
}

struct hwi_plan_shape hwi_plan_make(uint8_t plan, uint64_t bytes, uint32_t element_bytes,
                                    uint32_t world)
{
    HWI_CHECK(bytes > 0 && bytes <= HWI_TENSOR_BYTES_MAX && world >= 1);
    HWI_CHECK(element_bytes > 0 && CHUNK_ALIGN % element_bytes == 0 && bytes % element_bytes == 0);

    bool one_shot = is_one_shot(plan, bytes, world);
    uint64_t chunk = one_shot ? bytes : HWI_MIN(direct_chunk(plan, bytes, world), bytes);
    return (struct hwi_plan_shape){
        .plan = one_shot ? HWI_PLAN_ONE_SHOT : HWI_PLAN_DIRECT,
        .chunk_bytes = (uint32_t)chunk,
        .chunks = (uint32_t)divide_up(bytes, chunk),
        .world = world,
    };
}

uint32_t hwi_plan_share(const struct hwi_plan_shape *shape, uint32_t rank)
{
    if (shape->chunks < shape->world)
        return HWI_MIN(rank, shape->chunks);
    // The least k with k * world / chunks >= rank.
    return (uint32_t)divide_up((uint64_t)rank * shape->chunks, shape->world);
}
