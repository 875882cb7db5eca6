// SPDX-License-Identifier: MIT
// Element-wise reductions of any number of operands. scalar.c defines what they give; every variant
// for an instruction set gives the same bits, whatever the length or alignment:
// - integers wrap; avg is the exact sum divided, truncated toward zero
// - f32 and f64 are combined in the order of the operands, each step rounded to nearest even
// - f16 and bf16 are combined in f32 and rounded once, at the end; avg divides in f32 before that
// - a result that is not a number is the one quiet NaN without sign or payload, because machines
//   differ in which NaN they hand on; for max and min one such operand is enough
// - of two zeros max takes +0 and min takes -0
// - elements smaller than a byte lie in it from its low bits up; of the last byte nothing is
// changed
//   beyond the last element
// The caller's thread has the default floating-point environment.
#ifndef HAWSER_COLLECTIVES_KERNELS_KERNELS_H
#define HAWSER_COLLECTIVES_KERNELS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HWI_KERNEL_OPERANDS_MAX = 16384 };

struct hwi_kernel;

// out[i] = operands[0][i] (op) ... (op) operands[n - 1][i], for avg / divisor (which is n). out may
// equal any operand; no other overlap. No alignment is needed. n: 2..HWI_KERNEL_OPERANDS_MAX.
typedef void (*hwi_reduce_fn)(const struct hwi_kernel *kernel, void *out,
                              const void *const *operands, uint32_t n, size_t count,
                              uint32_t divisor);
// Steps of a blockwise reduction, on `count` elements or accumulators. `to` may equal `from`, `a`
// or `b`; no other overlap.
typedef void (*hwi_convert_fn)(void *to, const void *from, size_t count);
typedef void (*hwi_combine_fn)(void *to, const void *a, const void *b, size_t count);
typedef void (*hwi_divide_fn)(void *to, const void *from, size_t count, uint32_t divisor);

struct hwi_kernel {
    uint8_t dtype; // hws_dtype
    uint8_t redop; // hws_redop
    uint8_t element_bits;
    uint8_t wide_bytes; // of an accumulator
    hwi_reduce_fn reduce;
    hwi_convert_fn widen; // NULL = elements are their own accumulators
    hwi_combine_fn combine;
    hwi_divide_fn divide;  // avg only
    hwi_convert_fn narrow; // NULL as widen
};

// All kernels for one instruction set.
struct hwi_kernel_set {
    const char *name;                 // "scalar", "avx2", "avx512", "neon"
    bool (*runs)(void);               // this CPU has what it needs
    const struct hwi_kernel *kernels; // of every type and operation
    uint32_t count;
};

// The kernel for a type and operation in the best set that runs here, or NULL if they are none.
// Static. Any thread.
const struct hwi_kernel *hwi_kernel_find(uint8_t dtype, uint8_t redop);
// The set that hwi_kernel_find looks in. Static. Any thread.
const struct hwi_kernel_set *hwi_kernel_best(void);
// The sets of this build, the best last, also those that do not run here; the first is the scalar
// one. Static. Any thread.
const struct hwi_kernel_set *hwi_kernel_sets(uint32_t *count);
// As hwi_kernel_find, in a given set.
const struct hwi_kernel *hwi_kernel_in(const struct hwi_kernel_set *set, uint8_t dtype,
                                       uint8_t redop);

// memcpy for a destination that is not read soon: what `from` holds stays in the cache. Fast where
// `to` is aligned to 16.
void hwi_stream_copy(void *restrict to, const void *restrict from, size_t bytes);

#endif
