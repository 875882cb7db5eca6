// SPDX-License-Identifier: MIT
#include "transport/data/checksum.h"

#include <xxhash.h>

#if defined(__x86_64__)
uint64_t hwi_checksum_avx2(const void *bytes, size_t count); // checksum_avx2.c

uint64_t hwi_checksum(const void *bytes, size_t count)
{
    return __builtin_cpu_supports("avx2") ? hwi_checksum_avx2(bytes, count)
                                          : XXH3_64bits(bytes, count);
}
#else
uint64_t hwi_checksum(const void *bytes, size_t count)
{
    return XXH3_64bits(bytes, count);
}
#endif
