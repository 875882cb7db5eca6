// SPDX-License-Identifier: MIT
// The cheapest clock there is: a counter of the processor that runs at a constant rate. Any thread.
#ifndef HAWSER_TRANSPORT_OS_OS_TICKS_H
#define HAWSER_TRANSPORT_OS_OS_TICKS_H

#include <stdint.h>

#if defined(__x86_64__)
static inline uint64_t hwi_os_ticks(void)
{
    return __builtin_ia32_rdtsc();
}
#elif defined(__aarch64__)
static inline uint64_t hwi_os_ticks(void)
{
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
}
#else
#error "no counter is known for this processor"
#endif

#endif
