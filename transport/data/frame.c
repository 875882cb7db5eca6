// SPDX-License-Identifier: MIT
#include "transport/data/frame.h"

#include <string.h>
#include <xxhash.h>

#include "actors/base/bytes.h"
#include "transport/data/checksum.h"
#include "transport/data/codec/codec.h"

// "HWSR" as it lies on the wire.
static const uint32_t magic = UINT32_C(0x52535748);

enum { HASHED_BYTES = 56 };

// The elements' bytes as the header describes them.
static uint32_t told_bytes(const struct hwi_frame *frame)
{
    bool equal = frame->element_bytes == frame->payload_bytes;
    return frame->kind == HWI_FRAME_CHUNK && equal ? 0 : frame->element_bytes;
}

void hwi_frame_write(const struct hwi_frame *frame, unsigned char bytes[HWI_FRAME_HEADER_BYTES])
{
    memset(bytes, 0, HWI_FRAME_HEADER_BYTES);
    hwi_put_u32(bytes, magic);
    bytes[4] = frame->kind;
    bytes[5] = frame->phase;
    bytes[6] = frame->lane;
    bytes[7] = frame->codec;
    hwi_put_u64(bytes + 8, frame->op.view);
    hwi_put_u64(bytes + 16, frame->op.tag);
    hwi_put_u32(bytes + 24, frame->op.seq);
    bytes[28] = frame->op.kind;
    hwi_put_u64(bytes + 32, frame->offset);
    hwi_put_u32(bytes + 40, frame->payload_bytes);
    hwi_put_u32(bytes + 44, told_bytes(frame));
    hwi_put_u64(bytes + HASHED_BYTES, XXH3_64bits(bytes, HASHED_BYTES));
}

static bool names_op(const struct hwi_frame *frame)
{
    return frame->op.view > 0 && frame->op.view <= HWI_ID_MAX && frame->op.kind > 0 &&
           frame->op.kind <= HWI_KIND_MAX;
}

static bool message_valid(const struct hwi_frame *frame)
{
    return frame->lane < HWI_LANES && frame->phase == 0 && frame->codec == 0 &&
           frame->op.view == 0 && frame->op.kind == 0 && frame->op.tag == 0 && frame->op.seq == 0 &&
           frame->offset == 0 && frame->element_bytes == 0;
}

static bool payload_valid(const struct hwi_frame *frame, uint32_t element_bytes_max)
{
    const struct hwi_codec_ops *codec = hwi_codec_find(frame->codec);
    if (codec == NULL || frame->element_bytes == 0 || frame->element_bytes > element_bytes_max) {
        return false;
    }
    return codec->encode == NULL ? frame->payload_bytes == frame->element_bytes
                                 : frame->payload_bytes <= codec->bound(frame->element_bytes);
}

static bool chunk_valid(const struct hwi_frame *frame)
{
    return frame->lane == HWI_LANE_REDUCER && frame->phase > 0 && names_op(frame) &&
           frame->offset < HWI_TENSOR_BYTES_MAX && payload_valid(frame, HWI_CHUNK_BYTES_MAX);
}

static bool block_valid(const struct hwi_frame *frame)
{
    return frame->lane == HWI_LANE_SNAPSHOT && frame->phase == HWI_FRAME_BLOCK_PHASE &&
           names_op(frame) && frame->offset <= UINT32_MAX && payload_valid(frame, HWI_BLOCK_BYTES);
}

static bool frame_valid(const struct hwi_frame *frame)
{
    if (frame->payload_bytes == 0 || frame->payload_bytes > HWI_FRAME_PAYLOAD_MAX) {
        return false;
    }
    switch (frame->kind) {
    case HWI_FRAME_MESSAGE:
        return message_valid(frame);
    case HWI_FRAME_CHUNK:
        return chunk_valid(frame);
    case HWI_FRAME_BLOCK:
        return block_valid(frame);
    default:
        return false;
    }
}

bool hwi_frame_read(const unsigned char bytes[HWI_FRAME_HEADER_BYTES], struct hwi_frame *frame)
{
    static const unsigned char zero[8];
    struct hwi_frame read = {
        .kind = bytes[4],
        .phase = bytes[5],
        .lane = bytes[6],
        .codec = bytes[7],
        .op = {.view = hwi_get_u64(bytes + 8),
               .kind = bytes[28],
               .tag = hwi_get_u64(bytes + 16),
               .seq = hwi_get_u32(bytes + 24)},
        .offset = hwi_get_u64(bytes + 32),
        .payload_bytes = hwi_get_u32(bytes + 40),
        .element_bytes = hwi_get_u32(bytes + 44),
    };

    if (hwi_get_u32(bytes) != magic ||
        hwi_get_u64(bytes + HASHED_BYTES) != XXH3_64bits(bytes, HASHED_BYTES)) {
        return false;
    }
    if (memcmp(bytes + 29, zero, 3) != 0 || memcmp(bytes + 48, zero, 8) != 0) {
        return false;
    }
    if (read.kind == HWI_FRAME_CHUNK && read.element_bytes == 0) {
        read.element_bytes = read.payload_bytes;
    }
    if (!frame_valid(&read)) {
        return false;
    }
    *frame = read;
    return true;
}

uint64_t hwi_frame_checksum(const void *payload, size_t bytes)
{
    uint64_t sum = hwi_checksum(payload, bytes);
    return sum == HWI_TRAILER_ABANDONED ? ~sum : sum;
}
