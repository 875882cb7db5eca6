// SPDX-License-Identifier: MIT
// A member dies just before each step of a reduce-scatter, an all-gather and a broadcast: the
// survivors all get OK or all the same error, buffers in place are as they were, and the next call
// succeeds.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/deaths.h"

// Small and in one shot; large enough for several chunks of each; in place and not.
static void at_every_event(struct call call)
{
    for (uint8_t in_place = 0; in_place < 2; in_place++) {
        call.step = 1;
        call.in_place = in_place && !call.unequal;
        call.count = 1000;
        call.plan = HWI_PLAN_AUTO;
        kill_before_every_event(HWI_ROLE_REDUCER, &call);
        call.count = 120000;
        call.plan = HWI_PLAN_DIRECT;
        kill_before_every_event(HWI_ROLE_REDUCER, &call);
    }
}

static void a_death_at_any_event_of_a_reduce_scatter(void **unused)
{
    (void)unused;
    at_every_event((struct call){.kind = HWI_KIND_REDUCE_SCATTER});
}

static void a_death_at_any_event_of_an_all_gather(void **unused)
{
    (void)unused;
    at_every_event((struct call){.kind = HWI_KIND_ALL_GATHER});
}

static void a_death_at_any_event_of_an_all_gather_of_any_counts(void **unused)
{
    (void)unused;
    at_every_event((struct call){.kind = HWI_KIND_ALL_GATHER, .unequal = 1});
}

static void a_death_at_any_event_of_a_broadcast(void **unused)
{
    (void)unused;
    for (uint32_t root = 0; root < 2; root++) {
        at_every_event((struct call){.kind = HWI_KIND_BROADCAST, .root = root});
    }
}

static void a_death_at_any_event_of_the_peer(void **unused)
{
    (void)unused;
    kill_before_every_event(
        HWI_ROLE_PEER,
        &(struct call){.step = 1, .kind = HWI_KIND_BROADCAST, .count = 60000, .in_place = 1});
    kill_before_every_event(
        HWI_ROLE_PEER,
        &(struct call){.step = 1, .kind = HWI_KIND_ALL_GATHER, .count = 6000, .unequal = 1});
}

// Whichever member dies, the others continue with `retry` and succeed: with the ranks and parts of
// the survivors.
static void retry_survives_a_death(void **unused)
{
    (void)unused;
    static const uint8_t kinds[] = {HWI_KIND_REDUCE_SCATTER, HWI_KIND_ALL_GATHER,
                                    HWI_KIND_BROADCAST};
    for (uint32_t i = 0; i < 2 * HWI_COUNT(kinds); i++) {
        struct scenario *s = scenario_start(4);
        struct call call = {.step = 1,
                            .kind = kinds[i / 2],
                            .count = 300000,
                            .retry = 1,
                            .in_place = i % 2,
                            .root = 3};
        hwi_sim_kill_on(s->sim, 1, HWI_MSG_call, 1);
        for (uint32_t node = 0; node < 4; node++) {
            make_call(s, node, &call);
        }
        for (uint32_t node = 0; node < 4; node++) {
            if (node != 1) {
                const struct hwi_msg_reply *reply =
                    expect_status(s, node, s->calls[node].request, HWS_OK);
                expect_members(s, reply, 3, (uint32_t[]){0, 2, 3});
                assert_int_equal(reply->attempts, 2);
            }
        }
        scenario_end(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_death_at_any_event_of_a_reduce_scatter),
        cmocka_unit_test(a_death_at_any_event_of_an_all_gather),
        cmocka_unit_test(a_death_at_any_event_of_an_all_gather_of_any_counts),
        cmocka_unit_test(a_death_at_any_event_of_a_broadcast),
        cmocka_unit_test(a_death_at_any_event_of_the_peer),
        cmocka_unit_test(retry_survives_a_death),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
