// SPDX-License-Identifier: MIT
// Units: all processes of one sharded trainer come in together and go out together.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/scenario.h"

enum { EVENTS = 14 };

static uint32_t start_of(struct scenario *s, const char *unit, uint32_t size, uint32_t group)
{
    return start_member_at(
        s, &(struct hwi_sim_place){.group = group, .unit = unit, .unit_size = size});
}

// Units "a" (nodes 0, 1) and "b" (nodes 2, 3), each with a process of group 0 and one of group 1.
static struct scenario *start_two_units(void)
{
    struct hwi_sim_config config = scenario_config;
    config.first_members = 4;
    struct scenario *s = scenario_start_with(&config, 0);
    for (uint32_t i = 0; i < 4; i++) {
        start_of(s, i < 2 ? "a" : "b", 2, i % 2);
    }
    for (uint32_t i = 0; i < 4; i++) {
        expect_open(s, i, HWS_OK);
    }
    return s;
}

static void expect_reason(struct scenario *s, uint32_t node, hws_status status, const char *part)
{
    expect_open(s, node, status);
    const char *reason = reply_of(s, node, 0)->reason;
    expect(strstr(reason, part) != NULL, "member %u was told \"%s\"", node, reason);
}

static void a_unit_waits_until_it_is_whole(void **unused)
{
    (void)unused;
    struct scenario *s = start_two_units();
    uint32_t first = start_of(s, "c", 3, 0);
    uint32_t alone = start_member(s);
    run_ms(s, 100);
    start_of(s, "c", 3, 1);
    run_ms(s, 100);
    struct call call = {.step = 1, .count = 10};
    uint64_t seen[4];
    for (uint32_t i = 0; i < 4; i++) {
        seen[i] = make_call(s, i, &call);
    }
    for (uint32_t i = 0; i < 4; i++) { // two of three do not count
        assert_int_equal(expect_status(s, i, seen[i], HWS_OK)->pending, 1);
    }
    everybody_admits(s);
    expect_open(s, alone, HWS_OK);
    assert_null(hwi_sim_reply(s->sim, first, 0));
    start_of(s, "c", 3, 1);
    run_ms(s, 100);
    everybody_admits(s);
    for (uint32_t i = 4; i < 8; i++) {
        expect_open(s, i, HWS_OK);
    }
    const struct hwi_msg_reply *view = acknowledge(s, 0);
    assert_int_equal(view->run_members, 8);
    everybody_all_reduces(s, 2, 1000);
    scenario_end(s);
}

// A process that never comes keeps its unit waiting, and nobody else.
static void a_unit_that_never_is_whole_holds_nobody_up(void **unused)
{
    (void)unused;
    struct scenario *s = start_two_units();
    uint32_t waits = start_of(s, "c", 2, 0);
    run_ms(s, 100);
    for (uint32_t round = 0; round < 3; round++) {
        everybody_admits(s);
        everybody_all_reduces(s, 1 + round, 100);
    }
    run_ms(s, 61000); // it gives up by itself
    expect_open(s, waits, HWS_E_NOT_ADMITTED);
    scenario_end(s);
}

static void a_place_that_is_taken_is_refused(void **unused)
{
    (void)unused;
    struct scenario *s = start_two_units();
    uint32_t third = start_of(s, "a", 2, 0);
    expect_reason(s, third, HWS_E_REFUSED, "unit a has all its 2 processes already");
    start_of(s, "c", 3, 0);
    run_ms(s, 100);
    uint32_t other_size = start_of(s, "c", 2, 1);
    expect_reason(s, other_size, HWS_E_REFUSED, "unit c has 2 processes for it, 3 for the others");
    everybody_all_reduces(s, 1, 100);
    scenario_end(s);
}

// The others of it return EVICTED, and what they were in is decided by those that stay.
static void a_unit_is_removed_whole(void **unused)
{
    (void)unused;
    struct scenario *s = start_two_units();
    struct call call = {.step = 1, .count = 60000, .retry = 1, .in_place = 1};
    uint64_t requests[4];
    for (uint32_t i = 0; i < 4; i++) {
        requests[i] = i == 3 ? 0 : make_call(s, i, &call);
    }
    run_ms(s, 100);
    hwi_sim_kill(s->sim, 3); // of group 1, as node 1
    const struct hwi_msg_reply *out = reply_of(s, 2, requests[2]);
    expect(out->status == HWS_OK || out->status == HWS_E_EVICTED, "it got %s",
           hws_status_name(out->status));
    uint64_t after = make_call(s, 2, &(struct call){.step = 9, .count = 10});
    const struct hwi_msg_reply *evicted = expect_status(s, 2, after, HWS_E_EVICTED);
    assert_non_null(strstr(evicted->reason, "member 4 of its unit was removed"));
    expect_members(s, expect_status(s, 1, requests[1], HWS_OK), 1, (uint32_t[]){1});
    expect_status(s, 0, requests[0], HWS_OK);
    run_ms(s, 6000);
    everybody_acknowledges(s);
    everybody_all_reduces(s, 2, 100);
    expect_members(s, acknowledge(s, 0), 2, (uint32_t[]){0, 1});
    scenario_end(s);
}

static void a_unit_that_was_removed_comes_back_whole(void **unused)
{
    (void)unused;
    struct scenario *s = start_two_units();
    hwi_sim_kill(s->sim, 3);
    run_ms(s, 6000);
    hwi_sim_restart(s->sim, 2, 1);
    hwi_sim_restart(s->sim, 3, 1);
    s->peers[2] = s->peers[3] = 0;
    s->out[2] = s->out[3] = false;
    run_ms(s, 100);
    everybody_acknowledges(s);
    everybody_admits(s);
    expect_open(s, 2, HWS_OK);
    expect_open(s, 3, HWS_OK);
    everybody_all_reduces(s, 1, 1000);
    scenario_end(s);
}

static void a_leaving_member_takes_its_unit_along(void **unused)
{
    (void)unused;
    struct scenario *s = start_two_units();
    trainer_close(s->sim, 1);
    run_ms(s, 1500);
    expect_status(s, 0, make_call(s, 0, &(struct call){.step = 1, .count = 1}), HWS_E_EVICTED);
    everybody_acknowledges(s);
    everybody_all_reduces(s, 2, 100);
    scenario_end(s);
}

// Of a unit that is being admitted one dies at any of its events: in the end the unit is in whole
// or not at all, and the members go on.
static void a_death_while_a_unit_joins(void **unused)
{
    (void)unused;
    for (uint32_t n = 1; n < EVENTS; n++) {
        struct scenario *s = start_two_units();
        uint32_t lives = start_of(s, "c", 2, 0), dies = start_of(s, "c", 2, 1);
        hwi_sim_kill_at(s->sim, dies, HWI_ROLE_PEER, n);
        run_ms(s, 100);
        uint64_t votes[4];
        for (uint32_t i = 0; i < 4; i++) {
            votes[i] = make_call(s, i, &(struct call){.kind = HWI_KIND_ADMIT, .timeout_ms = 30000});
        }
        for (uint32_t i = 0; i < 4; i++) {
            hws_status status = reply_of(s, i, votes[i])->status;
            expect(status == HWS_OK || status == HWS_E_MEMBER_LOST, "member %u got %s", i,
                   hws_status_name(status));
        }
        run_ms(s, 100);
        hwi_sim_kill(s->sim, dies);
        run_ms(s, 12000);
        const struct hwi_msg_reply *view = acknowledge(s, 0);
        expect_members(s, view, 4, (uint32_t[]){0, 1, 2, 3});
        const struct hwi_msg_reply *opened = hwi_sim_reply(s->sim, lives, 0);
        if (opened != NULL && opened->status == HWS_OK) {
            expect_open(s, lives, HWS_OK);
            uint64_t call = make_call(s, lives, &(struct call){.step = 1, .count = 1});
            expect_status(s, lives, call, HWS_E_EVICTED);
        }
        for (uint32_t i = 1; i < 4; i++) {
            acknowledge(s, i);
        }
        everybody_all_reduces(s, 2, 100);
        scenario_end(s);
    }
}

static void the_status_shows_groups_and_units(void **unused)
{
    (void)unused;
    struct scenario *s = start_two_units();
    struct hwi_msg_status status;
    hwi_sim_status(s->sim, &status);
    assert_int_equal(status.members_count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(status.members[i].group, i % 2);
        assert_string_equal(status.members[i].unit, i < 2 ? "a" : "b");
        assert_int_equal(status.members[i].unit_size, 2);
    }
    scenario_end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unit_waits_until_it_is_whole),
        cmocka_unit_test(a_unit_that_never_is_whole_holds_nobody_up),
        cmocka_unit_test(a_place_that_is_taken_is_refused),
        cmocka_unit_test(a_unit_is_removed_whole),
        cmocka_unit_test(a_unit_that_was_removed_comes_back_whole),
        cmocka_unit_test(a_leaving_member_takes_its_unit_along),
        cmocka_unit_test(a_death_while_a_unit_joins),
        cmocka_unit_test(the_status_shows_groups_and_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
