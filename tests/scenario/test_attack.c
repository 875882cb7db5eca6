// SPDX-License-Identifier: MIT
// Attacks that once broke the contract: newcomers that stall members, calls that pair wrongly,
// limits that were passed legally.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/scenario.h"

enum { BAD = 8 };

static uint32_t start_unreachable(struct scenario *s)
{
    uint32_t node = start_member(s);
    hwi_sim_unreachable(s->sim, node);
    return node;
}

// ---- newcomers

static void many_unreachable_newcomers_cost_no_more_than_one(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(2);
    for (uint32_t i = 0; i < BAD; i++) {
        start_unreachable(s);
    }
    uint32_t good = start_member(s);
    run_ms(s, 100);
    uint64_t a = admit(s, 0), b = admit(s, 1);
    expect_status(s, 0, a, HWS_OK);
    expect_status(s, 1, b, HWS_OK);
    assert_true(hwi_sim_now(s->sim) < 10 * HWI_NS_PER_S);
    expect_open(s, good, HWS_OK);
    everybody_all_reduces(s, 1, 100);
    scenario_end(s);
}

static void newcomers_that_do_not_reach_each_other_cost_no_more_than_one(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(2);
    for (uint32_t i = 0; i < BAD; i++) {
        uint32_t node = start_member(s);
        for (uint32_t other = 2; other < node; other++) {
            hwi_sim_cut_edge(s->sim, node, other, true);
        }
    }
    run_ms(s, 100);
    uint64_t a = admit(s, 0), b = admit(s, 1);
    assert_int_equal(expect_status(s, 0, a, HWS_OK)->members_count, 3);
    expect_status(s, 1, b, HWS_OK);
    assert_true(hwi_sim_now(s->sim) < 10 * HWI_NS_PER_S);
    for (uint32_t node = 2; node < 2 + BAD; node++) {
        const struct hwi_msg_reply *reply = reply_of(s, node, 0);
        if (reply->status == HWS_OK) {
            expect_open(s, node, HWS_OK);
        }
    }
    everybody_all_reduces(s, 1, 100);
    scenario_end(s);
}

static void a_stream_of_unreachable_newcomers_does_not_hold_up_an_admission(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(2);
    start_unreachable(s);
    run_ms(s, 100);
    uint64_t a = admit(s, 0), b = admit(s, 1);
    for (uint32_t i = 0; i < 30; i++) {
        start_unreachable(s);
        run_ms(s, 1000);
    }
    assert_non_null(hwi_sim_reply(s->sim, 0, a));
    expect_status(s, 0, a, HWS_OK);
    expect_status(s, 1, b, HWS_OK);
    everybody_all_reduces(s, 1, 100);
    scenario_end(s);
}

static void newcomers_waiting_are_the_same_number_for_all(void **unused)
{
    (void)unused;
    bool told = false;
    for (uint64_t cut_ms = 1; cut_ms < 60 && !told; cut_ms++) {
        struct scenario *s = scenario_start(3);
        uint64_t a = all_reduce(s, 0, 1, 100), b = all_reduce(s, 1, 1, 100);
        all_reduce(s, 2, 1, 100);
        hwi_sim_kill_on(s->sim, 2, HWI_MSG_op_done, 1);
        run_ms(s, cut_ms);
        hwi_sim_control(s->sim, 1, false);
        run_ms(s, 200);
        if (hwi_sim_reply(s->sim, 0, a) != NULL && hwi_sim_reply(s->sim, 1, b) == NULL &&
            hwi_sim_reply(s->sim, 0, a)->status == HWS_OK) {
            told = true;
            start_member(s);
            run_ms(s, 200);
            hwi_sim_control(s->sim, 1, true);
            assert_int_equal(expect_status(s, 1, b, HWS_OK)->pending,
                             hwi_sim_reply(s->sim, 0, a)->pending);
        }
        hwi_sim_control(s->sim, 1, true);
        scenario_end(s);
    }
    assert_true(told);
}

// ---- retry

static uint64_t call_within(struct scenario *s, uint32_t node, uint32_t step, uint64_t timeout_ms)
{
    return make_call(
        s, node, &(struct call){.step = step, .count = 10, .retry = 1, .timeout_ms = timeout_ms});
}

static void a_call_behind_one_that_failed_for_good_does_not_take_its_place(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(3);
    uint64_t hasty = call_within(s, 0, 1, 1000), behind = call_within(s, 0, 2, 10000);
    uint64_t patient = call_within(s, 1, 1, 10000), next = call_within(s, 1, 2, 10000);
    run_ms(s, 2000);
    expect_status(s, 0, hasty, HWS_E_TIMEOUT);
    acknowledge(s, 2);
    uint64_t late = call_within(s, 2, 1, 10000), later = call_within(s, 2, 2, 10000);
    run_ms(s, 1000);
    assert_true(hws_status_class((hws_status)reply_of(s, 0, behind)->status) == HWS_CLASS_VIEW);
    acknowledge(s, 0);
    hasty = call_within(s, 0, 1, 5000);
    behind = call_within(s, 0, 2, 5000);
    expect_status(s, 0, hasty, HWS_OK);
    expect_status(s, 1, patient, HWS_OK);
    expect_status(s, 2, late, HWS_OK);
    expect_status(s, 0, behind, HWS_OK);
    expect_status(s, 1, next, HWS_OK);
    expect_status(s, 2, later, HWS_OK);
    scenario_end(s);
}

static void a_new_call_before_the_failure_was_collected_does_not_take_its_place(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(3);
    uint64_t hasty = call_within(s, 0, 1, 1000), patient = call_within(s, 1, 1, 10000);
    // Another tag's call continues once the failure was acknowledged.
    uint64_t other = make_call(s, 0, &(struct call){.step = 9, .tag = 9, .count = 10, .retry = 1});
    run_ms(s, 2000);
    uint64_t early = call_within(s, 0, 2, 10000);
    run_ms(s, 100);
    acknowledge(s, 2);
    uint64_t late = call_within(s, 2, 1, 10000);
    run_ms(s, 1000);
    expect_status(s, 0, hasty, HWS_E_TIMEOUT);
    expect_status(s, 0, early, HWS_E_VIEW);
    acknowledge(s, 0);
    hasty = call_within(s, 0, 1, 5000);
    expect_status(s, 0, hasty, HWS_OK);
    expect_status(s, 1, patient, HWS_OK);
    expect_status(s, 2, late, HWS_OK);
    struct call ninth = {.step = 9, .tag = 9, .count = 10, .retry = 1};
    uint64_t theirs[2] = {make_call(s, 1, &ninth), make_call(s, 2, &ninth)};
    expect_status(s, 1, theirs[0], HWS_OK);
    expect_status(s, 2, theirs[1], HWS_OK);
    expect_status(s, 0, other, HWS_OK);
    scenario_end(s);
}

// ---- limits

static void all_tags_may_be_used_while_a_newcomer_waits(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(2);
    start_member(s);
    run_ms(s, 100);
    for (uint64_t tag = 0; tag < HWI_TAGS_MAX; tag += 64) {
        uint64_t requests[2][64];
        for (uint32_t node = 0; node < 2; node++) {
            for (uint64_t i = 0; i < 64; i++) {
                requests[node][i] =
                    make_call(s, node, &(struct call){.step = 1, .tag = tag + i, .count = 1});
            }
        }
        for (uint32_t i = 0; i < 64; i++) {
            expect_status(s, 0, requests[0][i], HWS_OK);
            expect_status(s, 1, requests[1][i], HWS_OK);
        }
    }
    scenario_end(s);
}

// ---- the control link

static uint32_t occurrences(const char *text, const char *what)
{
    uint32_t count = 0;
    for (; (text = strstr(text, what)) != NULL; text++) {
        count++;
    }
    return count;
}

static void a_slow_control_link_registers_once_in_a_while(void **unused)
{
    (void)unused;
    struct hwi_sim_config config = scenario_config;
    config.control_ns = 400 * HWI_NS_PER_MS;
    struct scenario *s = scenario_start_with(&config, 2);
    run_ms(s, 5000);
    hwi_sim_mark(s->sim);
    run_ms(s, 20000);
    assert_int_equal(occurrences(hwi_sim_transcript(s->sim), "registration"), 0);
    everybody_all_reduces(s, 1, 100);
    scenario_end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_unreachable_newcomers_cost_no_more_than_one),
        cmocka_unit_test(newcomers_that_do_not_reach_each_other_cost_no_more_than_one),
        cmocka_unit_test(a_stream_of_unreachable_newcomers_does_not_hold_up_an_admission),
        cmocka_unit_test(newcomers_waiting_are_the_same_number_for_all),
        cmocka_unit_test(a_call_behind_one_that_failed_for_good_does_not_take_its_place),
        cmocka_unit_test(a_new_call_before_the_failure_was_collected_does_not_take_its_place),
        cmocka_unit_test(all_tags_may_be_used_while_a_newcomer_waits),
        cmocka_unit_test(a_slow_control_link_registers_once_in_a_while),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
