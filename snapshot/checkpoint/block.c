// SPDX-License-Identifier: MIT
#include "snapshot/checkpoint/block.h"

#include <lz4.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum {
    SAMPLE_PIECES = 4,
    PIECE_BYTES = 8 << 10, // of each; smaller blocks are a sample themselves
    SAMPLE_BYTES = SAMPLE_PIECES * PIECE_BYTES,
    PAYS_SHARE = 16, // compressed must be smaller by one part in this number
};

struct hwi_coder {
    unsigned char planes[HWI_BLOCK_BYTES];
    unsigned char packed[HWI_BLOCK_BYTES];
    unsigned char sample[SAMPLE_BYTES], sample_planes[SAMPLE_BYTES];
};

struct hwi_coder *hwi_coder_create(void)
{
    return malloc(sizeof(struct hwi_coder));
}

void hwi_coder_destroy(struct hwi_coder *coder)
{
    free(coder);
}

// ---- byte planes -------------------------------------------------------------------------------

// The neighbours in a plane resemble each other where the elements do not: signs and exponents.
// One loop for each width, so that the compiler sees it.
#define DEFINE_PLANES(WIDTH)                                                                       \
    static void split_##WIDTH(const unsigned char *restrict in, unsigned char *restrict out,       \
                              size_t count)                                                        \
    {                                                                                              \
        for (size_t k = 0; k < (WIDTH); k++)                                                       \
            for (size_t i = 0; i < count; i++)                                                     \
                out[k * count + i] = in[(WIDTH)*i + k];                                            \
    }                                                                                              \
    static void join_##WIDTH(const unsigned char *restrict in, unsigned char *restrict out,        \
                             size_t count)                                                         \
    {                                                                                              \
        for (size_t i = 0; i < count; i++)                                                         \
            for (size_t k = 0; k < (WIDTH); k++)                                                   \
                out[(WIDTH)*i + k] = in[k * count + i];                                            \
    }
DEFINE_PLANES(2)
DEFINE_PLANES(4)
DEFINE_PLANES(8)

static void split(const void *in, void *out, size_t bytes, uint32_t width)
{
    if (width == 2) {
        split_2(in, out, bytes / 2);
    } else if (width == 4) {
        split_4(in, out, bytes / 4);
    } else {
        split_8(in, out, bytes / 8);
    }
}

static void join(const void *in, void *out, size_t bytes, uint32_t width)
{
    if (width == 2) {
        join_2(in, out, bytes / 2);
    } else if (width == 4) {
        join_4(in, out, bytes / 4);
    } else {
        join_8(in, out, bytes / 8);
    }
}

// ---- packing -----------------------------------------------------------------------------------

// Bytes that LZ4 needs if that pays, else 0; it gives up early where it does not.
static uint32_t squeeze(const void *in, uint32_t bytes, unsigned char *out)
{
    uint32_t most = bytes - bytes / PAYS_SHARE - 1;
    int got = most > 0 ? LZ4_compress_default(in, (char *)out, (int)bytes, (int)most) : 0;
    return got > 0 ? (uint32_t)got : 0;
}

// A few pieces of the block, spread over it; a small block whole. Returns the sample's bytes.
static uint32_t take_sample(struct hwi_coder *coder, const unsigned char *bytes, uint32_t length)
{
    if (length <= SAMPLE_BYTES) {
        memcpy(coder->sample, bytes, length);
        return length;
    }
    uint32_t stride = length / SAMPLE_PIECES & ~7u;
    for (uint32_t i = 0; i < SAMPLE_PIECES; i++) {
        memcpy(coder->sample + i * PIECE_BYTES, bytes + i * stride, PIECE_BYTES);
    }
    return SAMPLE_BYTES;
}

static enum hwi_checkpoint_encoding choose(struct hwi_coder *coder, const void *bytes,
                                           uint32_t length, uint32_t width)
{
    uint32_t sample = take_sample(coder, bytes, length);
    uint32_t plain = squeeze(coder->sample, sample, coder->packed), planes = 0;
    if (width > 1) {
        split(coder->sample, coder->sample_planes, sample, width);
        planes = squeeze(coder->sample_planes, sample, coder->packed);
    }
    if (planes != 0 && (plain == 0 || planes < plain)) {
        return HWI_CHECKPOINT_PLANES;
    }
    return plain != 0 ? HWI_CHECKPOINT_LZ4 : HWI_CHECKPOINT_RAW;
}

const void *hwi_coder_pack(struct hwi_coder *coder, const void *bytes, uint32_t length,
                           uint32_t width, bool compress, struct hwi_checkpoint_block *block)
{
    enum hwi_checkpoint_encoding encoding =
        compress ? choose(coder, bytes, length, width) : HWI_CHECKPOINT_RAW;
    const void *plain = bytes;
    uint32_t got = 0;
    if (encoding == HWI_CHECKPOINT_PLANES) {
        split(bytes, coder->planes, length, width);
        plain = coder->planes;
    }
    if (encoding != HWI_CHECKPOINT_RAW) {
        got = squeeze(plain, length, coder->packed);
    }
    *block = (struct hwi_checkpoint_block){.hash = hwi_checkpoint_hash(bytes, length),
                                           .stored_bytes = length};
    if (got == 0) {
        return bytes;
    }
    block->check = XXH3_64bits(coder->packed, got);
    block->stored_bytes = got;
    block->encoding = (uint8_t)encoding;
    return coder->packed;
}

// ---- unpacking ---------------------------------------------------------------------------------

void *hwi_coder_room(struct hwi_coder *coder, const struct hwi_checkpoint_block *block, void *into)
{
    return block->encoding == HWI_CHECKPOINT_RAW ? into : coder->packed;
}

static bool expand(struct hwi_coder *coder, const struct hwi_checkpoint_block *block, void *into,
                   uint32_t length)
{
    return XXH3_64bits(coder->packed, block->stored_bytes) == block->check &&
           LZ4_decompress_safe((const char *)coder->packed, into, (int)block->stored_bytes,
                               (int)length) == (int)length;
}

bool hwi_coder_unpack(struct hwi_coder *coder, const struct hwi_checkpoint_block *block, void *into,
                      uint32_t length, uint32_t width)
{
    if (block->encoding == HWI_CHECKPOINT_LZ4 && !expand(coder, block, into, length)) {
        return false;
    }
    if (block->encoding == HWI_CHECKPOINT_PLANES) {
        if (!expand(coder, block, coder->planes, length)) {
            return false;
        }
        join(coder->planes, into, length, width);
    }
    return hwi_hash_equal(hwi_checkpoint_hash(into, length), block->hash);
}
