// SPDX-License-Identifier: MIT
// Calls that a trainer gives up: at every moment, and whatever else is in flight. All members end
// them alike, nobody's later call takes their place, and all go on together.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/support/scenario.h"

enum { MEMBERS = 3, CALLS_MAX = 4, STEPS_MAX = 2000 };

static const struct call reduction = {.step = 1, .tag = 7, .count = 1000, .in_place = 1};

static void go_on_together(struct scenario *s)
{
    everybody_acknowledges(s);
    everybody_all_reduces(s, 9, 1000);
    scenario_end(s);
}

// ---- one moment

static void the_others_learn_who_cancelled(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(MEMBERS);
    uint64_t requests[MEMBERS];
    for (uint32_t node = 0; node < 2; node++) {
        requests[node] = make_call(s, node, &reduction);
    }
    run_ms(s, 100);
    hwi_sim_cancel(s->sim, 0, requests[0]);
    expect_status(s, 0, requests[0], HWS_E_CANCELLED);
    const struct hwi_msg_reply *theirs = expect_status(s, 1, requests[1], HWS_E_WITHDRAWN);
    assert_int_equal(theirs->fault.status, HWS_E_CANCELLED);
    assert_int_equal(theirs->fault.peer_a, s->peers[0]);
    expect_status(s, 2, make_call(s, 2, &reduction), HWS_E_VIEW); // it comes late
    go_on_together(s);
}

// Run again it would wait in vain for who gave it up, or meet another call of that member.
static void retry_does_not_run_again_what_another_member_cancelled(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(MEMBERS);
    struct call call = reduction;
    call.retry = 1;
    uint64_t cancelled = make_call(s, 0, &call), theirs = make_call(s, 1, &call);
    call.tag = 8;
    call.step = 2;
    uint64_t other = make_call(s, 1, &call); // of another tag: it runs again
    run_ms(s, 100);
    hwi_sim_cancel(s->sim, 0, cancelled);
    expect_status(s, 0, cancelled, HWS_E_CANCELLED);
    expect_status(s, 1, theirs, HWS_E_WITHDRAWN);
    assert_int_equal(acknowledge(s, 0)->view, 2);
    acknowledge(s, 1);
    uint64_t ours = make_call(s, 0, &call), third = make_call(s, 2, &call);
    assert_int_equal(expect_status(s, 1, other, HWS_OK)->attempts, 2);
    expect_status(s, 0, ours, HWS_OK);
    expect_status(s, 2, third, HWS_OK);
    go_on_together(s);
}

static void cancelling_what_ended_does_nothing(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(MEMBERS);
    uint64_t requests[MEMBERS];
    for (uint32_t node = 0; node < MEMBERS; node++) {
        requests[node] = make_call(s, node, &reduction);
    }
    run_ms(s, 1000);
    hwi_sim_cancel(s->sim, 1, requests[1]);
    for (uint32_t node = 0; node < MEMBERS; node++) {
        assert_int_equal(expect_status(s, node, requests[node], HWS_OK)->view, 1);
    }
    hwi_sim_cancel(s->sim, 1, requests[1]);
    everybody_all_reduces(s, 2, 100);
    assert_int_equal(acknowledge(s, 0)->view, 1);
    scenario_end(s);
}

static void cancelling_twice_is_as_once(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(MEMBERS);
    uint64_t request = make_call(s, 0, &reduction);
    run_ms(s, 100);
    hwi_sim_cancel(s->sim, 0, request);
    hwi_sim_cancel(s->sim, 0, request);
    expect_status(s, 0, request, HWS_E_CANCELLED);
    hwi_sim_cancel(s->sim, 0, request);
    assert_int_equal(acknowledge(s, 0)->view, 2);
    go_on_together(s);
}

static void a_vote_that_waits_for_the_others(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(MEMBERS);
    uint64_t ours = agree(s, 0, 1, 5), theirs = agree(s, 1, 1, 6);
    run_ms(s, 100);
    hwi_sim_cancel(s->sim, 0, ours);
    run_ms(s, 100);
    assert_int_equal(hwi_sim_peek(s->sim, 0, ours)->status, HWS_E_CANCELLED);
    expect_status(s, 1, theirs, HWS_E_WITHDRAWN);
    expect_status(s, 0, ours, HWS_E_CANCELLED);
    go_on_together(s);
}

// The result was here when it was cancelled, so it was not given up; then it was aborted. It is not
// run again, and the others, which do run it again, learn that.
static void a_result_that_is_lost_again(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(MEMBERS);
    struct call call = {.step = 1, .count = 100, .retry = 1};
    uint64_t requests[MEMBERS];
    for (uint32_t node = 0; node < MEMBERS; node++) {
        requests[node] = make_call(s, node, &call);
    }
    hwi_sim_cut_edge(s->sim, 1, 2, false); // they are not Done, member 0 is
    run_ms(s, 3);
    hwi_sim_cancel(s->sim, 0, requests[0]);
    assert_int_equal(expect_status(s, 0, requests[0], HWS_E_CANCELLED)->attempts, 2);
    expect_status(s, 1, requests[1], HWS_E_WITHDRAWN);
    expect_status(s, 2, requests[2], HWS_E_WITHDRAWN);
    go_on_together(s);
}

// Its number stays its own while the others' call of that number is on its way.
static void a_call_behind_a_vote(void **unused)
{
    (void)unused;
    for (uint64_t at_us = 1000; at_us < 30000; at_us += 1000) {
        struct scenario *s = scenario_start(MEMBERS);
        uint64_t second = 0;
        for (uint32_t node = 0; node < MEMBERS; node++) {
            agree(s, node, 1, 5);
            uint64_t made = all_reduce(s, node, 2, 100);
            second = node == 0 ? made : second;
            all_reduce(s, node, 3, 100);
        }
        hwi_sim_run(s->sim, at_us * 1000);
        hwi_sim_cancel(s->sim, 0, second);
        for (uint32_t i = 0; i < s->call_count; i++) {
            reply_of(s, s->calls[i].node, s->calls[i].request);
        }
        go_on_together(s);
    }
}

// It takes the number that it would have got, not that of the one before it, which others have
// entered.
static void a_vote_behind_one_that_others_have_entered(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(MEMBERS);
    struct call vote = {.kind = HWI_KIND_AGREE, .redop = HWI_AGREE_MIN, .retry = 1};
    uint64_t requests[MEMBERS][3];
    hwi_sim_link(s->sim, HWI_SIM_MASTER, 0, &(struct hwi_sim_link){.delay_ns = 10000000});
    for (uint32_t node = 0; node < MEMBERS; node++) {
        for (uint32_t i = 0; i < 3; i++) {
            vote.step = i + 1;
            vote.value = i + 1;
            requests[node][i] = make_call(s, node, &vote);
        }
    }
    run_ms(s, 12); // the first is committed, which member 0 does not know
    hwi_sim_cancel(s->sim, 0, requests[0][2]);
    for (uint32_t node = 0; node < MEMBERS; node++) {
        expect_status(s, node, requests[node][0], HWS_OK);
        assert_int_equal(expect_status(s, node, requests[node][1], HWS_OK)->value, 2);
        expect_status(s, node, requests[node][2], node == 0 ? HWS_E_CANCELLED : HWS_E_WITHDRAWN);
    }
    go_on_together(s);
}

// It waits for its turn there, too.
static void a_vote_that_waits_for_its_turn_everywhere(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(MEMBERS);
    struct call vote = {.kind = HWI_KIND_AGREE, .redop = HWI_AGREE_MIN, .retry = 1};
    uint64_t requests[2][4];
    for (uint32_t node = 0; node < 2; node++) {
        for (uint32_t i = 0; i < 4; i++) {
            vote.step = i + 1;
            requests[node][i] = make_call(s, node, &vote);
        }
    }
    run_ms(s, 100); // member 2 has not called
    hwi_sim_cancel(s->sim, 0, requests[0][1]);
    hwi_sim_cancel(s->sim, 0, requests[0][2]);
    for (uint32_t i = 1; i < 3; i++) {
        expect_status(s, 0, requests[0][i], HWS_E_CANCELLED);
        const struct hwi_msg_reply *theirs = expect_status(s, 1, requests[1][i], HWS_E_WITHDRAWN);
        assert_int_equal(theirs->fault.status, HWS_E_CANCELLED);
        assert_int_equal(theirs->fault.peer_a, s->peers[0]);
    }
    for (uint32_t node = 0; node < 2; node++) {
        reply_of(s, node, requests[node][3]); // behind them
        acknowledge(s, node);
    }
    vote.step = 1;
    vote.retry = 0;
    expect_status(s, 2, make_call(s, 2, &vote), HWS_E_VIEW);
    acknowledge(s, 2);
    vote.retry = 1;
    expect_status(s, 2, make_call(s, 2, &vote), HWS_OK);
    for (uint32_t node = 0; node < 2; node++) {
        expect_status(s, node, requests[node][0], HWS_OK);
    }
    go_on_together(s);
}

// A vote that waits for the one before it: those after it fail with it, and no later vote takes its
// place, where it would meet the others' second vote.
static void a_vote_that_waits_for_its_turn(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(MEMBERS);
    uint64_t first = agree(s, 0, 1, 5), second = agree(s, 0, 2, 6), third = agree(s, 0, 3, 7);
    run_ms(s, 100);
    hwi_sim_cancel(s->sim, 0, second);
    expect_status(s, 0, second, HWS_E_CANCELLED);
    assert_int_equal(reply_of(s, 0, first)->status, HWS_E_WITHDRAWN);
    expect_status(s, 0, third, HWS_E_VIEW);
    for (uint32_t node = 1; node < MEMBERS; node++) {
        expect_status(s, node, agree(s, node, 1, 5), HWS_E_VIEW);
    }
    go_on_together(s);
}

// The same without cancelling: what is over before its turn came gives its number up.
static void a_vote_whose_deadline_comes_before_its_turn(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(MEMBERS);
    struct call vote = {.kind = HWI_KIND_AGREE, .redop = HWI_AGREE_MIN, .step = 1, .value = 10};
    uint64_t requests[MEMBERS][2];
    for (uint32_t node = 0; node < MEMBERS - 1; node++) {
        vote.step = 1;
        vote.timeout_ms = 10000;
        requests[node][0] = make_call(s, node, &vote);
        vote.step = 2;
        vote.timeout_ms = node == 0 ? 500 : 10000;
        requests[node][1] = make_call(s, node, &vote);
    }
    run_ms(s, 1000);
    expect_status(s, 0, requests[0][1], HWS_E_TIMEOUT);
    assert_int_equal(reply_of(s, 0, requests[0][0])->status, HWS_E_WITHDRAWN);
    reply_of(s, 1, requests[1][0]);
    expect_status(s, 1, requests[1][1], HWS_E_VIEW);
    go_on_together(s);
}

static void a_call_that_runs_again_beside_one_that_failed(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(MEMBERS);
    struct call call = reduction;
    uint64_t plain = make_call(s, 0, &call);
    call.retry = 1;
    call.tag = 8;
    uint64_t waits = make_call(s, 0, &call);
    hwi_sim_kill(s->sim, 2);
    run_ms(s, 6000);
    assert_null(hwi_sim_peek(s->sim, 0, waits)); // for member 1, which has not called
    hwi_sim_cancel(s->sim, 0, waits);
    expect_status(s, 0, waits, HWS_E_CANCELLED);
    expect_status(s, 0, plain, HWS_E_MEMBER_LOST);
    go_on_together(s);
}

static void alone_and_below_min_members(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_below_min_members();
    uint64_t waits = make_call(s, 0, &reduction);
    run_ms(s, 100);
    hwi_sim_cancel(s->sim, 0, waits);
    expect_status(s, 0, waits, HWS_E_CANCELLED);
    acknowledge(s, 0);
    scenario_end(s);
}

static void a_call_cancelled_without_a_master_ends_in_time(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(MEMBERS);
    uint64_t request = make_call(s, 0, &reduction);
    hwi_sim_kill(s->sim, HWI_SIM_MASTER);
    run_ms(s, 100);
    hwi_sim_cancel(s->sim, 0, request);
    run_ms(s, 26000); // deadline and grace
    expect_status(s, 0, request, HWS_E_OUTCOME_UNKNOWN);
    scenario_end(s);
}

// ---- every moment

struct scene {
    const char *name;
    struct call calls[CALLS_MAX];
    uint32_t count;
    uint32_t absent; // members that do not call
};

static const struct scene scenes[] = {
    {"an all-reduce of several chunks",
     {{.step = 1, .count = 50000, .in_place = 1}, {.step = 2, .tag = 1, .count = 1000}},
     2,
     0},
    {"with retry",
     {{.step = 1, .count = 50000, .retry = 1},
      {.step = 2, .count = 1000, .retry = 1},
      {.step = 3, .tag = 1, .count = 1000, .retry = 1}},
     3,
     0},
    {"votes",
     {{.kind = HWI_KIND_AGREE, .redop = HWI_AGREE_MIN, .step = 1, .value = 5},
      {.kind = HWI_KIND_AGREE, .redop = HWI_AGREE_MIN, .step = 2, .value = 6},
      {.step = 3, .count = 100}},
     3,
     0},
    {"one member does not call",
     {{.step = 1, .count = 1000, .retry = 1}, {.step = 2, .count = 1000, .retry = 1}},
     2,
     1},
};

// The possible ends of a call when one member gives one up. It is not OK for one and run again by
// others: the scenario's checks see to that.
static void judge(struct scenario *s, uint32_t victim, uint32_t which)
{
    for (uint32_t i = 0; i < s->call_count; i++) {
        const struct made_call *made = &s->calls[i];
        hws_status status = reply_of(s, made->node, made->request)->status;
        bool cancelled = made->node == victim && made->call.step == which + 1;
        expect(status == HWS_OK || hws_status_class(status) == HWS_CLASS_VIEW,
               "member %u, step %u: %s", made->node, made->call.step, hws_status_name(status));
        expect((status != HWS_E_CANCELLED) || cancelled, "member %u, step %u was cancelled",
               made->node, made->call.step);
    }
}

// Cancels call `which` of `victim` after this number of steps of the run; false if it had ended by
// then.
static bool strike(const struct scene *scene, uint32_t victim, uint32_t which, uint32_t steps)
{
    struct scenario *s = scenario_start(MEMBERS);
    uint64_t request = 0;
    snprintf(s->title, sizeof s->title, "%s: member %u cancels call %u after %u steps", scene->name,
             victim, which, steps);
    for (uint32_t node = 0; node < MEMBERS - scene->absent; node++) {
        for (uint32_t i = 0; i < scene->count; i++) {
            struct call call = scene->calls[i];
            call.timeout_ms = 5000;
            uint64_t made = make_call(s, node, &call);
            request = node == victim && i == which ? made : request;
        }
    }
    for (uint32_t i = 0; i < steps; i++) {
        hwi_sim_step(s->sim, UINT64_MAX / 2);
    }
    bool ended = hwi_sim_peek(s->sim, victim, request) != NULL;
    hwi_sim_cancel(s->sim, victim, request);
    judge(s, victim, which);
    go_on_together(s);
    return !ended;
}

static void sweep(const struct scene *scene)
{
    for (uint32_t which = 0; which < scene->count; which++) {
        uint32_t steps = 0, victims = MEMBERS - scene->absent;
        while (steps < STEPS_MAX && strike(scene, (steps + which) % victims, which, steps)) {
            steps++;
        }
        assert_true(steps > 2);
    }
}

static void before_every_event_of_an_all_reduce(void **unused)
{
    (void)unused;
    sweep(&scenes[0]);
}

static void before_every_event_with_retry(void **unused)
{
    (void)unused;
    sweep(&scenes[1]);
}

static void before_every_event_of_votes(void **unused)
{
    (void)unused;
    sweep(&scenes[2]);
}

static void at_any_time_while_a_member_is_waited_for(void **unused)
{
    (void)unused;
    for (uint32_t steps = 0; steps < 60; steps++) {
        strike(&scenes[3], steps % 2, steps / 2 % 2, steps);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_others_learn_who_cancelled),
        cmocka_unit_test(retry_does_not_run_again_what_another_member_cancelled),
        cmocka_unit_test(cancelling_what_ended_does_nothing),
        cmocka_unit_test(cancelling_twice_is_as_once),
        cmocka_unit_test(a_vote_that_waits_for_the_others),
        cmocka_unit_test(a_result_that_is_lost_again),
        cmocka_unit_test(a_call_behind_a_vote),
        cmocka_unit_test(a_vote_behind_one_that_others_have_entered),
        cmocka_unit_test(a_vote_that_waits_for_its_turn_everywhere),
        cmocka_unit_test(a_vote_that_waits_for_its_turn),
        cmocka_unit_test(a_vote_whose_deadline_comes_before_its_turn),
        cmocka_unit_test(a_call_that_runs_again_beside_one_that_failed),
        cmocka_unit_test(alone_and_below_min_members),
        cmocka_unit_test(a_call_cancelled_without_a_master_ends_in_time),
        cmocka_unit_test(before_every_event_of_an_all_reduce),
        cmocka_unit_test(before_every_event_with_retry),
        cmocka_unit_test(before_every_event_of_votes),
        cmocka_unit_test(at_any_time_while_a_member_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
