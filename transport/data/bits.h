// SPDX-License-Identifier: MIT
// Bit sets in arrays of words.
#ifndef HAWSER_TRANSPORT_DATA_BITS_H
#define HAWSER_TRANSPORT_DATA_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Bytes of a set of `count` bits.
static inline size_t hwi_bits_bytes(uint32_t count)
{
    return ((size_t)count + 63) / 64 * sizeof(uint64_t);
}

static inline bool hwi_bit_get(const uint64_t *bits, uint32_t index)
{
    return bits[index / 64] >> (index % 64) & 1;
}

static inline void hwi_bit_set(uint64_t *bits, uint32_t index)
{
    bits[index / 64] |= UINT64_C(1) << (index % 64);
}

static inline void hwi_bit_clear(uint64_t *bits, uint32_t index)
{
    bits[index / 64] &= ~(UINT64_C(1) << (index % 64));
}

#endif
