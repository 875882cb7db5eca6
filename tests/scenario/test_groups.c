// SPDX-License-Identifier: MIT
// Groups: what spans a group, what spans the run, and deaths.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/scenario.h"

enum { EVENTS_MAX = 400 };

static const struct call vote_all = {
    .kind = HWI_KIND_AGREE_RUN, .redop = HWI_AGREE_MIN, .step = 1, .tag = 7, .value = 1};
static const struct call vote = {
    .kind = HWI_KIND_AGREE, .redop = HWI_AGREE_MIN, .step = 1, .tag = 7, .value = 1};
static const struct call barrier_all = {.kind = HWI_KIND_BARRIER_RUN, .step = 1, .tag = 7};
static const struct call barrier = {.kind = HWI_KIND_BARRIER, .step = 1, .tag = 7};
static const struct call reduce = {.step = 1, .tag = 7, .count = 100};

// ---- scopes

// Nodes 0, 2, 4 are group 0; 1, 3, 5 group 1.
static void an_operation_spans_its_group(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start_groups(2, 3);
    uint64_t requests[3];
    for (uint32_t i = 0; i < 3; i++) { // nobody of group 1 calls
        requests[i] = all_reduce(s, 2 * i, 1, 30000);
    }
    for (uint32_t i = 0; i < 3; i++) {
        const struct hwi_msg_reply *reply = expect_status(s, 2 * i, requests[i], HWS_OK);
        expect_members(s, reply, 3, (uint32_t[]){0, 2, 4});
        assert_int_equal(reply->rank, i);
        assert_int_equal(reply->group, 0);
        assert_int_equal(reply->group_count, 2);
        assert_int_equal(reply->group_largest, 3);
        assert_int_equal(reply->run_members, 6);
    }
    everybody_all_reduces(s, 2, 30000);
    scenario_end(s);
}

static void the_view_is_the_runs(void **unused)
{
    (void)unused;
    struct hwi_sim_config config = scenario_config;
    config.first_members = 4;
    struct scenario *s = scenario_start_with(&config, 0);
    static const uint32_t groups[] = {5, 1023, 5, 5};
    for (uint32_t i = 0; i < HWI_COUNT(groups); i++) {
        start_member_at(s, &(struct hwi_sim_place){.group = groups[i]});
    }
    for (uint32_t i = 0; i < HWI_COUNT(groups); i++) {
        expect_open(s, i, HWS_OK);
    }
    for (uint32_t i = 0; i < HWI_COUNT(groups); i++) {
        const struct hwi_msg_reply *view = acknowledge(s, i);
        expect_members(s, view, 4, (uint32_t[]){0, 1, 2, 3});
        assert_int_equal(view->rank, i);
        assert_int_equal(view->group, groups[i]);
        assert_int_equal(view->group_count, 2);
        assert_int_equal(view->group_largest, 3);
        assert_int_equal(view->run_members, 4);
    }
    everybody_all_reduces(s, 1, 100); // one of them is alone
    scenario_end(s);
}

static void members_of_different_groups_have_no_stripes(void **unused)
{
    (void)unused;
    struct hwi_sim_config config = scenario_config;
    config.first_members = 4;
    struct scenario *s = scenario_start_with(&config, 0);
    for (uint32_t i = 0; i < 4; i++) {
        start_member_at(s, &(struct hwi_sim_place){.group = i % 2});
    }
    hwi_sim_cut_edge(s->sim, 0, 1, true);
    hwi_sim_cut_edge(s->sim, 2, 3, true);
    for (uint32_t i = 0; i < 4; i++) {
        expect_open(s, i, HWS_OK);
    }
    everybody_all_reduces(s, 1, 60000);
    everybody(s, &vote_all);
    scenario_end(s);
}

static void votes_span_the_group_or_the_run(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start_groups(2, 2);
    static const uint64_t values[] = {9, 4, 8, 6};
    for (uint32_t run_wide = 0; run_wide < 2; run_wide++) {
        struct call call = run_wide ? vote_all : vote;
        uint64_t requests[4];
        for (uint32_t i = 0; i < 4; i++) {
            call.value = values[i];
            requests[i] = make_call(s, i, &call);
        }
        for (uint32_t i = 0; i < 4; i++) {
            const struct hwi_msg_reply *reply = expect_status(s, i, requests[i], HWS_OK);
            assert_int_equal(reply->value, run_wide || i % 2 == 1 ? 4 : 8);
            assert_int_equal(reply->members_count, run_wide ? 4 : 2);
            assert_int_equal(reply->rank, run_wide ? i : i / 2);
        }
    }
    scenario_end(s);
}

static void a_barrier_waits_for_its_scope(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start_groups(2, 2);
    uint64_t requests[4] = {make_call(s, 0, &barrier), 0, make_call(s, 2, &barrier), 0};
    expect_status(s, 0, requests[0], HWS_OK); // without group 1
    expect_status(s, 2, requests[2], HWS_OK);
    for (uint32_t i = 0; i < 3; i++) {
        requests[i] = make_call(s, i, &barrier_all);
    }
    run_ms(s, 3000);
    assert_null(hwi_sim_reply(s->sim, 0, requests[0]));
    requests[3] = make_call(s, 3, &barrier_all);
    for (uint32_t i = 0; i < 4; i++) {
        expect_status(s, i, requests[i], HWS_OK);
    }
    scenario_end(s);
}

static void each_group_has_a_state_of_its_own(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start_groups(2, 2);
    uint64_t requests[4];
    for (uint32_t i = 0; i < 4; i++) { // nodes 0 and 3 hold the newer one of their group
        give_state(s, i, 300000 + 100000 * (i % 2), i + 1);
        requests[i] = sync_state(s, i, 1, i == 0 || i == 3 ? 9 : 5);
    }
    for (uint32_t i = 0; i < 4; i++) {
        const struct hwi_msg_reply *reply = expect_status(s, i, requests[i], HWS_OK);
        assert_int_equal(reply->value, 9);
        assert_int_equal(reply->members_count, 2);
        expect_state(s, i, i % 2 == 0 ? 1 : 4);
    }
    everybody_all_reduces(s, 2, 1000);
    scenario_end(s);
}

// ---- deaths

static void a_group_that_died_is_missed_by_nobody(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start_groups(2, 2);
    make_call(s, 1, &reduce);
    make_call(s, 3, &reduce);
    hwi_sim_kill(s->sim, 1);
    hwi_sim_kill(s->sim, 3);
    run_ms(s, 6000);
    const struct hwi_msg_reply *view = acknowledge(s, 0);
    expect_members(s, view, 2, (uint32_t[]){0, 2});
    assert_int_equal(view->group_count, 1);
    acknowledge(s, 2);
    everybody_all_reduces(s, 2, 100);
    everybody(s, &vote_all);
    scenario_end(s);
}

// Its newcomers begin again: nobody can outvote them.
static void a_group_that_died_begins_again(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start_groups(2, 1);
    for (uint32_t i = 0; i < 2; i++) {
        give_state(s, i, 1000, i + 1);
    }
    uint64_t first[] = {sync_state(s, 0, 1, 5), sync_state(s, 1, 1, 5)};
    expect_status(s, 0, first[0], HWS_OK);
    expect_status(s, 1, first[1], HWS_OK);
    hwi_sim_kill(s->sim, 1);
    run_ms(s, 6000);
    acknowledge(s, 0);
    uint32_t newcomer = start_member_at(s, &(struct hwi_sim_place){.group = 1});
    run_ms(s, 100);
    expect_status(s, 0, admit(s, 0), HWS_OK);
    expect_open(s, newcomer, HWS_OK);
    give_state(s, newcomer, 1000, 7);
    uint64_t again = sync_state(s, newcomer, 2, 9);
    assert_int_equal(expect_status(s, newcomer, again, HWS_OK)->value, 9);
    expect_state(s, newcomer, 7);
    expect_status(s, 0, sync_state(s, 0, 2, 5), HWS_OK);
    scenario_end(s);
}

// An operation with which a group is Done is committed, although a member of another group dies.
static void a_death_elsewhere_leaves_what_is_done_committed(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start_groups(2, 2);
    hwi_sim_kill_on(s->sim, 3, HWI_MSG_request, 1);
    uint64_t requests[4];
    for (uint32_t i = 0; i < 4; i++) {
        requests[i] = make_call(s, i, &reduce);
    }
    expect_status(s, 0, requests[0], HWS_OK);
    expect_status(s, 2, requests[2], HWS_OK);
    expect_status(s, 1, requests[1], HWS_E_MEMBER_LOST);
    scenario_end(s);
}

// The survivors of each group get the same, and after that all go on. False once the chosen moment
// lies after the calls.
static bool survives(uint32_t victim, enum hwi_role role, uint32_t events)
{
    struct scenario *s = scenario_start_groups(2, 2);
    run_ms(s, 100);
    uint32_t before = hwi_sim_events(s->sim, victim, role);
    hwi_sim_kill_at(s->sim, victim, role, before + events + 1);
    uint64_t reduced[4], voted[4];
    for (uint32_t i = 0; i < 4; i++) {
        reduced[i] = make_call(s, i, &reduce);
        voted[i] = make_call(s, i, &vote_all);
    }
    hws_status run = HWS_E_PENDING;
    for (uint32_t i = 0; i < 4; i++) {
        if (!hwi_sim_until(s->sim, i, voted[i], 7 * HWI_NS_PER_S)) {
            expect(!is_up(s, i), "member %u lives and has no answer in time", i);
            continue;
        }
        hws_status status = hwi_sim_reply(s->sim, i, voted[i])->status;
        hws_status group = reply_of(s, i, reduced[i])->status;
        expect(group == HWS_OK || group == HWS_E_MEMBER_LOST, "the group got %s",
               hws_status_name(group));
        run = run == HWS_E_PENDING || run == HWS_E_VIEW || !is_up(s, i) ? status : run;
        bool same = status == run || status == HWS_E_VIEW || !is_up(s, i);
        expect(same && (run == HWS_OK) == (status == HWS_OK), "the votes ended with %s and %s",
               hws_status_name(run), hws_status_name(status));
    }
    bool died = !hwi_sim_alive(s->sim, victim);
    hwi_sim_kill_at(s->sim, victim, role, 0);
    run_ms(s, 6000);
    everybody_acknowledges(s);
    everybody_all_reduces(s, 2, 100);
    scenario_end(s);
    return died;
}

static void a_death_at_any_event_tears_nothing(void **unused)
{
    (void)unused;
    for (uint32_t victim = 0; victim < 2; victim++) {
        uint32_t events = 0;
        while (events < 20 && survives(victim, HWI_ROLE_PEER, events)) {
            events++;
        }
        expect(events > 5, "nobody died");
        for (events = 0; survives(victim, HWI_ROLE_REDUCER, events); events++) {
            expect(events < EVENTS_MAX, "an all-reduce takes too many events");
        }
    }
}

static void retry_survives_deaths_in_two_groups(void **unused)
{
    (void)unused;
    for (uint32_t events = 0; events < 12; events++) {
        struct scenario *s = scenario_start_groups(2, 2);
        hwi_sim_kill_on(s->sim, 1, HWI_MSG_commit, 1 + events / 6);
        hwi_sim_kill_on(s->sim, 2, HWI_MSG_chunk, 1 + events % 6);
        struct call call = reduce;
        call.retry = 1;
        uint64_t requests[4];
        for (uint32_t i = 0; i < 4; i++) {
            requests[i] = make_call(s, i, &call);
        }
        for (uint32_t i = 0; i < 4; i++) {
            if (is_up(s, i) && hwi_sim_until(s->sim, i, requests[i], 20 * HWI_NS_PER_S)) {
                expect_status(s, i, requests[i], HWS_OK);
            }
        }
        scenario_end(s);
    }
}

// ---- status

static void the_status_tells_groups_apart(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start_groups(2, 2);
    struct hwi_msg_status status;
    make_call(s, 0, &reduce);
    make_call(s, 3, &reduce);
    struct call elsewhere = vote_all;
    elsewhere.tag = 8;
    make_call(s, 1, &elsewhere);
    run_ms(s, 1000);
    hwi_sim_status(s->sim, &status);
    assert_int_equal(status.ops_count, 3);
    for (uint32_t i = 0; i < 2; i++) {
        const struct hwi_status_op *op = &status.ops[i];
        assert_int_equal(op->group, i);
        assert_int_equal(op->absent_in_all, 1);
        assert_int_equal(op->absent[0].value, s->peers[i == 0 ? 2 : 1]);
        assert_int_equal(op->working_in_all, 1);
    }
    assert_int_equal(status.ops[2].kind, HWI_KIND_AGREE_RUN);
    assert_int_equal(status.ops[2].absent_in_all, 3);
    scenario_end(s);
}

// A view's tags are used up by all groups together: no member is removed for the tags that others
// used.
static void tags_of_a_view_run_out(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start_groups(2, 1);
    struct call call = {.step = 1, .count = 1};
    for (uint32_t node = 0; node < 2; node++) {
        for (call.tag = 0; call.tag < HWI_TAGS_MAX / 2; call.tag++) {
            expect_status(s, node, make_call(s, node, &call), HWS_OK);
        }
    }
    expect_status(s, 1, make_call(s, 1, &call), HWS_E_LIMIT);
    everybody_acknowledges(s);
    everybody_all_reduces(s, 2, 100); // in a view that has all of them again
    scenario_end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_operation_spans_its_group),
        cmocka_unit_test(the_view_is_the_runs),
        cmocka_unit_test(members_of_different_groups_have_no_stripes),
        cmocka_unit_test(votes_span_the_group_or_the_run),
        cmocka_unit_test(a_barrier_waits_for_its_scope),
        cmocka_unit_test(each_group_has_a_state_of_its_own),
        cmocka_unit_test(a_group_that_died_is_missed_by_nobody),
        cmocka_unit_test(a_group_that_died_begins_again),
        cmocka_unit_test(a_death_elsewhere_leaves_what_is_done_committed),
        cmocka_unit_test(a_death_at_any_event_tears_nothing),
        cmocka_unit_test(retry_survives_deaths_in_two_groups),
        cmocka_unit_test(the_status_tells_groups_apart),
        cmocka_unit_test(tags_of_a_view_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
