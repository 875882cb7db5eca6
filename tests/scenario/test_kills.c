// SPDX-License-Identifier: MIT
// A member dies just before each step of an all-reduce: the survivors all get OK or all the same
// error, and their next call succeeds.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/deaths.h"

enum { MEMBERS = DEATHS_MEMBERS };

static void a_death_at_any_event_of_the_peer(void **unused)
{
    (void)unused;
    kill_before_every_event(HWI_ROLE_PEER, &(struct call){.step = 1, .count = 1000});
    kill_before_every_event(HWI_ROLE_PEER,
                            &(struct call){.step = 1, .count = 60000, .in_place = 1});
}

static void a_death_at_any_event_of_the_reducer_in_one_shot(void **unused)
{
    (void)unused;
    kill_before_every_event(HWI_ROLE_REDUCER, &(struct call){.step = 1, .count = 1000});
    kill_before_every_event(HWI_ROLE_REDUCER,
                            &(struct call){.step = 1, .count = 1000, .in_place = 1});
}

static void a_death_at_any_event_of_the_reducer_in_direct(void **unused)
{
    (void)unused;
    struct call call = {.step = 1, .count = 60000, .plan = HWI_PLAN_DIRECT};
    kill_before_every_event(HWI_ROLE_REDUCER, &call);
    call.in_place = 1;
    kill_before_every_event(HWI_ROLE_REDUCER, &call);
}

// A process that was not in the first view waits, and is admitted by the members that were.
static void all_but_one_get_on(struct scenario *s, uint32_t victim)
{
    for (uint32_t node = 0; node < MEMBERS; node++) {
        if (node != victim && hwi_sim_reply(s->sim, node, 0) != NULL) {
            expect_open(s, node, HWS_OK);
        }
    }
    everybody_acknowledges(s);
    everybody_admits(s);
    for (uint32_t node = 0; node < MEMBERS; node++) {
        if (node != victim) {
            expect_open(s, node, HWS_OK);
        }
    }
    everybody_all_reduces(s, 1, 1000);
}

static void a_death_while_the_first_view_forms(void **unused)
{
    (void)unused;
    struct hwi_sim_config config = scenario_config;
    config.first_members = 2;
    for (uint32_t n = 1; n < 8; n++) {
        for (uint32_t victim = 0; victim < MEMBERS; victim++) {
            struct scenario *s = scenario_start_with(&config, 0);
            for (uint32_t node = 0; node < MEMBERS; node++) {
                start_member(s);
            }
            hwi_sim_kill_at(s->sim, victim, HWI_ROLE_PEER, n);
            run_ms(s, RECOVERY_NS / HWI_NS_PER_MS);
            hwi_sim_kill(s->sim, victim);
            run_ms(s, RECOVERY_NS / HWI_NS_PER_MS);
            all_but_one_get_on(s, victim);
            scenario_end(s);
        }
    }
}

// Dying just before it hears the outcome, or right before the trainer would: Done was said, so it
// stands.
static void a_death_after_done_commits(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(MEMBERS);
    hwi_sim_kill_on(s->sim, 1, HWI_MSG_commit, 1);
    assert_int_equal(same_for_all(s, &(struct call){.step = 1, .count = 100}), HWS_OK);
    assert_false(hwi_sim_alive(s->sim, 1));
    scenario_end(s);
}

static void retry_survives_a_death(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(MEMBERS);
    hwi_sim_kill_on(s->sim, 1, HWI_MSG_chunk, 2);
    uint64_t requests[MEMBERS];
    struct call call = {
        .step = 1, .count = 60000, .retry = 1, .in_place = 1, .plan = HWI_PLAN_DIRECT};
    for (uint32_t node = 0; node < MEMBERS; node++) {
        requests[node] = make_call(s, node, &call);
    }
    for (uint32_t node = 0; node < MEMBERS; node += 2) {
        const struct hwi_msg_reply *reply = expect_status(s, node, requests[node], HWS_OK);
        expect_members(s, reply, 2, (uint32_t[]){0, 2});
        assert_int_equal(reply->attempts, 2);
        assert_int_equal(reply->lost_count, 1);
        assert_int_equal(reply->lost[0].value, s->peers[1]);
    }
    scenario_end(s);
}

// One member dies in the first try, another as it is Done of the second, which is committed with
// the next view: the result holds its part, and it is not named as lost.
static void a_member_that_took_part_is_not_named_as_lost(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(4);
    hwi_sim_kill_on(s->sim, 3, HWI_MSG_chunk, 2);
    hwi_sim_kill_on(s->sim, 2, HWI_MSG_op_done, 1);
    uint64_t requests[4];
    struct call call = {.step = 1, .count = 60000, .retry = 1, .plan = HWI_PLAN_DIRECT};
    for (uint32_t node = 0; node < 4; node++) {
        requests[node] = make_call(s, node, &call);
    }
    for (uint32_t node = 0; node < 2; node++) {
        const struct hwi_msg_reply *reply = expect_status(s, node, requests[node], HWS_OK);
        expect_members(s, reply, 3, (uint32_t[]){0, 1, 2});
        assert_int_equal(reply->attempts, 2);
        assert_int_equal(reply->lost_count, 0);
    }
    scenario_end(s);
}

static void retry_survives_all_deaths_but_one(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(5);
    for (uint32_t node = 1; node < 5; node++) {
        hwi_sim_kill_on(s->sim, node, HWI_MSG_chunk, 3 * node);
    }
    uint64_t request = 0;
    for (uint32_t node = 0; node < 5; node++) {
        uint64_t made = make_call(
            s, node, &(struct call){.step = 1, .count = 200000, .retry = 1, .timeout_ms = 60000});
        request = node == 0 ? made : request;
    }
    expect_members(s, expect_status(s, 0, request, HWS_OK), 1, (uint32_t[]){0});
    scenario_end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_death_at_any_event_of_the_peer),
        cmocka_unit_test(a_death_at_any_event_of_the_reducer_in_one_shot),
        cmocka_unit_test(a_death_at_any_event_of_the_reducer_in_direct),
        cmocka_unit_test(a_death_while_the_first_view_forms),
        cmocka_unit_test(a_death_after_done_commits),
        cmocka_unit_test(retry_survives_a_death),
        cmocka_unit_test(a_member_that_took_part_is_not_named_as_lost),
        cmocka_unit_test(retry_survives_all_deaths_but_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
