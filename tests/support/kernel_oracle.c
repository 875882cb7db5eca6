// SPDX-License-Identifier: MIT
#include "actors/base/dtype.h"
#include "tests/support/kernel_check.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <hawser/types.h>

#include "collectives/kernels/half.h"

__extension__ typedef __int128 exact;
__extension__ typedef unsigned __int128 modular;
#if defined(__aarch64__)
typedef long double quad; // of more than twice the bits of a double
#else
__extension__ typedef __float128 quad;
#endif

// ---- whole numbers ------------------------------------------------------------------------------

static bool is_signed(uint8_t dtype)
{
    return hws_dtype_name((hws_dtype)dtype)[0] == 'i';
}

static exact value_of(uint8_t dtype, uint64_t bits)
{
    uint32_t width = hwi_dtype_bits(dtype);
    bool negative = is_signed(dtype) && (bits >> (width - 1) & 1);
    return negative ? (exact)bits - ((exact)1 << width) : (exact)bits;
}

static exact quotient(exact sum, uint32_t n)
{
    modular magnitude = sum < 0 ? (modular)-sum : (modular)sum;
    exact whole = (exact)((magnitude - magnitude % n) / n);
    return sum < 0 ? -whole : whole;
}

static uint64_t whole(uint8_t dtype, uint8_t redop, const uint64_t *operands, uint32_t n)
{
    uint32_t width = hwi_dtype_bits(dtype);
    uint64_t mask = UINT64_MAX >> (64 - width);
    exact sum = 0, most = value_of(dtype, operands[0]), least = most;
    modular product = 1;
    for (uint32_t k = 0; k < n; k++) {
        exact x = value_of(dtype, operands[k]);
        sum += x;
        product = product * operands[k] & mask;
        most = x > most ? x : most;
        least = x < least ? x : least;
    }
    exact results[] = {[HWS_SUM] = sum,
                       [HWS_AVG] = quotient(sum, n),
                       [HWS_PROD] = (exact)product,
                       [HWS_MAX] = most,
                       [HWS_MIN] = least};
    return (uint64_t)results[redop] & mask;
}

// ---- fractions ----------------------------------------------------------------------------------

static double f64_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t f64_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return isnan(value) ? UINT64_C(0x7ff8000000000000) : bits;
}

static uint64_t f32_bits(float value)
{
    return isnan(value) ? 0x7fc00000 : hwi_f32_bits(value);
}

// One step, rounded once: to the type itself, after a type so wide that its rounding changes
// nothing.
static float step_f32(uint8_t redop, float x, float y)
{
    return redop == HWS_PROD ? (float)((double)x * (double)y) : (float)((double)x + (double)y);
}

static double step_f64(uint8_t redop, double x, double y)
{
    return redop == HWS_PROD ? (double)((quad)x * (quad)y) : (double)((quad)x + (quad)y);
}

// The greatest or least of values whose bits are `operands`; the bits of the chosen one, or those
// of NaN.
static uint64_t extreme(uint8_t redop, const double *values, const uint64_t *operands, uint32_t n,
                        uint64_t nan)
{
    uint32_t chosen = 0;
    for (uint32_t k = 0; k < n; k++) {
        double x = values[k], best = values[chosen];
        if (isnan(x)) {
            return nan;
        }
        bool above = x > best || (x == best && !signbit(x) && signbit(best));
        bool below = x < best || (x == best && signbit(x) && !signbit(best));
        if (redop == HWS_MAX ? above : below) {
            chosen = k;
        }
    }
    return operands[chosen];
}

static float reduced_f32(uint8_t redop, const double *values, uint32_t n)
{
    float result = (float)values[0];
    for (uint32_t k = 1; k < n; k++) {
        result = step_f32(redop, result, (float)values[k]);
    }
    return redop == HWS_AVG ? (float)((double)result / (double)n) : result;
}

static uint64_t of_f64(uint8_t redop, const double *values, uint32_t n)
{
    double result = values[0];
    for (uint32_t k = 1; k < n; k++) {
        result = step_f64(redop, result, values[k]);
    }
    return f64_bits(redop == HWS_AVG ? (double)((quad)result / (quad)n) : result);
}

// ---- halves -------------------------------------------------------------------------------------

struct half {
    uint32_t bits;
    int bias, fraction_bits;
    uint16_t infinity, nan;
};

static struct half half_of(uint8_t dtype)
{
    if (hwi_dtype_bits(dtype) == 8) { // no type of the library's; tests/doors brings it
        return (struct half){8, 15, 2, 0x7c, 0x7e};
    }
    return dtype == HWS_F16 ? (struct half){16, 15, 10, 0x7c00, 0x7e00}
                            : (struct half){16, 127, 7, 0x7f80, 0x7fc0};
}

// By the definition of such numbers; infinity as if the exponents went on.
static double magnitude_of(struct half half, uint32_t bits)
{
    uint32_t fraction = bits & ((1u << half.fraction_bits) - 1);
    int exponent = (int)(bits >> half.fraction_bits);
    double ones = exponent > 0 ? 1 : 0;
    int power = (exponent > 0 ? exponent : 1) - half.bias;
    return ldexp(ones + ldexp((double)fraction, -half.fraction_bits), power);
}

static double half_value(struct half half, uint64_t bits)
{
    uint64_t sign = UINT64_C(1) << (half.bits - 1);
    uint32_t magnitude = (uint32_t)(bits & (sign - 1));
    double value = magnitude_of(half, magnitude);
    if (magnitude >= half.infinity) {
        value = magnitude == half.infinity ? (double)INFINITY : (double)NAN;
    }
    return bits & sign ? -value : value;
}

// The nearest half, looked for among all; of two the even one.
static uint16_t nearest(struct half half, double value)
{
    if (isnan(value)) {
        return half.nan;
    }
    double magnitude = fabs(value);
    uint32_t low = 0, high = half.infinity; // low <= magnitude, and nothing is above high
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        if (magnitude_of(half, middle) <= magnitude) {
            low = middle;
        } else {
            high = middle;
        }
    }
    double below = magnitude - magnitude_of(half, low);
    double above = magnitude_of(half, high) - magnitude;
    uint32_t even = low % 2 == 0 ? low : high;
    uint32_t found = below == above ? even : below < above ? low : high;
    return (uint16_t)(found | (signbit(value) ? 1u << (half.bits - 1) : 0));
}

static uint64_t fraction(uint8_t dtype, uint8_t redop, const uint64_t *operands, uint32_t n)
{
    uint64_t nan = dtype == HWS_F64   ? UINT64_C(0x7ff8000000000000)
                   : dtype == HWS_F32 ? 0x7fc00000
                                      : half_of(dtype).nan;
    double values[KERNEL_CHECK_OPERANDS_MAX] = {0};
    for (uint32_t k = 0; k < n; k++) {
        if (dtype == HWS_F64) {
            values[k] = f64_of(operands[k]);
        } else if (dtype == HWS_F32) {
            values[k] = (double)hwi_f32_of((uint32_t)operands[k]);
        } else {
            values[k] = half_value(half_of(dtype), operands[k]);
        }
    }
    if (redop == HWS_MAX || redop == HWS_MIN) {
        return extreme(redop, values, operands, n, nan);
    }
    if (dtype == HWS_F64) {
        return of_f64(redop, values, n);
    }
    float result = reduced_f32(redop, values, n);
    return dtype == HWS_F32 ? f32_bits(result) : nearest(half_of(dtype), (double)result);
}

uint64_t kernel_oracle(uint8_t dtype, uint8_t redop, const uint64_t *operands, uint32_t n)
{
    return hwi_dtype_is_fraction(dtype) ? fraction(dtype, redop, operands, n)
                                        : whole(dtype, redop, operands, n);
}

// ---- conversions --------------------------------------------------------------------------------

static bool widens(uint8_t dtype, uint32_t bits)
{
    float got = dtype == HWS_F16 ? hwi_f16_widen((uint16_t)bits) : hwi_bf16_widen((uint16_t)bits);
    double wanted = half_value(half_of(dtype), bits);
    return isnan(wanted) ? isnan(got) : (double)got == wanted && !signbit(got) == !signbit(wanted);
}

static bool narrows(uint8_t dtype, float value)
{
    uint16_t got = dtype == HWS_F16 ? hwi_f16_narrow(value) : hwi_bf16_narrow(value);
    return got == nearest(half_of(dtype), (double)value);
}

// The value, the middle to the next one, and their neighbours among f32.
static bool narrows_around(uint8_t dtype, uint32_t bits)
{
    struct half half = half_of(dtype);
    double value = half_value(half, bits);
    double next = half_value(half, bits + 1);
    if (isnan(value) || isnan(next)) {
        return narrows(dtype, (float)value);
    }
    if (isinf(next)) {
        next = ldexp(signbit(value) ? -1 : 1, half.bias + 1);
    }
    float around[] = {(float)value, (float)((value + next) / 2)};
    for (int i = 0; i < 2; i++) {
        if (!narrows(dtype, around[i]) || !narrows(dtype, nextafterf(around[i], INFINITY)) ||
            !narrows(dtype, nextafterf(around[i], -INFINITY))) {
            return false;
        }
    }
    return true;
}

bool kernel_oracle_halves(char why[KERNEL_WHY_BYTES])
{
    for (uint8_t dtype = HWS_F16; dtype <= HWS_BF16; dtype++) {
        for (uint32_t bits = 0; bits <= UINT16_MAX; bits++) {
            bool wide = widens(dtype, bits);
            if (wide && narrows_around(dtype, bits)) {
                continue;
            }
            snprintf(why, KERNEL_WHY_BYTES, "%s 0x%04" PRIx32 " is not %s right",
                     hws_dtype_name((hws_dtype)dtype), bits, wide ? "rounded to" : "widened");
            return false;
        }
    }
    return true;
}
