// SPDX-License-Identifier: MIT
// Benchmarks of Hawser's parts, for people who work on it: a program that is built with the tools
// and not installed. Each benchmark is a file in this folder and a row in main.c. Users measure
// with `hawser bench`.
#ifndef HAWSER_TOOLS_BENCH_BENCH_H
#define HAWSER_TOOLS_BENCH_BENCH_H

#include "tools/hawser/common/measure.h"

enum { BENCH_OPERANDS_MAX = 64 };

struct bench_job {
    uint32_t operands; // of kernels
    uint32_t repeats;  // 0 = the benchmark's own choice
    uint64_t sizes[MEASURE_SIZES_MAX];
    uint32_t size_count; // 0 for a benchmark without sizes
    bool json;
};

// Each measures, checks what it can, prints, and returns an exit code of tools/hawser/command.h.
int bench_ring(const struct bench_job *job);       // what the ring costs a message
int bench_journal(const struct bench_job *job);    // what journals cost streams of all-reduces
int bench_trace(const struct bench_job *job);      // what a tracer costs a stream of all-reduces
int bench_kernels(const struct bench_job *job);    // how fast operands in memory are reduced
int bench_checkpoint(const struct bench_job *job); // how fast states are saved and loaded

// "hawser-bench: sentence" on stderr.
__attribute__((format(printf, 1, 2))) void bench_complain(const char *format, ...);

#endif
