// SPDX-License-Identifier: MIT
#include "actors/wire/check.h"
#include "actors/wire/codec.h"

struct walk {
    const unsigned char *bytes;
    size_t left;
};

// The bytes after a value's first byte: a big-endian number of `size_bytes`, which for all but
// scalars counts what comes then.
struct head {
    uint8_t size_bytes;
    uint8_t extra_bytes;    // an ext's type
    uint8_t values_per_one; // of what is counted: bytes 0, items 1, pairs 2
    bool scalar;            // `size_bytes` of content, nothing counted
    bool valid;
};

#define SCALAR(bytes)                                                                              \
    {                                                                                              \
        .size_bytes = bytes, .scalar = true, .valid = true                                         \
    }
#define BYTES(size)                                                                                \
    {                                                                                              \
        .size_bytes = size, .valid = true                                                          \
    }
#define EXT(size)                                                                                  \
    {                                                                                              \
        .size_bytes = size, .extra_bytes = 1, .valid = true                                        \
    }
#define FIXEXT(bytes)                                                                              \
    {                                                                                              \
        .size_bytes = bytes + 1, .scalar = true, .valid = true                                     \
    }
#define ITEMS(size)                                                                                \
    {                                                                                              \
        .size_bytes = size, .values_per_one = 1, .valid = true                                     \
    }
#define PAIRS(size)                                                                                \
    {                                                                                              \
        .size_bytes = size, .values_per_one = 2, .valid = true                                     \
    }

// First bytes 0xc0 to 0xdf, as the msgpack specification has them.
static const struct head heads[32] = {
    SCALAR(0),  {0},       SCALAR(0), SCALAR(0), BYTES(1),  BYTES(2),  BYTES(4),  EXT(1),
    EXT(2),     EXT(4),    SCALAR(4), SCALAR(8), SCALAR(1), SCALAR(2), SCALAR(4), SCALAR(8),
    SCALAR(1),  SCALAR(2), SCALAR(4), SCALAR(8), FIXEXT(1), FIXEXT(2), FIXEXT(4), FIXEXT(8),
    FIXEXT(16), BYTES(1),  BYTES(2),  BYTES(4),  ITEMS(2),  ITEMS(4),  PAIRS(2),  PAIRS(4),
};

static bool skip(struct walk *walk, uint64_t bytes)
{
    if (bytes > walk->left) {
        return false;
    }
    walk->bytes += bytes;
    walk->left -= bytes;
    return true;
}

// Reads the head of one value and skips its content; *children is how many values follow inside it.
static bool walk_head(struct walk *walk, uint64_t *children)
{
    *children = 0;
    if (!walk->left) {
        return false;
    }
    unsigned first = *walk->bytes;
    skip(walk, 1);
    if (first < 0x80 || first >= 0xe0) {
        return true;
    }
    if (first < 0xa0) {
        *children = (uint64_t)(first & 0x0f) << (first < 0x90);
        return true;
    }
    if (first < 0xc0) {
        return skip(walk, first & 0x1f);
    }

    const struct head *head = &heads[first - 0xc0];
    if (!head->valid || head->scalar) {
        return head->valid && skip(walk, head->size_bytes);
    }
    const unsigned char *digits = walk->bytes;
    uint64_t size = 0;
    if (!skip(walk, head->size_bytes)) {
        return false;
    }
    for (unsigned i = 0; i < head->size_bytes; i++) {
        size = size << 8 | digits[i];
    }
    *children = size * head->values_per_one;
    return head->values_per_one || skip(walk, size + head->extra_bytes);
}

int hwi_msgpack_check(const unsigned char *bytes, size_t length)
{
    struct walk walk = {bytes, length};
    uint64_t open[HWI_CODEC_DEPTH_MAX] = {1}; // values still to come at each depth
    uint64_t values = 1;
    unsigned depth = 0;

    for (;;) {
        uint64_t children;
        while (open[depth] == 0) {
            if (depth == 0) {
                return walk.left ? HWI_CODEC_MALFORMED : HWI_CODEC_OK;
            }
            depth--;
        }
        open[depth]--;
        if (!walk_head(&walk, &children)) {
            return HWI_CODEC_MALFORMED;
        }
        if (!children) {
            continue;
        }
        if (children > walk.left) { // each takes a byte at least
            return HWI_CODEC_MALFORMED;
        }
        values += children;
        if (values > HWI_CODEC_VALUES_MAX || ++depth == HWI_CODEC_DEPTH_MAX) {
            return HWI_CODEC_LIMIT;
        }
        open[depth] = children;
    }
}
