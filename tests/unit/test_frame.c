// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <xxhash.h>

#include "tests/support/data_rig.h"
#include "actors/base/bytes.h"
#include "transport/data/codec/codec.h"
#include "transport/data/frame.h"

static const struct hwi_frame chunk = {
    .kind = HWI_FRAME_CHUNK,
    .phase = PHASE_RESULTS,
    .lane = HWI_LANE_REDUCER,
    .op = {.view = 0x1122334455, .kind = HWI_KIND_ALL_REDUCE, .tag = UINT64_MAX, .seq = 0xfffffffe},
    .offset = UINT64_C(0x8012345678),
    .payload_bytes = 262144,
    .element_bytes = 262144,
};
static const struct hwi_frame block = {
    .kind = HWI_FRAME_BLOCK,
    .phase = HWI_FRAME_BLOCK_PHASE,
    .lane = HWI_LANE_SNAPSHOT,
    .codec = HWI_PAYLOAD_LZ4,
    .op = {.view = 7, .kind = HWI_KIND_SYNC, .tag = 1, .seq = 2},
    .offset = UINT32_MAX,
    .payload_bytes = 1000,
    .element_bytes = HWI_BLOCK_BYTES,
};
static const struct hwi_frame message = {
    .kind = HWI_FRAME_MESSAGE, .lane = HWI_LANE_SNAPSHOT, .payload_bytes = HWI_FRAME_PAYLOAD_MAX};

static bool survives(const struct hwi_frame *frame)
{
    unsigned char bytes[HWI_FRAME_HEADER_BYTES];
    struct hwi_frame read;

    hwi_frame_write(frame, bytes);
    if (!hwi_frame_read(bytes, &read)) {
        return false;
    }
    assert_int_equal(read.kind, frame->kind);
    assert_int_equal(read.phase, frame->phase);
    assert_int_equal(read.lane, frame->lane);
    assert_int_equal(read.codec, frame->codec);
    assert_true(hwi_op_equal(read.op, frame->op));
    assert_true(read.offset == frame->offset);
    assert_int_equal(read.payload_bytes, frame->payload_bytes);
    assert_int_equal(read.element_bytes, frame->element_bytes);
    return true;
}

static void test_round_trip(void **state)
{
    (void)state;
    assert_true(survives(&chunk));
    assert_true(survives(&block));
    assert_true(survives(&message));
}

static void test_layout_is_fixed(void **state)
{
    (void)state;
    unsigned char bytes[HWI_FRAME_HEADER_BYTES];

    hwi_frame_write(&chunk, bytes);
    assert_memory_equal(bytes, "HWSR\x02\x02\x00\x00\x55\x44\x33\x22\x11\x00\x00\x00", 16);
    assert_memory_equal(bytes + 16, "\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff\x01\0\0\0",
                        16);
    assert_memory_equal(bytes + 32, "\x78\x56\x34\x12\x80\0\0\0\0\0\x04\0\0\0\0\0", 16);
    assert_true(hwi_get_u64(bytes + 56) == XXH3_64bits(bytes, 56));
}

#define REJECTS(base, ...)                                                                         \
    do {                                                                                           \
        struct hwi_frame frame_ = base;                                                            \
        __VA_ARGS__;                                                                               \
        assert_false(survives(&frame_));                                                           \
    } while (0)

// A raw chunk leaves its elements' bytes out; one that is encoded tells them.
static void test_a_chunk_may_be_encoded(void **state)
{
    (void)state;
    struct hwi_frame packed = chunk, read;
    unsigned char bytes[HWI_FRAME_HEADER_BYTES];

    packed.codec = HWI_PAYLOAD_LZ4;
    packed.payload_bytes = 100;
    assert_true(survives(&packed));
    REJECTS(packed, frame_.payload_bytes = packed.element_bytes + 1);
    hwi_frame_write(&packed, bytes);
    assert_memory_equal(bytes + 40, "\x64\0\0\0\0\0\x04\0", 8);
    hwi_frame_write(&chunk, bytes);
    assert_memory_equal(bytes + 40, "\0\0\x04\0\0\0\0\0", 8);
    assert_true(hwi_frame_read(bytes, &read));
    assert_int_equal(read.element_bytes, 262144);
}

static void test_every_flipped_bit_is_seen(void **state)
{
    (void)state;
    unsigned char bytes[HWI_FRAME_HEADER_BYTES];
    struct hwi_frame read;

    hwi_frame_write(&block, bytes);
    for (int bit = 0; bit < HWI_FRAME_HEADER_BYTES * 8; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        assert_false(hwi_frame_read(bytes, &read));
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    assert_true(hwi_frame_read(bytes, &read));
}

// Rewrites one byte under a right checksum.
static bool survives_byte(const struct hwi_frame *frame, int at, unsigned char value)
{
    unsigned char bytes[HWI_FRAME_HEADER_BYTES];
    struct hwi_frame read;

    hwi_frame_write(frame, bytes);
    bytes[at] = value;
    hwi_put_u64(bytes + 56, XXH3_64bits(bytes, 56));
    return hwi_frame_read(bytes, &read);
}

static void test_bytes_that_must_be_zero(void **state)
{
    (void)state;
    for (int at = 29; at < 32; at++) {
        assert_false(survives_byte(&chunk, at, 1));
    }
    for (int at = 48; at < 56; at++) {
        assert_false(survives_byte(&chunk, at, 1));
    }
    assert_false(survives_byte(&chunk, 0, 0)); // magic
}

static void test_what_each_kind_may_say(void **state)
{
    (void)state;
    REJECTS(chunk, frame_.kind = 0);
    REJECTS(chunk, frame_.kind = 4);
    REJECTS(chunk, frame_.phase = 0);
    REJECTS(chunk, frame_.lane = HWI_LANE_SNAPSHOT);
    REJECTS(chunk, frame_.codec = 2);
    REJECTS(chunk, frame_.op.view = 0);
    REJECTS(chunk, frame_.op.view = UINT64_MAX);
    REJECTS(chunk, frame_.op.kind = 0);
    REJECTS(chunk, frame_.op.kind = HWI_KIND_MAX + 1);
    REJECTS(chunk, frame_.payload_bytes = 0);
    REJECTS(chunk, frame_.payload_bytes = HWI_CHUNK_BYTES_MAX + 1);
    REJECTS(chunk, frame_.payload_bytes = 100);
    REJECTS(chunk, frame_.payload_bytes = frame_.element_bytes = HWI_CHUNK_BYTES_MAX + 1);
    REJECTS(chunk, frame_.element_bytes = 1);
    REJECTS(chunk, frame_.offset = HWI_TENSOR_BYTES_MAX);
    REJECTS(block, frame_.lane = HWI_LANE_REDUCER);
    REJECTS(block, frame_.phase = PHASE_INPUTS);
    REJECTS(block, frame_.codec = 2);
    REJECTS(block, frame_.element_bytes = HWI_BLOCK_BYTES + 1);
    REJECTS(block, frame_.element_bytes = 0);
    REJECTS(block, frame_.codec = HWI_PAYLOAD_RAW);
    REJECTS(block, frame_.element_bytes = 999);
    REJECTS(block, frame_.offset = UINT64_C(1) << 32);
    REJECTS(message, frame_.lane = HWI_LANES);
    REJECTS(message, frame_.payload_bytes = 0);
    REJECTS(message, frame_.payload_bytes = HWI_FRAME_PAYLOAD_MAX + 1);
    REJECTS(message, frame_.op.seq = 1);
    REJECTS(message, frame_.op.view = 1);
    REJECTS(message, frame_.offset = 1);
    REJECTS(message, frame_.phase = 1);
}

static void test_random_bytes_are_no_header(void **state)
{
    (void)state;
    unsigned char bytes[HWI_FRAME_HEADER_BYTES];
    struct hwi_frame read;

    for (int i = 0; i < 10000; i++) {
        rig_fill(bytes, sizeof bytes);
        assert_false(hwi_frame_read(bytes, &read));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_layout_is_fixed),
        cmocka_unit_test(test_a_chunk_may_be_encoded),
        cmocka_unit_test(test_every_flipped_bit_is_seen),
        cmocka_unit_test(test_bytes_that_must_be_zero),
        cmocka_unit_test(test_what_each_kind_may_say),
        cmocka_unit_test(test_random_bytes_are_no_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
