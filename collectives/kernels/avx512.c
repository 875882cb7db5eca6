// SPDX-License-Identifier: MIT
// The kernels for AVX-512 (F, BW, DQ, VL); only called where it is.
#if defined(__x86_64__)
#include <immintrin.h>

#include "collectives/kernels/half.h"
#include "collectives/kernels/small.h"
#include "collectives/kernels/variant.h"

#define KERNEL_SET hwi_kernels_avx512

enum { F16_LANES = 16 };

static void widen_lanes(float *to, const unsigned char *from)
{
    __m256i halves = _mm256_loadu_si256((const __m256i *)(const void *)from);
    _mm512_storeu_ps(to, _mm512_cvtph_ps(halves));
}

static void narrow_lanes(unsigned char *to, const float *from)
{
    __m256i halves = _mm512_cvtps_ph(_mm512_loadu_ps(from), _MM_FROUND_TO_NEAREST_INT);
    _mm256_storeu_si256((__m256i *)(void *)to, halves);
}

#include "collectives/kernels/bodies.h"
#else
extern int hwi_kernels_avx512_unused; // an empty file is no C file
#endif
