// SPDX-License-Identifier: MIT
// Element-wise reductions. Identical bits from every implementation, whatever the length or
// alignment: every result that is not a number is the one quiet NaN, because machines differ in
// which NaN they hand on.
#ifndef HAWSER_COLLECTIVES_KERNELS_KERNELS_H
#define HAWSER_COLLECTIVES_KERNELS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// out[i] = a[i] (op) b[i]. out may equal a or b; no other overlap. No alignment is needed.
typedef void (*hwi_reduce_fn)(void *out, const void *a, const void *b, size_t count);
// out[i] = out[i] / divisor, rounded once.
typedef void (*hwi_divide_fn)(void *out, size_t count, uint32_t divisor);

struct hwi_kernel {
    uint8_t dtype; // hws_dtype
    uint8_t redop; // hws_redop
    uint8_t element_bytes;
    hwi_reduce_fn reduce;
    hwi_divide_fn divide; // NULL = this operation does not divide
};

// The kernel for a type and operation, or NULL if there is none. Static. Any thread.
const struct hwi_kernel *hwi_kernel_find(uint8_t dtype, uint8_t redop);

// memcpy for a destination that is not read soon: what `from` holds stays in the cache. Fast where
// `to` is aligned to 16.
void hwi_stream_copy(void *restrict to, const void *restrict from, size_t bytes);

#endif
