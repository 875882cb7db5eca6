// SPDX-License-Identifier: MIT
#include "tools/hawser/common/measure.h"

#include <stdlib.h>

#include "tools/hawser/command.h"

static int compare_samples(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

struct measure_times measure_summary(uint64_t *samples, uint32_t count)
{
    qsort(samples, count, sizeof *samples, compare_samples);
    return (struct measure_times){
        .median = (double)samples[count / 2] * 1e-9,
        .p10 = (double)samples[count / 10] * 1e-9,
        .p90 = (double)samples[count - 1 - count / 10] * 1e-9,
    };
}

bool measure_sizes(const char *text, uint64_t sizes[MEASURE_SIZES_MAX], uint32_t *count)
{
    const char *at = text;
    for (*count = 0; *count < MEASURE_SIZES_MAX; at++) {
        uint64_t bytes;
        if (!parse_bytes(&at, &bytes) || bytes < 4 || bytes % 4 || (*at && *at != ',')) {
            return false;
        }
        sizes[(*count)++] = bytes;
        if (!*at) {
            return true;
        }
    }
    return false;
}
