// SPDX-License-Identifier: MIT
// Some hundred seeds of `hawser sim`, and that the machinery can fail: SEED=n [SEEDS=k] in the
// environment runs other seeds.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/swarm/swarm.h"

enum { SEEDS = 200, TWICE_EVERY = 20, REPLAYED_EVERY = 10, KINDS_SEEDS = 20 };

static const struct swarm_config standard = {.seed = 1, .peers_least = 3, .peers_most = 16};

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static void expect_ok(const struct swarm_config *config, struct swarm_outcome *outcome)
{
    char command[SWARM_LIST_BYTES_MAX];
    swarm_run(config, outcome);
    if (outcome->verdict != SWARM_OK) {
        swarm_command(config, command, sizeof command);
        fail_msg("%s: %s\n%s", swarm_verdict_name((enum swarm_verdict)outcome->verdict),
                 outcome->sentence, command);
    }
}

static void seeds_hold(void **unused)
{
    (void)unused;
    uint64_t first = number_from("SEED", 1);
    uint64_t count = number_from("SEEDS", getenv("SEED") != NULL ? 1 : SEEDS);
    uint64_t batches = 0, cut = 0;
    for (uint64_t seed = first; seed < first + count; seed++) {
        struct swarm_config config = standard;
        struct swarm_outcome outcome;
        config.seed = seed;
        config.twice = seed % TWICE_EVERY == 0;
        config.replayed = seed % REPLAYED_EVERY == 1;
        expect_ok(&config, &outcome);
        batches += outcome.batches;
        cut += outcome.batches_cut;
    }
    assert_true(count < SEEDS || (batches > cut && cut > 0));
}

// A transcript's number belongs to its seed, however it came to run.
static void equal_configs_run_equally(void **unused)
{
    (void)unused;
    struct swarm_config drawn = standard, fixed = standard;
    struct swarm_outcome one, two, other;
    drawn.seed = fixed.seed = 77;
    swarm_run(&drawn, &one);
    fixed.peers_least = fixed.peers_most = one.peers;
    fixed.steps = one.steps;
    fixed.transcript = true;
    swarm_run(&fixed, &two);
    fixed.seed++;
    swarm_run(&fixed, &other);
    assert_true(one.digest == two.digest);
    assert_true(one.digest != other.digest);
}

static void every_kind_of_fault_strikes(void **unused)
{
    (void)unused;
    uint32_t missing = SWARM_KINDS;
    uint64_t struck[SWARM_KINDS] = {0};
    for (uint64_t seed = 1; seed <= KINDS_SEEDS && missing > 0; seed++) {
        struct swarm_config config = {
            .seed = seed, .peers_least = 6, .peers_most = 6, .steps = 8, .faults = "all"};
        struct swarm_outcome outcome;
        expect_ok(&config, &outcome);
        missing = 0;
        for (uint32_t kind = 0; kind < SWARM_KINDS; kind++) {
            struck[kind] += outcome.struck[kind];
            missing += struck[kind] == 0;
        }
    }
    assert_int_equal(missing, 0);
}

static void without_faults_nothing_strikes(void **unused)
{
    (void)unused;
    struct swarm_config config = {.seed = 5, .peers_least = 4, .peers_most = 4, .faults = "none"};
    struct swarm_outcome outcome;
    swarm_run(&config, &outcome);
    assert_int_equal(outcome.verdict, SWARM_OK);
    for (uint32_t kind = 0; kind < SWARM_KINDS; kind++) {
        assert_int_equal(outcome.struck[kind], 0);
    }
}

// ---- texts

static void specs_are_read(void **unused)
{
    (void)unused;
    struct swarm_spec spec;
    char error[128];
    assert_true(swarm_spec_parse("kill=0.5,one-way", &spec, error, sizeof error));
    assert_int_equal(spec.kinds[SWARM_kill].how, SWARM_RATE);
    assert_int_equal(spec.kinds[SWARM_kill].rate, 500);
    assert_int_equal(spec.kinds[SWARM_one_way].how, SWARM_ON);
    assert_int_equal(spec.kinds[SWARM_freeze].how, SWARM_OFF);
    static const char *const wrong[] = {"",      "kil",   "kill=",   "kill=x",
                                        "kill,", ",kill", "kill=1;", "kill=99999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(swarm_spec_parse(wrong[i], &spec, error, sizeof error));
    }
}

static void events_are_read_and_written(void **unused)
{
    (void)unused;
    struct swarm_events events;
    char text[SWARM_LIST_BYTES_MAX], error[128];
    assert_true(swarm_events_parse("freeze.2,kill.63,kill.0", &events, error, sizeof error));
    assert_int_equal(swarm_events_count(&events), 3);
    swarm_events_print(&events, text, sizeof text);
    assert_string_equal(text, "kill.0,kill.63,freeze.2");
    assert_true(swarm_events_parse("none", &events, error, sizeof error));
    assert_int_equal(swarm_events_count(&events), 0);
    static const char *const wrong[] = {"", "kill", "kill.", "kill.64", "kil.0", "kill.0,"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(swarm_events_parse(wrong[i], &events, error, sizeof error));
    }
}

// ---- shrinking

// A failure that needs two events and three peers.
static void fail_of_two(void *user, const struct swarm_config *config,
                        struct swarm_outcome *outcome)
{
    (void)user;
    struct swarm_events events;
    char error[128];
    assert_true(swarm_events_parse(config->only, &events, error, sizeof error));
    bool fails = (events.numbers[SWARM_cut] & 8) != 0 && (events.numbers[SWARM_freeze] & 1) != 0 &&
                 config->peers_least >= 3 && config->steps >= 5;
    *outcome = (struct swarm_outcome){.verdict = fails ? SWARM_SAFETY : SWARM_OK};
}

static void a_failure_shrinks_to_what_it_needs(void **unused)
{
    (void)unused;
    static struct swarm_shrunk shrunk;
    struct swarm_outcome outcome = {.verdict = SWARM_SAFETY, .peers = 11, .steps = 20};
    memset(&outcome.fired, 0x5a, sizeof outcome.fired);
    outcome.fired.numbers[SWARM_freeze] |= 1;
    swarm_shrink(&standard, &outcome, 10000, fail_of_two, NULL, &shrunk);
    assert_string_equal(shrunk.config.only, "freeze.0,cut.3");
    assert_int_equal(shrunk.config.peers_most, 3);
    assert_int_equal(shrunk.config.steps, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seeds_hold),
        cmocka_unit_test(equal_configs_run_equally),
        cmocka_unit_test(every_kind_of_fault_strikes),
        cmocka_unit_test(without_faults_nothing_strikes),
        cmocka_unit_test(specs_are_read),
        cmocka_unit_test(events_are_read_and_written),
        cmocka_unit_test(a_failure_shrinks_to_what_it_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
