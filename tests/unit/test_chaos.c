// SPDX-License-Identifier: MIT
// The grammar of `hawser run --chaos`, and the order in which its events come.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tools/hawser/run/chaos.c"
#include "tools/hawser/common/options.c"

static struct chaos chaos;
static char error[CHAOS_ERROR_BYTES];

static void expect_event(uint64_t now_ms, enum chaos_act act, uint64_t at_ms, uint32_t index)
{
    struct chaos_event event;
    assert_true(chaos_take(&chaos, now_ms, &event));
    assert_int_equal(event.act, act);
    assert_int_equal(event.at_ms, at_ms);
    assert_int_equal(event.index, index);
}

static void test_events_come_by_time(void **state)
{
    (void)state;
    struct chaos_event event;
    assert_true(chaos_parse("start@3s,stop@500ms:2+1.5s,kill@1s:0", &chaos, error));
    assert_int_equal(chaos_next_ms(&chaos), 500);
    assert_false(chaos_take(&chaos, 499, &event));
    expect_event(500, CHAOS_STOP, 500, 2);
    assert_false(chaos_take(&chaos, 999, &event));
    expect_event(9999, CHAOS_KILL, 1000, 0);
    expect_event(9999, CHAOS_CONTINUE, 2000, 2);
    expect_event(9999, CHAOS_START, 3000, 0);
    assert_false(chaos_take(&chaos, 9999, &event));
    assert_int_equal(chaos_next_ms(&chaos), UINT64_MAX);
}

static void test_a_freeze_may_last(void **state)
{
    (void)state;
    assert_true(chaos_parse("stop@1s:1", &chaos, error));
    assert_int_equal(chaos.count, 1);
}

static void test_every_repeats(void **state)
{
    (void)state;
    assert_true(chaos_parse("every=2s,seed=7", &chaos, error));
    assert_int_equal(chaos.seed, 7);
    assert_int_equal(chaos_next_ms(&chaos), 2000);
    assert_false(chaos_take_every(&chaos, 1999));
    assert_true(chaos_take_every(&chaos, 2001));
    assert_int_equal(chaos_next_ms(&chaos), 4000);
}

static void test_picks_depend_on_the_seed_alone(void **state)
{
    (void)state;
    uint32_t first[32], differing = 0;
    assert_true(chaos_parse("seed=1", &chaos, error));
    for (int i = 0; i < 32; i++) {
        first[i] = chaos_pick(&chaos, 5);
    }
    assert_true(chaos_parse("seed=1", &chaos, error));
    for (int i = 0; i < 32; i++) {
        assert_int_equal(chaos_pick(&chaos, 5), first[i]);
    }
    assert_true(chaos_parse("seed=2", &chaos, error));
    for (int i = 0; i < 32; i++) {
        differing += chaos_pick(&chaos, 5) != first[i];
    }
    assert_true(differing > 8);
}

static void test_a_bad_item_is_named(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "kill@2s",    "kill@2:1",    "kill@s:1",   "kill@2s:x",   "kill@2s:1x",  "kill@2s:1024",
        "stop@2s:1+", "stop@2s:1+3", "start@",     "start@2s:1",  "every=0s",    "every=",
        "seed=-1",    "melt@1s:1",   "kill@-1s:0", "kill@1e9s:0", "kill@nans:0", "kill@99999999s:0",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(chaos_parse(bad[i], &chaos, error));
        assert_non_null(strstr(error, bad[i]));
    }
    assert_false(chaos_parse("start@1s,,start@2s", &chaos, error));
}

static void test_too_many_events_are_refused(void **state)
{
    (void)state;
    char spec[CHAOS_EVENTS_MAX * 10 + 16] = "";
    for (int i = 0; i < CHAOS_EVENTS_MAX; i++) {
        strncat(spec, "start@1s,", sizeof spec - strlen(spec) - 1);
    }
    spec[strlen(spec) - 1] = 0;
    assert_true(chaos_parse(spec, &chaos, error));
    strncat(spec, ",start@1s", sizeof spec - strlen(spec) - 1);
    assert_false(chaos_parse(spec, &chaos, error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_come_by_time),
        cmocka_unit_test(test_a_freeze_may_last),
        cmocka_unit_test(test_every_repeats),
        cmocka_unit_test(test_picks_depend_on_the_seed_alone),
        cmocka_unit_test(test_a_bad_item_is_named),
        cmocka_unit_test(test_too_many_events_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
