// SPDX-License-Identifier: MIT
// LZ4 where it pays: a sample is compressed first, to see whether the rest is worth it.
#include <lz4.h>

#include "transport/data/codec/codec.h"

enum {
    PROBE_BYTES = 16 << 10,
    ACCELERATION = 1,
};

// Data that gets no smaller is sent raw.
static uint32_t bound(uint32_t element_bytes)
{
    return element_bytes;
}

// At least a tenth must be saved, or the receiver's work is not worth it.
static uint32_t worth(uint32_t bytes)
{
    return bytes - bytes / 10 - (bytes < 10);
}

static uint32_t compress(const void *from, uint32_t bytes, void *to)
{
    int made = LZ4_compress_fast(from, to, (int)bytes, (int)worth(bytes), ACCELERATION);
    return made > 0 ? (uint32_t)made : 0;
}

static uint32_t encode(const struct hwi_elements *elements, const void *from, void *to)
{
    if (elements->bytes > PROBE_BYTES && compress(from, PROBE_BYTES, to) == 0) {
        return 0;
    }
    return compress(from, elements->bytes, to);
}

static bool decode(const struct hwi_elements *elements, const void *from, uint32_t payload_bytes,
                   void *to)
{
    int made = LZ4_decompress_safe(from, to, (int)payload_bytes, (int)elements->bytes);
    return made >= 0 && (uint32_t)made == elements->bytes;
}

const struct hwi_codec_ops hwi_codec_lz4 = {
    .name = "lz4",
    .number = HWI_PAYLOAD_LZ4,
    .bound = bound,
    .encode = encode,
    .decode = decode,
};
