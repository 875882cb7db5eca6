// SPDX-License-Identifier: MIT
// The steps of all kernels as plain loops, compiled once for each instruction set by the file that
// includes this; that file has defined before
//     KERNEL_SET                   the name of its table
//     F16_LANES                    halves that the machine converts at once
//     widen_lanes, narrow_lanes    by its own instructions: compilers make none of them from loops
// bf16 is converted in integers also where there are instructions: VCVTNEPS2BF16 takes subnormals
// for zero regardless of the environment, and Arm's BFCVT is not everywhere.
//
// max and min compare the bits of a fraction, as integers that increase with it:
// so zeros have an order, and halves need no widening.

// Each element depends on its own index only, also when `to` is an operand: said to the compiler,
// which would otherwise test for overlap and run the in-place case one element at a time.
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wpass-failed" // without optimisation it is a wish only
#define ELEMENTWISE _Pragma("clang loop vectorize(assume_safety)")
#else
#define ELEMENTWISE _Pragma("GCC ivdep")
#endif

// Elements as they lie in the caller's memory: any type's bytes, any alignment.
#define ANYWHERE(name, type) typedef type name __attribute__((may_alias, aligned(1)))
ANYWHERE(any_u8, uint8_t);
ANYWHERE(any_i8, int8_t);
ANYWHERE(any_u16, uint16_t);
ANYWHERE(any_i16, int16_t);
ANYWHERE(any_u32, uint32_t);
ANYWHERE(any_i32, int32_t);
ANYWHERE(any_u64, uint64_t);
ANYWHERE(any_i64, int64_t);
ANYWHERE(any_f32, float);
ANYWHERE(any_f64, double);

// ---- halves, by the machine's instructions -----------------------------------------------------

static void widen_f16(void *to, const void *from, size_t count)
{
    float *out = to;
    const unsigned char *in = from;
    size_t i = 0;
    for (; i + F16_LANES <= count; i += F16_LANES) {
        widen_lanes(out + i, in + 2 * i);
    }
    for (; i < count; i++) {
        ((any_f32 *)out)[i] = hwi_f16_widen(((const any_u16 *)from)[i]);
    }
}

static void narrow_f16(void *to, const void *from, size_t count)
{
    unsigned char *out = to;
    const float *in = from;
    size_t i = 0;
    for (; i + F16_LANES <= count; i += F16_LANES) {
        narrow_lanes(out + 2 * i, in + i);
    }
    for (; i < count; i++) {
        ((any_u16 *)to)[i] = hwi_f16_narrow(((const any_f32 *)from)[i]);
    }
}

// ---- shapes of steps ----------------------------------------------------------------------------

#define COMBINE(name, type, result)                                                                \
    static void name(void *to, const void *a, const void *b, size_t count)                         \
    {                                                                                              \
        any_##type *out = to;                                                                      \
        const any_##type *left = a, *right = b;                                                    \
        ELEMENTWISE                                                                                \
        for (size_t i = 0; i < count; i++) {                                                       \
            __typeof__(left[0] + 0) x = left[i], y = right[i];                                     \
            out[i] = (result);                                                                     \
        }                                                                                          \
    }

#define CONVERT(name, from_type, to_type, result)                                                  \
    static void name(void *to, const void *from, size_t count)                                     \
    {                                                                                              \
        any_##to_type *out = to;                                                                   \
        const any_##from_type *in = from;                                                          \
        ELEMENTWISE                                                                                \
        for (size_t i = 0; i < count; i++) {                                                       \
            __typeof__(in[0] + 0) x = in[i];                                                       \
            out[i] = (result);                                                                     \
        }                                                                                          \
    }

#define DIVIDE(name, type, divisor_type, result)                                                   \
    static void name(void *to, const void *from, size_t count, uint32_t divisor)                   \
    {                                                                                              \
        any_##type *out = to;                                                                      \
        const any_##type *in = from;                                                               \
        divisor_type by = (divisor_type)divisor;                                                   \
        ELEMENTWISE                                                                                \
        for (size_t i = 0; i < count; i++) {                                                       \
            __typeof__(in[0] + 0) x = in[i];                                                       \
            out[i] = (result);                                                                     \
        }                                                                                          \
    }

// ---- whole numbers ------------------------------------------------------------------------------

COMBINE(sum_8, u8, (uint8_t)(x + y))
COMBINE(sum_16, u16, (uint16_t)(x + y))
COMBINE(sum_32, u32, x + y)
COMBINE(sum_64, u64, x + y)
COMBINE(prod_8, u8, (uint8_t)(x *y))
COMBINE(prod_16, u16, (uint16_t)((uint32_t)x *(uint32_t)y))
COMBINE(prod_32, u32, (x * y))
COMBINE(prod_64, u64, (x * y))

// Sums of up to HWI_KERNEL_OPERANDS_MAX elements fit in the row's `wide`; what needs i128 is left
// to the scalar set, for no machine here adds or divides it in lanes.
#define STEPS_WHOLE(name, bits, wide)                                                              \
    COMBINE(max_##name, name, (any_##name)(x > y ? x : y))                                         \
    COMBINE(min_##name, name, (any_##name)(x < y ? x : y))                                         \
    STEPS_WHOLE_##wide(name)
#define STEPS_WHOLE_i32(name) CONVERT(widen_##name, name, i32, x)
#define STEPS_WHOLE_i64(name) CONVERT(widen_##name, name, i64, x)
#define STEPS_WHOLE_i128(name)

CONVERT(narrow_8, i32, u8, (uint8_t)x)
CONVERT(narrow_16, i32, u16, (uint16_t)x)
CONVERT(narrow_32, i64, u32, (uint32_t)x)

// A sum below 2^53 by a whole number: what is not whole is farther from the next whole number than
// the quotient's rounding goes, so cutting it off gives the exact quotient's whole part.
DIVIDE(divide_32, i32, double, (int32_t)((double)x / by))
DIVIDE(divide_64, i64, double, (int64_t)((double)x / by))

// ---- fractions ----------------------------------------------------------------------------------

#define NAN_OF(type) ((type)__builtin_nanf(""))

#define FRACTIONS(name, type)                                                                      \
    COMBINE(sum_##name, name, x + y == x + y ? x + y : NAN_OF(type))                               \
    COMBINE(prod_##name, name, x *y == x * y ? x * y : NAN_OF(type))                               \
    DIVIDE(divide_##name, name, type, x / by == x / by ? x / by : NAN_OF(type))

FRACTIONS(f32, float)
FRACTIONS(f64, double)

// By bits: `largest` is all but the sign, `infinite` infinity; what is beyond it is a NaN.
#define BITS(name, bits, type, largest, infinite, nan)                                             \
    static inline type key_##name(type x)                                                          \
    {                                                                                              \
        return (type)(x < 0 ? x ^ (largest) : x);                                                  \
    }                                                                                              \
                                                                                                   \
    static inline bool either_nan_##name(type x, type y)                                           \
    {                                                                                              \
        return ((x & (largest)) > (infinite)) | ((y & (largest)) > (infinite));                    \
    }                                                                                              \
                                                                                                   \
    static inline type max_bits_##name(type x, type y)                                             \
    {                                                                                              \
        type larger = key_##name(x) > key_##name(y) ? x : y;                                       \
        return either_nan_##name(x, y) ? (type)(nan) : larger;                                     \
    }                                                                                              \
                                                                                                   \
    static inline type min_bits_##name(type x, type y)                                             \
    {                                                                                              \
        type smaller = key_##name(x) < key_##name(y) ? x : y;                                      \
        return either_nan_##name(x, y) ? (type)(nan) : smaller;                                    \
    }                                                                                              \
                                                                                                   \
    COMBINE(max_##name, bits, max_bits_##name((type)x, (type)y))                                   \
    COMBINE(min_##name, bits, min_bits_##name((type)x, (type)y))

BITS(f16, i16, int16_t, INT16_MAX, 0x7c00, 0x7e00)
BITS(bf16, i16, int16_t, INT16_MAX, 0x7f80, 0x7fc0)
BITS(f32, i32, int32_t, INT32_MAX, 0x7f800000, 0x7fc00000)
BITS(f64, i64, int64_t, INT64_MAX, INT64_C(0x7ff0000000000000), INT64_C(0x7ff8000000000000))

// A NaN among the sums is the one NaN already, and its upper half is the one of bf16.
CONVERT(widen_bf16, u16, u32, (uint32_t)x << 16)
CONVERT(narrow_bf16, u32, u16, (uint16_t)((x + 0x7fff + (x >> 16 & 1)) >> 16))

#define STEPS_HALF(name, bits, wide)     // above
#define STEPS_FRACTION(name, bits, wide) // above

// ---- small types: anything of one to eight bits that has a pair in small.h ----------------------

#define STEPS_SMALL(name, bits, wide)                                                              \
    static void widen_##name(void *to, const void *from, size_t count)                             \
    {                                                                                              \
        any_##wide *out = to;                                                                      \
        ELEMENTWISE                                                                                \
        for (size_t i = 0; i < count; i++) {                                                       \
            out[i] = hwi_##name##_widen(hwi_small_get(from, i, bits));                             \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    static void narrow_##name(void *to, const void *from, size_t count)                            \
    {                                                                                              \
        const any_##wide *in = from;                                                               \
        for (size_t i = 0; i < count; i++) {                                                       \
            hwi_small_put(to, i, bits, hwi_##name##_narrow(in[i]));                                \
        }                                                                                          \
    }

#define STEPS(NAME, value, name, bits, wide, KERNELS, text) STEPS_##KERNELS(name, bits, wide)
HWI_DTYPE_ROWS(STEPS)

// ---- the table: five kernels for each row -------------------------------------------------------

#define PLAIN(dtype, redop, bits, combine)                                                         \
    {                                                                                              \
        dtype, redop, bits, bits / 8, hwi_kernel_blocks, NULL, combine, NULL, NULL                 \
    }
#define WIDE(dtype, redop, bits, wide_bytes, widen, combine, divide, narrow)                       \
    {                                                                                              \
        dtype, redop, bits, wide_bytes, hwi_kernel_blocks, widen, combine, divide, narrow          \
    }

#define AVG_i32(dtype, name, bits)                                                                 \
    WIDE(dtype, HWS_AVG, bits, 4, widen_##name, sum_32, divide_32, narrow_##bits)
#define AVG_i64(dtype, name, bits)                                                                 \
    WIDE(dtype, HWS_AVG, bits, 8, widen_##name, sum_64, divide_64, narrow_##bits)
#define AVG_i128(dtype, name, bits)                                                                \
    {                                                                                              \
        dtype, HWS_AVG, bits, bits / 8, hwi_reduce_avg_##name, NULL, NULL, NULL, NULL              \
    }

#define KERNELS_WHOLE(dtype, name, bits, wide)                                                     \
    PLAIN(dtype, HWS_SUM, bits, sum_##bits), AVG_##wide(dtype, name, bits),                        \
        PLAIN(dtype, HWS_PROD, bits, prod_##bits), PLAIN(dtype, HWS_MAX, bits, max_##name),        \
        PLAIN(dtype, HWS_MIN, bits, min_##name),
#define KERNELS_HALF(dtype, name, bits, wide)                                                      \
    WIDE(dtype, HWS_SUM, bits, 4, widen_##name, sum_##wide, NULL, narrow_##name),                  \
        WIDE(dtype, HWS_AVG, bits, 4, widen_##name, sum_##wide, divide_##wide, narrow_##name),     \
        WIDE(dtype, HWS_PROD, bits, 4, widen_##name, prod_##wide, NULL, narrow_##name),            \
        PLAIN(dtype, HWS_MAX, bits, max_##name), PLAIN(dtype, HWS_MIN, bits, min_##name),
#define KERNELS_FRACTION(dtype, name, bits, wide)                                                  \
    PLAIN(dtype, HWS_SUM, bits, sum_##name),                                                       \
        WIDE(dtype, HWS_AVG, bits, bits / 8, NULL, sum_##name, divide_##name, NULL),               \
        PLAIN(dtype, HWS_PROD, bits, prod_##name), PLAIN(dtype, HWS_MAX, bits, max_##name),        \
        PLAIN(dtype, HWS_MIN, bits, min_##name),

// The steps of the wide types, by their names.
#define sum_i32 sum_32
#define prod_i32 prod_32
#define divide_i32 divide_32
#define KERNELS_SMALL(dtype, name, bits, wide)                                                     \
    WIDE(dtype, HWS_SUM, bits, 4, widen_##name, sum_##wide, NULL, narrow_##name),                  \
        WIDE(dtype, HWS_AVG, bits, 4, widen_##name, sum_##wide, divide_##wide, narrow_##name),     \
        WIDE(dtype, HWS_PROD, bits, 4, widen_##name, prod_##wide, NULL, narrow_##name),            \
        WIDE(dtype, HWS_MAX, bits, 4, widen_##name, max_##wide, NULL, narrow_##name),              \
        WIDE(dtype, HWS_MIN, bits, 4, widen_##name, min_##wide, NULL, narrow_##name),

#define KERNELS_OF(NAME, value, name, bits, wide, KERNELS, text)                                   \
    KERNELS_##KERNELS(value, name, bits, wide)

const struct hwi_kernel KERNEL_SET[HWI_KERNELS] = {HWI_DTYPE_ROWS(KERNELS_OF)};
