// SPDX-License-Identifier: MIT
// The kernels for 64-bit Arm, of which NEON is part.
#if defined(__aarch64__)
#include <arm_neon.h>

#include "collectives/kernels/half.h"
#include "collectives/kernels/small.h"
#include "collectives/kernels/variant.h"

#define KERNEL_SET hwi_kernels_neon

enum { F16_LANES = 4 };

static void widen_lanes(float *to, const unsigned char *from)
{
    float16x4_t halves;
    memcpy(&halves, from, sizeof halves);
    vst1q_f32(to, vcvt_f32_f16(halves));
}

static void narrow_lanes(unsigned char *to, const float *from)
{
    float16x4_t halves = vcvt_f16_f32(vld1q_f32(from));
    memcpy(to, &halves, sizeof halves);
}

#include "collectives/kernels/bodies.h"
#else
extern int hwi_kernels_neon_unused; // an empty file is no C file
#endif
