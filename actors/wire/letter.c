// SPDX-License-Identifier: MIT
#include "actors/wire/letter.h"

#include <string.h>

#include <xxhash.h>

#include "actors/base/bytes.h"

void hwi_letter_sum(const void *bytes, size_t length, struct hwi_addr session,
                    unsigned char sum[HWI_LETTER_SUM_BYTES])
{
    uint64_t seed = session.role == HWI_ROLE_TOOL ? ~session.id : session.id;
    hwi_put_u64(sum, XXH3_64bits_withSeed(bytes, length, seed));
}

bool hwi_letter_open(const void *bytes, size_t bytes_in_all, struct hwi_addr session,
                     size_t *length)
{
    unsigned char sum[HWI_LETTER_SUM_BYTES];
    if (bytes_in_all < sizeof sum) {
        return false;
    }
    *length = bytes_in_all - sizeof sum;
    hwi_letter_sum(bytes, *length, session, sum);
    return memcmp(sum, (const unsigned char *)bytes + *length, sizeof sum) == 0;
}
