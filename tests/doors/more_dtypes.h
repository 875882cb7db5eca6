// SPDX-License-Identifier: MIT
// Two more rows for the table of element types, and the pairs that small types owe: what adding a
// float8 and a 4-bit type takes. It comes before every file that makes something of the table.
#ifndef HAWSER_TESTS_DOORS_MORE_DTYPES_H
#define HAWSER_TESTS_DOORS_MORE_DTYPES_H

#include <hawser/types.h>

#include "collectives/kernels/half.h"

#define HWI_DTYPE_ROWS(X)                                                                          \
    HWS_DTYPE_MAP(X)                                                                               \
    X(F8, 13, f8, 8, f32, SMALL, "the upper half of half precision, 1 byte")                       \
    X(I4, 14, i4, 4, i32, SMALL, "signed, two to a byte")

static inline float hwi_f8_widen(uint32_t element)
{
    return hwi_f16_widen((uint16_t)(element << 8));
}

static inline uint32_t hwi_f8_narrow(float value)
{
    uint32_t bits = hwi_f32_bits(value);
    uint32_t sign = bits >> 24 & 0x80, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) {
        return 0x7e;
    }
    if (magnitude >= 0x47700000) { // 61440 and more
        return sign | 0x7c;
    }
    if (magnitude < 0x38800000) { // below 2^-14: a multiple of 2^-16, which the addition rounds to
        return sign | (hwi_f32_bits(hwi_f32_of(magnitude) * 0x1p16f + 0x1p23f) & 0x7f);
    }
    uint32_t rebased = magnitude - (112u << 23);
    return sign | (rebased + 0xfffff + (rebased >> 21 & 1)) >> 21;
}

static inline int32_t hwi_i4_widen(uint32_t element)
{
    return (int32_t)(element ^ 8) - 8;
}

static inline uint32_t hwi_i4_narrow(int32_t value)
{
    return (uint32_t)value & 15;
}

#endif
