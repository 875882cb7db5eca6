// SPDX-License-Identifier: MIT
#include "collectives/kernels/variant.h"

enum { BLOCK_BYTES = 4096 }; // of accumulators

struct block {
    _Alignas(64) unsigned char bytes[BLOCK_BYTES];
};

static const void *at(const void *operand, size_t offset)
{
    return (const unsigned char *)operand + offset;
}

static void reduce_wide(const struct hwi_kernel *kernel, unsigned char *out,
                        const void *const *operands, uint32_t n, size_t offset, size_t count,
                        uint32_t divisor)
{
    struct block sum, next;
    kernel->widen(sum.bytes, at(operands[0], offset), count);
    for (uint32_t k = 1; k < n; k++) {
        kernel->widen(next.bytes, at(operands[k], offset), count);
        kernel->combine(sum.bytes, sum.bytes, next.bytes, count);
    }
    if (kernel->divide != NULL) {
        kernel->divide(sum.bytes, sum.bytes, count, divisor);
    }
    kernel->narrow(out + offset, sum.bytes, count);
}

// The last step writes the output, so with two operands there is but one.
static void reduce_plain(const struct hwi_kernel *kernel, unsigned char *out,
                         const void *const *operands, uint32_t n, size_t offset, size_t count,
                         uint32_t divisor)
{
    struct block block;
    const void *so_far = at(operands[0], offset);
    for (uint32_t k = 1; k < n; k++) {
        bool last = k == n - 1 && kernel->divide == NULL;
        unsigned char *to = last ? out + offset : block.bytes;
        kernel->combine(to, so_far, at(operands[k], offset), count);
        so_far = to;
    }
    if (kernel->divide != NULL) {
        kernel->divide(out + offset, so_far, count, divisor);
    }
}

void hwi_kernel_blocks(const struct hwi_kernel *kernel, void *out, const void *const *operands,
                       uint32_t n, size_t count, uint32_t divisor)
{
    size_t step = BLOCK_BYTES / kernel->wide_bytes;
    for (size_t done = 0; done < count; done += step) {
        size_t part = count - done < step ? count - done : step;
        size_t offset = done * kernel->element_bits / 8; // a step fills whole bytes
        if (kernel->widen != NULL) {
            reduce_wide(kernel, out, operands, n, offset, part, divisor);
        } else {
            reduce_plain(kernel, out, operands, n, offset, part, divisor);
        }
    }
}
