// SPDX-License-Identifier: MIT
// The result of every reduction, computed one element after the other: the definition that the
// other sets are compared with, and the set that runs on machines that have no other.
#include <math.h>

#include "collectives/kernels/half.h"
#include "collectives/kernels/small.h"
#include "collectives/kernels/variant.h"

__extension__ typedef __int128 wide_i64;
__extension__ typedef unsigned __int128 wide_u64;

static const void *element(const void *operand, size_t i, size_t bytes)
{
    return (const unsigned char *)operand + i * bytes;
}

// One reduction: element i of each operand is `x`, what they have come to is `r`, of type `wide`.
#define REDUCE(name, type, wide, get, step, end)                                                   \
    static void name(const struct hwi_kernel *kernel, void *out, const void *const *operands,      \
                     uint32_t n, size_t count, uint32_t divisor)                                   \
    {                                                                                              \
        (void)kernel, (void)divisor;                                                               \
        for (size_t i = 0; i < count; i++) {                                                       \
            type x, result;                                                                        \
            memcpy(&x, element(operands[0], i, sizeof x), sizeof x);                               \
            wide r = get(x);                                                                       \
            for (uint32_t k = 1; k < n; k++) {                                                     \
                memcpy(&x, element(operands[k], i, sizeof x), sizeof x);                           \
                wide y = get(x);                                                                   \
                r = step;                                                                          \
            }                                                                                      \
            result = end;                                                                          \
            memcpy((unsigned char *)out + i * sizeof x, &result, sizeof x);                        \
        }                                                                                          \
    }

// ---- integers: sums and products modulo 2^bits, in an unsigned type that C does not promote

#define SAME(x) (x)

#define INTEGERS(name, type, modulo, wide)                                                         \
    REDUCE(sum_##name, type, modulo, (modulo), r + y, (type)r)                                     \
    REDUCE(prod_##name, type, modulo, (modulo), r *y, (type)r)                                     \
    REDUCE(avg_##name, type, wide, SAME, r + y, (type)(r / (wide)divisor))                         \
    REDUCE(max_##name, type, type, SAME, r > y ? r : y, r)                                         \
    REDUCE(min_##name, type, type, SAME, r < y ? r : y, r)

INTEGERS(u8, uint8_t, uint32_t, int64_t)
INTEGERS(i8, int8_t, uint32_t, int64_t)
INTEGERS(u16, uint16_t, uint32_t, int64_t)
INTEGERS(i16, int16_t, uint32_t, int64_t)
INTEGERS(u32, uint32_t, uint32_t, int64_t)
INTEGERS(i32, int32_t, uint32_t, int64_t)
INTEGERS(u64, uint64_t, uint64_t, wide_u64)
INTEGERS(i64, int64_t, uint64_t, wide_i64)

void hwi_reduce_avg_u64(const struct hwi_kernel *kernel, void *out, const void *const *operands,
                        uint32_t n, size_t count, uint32_t divisor)
{
    avg_u64(kernel, out, operands, n, count, divisor);
}

void hwi_reduce_avg_i64(const struct hwi_kernel *kernel, void *out, const void *const *operands,
                        uint32_t n, size_t count, uint32_t divisor)
{
    avg_i64(kernel, out, operands, n, count, divisor);
}

// ---- numbers with a fraction

#define FLOATS(type)                                                                               \
    static type one_nan_##type(type x)                                                             \
    {                                                                                              \
        return isnan(x) ? (type)NAN : x;                                                           \
    }                                                                                              \
                                                                                                   \
    static type max_of_##type(type x, type y)                                                      \
    {                                                                                              \
        if (isnan(x) || isnan(y))                                                                  \
            return (type)NAN;                                                                      \
        if (x == y) /* two zeros, maybe */                                                         \
            return signbit(x) ? y : x;                                                             \
        return x > y ? x : y;                                                                      \
    }                                                                                              \
                                                                                                   \
    static type min_of_##type(type x, type y)                                                      \
    {                                                                                              \
        if (isnan(x) || isnan(y))                                                                  \
            return (type)NAN;                                                                      \
        if (x == y)                                                                                \
            return signbit(x) ? x : y;                                                             \
        return x < y ? x : y;                                                                      \
    }

FLOATS(float)
FLOATS(double)

#define FRACTIONS(name, type, wide, get, put)                                                      \
    REDUCE(sum_##name, type, wide, get, r + y, put(one_nan_##wide(r)))                             \
    REDUCE(prod_##name, type, wide, get, r *y, put(one_nan_##wide(r)))                             \
    REDUCE(avg_##name, type, wide, get, r + y, put(one_nan_##wide(r / (wide)divisor)))             \
    REDUCE(max_##name, type, wide, get, max_of_##wide(r, y), put(r))                               \
    REDUCE(min_##name, type, wide, get, min_of_##wide(r, y), put(r))

FRACTIONS(f16, uint16_t, float, hwi_f16_widen, hwi_f16_narrow)
FRACTIONS(bf16, uint16_t, float, hwi_bf16_widen, hwi_bf16_narrow)
FRACTIONS(f32, float, float, SAME, SAME)
FRACTIONS(f64, double, double, SAME, SAME)

// ---- small types: in the wide one, rounded at the end

#define REDUCE_SMALL(reduction, name, bits, wide, step, end)                                       \
    static void reduction##_##name(const struct hwi_kernel *kernel, void *out,                     \
                                   const void *const *operands, uint32_t n, size_t count,          \
                                   uint32_t divisor)                                               \
    {                                                                                              \
        (void)kernel, (void)divisor;                                                               \
        for (size_t i = 0; i < count; i++) {                                                       \
            wide r = hwi_##name##_widen(hwi_small_get(operands[0], i, bits));                      \
            for (uint32_t k = 1; k < n; k++) {                                                     \
                wide y = hwi_##name##_widen(hwi_small_get(operands[k], i, bits));                  \
                r = step;                                                                          \
            }                                                                                      \
            hwi_small_put(out, i, bits, hwi_##name##_narrow(end));                                 \
        }                                                                                          \
    }

#define SMALL_i32(name, bits)                                                                      \
    REDUCE_SMALL(sum, name, bits, int32_t, r + y, r)                                               \
    REDUCE_SMALL(prod, name, bits, int32_t, (int32_t)((uint32_t)r * (uint32_t)y), r)               \
    REDUCE_SMALL(avg, name, bits, int32_t, r + y, r / (int32_t)divisor)                            \
    REDUCE_SMALL(max, name, bits, int32_t, r > y ? r : y, r)                                       \
    REDUCE_SMALL(min, name, bits, int32_t, r < y ? r : y, r)

#define SMALL_f32(name, bits)                                                                      \
    REDUCE_SMALL(sum, name, bits, float, r + y, r)                                                 \
    REDUCE_SMALL(prod, name, bits, float, r *y, r)                                                 \
    REDUCE_SMALL(avg, name, bits, float, r + y, r / (float)divisor)                                \
    REDUCE_SMALL(max, name, bits, float, max_of_float(r, y), r)                                    \
    REDUCE_SMALL(min, name, bits, float, min_of_float(r, y), r)

#define STEPS_SMALL(name, bits, wide) SMALL_##wide(name, bits)
#define STEPS_WHOLE(name, bits, wide)    // above
#define STEPS_HALF(name, bits, wide)     // above
#define STEPS_FRACTION(name, bits, wide) // above
#define STEPS(NAME, value, name, bits, wide, KERNELS, text) STEPS_##KERNELS(name, bits, wide)
HWI_DTYPE_ROWS(STEPS)

// ---- the table

#define KERNEL(dtype, redop, bits, name)                                                           \
    {                                                                                              \
        dtype, redop, bits, (bits + 7) / 8, name, NULL, NULL, NULL, NULL                           \
    }
#define KERNELS_OF(NAME, value, name, bits, wide, KERNELS, text)                                   \
    KERNEL(value, HWS_SUM, bits, sum_##name), KERNEL(value, HWS_AVG, bits, avg_##name),            \
        KERNEL(value, HWS_PROD, bits, prod_##name), KERNEL(value, HWS_MAX, bits, max_##name),      \
        KERNEL(value, HWS_MIN, bits, min_##name),

const struct hwi_kernel hwi_kernels_scalar[HWI_KERNELS] = {HWI_DTYPE_ROWS(KERNELS_OF)};
