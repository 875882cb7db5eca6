// SPDX-License-Identifier: MIT
// The first look at hostile bytes: is this one whole msgpack value of bounded shape?
#ifndef HAWSER_ACTORS_WIRE_CHECK_H
#define HAWSER_ACTORS_WIRE_CHECK_H

#include <stddef.h>

enum {
    HWI_CODEC_DEPTH_MAX = 16,
    // Values in one message, nested ones included: the unpacker takes 24 bytes for each.
    HWI_CODEC_VALUES_MAX = 1 << 20,
};

// Walks `bytes` (borrowed until return) without allocating. HWI_CODEC_OK, HWI_CODEC_MALFORMED (cut
// off, bytes left over, counts that the bytes cannot hold) or HWI_CODEC_LIMIT (depth, values).
int hwi_msgpack_check(const unsigned char *bytes, size_t length);

#endif
