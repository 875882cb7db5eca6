// SPDX-License-Identifier: MIT
// Members that come, go, freeze, or lose their links.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/scenario.h"

static void a_newcomer_waits_until_the_members_admit_it(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(2);
    uint32_t newcomer = start_member(s);
    run_ms(s, 1000);
    assert_null(hwi_sim_reply(s->sim, newcomer, 0));
    uint64_t seen[2] = {all_reduce(s, 0, 1, 10), all_reduce(s, 1, 1, 10)};
    assert_int_equal(expect_status(s, 0, seen[0], HWS_OK)->pending, 1);
    assert_int_equal(expect_status(s, 1, seen[1], HWS_OK)->pending, 1);
    uint64_t a = admit(s, 0), b = admit(s, 1);
    const struct hwi_msg_reply *admitted = expect_status(s, 0, a, HWS_OK);
    expect_status(s, 1, b, HWS_OK);
    expect_open(s, newcomer, HWS_OK);
    expect_members(s, admitted, 3, (uint32_t[]){0, 1, 2});
    everybody_all_reduces(s, 2, 1000);
    scenario_end(s);
}

static void one_bad_newcomer_does_not_stop_the_good_one(uint32_t bad)
{
    struct scenario *s = scenario_start(2);
    start_member(s);
    start_member(s);
    uint32_t good = bad == 2 ? 3 : 2;
    hwi_sim_unreachable(s->sim, bad);
    run_ms(s, 100);
    uint64_t a = make_call(s, 0, &(struct call){.kind = HWI_KIND_ADMIT, .timeout_ms = 30000});
    uint64_t b = make_call(s, 1, &(struct call){.kind = HWI_KIND_ADMIT, .timeout_ms = 30000});
    const struct hwi_msg_reply *reply = reply_of(s, 0, a);
    assert_int_equal(reply->status, HWS_OK);
    assert_int_equal(reply_of(s, 1, b)->status, HWS_OK);
    expect_open(s, good, HWS_OK);
    expect_open(s, bad, HWS_E_REFUSED);
    expect_members(s, reply, 3, (uint32_t[]){0, 1, good});
    everybody_all_reduces(s, 2, 1000);
    scenario_end(s);
}

static void of_two_newcomers_the_unreachable_one_is_left_out(void **unused)
{
    (void)unused;
    one_bad_newcomer_does_not_stop_the_good_one(3);
    one_bad_newcomer_does_not_stop_the_good_one(2);
}

// Of two newcomers the first cannot reach a member. While it still tries, its connection to the
// master is lost: the master forgets it, and knows it under another id when it is back. The
// proposal to the old one is over: its stripes to the other newcomer, who is frozen and has heard
// nothing of all this, are not opened again when they break.
static void a_newcomer_that_was_forgotten_begins_anew(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(2);
    uint32_t newcomer = start_member(s), other = start_member(s);
    hwi_sim_cut_edge(s->sim, 0, newcomer, true);
    run_ms(s, 30); // both are on trial
    uint64_t votes[2] = {admit(s, 0), admit(s, 1)};
    run_ms(s, 20); // proposed; all other stripes are open
    freeze(s, other);
    hwi_sim_control_lose(s->sim, newcomer, 100 * HWI_NS_PER_MS);
    run_ms(s, 1000); // forgotten and welcomed
    hwi_sim_kill(s->sim, other);
    expect_status(s, 0, votes[0], HWS_OK);
    expect_status(s, 1, votes[1], HWS_OK);
    hwi_sim_cut_edge(s->sim, 0, newcomer, false);
    uint64_t again[2] = {admit(s, 0), admit(s, 1)};
    expect_open(s, newcomer, HWS_OK);
    expect_members(s, expect_status(s, 0, again[0], HWS_OK), 3, (uint32_t[]){0, 1, newcomer});
    expect_status(s, 1, again[1], HWS_OK);
    everybody_all_reduces(s, 1, 1000);
    scenario_end(s);
}

// Of two that cannot reach each other one goes; it must not be the good one again and again.
static void an_unreachable_process_does_not_keep_the_run_from_beginning(void **unused)
{
    (void)unused;
    struct hwi_sim_config config = scenario_config;
    config.first_members = 2;
    struct scenario *s = scenario_start_with(&config, 0);
    for (uint32_t node = 0; node < 4; node++) {
        start_member(s);
        run_ms(s, 6000);
        if (node == 0) {
            hwi_sim_unreachable(s->sim, 0);
        }
    }
    expect_open(s, 0, HWS_E_REFUSED);
    expect_open(s, 2, HWS_OK);
    expect_open(s, 3, HWS_OK);
    everybody_all_reduces(s, 1, 100);
    scenario_end(s);
}

static void expect_reason(struct scenario *s, uint32_t node, const char *reason)
{
    expect_open(s, node, HWS_E_REFUSED);
    assert_string_equal(reply_of(s, node, 0)->reason, reason);
}

// As behind a NAT: it can dial others, and nobody can dial it. It is not admitted, so sound
// newcomers never meet it; it learns its address and who could not reach it.
static void a_newcomer_that_cannot_be_dialled_is_left_out(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(2);
    uint32_t bad = start_member(s);
    hwi_sim_undialled(s->sim, bad);
    run_ms(s, 100);
    everybody_admits(s);
    expect_reason(s, bad, "member 1 could not connect to it at sim:2 (HAWSER_ADVERTISE)");
    uint32_t good = start_member(s);
    run_ms(s, 100);
    everybody_admits(s);
    expect_open(s, good, HWS_OK);
    everybody_all_reduces(s, 1, 1000);
    scenario_end(s);
}

// Both members reduce, at once and with nobody waiting, in the view that they have.
static void expect_undisturbed(struct scenario *s, uint32_t steps)
{
    for (uint32_t step = 0; step < steps; step++) {
        uint64_t requests[2] = {all_reduce(s, 0, 9, 10), all_reduce(s, 1, 9, 10)};
        for (uint32_t node = 0; node < 2; node++) {
            const struct hwi_msg_reply *reply = expect_status(s, node, requests[node], HWS_OK);
            assert_int_equal(reply->attempts, 1);
            assert_int_equal(reply->view, 1);
            assert_int_equal(reply->pending, 0);
        }
        run_ms(s, 100);
    }
}

// Reachability is proven while the view stays: who fails again and again costs the members
// nothing.
static void newcomers_that_fail_cost_the_members_nothing(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(2);
    for (uint32_t i = 0; i < 5; i++) {
        uint32_t bad = start_member(s);
        hwi_sim_undialled(s->sim, bad);
        expect_undisturbed(s, 60);
        expect_open(s, bad, HWS_E_REFUSED);
    }
    uint32_t good = start_member(s);
    run_ms(s, 100);
    everybody_admits(s);
    expect_open(s, good, HWS_OK);
    scenario_end(s);
}

static void a_newcomer_that_freezes_costs_the_members_nothing(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(2);
    uint32_t frozen = start_member(s);
    run_ms(s, 8); // registered, and on trial
    freeze(s, frozen);
    expect_undisturbed(s, 60);
    uint32_t good = start_member(s);
    run_ms(s, 100);
    everybody_admits(s);
    expect_open(s, good, HWS_OK);
    scenario_end(s);
}

// All members have died and the master does not know it yet: the newcomers that come then are
// sound.
static void newcomers_that_meet_dead_members_are_not_refused(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(2);
    hwi_sim_kill(s->sim, 0);
    hwi_sim_kill(s->sim, 1);
    uint32_t first = start_member(s), second = start_member(s);
    expect_open(s, first, HWS_OK);
    uint32_t third = start_member(s);
    run_ms(s, 100);
    uint64_t votes[2] = {admit(s, first), admit(s, second)};
    expect_open(s, third, HWS_OK);
    expect_status(s, first, votes[0], HWS_OK);
    expect_status(s, second, votes[1], HWS_OK);
    scenario_end(s);
}

// One is proven, the other is not: a vote admits the one and does not wait for the other.
static void a_vote_admits_who_is_proven_and_waits_for_nobody_else(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(2);
    uint32_t good = start_member(s);
    run_ms(s, 100);
    uint32_t bad = start_member(s);
    hwi_sim_undialled(s->sim, bad);
    run_ms(s, 20);
    uint64_t began_ns = hwi_sim_now(s->sim);
    uint64_t votes[2] = {admit(s, 0), admit(s, 1)};
    expect_open(s, good, HWS_OK);
    expect_members(s, expect_status(s, 0, votes[0], HWS_OK), 3, (uint32_t[]){0, 1, good});
    expect_status(s, 1, votes[1], HWS_OK);
    assert_true(hwi_sim_now(s->sim) - began_ns < 100 * HWI_NS_PER_MS);
    expect_open(s, bad, HWS_E_REFUSED);
    scenario_end(s);
}

// No newcomer needs the address of a member: one that nobody can dial any more keeps nobody out.
static void a_member_that_cannot_be_dialled_keeps_nobody_out(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(2);
    hwi_sim_undialled(s->sim, 0);
    hwi_sim_undialled(s->sim, 1);
    uint32_t newcomer = start_member(s);
    run_ms(s, 100);
    everybody_admits(s);
    expect_open(s, newcomer, HWS_OK);
    everybody_all_reduces(s, 1, 1000);
    scenario_end(s);
}

static void a_newcomer_that_dies_at_any_event_of_its_joining_stops_nobody(void **unused)
{
    (void)unused;
    bool died = true;
    for (uint32_t n = 1; died; n++) {
        struct scenario *s = scenario_start(2);
        uint32_t newcomer = start_member(s);
        hwi_sim_kill_at(s->sim, newcomer, HWI_ROLE_PEER, n);
        run_ms(s, 100);
        everybody_admits(s);
        run_ms(s, 6000);
        died = !hwi_sim_alive(s->sim, newcomer) && n < 12;
        hwi_sim_kill(s->sim, newcomer);
        run_ms(s, 6000);
        everybody_acknowledges(s);
        everybody_all_reduces(s, 1, 100);
        scenario_end(s);
    }
}

static void a_member_that_leaves_is_not_missed(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(3);
    everybody_all_reduces(s, 1, 100);
    trainer_close(s->sim, 1);
    run_ms(s, 500);
    assert_false(hwi_sim_alive(s->sim, 1));
    expect_members(s, acknowledge(s, 0), 2, (uint32_t[]){0, 2});
    acknowledge(s, 2);
    everybody_all_reduces(s, 2, 100);
    scenario_end(s);
}

static void a_frozen_member_is_removed_and_learns_it_when_it_thaws(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(3);
    struct call call = {.step = 1, .count = 300000, .in_place = 1, .timeout_ms = 20000};
    uint64_t requests[3];
    for (uint32_t node = 0; node < 3; node++) {
        requests[node] = make_call(s, node, &call);
    }
    run_ms(s, 2);
    freeze(s, 2);
    expect_status(s, 0, requests[0], HWS_E_MEMBER_LOST);
    expect_status(s, 1, requests[1], HWS_E_MEMBER_LOST);
    assert_true(hwi_sim_now(s->sim) < 6 * HWI_NS_PER_S);
    everybody_acknowledges(s);
    everybody_all_reduces(s, 2, 1000);
    run_ms(s, 30000);
    thaw(s, 2);
    expect_status(s, 2, requests[2], HWS_E_EVICTED);
    expect_status(s, 2, trainer_view(s->sim, 2), HWS_E_EVICTED);
    uint64_t a = all_reduce(s, 0, 3, 1000), b = all_reduce(s, 1, 3, 1000);
    expect_status(s, 0, a, HWS_OK);
    expect_status(s, 1, b, HWS_OK);
    scenario_end(s);
}

// A silent member is noticed, however much the others talk.
static void a_frozen_member_is_noticed_in_a_crowd(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(2);
    for (uint32_t i = 0; i < 20; i++) {
        start_member(s);
        run_ms(s, 23);
    }
    freeze(s, 1);
    uint64_t request = make_call(s, 0, &(struct call){.step = 1, .count = 10, .timeout_ms = 30000});
    expect_status(s, 0, request, HWS_E_MEMBER_LOST);
    assert_true(hwi_sim_now(s->sim) < 7 * HWI_NS_PER_S);
    scenario_end(s);
}

static void a_short_freeze_only_delays(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(3);
    uint64_t requests[3];
    for (uint32_t node = 0; node < 3; node++) {
        requests[node] = all_reduce(s, node, 1, 300000);
    }
    run_ms(s, 2);
    freeze(s, 1);
    run_ms(s, 3000);
    assert_null(hwi_sim_reply(s->sim, 0, requests[0]));
    thaw(s, 1);
    for (uint32_t node = 0; node < 3; node++) {
        expect_status(s, node, requests[node], HWS_OK);
    }
    scenario_end(s);
}

static void a_cut_edge_is_dialled_again(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(3);
    struct call call = {.step = 1, .count = 300000, .retry = 1};
    uint64_t requests[3];
    for (uint32_t node = 0; node < 3; node++) {
        requests[node] = make_call(s, node, &call);
    }
    run_ms(s, 2);
    hwi_sim_cut_edge(s->sim, 0, 2, false);
    for (uint32_t node = 0; node < 3; node++) {
        expect_members(s, expect_status(s, node, requests[node], HWS_OK), 3, (uint32_t[]){0, 1, 2});
    }
    scenario_end(s);
}

static void an_edge_cut_for_ever_costs_one_member(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(3);
    everybody_all_reduces(s, 1, 1000);
    hwi_sim_cut_edge(s->sim, 0, 2, true);
    run_ms(s, 15000);
    uint64_t view[3];
    uint32_t in = 0;
    for (uint32_t node = 0; node < 3; node++) {
        view[node] = trainer_view(s->sim, node);
        hws_status status = reply_of(s, node, view[node])->status;
        assert_true(status == HWS_OK || (status == HWS_E_EVICTED && node != 1));
        in += status == HWS_OK;
    }
    assert_int_equal(in, 2);
    everybody_all_reduces(s, 2, 1000);
    scenario_end(s);
}

static void a_lost_control_link_does_no_harm_for_a_while(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(3);
    uint64_t requests[3];
    for (uint32_t node = 0; node < 3; node++) {
        requests[node] = all_reduce(s, node, 1, 1000);
    }
    hwi_sim_control(s->sim, 1, false);
    run_ms(s, 3000);
    assert_null(hwi_sim_reply(s->sim, 0, requests[0]));
    hwi_sim_control(s->sim, 1, true);
    for (uint32_t node = 0; node < 3; node++) {
        expect_members(s, expect_status(s, node, requests[node], HWS_OK), 3, (uint32_t[]){0, 1, 2});
    }
    assert_true(hwi_sim_now(s->sim) < 6 * HWI_NS_PER_S);
    scenario_end(s);
}

static void a_member_without_a_control_link_is_removed(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(3);
    uint64_t requests[3];
    for (uint32_t node = 0; node < 3; node++) {
        requests[node] =
            make_call(s, node, &(struct call){.step = 1, .count = 1000, .retry = 1, .in_place = 1});
    }
    hwi_sim_control(s->sim, 1, false);
    // Its bytes came over the stripes, and all survivors are Done: the result stands.
    expect_members(s, expect_status(s, 0, requests[0], HWS_OK), 3, (uint32_t[]){0, 1, 2});
    expect_status(s, 2, requests[2], HWS_OK);
    // It was Done too, but never hears the outcome.
    expect_status(s, 1, requests[1], HWS_E_OUTCOME_UNKNOWN);
    scenario_end(s);
}

static void a_member_removed_while_unreachable_learns_it_when_its_link_is_back(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(3);
    hwi_sim_control(s->sim, 1, false);
    run_ms(s, 7000);
    hwi_sim_control(s->sim, 1, true);
    run_ms(s, 3000);
    expect_status(s, 1, all_reduce(s, 1, 1, 10), HWS_E_EVICTED);
    everybody_acknowledges(s);
    everybody_all_reduces(s, 2, 1000);
    scenario_end(s);
}

static uint64_t digest_of_a_rough_run(uint64_t cut_after_ms)
{
    struct scenario *s = scenario_start(4);
    for (uint32_t node = 0; node < 4; node++) {
        make_call(s, node, &(struct call){.step = 1, .count = 200000, .retry = 1});
    }
    run_ms(s, cut_after_ms);
    hwi_sim_cut_edge(s->sim, 0, 1, false);
    run_ms(s, 1);
    hwi_sim_kill(s->sim, 3);
    freeze(s, 2);
    run_ms(s, 2000);
    thaw(s, 2);
    run_ms(s, 8000);
    uint64_t digest = hwi_sim_digest(s->sim);
    scenario_end(s);
    return digest;
}

static void equal_runs_have_equal_digests(void **unused)
{
    (void)unused;
    uint64_t digest = digest_of_a_rough_run(2);
    assert_int_equal(digest, digest_of_a_rough_run(2));
    assert_int_not_equal(digest, digest_of_a_rough_run(3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_newcomer_waits_until_the_members_admit_it),
        cmocka_unit_test(a_newcomer_that_was_forgotten_begins_anew),
        cmocka_unit_test(of_two_newcomers_the_unreachable_one_is_left_out),
        cmocka_unit_test(an_unreachable_process_does_not_keep_the_run_from_beginning),
        cmocka_unit_test(a_newcomer_that_cannot_be_dialled_is_left_out),
        cmocka_unit_test(newcomers_that_fail_cost_the_members_nothing),
        cmocka_unit_test(a_newcomer_that_freezes_costs_the_members_nothing),
        cmocka_unit_test(newcomers_that_meet_dead_members_are_not_refused),
        cmocka_unit_test(a_vote_admits_who_is_proven_and_waits_for_nobody_else),
        cmocka_unit_test(a_member_that_cannot_be_dialled_keeps_nobody_out),
        cmocka_unit_test(a_newcomer_that_dies_at_any_event_of_its_joining_stops_nobody),
        cmocka_unit_test(a_member_that_leaves_is_not_missed),
        cmocka_unit_test(a_frozen_member_is_removed_and_learns_it_when_it_thaws),
        cmocka_unit_test(a_frozen_member_is_noticed_in_a_crowd),
        cmocka_unit_test(a_short_freeze_only_delays),
        cmocka_unit_test(a_cut_edge_is_dialled_again),
        cmocka_unit_test(an_edge_cut_for_ever_costs_one_member),
        cmocka_unit_test(a_lost_control_link_does_no_harm_for_a_while),
        cmocka_unit_test(a_member_without_a_control_link_is_removed),
        cmocka_unit_test(a_member_removed_while_unreachable_learns_it_when_its_link_is_back),
        cmocka_unit_test(equal_runs_have_equal_digests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
