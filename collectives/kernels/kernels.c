// SPDX-License-Identifier: MIT
#include "collectives/kernels/kernels.h"

#include <hawser/types.h>

// Each element depends on its own index only, also when `out` is an operand: said to the compiler,
// which would otherwise test for overlap and run the in-place case one element at a time.
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wpass-failed" // without optimisation it is a wish only
#define HOT
#define ELEMENTWISE _Pragma("clang loop vectorize(assume_safety)")
#else
#define HOT __attribute__((optimize("O3", "unroll-loops")))
#define ELEMENTWISE _Pragma("GCC ivdep")
#endif

// Elements as they lie in the caller's memory: any type's bytes, any alignment.
typedef float any_f32 __attribute__((may_alias, aligned(1)));
typedef double any_f64 __attribute__((may_alias, aligned(1)));

// The quiet NaN without sign or payload.
#define NAN_OF(type) ((type)__builtin_nanf(""))

#define FLOAT_KERNELS(name, type)                                                                  \
    HOT static void sum_##name(void *out, const void *a, const void *b, size_t count)              \
    {                                                                                              \
        any_##name *to = out;                                                                      \
        const any_##name *x = a, *y = b;                                                           \
        ELEMENTWISE                                                                                \
        for (size_t i = 0; i < count; i++) {                                                       \
            type sum = x[i] + y[i];                                                                \
            to[i] = sum == sum ? sum : NAN_OF(type);                                               \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    HOT static void divide_##name(void *out, size_t count, uint32_t divisor)                       \
    {                                                                                              \
        any_##name *to = out;                                                                      \
        type by = (type)divisor;                                                                   \
        ELEMENTWISE                                                                                \
        for (size_t i = 0; i < count; i++) {                                                       \
            type quotient = to[i] / by;                                                            \
            to[i] = quotient == quotient ? quotient : NAN_OF(type);                                \
        }                                                                                          \
    }

FLOAT_KERNELS(f32, float)
FLOAT_KERNELS(f64, double)

static const struct hwi_kernel kernels[] = {
    {HWS_F32, HWS_SUM, sizeof(float), sum_f32, NULL},
    {HWS_F32, HWS_AVG, sizeof(float), sum_f32, divide_f32},
    {HWS_F64, HWS_SUM, sizeof(double), sum_f64, NULL},
    {HWS_F64, HWS_AVG, sizeof(double), sum_f64, divide_f64},
};

const struct hwi_kernel *hwi_kernel_find(uint8_t dtype, uint8_t redop)
{
    for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++)
        if (kernels[i].dtype == dtype && kernels[i].redop == redop)
            return &kernels[i];
    return NULL;
}
