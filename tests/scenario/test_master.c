// SPDX-License-Identifier: MIT
// The master dies and is started again, with its view file or without.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hawser/types.h>

#include "tests/support/scenario.h"

static struct scenario *start(uint8_t durable)
{
    struct hwi_sim_config config = scenario_config;
    config.first_members = 3;
    config.durable = durable;
    struct scenario *s = scenario_start_with(&config, 3);
    everybody_all_reduces(s, 1, 100);
    return s;
}

static void restart_master(struct scenario *s, uint64_t ms)
{
    hwi_sim_kill(s->sim, HWI_SIM_MASTER);
    run_ms(s, ms);
    hwi_sim_restart(s->sim, HWI_SIM_MASTER, 0);
    run_ms(s, 3000);
}

// Three others take the places of those that were told to join again; returns their view.
static uint64_t begin_again(struct scenario *s)
{
    uint64_t view = 0;
    for (uint32_t i = 0; i < 3; i++) {
        trainer_close(s->sim, i);
        start_member(s);
    }
    for (uint32_t i = 3; i < 6; i++) {
        expect_open(s, i, HWS_OK);
        view = hwi_sim_reply(s->sim, i, 0)->view;
    }
    return view;
}

static void a_call_over_the_death_of_the_master_is_answered(void **unused)
{
    (void)unused;
    struct scenario *s = start(1);
    uint64_t calls[3];
    for (uint32_t i = 0; i < 3; i++) {
        calls[i] = all_reduce(s, i, 2, 100);
    }
    run_ms(s, 3); // all hold the result, nobody knows whether it counts
    restart_master(s, 2000);
    for (uint32_t i = 0; i < 3; i++) {
        expect_status(s, i, calls[i], HWS_E_EVICTED);
    }
    scenario_end(s);
}

static void views_are_counted_on_from_the_file(void **unused)
{
    (void)unused;
    struct scenario *s = start(1);
    uint64_t before = hwi_sim_reply(s->sim, 0, 0)->view;
    restart_master(s, 500);
    assert_true(begin_again(s) > before);
    scenario_end(s);
}

static void without_a_file_it_is_another_run(void **unused)
{
    (void)unused;
    struct scenario *s = start(0);
    restart_master(s, 500);
    begin_again(s);
    scenario_end(s);
}

// Without its file the master uses up no number, so the survivors wait for a view.
static void a_disk_that_was_full_for_a_while_costs_nothing_but_time(void **unused)
{
    (void)unused;
    struct scenario *s = start(1);
    hwi_sim_disk_full(s->sim, true);
    hwi_sim_kill(s->sim, 2);
    uint64_t calls[2] = {all_reduce(s, 0, 2, 100), all_reduce(s, 1, 2, 100)};
    run_ms(s, 4000);
    for (uint32_t i = 0; i < 2; i++) {
        assert_null(hwi_sim_peek(s->sim, i, calls[i]));
    }
    hwi_sim_disk_full(s->sim, false);
    for (uint32_t i = 0; i < 2; i++) {
        assert_string_equal(expect_status(s, i, calls[i], HWS_E_MEMBER_LOST)->trouble, "");
    }
    everybody_acknowledges(s);
    everybody_all_reduces(s, 3, 100);
    scenario_end(s);
}

static void a_call_that_ends_over_a_full_disk_says_so(void **unused)
{
    (void)unused;
    struct scenario *s = start(1);
    hwi_sim_disk_full(s->sim, true);
    hwi_sim_kill(s->sim, 2);
    uint64_t calls[2] = {all_reduce(s, 0, 2, 100), all_reduce(s, 1, 2, 100)};
    for (uint32_t i = 0; i < 2; i++) {
        const struct hwi_msg_reply *reply = expect_status(s, i, calls[i], HWS_E_OUTCOME_UNKNOWN);
        assert_string_equal(reply->trouble, "cannot write its state file: no room (simulated)");
    }
    struct hwi_msg_status status;
    hwi_sim_status(s->sim, &status);
    assert_string_equal(status.trouble, "cannot write its state file: no room (simulated)");
    scenario_end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_over_the_death_of_the_master_is_answered),
        cmocka_unit_test(views_are_counted_on_from_the_file),
        cmocka_unit_test(without_a_file_it_is_another_run),
        cmocka_unit_test(a_disk_that_was_full_for_a_while_costs_nothing_but_time),
        cmocka_unit_test(a_call_that_ends_over_a_full_disk_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
