// SPDX-License-Identifier: MIT
// Each kind of fault that the simulator can inject, as a story of a few lines.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/tiny.h"

// Everything is in the transcript, heartbeats too; all edges are open; 100 ms have passed.
static struct hwi_sim *start(uint32_t members)
{
    struct hwi_sim_config config = tiny_config(members);
    config.heartbeats = 1;
    config.seed = 7;
    struct hwi_sim *sim = tiny_start_with(&config, members);
    tiny_run_ms(sim, 100);
    hwi_sim_mark(sim);
    return sim;
}

static void beat(struct hwi_sim *sim, uint32_t node)
{
    tiny_call(sim, node, 0, 1, 0);
}

// From node to node, over the stripes.
static void say(struct hwi_sim *sim, uint32_t from, uint32_t to, uint64_t what)
{
    tiny_call(sim, from, to + 1, what, 0);
}

static uint64_t injected(const struct hwi_sim *sim, enum hwi_sim_fault fault)
{
    return hwi_sim_fault_counts(sim)[fault];
}

static bool told(struct hwi_sim *sim, const char *line)
{
    return strstr(hwi_sim_transcript(sim), line) != NULL;
}

static void expect(struct hwi_sim *sim, const char *line)
{
    if (!told(sim, line)) {
        fail_msg("no \"%s\" in\n%s", line, hwi_sim_transcript(sim));
    }
}

static uint32_t occurrences(struct hwi_sim *sim, const char *line)
{
    uint32_t count = 0;
    for (const char *at = hwi_sim_transcript(sim); (at = strstr(at, line)) != NULL; at++) {
        count++;
    }
    return count;
}

static void one_direction_of_a_control_link_is_slower(void **unused)
{
    (void)unused;
    struct hwi_sim *sim = start(2);
    hwi_sim_link(sim, 1, HWI_SIM_MASTER, &(struct hwi_sim_link){.delay_ns = 20 * HWI_NS_PER_MS});
    beat(sim, 0);
    beat(sim, 1);
    tiny_run_ms(sim, 100);
    expect(sim, "[     105.000] process 0 > master: heartbeat{sent=1}");
    expect(sim, "[     125.000] process 1 > master: heartbeat{sent=1}");
    assert_int_equal(injected(sim, HWI_SIM_DELAYED), 1);
    tiny_finish(sim);
}

static void jitter_keeps_the_order_of_a_link_and_not_of_two(void **unused)
{
    (void)unused;
    struct hwi_sim *sim = start(2);
    hwi_sim_link(sim, 1, HWI_SIM_MASTER, &(struct hwi_sim_link){.jitter_ns = 50 * HWI_NS_PER_MS});
    for (int i = 0; i < 20; i++) {
        beat(sim, 1);
        beat(sim, 0);
        tiny_run_ms(sim, 1);
    }
    tiny_run_ms(sim, 100);
    assert_int_equal(occurrences(sim, "process 1 > master"), 20);
    char line[64];
    const char *at = hwi_sim_transcript(sim);
    for (int i = 1; i <= 20 && at != NULL; i++) {
        snprintf(line, sizeof line, "process 1 > master: heartbeat{sent=%d}", i);
        at = strstr(at, line);
    }
    assert_non_null(at);
    assert_true(injected(sim, HWI_SIM_REORDERED) > 0);
    tiny_finish(sim);
}

static void a_message_is_delivered_twice(void **unused)
{
    (void)unused;
    struct hwi_sim *sim = start(1);
    hwi_sim_link(sim, 0, HWI_SIM_MASTER, &(struct hwi_sim_link){.duplicate_in = 1});
    beat(sim, 0);
    tiny_run_ms(sim, 100);
    assert_int_equal(occurrences(sim, "heartbeat{sent=1}"), 2);
    assert_int_equal(injected(sim, HWI_SIM_DUPLICATED), 1);
    tiny_finish(sim);
}

static void a_message_that_is_cut_is_dropped_and_counted(void **unused)
{
    (void)unused;
    struct hwi_sim_costs costs;
    struct hwi_sim *sim = start(1);
    hwi_sim_link(sim, 0, HWI_SIM_MASTER, &(struct hwi_sim_link){.truncate_in = 1});
    beat(sim, 0);
    tiny_run_ms(sim, 100);
    hwi_sim_costs(sim, &costs);
    assert_false(told(sim, "heartbeat"));
    assert_int_equal(costs.control_dropped, 1);
    assert_int_equal(injected(sim, HWI_SIM_TRUNCATED), 1);
    tiny_finish(sim);
}

static void a_message_with_a_flipped_bit_is_dropped_and_counted(void **unused)
{
    (void)unused;
    struct hwi_sim_costs costs;
    struct hwi_sim *sim = start(1);
    hwi_sim_link(sim, 0, HWI_SIM_MASTER, &(struct hwi_sim_link){.flip_in = 1});
    beat(sim, 0);
    tiny_run_ms(sim, 100);
    hwi_sim_costs(sim, &costs);
    assert_false(told(sim, "heartbeat"));
    assert_int_equal(costs.control_dropped, 1);
    assert_int_equal(injected(sim, HWI_SIM_FLIPPED), 1);
    tiny_finish(sim);
}

static void a_damaged_frame_breaks_its_edge(void **unused)
{
    (void)unused;
    struct hwi_sim *sim = start(2);
    hwi_sim_link(sim, 0, 1, &(struct hwi_sim_link){.damage_in = 1});
    say(sim, 0, 1, 77);
    tiny_run_ms(sim, 100);
    assert_false(told(sim, "granted=77"));
    expect(sim, "process 0 > master: edge_lost{peer=2}");
    expect(sim, "process 1 > master: edge_lost{peer=1}");
    assert_int_equal(injected(sim, HWI_SIM_DAMAGED), 1);
    assert_null(hwi_sim_check_failure(sim));
    tiny_finish(sim);
}

static void messages_one_way_into_a_partition_wait(void **unused)
{
    (void)unused;
    struct hwi_sim *sim = start(2);
    hwi_sim_block(sim, 0, 1, true);
    hwi_sim_block(sim, 0, HWI_SIM_MASTER, true);
    say(sim, 0, 1, 77);
    say(sim, 1, 0, 78);
    beat(sim, 0);
    tiny_run_ms(sim, 1000);
    assert_false(told(sim, "granted=77"));
    assert_false(told(sim, "heartbeat"));
    expect(sim, "process 1 > process 0: grant{granted=78}");
    hwi_sim_block(sim, 0, 1, false);
    hwi_sim_block(sim, 0, HWI_SIM_MASTER, false);
    tiny_run_ms(sim, 1);
    expect(sim, "[    1100.000] process 0 > process 1: grant{granted=77}");
    expect(sim, "[    1100.000] process 0 > master: heartbeat{sent=2}");
    assert_int_equal(injected(sim, HWI_SIM_BLOCKED), 2);
    assert_int_equal(injected(sim, HWI_SIM_PARTITIONED), 0);
    tiny_finish(sim);
}

static void a_stripe_takes_little_that_cannot_arrive_and_loses_nothing(void **unused)
{
    (void)unused;
    struct hwi_sim *sim = start(2);
    hwi_sim_block(sim, 0, 1, true);
    hwi_sim_block(sim, 1, 0, true);
    for (uint32_t i = 0; i < 50; i++) {
        say(sim, 0, 1, 100 + i);
    }
    tiny_run_ms(sim, 1000);
    assert_int_equal(injected(sim, HWI_SIM_PARTITIONED), 2 * 4);
    hwi_sim_block(sim, 0, 1, false);
    hwi_sim_block(sim, 1, 0, false);
    tiny_run_ms(sim, 100);
    assert_int_equal(occurrences(sim, "process 0 > process 1: grant{granted="), 50);
    tiny_finish(sim);
}

static void nothing_is_opened_through_half_a_partition(void **unused)
{
    (void)unused;
    struct hwi_sim *sim = tiny_start(2);
    hwi_sim_block(sim, 0, 1, true); // member 1 dials; the answer cannot come
    tiny_run_ms(sim, 5000);
    assert_int_equal(tiny_opened(sim, 1), UINT64_MAX);
    tiny_run_ms(sim, 100);
    assert_int_equal(tiny_opened(sim, 1), 0);
    tiny_finish(sim);
}

static void a_silent_control_connection_is_lost_and_comes_back(void **unused)
{
    (void)unused;
    struct hwi_sim *sim = start(1);
    hwi_sim_block(sim, HWI_SIM_MASTER, 0, true);
    tiny_run_ms(sim, 14000);
    assert_int_equal(injected(sim, HWI_SIM_LOST), 0);
    tiny_run_ms(sim, 2000);
    assert_int_equal(injected(sim, HWI_SIM_LOST), 1);
    beat(sim, 0);
    tiny_run_ms(sim, 2000);
    assert_false(told(sim, "heartbeat"));
    hwi_sim_block(sim, HWI_SIM_MASTER, 0, false);
    tiny_run_ms(sim, 2000);
    expect(sim, "process 0 > master: heartbeat{sent=1}");
    tiny_finish(sim);
}

static void a_lost_control_connection_loses_what_is_under_way(void **unused)
{
    (void)unused;
    struct hwi_sim *sim = start(1);
    beat(sim, 0);
    tiny_run_ms(sim, 2);
    hwi_sim_control_lose(sim, 0, 500 * HWI_NS_PER_MS);
    beat(sim, 0);
    tiny_run_ms(sim, 400);
    assert_false(told(sim, "heartbeat"));
    tiny_run_ms(sim, 400);
    assert_false(told(sim, "heartbeat{sent=1}"));
    expect(sim, "[     607.000] process 0 > master: heartbeat{sent=2}");
    assert_int_equal(injected(sim, HWI_SIM_LOST), 1);
    tiny_finish(sim);
}

static void a_clogged_link_holds_everything_and_breaks_nothing(void **unused)
{
    (void)unused;
    struct hwi_sim *sim = start(2);
    hwi_sim_node_link(sim, 1, &(struct hwi_sim_link){.bytes_per_s = 1});
    say(sim, 0, 1, 77);
    say(sim, 0, 1, 78);
    beat(sim, 1);
    beat(sim, 1);
    tiny_run_ms(sim, 1000);
    assert_false(told(sim, "grant{"));
    assert_false(told(sim, "heartbeat"));
    hwi_sim_node_link(sim, 1, NULL);
    tiny_run_ms(sim, 60);
    expect(sim, "grant{granted=77}");
    expect(sim, "grant{granted=78}");
    expect(sim, "heartbeat{sent=1}");
    expect(sim, "heartbeat{sent=2}");
    assert_int_equal(injected(sim, HWI_SIM_CLOGGED), 4);
    tiny_finish(sim);
}

static void a_slow_node_is_slow_on_all_its_links(void **unused)
{
    (void)unused;
    struct hwi_sim *sim = start(2);
    hwi_sim_node_link(sim, 1, &(struct hwi_sim_link){.delay_ns = 300 * HWI_NS_PER_MS});
    beat(sim, 1);
    say(sim, 0, 1, 77);
    tiny_run_ms(sim, 1000);
    expect(sim, "[     405.000] process 1 > master: heartbeat{sent=1}");
    expect(sim, "[     401.125] process 0 > process 1: grant{granted=77}");
    assert_int_equal(injected(sim, HWI_SIM_SLOWED), 2);
    tiny_finish(sim);
}

static void a_restarted_process_is_another_member_on_the_same_node(void **unused)
{
    (void)unused;
    struct hwi_sim *sim = start(2);
    uint64_t before = hwi_sim_incarnation(sim, 1);
    hwi_sim_restart(sim, 1, 1);
    tiny_run_ms(sim, 100);
    assert_true(hwi_sim_alive(sim, 1));
    assert_int_not_equal(hwi_sim_incarnation(sim, 1), before);
    expect(sim, "process 0 > master: edge_lost{peer=2}");
    expect(sim, "process 1.1 > master: registration{incarnation=1002 address=\"sim:1\"}");
    assert_int_equal(injected(sim, HWI_SIM_KILLED), 1);
    assert_int_equal(injected(sim, HWI_SIM_RESTARTED), 1);
    tiny_finish(sim);
}

static void members_wait_for_a_restarted_master(void **unused)
{
    (void)unused;
    struct hwi_sim *sim = start(1);
    hwi_sim_kill(sim, HWI_SIM_MASTER);
    beat(sim, 0);
    tiny_run_ms(sim, 3000);
    assert_false(hwi_sim_alive(sim, HWI_SIM_MASTER));
    assert_false(told(sim, "heartbeat"));
    hwi_sim_restart(sim, HWI_SIM_MASTER, 0);
    tiny_run_ms(sim, 2000);
    expect(sim, "process 0 > master: heartbeat{sent=1}");
    tiny_finish(sim);
}

static void doze(struct hwi_sim *sim, uint32_t node, uint64_t ms)
{
    tiny_call(sim, node, 0, TINY_SLEEPS, ms);
    tiny_run_ms(sim, 1);
}

static void a_clock_that_jumps_brings_deadlines_forward(void **unused)
{
    (void)unused;
    struct hwi_sim *sim = start(2);
    doze(sim, 0, 10000);
    hwi_sim_clock_jump(sim, 0, 20 * HWI_NS_PER_S);
    tiny_run_ms(sim, 9);
    expect(sim, "[     106.000] process 0 > master: heartbeat{sent=20101}");
    assert_int_equal(injected(sim, HWI_SIM_JUMPED), 1);
    tiny_finish(sim);
}

static void a_clock_that_runs_fast_wakes_early(void **unused)
{
    (void)unused;
    struct hwi_sim *sim = start(2);
    hwi_sim_clock_rate(sim, 0, 250000);
    hwi_sim_clock_rate(sim, 1, -500000);
    doze(sim, 0, 1000);
    doze(sim, 1, 1000);
    tiny_run_ms(sim, 3000);
    expect(sim, "[     905.000] process 0 > master: heartbeat{sent=1100}");
    expect(sim, "[    2106.000] process 1 > master: heartbeat{sent=1100}");
    assert_int_equal(injected(sim, HWI_SIM_SKEWED), 2);
    tiny_finish(sim);
}

static void each_fault_has_a_name(void **unused)
{
    (void)unused;
    for (int i = 0; i < HWI_SIM_FAULTS; i++) {
        assert_non_null(hwi_sim_fault_name((enum hwi_sim_fault)i));
    }
}

static uint64_t digest_of_a_bad_day(uint64_t seed, enum hwi_sim_digest kind)
{
    struct hwi_sim_config config = tiny_config(4);
    config.seed = seed;
    config.digest = (uint8_t)kind;
    struct hwi_sim *sim = tiny_start_with(&config, 4);
    for (uint32_t node = 0; node < 4; node++) {
        hwi_sim_node_link(sim, node,
                          &(struct hwi_sim_link){.jitter_ns = 9 * HWI_NS_PER_MS,
                                                 .duplicate_in = 3,
                                                 .truncate_in = 5,
                                                 .damage_in = 7});
    }
    for (uint64_t i = 0; i < 40; i++) {
        beat(sim, i % 4);
        say(sim, i % 4, (i + 1) % 4, i);
        tiny_run_ms(sim, 3);
    }
    tiny_run_ms(sim, 100);
    uint64_t digest = hwi_sim_digest(sim);
    tiny_finish(sim);
    return digest;
}

static void the_seed_alone_makes_the_run(void **unused)
{
    (void)unused;
    for (int kind = HWI_SIM_DIGEST_FULL; kind <= HWI_SIM_DIGEST_LIGHT; kind++) {
        enum hwi_sim_digest digest = (enum hwi_sim_digest)kind;
        assert_int_equal(digest_of_a_bad_day(1, digest), digest_of_a_bad_day(1, digest));
        assert_int_not_equal(digest_of_a_bad_day(1, digest), digest_of_a_bad_day(2, digest));
    }
}

// A tensor that nobody announced: the data port cannot send it.
static void step_wild(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    (void)state;
    if (event->from.role == HWI_ROLE_PEER) {
        (void)HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_DATA, 0), reduce);
    }
}

static void a_check_that_fails_outside_of_actors_ends_the_process(void **unused)
{
    (void)unused;
    struct hwi_actor_ops wild = tiny_reducer;
    struct hwi_sim_config config = tiny_config(2);
    wild.step = step_wild;
    config.actors[HWI_ROLE_REDUCER] = &wild;
    struct hwi_sim *sim = tiny_start_with(&config, 2);
    tiny_run_ms(sim, 100);
    say(sim, 0, 1, 77);
    tiny_run_ms(sim, 100);
    assert_non_null(hwi_sim_check_failure(sim));
    assert_non_null(strstr(hwi_sim_check_failure(sim), "process 0's process"));
    assert_false(hwi_sim_alive(sim, 0));
    expect(sim, "process 1 > master: edge_lost{peer=1}");
    hwi_sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_direction_of_a_control_link_is_slower),
        cmocka_unit_test(jitter_keeps_the_order_of_a_link_and_not_of_two),
        cmocka_unit_test(a_message_is_delivered_twice),
        cmocka_unit_test(a_message_that_is_cut_is_dropped_and_counted),
        cmocka_unit_test(a_message_with_a_flipped_bit_is_dropped_and_counted),
        cmocka_unit_test(a_damaged_frame_breaks_its_edge),
        cmocka_unit_test(messages_one_way_into_a_partition_wait),
        cmocka_unit_test(a_stripe_takes_little_that_cannot_arrive_and_loses_nothing),
        cmocka_unit_test(nothing_is_opened_through_half_a_partition),
        cmocka_unit_test(a_silent_control_connection_is_lost_and_comes_back),
        cmocka_unit_test(a_lost_control_connection_loses_what_is_under_way),
        cmocka_unit_test(a_clogged_link_holds_everything_and_breaks_nothing),
        cmocka_unit_test(a_slow_node_is_slow_on_all_its_links),
        cmocka_unit_test(a_restarted_process_is_another_member_on_the_same_node),
        cmocka_unit_test(members_wait_for_a_restarted_master),
        cmocka_unit_test(a_clock_that_jumps_brings_deadlines_forward),
        cmocka_unit_test(a_clock_that_runs_fast_wakes_early),
        cmocka_unit_test(each_fault_has_a_name),
        cmocka_unit_test(the_seed_alone_makes_the_run),
        cmocka_unit_test(a_check_that_fails_outside_of_actors_ends_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
