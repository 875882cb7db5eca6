// SPDX-License-Identifier: MIT
// Element types: what the rows of HWS_DTYPE_MAP say, and all arithmetic between elements and bytes.
// A size is made of bits and a count here and nowhere else, so types may be smaller than a byte.
// All may be called from any thread and take any number for a dtype.
#ifndef HAWSER_ACTORS_BASE_DTYPE_H
#define HAWSER_ACTORS_BASE_DTYPE_H

#include <stdbool.h>
#include <stdint.h>

// The greatest dtype; all from 1 to it are types.
uint8_t hwi_dtype_last(void);

// Of one element; 0 = no type.
uint32_t hwi_dtype_bits(uint8_t dtype);

// It has a sign for zero, infinities and what is not a number.
bool hwi_dtype_is_fraction(uint8_t dtype);

// The bytes that `count` elements fill that lie side by side, rounded up; 0 if it is no type.
// count: at most hwi_dtype_count(dtype, HWI_TENSOR_BYTES_MAX), or the result may have wrapped.
uint64_t hwi_dtype_bytes(uint8_t dtype, uint64_t count);

// The elements that lie whole in `bytes`; 0 if it is no type. bytes: at most 2^60.
uint64_t hwi_dtype_count(uint8_t dtype, uint64_t bytes);

// The least bytes that elements fill without a rest: regions and chunks begin at multiples of it.
// 0 if it is no type.
uint32_t hwi_dtype_unit(uint8_t dtype);

#endif
