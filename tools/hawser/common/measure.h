// SPDX-License-Identifier: MIT
// Shared by the benchmarks: `hawser bench`, which measures what users care about, and tools/bench,
// which measures parts of Hawser.
#ifndef HAWSER_TOOLS_HAWSER_COMMON_MEASURE_H
#define HAWSER_TOOLS_HAWSER_COMMON_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

enum { MEASURE_SIZES_MAX = 64, MEASURE_REPEATS_MAX = 100000 };

// In seconds.
struct measure_times {
    double median, p10, p90;
};

// Sorts `samples` (nanoseconds, at least one).
struct measure_times measure_summary(uint64_t *samples, uint32_t count);

// "4K,1M": up to MEASURE_SIZES_MAX multiples of 4 bytes. False: it is no such list; `sizes` and
// *count may be written all the same.
bool measure_sizes(const char *text, uint64_t sizes[MEASURE_SIZES_MAX], uint32_t *count);

#endif
