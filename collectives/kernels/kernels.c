// SPDX-License-Identifier: MIT
// The sets, and which of them this machine uses.
#include "collectives/kernels/kernels.h"

#include <stdatomic.h>

#include "collectives/kernels/variant.h"

static bool always(void)
{
    return true;
}

#if defined(__x86_64__)
#include <cpuid.h>

// Compilers differ in whether they know this name.
static bool has_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && has_f16c();
}

static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif

static const struct hwi_kernel_set sets[] = {
    {"scalar", always, hwi_kernels_scalar, HWI_KERNELS},
#if defined(__x86_64__)
    {"avx2", has_avx2, hwi_kernels_avx2, HWI_KERNELS},
    {"avx512", has_avx512, hwi_kernels_avx512, HWI_KERNELS},
#elif defined(__aarch64__)
    {"neon", always, hwi_kernels_neon, HWI_KERNELS},
#endif
};

enum { SETS = sizeof sets / sizeof sets[0] };

const struct hwi_kernel_set *hwi_kernel_sets(uint32_t *count)
{
    *count = SETS;
    return sets;
}

// Asked once, for a virtual machine may be slow to tell; two threads that both ask find the same.
const struct hwi_kernel_set *hwi_kernel_best(void)
{
    static _Atomic(const struct hwi_kernel_set *) chosen;
    const struct hwi_kernel_set *best = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (best != NULL) {
        return best;
    }
    best = &sets[SETS - 1];
    while (!best->runs()) {
        best--;
    }
    atomic_store_explicit(&chosen, best, memory_order_relaxed);
    return best;
}

const struct hwi_kernel *hwi_kernel_in(const struct hwi_kernel_set *set, uint8_t dtype,
                                       uint8_t redop)
{
    for (uint32_t i = 0; i < set->count; i++) {
        if (set->kernels[i].dtype == dtype && set->kernels[i].redop == redop) {
            return &set->kernels[i];
        }
    }
    return NULL;
}

const struct hwi_kernel *hwi_kernel_find(uint8_t dtype, uint8_t redop)
{
    return hwi_kernel_in(hwi_kernel_best(), dtype, redop);
}
