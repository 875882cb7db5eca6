// SPDX-License-Identifier: MIT
// In the place of transport/data/codec/codecs.c: everything is sent by a codec that doubles its
// bytes. The second half is the first one's complement, so a payload that took another way is seen.
// It declines what has few bytes, so raw frames pass as well.
#include <stddef.h>

#include "tests/doors/used.h"
#include "transport/data/codec/codec.h"

enum { NUMBER = 200, DECLINED_BYTES = 64 };

static uint32_t bound(uint32_t element_bytes)
{
    return 2 * element_bytes;
}

static uint32_t encode(const struct hwi_elements *elements, const void *from, void *to)
{
    const unsigned char *bytes = from;
    unsigned char *first = to, *second = first + elements->bytes;
    if (elements->bytes < DECLINED_BYTES) {
        return 0;
    }
    for (uint32_t i = 0; i < elements->bytes; i++) {
        first[i] = bytes[i];
        second[i] = (unsigned char)~bytes[i];
    }
    door_used++;
    return bound(elements->bytes);
}

static bool decode(const struct hwi_elements *elements, const void *from, uint32_t payload_bytes,
                   void *to)
{
    const unsigned char *first = from, *second = first + elements->bytes;
    unsigned char *bytes = to;
    if (payload_bytes != bound(elements->bytes)) {
        return false;
    }
    for (uint32_t i = 0; i < elements->bytes; i++) {
        if ((first[i] ^ second[i]) != 0xff) {
            return false;
        }
        bytes[i] = first[i];
    }
    return true;
}

static const struct hwi_codec_ops twice = {
    .name = "double",
    .number = NUMBER,
    .bound = bound,
    .encode = encode,
    .decode = decode,
};

const struct hwi_codec_ops *hwi_codec_find(uint8_t number)
{
    return number == NUMBER ? &twice : number == HWI_PAYLOAD_RAW ? &hwi_codec_raw : NULL;
}

const struct hwi_codec_ops *hwi_codec_for(uint8_t kind)
{
    (void)kind;
    return &twice;
}

uint64_t door_used;
