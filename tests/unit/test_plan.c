// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "collectives/plan.h"

static const uint32_t worlds[] = {1, 2, 3, 4, 5, 7, 8, 16, 33, 64, 255, 1000, HWI_MEMBERS_MAX};
static const uint64_t sizes[] = {4,
                                 8,
                                 60,
                                 64,
                                 68,
                                 100,
                                 1000,
                                 4096,
                                 16384,
                                 16388,
                                 65536,
                                 65540,
                                 100000,
                                 262144,
                                 262148,
                                 1 << 20,
                                 (1 << 20) + 4,
                                 64 << 20,
                                 (64 << 20) + 12,
                                 UINT64_C(1) << 33};

// The shares cut 0..chunks without gap, and every chunk's owner is who the rule says.
static void check_shares(const struct hwi_plan_shape *shape)
{
    uint32_t world = shape->world, chunks = shape->chunks;

    assert_int_equal(hwi_plan_share(shape, world, 0), 0);
    assert_int_equal(hwi_plan_share(shape, world, world), chunks);
    for (uint32_t rank = 0; rank < world; rank++) {
        uint32_t first = hwi_plan_share(shape, world, rank),
                 end = hwi_plan_share(shape, world, rank + 1);
        assert_true(first <= end);
        for (uint32_t k = first; k<end; k += end - first> 2 ? end - first - 1 : 1) {
            uint64_t owner = chunks >= world ? (uint64_t)k * world / chunks : k;
            assert_int_equal(owner, rank);
        }
        if (chunks >= world) {
            assert_true(end - first >= chunks / world && end - first <= chunks / world + 1);
        }
    }
}

static void check_grid(const struct hwi_plan_shape *shape, uint64_t bytes, uint32_t element)
{
    assert_true(shape->chunk_bytes > 0 && shape->chunk_bytes <= HWI_CHUNK_BYTES_MAX);
    assert_true(shape->chunk_bytes == bytes || shape->chunk_bytes % 64 == 0);
    assert_int_equal(shape->chunk_bytes % element, 0);
    assert_true((uint64_t)shape->chunks * shape->chunk_bytes >= bytes);
    assert_true((uint64_t)(shape->chunks - 1) * shape->chunk_bytes < bytes);
}

static void check_choice(uint8_t plan, uint64_t bytes, uint32_t world, uint8_t made)
{
    if (bytes > HWI_CHUNK_BYTES_MAX) {
        assert_int_equal(made, HWI_PLAN_DIRECT);
    } else if (world == 1) {
        assert_int_equal(made, HWI_PLAN_ONE_SHOT);
    } else if (plan != HWI_PLAN_AUTO) {
        assert_int_equal(made, plan);
    } else {
        assert_int_equal(made,
                         bytes <= HWI_ONE_SHOT_BYTES_MAX ? HWI_PLAN_ONE_SHOT : HWI_PLAN_DIRECT);
    }
}

static void test_all_shapes(void **state)
{
    (void)state;
    for (uint8_t plan = HWI_PLAN_AUTO; plan <= HWI_PLAN_DIRECT; plan++) {
        for (size_t w = 0; w < HWI_COUNT(worlds); w++) {
            for (size_t s = 0; s < HWI_COUNT(sizes); s++) {
                struct hwi_plan_shape shape =
                    hwi_plan_make(plan, sizes[s], 4, worlds[w], worlds[w]);
                assert_int_equal(shape.world, worlds[w]);
                check_grid(&shape, sizes[s], 4);
                check_choice(plan, sizes[s], worlds[w], shape.plan);
                if (shape.plan == HWI_PLAN_ONE_SHOT) {
                    assert_int_equal(shape.chunks, 1);
                }
                check_shares(&shape);
            }
        }
    }
}

static void test_medium_shares_have_several_chunks(void **state)
{
    (void)state;
    struct hwi_plan_shape shape = hwi_plan_make(HWI_PLAN_AUTO, 1 << 20, 4, 4, 4);
    assert_int_equal(shape.chunk_bytes, 64 << 10);
    assert_int_equal(shape.chunks, 16);
    shape = hwi_plan_make(HWI_PLAN_AUTO, 64 << 20, 8, 2, 2);
    assert_int_equal(shape.chunk_bytes, HWI_CHUNK_BYTES_MAX);
    shape = hwi_plan_make(HWI_PLAN_AUTO, 100 << 10, 4, 4, 4);
    assert_int_equal(shape.chunk_bytes, HWI_CHUNK_BYTES_MIN);
}

static void test_forced_direct_shares_tiny_tensors(void **state)
{
    (void)state;
    struct hwi_plan_shape shape = hwi_plan_make(HWI_PLAN_DIRECT, 1024, 4, 4, 4);
    assert_int_equal(shape.chunks, 4);
    shape = hwi_plan_make(HWI_PLAN_DIRECT, 4, 4, 3, 3);
    assert_int_equal(shape.chunks, 1);
    assert_int_equal(hwi_plan_share(&shape, 3, 1), 1);
    assert_int_equal(hwi_plan_share(&shape, 3, 2), 1);
}

// Owners may be fewer than members: a broadcast's root owns nothing.
static void test_fewer_owners(void **state)
{
    (void)state;
    struct hwi_plan_shape shape = hwi_plan_make(HWI_PLAN_AUTO, 1 << 20, 4, 4, 3);
    assert_int_equal(shape.world, 4);
    assert_int_equal(hwi_plan_share(&shape, 3, 0), 0);
    assert_int_equal(hwi_plan_share(&shape, 3, 3), shape.chunks);
    shape = hwi_plan_make(HWI_PLAN_AUTO, 300 << 10, 4, 2, 1);
    assert_int_equal(shape.plan, HWI_PLAN_DIRECT);
    assert_int_equal(hwi_plan_share(&shape, 1, 1), shape.chunks);
}

static void test_parts_are_even(void **state)
{
    (void)state;
    static const uint64_t counts[] = {0, 1, 2, 5, 6, 7, 1000, (UINT64_C(1) << 40) - 1};
    for (size_t c = 0; c < HWI_COUNT(counts); c++) {
        for (size_t w = 0; w < HWI_COUNT(worlds); w++) {
            uint32_t world = worlds[w];
            uint64_t at = 0;
            for (uint32_t rank = 0; rank <= world; rank++) {
                uint64_t part = hwi_plan_part(counts[c], world, rank);
                assert_true(part == counts[c] * rank / world); // no overflow at these
                assert_true(part >= at && part - at <= counts[c] / world + 1);
                at = part;
            }
            assert_true(at == counts[c]);
        }
    }
}

// Each region is a grid of its own; empty ones have no chunk.
static void check_cut(uint8_t plan, const uint64_t *begin, uint32_t world)
{
    uint32_t first[8];
    struct hwi_plan_shape shape = hwi_plan_cut(plan, begin, first, world);
    assert_true(shape.chunk_bytes > 0 && shape.chunk_bytes <= HWI_CHUNK_BYTES_MAX);
    assert_int_equal(first[0], 0);
    assert_int_equal(first[world], shape.chunks);
    for (uint32_t rank = 0; rank < world; rank++) {
        uint64_t bytes = begin[rank + 1] - begin[rank];
        uint32_t chunks = first[rank + 1] - first[rank];
        assert_true((uint64_t)chunks * shape.chunk_bytes >= bytes);
        assert_true(bytes == 0 ? chunks == 0 : (uint64_t)(chunks - 1) * shape.chunk_bytes < bytes);
        if (shape.plan == HWI_PLAN_ONE_SHOT) {
            assert_true(chunks <= 1);
        }
    }
}

static void test_regions(void **state)
{
    (void)state;
    static const uint64_t sets[][5] = {
        {0, 4, 4, 8, 12},
        {0, 0, 0, 0, 4},
        {0, 1000, 1000, 300000, 300004},
        {0, 262144, 524288, 786432, 1048576},
        {0, UINT64_C(1) << 33, UINT64_C(1) << 33, (UINT64_C(1) << 33) + 4, UINT64_C(1) << 34},
    };
    for (uint8_t plan = HWI_PLAN_AUTO; plan <= HWI_PLAN_DIRECT; plan++) {
        for (size_t i = 0; i < HWI_COUNT(sets); i++) {
            check_cut(plan, sets[i], 4);
        }
    }
    uint32_t first[5];
    assert_int_equal(hwi_plan_cut(HWI_PLAN_AUTO, sets[0], first, 4).plan, HWI_PLAN_ONE_SHOT);
    assert_int_equal(hwi_plan_cut(HWI_PLAN_AUTO, sets[3], first, 4).plan, HWI_PLAN_DIRECT);
    assert_int_equal(hwi_plan_cut(HWI_PLAN_ONE_SHOT, sets[3], first, 4).plan, HWI_PLAN_ONE_SHOT);
    assert_int_equal(hwi_plan_cut(HWI_PLAN_ONE_SHOT, sets[2], first, 4).plan, HWI_PLAN_DIRECT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_shapes),
        cmocka_unit_test(test_medium_shares_have_several_chunks),
        cmocka_unit_test(test_forced_direct_shares_tiny_tensors),
        cmocka_unit_test(test_fewer_owners),
        cmocka_unit_test(test_parts_are_even),
        cmocka_unit_test(test_regions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
