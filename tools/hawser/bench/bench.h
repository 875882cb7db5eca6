// SPDX-License-Identifier: MIT
// Shared by the parts of `hawser bench`: all-reduces between processes, and plain TCP to compare
// them with. The command forks all processes before it uses Hawser.
#ifndef HAWSER_TOOLS_HAWSER_BENCH_BENCH_H
#define HAWSER_TOOLS_HAWSER_BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/hawser/common/measure.h"

enum {
    BENCH_PEERS_MAX = 64,
    BENCH_STRIPES_MAX = 32,
};

enum bench_kind {
    BENCH_ALL_REDUCE = 1,
    BENCH_RAW = 2,
    BENCH_COMPARE = 3, // both
};

struct bench_job {
    enum bench_kind kind;
    uint32_t peers, stripes, plan;
    uint32_t repeats; // 0 = as many as fit in about a second and a half
    uint64_t sizes[MEASURE_SIZES_MAX];
    uint32_t size_count;
    bool json;
};

// One process of raw: its connections to the other, all non-blocking.
struct bench_raw {
    int fds[BENCH_STRIPES_MAX];
    uint32_t count;
};

// A pair over loopback TCP. False with errno; nothing stays open then.
bool raw_open_pair(struct bench_raw pair[2], uint32_t count);
void raw_close(struct bench_raw *raw);
// Sends `bytes` of `out` and receives as many into `in` at once, over all connections. False with
// errno.
bool raw_exchange(struct bench_raw *raw, const void *out, void *in, uint64_t bytes);

// One size's outcome; times are all zero for what was not measured.
struct bench_result {
    uint64_t bytes;
    uint32_t repeats;
    struct measure_times all_reduce, raw;
    double of_raw; // compare: the median over repeats of raw time / all-reduce time
};

// A member process: measures every size, checks the results, and if it is the first rank writes one
// bench_result per size to `results`. `raw` is NULL unless the kind has it; `rank` counts the
// processes. Returns an exit code.
int bench_member(const struct bench_job *job, const char *master, struct bench_raw *raw,
                 uint32_t rank, int results);

void bench_print_head(const struct bench_job *job);
void bench_print(const struct bench_job *job, const struct bench_result *result);

#endif
