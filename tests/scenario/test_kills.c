// SPDX-License-Identifier: MIT
// A member dies just before each step of an all-reduce: the survivors all get OK or all the same
// error, and their next call succeeds.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/scenario.h"

enum { MEMBERS = 3, STEPS_MAX = 500 };

// What detection, the next view and the second call may take together.
#define RECOVERY_NS (6 * HWI_NS_PER_S)

struct death {
    uint32_t victim;
    enum hwi_role role;
    uint32_t events; // of the role, handled after the members' opening; it dies at the next
};

// One step by everybody that was there, some perhaps dying: the living got the same status.
static hws_status same_for_all(struct scenario *s, const struct call *call)
{
    uint64_t requests[MEMBERS];
    hws_status first = HWS_E_PENDING;
    for (uint32_t node = 0; node < MEMBERS; node++) {
        requests[node] = make_call(s, node, call);
    }
    for (uint32_t node = 0; node < MEMBERS; node++) {
        if (!hwi_sim_until(s->sim, node, requests[node], RECOVERY_NS)) {
            expect(!is_up(s, node), "member %u lives and has no answer in time", node);
            continue;
        }
        hws_status status = hwi_sim_reply(s->sim, node, requests[node])->status;
        if (is_up(s, node)) {
            first = first == HWS_E_PENDING ? status : first;
            expect(status == first, "member %u got %s, another survivor %s", node,
                   hws_status_name(status), hws_status_name(first));
        }
    }
    return first;
}

// Returns false once the chosen moment lies after the all-reduce.
static bool survives(const struct death *death, const struct call *call)
{
    struct scenario *s = scenario_start(MEMBERS);
    run_ms(s, 100);
    uint32_t before = hwi_sim_events(s->sim, death->victim, death->role);
    hwi_sim_kill_at(s->sim, death->victim, death->role, before + death->events + 1);
    hws_status status = same_for_all(s, call);
    bool died = !hwi_sim_alive(s->sim, death->victim);
    expect(status == HWS_OK || (died && status == HWS_E_MEMBER_LOST), "the survivors got %s",
           hws_status_name(status));
    hwi_sim_kill_at(s->sim, death->victim, death->role, 0);
    run_ms(s, RECOVERY_NS / HWI_NS_PER_MS);
    everybody_acknowledges(s);
    everybody_all_reduces(s, 2, call->count);
    scenario_end(s);
    return died;
}

static void kill_before_every_event(enum hwi_role role, const struct call *call)
{
    for (uint32_t victim = 0; victim < MEMBERS; victim++) {
        uint32_t events = 0;
        while (survives(&(struct death){victim, role, events}, call)) {
            expect(++events < STEPS_MAX, "an all-reduce takes too many events");
            if (role == HWI_ROLE_PEER && events > 20) {
                break; // nothing but heartbeats comes after that
            }
        }
        expect(events > 2, "nobody died");
    }
}

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

// Whoever was not in the first view waits, and is admitted by those who were.
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
    config.min_members = 2;
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
    struct call call = {.step = 1, .count = 60000, .retry = 1, .in_place = 1,
                        .plan = HWI_PLAN_DIRECT};
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

static void retry_survives_all_deaths_but_one(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(5);
    for (uint32_t node = 1; node < 5; node++) {
        hwi_sim_kill_on(s->sim, node, HWI_MSG_chunk, 3 * node);
    }
    uint64_t request = 0;
    for (uint32_t node = 0; node < 5; node++) {
        uint64_t made = make_call(s, node, &(struct call){.step = 1, .count = 200000, .retry = 1,
                                                          .timeout_ms = 60000});
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
        cmocka_unit_test(retry_survives_all_deaths_but_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
