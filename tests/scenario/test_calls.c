// SPDX-License-Identifier: MIT
// Which calls members may make, and when: the fence, mismatches, deadlines, agreement, too few
// members.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/scenario.h"

static void a_late_call_never_pairs_with_another_members_second_try(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(3);
    uint64_t first = all_reduce(s, 0, 1, 100);
    hwi_sim_kill(s->sim, 2);
    run_ms(s, 6000);
    assert_int_equal(hwi_sim_reply(s->sim, 0, first)->status, HWS_E_MEMBER_LOST);
    // Member 0 acknowledges and continues; member 1 comes late with what belongs to the old view.
    acknowledge(s, 0);
    uint64_t second = all_reduce(s, 0, 2, 100);
    run_ms(s, 100);
    expect_status(s, 1, all_reduce(s, 1, 1, 100), HWS_E_VIEW);
    run_ms(s, 100);
    assert_null(hwi_sim_peek(s->sim, 0, second));
    acknowledge(s, 1);
    expect_status(s, 1, all_reduce(s, 1, 2, 100), HWS_OK);
    expect_status(s, 0, second, HWS_OK);
    scenario_end(s);
}

static void the_view_is_acknowledged_only_after_all_failed_calls_were_waited_for(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(3);
    uint64_t calls[2] = {make_call(s, 0, &(struct call){.step = 1, .tag = 1, .count = 10}),
                         make_call(s, 0, &(struct call){.step = 1, .tag = 2, .count = 10})};
    hwi_sim_kill(s->sim, 2);
    run_ms(s, 6000);
    expect_status(s, 0, calls[0], HWS_E_MEMBER_LOST);
    expect_status(s, 0, trainer_view(s->sim, 0), HWS_E_BUSY);
    expect_status(s, 0, calls[1], HWS_E_MEMBER_LOST);
    expect_members(s, acknowledge(s, 0), 2, (uint32_t[]){0, 1});
    acknowledge(s, 1);
    everybody_all_reduces(s, 2, 10);
    scenario_end(s);
}

// A call with `retry` acknowledges for itself, but not for an earlier one that failed without.
static void retry_does_not_lift_the_fence_of_another_call(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(3);
    uint64_t plain = all_reduce(s, 0, 1, 100);
    hwi_sim_kill(s->sim, 2);
    expect_status(s, 0, plain, HWS_E_MEMBER_LOST);
    struct call call = {.step = 2, .count = 100, .retry = 1};
    expect_status(s, 0, make_call(s, 0, &call), HWS_E_VIEW);
    uint64_t theirs = make_call(s, 1, &call);
    run_ms(s, 100);
    assert_null(hwi_sim_peek(s->sim, 1, theirs));
    acknowledge(s, 0);
    uint64_t ours = make_call(s, 0, &call);
    expect_members(s, expect_status(s, 0, ours, HWS_OK), 2, (uint32_t[]){0, 1});
    expect_status(s, 1, theirs, HWS_OK);
    scenario_end(s);
}

static void expect_mismatch(const struct call *one, const struct call *two)
{
    struct scenario *s = scenario_start(3);
    uint64_t requests[3];
    for (uint32_t node = 0; node < 3; node++) {
        requests[node] = make_call(s, node, node == 2 ? two : one);
    }
    for (uint32_t node = 0; node < 3; node++) {
        const struct hwi_fault *fault =
            &expect_status(s, node, requests[node], HWS_E_MISMATCH)->fault;
        bool two_is_a = fault->peer_a == s->peers[2];
        assert_true(two_is_a != (fault->peer_b == s->peers[2]));
        const struct hwi_signature *a = &fault->signature_a, *b = &fault->signature_b;
        assert_int_equal((two_is_a ? b : a)->count, one->count);
        assert_int_equal((two_is_a ? a : b)->count, two->count);
        assert_true(a->count != b->count || a->dtype != b->dtype || a->redop != b->redop);
    }
    everybody_acknowledges(s);
    everybody_all_reduces(s, 9, 100);
    scenario_end(s);
}

static void a_mismatch_names_both_sides_on_all_members(void **unused)
{
    (void)unused;
    struct call call = {.step = 1, .tag = 7, .count = 100};
    struct call longer = call, wider = call, averaging = call;
    longer.count = 120;
    wider.dtype = HWS_F64;
    averaging.redop = HWS_AVG;
    expect_mismatch(&call, &longer);
    expect_mismatch(&longer, &call);
    expect_mismatch(&call, &wider);
    expect_mismatch(&call, &averaging);
    call.count = longer.count = 500000;
    longer.count++;
    expect_mismatch(&call, &longer);
}

static void members_that_agree_differently_are_named(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(2);
    uint64_t a = make_call(s, 0, &(struct call){.kind = HWI_KIND_AGREE, .redop = HWI_AGREE_AND});
    uint64_t b = make_call(s, 1, &(struct call){.kind = HWI_KIND_AGREE, .redop = HWI_AGREE_MIN});
    expect_status(s, 0, a, HWS_E_MISMATCH);
    expect_status(s, 1, b, HWS_E_MISMATCH);
    everybody_acknowledges(s);
    everybody_all_reduces(s, 2, 10);
    scenario_end(s);
}

static void a_deadline_on_one_member_ends_the_call_on_all(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(3);
    struct call call = {.step = 1, .count = 100000, .in_place = 1, .timeout_ms = 1000};
    uint64_t hasty = make_call(s, 0, &call);
    call.timeout_ms = 10000;
    uint64_t patient = make_call(s, 1, &call);
    run_ms(s, 1200);
    assert_int_equal(hwi_sim_reply(s->sim, 0, hasty)->status, HWS_E_TIMEOUT);
    assert_int_equal(hwi_sim_reply(s->sim, 1, patient)->status, HWS_E_WITHDRAWN);
    assert_int_equal(hwi_sim_reply(s->sim, 1, patient)->fault.peer_a, s->peers[0]);
    expect_status(s, 2, all_reduce(s, 2, 1, 100000), HWS_E_VIEW);
    everybody_acknowledges(s);
    everybody_all_reduces(s, 2, 100000);
    scenario_end(s);
}

static void agree_combines_the_values_of_all(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(3);
    const uint64_t values[] = {0x17, 0x35, 0x1d};
    for (uint8_t redop = HWI_AGREE_AND; redop <= HWI_AGREE_MIN; redop++) {
        uint64_t requests[3];
        for (uint32_t node = 0; node < 3; node++) {
            requests[node] = make_call(s, node,
                                       &(struct call){.kind = HWI_KIND_AGREE,
                                                      .tag = 5,
                                                      .step = redop,
                                                      .redop = redop,
                                                      .value = values[node]});
        }
        for (uint32_t node = 0; node < 3; node++) {
            const struct hwi_msg_reply *reply = expect_status(s, node, requests[node], HWS_OK);
            assert_int_equal(reply->value, redop == HWI_AGREE_AND ? 0x15 : 0x17);
        }
    }
    scenario_end(s);
}

static void agreements_on_a_tag_take_their_turns(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(3);
    uint64_t requests[3][4];
    for (uint32_t node = 0; node < 3; node++) {
        for (uint32_t i = 0; i < 4; i++) {
            requests[node][i] = agree(s, node, i, 100 * i + node);
        }
    }
    for (uint32_t node = 0; node < 3; node++) {
        for (uint32_t i = 0; i < 4; i++) {
            const struct hwi_msg_reply *reply = expect_status(s, node, requests[node][i], HWS_OK);
            assert_int_equal(reply->value, 100 * i);
        }
    }
    scenario_end(s);
}

static void an_agreement_of_which_one_dies_is_aborted_for_all(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(3);
    uint64_t a = agree(s, 0, 1, 5), b = agree(s, 1, 1, 6);
    run_ms(s, 100);
    hwi_sim_kill(s->sim, 2);
    expect_status(s, 0, a, HWS_E_MEMBER_LOST);
    expect_status(s, 1, b, HWS_E_MEMBER_LOST);
    everybody_acknowledges(s);
    a = agree(s, 0, 2, 5);
    b = agree(s, 1, 2, 6);
    assert_int_equal(expect_status(s, 0, a, HWS_OK)->value, 5);
    assert_int_equal(expect_status(s, 1, b, HWS_OK)->value, 5);
    scenario_end(s);
}

// With nobody there to let in, a call waits: a trainer that tries again and again burns nothing.
static void below_min_members_calls_wait_until_their_deadline(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_below_min_members();
    for (uint8_t retry = 0; retry <= 1; retry++) {
        struct call call = {.step = 1 + retry, .count = 10, .retry = retry, .timeout_ms = 1000};
        uint64_t request = make_call(s, 0, &call);
        run_ms(s, 900);
        assert_null(hwi_sim_peek(s->sim, 0, request));
        const struct hwi_msg_reply *reply = expect_status(s, 0, request, HWS_E_TOO_FEW);
        assert_int_equal(reply->pending, 0);
        assert_int_equal(reply->min_members, 2);
        acknowledge(s, 0);
    }
    scenario_end(s);
}

// No operation can tell that a newcomer waits: a call that fails does, soon after it has come.
static void below_min_members_a_newcomer_ends_the_calls_that_wait_for_it(void **unused)
{
    (void)unused;
    for (uint8_t retry = 0; retry <= 1; retry++) {
        struct scenario *s = scenario_below_min_members();
        struct call call = {.step = 1, .count = 10, .retry = retry};
        uint64_t request = make_call(s, 0, &call);
        run_ms(s, 3000);
        assert_null(hwi_sim_peek(s->sim, 0, request));
        uint32_t joiner = start_member(s);
        run_ms(s, 1000);
        assert_non_null(hwi_sim_peek(s->sim, 0, request));
        assert_int_equal(expect_status(s, 0, request, HWS_E_TOO_FEW)->pending, 1);
        acknowledge(s, 0);
        expect_status(s, 0, all_reduce(s, 0, 2, 10), HWS_E_TOO_FEW); // at once: it waits still
        acknowledge(s, 0);
        expect_status(s, 0, admit(s, 0), HWS_OK);
        expect_open(s, joiner, HWS_OK);
        everybody_all_reduces(s, 3, 10);
        scenario_end(s);
    }
}

// Two survivors of three hear of the newcomer at different times; both fail, both admit.
static void below_min_members_all_members_admit_together(void **unused)
{
    (void)unused;
    struct hwi_sim_config config = scenario_config;
    config.min_members = 3;
    struct scenario *s = scenario_start_with(&config, 3);
    hwi_sim_kill(s->sim, 2);
    run_ms(s, 6000);
    everybody_acknowledges(s);
    uint64_t calls[2] = {all_reduce(s, 0, 1, 10), agree(s, 1, 1, 5)};
    uint32_t joiner = start_member(s);
    expect_status(s, 0, calls[0], HWS_E_TOO_FEW);
    acknowledge(s, 0);
    uint64_t vote = admit(s, 0);
    expect_status(s, 1, calls[1], HWS_E_TOO_FEW);
    acknowledge(s, 1);
    expect_status(s, 1, admit(s, 1), HWS_OK);
    expect_status(s, 0, vote, HWS_OK);
    expect_open(s, joiner, HWS_OK);
    everybody_all_reduces(s, 2, 10);
    scenario_end(s);
}

// It would fail calls that the others make, or wait where they fail.
static void a_member_that_wants_another_min_members_gets_both_numbers(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(2);
    uint32_t other = start_member_with(s, 3);
    expect_open(s, other, HWS_E_INVALID);
    assert_string_equal(hwi_sim_reply(s->sim, other, 0)->reason,
                        "min_members is 3 here (HAWSER_MIN_MEMBERS) and 1 in the run (the master's "
                        "--min-members)");
    run_ms(s, 1000);
    uint64_t request = all_reduce(s, 0, 1, 10);
    expect_status(s, 1, all_reduce(s, 1, 1, 10), HWS_OK);
    assert_int_equal(expect_status(s, 0, request, HWS_OK)->pending, 0); // it is forgotten
    scenario_end(s);
}

static void the_status_says_who_is_waited_for(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(3);
    struct hwi_msg_status status;
    make_call(s, 0, &(struct call){.step = 1, .tag = 7, .count = 10});
    make_call(s, 2, &(struct call){.step = 1, .tag = 7, .count = 10});
    run_ms(s, 1000);
    hwi_sim_status(s->sim, &status);
    assert_int_equal(status.view, 1);
    assert_int_equal(status.members_count, 3);
    assert_int_equal(status.ops_count, 1);
    assert_int_equal(status.ops[0].tag, 7);
    assert_int_equal(status.ops[0].absent_count, 1);
    assert_int_equal(status.ops[0].absent[0].value, s->peers[1]);
    make_call(s, 1, &(struct call){.step = 1, .tag = 7, .count = 10});
    run_ms(s, 1000);
    hwi_sim_status(s->sim, &status);
    assert_int_equal(status.ops_count, 0);
    assert_int_equal(status.committed, 1);
    scenario_end(s);
}

static void admit_and_sync_want_a_quiet_communicator(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(2);
    uint64_t flying = all_reduce(s, 0, 1, 10);
    expect_status(s, 0, admit(s, 0), HWS_E_BUSY);
    expect_status(s, 1, all_reduce(s, 1, 1, 10), HWS_OK);
    expect_status(s, 0, flying, HWS_OK);
    everybody_admits(s);
    scenario_end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_late_call_never_pairs_with_another_members_second_try),
        cmocka_unit_test(the_view_is_acknowledged_only_after_all_failed_calls_were_waited_for),
        cmocka_unit_test(retry_does_not_lift_the_fence_of_another_call),
        cmocka_unit_test(a_mismatch_names_both_sides_on_all_members),
        cmocka_unit_test(members_that_agree_differently_are_named),
        cmocka_unit_test(a_deadline_on_one_member_ends_the_call_on_all),
        cmocka_unit_test(agree_combines_the_values_of_all),
        cmocka_unit_test(agreements_on_a_tag_take_their_turns),
        cmocka_unit_test(an_agreement_of_which_one_dies_is_aborted_for_all),
        cmocka_unit_test(below_min_members_calls_wait_until_their_deadline),
        cmocka_unit_test(below_min_members_a_newcomer_ends_the_calls_that_wait_for_it),
        cmocka_unit_test(below_min_members_all_members_admit_together),
        cmocka_unit_test(a_member_that_wants_another_min_members_gets_both_numbers),
        cmocka_unit_test(the_status_says_who_is_waited_for),
        cmocka_unit_test(admit_and_sync_want_a_quiet_communicator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
