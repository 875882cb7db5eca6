// SPDX-License-Identifier: MIT
// Shared by the files of the kernels. No other file includes this.
#ifndef HAWSER_COLLECTIVES_KERNELS_VARIANT_H
#define HAWSER_COLLECTIVES_KERNELS_VARIANT_H

#include <hawser/types.h>

#include "collectives/kernels/kernels.h"

// The types that kernels are made of, each a row; a test may bring more.
#ifndef HWI_DTYPE_ROWS
#define HWI_DTYPE_ROWS HWS_DTYPE_MAP
#endif

#define HWI_DTYPE_ONE(NAME, value, name, bits, wide, KERNELS, text) +1
enum {
    HWI_KERNELS = HWS_MIN * (0 HWI_DTYPE_ROWS(HWI_DTYPE_ONE))
}; // in a set: all operations of each

// The sets: scalar.c everywhere, the others on their architecture (see CMakeLists.txt).
extern const struct hwi_kernel hwi_kernels_scalar[HWI_KERNELS];
#if defined(__x86_64__)
extern const struct hwi_kernel hwi_kernels_avx2[HWI_KERNELS];
extern const struct hwi_kernel hwi_kernels_avx512[HWI_KERNELS];
#elif defined(__aarch64__)
extern const struct hwi_kernel hwi_kernels_neon[HWI_KERNELS];
#endif

// scalar.c, for the others too.
void hwi_reduce_avg_u64(const struct hwi_kernel *kernel, void *out, const void *const *operands,
                        uint32_t n, size_t count, uint32_t divisor);
void hwi_reduce_avg_i64(const struct hwi_kernel *kernel, void *out, const void *const *operands,
                        uint32_t n, size_t count, uint32_t divisor);

// A reduction by the kernel's steps, block by block: a block's accumulators stay in the first-level
// cache while the operands pass, each read once, and the output is written once.
void hwi_kernel_blocks(const struct hwi_kernel *kernel, void *out, const void *const *operands,
                       uint32_t n, size_t count, uint32_t divisor);

#endif
