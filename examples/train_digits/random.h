// SPDX-License-Identifier: MIT
// A small seeded generator (splitmix64), so that a run depends on its seed alone.
#ifndef TRAIN_DIGITS_RANDOM_H
#define TRAIN_DIGITS_RANDOM_H

#include <stdint.h>

static inline uint64_t random_next(uint64_t *state)
{
    uint64_t x = (*state += UINT64_C(0x9e3779b97f4a7c15));
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

// 0 to below 1.
static inline float random_unit(uint64_t *state)
{
    return (float)(random_next(state) >> 40) / 16777216.0f;
}

#endif
