// SPDX-License-Identifier: MIT
// Blocks of the shared state between data ports.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <lz4.h>
#include <xxhash.h>

#include "tests/support/data_rig.h"
#include "transport/data/codec/codec.h"
#include "transport/memory/writes.h"

enum { STATE_BYTES = 3 * HWI_BLOCK_BYTES + 1001 };

static const struct hwi_op op = {.view = 1, .kind = HWI_KIND_SYNC, .tag = 0, .seq = 0};

struct pair {
    struct rig rig;
    struct rig_node *from, *to;
    unsigned char *source, *copy;
};

static int setup(void **state)
{
    struct pair *pair = calloc(1, sizeof *pair);

    rig_open(&pair->rig, 2);
    pair->from = &pair->rig.nodes[0];
    pair->to = &pair->rig.nodes[1];
    pair->source = malloc(STATE_BYTES);
    pair->copy = calloc(1, STATE_BYTES);
    rig_fill(pair->source, STATE_BYTES);
    hwi_data_tensor(pair->from->data, 3, hwi_location_of(pair->source), STATE_BYTES);
    hwi_data_tensor(pair->to->data, 3, hwi_location_of(pair->copy), STATE_BYTES);
    *state = pair;
    return 0;
}

static int teardown(void **state)
{
    struct pair *pair = *state;

    rig_close(&pair->rig);
    free(pair->source);
    free(pair->copy);
    free(pair);
    return 0;
}

static uint32_t size_of(uint32_t block)
{
    return block == 3 ? 1001 : HWI_BLOCK_BYTES;
}

static void place(struct pair *pair, uint32_t block)
{
    RIG_DO(pair->to, block_place, .op = op, .from = 1, .tensor = 3,
           .offset = (uint64_t)block * HWI_BLOCK_BYTES, .bytes = size_of(block), .block = block);
}

static void send_block(struct pair *pair, uint32_t block)
{
    RIG_DO(pair->from, block_send, .op = op, .to = 2, .tensor = 3,
           .offset = (uint64_t)block * HWI_BLOCK_BYTES, .bytes = size_of(block), .block = block);
}

static void expect_placed(struct pair *pair, uint32_t block)
{
    uint64_t offset = (uint64_t)block * HWI_BLOCK_BYTES;
    XXH128_hash_t hash = XXH3_128bits(pair->source + offset, size_of(block));
    struct rig_event event;

    assert_true(rig_take(pair->to, HWI_MSG_block_placed, &event));
    const struct hwi_msg_block_placed *placed = &event.msg.u.block_placed;
    assert_int_equal(event.to.role, HWI_ROLE_SNAPSHOT);
    assert_int_equal(event.from.role, HWI_ROLE_DATA);
    assert_true(hwi_op_equal(placed->op, op));
    assert_int_equal(placed->from, 1);
    assert_int_equal(placed->block, block);
    assert_true(placed->hash.lo == hash.low64 && placed->hash.hi == hash.high64);
    assert_memory_equal(pair->source + offset, pair->copy + offset, size_of(block));
}

// Places and sends the block; returns the payload bytes that travelled.
static uint64_t move_block(struct pair *pair, uint32_t block)
{
    struct hwi_data_stats before, after;
    hwi_data_stats(pair->to->data, &before);
    place(pair, block);
    send_block(pair, block);
    rig_pump(&pair->rig);
    expect_placed(pair, block);
    hwi_data_stats(pair->to->data, &after);
    return after.bytes_received - before.bytes_received;
}

static void test_hash(void **state)
{
    struct pair *pair = *state;
    XXH128_hash_t hash = XXH3_128bits(pair->source + 77, 1000);
    struct rig_event event;

    RIG_DO(pair->from, block_hash, .tensor = 3, .offset = 77, .bytes = 1000, .block = 5);
    assert_true(rig_take(pair->from, HWI_MSG_block_hashed, &event));
    assert_int_equal(event.to.role, HWI_ROLE_SNAPSHOT);
    assert_int_equal(event.msg.u.block_hashed.block, 5);
    assert_true(event.msg.u.block_hashed.hash.lo == hash.low64);
    assert_true(event.msg.u.block_hashed.hash.hi == hash.high64);
    assert_true(RIG_FAILS(pair->from, block_hash, .tensor = 2, .bytes = 1));
    assert_true(RIG_FAILS(pair->from, block_hash, .tensor = 3, .offset = STATE_BYTES, .bytes = 1));
}

static void test_noise_goes_raw_and_the_rest_compressed(void **state)
{
    struct pair *pair = *state;
    struct hwi_data_stats stats;
    struct rig_event event;
    uint64_t bytes = 0;

    memset(pair->source + HWI_BLOCK_BYTES, 7, HWI_BLOCK_BYTES);
    memset(pair->source + 3 * HWI_BLOCK_BYTES, 0, 1001);
    bytes += move_block(pair, 0);
    assert_int_equal(bytes, HWI_BLOCK_BYTES);
    uint64_t small = move_block(pair, 1);
    assert_true(small < 10000);
    assert_int_equal(move_block(pair, 2), HWI_BLOCK_BYTES);
    uint64_t last = move_block(pair, 3);
    assert_true(last < 100);
    bytes += small + HWI_BLOCK_BYTES + last;
    hwi_data_stats(pair->from->data, &stats);
    assert_int_equal(stats.blocks_raw, 2);
    assert_int_equal(stats.blocks_encoded, 2);
    RIG_DO(pair->from, quiesce, .op = op);
    RIG_DO(pair->to, quiesce, .op = op);
    assert_true(rig_take(pair->from, HWI_MSG_quiesced, &event));
    assert_int_equal(event.to.role, HWI_ROLE_SNAPSHOT);
    assert_true(event.msg.u.quiesced.bytes_sent == bytes);
    assert_true(rig_take(pair->to, HWI_MSG_quiesced, &event));
    assert_true(event.msg.u.quiesced.bytes_received == bytes);
}

// The probe says yes, the block as a whole says no.
static void test_a_misleading_start_goes_raw(void **state)
{
    struct pair *pair = *state;

    memset(pair->source, 0, 20000);
    assert_int_equal(move_block(pair, 0), HWI_BLOCK_BYTES);
}

static void test_a_bomb_is_refused(void **state)
{
    struct pair *pair = *state;
    unsigned char *zeros = calloc(1, HWI_BLOCK_BYTES), packed[8192];
    const char *why = NULL;
    struct hwi_frame frame = {.kind = HWI_FRAME_BLOCK,
                              .phase = HWI_FRAME_BLOCK_PHASE,
                              .lane = HWI_LANE_SNAPSHOT,
                              .codec = HWI_PAYLOAD_LZ4,
                              .op = op,
                              .offset = 3,
                              .element_bytes = 1001};

    frame.payload_bytes =
        (uint32_t)LZ4_compress_default((const char *)zeros, (char *)packed, 100000, sizeof packed);
    place(pair, 3);
    assert_int_equal(rig_forge(pair->to, 1, HWI_LANE_SNAPSHOT, &frame, packed, 0, &why),
                     HWI_VERDICT_BROKEN);
    assert_string_equal(why, "a payload does not give its elements");
    // One that gives too little is no better.
    frame.payload_bytes =
        (uint32_t)LZ4_compress_default((const char *)zeros, (char *)packed, 1000, sizeof packed);
    assert_int_equal(rig_forge(pair->to, 1, HWI_LANE_SNAPSHOT, &frame, packed, 0, &why),
                     HWI_VERDICT_BROKEN);
    assert_int_equal(pair->to->event_count, 0);
    send_block(pair, 3); // it is still awaited
    rig_pump(&pair->rig);
    expect_placed(pair, 3);
    free(zeros);
}

static void test_quiesce_in_the_middle(void **state)
{
    struct pair *pair = *state;
    struct rig_transfer transfer;

    place(pair, 0);
    send_block(pair, 0);
    send_block(pair, 1);
    assert_true(rig_begin(&pair->rig, &transfer, 0, 1, HWI_LANE_SNAPSHOT));
    rig_move(&transfer, 1000);
    RIG_DO(pair->from, quiesce, .op = op);
    assert_null(transfer.out.payload);
    RIG_DO(pair->to, quiesce, .op = op);
    assert_null(transfer.in.target);
    assert_int_equal(rig_end(&transfer), HWI_VERDICT_OK);
    rig_pump(&pair->rig);
    assert_int_equal(rig_count(pair->to, HWI_MSG_block_placed), 0);
    assert_int_equal(pair->to->broken, 0);
}

static void test_a_sync_without_blocks_is_quiesced(void **state)
{
    struct pair *pair = *state;

    RIG_DO(pair->from, quiesce, .op = op);
    assert_int_equal(rig_count(pair->from, HWI_MSG_quiesced), 1);
}

static void test_a_block_comes_again_after_its_edge(void **state)
{
    struct pair *pair = *state;
    struct rig_transfer transfer;

    place(pair, 0);
    send_block(pair, 0);
    assert_true(rig_begin(&pair->rig, &transfer, 0, 1, HWI_LANE_SNAPSHOT));
    rig_move(&transfer, 1000);
    hwi_data_edge_remove(pair->to->data, 1);
    rig_break(&transfer);
    hwi_data_edge_add(pair->to->data, 1);
    place(pair, 0);
    send_block(pair, 0);
    rig_pump(&pair->rig);
    expect_placed(pair, 0);
}

// Before the first byte can come, and once for all blocks of a sync.
static void test_receiving_is_noted(void **state)
{
    struct pair *pair = *state;
    struct hwi_writes writes = {0};
    hwi_data_writes(pair->to->data, &writes);
    hwi_data_writes(pair->from->data, NULL);
    uint64_t before = hwi_writes_look(&writes);
    assert_false(hwi_writes_receiving(before));
    place(pair, 0);
    place(pair, 1);
    uint64_t during = hwi_writes_look(&writes);
    assert_true(hwi_writes_receiving(during));
    assert_int_equal(hwi_writers(during), 0);
    hwi_writes_received(&writes);
    uint64_t after = hwi_writes_look(&writes);
    assert_false(hwi_writes_receiving(after));
    assert_true(after != before);
    send_block(pair, 0); // sending writes nothing
    rig_pump(&pair->rig);
    assert_int_equal(hwi_writes_look(&writes), after);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_hash),
        TEST(test_noise_goes_raw_and_the_rest_compressed),
        TEST(test_a_misleading_start_goes_raw),
        TEST(test_a_bomb_is_refused),
        TEST(test_quiesce_in_the_middle),
        TEST(test_a_sync_without_blocks_is_quiesced),
        TEST(test_a_block_comes_again_after_its_edge),
        TEST(test_receiving_is_noted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
