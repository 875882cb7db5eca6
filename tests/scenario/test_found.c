// SPDX-License-Identifier: MIT
// Bugs that seeds found: for each, the shortest run that shows it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hawser/state.h>

#include "tests/support/scenario.h"

// A vote that fails by its deadline takes the one behind it along, also one with `retry`: else that
// one would meet the others' next try of the first.
static void a_call_behind_a_failure_fails_with_it(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(2);
    struct call first = {
        .kind = HWI_KIND_AGREE, .step = 1, .redop = HWI_AGREE_MIN, .value = 5, .retry = 1};
    struct call hurried = first, second = first;
    hurried.timeout_ms = 200;
    second.step = 2;
    second.value = 7;
    uint64_t late = make_call(s, 0, &hurried);
    uint64_t behind = make_call(s, 0, &second);
    expect_status(s, 0, late, HWS_E_TIMEOUT);
    expect_status(s, 0, behind, HWS_E_VIEW);
    acknowledge(s, 0);
    uint64_t ours[2] = {make_call(s, 0, &first), make_call(s, 0, &second)};
    uint64_t theirs[2] = {make_call(s, 1, &first), make_call(s, 1, &second)};
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(expect_status(s, 0, ours[i], HWS_OK)->value, i == 0 ? 5 : 7);
        expect_status(s, 1, theirs[i], HWS_OK);
    }
    scenario_end(s);
}

// Of two reductions on one tag the first passes its deadline: the second, which has time, does not
// say that its own has passed.
static void only_the_late_one_timed_out(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(2);
    uint64_t late = make_call(s, 0, &(struct call){.step = 1, .count = 10, .timeout_ms = 200});
    uint64_t behind = all_reduce(s, 0, 2, 10);
    expect_status(s, 0, late, HWS_E_TIMEOUT);
    expect_status(s, 0, behind, HWS_E_WITHDRAWN);
    everybody_acknowledges(s);
    everybody_all_reduces(s, 3, 10);
    scenario_end(s);
}

// Only the call that was different is a mismatch, not the one behind it on its tag.
static void only_the_other_call_is_a_mismatch(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(2);
    uint64_t wrong[2] = {all_reduce(s, 0, 1, 10), all_reduce(s, 1, 1, 11)};
    uint64_t right[2] = {all_reduce(s, 0, 2, 20), all_reduce(s, 1, 2, 20)};
    for (uint32_t node = 0; node < 2; node++) {
        expect_status(s, node, wrong[node], HWS_E_MISMATCH);
        expect_status(s, node, right[node], HWS_E_WITHDRAWN);
    }
    everybody_acknowledges(s);
    everybody_all_reduces(s, 3, 10);
    scenario_end(s);
}

// A change fails a call without `retry` and one with it: the second runs again, but new calls wait
// for hws_view, also if its lane lets go of it before the first one's does.
static void the_fence_holds_whoever_is_ended_first(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(3);
    struct call again = {.step = 1, .count = 10, .retry = 1};
    uint64_t retried = make_call(s, 0, &again);
    uint64_t once = make_call(s, 0, &(struct call){.step = 2, .tag = 1, .count = 10});
    run_ms(s, 100);
    hwi_sim_kill(s->sim, 2);
    expect_status(s, 0, once, HWS_E_MEMBER_LOST);
    acknowledge(s, 1);
    uint64_t other = make_call(s, 1, &again);
    expect_status(s, 0, retried, HWS_OK);
    expect_status(s, 1, other, HWS_OK);
    again.step = 3;
    expect_status(s, 0, make_call(s, 0, &again), HWS_E_VIEW);
    everybody_acknowledges(s);
    everybody_all_reduces(s, 3, 10);
    scenario_end(s);
}

// Nor does it matter that the failed ones had `retry` too and their deadline passed.
static void the_fence_holds_for_retries_that_failed(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(2);
    struct call again = {.step = 1, .tag = 1, .count = 10, .retry = 1};
    uint64_t other = make_call(s, 0, &again);
    uint64_t late =
        make_call(s, 0, &(struct call){.step = 2, .count = 10, .retry = 1, .timeout_ms = 200});
    uint64_t behind = make_call(s, 0, &(struct call){.step = 3, .count = 10, .retry = 1});
    expect_status(s, 0, late, HWS_E_TIMEOUT);
    expect_status(s, 0, behind, HWS_E_WITHDRAWN);
    uint64_t unaware = make_call(s, 0, &(struct call){.step = 4, .count = 10, .retry = 1});
    expect_status(s, 0, unaware, HWS_E_VIEW);
    uint64_t theirs = make_call(s, 1, &again);
    expect_status(s, 0, other, HWS_OK);
    expect_status(s, 1, theirs, HWS_OK);
    expect_status(s, 0, make_call(s, 0, &again), HWS_E_VIEW);
    everybody_acknowledges(s);
    everybody_all_reduces(s, 5, 10);
    scenario_end(s);
}

// Control messages that come twice, the second later, make both ends lose count: they register
// again, but not for each of them at once, or what they say would double with every answer.
static void counts_that_never_fit_do_not_flood_the_link(void **unused)
{
    (void)unused;
    struct hwi_sim_config config = scenario_config;
    struct hwi_sim_link twice = {.duplicate_in = 1, .jitter_ns = 50 * HWI_NS_PER_MS};
    struct hwi_sim_costs before, after;
    config.control_ns = HWI_NS_PER_MS;
    struct scenario *s = scenario_start_with(&config, 2);
    hwi_sim_node_link(s->sim, 1, &twice);
    hwi_sim_costs(s->sim, &before);
    run_ms(s, 10000);
    hwi_sim_costs(s->sim, &after);
    assert_true(after.master_messages - before.master_messages < 10 * 60);
    hwi_sim_node_link(s->sim, 1, NULL);
    run_ms(s, 2000);
    everybody_all_reduces(s, 1, 10);
    scenario_end(s);
}

// Of two operations one is committed before a newcomer comes and one after it; member 1 misses the
// first commit or both. Returns the requests of members 0 and 1.
static void miss_commits(struct scenario *s, uint32_t commits, uint64_t requests[2][2])
{
    struct hwi_sim_link lossy = {.truncate_in = 1};
    hwi_sim_link(s->sim, HWI_SIM_MASTER, 1, &lossy);
    for (uint32_t step = 0; step < 2; step++) {
        for (uint32_t node = 0; node < s->nodes && node < 3; node++) {
            bool newcomer = step == 1 && node + 1 == s->nodes;
            uint64_t request = newcomer ? 0 : all_reduce(s, node, step, 10);
            if (node < 2) {
                requests[node][step] = request;
            }
        }
        const struct hwi_msg_reply *reply = expect_status(s, 0, requests[0][step], HWS_OK);
        assert_int_equal(reply->pending, step);
        if (step + 1 == commits) {
            hwi_sim_link(s->sim, HWI_SIM_MASTER, 1, &(struct hwi_sim_link){0});
        }
        if (step == 0) {
            hwi_sim_link(s->sim, HWI_SIM_MASTER, 1,
                         &(struct hwi_sim_link){0}); // hears the proposal
            start_member(s);
            run_ms(s, 40); // registered, and proven
            if (commits > 1) {
                hwi_sim_link(s->sim, HWI_SIM_MASTER, 1, &lossy);
            }
        }
    }
}

static void expect_told_alike(struct scenario *s, uint64_t requests[2][2])
{
    for (uint32_t step = 0; step < 2; step++) {
        assert_int_equal(expect_status(s, 1, requests[1][step], HWS_OK)->pending, step);
    }
}

// It learns of each how many waited, as the others did: after it registered again, ...
static void waiting_newcomers_are_reported_as_at_the_commit(void **unused)
{
    (void)unused;
    for (uint32_t commits = 1; commits <= 2; commits++) {
        struct scenario *s = scenario_start(2);
        uint64_t requests[2][2];
        miss_commits(s, commits, requests);
        expect_told_alike(s, requests);
        scenario_end(s);
    }
}

// ... and with the next view.
static void waiting_newcomers_are_reported_with_the_next_view(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(3);
    uint64_t requests[2][2];
    miss_commits(s, 2, requests);
    hwi_sim_kill(s->sim, 2);
    expect_told_alike(s, requests);
    assert_int_equal(acknowledge(s, 1)->members_count, 2);
    scenario_end(s);
}

// ... and also to who did not hear of that view, only of the one after it.
static void waiting_newcomers_are_reported_after_a_missed_view(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(4);
    struct hwi_sim_link lossy = {.truncate_in = 1};
    hwi_sim_link(s->sim, 3, HWI_SIM_MASTER, &lossy); // its Done is not heard: the next view decides
    uint64_t requests[4];
    for (uint32_t node = 0; node < 4; node++) {
        requests[node] = all_reduce(s, node, 1, 10);
    }
    run_ms(s, 100);
    hwi_sim_kill(s->sim, 3);
    run_ms(s, 12); // proposed, not announced
    hwi_sim_link(s->sim, HWI_SIM_MASTER, 1, &lossy);
    assert_int_equal(expect_status(s, 0, requests[0], HWS_OK)->pending, 0);
    hwi_sim_link(s->sim, HWI_SIM_MASTER, 1, &(struct hwi_sim_link){0});
    start_member(s);
    run_ms(s, 40); // registered, and proven
    hwi_sim_kill(s->sim, 2);
    assert_int_equal(expect_status(s, 1, requests[1], HWS_OK)->pending, 0);
    const struct hwi_msg_reply *view = acknowledge(s, 1);
    assert_int_equal(view->members_count, 2);
    assert_int_equal(view->pending, 1);
    scenario_end(s);
}

// A flipped bit in a vote, or in its result, once gave two members two numbers under OK.
static void votes_are_one_number_though_bits_flip_on_the_way(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(3);
    struct hwi_sim_link noisy = {.flip_in = 2};
    hwi_sim_node_link(s->sim, 1, &noisy);
    for (uint32_t step = 1; step <= 40; step++) {
        uint64_t requests[3];
        for (uint32_t node = 0; node < 3; node++) {
            requests[node] = agree(s, node, step, 1000 + 8 * step + node);
        }
        for (uint32_t node = 0; node < 3; node++) {
            assert_int_equal(expect_status(s, node, requests[node], HWS_OK)->value,
                             1000 + 8 * step);
        }
    }
    assert_true(hwi_sim_fault_counts(s->sim)[HWI_SIM_FLIPPED] > 40);
    hwi_sim_node_link(s->sim, 1, NULL);
    run_ms(s, 2000);
    scenario_end(s);
}

// A member dies as it is Done, so that a reduction is committed with the next view. The calls that
// wait behind it on its tag belong to the old view: without `retry` they fail at once, not
// at their deadlines.
static void expect_fenced_at_once(struct scenario *s, const struct call *behind)
{
    uint64_t first[2], second[2];
    hwi_sim_kill_on(s->sim, 2, HWI_MSG_op_done, 1);
    for (uint32_t node = 0; node < 3; node++) {
        uint64_t request = all_reduce(s, node, 1, 10);
        if (node < 2) {
            first[node] = request;
            second[node] = make_call(s, node, behind);
        }
    }
    run_ms(s, 1000);
    for (uint32_t node = 0; node < 2; node++) {
        expect_status(s, node, first[node], HWS_OK);
        bool told = hwi_sim_reply(s->sim, node, second[node]) != NULL;
        expect(told || behind->retry, "member %u waits for nothing", node);
        expect_status(s, node, second[node], behind->retry ? HWS_OK : HWS_E_VIEW);
    }
    everybody_acknowledges(s);
    everybody(s, &(struct call){.kind = HWI_KIND_AGREE, .redop = HWI_AGREE_MIN, .step = 9});
    scenario_end(s);
}

static void a_call_behind_the_fence_fails_at_once(void **unused)
{
    (void)unused;
    struct call behind = {.kind = HWI_KIND_AGREE, .step = 2, .redop = HWI_AGREE_MIN, .value = 5};
    expect_fenced_at_once(scenario_start(3), &behind);
    behind.retry = 1;
    expect_fenced_at_once(scenario_start(3), &behind);
}

// A call is given up as it comes back from a view, and the one before it on its tag comes back a
// moment later: that one has its place still, and is not told that it was cancelled.
static void a_call_that_comes_back_after_a_cancelled_one_goes_before_it(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(3);
    struct call first = {.step = 2, .tag = 5, .count = 1000000, .retry = 1};
    struct call second = {.step = 3, .tag = 5, .count = 10, .retry = 1};
    uint64_t alone[3], big[3], small[3];
    for (uint32_t node = 0; node < 3; node++) {
        alone[node] = all_reduce(s, node, 1, 10);
        if (node == 0) {
            hwi_sim_link(s->sim, 1, 0, &(struct hwi_sim_link){.bytes_per_s = 1000000});
        }
        big[node] = make_call(s, node, &first);
    }
    for (uint32_t node = 0; node < 3; node++) {
        expect_status(s, node, alone[node], HWS_OK);
        small[node] = make_call(s, node, &second); // kept where that one was: before the other
    }
    run_ms(s, 1200);
    hwi_sim_cancel(s->sim, 0, small[0]); // its result is here
    run_ms(s, 20);
    hwi_sim_link(s->sim, 1, 0, &(struct hwi_sim_link){0});
    hwi_sim_kill(s->sim, 2);
    expect_status(s, 0, small[0], HWS_E_CANCELLED);
    expect_status(s, 1, small[1], HWS_E_WITHDRAWN);
    expect_status(s, 0, big[0], HWS_OK);
    expect_status(s, 1, big[1], HWS_OK);
    everybody_acknowledges(s);
    everybody_all_reduces(s, 9, 100);
    scenario_end(s);
}

// The member that could have won is lost before it offers: the others get that reason, and not that
// their strategies leave no winner.
static void a_lost_winner_is_no_conflict(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(2);
    struct call sync = {.kind = HWI_KIND_SYNC, .step = 1, .strategy = HWS_SYNC_RECEIVE_ONLY};
    for (uint32_t node = 0; node < 2; node++) {
        give_state(s, node, 1000, 7);
    }
    everybody(s, &(struct call){.kind = HWI_KIND_SYNC, .step = 1});
    hwi_sim_kill(s->sim, 0);
    run_ms(s, 2); // the master puts it out before the offer comes, and forms the next view
    expect_status(s, 1, make_call(s, 1, &sync), HWS_E_MEMBER_LOST);
    scenario_end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_behind_a_failure_fails_with_it),
        cmocka_unit_test(only_the_late_one_timed_out),
        cmocka_unit_test(only_the_other_call_is_a_mismatch),
        cmocka_unit_test(the_fence_holds_whoever_is_ended_first),
        cmocka_unit_test(the_fence_holds_for_retries_that_failed),
        cmocka_unit_test(counts_that_never_fit_do_not_flood_the_link),
        cmocka_unit_test(votes_are_one_number_though_bits_flip_on_the_way),
        cmocka_unit_test(waiting_newcomers_are_reported_as_at_the_commit),
        cmocka_unit_test(waiting_newcomers_are_reported_with_the_next_view),
        cmocka_unit_test(waiting_newcomers_are_reported_after_a_missed_view),
        cmocka_unit_test(a_lost_winner_is_no_conflict),
        cmocka_unit_test(a_call_behind_the_fence_fails_at_once),
        cmocka_unit_test(a_call_that_comes_back_after_a_cancelled_one_goes_before_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
