// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include <hawser/types.h>

#include "collectives/kernels/kernels.h"

enum { COUNT_MAX = 70, GUARD = 16, ROOM = COUNT_MAX * 8 + 2 * GUARD };

static uint64_t random_state = 1;

static uint64_t random_next(void)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return random_state >> 16 ^ random_state << 40;
}

static void fill(unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)random_next();
}

// What a plain loop gives, one element at a time.
static void expect_element(uint8_t dtype, const unsigned char *a, const unsigned char *b,
                           uint32_t divisor, unsigned char *out)
{
    if (dtype == HWS_F32) {
        volatile float x, y;
        memcpy((void *)&x, a, 4);
        memcpy((void *)&y, b, 4);
        float r = x + y;
        if (divisor)
            r = r / (float)divisor;
        r = isnan(r) ? (float)NAN : r;
        memcpy(out, &r, 4);
    } else {
        volatile double x, y;
        memcpy((void *)&x, a, 8);
        memcpy((void *)&y, b, 8);
        double r = x + y;
        if (divisor)
            r = r / (double)divisor;
        r = isnan(r) ? (double)NAN : r;
        memcpy(out, &r, 8);
    }
}

// One reduction at the given offsets from alignment; target 0 = apart, 1 = onto a, 2 = onto b.
static void check_one(const struct hwi_kernel *kernel, size_t count, const size_t shift[3],
                      int target)
{
    unsigned char a[ROOM], b[ROOM], out[ROOM], wanted[ROOM];
    size_t element = kernel->element_bytes;
    unsigned char *x = a + shift[0], *y = b + shift[1];
    unsigned char *to = target == 1 ? x : target == 2 ? y : out + shift[2];
    unsigned char *room = target == 1 ? a : target == 2 ? b : out;

    fill(a, ROOM);
    fill(b, ROOM);
    fill(out, ROOM);
    memcpy(wanted, room, ROOM);
    uint32_t divisor = kernel->divide ? 3 : 0;
    for (size_t i = 0; i < count; i++)
        expect_element(kernel->dtype, x + i * element, y + i * element, divisor,
                       wanted + (to - room) + i * element);
    kernel->reduce(to, x, y, count);
    if (divisor)
        kernel->divide(to, count, divisor);
    assert_memory_equal(room, wanted, ROOM);
}

static void test_every_length_and_alignment(void **state)
{
    static const uint8_t rows[][2] = {
        {HWS_F32, HWS_SUM}, {HWS_F32, HWS_AVG}, {HWS_F64, HWS_SUM}, {HWS_F64, HWS_AVG}};
    (void)state;
    for (size_t r = 0; r < 4; r++) {
        const struct hwi_kernel *kernel = hwi_kernel_find(rows[r][0], rows[r][1]);
        assert_non_null(kernel);
        assert_int_equal(kernel->element_bytes, hws_dtype_bytes((hws_dtype)rows[r][0]));
        assert_int_equal(kernel->divide != NULL, rows[r][1] == HWS_AVG);
        for (size_t count = 0; count <= COUNT_MAX; count++) {
            size_t shift[3] = {random_next() % GUARD, random_next() % GUARD, random_next() % GUARD};
            for (int target = 0; target < 3; target++)
                check_one(kernel, count, shift, target);
        }
    }
}

static void test_unknown_rows(void **state)
{
    (void)state;
    assert_null(hwi_kernel_find(HWS_F32, HWS_PROD));
    assert_null(hwi_kernel_find(HWS_U8, HWS_SUM));
    assert_null(hwi_kernel_find(0, 0));
    assert_null(hwi_kernel_find(255, 255));
}

static void test_not_a_number_is_one_value(void **state)
{
    (void)state;
    const uint32_t nans[] = {0x7fc00001, 0xffc00000, 0x7f800001, 0xff812345, 0x7f800000};
    const uint32_t others[] = {0xffc00077, 0x7fc00000, 0x3f800000, 0x3f800000, 0xff800000};
    uint32_t out[5];
    const struct hwi_kernel *kernel = hwi_kernel_find(HWS_F32, HWS_AVG);

    kernel->reduce(out, nans, others, 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(out[i], 0x7fc00000);
    kernel->reduce(out, others, nans, 5);
    kernel->divide(out, 5, 7);
    for (int i = 0; i < 5; i++)
        assert_int_equal(out[i], 0x7fc00000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_length_and_alignment),
        cmocka_unit_test(test_unknown_rows),
        cmocka_unit_test(test_not_a_number_is_one_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
