// SPDX-License-Identifier: MIT
// f16 and bf16 to f32, which is exact, and back, to nearest even: in integers, so that no machine's
// way with subnormals or NaNs matters.
#ifndef HAWSER_COLLECTIVES_KERNELS_HALF_H
#define HAWSER_COLLECTIVES_KERNELS_HALF_H

#include <stdint.h>
#include <string.h>

enum { HWI_F16_NAN = 0x7e00, HWI_BF16_NAN = 0x7fc0 };

static inline uint32_t hwi_f32_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float hwi_f32_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline float hwi_f16_widen(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t exponent = half >> 10 & 0x1f, fraction = half & 0x3ff;
    if (exponent == 0x1f) {
        return hwi_f32_of(sign | 0x7f800000 | fraction << 13);
    }
    if (exponent > 0) {
        return hwi_f32_of(sign | (exponent + 112) << 23 | fraction << 13);
    }
    float small = (float)fraction * 0x1p-24f;
    return hwi_f32_of(sign | hwi_f32_bits(small));
}

// Of a magnitude below 2^-14: a multiple of 2^-24.
static inline uint32_t hwi_f16_subnormal(uint32_t magnitude)
{
    uint32_t exponent = magnitude >> 23;
    if (exponent < 102) { // below half of the least one
        return 0;
    }
    uint32_t fraction = (magnitude & 0x7fffff) | 0x800000;
    uint32_t shift = 126 - exponent;
    uint32_t kept = fraction >> shift, rest = fraction & ((1u << shift) - 1);
    uint32_t half = 1u << (shift - 1);
    return kept + (rest > half || (rest == half && (kept & 1)));
}

static inline uint16_t hwi_f16_narrow(float value)
{
    uint32_t bits = hwi_f32_bits(value);
    uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) {
        return HWI_F16_NAN;
    }
    if (magnitude >= 0x477ff000) { // 65520 and more
        return (uint16_t)(sign | 0x7c00);
    }
    if (magnitude < 0x38800000) {
        return (uint16_t)(sign | hwi_f16_subnormal(magnitude));
    }
    uint32_t rebased = magnitude - (112u << 23);
    return (uint16_t)(sign | (rebased + 0xfff + (rebased >> 13 & 1)) >> 13);
}

static inline float hwi_bf16_widen(uint16_t half)
{
    return hwi_f32_of((uint32_t)half << 16);
}

static inline uint16_t hwi_bf16_narrow(float value)
{
    uint32_t bits = hwi_f32_bits(value);
    if ((bits & 0x7fffffff) > 0x7f800000) {
        return HWI_BF16_NAN;
    }
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

#endif
