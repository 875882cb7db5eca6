// SPDX-License-Identifier: MIT
// The reference reduction, as the header describes it and one element at a time: halves in single
// precision and rounded once, averages of whole numbers exact and cut toward zero, one NaN.
#include "actors/base/dtype.h"
#include "tools/swarm/crew.h"

#include <math.h>
#include <string.h>

__extension__ typedef __int128 wide;

static bool is_signed(uint8_t dtype)
{
    return dtype == HWS_I8 || dtype == HWS_I16 || dtype == HWS_I32 || dtype == HWS_I64;
}

// ---- whole numbers

static wide number_of(uint8_t dtype, uint64_t bits)
{
    uint32_t unused = 64 - hwi_dtype_bits(dtype);
    bits <<= unused;
    return is_signed(dtype) ? (wide)((int64_t)bits >> unused) : (wide)(bits >> unused);
}

static uint64_t reduce_whole(uint8_t dtype, uint8_t redop, const uint64_t *operands, uint32_t n)
{
    wide result = number_of(dtype, operands[0]);
    uint64_t product = operands[0];
    for (uint32_t i = 1; i < n; i++) {
        wide x = number_of(dtype, operands[i]);
        product *= operands[i];
        if (redop == HWS_SUM || redop == HWS_AVG) {
            result += x;
        } else if (redop == HWS_MAX ? x > result : x < result) {
            result = x;
        }
    }
    return redop == HWS_PROD  ? product
           : redop == HWS_AVG ? (uint64_t)(result / (wide)n)
                              : (uint64_t)result;
}

// ---- fractions

static bool is_better(uint8_t redop, double x, double best)
{
    bool zeros = x == best && signbit(x) != signbit(best);
    if (redop == HWS_MAX) {
        return x > best || (zeros && !signbit(x));
    }
    return x < best || (zeros && signbit(x));
}

static float step_f32(uint8_t redop, float a, float b)
{
    if (redop == HWS_MAX || redop == HWS_MIN) {
        return isnan(a) || isnan(b) ? NAN : is_better(redop, (double)b, (double)a) ? b : a;
    }
    return redop == HWS_PROD ? a * b : a + b;
}

static double step_f64(uint8_t redop, double a, double b)
{
    if (redop == HWS_MAX || redop == HWS_MIN) {
        return isnan(a) || isnan(b) ? (double)NAN : is_better(redop, b, a) ? b : a;
    }
    return redop == HWS_PROD ? a * b : a + b;
}

static uint64_t reduce_f64(uint8_t redop, const uint64_t *operands, uint32_t n)
{
    double result = 0;
    for (uint32_t i = 0; i < n; i++) {
        double x;
        memcpy(&x, &operands[i], sizeof x);
        result = i == 0 ? x : step_f64(redop, result, x);
    }
    result = redop == HWS_AVG ? result / (double)n : result;
    uint64_t bits;
    memcpy(&bits, &result, sizeof bits);
    return isnan(result) ? UINT64_C(0x7ff8000000000000) : bits;
}

// ---- halves: a sign, an exponent with a bias, a fraction

struct half {
    int bias, fraction_bits;
};

static struct half half_of(uint8_t dtype)
{
    return dtype == HWS_F16 ? (struct half){15, 10} : (struct half){127, 7};
}

static float widen(struct half half, uint64_t bits)
{
    int fraction = (int)(bits & ((1u << half.fraction_bits) - 1));
    int exponent = (int)(bits >> half.fraction_bits & (unsigned)(2 * half.bias + 1));
    int one = exponent > 0 ? 1 << half.fraction_bits : 0;
    float value =
        ldexpf((float)(one + fraction), HWI_MAX(exponent, 1) - half.bias - half.fraction_bits);
    if (exponent == 2 * half.bias + 1) {
        value = fraction == 0 ? INFINITY : NAN;
    }
    return bits & 0x8000 ? -value : value;
}

static uint64_t narrow(struct half half, float value)
{
    uint64_t sign = signbit(value) ? 0x8000 : 0;
    uint64_t infinity = (uint64_t)(2 * half.bias + 1) << half.fraction_bits;
    if (isnan(value)) {
        return infinity | UINT64_C(1) << (half.fraction_bits - 1);
    }
    if (isinf(value) || value == 0) {
        return sign | (value == 0 ? 0 : infinity);
    }
    double magnitude = fabs((double)value);
    int exponent = HWI_MAX(ilogb(magnitude), 1 - half.bias);
    uint64_t units = (uint64_t)nearbyint(ldexp(magnitude, half.fraction_bits - exponent));
    // A carry out of the fraction raises the exponent by itself
    uint64_t bits = ((uint64_t)(exponent + half.bias - 1) << half.fraction_bits) + units;
    return sign | HWI_MIN(bits, infinity);
}

static uint64_t reduce_f32(uint8_t dtype, uint8_t redop, const uint64_t *operands, uint32_t n)
{
    float result = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t bits = (uint32_t)operands[i];
        float x;
        memcpy(&x, &bits, sizeof x);
        x = dtype == HWS_F32 ? x : widen(half_of(dtype), operands[i]);
        result = i == 0 ? x : step_f32(redop, result, x);
    }
    result = redop == HWS_AVG ? result / (float)n : result;
    if (dtype != HWS_F32) {
        return narrow(half_of(dtype), result);
    }
    uint32_t bits;
    memcpy(&bits, &result, sizeof bits);
    return isnan(result) ? 0x7fc00000 : bits;
}

uint64_t swarm_reduce(uint8_t dtype, uint8_t redop, const uint64_t *operands, uint32_t n)
{
    if (n == 1) {
        return operands[0];
    }
    return !hwi_dtype_is_fraction(dtype) ? reduce_whole(dtype, redop, operands, n)
           : dtype == HWS_F64            ? reduce_f64(redop, operands, n)
                                         : reduce_f32(dtype, redop, operands, n);
}
