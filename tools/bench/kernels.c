// SPDX-License-Identifier: MIT
// How fast reductions in memory are: each set of kernels that runs here and the scalar one, in
// turn.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <hawser/types.h>

#include "collectives/kernels/kernels.h"
#include "actors/base/dtype.h"
#include "tools/bench/bench.h"
#include "tools/hawser/command.h"

enum { ROUNDS = 9, OPERATIONS = HWS_MIN };

struct arena {
    unsigned char *memory; // the operands, one behind the other, then the output
    const void *operands[BENCH_OPERANDS_MAX];
    uint32_t n;
    uint64_t bytes; // of an operand
};

struct speed {
    double scalar, set; // operand bytes per second
};

// Of this thread: what others do on a busy machine is not counted.
static uint64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t measure(const struct arena *arena, const struct hwi_kernel *kernel)
{
    uint32_t divisor = kernel->redop == HWS_AVG ? arena->n : 0;
    uint64_t begin_ns = cpu_ns();
    kernel->reduce(kernel, arena->memory + arena->n * arena->bytes, arena->operands, arena->n,
                   hwi_dtype_count(kernel->dtype, arena->bytes), divisor);
    return cpu_ns() - begin_ns;
}

// Halves and bytes of any bits; larger fractions near to 1, for numbers that are none are rare.
static void fill(struct arena *arena, uint8_t dtype)
{
    uint64_t random = 1;
    for (uint64_t at = 0; at + 8 <= arena->n * arena->bytes; at += 8) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint64_t bits = random ^ random >> 32;
        if (dtype == HWS_F32) {
            bits = (bits & UINT64_C(0x807fffff807fffff)) | UINT64_C(0x3f8000003f800000);
        }
        if (dtype == HWS_F64) {
            bits = (bits & UINT64_C(0x800fffffffffffff)) | UINT64_C(0x3ff0000000000000);
        }
        if (dtype == HWS_F16) {
            bits = (bits & UINT64_C(0x83ff83ff83ff83ff)) | UINT64_C(0x3c003c003c003c00);
        }
        if (dtype == HWS_BF16) {
            bits = (bits & UINT64_C(0x807f807f807f807f)) | UINT64_C(0x3f803f803f803f80);
        }
        memcpy(arena->memory + at, &bits, sizeof bits);
    }
}

static struct speed compare(const struct arena *arena, const struct hwi_kernel *kernel,
                            const struct hwi_kernel *scalar)
{
    uint64_t with[ROUNDS], without[ROUNDS];
    double bytes = (double)arena->bytes * arena->n;
    for (int i = 0; i < ROUNDS; i++) {
        without[i] = measure(arena, scalar);
        with[i] = measure(arena, kernel);
    }
    return (struct speed){.scalar = bytes / measure_summary(without, ROUNDS).median,
                          .set = bytes / measure_summary(with, ROUNDS).median};
}

static void print_json(const struct arena *arena, const char *set, hws_dtype dtype,
                       const struct speed *speeds)
{
    for (int i = 0; i < OPERATIONS; i++) {
        printf("{\"bench\":\"kernels\",\"set\":\"%s\",\"dtype\":\"%s\",\"redop\":\"%s\","
               "\"bytes\":%" PRIu64 ",\"operands\":%" PRIu32
               ",\"scalar_GBps\":%.2f,\"GBps\":%.2f}\n",
               set, hws_dtype_name(dtype), hws_redop_name((hws_redop)(HWS_SUM + i)), arena->bytes,
               arena->n, speeds[i].scalar * 1e-9, speeds[i].set * 1e-9);
    }
}

static void print_row(hws_dtype dtype, const struct speed *speeds)
{
    printf("%-5s", hws_dtype_name(dtype));
    for (int i = 0; i < OPERATIONS; i++) {
        printf(" %6.1f %5.1fx", speeds[i].set * 1e-9, speeds[i].set / speeds[i].scalar);
    }
    putchar('\n');
}

static void compare_set(struct arena *arena, const struct hwi_kernel_set *set,
                        const struct hwi_kernel_set *scalar, bool json)
{
    if (!json) {
        printf("%s, %" PRIu32 " operands of %" PRIu64
               " bytes: GB/s of operands, times scalar\n%-5s",
               set->name, arena->n, arena->bytes, "");
        for (int i = 0; i < OPERATIONS; i++) {
            printf(" %13s", hws_redop_name((hws_redop)(HWS_SUM + i)));
        }
        putchar('\n');
    }
    for (uint8_t dtype = 1; dtype <= hwi_dtype_last(); dtype++) {
        struct speed speeds[OPERATIONS];
        fill(arena, dtype);
        for (uint8_t i = 0; i < OPERATIONS; i++) {
            speeds[i] = compare(arena, hwi_kernel_in(set, dtype, HWS_SUM + i),
                                hwi_kernel_in(scalar, dtype, HWS_SUM + i));
        }
        if (json) {
            print_json(arena, set->name, (hws_dtype)dtype, speeds);
        } else {
            print_row((hws_dtype)dtype, speeds);
        }
        fflush(stdout);
    }
}

int bench_kernels(const struct bench_job *job)
{
    uint32_t count;
    const struct hwi_kernel_set *sets = hwi_kernel_sets(&count);
    for (uint32_t i = 0; i < job->size_count; i++) {
        struct arena arena = {.n = job->operands, .bytes = (job->sizes[i] + 7) / 8 * 8};
        arena.memory = calloc(arena.n + 1, arena.bytes);
        if (arena.memory == NULL) {
            bench_complain("no memory");
            return EXIT_FAILED;
        }
        for (uint32_t k = 0; k < arena.n; k++) {
            arena.operands[k] = arena.memory + k * arena.bytes;
        }
        for (uint32_t s = 1; s < count; s++) {
            if (sets[s].runs()) {
                compare_set(&arena, &sets[s], &sets[0], job->json);
            }
        }
        free(arena.memory);
    }
    return EXIT_OK;
}
