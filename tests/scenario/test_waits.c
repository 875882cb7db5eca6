// SPDX-License-Identifier: MIT
// Where an operation's time went: waiting for members, for the decision, for others' room.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/scenario.h"

enum { MEMBERS = 3, LATE_MS = 300 };

static void expect_near(uint64_t us, uint64_t wanted_us)
{
    expect(us + 2000 >= wanted_us && us <= wanted_us + 2000, "%llu us, not %llu",
           (unsigned long long)us, (unsigned long long)wanted_us);
}

// Member 2 calls late: the others wait for it, it waits for nobody; a decision takes a round trip.
static void the_late_one_is_waited_for(const struct call *call, uint64_t commit_us)
{
    struct scenario *s = scenario_start(MEMBERS);
    uint64_t requests[MEMBERS];
    for (uint32_t node = 0; node < MEMBERS; node++) {
        run_ms(s, node == 2 ? LATE_MS : 0);
        requests[node] = make_call(s, node, call);
    }
    for (uint32_t node = 0; node < MEMBERS; node++) {
        const struct hwi_msg_reply *reply = expect_status(s, node, requests[node], HWS_OK);
        uint64_t waited_us = node == 2 ? 0 : LATE_MS * 1000;
        expect_near(reply->members_us, waited_us + (commit_us > 0 ? 0 : 10000));
        expect_near(reply->commit_us, commit_us);
        assert_int_equal(reply->credit_us, 0);
    }
    struct hwi_msg_status status; // the master says so, whatever the order in which they are Done
    hwi_sim_status(s->sim, &status);
    for (uint32_t node = 0; node < MEMBERS; node++) {
        assert_int_equal(status.members[node].facts.last, node == 2);
    }
    scenario_end(s);
}

static void an_all_reduce(void **unused)
{
    (void)unused;
    the_late_one_is_waited_for(&(struct call){.step = 1, .count = 100}, 10000);
    the_late_one_is_waited_for(&(struct call){.step = 1, .count = 100000}, 10000);
}

static void a_vote_waits_for_members_only(void **unused)
{
    (void)unused;
    the_late_one_is_waited_for(
        &(struct call){.kind = HWI_KIND_AGREE, .redop = HWI_AGREE_MIN, .step = 1}, 0);
}

// Over slow links the owner's room is the limit of a large tensor.
static void a_large_tensor_waits_for_room(void **unused)
{
    (void)unused;
    struct hwi_sim_config config = scenario_config;
    config.edge_bytes_per_s = 100000000;
    struct scenario *s = scenario_start_with(&config, 2);
    const uint64_t count = 10 << 20; // 20 MiB for each owner, of which 8 MiB have room
    uint64_t requests[2] = {all_reduce(s, 0, 1, count), all_reduce(s, 1, 1, count)};
    for (uint32_t node = 0; node < 2; node++) {
        const struct hwi_msg_reply *reply = expect_status(s, node, requests[node], HWS_OK);
        assert_true(reply->credit_us > 50000 && reply->credit_us < 1000000);
        assert_true(reply->members_us < 10000);
    }
    scenario_end(s);
}

// All attempts count.
static void aborted_attempts_count(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(MEMBERS);
    struct call call = {.step = 1, .count = 100, .retry = 1, .timeout_ms = 30000};
    uint64_t requests[] = {make_call(s, 0, &call), make_call(s, 1, &call)};
    run_ms(s, LATE_MS);
    hwi_sim_kill(s->sim, 2);
    for (uint32_t node = 0; node < 2; node++) {
        const struct hwi_msg_reply *reply = expect_status(s, node, requests[node], HWS_OK);
        assert_int_equal(reply->attempts, 2);
        assert_true(reply->members_us >= LATE_MS * 1000);
    }
    scenario_end(s);
}

static void expect_absent(const struct hwi_msg_reply *reply, uint32_t node, uint32_t in_all)
{
    expect(reply->fault.absent == reply->members[node].value &&
               reply->fault.absent_in_all == in_all,
           "member %llu and %u in all are said to be absent",
           (unsigned long long)reply->fault.absent, reply->fault.absent_in_all);
    expect(reply->fault.waited_ms >= 1000 && reply->fault.waited_ms < 1500, "after %u ms",
           reply->fault.waited_ms);
}

// A call that comes shortly before another's deadline counts: the master asks.
static void a_deadline_names_the_absent_one(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(MEMBERS);
    struct call call = {.step = 1, .count = 100, .tag = 7, .timeout_ms = 1000};
    uint64_t first = make_call(s, 0, &call);
    run_ms(s, 970);
    uint64_t second = make_call(s, 1, &call);
    const struct hwi_msg_reply *reply = expect_status(s, 0, first, HWS_E_TIMEOUT);
    expect_absent(reply, 2, 1);
    assert_int_equal(reply->fault.other_kind, HWI_KIND_NONE);
    expect_absent(expect_status(s, 1, second, HWS_E_WITHDRAWN), 2, 1);
    scenario_end(s);
}

static void a_deadline_names_votes_that_are_missing(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(MEMBERS);
    struct call call = {.kind = HWI_KIND_AGREE, .redop = HWI_AGREE_MIN, .timeout_ms = 1000};
    expect_absent(expect_status(s, 1, make_call(s, 1, &call), HWS_E_TIMEOUT), 0, 2);
    scenario_end(s);
}

static void swapped_tags_are_named_at_the_deadline(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(2);
    struct call five = {.step = 1, .count = 100, .tag = 5, .timeout_ms = 1000};
    struct call six = {.step = 1, .count = 100, .tag = 6, .timeout_ms = 9000};
    uint64_t one = make_call(s, 0, &five), other = make_call(s, 1, &six);
    const struct hwi_msg_reply *reply = expect_status(s, 0, one, HWS_E_TIMEOUT);
    expect_absent(reply, 1, 1);
    assert_int_equal(reply->fault.other_kind, HWI_KIND_ALL_REDUCE);
    assert_int_equal(reply->fault.other_tag, 6);
    expect_status(s, 1, other, HWS_E_WITHDRAWN);
    scenario_end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deadline_names_the_absent_one),
        cmocka_unit_test(a_deadline_names_votes_that_are_missing),
        cmocka_unit_test(swapped_tags_are_named_at_the_deadline),
        cmocka_unit_test(an_all_reduce),
        cmocka_unit_test(a_vote_waits_for_members_only),
        cmocka_unit_test(a_large_tensor_waits_for_room),
        cmocka_unit_test(aborted_attempts_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
