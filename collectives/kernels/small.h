// SPDX-License-Identifier: MIT
// Small types (SMALL in HWS_DTYPE_MAP) have no arithmetic: their reductions are made
// in the row's `wide` type, i32 or f32, and rounded once. All that such a type needs is a pair
// here, of which the second takes what is not a number to one value only:
//     static inline WIDE hwi_NAME_widen(uint32_t element)      exact
//     static inline uint32_t hwi_NAME_narrow(WIDE value)       i32: modulo 2^bits; f32: to nearest
//     even
#ifndef HAWSER_COLLECTIVES_KERNELS_SMALL_H
#define HAWSER_COLLECTIVES_KERNELS_SMALL_H

#include <stddef.h>
#include <stdint.h>

// Element `i` of those of `bits` (1, 2, 4 or 8) each that begin at `from`; borrowed until return.
static inline uint32_t hwi_small_get(const void *from, size_t i, uint32_t bits)
{
    size_t to_a_byte = 8 / bits;
    uint32_t byte = ((const unsigned char *)from)[i / to_a_byte];
    return byte >> (i % to_a_byte * bits) & ((1u << bits) - 1);
}

// Writes element `i`, of which only the low bits are looked at; the others of its byte stay.
static inline void hwi_small_put(void *to, size_t i, uint32_t bits, uint32_t element)
{
    size_t to_a_byte = 8 / bits;
    unsigned char *byte = (unsigned char *)to + i / to_a_byte;
    uint32_t shift = (uint32_t)(i % to_a_byte) * bits, mask = ((1u << bits) - 1) << shift;
    *byte = (unsigned char)((*byte & ~mask) | (element << shift & mask));
}

#endif
