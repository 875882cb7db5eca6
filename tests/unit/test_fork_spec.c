// SPDX-License-Identifier: MIT
// The phrases of `hawser replay --fork`.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tools/hawser/replay/fork/spec.c"
#include "tools/hawser/common/options.c"

static struct fork_spec spec;
static char error[FORK_ERROR_BYTES];

static void expect_faults(const char *text, const char *const *expected)
{
    char printed[128];
    uint32_t count = 0;
    assert_true(fork_spec_parse(text, &spec, error));
    for (; expected[count] != NULL; count++) {
        assert_true(count < spec.count);
        fork_fault_print(&spec.faults[count], printed, sizeof printed);
        assert_string_equal(printed, expected[count]);
    }
    assert_int_equal(spec.count, count);
}

static void phrases_say_what_happens(void **unused)
{
    (void)unused;
    expect_faults("kill peer 3 here", (const char *const[]){"kill member 3", NULL});
    expect_faults("lose this message", (const char *const[]){"lose this message", NULL});
    expect_faults(" freeze 2 for 1.5s at +250ms ,kill master at 2s",
                  (const char *const[]){"freeze member 2 for 1500 ms at +250 ms",
                                        "kill master at +2000 ms", NULL});
    expect_faults("cut 1 and 2, slow member 4 by 300ms for 5s, mute 7",
                  (const char *const[]){"cut member 1 and member 2",
                                        "slow member 4 by 300 ms for 5000 ms", "mute member 7",
                                        NULL});
}

static void no_phrases_are_no_faults(void **unused)
{
    (void)unused;
    expect_faults("", (const char *const[]){NULL});
    expect_faults("nothing", (const char *const[]){NULL});
}

static void an_unknown_phrase_is_named(void **unused)
{
    static const char *const bad[] = {
        "kill",           "kill peer 0",  "kill 3 for 2s",    "explode 3",
        "cut 1 and 1",    "cut 1",        "cut 1 and master", "slow 3",
        "slow 3 by fast", "mute master",  "kill 3, ,kill 4",  "lose 3",
        "kill 3 now",     "freeze 2 for",
    };
    (void)unused;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        error[0] = '\0';
        if (fork_spec_parse(bad[i], &spec, error)) {
            fail_msg("\"%s\" was taken", bad[i]);
        }
        assert_non_null(strstr(error, "is no fault"));
    }
}

static void a_plan_is_bounded(void **unused)
{
    static const char phrase[] = "kill 1,";
    enum { LENGTH = sizeof phrase - 1 };
    char text[LENGTH * (FORK_FAULTS_MAX + 1)];
    (void)unused;
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = phrase[i % LENGTH];
    }
    text[sizeof text - 1] = '\0';
    assert_false(fork_spec_parse(text, &spec, error));
    assert_string_equal(error, "more than 32 faults");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phrases_say_what_happens),
        cmocka_unit_test(no_phrases_are_no_faults),
        cmocka_unit_test(an_unknown_phrase_is_named),
        cmocka_unit_test(a_plan_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
