// SPDX-License-Identifier: MIT
#include "tests/support/kernel_check.h"

#include "actors/base/dtype.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hawser/types.h>

enum {
    OPERANDS = KERNEL_CHECK_OPERANDS_MAX,
    SHIFT_MAX = 16,
    LENGTH_MAX = 67,
    ROOM = 9001 * 8 + 2 * SHIFT_MAX,
    ROUNDS = 4000, // of values for each kernel
};

static uint64_t random_next(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*state >> 33) ^ (*state << 31);
}

static const char *name_of(const struct hwi_kernel *kernel, char text[16])
{
    snprintf(text, 16, "%s of %s", hws_redop_name((hws_redop)kernel->redop),
             hws_dtype_name((hws_dtype)kernel->dtype));
    return text;
}

// ---- awkward values -----------------------------------------------------------------------------

// Zeros, least and greatest subnormals, least and greatest normal numbers, infinities, NaNs quiet
// and signalling with payloads, small whole numbers and neighbours of 1.
static const uint64_t awkward_f64[] = {
    0x0000000000000000, 0x8000000000000000, 0x0000000000000001, 0x8000000000000001,
    0x000fffffffffffff, 0x800fffffffffffff, 0x0010000000000000, 0x8010000000000000,
    0x7fefffffffffffff, 0xffefffffffffffff, 0x7ff0000000000000, 0xfff0000000000000,
    0x7ff8000000000000, 0xfff8000000000000, 0x7ff8000000000123, 0xfff8dead00000000,
    0x7ff0000000000001, 0xfff4000000000000, 0x3ff0000000000000, 0xbff0000000000000,
    0x3ff0000000000001, 0x3fefffffffffffff, 0x4000000000000000, 0xc008000000000000,
    0x3ca0000000000000, 0x3fe0000000000001};
static const uint64_t awkward_f32[] = {
    0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x007fffff, 0x807fffff, 0x00800000,
    0x80800000, 0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000,
    0x7fc00123, 0xffc0dead, 0x7f800001, 0xffa00000, 0x3f800000, 0xbf800000, 0x3f800001,
    0x3f7fffff, 0x40000000, 0xc0400000, 0x33800000, 0x3f000001};
static const uint64_t awkward_f16[] = {0x0000, 0x8000, 0x0001, 0x8001, 0x03ff, 0x83ff, 0x0400,
                                       0x8400, 0x7bff, 0xfbff, 0x7c00, 0xfc00, 0x7e00, 0xfe00,
                                       0x7e12, 0xff11, 0x7c01, 0xfd00, 0x3c00, 0xbc00, 0x3c01,
                                       0x3bff, 0x4000, 0xc200, 0x1000, 0x3801};
static const uint64_t awkward_bf16[] = {0x0000, 0x8000, 0x0001, 0x8001, 0x007f, 0x807f, 0x0080,
                                        0x8080, 0x7f7f, 0xff7f, 0x7f80, 0xff80, 0x7fc0, 0xffc0,
                                        0x7fc1, 0xffee, 0x7f81, 0xffa0, 0x3f80, 0xbf80, 0x3f81,
                                        0x3f7f, 0x4000, 0xc040, 0x3380, 0x3f01};
// clang-format off
static const uint64_t awkward_whole[] = {
    0, 1, 2, 3, 0x7f, 0x80, 0x81, 0xff, 0x7fff, 0x8000, 0x8001, 0xffff, 0x10000, 0x7fffffff,
    0x80000000, 0x80000001, 0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000,
    0x8000000000000001, 0xffffffffffffffff, 0xfffffffffffffffe, 0x5555555555555555,
    0xaaaaaaaaaaaaaaaa, 0xfedcba9876543210};
// clang-format on

enum { AWKWARD = 26 };
_Static_assert(sizeof awkward_f64 == AWKWARD * 8 && sizeof awkward_f32 == AWKWARD * 8 &&
                   sizeof awkward_f16 == AWKWARD * 8 && sizeof awkward_bf16 == AWKWARD * 8 &&
                   sizeof awkward_whole == AWKWARD * 8,
               "as many of each");

static uint64_t awkward(uint8_t dtype, uint64_t i)
{
    switch (dtype) {
    case HWS_F64:
        return awkward_f64[i % AWKWARD];
    case HWS_F32:
        return awkward_f32[i % AWKWARD];
    case HWS_F16:
        return awkward_f16[i % AWKWARD];
    case HWS_BF16:
        return awkward_bf16[i % AWKWARD];
    default:
        return awkward_whole[i % AWKWARD];
    }
}

// An awkward one, one near to 1 so that sums and products stay finite, or any bits.
static uint64_t some_value(uint8_t dtype, uint64_t *random)
{
    uint64_t dice = random_next(random) >> 8, bits = random_next(random);
    if (dice % 4 == 0) {
        return awkward(dtype, dice >> 2);
    }
    if (dice % 4 == 1) {
        return bits;
    }
    switch (dtype) {
    case HWS_F64:
        return (bits & UINT64_C(0x803fffffffffffff)) | UINT64_C(0x3fc0000000000000);
    case HWS_F32:
        return (bits & 0x81ffffff) | 0x3e000000;
    case HWS_F16:
        return (bits & 0x8fff) | 0x3000;
    case HWS_BF16:
        return (bits & 0x81ff) | 0x3e00;
    default:
        return bits & 0xff;
    }
}

static void put(unsigned char *to, uint64_t bits, size_t bytes)
{
    memcpy(to, &bits, bytes); // the low ones: all machines here are little-endian
}

static uint64_t get(const unsigned char *from, size_t bytes)
{
    uint64_t bits = 0;
    memcpy(&bits, from, bytes);
    return bits;
}

// ---- the table ----------------------------------------------------------------------------------

bool kernel_check_table(const struct hwi_kernel_set *set, char why[KERNEL_WHY_BYTES])
{
    for (uint8_t dtype = 1; dtype <= hwi_dtype_last(); dtype++) {
        for (uint8_t redop = HWS_SUM; redop <= HWS_MIN; redop++) {
            const struct hwi_kernel *kernel = hwi_kernel_in(set, dtype, redop);
            if (kernel != NULL && kernel->element_bits == hwi_dtype_bits(dtype)) {
                continue;
            }
            snprintf(why, KERNEL_WHY_BYTES, "%s has no right %s of %s", set->name,
                     hws_redop_name((hws_redop)redop), hws_dtype_name((hws_dtype)dtype));
            return false;
        }
    }
    return true;
}

// ---- values -------------------------------------------------------------------------------------

static bool check_value(const struct hwi_kernel_set *set, const struct hwi_kernel *kernel,
                        uint32_t n, uint64_t *random, char why[KERNEL_WHY_BYTES])
{
    uint64_t bits[OPERANDS], mask = UINT64_MAX >> (64 - kernel->element_bits);
    unsigned char memory[OPERANDS][8], out[8];
    const void *operands[OPERANDS];
    char name[16];
    for (uint32_t k = 0; k < n; k++) {
        bits[k] = some_value(kernel->dtype, random) & mask;
        put(memory[k], bits[k], kernel->element_bits / 8);
        operands[k] = memory[k];
    }
    kernel->reduce(kernel, out, operands, n, 1, kernel->redop == HWS_AVG ? n : 0);
    uint64_t got = get(out, kernel->element_bits / 8);
    uint64_t wanted = kernel_oracle(kernel->dtype, kernel->redop, bits, n);
    if (got == wanted) {
        return true;
    }
    snprintf(why, KERNEL_WHY_BYTES, "%s %s: %u operands, 0x%llx 0x%llx ..: 0x%llx, not 0x%llx",
             set->name, name_of(kernel, name), n, (unsigned long long)bits[0],
             (unsigned long long)bits[1], (unsigned long long)got, (unsigned long long)wanted);
    return false;
}

bool kernel_check_values(const struct hwi_kernel_set *set, char why[KERNEL_WHY_BYTES])
{
    uint64_t random = 1;
    for (uint32_t i = 0; i < set->count; i++) {
        for (uint32_t round = 0; round < ROUNDS; round++) {
            uint32_t n = 2 + (round % 7 == 6 ? OPERANDS - 2 : round % 4);
            if (!check_value(set, &set->kernels[i], n, &random, why)) {
                return false;
            }
        }
    }
    return true;
}

// ---- shapes -------------------------------------------------------------------------------------

struct shapes {
    const struct hwi_kernel *kernel, *as;
    const char *set;
    uint64_t random;
    unsigned char memory[OPERANDS + 1][ROOM]; // the last is the output apart
    unsigned char wanted[ROOM], before[ROOM];
};

static void fill(struct shapes *shapes, uint32_t n)
{
    size_t bytes = shapes->kernel->element_bits / 8;
    uint8_t dtype = shapes->kernel->dtype;
    for (uint32_t k = 0; k <= n; k++) {
        unsigned char *memory = shapes->memory[k == n ? OPERANDS : k];
        for (size_t at = 0; at + 8 <= ROOM; at += bytes) {
            put(memory + at, some_value(dtype, &shapes->random), bytes);
        }
    }
}

// `target` is an operand, or n for an output apart.
static bool check_shape(struct shapes *shapes, uint32_t n, size_t count, uint32_t target,
                        char why[KERNEL_WHY_BYTES])
{
    const struct hwi_kernel *kernel = shapes->kernel;
    const void *operands[OPERANDS];
    unsigned char *room = shapes->memory[target == n ? OPERANDS : target];
    size_t shift = random_next(&shapes->random) % SHIFT_MAX;
    uint32_t divisor = kernel->redop == HWS_AVG ? n : 0;
    char name[16];
    for (uint32_t k = 0; k < n; k++) {
        operands[k] =
            shapes->memory[k] + (k == target ? shift : random_next(&shapes->random) % SHIFT_MAX);
    }
    memcpy(shapes->before, room, ROOM);
    memcpy(shapes->wanted, room, ROOM);
    shapes->as->reduce(shapes->as, shapes->wanted + shift, operands, n, count, divisor);
    kernel->reduce(kernel, room + shift, operands, n, count, divisor);
    bool same = memcmp(room, shapes->wanted, ROOM) == 0;
    memcpy(room, shapes->before, ROOM);
    if (!same) {
        snprintf(why, KERNEL_WHY_BYTES, "%s %s: %u operands of %zu, onto %u, %zu off", shapes->set,
                 name_of(kernel, name), n, count, target, shift);
    }
    return same;
}

static bool check_kernel(struct shapes *shapes, char why[KERNEL_WHY_BYTES])
{
    static const uint32_t operands[] = {2, 3, 5, OPERANDS};
    static const size_t large[] = {255, 1025, 4100, 9001};
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t n = operands[i];
        fill(shapes, n);
        for (size_t count = 0; count <= LENGTH_MAX; count++) {
            if (!check_shape(shapes, n, count, (uint32_t)count % (n + 1), why)) {
                return false;
            }
        }
        for (uint32_t j = 0; j < 4; j++) {
            if (!check_shape(shapes, n, large[j], n - j % 3, why)) {
                return false;
            }
        }
    }
    return true;
}

static struct shapes *shapes_of(const struct hwi_kernel_set *set)
{
    struct shapes *shapes = calloc(1, sizeof *shapes);
    if (shapes == NULL) {
        abort();
    }
    shapes->set = set->name;
    shapes->random = 7;
    return shapes;
}

bool kernel_check_shapes(const struct hwi_kernel_set *set, const struct hwi_kernel_set *as,
                         char why[KERNEL_WHY_BYTES])
{
    struct shapes *shapes = shapes_of(set);
    bool right = true;
    for (uint32_t i = 0; i < set->count && right; i++) {
        shapes->kernel = &set->kernels[i];
        shapes->as = hwi_kernel_in(as, shapes->kernel->dtype, shapes->kernel->redop);
        right = check_kernel(shapes, why);
    }
    free(shapes);
    return right;
}

// ---- pairs --------------------------------------------------------------------------------------

enum { HALVES = 1 << 16, BYTE_VALUES = 1 << 8 };

struct pairs {
    unsigned char left[2 * HALVES], right[2 * HALVES], got[2 * HALVES], wanted[2 * HALVES];
};

static bool check_pairs(const struct hwi_kernel_set *set, const struct hwi_kernel_set *as,
                        const struct hwi_kernel *kernel, struct pairs *pairs,
                        char why[KERNEL_WHY_BYTES])
{
    const struct hwi_kernel *other = hwi_kernel_in(as, kernel->dtype, kernel->redop);
    const void *operands[] = {pairs->left, pairs->right};
    size_t bytes = kernel->element_bits / 8, count = HALVES;
    uint32_t divisor = kernel->redop == HWS_AVG ? 2 : 0;
    char name[16];
    kernel->reduce(kernel, pairs->got, operands, 2, count, divisor);
    other->reduce(other, pairs->wanted, operands, 2, count, divisor);
    for (size_t i = 0; i < count; i++) {
        if (memcmp(pairs->got + i * bytes, pairs->wanted + i * bytes, bytes) == 0) {
            continue;
        }
        snprintf(why, KERNEL_WHY_BYTES, "%s %s: 0x%llx and 0x%llx", set->name,
                 name_of(kernel, name), (unsigned long long)get(pairs->left + i * bytes, bytes),
                 (unsigned long long)get(pairs->right + i * bytes, bytes));
        return false;
    }
    return true;
}

// All bytes with all bytes; or all halves with one.
static void fill_pairs(struct pairs *pairs, uint8_t dtype, uint32_t round)
{
    size_t bytes = hwi_dtype_unit(dtype);
    for (uint32_t i = 0; i < HALVES; i++) {
        put(pairs->left + i * bytes, bytes == 1 ? i % BYTE_VALUES : i, bytes);
        put(pairs->right + i * bytes, bytes == 1 ? i / BYTE_VALUES : awkward(dtype, round), bytes);
    }
}

bool kernel_check_pairs(const struct hwi_kernel_set *set, const struct hwi_kernel_set *as,
                        char why[KERNEL_WHY_BYTES])
{
    struct pairs *pairs = malloc(sizeof *pairs);
    bool right = pairs != NULL;
    for (uint32_t i = 0; i < set->count && right; i++) {
        const struct hwi_kernel *kernel = &set->kernels[i];
        uint32_t rounds = kernel->element_bits > 16 ? 0 : kernel->element_bits == 8 ? 1 : AWKWARD;
        for (uint32_t round = 0; round < rounds && right; round++) {
            fill_pairs(pairs, kernel->dtype, round);
            right = check_pairs(set, as, kernel, pairs, why);
        }
    }
    free(pairs);
    return right;
}
