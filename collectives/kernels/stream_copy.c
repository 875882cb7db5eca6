// SPDX-License-Identifier: MIT
// A copy whose destination is not read again soon: it goes past the caches, so the source stays hot
// and the destination's lines are not fetched first.
#include <string.h>

#include "collectives/kernels/kernels.h"

#if defined(__SSE2__)
#include <emmintrin.h>

enum { LINE = 64 };

static void stream_line(unsigned char *to, const unsigned char *from)
{
    __m128i a = _mm_loadu_si128((const __m128i *)(const void *)from);
    __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(from + 16));
    __m128i c = _mm_loadu_si128((const __m128i *)(const void *)(from + 32));
    __m128i d = _mm_loadu_si128((const __m128i *)(const void *)(from + 48));
    _mm_stream_si128((__m128i *)(void *)to, a);
    _mm_stream_si128((__m128i *)(void *)(to + 16), b);
    _mm_stream_si128((__m128i *)(void *)(to + 32), c);
    _mm_stream_si128((__m128i *)(void *)(to + 48), d);
}

void hwi_stream_copy(void *restrict to, const void *restrict from, size_t bytes)
{
    unsigned char *out = to;
    const unsigned char *in = from;
    size_t lines = (uintptr_t)out % 16 == 0 ? bytes / LINE : 0;
    for (size_t i = 0; i < lines; i++) {
        stream_line(out + i * LINE, in + i * LINE);
    }
    memcpy(out + lines * LINE, in + lines * LINE, bytes - lines * LINE);
    _mm_sfence();
}
#else
void hwi_stream_copy(void *restrict to, const void *restrict from, size_t bytes)
{
    memcpy(to, from, bytes);
}
#endif
