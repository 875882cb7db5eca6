// SPDX-License-Identifier: MIT
// XXH3-64 from its header, compiled for AVX2 (see CMakeLists.txt); only called where there is AVX2.
#if defined(__x86_64__)
#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t hwi_checksum_avx2(const void *bytes, size_t count);

uint64_t hwi_checksum_avx2(const void *bytes, size_t count)
{
    return XXH3_64bits(bytes, count);
}
#else
extern int hwi_checksum_avx2_unused; // an empty file is no C file
#endif
