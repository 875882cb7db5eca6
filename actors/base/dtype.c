// SPDX-License-Identifier: MIT
#include "actors/base/dtype.h"

#include <stddef.h>

#include <hawser/types.h>

// A test may bring more rows.
#ifndef HWI_DTYPE_ROWS
#define HWI_DTYPE_ROWS HWS_DTYPE_MAP
#endif

struct row {
    const char *name;
    uint8_t bits;
    bool fraction;
};

enum { is_i32, is_i64, is_i128, is_f32, is_f64 };

static const struct row rows[] = {
#define ROW(NAME, value, name, bits, wide, KERNELS, text)                                          \
    [value] = {#name, bits, is_##wide >= is_f32},
    HWI_DTYPE_ROWS(ROW)
#undef ROW
};

enum { LAST = sizeof rows / sizeof rows[0] - 1 };

#define ONE(NAME, value, name, bits, wide, KERNELS, text) +1
_Static_assert(0 HWI_DTYPE_ROWS(ONE) == LAST, "values without a gap, each once");
#undef ONE

#define WHOLE_BYTES(NAME, value, name, bits, wide, KERNELS, text)                                  \
    _Static_assert((bits) % 8 == 0 || 8 % (bits) == 0, #name ": whole bytes, or a divisor of a "   \
                                                             "byte");
HWI_DTYPE_ROWS(WHOLE_BYTES)
#undef WHOLE_BYTES

uint8_t hwi_dtype_last(void)
{
    return LAST;
}

uint32_t hwi_dtype_bits(uint8_t dtype)
{
    return dtype <= LAST ? rows[dtype].bits : 0;
}

bool hwi_dtype_is_fraction(uint8_t dtype)
{
    return dtype <= LAST && rows[dtype].fraction;
}

uint64_t hwi_dtype_bytes(uint8_t dtype, uint64_t count)
{
    uint32_t bits = hwi_dtype_bits(dtype);
    if (bits == 0 || bits >= 8) {
        return count * (bits / 8);
    }
    uint32_t to_a_byte = 8 / bits;
    return count / to_a_byte + (count % to_a_byte != 0);
}

uint64_t hwi_dtype_count(uint8_t dtype, uint64_t bytes)
{
    uint32_t bits = hwi_dtype_bits(dtype);
    if (bits == 0) {
        return 0;
    }
    return bits >= 8 ? bytes / (bits / 8) : bytes * (8 / bits);
}

uint32_t hwi_dtype_unit(uint8_t dtype)
{
    return (hwi_dtype_bits(dtype) + 7) / 8;
}

size_t hws_dtype_bytes(hws_dtype dtype)
{
    return (unsigned)dtype <= LAST ? hwi_dtype_unit((uint8_t)dtype) : 0;
}

const char *hws_dtype_name(hws_dtype dtype)
{
    return hws_dtype_bytes(dtype) > 0 ? rows[dtype].name : "?";
}
