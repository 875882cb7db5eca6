// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <hawser/types.h>

#include "collectives/plans/cut.h"

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

// A shape of one region that is cut.
static struct hwi_plan_shape cut(uint8_t kind, uint8_t plan, uint64_t bytes, uint32_t world)
{
    struct hwi_plan_shape shape = {.asked = plan,
                                   .kind = kind,
                                   .redop = HWS_SUM,
                                   .world = world,
                                   .unit_bytes = 4,
                                   .bytes = bytes};
    shape.ops = hwi_plan_choose(&shape);
    shape.ops->cut(&shape);
    assert_in_range(shape.phases, 1, hwi_plan_phases_max(world));
    return shape;
}

// The shares cut 0..chunks without gap, and every chunk's owner is who the rule says.
static void check_shares(const struct hwi_plan_shape *shape)
{
    uint32_t world = shape->world, chunks = shape->chunks, at = 0;
    for (uint32_t rank = 0; rank < world; rank++) {
        struct hwi_run run = hwi_cut_share(shape, world, rank);
        uint32_t end = run.first + run.chunks;
        assert_true(run.chunks == 0 || run.first == at);
        at += run.chunks;
        for (uint32_t k = run.first; k<end; k += run.chunks> 2 ? run.chunks - 1 : 1) {
            uint64_t owner = chunks >= world ? (uint64_t)k * world / chunks : k;
            assert_int_equal(owner, rank);
        }
        if (chunks >= world) {
            assert_in_range(run.chunks, chunks / world, chunks / world + 1);
        }
    }
    assert_int_equal(at, chunks);
}

static void check_grid(const struct hwi_plan_shape *shape)
{
    uint64_t bytes = shape->bytes;
    assert_true(shape->chunk_bytes > 0 && shape->chunk_bytes <= HWI_CHUNK_BYTES_MAX);
    assert_true(shape->chunk_bytes == bytes || shape->chunk_bytes % 64 == 0);
    assert_int_equal(shape->chunk_bytes % shape->unit_bytes, 0);
    assert_true((uint64_t)shape->chunks * shape->chunk_bytes >= bytes);
    assert_true((uint64_t)(shape->chunks - 1) * shape->chunk_bytes < bytes);
}

static const struct hwi_plan_ops *expected(uint8_t plan, uint64_t bytes, uint32_t world)
{
    bool small =
        plan == HWI_PLAN_AUTO ? bytes <= HWI_ONE_SHOT_BYTES_MAX : plan == HWI_PLAN_ONE_SHOT;
    bool one_shot = bytes <= HWI_CHUNK_BYTES_MAX && (small || world == 1);
    return one_shot ? &hwi_plan_one_shot : &hwi_plan_direct;
}

static void test_all_shapes(void **state)
{
    (void)state;
    for (uint8_t plan = HWI_PLAN_AUTO; plan <= HWI_PLAN_DIRECT; plan++) {
        for (size_t w = 0; w < HWI_COUNT(worlds); w++) {
            for (size_t s = 0; s < HWI_COUNT(sizes); s++) {
                struct hwi_plan_shape shape = cut(HWI_KIND_ALL_REDUCE, plan, sizes[s], worlds[w]);
                assert_ptr_equal(shape.ops, expected(plan, sizes[s], worlds[w]));
                check_grid(&shape);
                check_shares(&shape);
                assert_true(shape.ops != &hwi_plan_one_shot || shape.chunks == 1);
            }
        }
    }
}

static void test_medium_shares_have_several_chunks(void **state)
{
    (void)state;
    struct hwi_plan_shape shape = cut(HWI_KIND_ALL_REDUCE, HWI_PLAN_AUTO, 1 << 20, 4);
    assert_int_equal(shape.chunk_bytes, 64 << 10);
    assert_int_equal(shape.chunks, 16);
    shape = cut(HWI_KIND_ALL_REDUCE, HWI_PLAN_AUTO, 64 << 20, 2);
    assert_int_equal(shape.chunk_bytes, HWI_CHUNK_BYTES_MAX);
    shape = cut(HWI_KIND_ALL_REDUCE, HWI_PLAN_AUTO, 100 << 10, 4);
    assert_int_equal(shape.chunk_bytes, HWI_CHUNK_BYTES_MIN);
}

static void test_forced_direct_shares_tiny_tensors(void **state)
{
    (void)state;
    struct hwi_plan_shape shape = cut(HWI_KIND_ALL_REDUCE, HWI_PLAN_DIRECT, 1024, 4);
    assert_int_equal(shape.chunks, 4);
    shape = cut(HWI_KIND_ALL_REDUCE, HWI_PLAN_DIRECT, 4, 3);
    assert_int_equal(shape.chunks, 1);
    assert_int_equal(hwi_cut_share(&shape, 3, 0).chunks, 1);
    assert_int_equal(hwi_cut_share(&shape, 3, 1).chunks, 0);
    assert_int_equal(hwi_cut_share(&shape, 3, 2).chunks, 0);
}

// Owners may be fewer than members: a broadcast's root owns nothing.
static void test_fewer_owners(void **state)
{
    (void)state;
    struct hwi_plan_shape shape = cut(HWI_KIND_BROADCAST, HWI_PLAN_AUTO, 1 << 20, 4);
    uint32_t chunks = 0;
    for (uint32_t rank = 1; rank < 4; rank++) {
        struct hwi_run run = shape.ops->run(&shape, 1, 0, rank);
        assert_int_equal(run.first, chunks);
        chunks += run.chunks;
        assert_int_equal(shape.ops->run(&shape, 2, rank, 0).chunks, 0); // the root has it
        assert_int_equal(shape.ops->run(&shape, 2, rank, rank % 3 + 1).chunks, run.chunks);
    }
    assert_int_equal(chunks, shape.chunks);
    shape = cut(HWI_KIND_BROADCAST, HWI_PLAN_AUTO, 300 << 10, 2);
    assert_ptr_equal(shape.ops, &hwi_plan_direct);
    assert_int_equal(shape.ops->run(&shape, 1, 0, 1).chunks, shape.chunks);
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
                uint64_t part = hwi_cut_part(counts[c], world, rank);
                assert_true(part == counts[c] * rank / world); // no overflow at these
                assert_true(part >= at && part - at <= counts[c] / world + 1);
                at = part;
            }
            assert_true(at == counts[c]);
        }
    }
}

static struct hwi_plan_shape cut_regions(uint8_t plan, uint64_t *begin, uint32_t *first,
                                         uint32_t world)
{
    struct hwi_plan_shape shape = {.asked = plan,
                                   .kind = HWI_KIND_ALL_GATHER,
                                   .world = world,
                                   .unit_bytes = 4,
                                   .bytes = begin[world],
                                   .begin = begin,
                                   .first = first};
    shape.ops = hwi_plan_choose(&shape);
    shape.ops->cut(&shape);
    return shape;
}

// Each region is a grid of its own; empty ones have no chunk.
static void check_cut(uint8_t plan, uint64_t *begin, uint32_t world)
{
    uint32_t first[8];
    struct hwi_plan_shape shape = cut_regions(plan, begin, first, world);
    assert_true(shape.chunk_bytes > 0 && shape.chunk_bytes <= HWI_CHUNK_BYTES_MAX);
    assert_int_equal(first[0], 0);
    assert_int_equal(first[world], shape.chunks);
    for (uint32_t rank = 0; rank < world; rank++) {
        struct hwi_run run = hwi_cut_region(&shape, rank);
        assert_int_equal(run.first, first[rank]);
        assert_true((uint64_t)run.chunks * shape.chunk_bytes >= run.bytes);
        assert_true(run.bytes == 0 ? run.chunks == 0
                                   : (uint64_t)(run.chunks - 1) * shape.chunk_bytes < run.bytes);
        assert_true(shape.ops != &hwi_plan_one_shot || run.chunks <= 1);
    }
}

static void test_regions(void **state)
{
    (void)state;
    static uint64_t sets[][5] = {
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
    assert_ptr_equal(cut_regions(HWI_PLAN_AUTO, sets[0], first, 4).ops, &hwi_plan_one_shot);
    assert_ptr_equal(cut_regions(HWI_PLAN_AUTO, sets[3], first, 4).ops, &hwi_plan_direct);
    assert_ptr_equal(cut_regions(HWI_PLAN_ONE_SHOT, sets[3], first, 4).ops, &hwi_plan_one_shot);
    assert_ptr_equal(cut_regions(HWI_PLAN_ONE_SHOT, sets[2], first, 4).ops, &hwi_plan_direct);
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
