// SPDX-License-Identifier: MIT
// A row more is a type more: sizes of types that are smaller than a byte, and the kernels of all
// sets for the two types of more_dtypes.h, each against the oracle for all pairs of values.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "actors/base/base.h"
#include "actors/base/dtype.h"
#include "collectives/kernels/kernels.h"
#include "collectives/kernels/small.h"
#include "collectives/plans/plan.h"
#include "tests/support/kernel_check.h"

enum { F8 = 13, I4 = 14, COUNT = 256 };

static void rows_have_names_and_sizes(void **state)
{
    (void)state;
    assert_int_equal(hwi_dtype_last(), I4);
    assert_string_equal(hws_dtype_name((hws_dtype)F8), "f8");
    assert_string_equal(hws_dtype_name((hws_dtype)I4), "i4");
    assert_true(hwi_dtype_is_fraction(F8) && !hwi_dtype_is_fraction(I4));
    assert_int_equal(hwi_dtype_bits(I4), 4);
    assert_int_equal(hwi_dtype_unit(I4), 1);
    assert_int_equal(hwi_dtype_unit(HWS_F32), 4);
    assert_int_equal(hws_dtype_bytes((hws_dtype)I4), 1);
}

static void sizes_below_a_byte_are_rounded_up(void **state)
{
    (void)state;
    static const uint64_t bytes[] = {0, 1, 1, 2, 2, 3};
    for (uint64_t count = 0; count < 6; count++) {
        assert_int_equal(hwi_dtype_bytes(I4, count), bytes[count]);
    }
    assert_int_equal(hwi_dtype_count(I4, 3), 6);
    assert_int_equal(hwi_dtype_count(I4, HWI_TENSOR_BYTES_MAX), 2 * HWI_TENSOR_BYTES_MAX);
    assert_int_equal(hwi_dtype_bytes(I4, 2 * HWI_TENSOR_BYTES_MAX), HWI_TENSOR_BYTES_MAX);
    assert_int_equal(hwi_dtype_bytes(HWS_F64, 3), 24);
    assert_int_equal(hwi_dtype_count(HWS_F64, 31), 3);
}

// A million and one of them in chunks: none is cut in two, and the last byte is in the last chunk.
static void chunks_begin_at_bytes(void **state)
{
    (void)state;
    struct hwi_plan_shape shape = {.asked = HWI_PLAN_DIRECT,
                                   .kind = HWI_KIND_ALL_REDUCE,
                                   .redop = HWS_SUM,
                                   .world = 3,
                                   .unit_bytes = hwi_dtype_unit(I4),
                                   .bytes = hwi_dtype_bytes(I4, 1000001)};
    const struct hwi_plan_ops *plan = hwi_plan_choose(&shape);
    plan->cut(&shape);
    assert_int_equal(shape.bytes, 500001);
    assert_int_equal(hwi_dtype_bytes(I4, hwi_dtype_count(I4, shape.chunk_bytes)),
                     shape.chunk_bytes);
    assert_true((uint64_t)shape.chunks * shape.chunk_bytes >= shape.bytes);
    assert_true((uint64_t)(shape.chunks - 1) * shape.chunk_bytes < shape.bytes);
}

// Operand k of element i: with 256 elements all values, beside each other in different ways.
static uint64_t value(uint32_t k, uint32_t i, uint32_t bits)
{
    return (i * (k + 1) + i / 16 * k) & ((1u << bits) - 1);
}

static void check(const struct hwi_kernel_set *set, uint8_t dtype, uint8_t redop, uint32_t n,
                  size_t count)
{
    const struct hwi_kernel *kernel = hwi_kernel_in(set, dtype, redop);
    uint32_t bits = hwi_dtype_bits(dtype);
    unsigned char memory[4][COUNT] = {{0}}, out[COUNT + 1];
    const void *operands[4];
    assert_non_null(kernel);
    for (uint32_t k = 0; k < n; k++) {
        operands[k] = memory[k];
        for (uint32_t i = 0; i < count; i++) {
            hwi_small_put(memory[k], i, bits, (uint32_t)value(k, i, bits));
        }
    }
    memset(out, 0xee, sizeof out);
    kernel->reduce(kernel, out, operands, n, count, redop == HWS_AVG ? n : 0);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t of[4];
        for (uint32_t k = 0; k < n; k++) {
            of[k] = value(k, i, bits);
        }
        uint64_t wanted = kernel_oracle(dtype, redop, of, n);
        if (hwi_small_get(out, i, bits) != wanted) {
            fail_msg("%s, %s of %s, %u operands, element %u: %x, not %x", set->name,
                     hws_redop_name((hws_redop)redop), hws_dtype_name((hws_dtype)dtype), n, i,
                     hwi_small_get(out, i, bits), (unsigned)wanted);
        }
    }
    assert_int_equal(out[hwi_dtype_bytes(dtype, count)], 0xee);
    if (count % 2 == 1 && bits == 4) {
        assert_int_equal(out[count / 2] >> 4, 0xe);
    }
}

static void every_set_reduces_the_new_types(void **state)
{
    (void)state;
    uint32_t count;
    const struct hwi_kernel_set *sets = hwi_kernel_sets(&count);
    for (uint32_t i = 0; i < count; i++) {
        for (uint8_t redop = HWS_SUM; sets[i].runs() && redop <= HWS_MIN; redop++) {
            for (uint32_t n = 2; n <= 4; n++) {
                check(&sets[i], F8, redop, n, COUNT);
                check(&sets[i], I4, redop, n, COUNT);
                check(&sets[i], I4, redop, n, COUNT - 3);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_have_names_and_sizes),
        cmocka_unit_test(sizes_below_a_byte_are_rounded_up),
        cmocka_unit_test(chunks_begin_at_bytes),
        cmocka_unit_test(every_set_reduces_the_new_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
