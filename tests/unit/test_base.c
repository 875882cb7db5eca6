// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <hawser/types.h>

#include "actors/base/base.h"
#include "actors/base/dtype.h"

static void fail_below_traps(void)
{
    HWI_CHECK(1 + 1 == 2);
    HWI_CHECK("the sky is green" == NULL);
}

static void a_failed_check_lands_in_the_innermost_trap(void **state)
{
    (void)state;
    struct hwi_trap outer;
    struct hwi_trap inner;
    hwi_trap_enter(&outer);
    if (setjmp(outer.landing) == 0) {
        hwi_trap_enter(&inner);
        if (setjmp(inner.landing) == 0) {
            fail_below_traps();
            fail_msg("the check let it pass");
        }
        assert_string_equal(inner.what, "\"the sky is green\" == NULL");
        assert_non_null(strstr(inner.file, "test_base.c"));
        assert_true(inner.line > 0);
        HWI_CHECK(!"while cleaning up");
        fail_msg("the check let it pass");
    }
    assert_string_equal(outer.what, "!\"while cleaning up\"");
}

static void a_left_trap_is_not_landed_in(void **state)
{
    (void)state;
    struct hwi_trap outer;
    struct hwi_trap inner;
    volatile bool landed_inside = false;
    hwi_trap_enter(&outer);
    if (setjmp(outer.landing) == 0) {
        hwi_trap_enter(&inner);
        if (setjmp(inner.landing) == 0) {
            hwi_trap_leave(&inner);
        } else {
            landed_inside = true;
        }
        HWI_CHECK(landed_inside);
        fail_msg("the check let it pass");
    }
    assert_false(landed_inside);
}

static void *trap_in_thread(void *argument)
{
    struct hwi_trap trap;
    hwi_trap_enter(&trap);
    if (setjmp(trap.landing) == 0) {
        fail_below_traps();
    }
    *(bool *)argument = true;
    return NULL;
}

static void traps_belong_to_their_thread(void **state)
{
    (void)state;
    struct hwi_trap trap;
    bool caught = false;
    pthread_t thread;
    hwi_trap_enter(&trap);
    if (setjmp(trap.landing) != 0) {
        fail_msg("another thread's check landed here");
    }
    assert_int_equal(pthread_create(&thread, NULL, trap_in_thread, &caught), 0);
    pthread_join(thread, NULL);
    hwi_trap_leave(&trap);
    assert_true(caught);
}

static void without_a_trap_a_failed_check_aborts(void **state)
{
    (void)state;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        if (freopen("/dev/null", "w", stderr) == NULL) {
            _exit(1);
        }
        fail_below_traps();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void new_memory_is_zeroed_and_resizing_keeps_it(void **state)
{
    (void)state;
    static const unsigned char zero[64];
    unsigned char *memory = hwi_new(&hwi_alloc_libc, sizeof zero);
    assert_memory_equal(memory, zero, sizeof zero);
    memset(memory, 7, sizeof zero);
    memory = hwi_resize(&hwi_alloc_libc, memory, 4096);
    assert_int_equal(memory[0] + memory[63], 14);
    hwi_free(&hwi_alloc_libc, memory);
    hwi_free(&hwi_alloc_libc, NULL);

    memory = hwi_new(&hwi_alloc_libc, 0);
    assert_non_null(memory);
    assert_null(hwi_resize(&hwi_alloc_libc, memory, 0));
}

static void *resize_to_nothing(void *user, void *pointer, size_t bytes)
{
    (void)user, (void)pointer, (void)bytes;
    return NULL;
}

static void a_failed_allocation_is_a_failed_check(void **state)
{
    (void)state;
    const struct hwi_alloc none = {.resize = resize_to_nothing};
    volatile int failures = 0;
    struct hwi_trap trap;
    hwi_trap_enter(&trap);
    if (setjmp(trap.landing) == 0) {
        hwi_new(&none, 8);
    } else {
        failures++;
    }
    hwi_trap_enter(&trap);
    if (setjmp(trap.landing) == 0) {
        hwi_resize(&none, NULL, 8);
    } else {
        failures++;
    }
    assert_int_equal(failures, 2);
}

static void every_status_has_name_class_and_text(void **state)
{
    (void)state;
#define CHECK(name, value, klass, text)                                                            \
    assert_string_equal(hws_status_name(HWS_##name), "HWS_" #name);                                \
    assert_string_equal(hws_status_text(HWS_##name), text);                                        \
    assert_int_equal(hws_status_class(HWS_##name), HWS_CLASS_##klass);
    HWS_STATUS_MAP(CHECK)
#undef CHECK
    assert_string_equal(hws_status_name((hws_status)-3), "HWS_E_?");
    assert_string_equal(hws_status_text((hws_status)-3), "unknown status");
    assert_int_equal(hws_status_class((hws_status)12345), HWS_CLASS_LOCAL);
    assert_string_equal(hws_class_name(HWS_CLASS_OK), "OK");
    assert_string_equal(hws_class_name(HWS_CLASS_LOCAL), "LOCAL");
    assert_string_equal(hws_class_name((hws_class)5), "?");
}

static void types_have_sizes_and_names(void **state)
{
    (void)state;
    assert_int_equal(hws_dtype_bytes(HWS_I8), 1);
    assert_int_equal(hws_dtype_bytes(HWS_BF16), 2);
    assert_int_equal(hws_dtype_bytes(HWS_F32), 4);
    assert_int_equal(hws_dtype_bytes(HWS_F64), 8);
    assert_int_equal(hws_dtype_bytes((hws_dtype)0), 0);
    assert_int_equal(hws_dtype_bytes((hws_dtype)(hwi_dtype_last() + 1)), 0);
    assert_int_equal(hws_dtype_bytes((hws_dtype)-1), 0);
    assert_string_equal(hws_dtype_name(HWS_U64), "u64");
    assert_string_equal(hws_dtype_name(HWS_BF16), "bf16");
    assert_string_equal(hws_dtype_name((hws_dtype)0), "?");
    assert_string_equal(hws_redop_name(HWS_AVG), "avg");
    assert_string_equal(hws_redop_name(HWS_MIN), "min");
    assert_string_equal(hws_redop_name((hws_redop)0), "?");
    assert_string_equal(hws_redop_name((hws_redop)-1), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_check_lands_in_the_innermost_trap),
        cmocka_unit_test(a_left_trap_is_not_landed_in),
        cmocka_unit_test(traps_belong_to_their_thread),
        cmocka_unit_test(without_a_trap_a_failed_check_aborts),
        cmocka_unit_test(new_memory_is_zeroed_and_resizing_keeps_it),
        cmocka_unit_test(a_failed_allocation_is_a_failed_check),
        cmocka_unit_test(every_status_has_name_class_and_text),
        cmocka_unit_test(types_have_sizes_and_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
