// SPDX-License-Identifier: MIT
// The effects of one reducer, event by event: order of effects, calls ahead, mismatches, hostile
// members, ends.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include <hawser/types.h>

#include "actors/loop/drain.h"
#include "tests/support/drain_all.h"
#include "tests/support/symbolic.h"

enum { VIEW = 7 };

static struct hwi_op op_of(uint64_t view, uint64_t tag, uint32_t seq)
{
    return (struct hwi_op){.view = view, .kind = HWI_KIND_ALL_REDUCE, .tag = tag, .seq = seq};
}

static struct hwi_signature signature_of(uint8_t dtype, uint8_t redop, uint64_t count)
{
    return (struct hwi_signature){HWI_KIND_ALL_REDUCE, dtype, redop, count};
}

static struct hwi_msg_op_start start_of(struct hwi_op op, uint64_t count, uint8_t plan)
{
    return (struct hwi_msg_op_start){
        .op = op, .signature = signature_of(HWS_F32, HWS_SUM, count), .request = 9, .plan = plan};
}

static struct hwi_msg call_of(struct hwi_op op, uint64_t count, uint32_t granted)
{
    struct hwi_msg msg = {.type = HWI_MSG_call};
    msg.u.call.op = op;
    msg.u.call.signature = signature_of(HWS_F32, HWS_SUM, count);
    msg.u.call.granted = granted;
    return msg;
}

static struct hwi_msg grant_of(struct hwi_op op, uint32_t granted)
{
    struct hwi_msg msg = {.type = HWI_MSG_grant};
    msg.u.grant.op = op;
    msg.u.grant.granted = granted;
    msg.u.grant.phase = PHASE_INPUTS;
    return msg;
}

static struct symbolic *in_view(uint32_t members)
{
    struct symbolic *symbolic = symbolic_create(members, 1);
    for (uint32_t who = 0; who < members; who++) {
        symbolic_view(symbolic, who, VIEW, (1u << members) - 1);
    }
    symbolic_run(symbolic);
    return symbolic;
}

static void say(struct symbolic *symbolic, uint32_t from, uint32_t to, struct hwi_msg msg)
{
    symbolic_inject(symbolic, symbolic_peer(from), to, &msg);
    symbolic_drain(symbolic, to);
}

static void test_one_shot_transcript(void **state)
{
    (void)state;
    struct symbolic *symbolic = in_view(2);
    struct hwi_msg_op_start start = start_of(op_of(VIEW, 3, 0), 100, HWI_PLAN_AUTO);
    const char *trace = symbolic_trace(symbolic, 1);
    start.signature.redop = HWS_AVG;
    symbolic_start(symbolic, 1, &start);
    symbolic_drain(symbolic, 1);
    assert_string_equal(
        trace, "> peer: op_start{op=all_reduce/3#0@v7 signature={kind=1 dtype=11 redop=2 "
               "count=100} request=9}\n"
               "data: op_memory{op=all_reduce/3#0@v7 request=9 dtype=11 redop=2 bytes=400 "
               "chunk_bytes=400}\n"
               "data: place{op=all_reduce/3#0@v7 phase=1 from=10 chunks=1 slots=1 granted=1}\n"
               "reducer:10: call{op=all_reduce/3#0@v7 signature={kind=1 dtype=11 redop=2 "
               "count=100} granted=1}\n"
               "data: send{op=all_reduce/3#0@v7 phase=1 to=10 chunks=1 place=3}\n");
    trace = symbolic_trace(symbolic, 1);
    struct hwi_msg call = call_of(start.op, 100, 1);
    call.u.call.signature.redop = HWS_AVG;
    say(symbolic, 0, 1, call);
    symbolic_start(symbolic, 0, &start);
    symbolic_run(symbolic);
    symbolic_end(symbolic, 1, start.op, true);
    symbolic_drain(symbolic, 1);
    assert_string_equal(
        strstr(trace, "> data: chunk"),
        "> data: chunk{op=all_reduce/3#0@v7 phase=1 from=10}\n"
        "data: reduce{op=all_reduce/3#0@v7 operands=[10 0] divisor=2}\n"
        "peer: op_done{op=all_reduce/3#0@v7}\n"
        "> reducer:10: call{op=all_reduce/3#0@v7 signature={kind=1 dtype=11 redop=2 count=100} "
        "granted=1}\n"
        "> peer: op_end{op=all_reduce/3#0@v7 committed=1}\n"
        "data: quiesce{op=all_reduce/3#0@v7}\n"
        "> data: quiesced{op=all_reduce/3#0@v7 bytes_sent=1001 bytes_received=2001}\n"
        "peer: op_ended{op=all_reduce/3#0@v7 bytes_sent=1001 bytes_received=2001 count=100}\n");
    symbolic_destroy(symbolic);
}

// Two owners of one chunk each: inputs go ahead of the calls, results when they are final.
static void test_direct_transcript(void **state)
{
    (void)state;
    struct symbolic *symbolic = in_view(2);
    struct hwi_msg_op_start start = start_of(op_of(VIEW, 0, 0), 32, HWI_PLAN_DIRECT);
    symbolic_start(symbolic, 1, &start);
    symbolic_drain(symbolic, 1);
    const char *trace = symbolic_trace(symbolic, 0);
    symbolic_start(symbolic, 0, &start);
    symbolic_run(symbolic);
    const char *begin =
        "> peer: op_start{op=all_reduce/0#0@v7 signature={kind=1 dtype=11 redop=1 count=32} "
        "request=9 plan=2}\n"
        "data: op_memory{op=all_reduce/0#0@v7 request=9 dtype=11 redop=1 bytes=128 "
        "chunk_bytes=64}\n"
        "data: place{op=all_reduce/0#0@v7 phase=1 from=20 chunks=1 slots=1 granted=1}\n"
        "data: place{op=all_reduce/0#0@v7 phase=2 from=20 first=1 chunks=1 granted=1}\n"
        "reducer:20: call{op=all_reduce/0#0@v7 signature={kind=1 dtype=11 redop=1 count=32} "
        "granted=1}\n"
        "data: send{op=all_reduce/0#0@v7 phase=1 to=20 first=1 chunks=1}\n";
    assert_non_null(strstr(trace, begin));
    assert_non_null(strstr(trace, "> data: chunk{op=all_reduce/0#0@v7 phase=1 from=20}\n"
                                  "data: reduce{op=all_reduce/0#0@v7 operands=[0 20]}\n"
                                  "data: send{op=all_reduce/0#0@v7 phase=2 to=20 chunks=1 "
                                  "place=1}\n"));
    symbolic_expect(symbolic, start.op, 3, 0);
    symbolic_destroy(symbolic);
}

// Done waits for every call: a member's bytes may come before it on another stripe.
static void test_done_waits_for_the_call(void **state)
{
    (void)state;
    uint32_t overtaken = 0;
    for (uint64_t seed = 0; seed < 32; seed++) {
        struct symbolic *symbolic = symbolic_create(2, seed);
        struct hwi_msg_op_start start = start_of(op_of(VIEW, 0, 0), 8, HWI_PLAN_AUTO);
        const char *trace = symbolic_trace(symbolic, 0);
        for (uint32_t who = 0; who < 2; who++) {
            symbolic_view(symbolic, who, VIEW, 3);
            symbolic_start(symbolic, who, &start);
        }
        symbolic_run(symbolic);
        const char *call = strstr(trace, "> reducer:20: call");
        overtaken += call > strstr(trace, "data: reduce");
        assert_true(call < strstr(trace, "peer: op_done"));
        symbolic_expect(symbolic, start.op, 3, 0);
        symbolic_destroy(symbolic);
    }
    assert_in_range(overtaken, 1, 31);
}

// Calls of the present and of a coming view wait for the start; those of the past do not.
static void test_calls_ahead(void **state)
{
    (void)state;
    struct symbolic *symbolic = in_view(3);
    struct hwi_op now = op_of(VIEW, 1, 0), coming = op_of(VIEW + 2, 1, 0);
    struct hwi_msg_op_start start = start_of(now, 100000, HWI_PLAN_DIRECT);
    say(symbolic, 1, 0, call_of(now, 100000, 1));
    say(symbolic, 2, 0, call_of(op_of(VIEW - 1, 1, 0), 5, 1));
    say(symbolic, 2, 0, call_of(coming, 100000, 2));
    const char *trace = symbolic_trace(symbolic, 0);
    symbolic_start(symbolic, 0, &start);
    symbolic_drain(symbolic, 0);
    assert_non_null(strstr(trace, "send{op=all_reduce/1#0@v7 phase=1 to=20 first=4 chunks=1}\n"));
    symbolic_end(symbolic, 0, now, false);
    symbolic_view(symbolic, 0, VIEW + 1, 3); // the call for the one after it still waits
    symbolic_view(symbolic, 0, VIEW + 2, 5);
    start.op = coming;
    trace = symbolic_trace(symbolic, 0);
    symbolic_start(symbolic, 0, &start);
    symbolic_drain(symbolic, 0);
    assert_non_null(strstr(trace, "send{op=all_reduce/1#0@v9 phase=1 to=30 first=4 chunks=2}\n"));
    symbolic_destroy(symbolic);
}

// No more than HWI_OPS_MAX calls wait per sender: the next one is ignored, the others' are not.
static void test_calls_ahead_are_bounded(void **state)
{
    (void)state;
    struct symbolic *symbolic = in_view(3);
    for (uint32_t seq = 0; seq <= HWI_OPS_MAX; seq++) {
        say(symbolic, 1, 0, call_of(op_of(VIEW, 1, seq), 77, 1));
    }
    say(symbolic, 2, 0, call_of(op_of(VIEW, 1, HWI_OPS_MAX), 77, 1));
    for (uint32_t seq = HWI_OPS_MAX - 1; seq <= HWI_OPS_MAX; seq++) {
        struct hwi_msg_op_start start = start_of(op_of(VIEW, 1, seq), 99, HWI_PLAN_AUTO);
        symbolic_start(symbolic, 0, &start);
        symbolic_drain(symbolic, 0);
        const struct symbolic_op *op = symbolic_find(symbolic, 0, start.op);
        assert_int_equal(op->faults, 1);
        assert_int_equal(op->fault.peer_b, seq < HWI_OPS_MAX ? 20 : 30);
    }
    symbolic_destroy(symbolic);
}

// As many strangers as can be remembered make a call in `view`.
static void crowd(struct symbolic *symbolic, uint64_t view)
{
    struct hwi_msg stray = call_of(op_of(view, 2, 0), 9, 1);
    for (uint64_t peer = 1000; peer < 1000 + HWI_MEMBERS_MAX; peer++) {
        symbolic_inject(symbolic, peer, 0, &stray);
    }
}

// The member's call, which differs from ours, is remembered until we make our own.
static void expect_remembered(struct symbolic *symbolic, uint32_t who, uint64_t view)
{
    struct hwi_msg_op_start start = start_of(op_of(view, 1, 0), 8, HWI_PLAN_AUTO);
    say(symbolic, who, 0, call_of(start.op, 9, 1));
    symbolic_start(symbolic, 0, &start);
    symbolic_drain(symbolic, 0);
    assert_int_equal(symbolic_find(symbolic, 0, start.op)->faults, 1);
}

// However many calls come that cannot count, a member's own is still remembered.
static void test_nobody_is_crowded_out(void **state)
{
    (void)state;
    struct symbolic *symbolic = in_view(4);
    struct hwi_msg other_kind = call_of(op_of(VIEW, 1, 0), 9, 1);
    other_kind.u.call.op.kind = HWI_KIND_AGREE;
    for (uint32_t seq = 0; seq < HWI_OPS_MAX; seq++) {
        other_kind.u.call.op.seq = seq;
        say(symbolic, 1, 0, other_kind);
    }
    expect_remembered(symbolic, 1, VIEW);
    symbolic_end(symbolic, 0, op_of(VIEW, 1, 0), false);
    for (uint64_t view = VIEW; view <= VIEW + 2; view++) {
        if (view == VIEW) {
            symbolic_view(symbolic, 0, VIEW + 1, 15);
        }
        crowd(symbolic, view); // older than the view, of it, newer
        if (view == VIEW + 1) {
            expect_remembered(symbolic, 2, VIEW + 1);
        }
    }
    symbolic_end(symbolic, 0, op_of(VIEW + 1, 1, 0), false);
    symbolic_view(symbolic, 0, VIEW + 3, 15);
    expect_remembered(symbolic, 3, VIEW + 3);
    symbolic_destroy(symbolic);
}

static void check_fault(struct symbolic *symbolic, uint32_t who, struct hwi_op op)
{
    const struct symbolic_op *known = symbolic_find(symbolic, who, op);
    assert_int_equal(known->faults, 1);
    assert_int_equal(known->done, 0);
    assert_int_equal(known->fault.status, HWS_E_MISMATCH);
    assert_int_equal(known->fault.kind, HWI_KIND_ALL_REDUCE);
    assert_int_equal(known->fault.tag, op.tag);
    assert_int_equal(known->fault.peer_a, 10);
    assert_int_equal(known->fault.peer_b, 20);
    assert_int_equal(known->fault.signature_a.count, 100);
    assert_int_equal(known->fault.signature_b.count, 120);
}

// Both sides name both, the smaller id first, in whatever order they called.
static void test_mismatch_on_both_sides(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 40; seed++) {
        struct symbolic *symbolic = symbolic_create(2, seed);
        struct hwi_op op = op_of(VIEW, 7, 0);
        struct hwi_msg_op_start starts[2] = {start_of(op, 100, 0), start_of(op, 120, 0)};
        for (uint32_t who = 0; who < 2; who++) {
            symbolic_view(symbolic, who, VIEW, 3);
        }
        symbolic_start(symbolic, seed & 1, &starts[seed & 1]);
        for (uint32_t steps = seed / 2; steps > 0; steps--) {
            symbolic_step(symbolic);
        }
        symbolic_start(symbolic, !(seed & 1), &starts[!(seed & 1)]);
        symbolic_run(symbolic);
        for (uint32_t who = 0; who < 2; who++) {
            check_fault(symbolic, who, op);
            symbolic_end(symbolic, who, op, false);
        }
        symbolic_run(symbolic);
        assert_int_equal(symbolic_find(symbolic, 0, op)->restore, 1);
        assert_int_equal(symbolic_find(symbolic, 1, op)->ended, 1);
        symbolic_destroy(symbolic);
    }
}

static void test_every_field_of_the_signature_counts(void **state)
{
    (void)state;
    const struct hwi_signature others[] = {
        {HWI_KIND_ALL_REDUCE, HWS_F32, HWS_SUM, 101},
        {HWI_KIND_ALL_REDUCE, HWS_F32, HWS_AVG, 100},
        {HWI_KIND_ALL_REDUCE, HWS_F64, HWS_SUM, 100},
        {HWI_KIND_SYNC, HWS_F32, HWS_SUM, 100},
    };
    struct symbolic *symbolic = in_view(2);
    for (uint32_t i = 0; i < HWI_COUNT(others); i++) {
        struct hwi_msg_op_start start = start_of(op_of(VIEW, 1, i), 100, HWI_PLAN_AUTO);
        symbolic_start(symbolic, 0, &start);
        symbolic_drain(symbolic, 0);
        struct hwi_msg call = call_of(start.op, 100, 1);
        call.u.call.signature = others[i];
        say(symbolic, 1, 0, call);
        say(symbolic, 1, 0, call);
        assert_int_equal(symbolic_find(symbolic, 0, start.op)->faults, 1);
    }
    symbolic_destroy(symbolic);
}

// The eager room of an edge is counted over all operations, and given back by the call.
static void test_eager_room(void **state)
{
    (void)state;
    struct symbolic *symbolic = in_view(2);
    const char *trace = symbolic_trace(symbolic, 0);
    for (uint32_t seq = 0; seq < 6; seq++) {
        struct hwi_msg_op_start start = start_of(op_of(VIEW, 1, seq), 16384, HWI_PLAN_AUTO);
        symbolic_start(symbolic, 0, &start);
        symbolic_drain(symbolic, 0);
    }
    assert_non_null(strstr(trace, "send{op=all_reduce/1#3@v7 "));
    assert_null(strstr(trace, "send{op=all_reduce/1#4@v7 "));
    trace = symbolic_trace(symbolic, 0);
    say(symbolic, 1, 0, call_of(op_of(VIEW, 1, 4), 16384, 1));
    assert_non_null(strstr(trace, "send{op=all_reduce/1#4@v7 "));
    say(symbolic, 1, 0, call_of(op_of(VIEW, 1, 0), 16384, 1));
    struct hwi_msg_op_start start = start_of(op_of(VIEW, 2, 0), 16384, HWI_PLAN_AUTO);
    symbolic_start(symbolic, 0, &start);
    symbolic_drain(symbolic, 0);
    assert_non_null(strstr(trace, "send{op=all_reduce/2#0@v7 "));
    symbolic_destroy(symbolic);
}

static void test_eager_room_is_of_a_view(void **state)
{
    (void)state;
    struct symbolic *symbolic = in_view(2);
    const char *trace = symbolic_trace(symbolic, 0);
    for (uint64_t view = VIEW; view < VIEW + 2; view++) {
        struct hwi_msg_op_start start = start_of(op_of(view, 1, 0), 1000000, HWI_PLAN_AUTO);
        symbolic_start(symbolic, 0, &start);
        symbolic_end(symbolic, 0, start.op, false);
        symbolic_view(symbolic, 0, view + 1, 3);
    }
    symbolic_drain(symbolic, 0);
    assert_non_null(strstr(trace, "send{op=all_reduce/1#0@v8 phase=1 to=20 first=8 chunks=1}"));
    symbolic_destroy(symbolic);
}

// Nothing a member says makes us send outside of its share, twice, or before its call.
static void test_hostile_values(void **state)
{
    (void)state;
    struct symbolic *symbolic = in_view(3);
    struct hwi_op op = op_of(VIEW, 1, 0);
    struct hwi_msg_op_start start = start_of(op, 3000000, HWI_PLAN_DIRECT);
    symbolic_start(symbolic, 0, &start);
    symbolic_drain(symbolic, 0);
    const char *trace = symbolic_trace(symbolic, 0);
    say(symbolic, 1, 0, grant_of(op, UINT32_MAX)); // before its call
    say(symbolic, 0, 0, call_of(op, 3000000, 1));  // in our own name
    symbolic_inject(symbolic, 999, 0, &(struct hwi_msg){.type = HWI_MSG_heartbeat});
    struct hwi_msg call = call_of(op, 3000000, 1), stray = call_of(op_of(VIEW, 4, 4), 5, 1);
    stray.u.call.op.kind = HWI_KIND_AGREE;
    symbolic_inject(symbolic, 999, 0, &call);            // of a stranger
    say(symbolic, 2, 0, stray);                          // of another kind
    say(symbolic, 2, 0, grant_of(op_of(VIEW, 9, 9), 3)); // of no operation
    struct hwi_msg none = grant_of(op, 3), beyond = none;
    none.u.grant.phase = 0;
    beyond.u.grant.phase = HWI_PHASES_MAX;
    say(symbolic, 2, 0, none); // of no phase
    say(symbolic, 2, 0, beyond);
    assert_null(strstr(trace, "data: "));
    say(symbolic, 2, 0, call_of(op, 3000000, UINT32_MAX));
    assert_non_null(strstr(trace, "send{op=all_reduce/1#0@v7 phase=1 to=30 first=32 chunks=14}\n"));
    trace = symbolic_trace(symbolic, 0);
    say(symbolic, 2, 0, grant_of(op, 1));         // shrinking
    say(symbolic, 2, 0, call_of(op, 3000000, 5)); // again
    say(symbolic, 2, 0, grant_of(op, UINT32_MAX));
    assert_null(strstr(trace, "data: "));
    symbolic_destroy(symbolic);
}

// A grant that passes its call on another stripe counts with the call; a call said twice counts
// once.
static void test_grant_before_call_and_call_twice(void **state)
{
    (void)state;
    struct symbolic *symbolic = in_view(3);
    struct hwi_msg_op_start start = start_of(op_of(VIEW, 1, 0), 3000000, HWI_PLAN_DIRECT);
    const char *trace = symbolic_trace(symbolic, 0);
    symbolic_start(symbolic, 0, &start);
    symbolic_drain(symbolic, 0);
    say(symbolic, 2, 0, grant_of(start.op, 9));
    say(symbolic, 2, 0, call_of(start.op, 3000000, 4));
    say(symbolic, 2, 0, call_of(start.op, 3000000, 4));
    assert_non_null(strstr(trace, "send{op=all_reduce/1#0@v7 phase=1 to=30 first=32 chunks=8}\n"));
    symbolic_destroy(symbolic);

    symbolic = in_view(3);
    start = start_of(op_of(VIEW, 1, 0), 30, HWI_PLAN_DIRECT);
    symbolic_start(symbolic, 0, &start);
    say(symbolic, 1, 0, call_of(start.op, 30, 1));
    for (uint32_t who = 1; who < 3; who++) {
        symbolic_start(symbolic, who, &start);
    }
    symbolic_run(symbolic);
    symbolic_expect(symbolic, start.op, 7, 0);
    symbolic_destroy(symbolic);
}

// In a large view the scratch has one slot per sender, and no more goes ahead than that.
static void test_window_of_a_large_view(void **state)
{
    (void)state;
    enum { WORLD = 1000 };
    struct hwi_id members[WORLD];
    struct hwi_effects effects;
    void *reducer = hwi_reducer_ops.create(&hwi_alloc_libc);
    hwi_effects_init(&effects, &hwi_alloc_libc);
    for (uint32_t i = 0; i < WORLD; i++) {
        members[i].value = i + 1;
    }
    struct hwi_msg msg = {.type = HWI_MSG_lane_view};
    msg.u.lane_view = (struct hwi_msg_lane_view){VIEW, 500, members, WORLD};
    struct hwi_event event = {.from = hwi_addr_of(HWI_ROLE_PEER, 0), .msg = &msg};
    hwi_reducer_ops.step(reducer, &event, &effects);
    hwi_effects_reset(&effects);
    msg.type = HWI_MSG_op_start;
    msg.u.op_start = start_of(op_of(VIEW, 1, 0), UINT64_C(30000000), HWI_PLAN_AUTO);
    hwi_reducer_ops.step(reducer, &event, &effects);
    uint32_t rows = 0, sends = 0;
    for (uint32_t i = 0; i < effects.count; i++) {
        const struct hwi_msg *said = &effects.items[i].msg;
        if (said->type == HWI_MSG_place && said->u.place.phase == PHASE_INPUTS) {
            assert_true(said->u.place.chunks > 1);
            assert_int_equal(said->u.place.slots, 1);
            rows++;
        } else if (said->type == HWI_MSG_send) {
            assert_int_equal(said->u.send.chunks, 1);
            assert_int_equal(said->u.send.to, (500 + sends++) % WORLD + 1);
        }
    }
    assert_int_equal(rows, WORLD - 1);
    assert_int_equal(sends, WORLD - 1);
    hwi_effects_fini(&effects);
    hwi_reducer_ops.destroy(reducer);
}

static void test_end_of_an_operation_that_never_began(void **state)
{
    (void)state;
    struct symbolic *symbolic = in_view(2);
    struct hwi_op op = op_of(VIEW, 1, 0);
    symbolic_end(symbolic, 0, op, false);
    symbolic_drain(symbolic, 0);
    const struct symbolic_op *known = symbolic_find(symbolic, 0, op);
    assert_int_equal(known->ended, 1);
    assert_false(known->quiesced);
    assert_int_equal(known->end.bytes_sent + known->end.bytes_received, 0);
    symbolic_destroy(symbolic);
}

// A chunk that was under way when its operation ended, and the new view before quiesced.
static void test_late_events_of_an_ended_operation(void **state)
{
    (void)state;
    uint32_t late = 0;
    for (uint64_t seed = 0; seed < 32; seed++) {
        struct symbolic *symbolic = symbolic_create(2, seed);
        struct hwi_msg_op_start start = start_of(op_of(VIEW, 1, 0), 10, HWI_PLAN_AUTO);
        const char *trace = symbolic_trace(symbolic, 0);
        for (uint32_t who = 0; who < 2; who++) {
            symbolic_view(symbolic, who, VIEW, 3);
            symbolic_start(symbolic, who, &start);
            symbolic_drain(symbolic, who);
        }
        symbolic_end(symbolic, 0, start.op, false);
        symbolic_view(symbolic, 0, VIEW + 1, 3);
        symbolic_run(symbolic);
        late += strstr(trace, "data: quiesce") < strstr(trace, "> data: chunk");
        const struct symbolic_op *op = symbolic_find(symbolic, 0, start.op);
        assert_int_equal(op->ended, 1);
        assert_int_equal(op->done, 0);
        assert_int_equal(op->output[0].count, 0);
        symbolic_destroy(symbolic);
    }
    assert_true(late > 0);
}

// After a failed check the memory is released and the end of every operation is reported, once.
static void test_failure_tells_everyone(void **state)
{
    (void)state;
    struct symbolic *symbolic = in_view(2);
    struct hwi_op ops[3] = {op_of(VIEW, 1, 0), op_of(VIEW, 2, 0), op_of(VIEW, 3, 0)};
    for (uint32_t i = 0; i < 3; i++) {
        struct hwi_msg_op_start start = start_of(ops[i], 10, HWI_PLAN_AUTO);
        symbolic_start(symbolic, 0, &start);
    }
    symbolic_drain(symbolic, 0);
    say(symbolic, 1, 0, call_of(ops[1], 11, 1));
    const char *trace = symbolic_trace(symbolic, 0);
    symbolic_fail(symbolic, 0);
    assert_string_equal(trace, "peer: op_fault{fault={status=-22}}\n"
                               "data: quiesce{op=all_reduce/1#0@v7 restore=1}\n"
                               "peer: op_fault{op=all_reduce/1#0@v7 "
                               "fault={status=-22 kind=1 tag=1}}\n"
                               "peer: op_ended{op=all_reduce/1#0@v7}\n"
                               "data: quiesce{op=all_reduce/2#0@v7 restore=1}\n"
                               "peer: op_ended{op=all_reduce/2#0@v7}\n"
                               "data: quiesce{op=all_reduce/3#0@v7 restore=1}\n"
                               "peer: op_fault{op=all_reduce/3#0@v7 "
                               "fault={status=-22 kind=1 tag=3}}\n"
                               "peer: op_ended{op=all_reduce/3#0@v7}\n");
    symbolic_destroy(symbolic);
}

struct heard {
    uint32_t checks, quiesced, faults, ended;
};

static void count_effect(void *world, const struct hwi_envelope *envelope)
{
    struct heard *heard = world;
    heard->quiesced += envelope->msg.type == HWI_MSG_quiesce;
    heard->faults += envelope->msg.type == HWI_MSG_op_fault;
    heard->ended += envelope->msg.type == HWI_MSG_op_ended;
}

static void count_check(void *world, const struct hwi_actor_ops *actor, const struct hwi_trap *trap)
{
    struct heard *heard = world;
    (void)actor;
    (void)trap;
    heard->checks++;
}

// A message that our own data port cannot send is a failed check, which the drain survives.
static void test_impossible_chunk_is_our_failure(void **state)
{
    (void)state;
    static const struct hwi_world_ops ops = {.carry = count_effect, .check_failed = count_check};
    const struct hwi_addr reducer = hwi_addr_of(HWI_ROLE_REDUCER, 0);
    struct hwi_id members[2] = {{10}, {20}};
    struct heard heard = {0};
    struct hwi_drain *drain = hwi_drain_create(&hwi_alloc_libc, &ops, &heard);
    hwi_drain_add(drain, &hwi_reducer_ops);
    struct hwi_msg view = {.type = HWI_MSG_lane_view};
    view.u.lane_view = (struct hwi_msg_lane_view){VIEW, 10, members, 2};
    struct hwi_msg start = {.type = HWI_MSG_op_start};
    start.u.op_start = start_of(op_of(VIEW, 1, 0), 10, HWI_PLAN_AUTO);
    struct hwi_msg chunk = {.type = HWI_MSG_chunk};
    chunk.u.chunk = (struct hwi_msg_chunk){
        .op = start.u.op_start.op, .phase = PHASE_INPUTS, .from = 20, .chunk = 1};
    hwi_drain_post(drain, hwi_addr_of(HWI_ROLE_PEER, 0), reducer, &view);
    hwi_drain_post(drain, hwi_addr_of(HWI_ROLE_PEER, 0), reducer, &start);
    hwi_drain_post(drain, hwi_addr_of(HWI_ROLE_DATA, 0), reducer, &chunk);
    drain_all(drain, 1);
    assert_int_equal(heard.checks, 1);
    assert_int_equal(heard.quiesced, 1);
    assert_int_equal(heard.faults, 2); // the lane's and the operation's
    assert_int_equal(heard.ended, 1);
    hwi_drain_destroy(drain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_shot_transcript),
        cmocka_unit_test(test_direct_transcript),
        cmocka_unit_test(test_done_waits_for_the_call),
        cmocka_unit_test(test_calls_ahead),
        cmocka_unit_test(test_calls_ahead_are_bounded),
        cmocka_unit_test(test_nobody_is_crowded_out),
        cmocka_unit_test(test_mismatch_on_both_sides),
        cmocka_unit_test(test_every_field_of_the_signature_counts),
        cmocka_unit_test(test_eager_room),
        cmocka_unit_test(test_eager_room_is_of_a_view),
        cmocka_unit_test(test_hostile_values),
        cmocka_unit_test(test_grant_before_call_and_call_twice),
        cmocka_unit_test(test_window_of_a_large_view),
        cmocka_unit_test(test_end_of_an_operation_that_never_began),
        cmocka_unit_test(test_late_events_of_an_ended_operation),
        cmocka_unit_test(test_failure_tells_everyone),
        cmocka_unit_test(test_impossible_chunk_is_our_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
