// SPDX-License-Identifier: MIT
// Every set of kernels that runs here gives what the scalar one gives, and that gives what the
// definitions say. tests/cross runs the same on another architecture.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <hawser/types.h>

#include "actors/base/dtype.h"
#include "tests/support/kernel_check.h"

static char why[KERNEL_WHY_BYTES];

static const struct hwi_kernel_set *scalar(void)
{
    uint32_t count;
    return hwi_kernel_sets(&count);
}

static void test_halves_are_converted_right(void **state)
{
    (void)state;
    if (!kernel_oracle_halves(why)) {
        fail_msg("%s", why);
    }
}

static void test_the_scalar_set_is_right(void **state)
{
    (void)state;
    if (!kernel_check_values(scalar(), why)) {
        fail_msg("%s", why);
    }
}

typedef bool (*check_fn)(const struct hwi_kernel_set *set, const struct hwi_kernel_set *as,
                         char why[KERNEL_WHY_BYTES]);

static void check_all(check_fn check)
{
    uint32_t count, checked = 0;
    const struct hwi_kernel_set *sets = hwi_kernel_sets(&count);
    for (uint32_t i = 1; i < count; i++) {
        if (!sets[i].runs()) {
            print_message("%s does not run here\n", sets[i].name);
        } else if (!check(&sets[i], sets, why)) {
            fail_msg("%s", why);
        } else {
            checked++;
        }
    }
    print_message("%u sets checked\n", checked);
}

static void test_sets_agree_in_every_shape(void **state)
{
    (void)state;
    check_all(kernel_check_shapes);
}

static void test_sets_agree_on_all_pairs(void **state)
{
    (void)state;
    check_all(kernel_check_pairs);
}

static void test_every_type_and_operation_is_there(void **state)
{
    uint32_t count;
    const struct hwi_kernel_set *sets = hwi_kernel_sets(&count), *best = hwi_kernel_best();
    (void)state;
    for (uint32_t i = 0; i < count; i++) {
        if (!kernel_check_table(&sets[i], why)) {
            fail_msg("%s", why);
        }
    }
    assert_true(best >= sets && best < sets + count && best->runs());
    for (const struct hwi_kernel_set *better = best + 1; better < sets + count; better++) {
        assert_false(better->runs());
    }
    assert_ptr_equal(hwi_kernel_find(HWS_BF16, HWS_AVG), hwi_kernel_in(best, HWS_BF16, HWS_AVG));
    assert_null(hwi_kernel_find(0, 0));
    assert_null(hwi_kernel_find(HWS_F32, HWS_MIN + 1));
    assert_null(hwi_kernel_find(hwi_dtype_last() + 1, HWS_SUM));
    assert_null(hwi_kernel_find(255, 255));
}

// A comparison that finds nothing wrong proves something only if it finds what is wrong.
static void sum_wrong_at_the_end(const struct hwi_kernel *kernel, void *out,
                                 const void *const *operands, uint32_t n, size_t count,
                                 uint32_t divisor)
{
    const struct hwi_kernel *right = hwi_kernel_in(scalar(), kernel->dtype, kernel->redop);
    right->reduce(right, out, operands, n, count, divisor);
    if (count % 16 == 15) {
        ((unsigned char *)out)[hwi_dtype_bytes(kernel->dtype, count) - 1] ^= 1;
    }
}

static void test_a_wrong_kernel_is_found(void **state)
{
    struct hwi_kernel_set wrong = *scalar();
    struct hwi_kernel *kernels = calloc(wrong.count, sizeof *kernels);
    (void)state;
    for (uint32_t i = 0; i < wrong.count; i++) {
        kernels[i] = wrong.kernels[i];
    }
    wrong.name = "wrong";
    wrong.kernels = kernels;
    assert_true(kernel_check_shapes(&wrong, scalar(), why));
    kernels[wrong.count - 1].reduce = sum_wrong_at_the_end;
    assert_false(kernel_check_shapes(&wrong, scalar(), why));
    assert_non_null(strstr(why, "wrong min of f64: 2 operands of 15, onto 0, "));
    free(kernels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_halves_are_converted_right),
        cmocka_unit_test(test_the_scalar_set_is_right),
        cmocka_unit_test(test_sets_agree_in_every_shape),
        cmocka_unit_test(test_sets_agree_on_all_pairs),
        cmocka_unit_test(test_every_type_and_operation_is_there),
        cmocka_unit_test(test_a_wrong_kernel_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
