// SPDX-License-Identifier: MIT
// One process of a benchmark: repeats each size, keeps the slowest process's time of every repeat.
#include <errno.h>
#include <hawser/hawser.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/hawser/bench/bench.h"
#include "tools/hawser/command.h"

enum {
    TAG_PACE = 1,
    TAG_DATA = 2,
    WARM_UPS = 3,
    REPEATS_MIN = 5,
    REPEATS_AUTO_MAX = 2000,
    PERIOD = 251,      // input values repeat after this many elements
    REFILL_EVERY = 16, // in-place sums grow: start afresh, and check, after this many
};
#define AUTO_NS UINT64_C(1500000000)

struct bench {
    const struct bench_job *job;
    hws_comm *comm;        // NULL in plain raw
    struct bench_raw *raw; // NULL in plain all-reduce
    uint32_t rank, members;
    float *buffer, *raw_out, *raw_in;
    uint64_t count;                               // elements of the size at hand
    uint32_t summed;                              // all-reduces since the buffer was filled
    uint64_t samples[2][MEASURE_REPEATS_MAX + 1]; // all-reduce, raw
};

static bool failed(const struct bench *b, const char *what)
{
    complain("bench", "member %" PRIu32 ": %s: %s", b->rank, what,
             b->comm != NULL ? hws_last_error() : strerror(errno));
    return false;
}

// ---- data that can be checked ----------------------------------------------------------------

static float input_value(uint32_t rank, uint64_t i)
{
    return (float)((i % PERIOD) * (rank % 4 + 1) + rank % 7 + 1) / 64.0f;
}

static void fill(float *values, uint64_t count, uint32_t rank)
{
    float period[PERIOD];
    for (uint32_t i = 0; i < PERIOD; i++) {
        period[i] = input_value(rank, i);
    }
    for (uint64_t i = 0; i < count; i += PERIOD) {
        memcpy(values + i, period, sizeof(float) * (count - i < PERIOD ? count - i : PERIOD));
    }
}

// The result of sums in place and in rank order after `times` all-reduces, by the same additions.
static float expected_sum(uint32_t members, uint32_t times, uint64_t i)
{
    float sum = input_value(0, i);
    for (uint32_t rank = 1; rank < members; rank++) {
        sum += input_value(rank, i);
    }
    for (uint32_t t = 1; t < times; t++) {
        float one = sum;
        for (uint32_t rank = 1; rank < members; rank++) {
            sum += one;
        }
    }
    return sum;
}

static bool check_sums(struct bench *b)
{
    float expected[PERIOD];
    for (uint32_t i = 0; i < PERIOD; i++) {
        expected[i] = expected_sum(b->members, b->summed, i);
    }
    for (uint64_t i = 0; i < b->count; i++) {
        if (b->buffer[i] != expected[i % PERIOD]) {
            complain("bench",
                     "member %" PRIu32 ": wrong sum at element %" PRIu64 " of %" PRIu64
                     ": expected %g, found %g",
                     b->rank, i, b->count, (double)expected[i % PERIOD], (double)b->buffer[i]);
            return false;
        }
    }
    return true;
}

static bool check_and_refill(struct bench *b)
{
    if (b->summed > 0 && !check_sums(b)) {
        return false;
    }
    fill(b->buffer, b->count, b->rank);
    b->summed = 0;
    return true;
}

static bool check_raw(const struct bench *b)
{
    for (uint64_t i = 0; i < b->count; i++) {
        if (b->raw_in[i] != input_value(!b->rank, i)) {
            complain("bench", "process %" PRIu32 ": wrong bytes at element %" PRIu64, b->rank, i);
            return false;
        }
    }
    return true;
}

// ---- measuring -------------------------------------------------------------------------------

// A barrier that also tells the largest of all processes' values.
static bool pace(struct bench *b, uint64_t mine, uint64_t *largest)
{
    hws_options options = HWS_OPTIONS_INIT;
    uint64_t other, least;
    options.tag = TAG_PACE;
    if (b->comm == NULL) {
        if (!raw_exchange(b->raw, &mine, &other, sizeof mine)) {
            return failed(b, "cannot meet the other process");
        }
        *largest = other > mine ? other : mine;
        return true;
    }
    if (hws_agree(b->comm, ~mine, HWS_AGREE_MIN, &options, &least, NULL)) {
        return failed(b, "cannot agree");
    }
    *largest = ~least;
    return true;
}

static bool all_reduce(struct bench *b)
{
    hws_options options = HWS_OPTIONS_INIT;
    options.tag = TAG_DATA;
    options.plan = b->job->plan;
    if (hws_all_reduce(b->comm, b->buffer, b->buffer, b->count, HWS_F32, HWS_SUM, &options, NULL)) {
        return failed(b, "cannot all-reduce");
    }
    b->summed++;
    return true;
}

// One timed go of one kind; *largest becomes the slowest process's time.
static bool measure(struct bench *b, enum bench_kind kind, uint64_t *largest)
{
    uint64_t nothing;
    if (kind == BENCH_ALL_REDUCE && b->summed % REFILL_EVERY == 0 && !check_and_refill(b)) {
        return false;
    }
    if (!pace(b, 0, &nothing)) {
        return false;
    }
    uint64_t start = now_ns();
    if (kind == BENCH_ALL_REDUCE && !all_reduce(b)) {
        return false;
    }
    if (kind == BENCH_RAW &&
        !raw_exchange(b->raw, b->raw_out, b->raw_in, b->count * sizeof(float))) {
        return failed(b, "cannot exchange");
    }
    return pace(b, now_ns() - start, largest);
}

// Both kinds, one after the other, so that what disturbs the machine disturbs both.
static bool measure_all(struct bench *b, uint32_t repeat)
{
    enum bench_kind kind = b->job->kind;
    return (!(kind & BENCH_RAW) || measure(b, BENCH_RAW, &b->samples[1][repeat])) &&
           (!(kind & BENCH_ALL_REDUCE) || measure(b, BENCH_ALL_REDUCE, &b->samples[0][repeat]));
}

static uint32_t repeats_that_fit(const struct bench *b)
{
    uint64_t last = b->samples[0][0] + b->samples[1][0], fit = AUTO_NS / (last + 1);
    if (b->job->repeats) {
        return b->job->repeats;
    }
    if (fit < REPEATS_MIN) {
        return REPEATS_MIN;
    }
    return fit > REPEATS_AUTO_MAX ? REPEATS_AUTO_MAX : (uint32_t)fit;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_ratio(const struct bench *b, uint32_t repeats)
{
    static double ratios[MEASURE_REPEATS_MAX];
    for (uint32_t i = 0; i < repeats; i++) {
        ratios[i] = (double)b->samples[1][i] / (double)b->samples[0][i];
    }
    qsort(ratios, repeats, sizeof *ratios, compare_doubles);
    return ratios[repeats / 2];
}

static bool allocate(struct bench *b, uint64_t bytes)
{
    bool raw = b->job->kind & BENCH_RAW;
    b->count = bytes / sizeof(float);
    b->buffer = malloc(bytes);
    b->raw_out = raw ? malloc(bytes) : NULL;
    b->raw_in = raw ? malloc(bytes) : NULL;
    if (b->buffer == NULL || (raw && (b->raw_out == NULL || b->raw_in == NULL))) {
        return failed(b, "out of memory");
    }
    b->summed = 0;
    fill(b->buffer, b->count, b->rank);
    if (raw) {
        fill(b->raw_out, b->count, b->rank);
        memset(b->raw_in, 0, bytes);
    }
    return true;
}

static bool measure_size(struct bench *b, struct bench_result *result)
{
    for (int i = 0; i < WARM_UPS; i++) {
        if (!measure_all(b, 0)) {
            return false;
        }
    }
    result->repeats = repeats_that_fit(b); // the same on all: it comes from agreed times
    for (uint32_t i = 0; i < result->repeats; i++) {
        if (!measure_all(b, i)) {
            return false;
        }
    }
    if (((b->job->kind & BENCH_ALL_REDUCE) && !check_sums(b)) ||
        ((b->job->kind & BENCH_RAW) && !check_raw(b))) {
        return false;
    }
    if (b->job->kind == BENCH_COMPARE) {
        result->of_raw = median_ratio(b, result->repeats);
    }
    if (b->job->kind & BENCH_ALL_REDUCE) {
        result->all_reduce = measure_summary(b->samples[0], result->repeats);
    }
    if (b->job->kind & BENCH_RAW) {
        result->raw = measure_summary(b->samples[1], result->repeats);
    }
    return true;
}

static bool measure_job(struct bench *b, int results)
{
    for (uint32_t i = 0; i < b->job->size_count; i++) {
        struct bench_result result = {.bytes = b->job->sizes[i]};
        bool good = allocate(b, result.bytes) && measure_size(b, &result);
        free(b->buffer);
        free(b->raw_out);
        free(b->raw_in);
        if (good && b->rank == 0 && write(results, &result, sizeof result) != sizeof result) {
            return failed(b, "cannot report");
        }
        if (!good) {
            return false;
        }
    }
    return true;
}

static bool join(struct bench *b, const char *master)
{
    hws_config config = HWS_CONFIG_INIT;
    hws_result view = HWS_RESULT_INIT;
    config.master = master;
    config.stripes = b->job->stripes;
    if (hws_open(&config, &b->comm)) {
        return failed(b, "cannot join");
    }
    if (hws_view(b->comm, &view)) {
        return failed(b, "cannot see the view");
    }
    b->rank = view.rank;
    b->members = view.member_count;
    return true;
}

int bench_member(const struct bench_job *job, const char *master, struct bench_raw *raw,
                 uint32_t rank, int results)
{
    static struct bench b;
    b.job = job;
    b.raw = raw;
    b.rank = rank;
    bool good = (master == NULL || join(&b, master)) && measure_job(&b, results);
    hws_close(b.comm);
    return good ? EXIT_OK : EXIT_FAILED;
}
