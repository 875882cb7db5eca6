// SPDX-License-Identifier: MIT
// The kernels for AVX2 and F16C; only called where they are.
#if defined(__x86_64__)
#include <immintrin.h>

#include "collectives/kernels/half.h"
#include "collectives/kernels/small.h"
#include "collectives/kernels/variant.h"

#define KERNEL_SET hwi_kernels_avx2

enum { F16_LANES = 8 };

static void widen_lanes(float *to, const unsigned char *from)
{
    __m128i halves = _mm_loadu_si128((const __m128i *)(const void *)from);
    _mm256_storeu_ps(to, _mm256_cvtph_ps(halves));
}

static void narrow_lanes(unsigned char *to, const float *from)
{
    __m128i halves = _mm256_cvtps_ph(_mm256_loadu_ps(from), _MM_FROUND_TO_NEAREST_INT);
    _mm_storeu_si128((__m128i *)(void *)to, halves);
}

#include "collectives/kernels/bodies.h"
#else
extern int hwi_kernels_avx2_unused; // an empty file is no C file
#endif
