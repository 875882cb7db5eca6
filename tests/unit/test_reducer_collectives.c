// SPDX-License-Identifier: MIT
// Reduce-scatter, all-gather and broadcast among reducers: many shapes and arrival orders, members
// that call late, views that change in the middle, calls that do not match.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <hawser/types.h>

#include "actors/wire/codec.h"
#include "tests/support/symbolic.h"

enum { VIEW = 7, KINDS = 4 };

static const uint8_t kinds[KINDS] = {HWI_KIND_REDUCE_SCATTER, HWI_KIND_ALL_GATHER,
                                     HWI_KIND_BROADCAST, HWI_KIND_ALL_GATHER};

static uint32_t all_of(uint32_t members)
{
    return (1u << members) - 1;
}

// The last of `kinds` is the all-gather whose counts differ.
static struct hwi_msg_op_start start_of(uint32_t which, uint64_t view, uint64_t tag, uint64_t count,
                                        uint8_t plan, uint32_t root)
{
    uint8_t kind = kinds[which];
    bool broadcast = kind == HWI_KIND_BROADCAST;
    return (struct hwi_msg_op_start){
        .op = {.view = view, .kind = kind, .tag = tag},
        .signature = {.kind = kind,
                      .dtype = HWS_F32,
                      .redop = kind == HWI_KIND_REDUCE_SCATTER ? HWS_SUM : 0,
                      .count = count,
                      .plan = plan,
                      .root = broadcast ? symbolic_peer(root) : 0,
                      .unequal = which == KINDS - 1},
        .request = tag + 1,
        .plan = plan,
        .room = UINT64_C(1) << 38};
}

static struct symbolic *in_view(uint32_t members, uint64_t seed)
{
    struct symbolic *symbolic = symbolic_create(members, seed);
    for (uint32_t who = 0; who < members; who++) {
        symbolic_view(symbolic, who, VIEW, all_of(members));
    }
    symbolic_run(symbolic);
    return symbolic;
}

// One member's arguments: its own count, and in place as the seed says.
static void start(struct symbolic *symbolic, uint32_t who, struct hwi_msg_op_start op)
{
    if (op.signature.unequal) {
        op.signature.count = op.signature.count * (who % 3) + who;
    }
    op.in_place = symbolic_random(symbolic, 2) && !op.signature.unequal;
    symbolic_start(symbolic, who, &op);
}

static void step_some(struct symbolic *symbolic, uint32_t below)
{
    for (uint64_t steps = symbolic_random(symbolic, below); steps > 0; steps--) {
        symbolic_step(symbolic);
    }
}

// In an order and at times that the seed decides.
static void start_all(struct symbolic *symbolic, uint32_t members, struct hwi_msg_op_start op)
{
    uint32_t first = (uint32_t)symbolic_random(symbolic, members);
    for (uint32_t i = 0; i < members; i++) {
        start(symbolic, (first + i) % members, op);
        step_some(symbolic, 60);
    }
}

static void end_all(struct symbolic *symbolic, uint32_t members, struct hwi_op op, bool committed)
{
    for (uint32_t who = 0; who < members; who++) {
        symbolic_end(symbolic, who, op, committed);
    }
    symbolic_run(symbolic);
    for (uint32_t who = 0; who < members; who++) {
        assert_int_equal(symbolic_find(symbolic, who, op)->ended, 1);
    }
}

static void expect_done(struct symbolic *symbolic, struct hwi_op op, uint32_t mask, uint32_t root)
{
    if (op.kind == HWI_KIND_BROADCAST) {
        symbolic_expect_from(symbolic, op, mask, root);
    } else {
        symbolic_expect(symbolic, op, mask, 0);
    }
}

static void run_one(uint32_t which, uint32_t members, uint64_t count, uint8_t plan, uint64_t seed)
{
    struct symbolic *symbolic = in_view(members, seed);
    uint32_t root = (uint32_t)(seed % members);
    struct hwi_msg_op_start op = start_of(which, VIEW, 3, count, plan, root);
    start_all(symbolic, members, op);
    symbolic_run(symbolic);
    expect_done(symbolic, op.op, all_of(members), root);
    end_all(symbolic, members, op.op, true);
    symbolic_destroy(symbolic);
}

static void test_every_shape(void **state)
{
    (void)state;
    static const uint64_t counts[] = {1, 2, 3, 5, 16, 79, 4096, 16385, 100000, 300000};
    for (uint32_t which = 0; which < KINDS; which++) {
        for (uint32_t members = 1; members <= 5; members++) {
            for (size_t i = 0; i < HWI_COUNT(counts); i++) {
                for (uint8_t plan = HWI_PLAN_AUTO; plan <= HWI_PLAN_DIRECT; plan++) {
                    for (uint64_t seed = 0; seed < 5; seed++) {
                        run_one(which, members, counts[i], plan, seed);
                    }
                }
            }
        }
    }
}

// Of several windows of a broadcast's owners, and of an owner's scratch.
static void test_long_tensors(void **state)
{
    (void)state;
    for (uint32_t which = 0; which < KINDS; which++) {
        run_one(which, 3, which == 2 ? UINT64_C(300000001) : 40000001, HWI_PLAN_AUTO, 5);
    }
}

// One member calls only after everything else has come to rest.
static void test_a_late_member(void **state)
{
    (void)state;
    for (uint32_t which = 0; which < KINDS; which++) {
        for (uint32_t late = 0; late < 4; late++) {
            for (uint64_t seed = 0; seed < 8; seed++) {
                struct symbolic *symbolic = in_view(4, 300 + seed);
                struct hwi_msg_op_start op =
                    start_of(which, VIEW, 3, seed % 2 ? 500000 : 5000, HWI_PLAN_AUTO, 1);
                for (uint32_t who = 0; who < 4; who++) {
                    if (who != late) {
                        start(symbolic, who, op);
                    }
                }
                symbolic_run(symbolic);
                start(symbolic, late, op);
                symbolic_run(symbolic);
                expect_done(symbolic, op.op, 15, 1);
                symbolic_destroy(symbolic);
            }
        }
    }
}

static void test_view_changes_in_the_middle(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 160; seed++) {
        uint32_t which = (uint32_t)seed % KINDS, members = 3 + (uint32_t)(seed / 4 % 3);
        uint32_t survivors = members - 1;
        struct symbolic *symbolic = in_view(members, 2000 + seed);
        struct hwi_msg_op_start before = start_of(which, VIEW, 1, 300000, HWI_PLAN_AUTO, 1);
        struct hwi_msg_op_start after = start_of(which, VIEW + 3, 1, 300000, HWI_PLAN_AUTO, 1);
        start_all(symbolic, members - (uint32_t)(seed & 1), before);
        step_some(symbolic, 100);
        for (uint32_t who = 0; who < survivors; who++) {
            symbolic_end(symbolic, who, before.op, false);
            symbolic_view(symbolic, who, VIEW + 3, all_of(survivors));
            start(symbolic, who, after);
            step_some(symbolic, 60);
        }
        symbolic_run(symbolic);
        expect_done(symbolic, after.op, all_of(survivors), 1);
        end_all(symbolic, survivors, after.op, true);
        symbolic_destroy(symbolic);
    }
}

static bool is_mismatch(struct symbolic *symbolic, uint32_t who, struct hwi_op op, uint64_t odd)
{
    const struct symbolic_op *known = symbolic_find(symbolic, who, op);
    assert_int_equal(known->faults, 1);
    assert_int_equal(known->done, 0);
    assert_int_equal(known->fault.status, HWS_E_MISMATCH);
    assert_int_equal(known->fault.kind, HWI_KIND_ALL_REDUCE); // the channel's
    assert_true(known->fault.peer_a < known->fault.peer_b);
    return known->fault.peer_a == odd || known->fault.peer_b == odd;
}

// The odd one makes another call on the channel: everybody finds it, in any order of arrival.
static void check_mismatch(struct hwi_msg_op_start most, struct hwi_msg_op_start other,
                           uint64_t seed)
{
    struct symbolic *symbolic = in_view(3, seed);
    uint32_t odd = (uint32_t)(seed % 3);
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t who = (uint32_t)(seed / 3 + i) % 3;
        start(symbolic, who, who == odd ? other : most);
        step_some(symbolic, 40);
    }
    symbolic_run(symbolic);
    for (uint32_t who = 0; who < 3; who++) {
        assert_true(is_mismatch(symbolic, who, most.op, symbolic_peer(odd)));
    }
    end_all(symbolic, 3, most.op, false);
    symbolic_destroy(symbolic);
}

static void test_mismatches(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 30; seed++) {
        for (uint32_t a = 0; a < KINDS; a++) {
            for (uint32_t b = 0; b < KINDS; b++) {
                if (a != b) {
                    check_mismatch(start_of(a, VIEW, 3, 1000, 0, 0),
                                   start_of(b, VIEW, 3, 1000, 0, 0), seed);
                }
            }
        }
        check_mismatch(start_of(2, VIEW, 3, 1000, 0, 0), start_of(2, VIEW, 3, 1000, 0, 1), seed);
        check_mismatch(start_of(2, VIEW, 3, 300000, 0, 0), start_of(2, VIEW, 3, 300000, 0, 2),
                       seed);
        check_mismatch(start_of(1, VIEW, 3, 1000, 0, 0), start_of(1, VIEW, 3, 999, 0, 0), seed);
        check_mismatch(start_of(0, VIEW, 3, 1000, 1, 0), start_of(0, VIEW, 3, 1000, 2, 0), seed);
    }
}

// Too little room is reported once all have called, with both numbers; nothing was written.
static void test_too_little_room(void **state)
{
    (void)state;
    static const uint64_t needed[KINDS] = {334, 3000, 0, 3003};
    for (uint32_t which = 0; which < KINDS; which++) {
        if (kinds[which] == HWI_KIND_BROADCAST) {
            continue;
        }
        struct symbolic *symbolic = in_view(3, which);
        struct hwi_msg_op_start op = start_of(which, VIEW, 3, 1000, 0, 0);
        op.room = needed[which] - 1;
        struct hwi_msg_op_start own = op; // rank 2 has the largest part, and a count of 2002
        own.signature.count = which == KINDS - 1 ? 2002 : 1000;
        symbolic_start(symbolic, 2, &own);
        symbolic_run(symbolic);
        assert_int_equal(symbolic_find(symbolic, 2, op.op)->faults, 0);
        op.room = 5000;
        start(symbolic, 0, op);
        start(symbolic, 1, op);
        symbolic_run(symbolic);
        const struct symbolic_op *known = symbolic_find(symbolic, 2, op.op);
        assert_int_equal(known->faults, 1);
        assert_int_equal(known->fault.status, HWS_E_INVALID);
        assert_int_equal(known->fault.peer_a, symbolic_peer(2));
        assert_int_equal(known->fault.signature_a.count, needed[which] - 1);
        assert_int_equal(known->fault.signature_b.count, needed[which]);
        end_all(symbolic, 3, op.op, false);
        assert_false(symbolic_find(symbolic, 2, op.op)->quiesced); // the data port never knew it
        symbolic_destroy(symbolic);
    }
}

// Counts that together pass every limit.
static void test_too_much_in_all(void **state)
{
    (void)state;
    struct symbolic *symbolic = in_view(2, 1);
    struct hwi_msg_op_start op = start_of(KINDS - 1, VIEW, 3, 5, 0, 0);
    symbolic_start(symbolic, 0, &op);
    symbolic_drain(symbolic, 0);
    struct hwi_msg call = {.type = HWI_MSG_call};
    call.u.call.op = op.op;
    call.u.call.signature = op.signature;
    call.u.call.signature.count = HWI_TENSOR_BYTES_MAX;
    symbolic_inject(symbolic, symbolic_peer(1), 0, &call);
    symbolic_drain(symbolic, 0);
    const struct hwi_fault *fault = &symbolic_find(symbolic, 0, op.op)->fault;
    assert_int_equal(fault->status, HWS_E_LIMIT);
    // The peer tells it to the master, or the call cannot end before its deadline.
    struct hwi_msg told = {.type = HWI_MSG_withdraw};
    told.u.withdraw.op = op.op;
    told.u.withdraw.fault = *fault;
    unsigned char *bytes = NULL;
    size_t length = 0;
    assert_int_equal(hwi_encode(&told, &bytes, &length), HWI_CODEC_OK);
    free(bytes);
    symbolic_destroy(symbolic);
}

// A member that says its call again is not sent again what it was passed on.
static void test_a_call_said_twice(void **state)
{
    (void)state;
    struct symbolic *symbolic = in_view(3, 1);
    struct hwi_msg_op_start op = start_of(2, VIEW, 3, 300000, HWI_PLAN_DIRECT, 0);
    symbolic_start(symbolic, 0, &op);
    symbolic_start(symbolic, 1, &op);
    symbolic_run(symbolic);
    struct hwi_msg call = {.type = HWI_MSG_call};
    call.u.call.op = op.op;
    call.u.call.signature = op.signature;
    const char *trace = symbolic_trace(symbolic, 1);
    symbolic_inject(symbolic, symbolic_peer(2), 1, &call);
    symbolic_drain(symbolic, 1);
    assert_non_null(strstr(trace, "send{"));
    trace = symbolic_trace(symbolic, 1);
    symbolic_inject(symbolic, symbolic_peer(2), 1, &call);
    symbolic_drain(symbolic, 1);
    assert_null(strstr(trace, "send{"));
    symbolic_destroy(symbolic);
}

// Many large reductions at once: each has its reserve, all together keep to the bound.
static void test_scratch_of_many(void **state)
{
    (void)state;
    struct symbolic *symbolic = in_view(2, 1);
    uint64_t bytes = 0;
    for (uint32_t seq = 0; seq < HWI_OPS_MAX; seq++) {
        struct hwi_msg_op_start op = start_of(0, VIEW, seq, 40000000, 0, 0);
        symbolic_start(symbolic, 0, &op);
        symbolic_drain(symbolic, 0);
        const struct symbolic_op *known = symbolic_find(symbolic, 0, op.op);
        uint32_t slots = known->rows[PHASE_INPUTS][1].slots;
        assert_true(slots >= 1);
        assert_true(slots <= HWI_SCRATCH_BYTES_MAX / known->chunk_bytes);
        bytes += (uint64_t)slots * known->chunk_bytes;
    }
    uint64_t reserves = (uint64_t)HWI_OPS_MAX * HWI_CHUNK_BYTES_MAX;
    assert_true(bytes <= HWI_SCRATCH_ALL_BYTES_MAX + reserves);
    symbolic_destroy(symbolic);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_shape),       cmocka_unit_test(test_long_tensors),
        cmocka_unit_test(test_a_late_member),     cmocka_unit_test(test_view_changes_in_the_middle),
        cmocka_unit_test(test_mismatches),        cmocka_unit_test(test_too_little_room),
        cmocka_unit_test(test_too_much_in_all),   cmocka_unit_test(test_scratch_of_many),
        cmocka_unit_test(test_a_call_said_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
