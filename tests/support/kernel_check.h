// SPDX-License-Identifier: MIT
// Kernels held against each other. Plain C, without a test library, so that it can be built for a
// foreign machine. The first error is written to `why` as one line.
#ifndef HAWSER_TESTS_SUPPORT_KERNEL_CHECK_H
#define HAWSER_TESTS_SUPPORT_KERNEL_CHECK_H

#include "collectives/kernels/kernels.h"

enum { KERNEL_WHY_BYTES = 200, KERNEL_CHECK_OPERANDS_MAX = 16 };

// A reduction of one element by another definition: of the bits of n operands, the result's. For
// f32 and f64 in a wider type, which rounds the same for one step; for halves from a table of all
// values.
uint64_t kernel_oracle(uint8_t dtype, uint8_t redop, const uint64_t *operands, uint32_t n);
// All halves there are, to f32; and f32 to halves around every value and every middle between two.
bool kernel_oracle_halves(char why[KERNEL_WHY_BYTES]);

// A set has each type and operation once.
bool kernel_check_table(const struct hwi_kernel_set *set, char why[KERNEL_WHY_BYTES]);
// A set against the oracle: awkward and random values.
bool kernel_check_values(const struct hwi_kernel_set *set, char why[KERNEL_WHY_BYTES]);
// A set against another: lengths 0..67 and some of several blocks, from 2 to 16 operands, all
// misaligned, onto each of them and apart; and nothing is written beside.
bool kernel_check_shapes(const struct hwi_kernel_set *set, const struct hwi_kernel_set *as,
                         char why[KERNEL_WHY_BYTES]);
// Likewise all pairs of bytes, and all halves with all awkward ones.
bool kernel_check_pairs(const struct hwi_kernel_set *set, const struct hwi_kernel_set *as,
                        char why[KERNEL_WHY_BYTES]);

#endif
