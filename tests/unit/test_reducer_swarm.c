// SPDX-License-Identifier: MIT
// Whole operations among reducers, many shapes and arrival orders. symbolic.h checks the rules on
// the way.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include <hawser/types.h>

#include "tests/support/symbolic.h"

enum { VIEW = 7, OPS_MAX = 12 };

static uint32_t all_of(uint32_t members)
{
    return (1u << members) - 1;
}

static struct hwi_msg_op_start start_of(uint64_t view, uint64_t tag, uint32_t seq, uint64_t count,
                                        uint8_t redop, uint8_t in_place, uint8_t plan)
{
    return (struct hwi_msg_op_start){
        .op = {.view = view, .kind = HWI_KIND_ALL_REDUCE, .tag = tag, .seq = seq},
        .signature = {.kind = HWI_KIND_ALL_REDUCE,
                      .dtype = HWS_F32,
                      .redop = redop,
                      .count = count},
        .request = tag * 1000 + seq + 1,
        .in_place = in_place,
        .plan = plan};
}

static struct symbolic *in_view(uint32_t members, uint64_t seed)
{
    struct symbolic *symbolic = symbolic_create(members, seed);
    for (uint32_t who = 0; who < members; who++) {
        symbolic_view(symbolic, who, VIEW, all_of(members));
    }
    return symbolic;
}

static void step_some(struct symbolic *symbolic, uint32_t below)
{
    for (uint64_t steps = symbolic_random(symbolic, below); steps > 0; steps--) {
        symbolic_step(symbolic);
    }
}

// Every member starts the operations in an order of its own, at times of its own.
static void start_all(struct symbolic *symbolic, uint32_t members,
                      const struct hwi_msg_op_start *starts, uint32_t count)
{
    uint32_t begun[SYMBOLIC_MEMBERS_MAX][OPS_MAX] = {{0}};
    for (uint32_t left = members * count; left > 0;) {
        uint32_t who = (uint32_t)symbolic_random(symbolic, members);
        uint32_t which = (uint32_t)symbolic_random(symbolic, count);
        if (begun[who][which]) {
            continue;
        }
        begun[who][which] = 1;
        left--;
        symbolic_start(symbolic, who, &starts[which]);
        step_some(symbolic, 40);
    }
}

static void end_all(struct symbolic *symbolic, uint32_t members,
                    const struct hwi_msg_op_start *starts, uint32_t count, bool committed)
{
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t who = 0; who < members; who++) {
            symbolic_end(symbolic, who, starts[i].op, committed);
        }
    }
    symbolic_run(symbolic);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t who = 0; who < members; who++) {
            const struct symbolic_op *op = symbolic_find(symbolic, who, starts[i].op);
            assert_int_equal(op->ended, 1);
            assert_int_equal(op->restore, !committed && op->quiesced);
            assert_int_equal(op->end.bytes_sent, op->quiesced ? 1000 + who : 0);
        }
    }
}

static void run_one(uint32_t members, uint64_t count, uint8_t redop, uint8_t plan, uint64_t seed)
{
    struct symbolic *symbolic = in_view(members, seed);
    uint8_t in_place = seed & 1;
    struct hwi_msg_op_start start = start_of(VIEW, 3, 0, count, redop, in_place, plan);
    start_all(symbolic, members, &start, 1);
    symbolic_run(symbolic);
    uint32_t divisor = redop == HWS_AVG && members > 1 ? members : 0;
    if (members > 1 || !in_place) {
        symbolic_expect(symbolic, start.op, all_of(members), divisor);
    } else {
        assert_int_equal(symbolic_find(symbolic, 0, start.op)->done, 1);
    }
    end_all(symbolic, members, &start, 1, true);
    symbolic_destroy(symbolic);
}

// Counts around the world, the alignment of the grid, the chunk and the plan's border.
static void test_every_shape(void **state)
{
    (void)state;
    static const uint64_t counts[] = {1, 2, 3, 4, 5, 16, 17, 79, 4096, 16384, 16385, 100000};
    for (uint32_t members = 1; members <= 5; members++) {
        for (size_t i = 0; i < HWI_COUNT(counts); i++) {
            for (uint8_t plan = HWI_PLAN_AUTO; plan <= HWI_PLAN_DIRECT; plan++) {
                for (uint64_t seed = 0; seed < 6; seed++) {
                    run_one(members, counts[i], seed & 2 ? HWS_AVG : HWS_SUM, plan, seed);
                }
            }
        }
    }
}

// Shares of several windows: scratch slots are used again and again, and grants come in lots.
static void test_long_tensors(void **state)
{
    (void)state;
    for (uint32_t members = 2; members <= 5; members++) {
        struct hwi_msg_op_start start =
            start_of(VIEW, 3, 0, UINT64_C(40000001), HWS_SUM, 1, HWI_PLAN_AUTO);
        for (uint64_t seed = 0; seed < 4; seed++) {
            struct symbolic *symbolic = in_view(members, 100 + seed);
            start_all(symbolic, members, &start, 1);
            symbolic_run(symbolic);
            symbolic_expect(symbolic, start.op, all_of(members), 0);
            const struct symbolic_op *op = symbolic_find(symbolic, 0, start.op);
            uint32_t slots = 32 / (members - 1); // of 256 KiB in the scratch of an operation
            uint32_t share = op->rows[PHASE_INPUTS][1].chunks;
            uint32_t lots = (share - slots) / HWI_MAX(1u, slots / 4) + 1;
            assert_int_equal(op->rows[PHASE_INPUTS][1].slots, slots);
            assert_in_range(op->grants, (members - 1) * 2, (members - 1) * lots);
            symbolic_destroy(symbolic);
        }
    }
}

// A member alone copies; longer tensors in pieces, so that its loop keeps turning and hears an end.
static void test_alone(void **state)
{
    (void)state;
    const uint64_t long_count = UINT64_C(100) << 20;
    run_one(1, 7, HWS_AVG, HWI_PLAN_AUTO, 2);
    run_one(1, long_count, HWS_AVG, HWI_PLAN_AUTO, 2);
    struct symbolic *symbolic = in_view(1, 3);
    struct hwi_msg_op_start start = start_of(VIEW, 1, 0, long_count, HWS_SUM, 0, HWI_PLAN_AUTO);
    symbolic_start(symbolic, 0, &start);
    symbolic_drain(symbolic, 0);
    const struct symbolic_op *op = symbolic_find(symbolic, 0, start.op);
    assert_int_equal(op->output[31].count, 1);
    assert_int_equal(op->output[32].count, 0);
    symbolic_end(symbolic, 0, start.op, false);
    symbolic_run(symbolic);
    assert_int_equal(op->ended, 1);
    assert_int_equal(op->done, 0);
    symbolic_destroy(symbolic);
}

static uint32_t draw_ops(struct symbolic *symbolic, struct hwi_msg_op_start *starts)
{
    uint32_t count = 2 + (uint32_t)symbolic_random(symbolic, OPS_MAX - 1);
    for (uint32_t i = 0; i < count; i++) {
        static const uint64_t sizes[] = {1, 1000, 16384, 20000, 60000, 500000};
        uint64_t elements = sizes[symbolic_random(symbolic, HWI_COUNT(sizes))];
        starts[i] =
            start_of(VIEW, i % 3, i / 3, elements, HWS_SUM, (uint8_t)symbolic_random(symbolic, 2),
                     (uint8_t)symbolic_random(symbolic, 3));
    }
    return count;
}

// Many operations on several tags; the eager room of an edge is shared by all of them.
static void test_many_at_once(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 120; seed++) {
        uint32_t members = 2 + (uint32_t)(seed % 4);
        struct hwi_msg_op_start starts[OPS_MAX];
        struct symbolic *symbolic = in_view(members, 1000 + seed);
        uint32_t count = draw_ops(symbolic, starts);
        start_all(symbolic, members, starts, count);
        symbolic_run(symbolic);
        for (uint32_t i = 0; i < count; i++) {
            symbolic_expect(symbolic, starts[i].op, all_of(members), 0);
        }
        end_all(symbolic, members, starts, count, true);
        symbolic_destroy(symbolic);
    }
}

// The view changes at any moment of the operations; the last member is lost. Members hear of it one
// by one, and the first ones begin again at once.
static void test_view_changes_in_the_middle(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        uint32_t members = 3 + (uint32_t)(seed % 3), survivors = members - 1;
        struct hwi_msg_op_start before[2] = {
            start_of(VIEW, 1, 0, 300000, HWS_SUM, 1, HWI_PLAN_AUTO),
            start_of(VIEW, 2, 0, 100, HWS_AVG, 0, HWI_PLAN_AUTO),
        };
        struct hwi_msg_op_start after = start_of(VIEW + 3, 1, 0, 300000, HWS_AVG, 1, HWI_PLAN_AUTO);
        struct symbolic *symbolic = in_view(members, 2000 + seed);
        start_all(symbolic, members - (uint32_t)(seed & 1), before, 2);
        step_some(symbolic, 200);
        for (uint32_t who = 0; who < survivors; who++) {
            for (uint32_t i = 0; i < 2; i++) {
                symbolic_end(symbolic, who, before[i].op, false);
            }
            symbolic_view(symbolic, who, VIEW + 3, all_of(survivors));
            symbolic_start(symbolic, who, &after);
            step_some(symbolic, 60);
        }
        symbolic_run(symbolic);
        symbolic_expect(symbolic, after.op, all_of(survivors), survivors);
        for (uint32_t who = 0; who < survivors; who++) {
            assert_int_equal(symbolic_find(symbolic, who, before[0].op)->ended, 1);
        }
        end_all(symbolic, survivors, &after, 1, true);
        symbolic_destroy(symbolic);
    }
}

// The same events give the same effects, whatever the process did before.
static void test_same_seed_same_run(void **state)
{
    (void)state;
    char first[SYMBOLIC_TRACE_BYTES];
    for (int run = 0; run < 2; run++) {
        struct symbolic *symbolic = in_view(3, 42);
        struct hwi_msg_op_start start = start_of(VIEW, 0, 0, 20000, HWS_SUM, 0, HWI_PLAN_DIRECT);
        const char *trace = symbolic_trace(symbolic, 1);
        start_all(symbolic, 3, &start, 1);
        symbolic_run(symbolic);
        if (run == 0) {
            snprintf(first, sizeof first, "%s", trace);
        } else {
            assert_string_equal(first, trace);
        }
        symbolic_destroy(symbolic);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_shape),
        cmocka_unit_test(test_long_tensors),
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_view_changes_in_the_middle),
        cmocka_unit_test(test_same_seed_same_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
