// SPDX-License-Identifier: MIT
// Reduce-scatter, all-gather and broadcast: bits of every size, plan, alignment and number of
// members, in place and out of place; large ones; calls that do not match; too little room; lost
// roots.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "actors/base/dtype.h"
#include "tests/support/scenario.h"

static const uint32_t worlds[] = {1, 2, 3, 5};

// ---- bits ---------------------------------------------------------------------------------------

static void every_size_of(struct call call)
{
    for (uint32_t w = 0; w < HWI_COUNT(worlds); w++) {
        struct scenario *s = scenario_start(worlds[w]);
        for (uint32_t count = 1; count <= 257; count++) {
            call.count = count;
            call.root = count % worlds[w];
            for (uint8_t plan = HWI_PLAN_ONE_SHOT; plan < HWI_PLAN_COUNT; plan++) {
                call.step++;
                call.plan = plan;
                call.misalign = (uint8_t)(call.step % 7);
                call.in_place = !call.unequal && call.step % 3 == 0;
                everybody(s, &call);
            }
        }
        scenario_end(s);
    }
}

static void every_size_is_reduced_and_scattered(void **unused)
{
    (void)unused;
    every_size_of((struct call){.kind = HWI_KIND_REDUCE_SCATTER});
}

static void every_size_is_gathered(void **unused)
{
    (void)unused;
    every_size_of((struct call){.kind = HWI_KIND_ALL_GATHER});
}

static void every_size_is_gathered_from_counts_that_differ(void **unused)
{
    (void)unused;
    every_size_of((struct call){.kind = HWI_KIND_ALL_GATHER, .unequal = 1});
}

static void every_size_is_broadcast(void **unused)
{
    (void)unused;
    every_size_of((struct call){.kind = HWI_KIND_BROADCAST});
}

static void every_type_moves(void **unused)
{
    (void)unused;
    static const uint8_t kinds[] = {HWI_KIND_REDUCE_SCATTER, HWI_KIND_ALL_GATHER,
                                    HWI_KIND_BROADCAST};
    struct scenario *s = scenario_start(3);
    struct call call = {.count = 1000, .root = 1};
    for (uint32_t k = 0; k < HWI_COUNT(kinds); k++) {
        for (uint8_t dtype = 1; dtype <= hwi_dtype_last(); dtype++) {
            for (uint8_t redop = HWS_SUM; redop <= HWS_MIN; redop++) {
                call.step++;
                call.kind = kinds[k];
                call.dtype = dtype;
                call.redop = kinds[k] == HWI_KIND_REDUCE_SCATTER ? redop : 0;
                call.in_place = call.step % 2 != 0;
                everybody(s, &call);
            }
        }
    }
    scenario_end(s);
}

// More than an owner's window, and than what may come ahead.
static void large_ones_move_in_windows(void **unused)
{
    (void)unused;
    static const uint8_t kinds[] = {HWI_KIND_REDUCE_SCATTER, HWI_KIND_ALL_GATHER,
                                    HWI_KIND_BROADCAST};
    struct scenario *s = scenario_start(3);
    for (uint32_t i = 0; i < 2 * HWI_COUNT(kinds); i++) {
        everybody(s, &(struct call){.step = i,
                                    .kind = kinds[i / 2],
                                    .count = 5000001,
                                    .root = 2,
                                    .in_place = i % 2,
                                    .misalign = 1});
    }
    everybody(
        s, &(struct call){.step = 9, .kind = HWI_KIND_ALL_GATHER, .count = 300001, .unequal = 1});
    scenario_end(s);
}

// A part may be of no elements, and so may all of them together.
static void parts_may_be_empty(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(5);
    everybody(s, &(struct call){.step = 1, .kind = HWI_KIND_REDUCE_SCATTER, .count = 3});
    everybody(s, &(struct call){.step = 2, .kind = HWI_KIND_ALL_GATHER, .count = 0, .unequal = 1});
    scenario_end(s);
    s = scenario_start(1);
    everybody(s, &(struct call){
                     .step = 2, .kind = HWI_KIND_ALL_GATHER, .count = 0, .unequal = 1, .room = 1});
    scenario_end(s);
}

// A member may be late: the parts that reach the others meanwhile are passed to it when it calls.
static void a_late_member_gets_all_of_a_broadcast(void **unused)
{
    (void)unused;
    struct call call = {.step = 1, .kind = HWI_KIND_BROADCAST, .count = 2000000, .root = 1};
    for (uint32_t late = 0; late < 4; late++) {
        struct scenario *s = scenario_start(4);
        for (uint32_t node = 0; node < 4; node++) {
            if (node != late) {
                make_call(s, node, &call);
            }
        }
        run_ms(s, 500);
        make_call(s, late, &call);
        for (uint32_t i = 0; i < 4; i++) {
            expect_status(s, s->calls[i].node, s->calls[i].request, HWS_OK);
        }
        scenario_end(s);
    }
}

// ---- many at once -------------------------------------------------------------------------------

static struct call mixed(uint32_t i)
{
    static const uint8_t kinds[] = {HWI_KIND_ALL_REDUCE, HWI_KIND_REDUCE_SCATTER,
                                    HWI_KIND_ALL_GATHER, HWI_KIND_BROADCAST};
    return (struct call){.step = i,
                         .tag = i + 1,
                         .kind = kinds[i % 4],
                         .root = i % 3,
                         .count = 1 + i * i * 61,
                         .in_place = i / 4 % 2,
                         .timeout_ms = 60000};
}

static void sixty_four_start_in_any_order(void **unused)
{
    (void)unused;
    enum { OPS = 64 };
    struct hwi_sim_config config = scenario_config;
    config.edge_bytes_per_s = 100 << 20;
    struct scenario *s = scenario_start_with(&config, 3);
    for (uint32_t i = 0; i < OPS; i++) {
        uint32_t orders[] = {i, OPS - 1 - i, i * 37 % OPS};
        for (uint32_t node = 0; node < 3; node++) {
            struct call call = mixed(orders[node]);
            make_call(s, node, &call);
        }
    }
    for (uint32_t i = 0; i < s->call_count; i++) {
        expect_status(s, s->calls[i].node, s->calls[i].request, HWS_OK);
    }
    scenario_end(s);
}

// Two large ones share an edge: the second does not wait for the first one's end.
static void a_late_one_has_its_share_of_the_stripes(void **unused)
{
    (void)unused;
    struct hwi_sim_config config = scenario_config;
    config.edge_bytes_per_s = 100 << 20;
    struct scenario *s = scenario_start_with(&config, 2);
    for (uint32_t node = 0; node < 2; node++) {
        make_call(s, node, &(struct call){.step = 1, .tag = 1, .count = 8 << 20});
    }
    run_ms(s, 50);
    uint64_t late[2];
    for (uint32_t node = 0; node < 2; node++) {
        late[node] = make_call(s, node, &(struct call){.step = 2, .tag = 2, .count = 256 << 10});
    }
    run_ms(s, 80); // alone it takes about 20 ms
    for (uint32_t node = 0; node < 2; node++) {
        expect(hwi_sim_reply(s->sim, node, late[node]) != NULL, "member %u waits", node);
        expect(hwi_sim_peek(s->sim, node, 1) == NULL, "the first one is over already");
    }
    scenario_end(s);
}

// One tag: in the order of the calls, whatever they are.
static void one_tag_keeps_its_order(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(3);
    for (uint32_t i = 0; i < 24; i++) {
        for (uint32_t node = 0; node < 3; node++) {
            struct call call = mixed(i);
            call.tag = 7;
            make_call(s, node, &call);
        }
    }
    for (uint32_t i = 0; i < s->call_count; i++) {
        expect_status(s, s->calls[i].node, s->calls[i].request, HWS_OK);
    }
    scenario_end(s);
}

// ---- calls that do not match --------------------------------------------------------------------

static bool same_signature(const struct hwi_signature *got, const struct hwi_signature *wanted)
{
    return got->kind == wanted->kind && got->dtype == wanted->dtype &&
           got->redop == wanted->redop && got->count == wanted->count &&
           got->plan == wanted->plan && got->root == wanted->root &&
           got->unequal == wanted->unequal;
}

static struct hwi_signature signature_of(const struct scenario *s, const struct made_call *made)
{
    return (struct hwi_signature){
        .kind = made->call.kind,
        .dtype = made->call.dtype,
        .redop = made->call.redop,
        .count = made->call.count,
        .plan = made->call.plan,
        .unequal = made->call.unequal,
        .root = made->call.kind == HWI_KIND_BROADCAST ? s->peers[made->call.root] : 0};
}

// Members 0 and 2 call one thing, member 1 another: all of them learn of both, and the run
// continues.
static void expect_mismatch(struct call most, struct call odd)
{
    for (uint32_t first = 0; first < 3; first++) {
        struct scenario *s = scenario_start(3);
        most.tag = odd.tag = 7;
        most.in_place = odd.in_place = (uint8_t)(first == 1);
        for (uint32_t i = 0; i < 3; i++) {
            uint32_t node = (first + i) % 3;
            make_call(s, node, node == 1 ? &odd : &most);
            run_ms(s, first == 2 ? 100 : 0);
        }
        for (uint32_t i = 0; i < 3; i++) {
            const struct hwi_msg_reply *reply =
                expect_status(s, s->calls[i].node, s->calls[i].request, HWS_E_MISMATCH);
            const struct hwi_fault *fault = &reply->fault;
            bool one = fault->peer_a == s->peers[1] || fault->peer_b == s->peers[1];
            expect(one && fault->tag == 7, "the odd one is not named");
            for (uint32_t j = 0; j < 3; j++) {
                struct hwi_signature made = signature_of(s, &s->calls[j]);
                uint64_t peer = s->peers[s->calls[j].node];
                expect(fault->peer_a != peer || same_signature(&fault->signature_a, &made),
                       "not what the first called");
                expect(fault->peer_b != peer || same_signature(&fault->signature_b, &made),
                       "not what the second called");
            }
        }
        everybody_acknowledges(s);
        everybody(s, &(struct call){.step = 9, .tag = 7, .count = 1000});
        scenario_end(s);
    }
}

static void different_calls_are_found_on_all_members(void **unused)
{
    (void)unused;
    struct call reduce = {.kind = HWI_KIND_ALL_REDUCE, .count = 1000};
    struct call scatter = {.kind = HWI_KIND_REDUCE_SCATTER, .count = 1000};
    struct call gather = {.kind = HWI_KIND_ALL_GATHER, .count = 1000, .room = 4000};
    struct call broadcast = {.kind = HWI_KIND_BROADCAST, .count = 1000, .root = 1};
    expect_mismatch(reduce, scatter);
    expect_mismatch(broadcast, reduce);
    expect_mismatch(scatter, gather);
    expect_mismatch(gather, broadcast);
    broadcast.count = gather.count = 400000;
    gather.room = 1200000;
    expect_mismatch(broadcast, gather);
}

static void different_arguments_are_found_on_all_members(void **unused)
{
    (void)unused;
    struct call one = {.kind = HWI_KIND_BROADCAST, .count = 1000, .root = 1};
    struct call other = one;
    other.root = 0;
    expect_mismatch(one, other);
    other = one;
    other.count = 1001;
    expect_mismatch(one, other);
    other = one;
    other.dtype = HWS_U32;
    expect_mismatch(one, other);
    other = one;
    other.plan = HWI_PLAN_DIRECT;
    expect_mismatch(one, other);
    one = (struct call){.kind = HWI_KIND_REDUCE_SCATTER, .count = 1000, .redop = HWS_MAX};
    other = one;
    other.redop = HWS_MIN;
    expect_mismatch(one, other);
    one = (struct call){.kind = HWI_KIND_ALL_GATHER, .count = 1000, .room = 9000};
    other = one;
    other.count = 999;
    expect_mismatch(one, other);
}

static void counts_that_may_differ_are_part_of_the_call(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(2);
    uint64_t requests[] = {
        make_call(s, 0, &(struct call){.kind = HWI_KIND_ALL_GATHER, .count = 7, .room = 100}),
        make_call(
            s, 1,
            &(struct call){.kind = HWI_KIND_ALL_GATHER, .count = 6, .room = 100, .unequal = 1}),
    };
    for (uint32_t node = 0; node < 2; node++) {
        const struct hwi_msg_reply *reply = expect_status(s, node, requests[node], HWS_E_MISMATCH);
        assert_int_equal(reply->fault.signature_a.unequal, 0);
        assert_int_equal(reply->fault.signature_b.unequal, 1);
    }
    scenario_end(s);
}

// ---- too little room ----------------------------------------------------------------------------

static void expect_too_little_room(struct call call, uint64_t room, uint64_t needed)
{
    struct scenario *s = scenario_start(3);
    for (uint32_t node = 0; node < 3; node++) {
        struct call made = call;
        made.room = node == 2 ? room : 0;
        make_call(s, node, &made);
        run_ms(s, 20);
    }
    for (uint32_t node = 0; node < 3; node++) {
        const struct hwi_msg_reply *reply =
            expect_status(s, node, s->calls[node].request, HWS_E_INVALID);
        assert_int_equal(reply->fault.peer_a, s->peers[2]);
        assert_int_equal(reply->fault.signature_a.count, room);
        assert_int_equal(reply->fault.signature_b.count, needed);
    }
    everybody_acknowledges(s);
    everybody_all_reduces(s, 2, 1000);
    scenario_end(s);
}

static void too_little_room_fails_for_all_and_the_run_continues(void **unused)
{
    (void)unused;
    expect_too_little_room((struct call){.step = 1, .kind = HWI_KIND_ALL_GATHER, .count = 1000},
                           2999, 3000);
    expect_too_little_room((struct call){.step = 1, .kind = HWI_KIND_REDUCE_SCATTER, .count = 1000},
                           333, 334);
    // Counts of 0, 11 and 22.
    expect_too_little_room(
        (struct call){.step = 1, .kind = HWI_KIND_ALL_GATHER, .count = 10, .unequal = 1}, 32, 33);
}

// ---- roots that are lost ------------------------------------------------------------------------

static void a_root_that_dies_fails_also_with_retry(void **unused)
{
    (void)unused;
    for (uint8_t retry = 0; retry < 2; retry++) {
        struct scenario *s = scenario_start(3);
        struct call call = {.step = 1,
                            .kind = HWI_KIND_BROADCAST,
                            .count = 1000000,
                            .root = 1,
                            .retry = retry,
                            .in_place = retry};
        hwi_sim_kill_on(s->sim, 1, HWI_MSG_call, 2);
        for (uint32_t node = 0; node < 3; node++) {
            make_call(s, node, &call);
        }
        for (uint32_t node = 0; node < 3; node += 2) {
            expect_status(s, node, s->calls[node].request, HWS_E_MEMBER_LOST);
        }
        everybody_acknowledges(s);
        call = (struct call){.step = 2, .kind = HWI_KIND_BROADCAST, .count = 10, .retry = retry};
        call.root = 2;
        everybody(s, &call);
        call.root = 1; // is gone
        uint64_t requests[3];
        for (uint32_t node = 0; node < 3; node += 2) {
            requests[node] = make_call(s, node, &call);
        }
        for (uint32_t node = 0; node < 3; node += 2) {
            expect_status(s, node, requests[node], HWS_E_MEMBER_LOST);
        }
        everybody_acknowledges(s);
        everybody_all_reduces(s, 3, 1000);
        scenario_end(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_is_reduced_and_scattered),
        cmocka_unit_test(every_size_is_gathered),
        cmocka_unit_test(every_size_is_gathered_from_counts_that_differ),
        cmocka_unit_test(every_size_is_broadcast),
        cmocka_unit_test(every_type_moves),
        cmocka_unit_test(large_ones_move_in_windows),
        cmocka_unit_test(parts_may_be_empty),
        cmocka_unit_test(a_late_member_gets_all_of_a_broadcast),
        cmocka_unit_test(sixty_four_start_in_any_order),
        cmocka_unit_test(a_late_one_has_its_share_of_the_stripes),
        cmocka_unit_test(one_tag_keeps_its_order),
        cmocka_unit_test(different_calls_are_found_on_all_members),
        cmocka_unit_test(different_arguments_are_found_on_all_members),
        cmocka_unit_test(counts_that_may_differ_are_part_of_the_call),
        cmocka_unit_test(too_little_room_fails_for_all_and_the_run_continues),
        cmocka_unit_test(a_root_that_dies_fails_also_with_retry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
