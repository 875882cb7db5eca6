// SPDX-License-Identifier: MIT
// How results of `hawser bench` look.
#include <inttypes.h>
#include <stdio.h>

#include "tools/hawser/bench/bench.h"

static const char *plan_name(const struct bench_job *job)
{
    static const char *const names[] = {"auto", "one-shot", "direct"};
    return job->kind == BENCH_RAW ? "raw" : names[job->plan];
}

static const char *kind_name(const struct bench_job *job)
{
    return job->kind == BENCH_RAW ? "raw" : job->kind == BENCH_COMPARE ? "compare" : "all-reduce";
}

// All-reduce moves 2 (N-1)/N times its size over each member's link.
static double bus_factor(const struct bench_job *job)
{
    return 2.0 * (job->peers - 1) / job->peers;
}

// "64 KiB": sizes are mostly powers of two.
static const char *size_text(uint64_t bytes, char *text, size_t length)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB"};
    int unit = 0;
    while (unit < 3 && bytes >= 1024 && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    snprintf(text, length, "%" PRIu64 " %s", bytes, units[unit]);
    return text;
}

void bench_print_head(const struct bench_job *job)
{
    if (job->json) {
        return;
    }
    printf("%s: %" PRIu32 " processes on this machine, %" PRIu32 " connections per pair, plan %s\n",
           kind_name(job), job->peers, job->stripes, plan_name(job));
    if (job->kind == BENCH_COMPARE) {
        printf("%10s %8s %12s %12s %8s\n", "size", "repeats", "raw", "all-reduce", "of raw");
    } else {
        printf("%10s %8s %12s %12s %12s %10s %10s\n", "size", "repeats", "median", "p10", "p90",
               "algbw", "busbw");
    }
}

static void print_json(const struct bench_job *job, const struct bench_result *r,
                       struct measure_times t)
{
    double rate = (double)r->bytes / t.median;
    printf("{\"bench\":\"%s\",\"peers\":%" PRIu32 ",\"bytes\":%" PRIu64 ",\"plan\":\"%s\","
           "\"stripes\":%" PRIu32 ",\"repeats\":%" PRIu32 ",\"median_s\":%.9f,\"p10_s\":%.9f,"
           "\"p90_s\":%.9f,\"algbw_Bps\":%.0f,\"busbw_Bps\":%.0f}\n",
           kind_name(job), job->peers, r->bytes, plan_name(job), job->stripes, r->repeats, t.median,
           t.p10, t.p90, rate, rate * bus_factor(job));
}

static void print_compare(const struct bench_job *job, const struct bench_result *r)
{
    char size[32];
    if (job->json) {
        printf("{\"bench\":\"compare\",\"peers\":%" PRIu32 ",\"bytes\":%" PRIu64
               ",\"plan\":\"%s\",\"stripes\":%" PRIu32 ",\"repeats\":%" PRIu32
               ",\"raw_median_s\":%.9f,\"median_s\":%.9f,\"of_raw\":%.4f}\n",
               job->peers, r->bytes, plan_name(job), job->stripes, r->repeats, r->raw.median,
               r->all_reduce.median, r->of_raw);
    } else {
        printf("%10s %8" PRIu32 " %9.3f ms %9.3f ms %7.0f%%\n",
               size_text(r->bytes, size, sizeof size), r->repeats, r->raw.median * 1e3,
               r->all_reduce.median * 1e3, r->of_raw * 100);
    }
}

void bench_print(const struct bench_job *job, const struct bench_result *r)
{
    char size[32];
    struct measure_times t = job->kind == BENCH_RAW ? r->raw : r->all_reduce;
    if (job->kind == BENCH_COMPARE) {
        print_compare(job, r);
    } else if (job->json) {
        print_json(job, r, t);
    } else {
        double rate = (double)r->bytes / t.median;
        printf("%10s %8" PRIu32 " %9.3f ms %9.3f ms %9.3f ms %5.2f GB/s %5.2f GB/s\n",
               size_text(r->bytes, size, sizeof size), r->repeats, t.median * 1e3, t.p10 * 1e3,
               t.p90 * 1e3, rate * 1e-9, rate * bus_factor(job) * 1e-9);
    }
    fflush(stdout);
}
