// SPDX-License-Identifier: MIT
// Frames that no well-behaved member sends: each is a broken edge or is dropped, never more.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <hawser/types.h>

#include "tests/support/data_rig.h"
#include "transport/data/codec/codec.h"

enum { CHUNK = 1024, BYTES = 10 * CHUNK - 100 };

static const struct hwi_op op = {.view = 5, .kind = HWI_KIND_ALL_REDUCE, .tag = 9, .seq = 3};

struct fixture {
    struct rig rig;
    struct rig_node *node; // peer 1; peer 2 attacks
    unsigned char memory[BYTES];
    unsigned char state[4096];
    unsigned char payload[HWI_CHUNK_BYTES_MAX];
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    rig_open(&fixture->rig, 2);
    fixture->node = &fixture->rig.nodes[0];
    RIG_DO(fixture->node, data_view, .view = 5);
    hwi_data_memory(fixture->node->data, 1,
                    &(struct hwi_buffers){hwi_location_of(fixture->memory),
                                          hwi_location_of(fixture->memory), BYTES, BYTES});
    RIG_DO(fixture->node, op_memory, .op = op, .request = 1, .in_place = 1, .dtype = HWS_F32,
           .redop = HWS_SUM, .bytes = BYTES, .chunk_bytes = CHUNK, .save_bytes = BYTES);
    RIG_DO(fixture->node, place, .op = op, .phase = PHASE_INPUTS, .from = 2, .first = 2,
           .chunks = 4, .slots = 2, .granted = 2);
    RIG_DO(fixture->node, place, .op = op, .phase = PHASE_RESULTS, .from = 2, .first = 6,
           .chunks = 4, .granted = 4);
    hwi_data_tensor(fixture->node->data, 0, hwi_location_of(fixture->state), sizeof fixture->state);
    RIG_DO(fixture->node, block_place, .op = rig_op(5, HWI_KIND_SYNC, 0, 0), .from = 2,
           .offset = 96, .bytes = 4000, .block = 7);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    rig_close(&fixture->rig);
    free(fixture);
    return 0;
}

static struct hwi_frame chunk_frame(uint8_t phase, uint32_t chunk)
{
    return (struct hwi_frame){
        .kind = HWI_FRAME_CHUNK,
        .phase = phase,
        .op = op,
        .offset = (uint64_t)chunk * CHUNK,
        .payload_bytes = chunk == 9 ? CHUNK - 100 : CHUNK,
    };
}

static const char *forge(struct fixture *fixture, const struct hwi_frame *frame)
{
    const char *why = "taken";

    rig_forge(fixture->node, 2, frame->lane, frame, fixture->payload, 0, &why);
    return why;
}

#define EXPECT(text, base, ...)                                                                    \
    do {                                                                                           \
        struct hwi_frame frame_ = base;                                                            \
        __VA_ARGS__;                                                                               \
        assert_string_equal(forge(fixture, &frame_), text);                                        \
    } while (0)

static void test_chunks(void **state)
{
    struct fixture *fixture = *state;
    struct hwi_frame good = chunk_frame(PHASE_INPUTS, 2);

    // Of another call than ours: dropped, for the call itself will say so.
    EXPECT("taken", good, frame_.offset += 1);
    EXPECT("taken", good, frame_.offset = 10 * CHUNK);
    EXPECT("taken", good, frame_.offset = (uint64_t)CHUNK << 29);
    EXPECT("taken", good, frame_.payload_bytes -= 4);
    EXPECT("taken", good, frame_.payload_bytes += 4);
    EXPECT("taken", good, frame_.offset = 9 * CHUNK);
    EXPECT("taken", good, frame_.offset = CHUNK);
    EXPECT("taken", good, frame_.offset = 6 * CHUNK);
    assert_int_equal(rig_count(fixture->node, HWI_MSG_chunk), 0);
    EXPECT("taken", good, (void)0);
    EXPECT("a chunk came twice", good, (void)0);
    EXPECT("a result came for a chunk that has not left", chunk_frame(PHASE_RESULTS, 6), (void)0);
    assert_int_equal(rig_count(fixture->node, HWI_MSG_chunk), 1);
}

// An encoded chunk is claimed as it comes; what does not give its elements claims nothing.
static void test_encoded_chunks(void **state)
{
    struct fixture *fixture = *state;
    struct hwi_frame good = chunk_frame(PHASE_INPUTS, 2);

    good.codec = HWI_PAYLOAD_LZ4;
    good.element_bytes = CHUNK;
    memset(fixture->payload, 0xff, sizeof fixture->payload);
    EXPECT("a payload does not give its elements", good, frame_.payload_bytes = 100);
    EXPECT("a payload does not give its elements", good, frame_.payload_bytes = 100);
    EXPECT("a frame's header is not valid", good, frame_.codec = 2);
    EXPECT("a frame's header is not valid", good, frame_.payload_bytes = CHUNK + 1);
    assert_int_equal(rig_count(fixture->node, HWI_MSG_chunk), 0);
    // Of nothing that was called here yet: it waits as it came, and is decoded when it has a place.
    good.op.seq++;
    EXPECT("taken", good, frame_.payload_bytes = 100);
    RIG_DO(fixture->node, op_memory, .op = good.op, .request = 1, .dtype = HWS_F32,
           .redop = HWS_SUM, .bytes = BYTES, .chunk_bytes = CHUNK);
    RIG_DO(fixture->node, place, .op = good.op, .phase = PHASE_INPUTS, .from = 2, .first = 2,
           .chunks = 4, .slots = 2, .granted = 2);
    assert_string_equal(fixture->node->why, "a payload does not give its elements");
}

static void test_a_chunk_that_comes_in_is_not_taken_twice(void **state)
{
    struct fixture *fixture = *state;
    struct hwi_frame good = chunk_frame(PHASE_INPUTS, 3);
    unsigned char header[HWI_FRAME_HEADER_BYTES];
    struct hwi_frame_in in, second;
    const char *why = NULL;

    hwi_frame_write(&good, header);
    assert_int_equal(hwi_data_arriving(fixture->node->data, 2, HWI_LANE_REDUCER, header, &in, &why),
                     HWI_VERDICT_OK);
    assert_int_equal(
        hwi_data_arriving(fixture->node->data, 2, HWI_LANE_REDUCER, header, &second, &why),
        HWI_VERDICT_BROKEN);
    assert_string_equal(why, "a chunk came twice");
    hwi_data_received(fixture->node->data, &in, NULL, &why);
}

static void test_the_last_chunk_is_shorter(void **state)
{
    struct fixture *fixture = *state;

    // It leaves, so that its result may come.
    RIG_DO(fixture->node, send, .op = op, .phase = PHASE_INPUTS, .to = 2, .first = 9, .chunks = 1);
    rig_pump(&fixture->rig);
    EXPECT("taken", chunk_frame(PHASE_RESULTS, 9), frame_.payload_bytes = CHUNK);
    assert_int_equal(rig_count(fixture->node, HWI_MSG_chunk), 0);
    EXPECT("taken", chunk_frame(PHASE_RESULTS, 9), (void)0);
    assert_int_equal(rig_count(fixture->node, HWI_MSG_chunk), 1);
}

static void test_wrong_checksum(void **state)
{
    struct fixture *fixture = *state;
    struct hwi_frame good = chunk_frame(PHASE_INPUTS, 2);
    struct hwi_frame message = {.kind = HWI_FRAME_MESSAGE, .payload_bytes = 100};
    const char *why = NULL;

    assert_int_equal(
        rig_forge(fixture->node, 2, HWI_LANE_REDUCER, &good, fixture->payload, 1, &why),
        HWI_VERDICT_BROKEN);
    assert_string_equal(why, "a frame's checksum is wrong");
    assert_int_equal(fixture->node->event_count, 0);
    // Messages are never abandoned.
    assert_int_equal(rig_forge(fixture->node, 2, HWI_LANE_REDUCER, &message, fixture->payload,
                               HWI_TRAILER_ABANDONED, &why),
                     HWI_VERDICT_BROKEN);
    EXPECT("taken", good, (void)0);
}

static void test_lane_edge_and_header(void **state)
{
    struct fixture *fixture = *state;
    struct hwi_frame good = chunk_frame(PHASE_INPUTS, 2);
    unsigned char header[HWI_FRAME_HEADER_BYTES] = {0};
    struct hwi_frame_in in;
    const char *why = NULL;

    assert_int_equal(
        rig_forge(fixture->node, 2, HWI_LANE_SNAPSHOT, &good, fixture->payload, 0, &why),
        HWI_VERDICT_BROKEN);
    assert_string_equal(why, "a frame names another lane");
    assert_int_equal(
        rig_forge(fixture->node, 3, HWI_LANE_REDUCER, &good, fixture->payload, 0, &why),
        HWI_VERDICT_BROKEN);
    assert_string_equal(why, "the edge is not open");
    assert_int_equal(hwi_data_arriving(fixture->node->data, 2, HWI_LANE_REDUCER, header, &in, &why),
                     HWI_VERDICT_BROKEN);
    assert_string_equal(why, "a frame's header is not valid");
}

static void test_old_views_are_dropped(void **state)
{
    struct fixture *fixture = *state;
    struct hwi_data_stats stats;

    EXPECT("taken", chunk_frame(PHASE_INPUTS, 2), frame_.op.view = 4);
    hwi_data_stats(fixture->node->data, &stats);
    assert_int_equal(stats.frames_dropped, 1);
    assert_int_equal(fixture->node->event_count, 0);
}

static void test_messages(void **state)
{
    struct fixture *fixture = *state;
    struct hwi_frame frame = {.kind = HWI_FRAME_MESSAGE, .payload_bytes = 1000};

    rig_fill(fixture->payload, 1000);
    EXPECT("a message cannot be decoded", frame, (void)0);
    memcpy(fixture->payload, "\x91\x06", 2); // [probe]: from the master only
    EXPECT("a message is not one for its lane", frame, frame_.payload_bytes = 2);
    assert_int_equal(fixture->node->event_count, 0);
}

static void test_blocks(void **state)
{
    struct fixture *fixture = *state;
    struct hwi_frame good = {.kind = HWI_FRAME_BLOCK,
                             .phase = HWI_FRAME_BLOCK_PHASE,
                             .lane = HWI_LANE_SNAPSHOT,
                             .op = rig_op(5, HWI_KIND_SYNC, 0, 0),
                             .offset = 7,
                             .payload_bytes = 4000,
                             .element_bytes = 4000};

    EXPECT("a block came that was not asked for", good, frame_.offset = 8);
    EXPECT("a block came that was not asked for", good, frame_.op.seq = 1);
    EXPECT("a block came that was not asked for", good, frame_.op.view = 6);
    EXPECT("taken", good, frame_.op.view = 4); // dropped
    EXPECT("a block came twice, or has the wrong size", good, frame_.element_bytes = 4001,
           frame_.payload_bytes = 4001);
    EXPECT("a frame's header is not valid", good, frame_.payload_bytes = 3999);
    rig_fill(fixture->payload, 100);
    EXPECT("a payload does not give its elements", good, frame_.codec = HWI_PAYLOAD_LZ4,
           frame_.payload_bytes = 100);
    assert_int_equal(fixture->node->event_count, 0);
    EXPECT("taken", good, (void)0);
    assert_int_equal(rig_count(fixture->node, HWI_MSG_block_placed), 1);
    EXPECT("a block came that was not asked for", good, (void)0);
    RIG_DO(fixture->node, quiesce, .op = good.op);
    EXPECT("taken", good, (void)0); // dropped: the sync is over
}

// A frame that is right or nearly so.
static struct hwi_frame random_frame(void)
{
    uint64_t dice = rig_random();
    struct hwi_frame frame = {
        .kind = (uint8_t)(1 + dice % 3),
        .op = {.view = 4 + (dice >> 8) % 4,
               .kind = (uint8_t)(1 + (dice >> 12) % 2 * 3),
               .tag = (dice >> 16) % 2 * 9,
               .seq = (uint32_t)((dice >> 20) % 6)},
    };

    frame.payload_bytes = 1 + (uint32_t)(rig_random() % 5000);
    if (frame.kind == HWI_FRAME_MESSAGE) {
        frame.op = (struct hwi_op){0};
        frame.lane = (uint8_t)(rig_random() % 2);
    } else if (frame.kind == HWI_FRAME_CHUNK) {
        frame.phase = (uint8_t)(1 + rig_random() % 2);
        frame.offset = rig_random() % 12 * CHUNK + rig_random() % 2 * (rig_random() % 2);
        frame.payload_bytes = rig_random() % 4 ? CHUNK : frame.payload_bytes;
        frame.codec = rig_random() % 4 == 0 ? HWI_PAYLOAD_LZ4 : HWI_PAYLOAD_RAW;
        frame.element_bytes = frame.codec == HWI_PAYLOAD_LZ4 ? CHUNK : 0;
    } else {
        frame.lane = HWI_LANE_SNAPSHOT;
        frame.phase = HWI_FRAME_BLOCK_PHASE;
        frame.codec = (uint8_t)(rig_random() % 2);
        frame.offset = 6 + rig_random() % 3;
        frame.element_bytes = rig_random() % 4 ? 4000 : HWI_BLOCK_BYTES;
        frame.payload_bytes = frame.codec == HWI_PAYLOAD_RAW && rig_random() % 4
                                  ? frame.element_bytes
                                  : frame.payload_bytes;
    }
    return frame;
}

enum { UNDER_WAY = 8 };

struct attack {
    struct hwi_frame_in in[UNDER_WAY];
    bool held[UNDER_WAY];
    uint32_t taken;
};

static void attack_once(struct fixture *fixture, struct attack *attack)
{
    uint32_t slot = (uint32_t)(rig_random() % UNDER_WAY);
    struct hwi_frame_in *in = &attack->in[slot];
    struct hwi_data *data = fixture->node->data;
    const char *why = NULL;
    unsigned char header[HWI_FRAME_HEADER_BYTES], trailer[HWI_FRAME_TRAILER_BYTES];

    if (!attack->held[slot]) {
        struct hwi_frame frame = random_frame();
        hwi_frame_write(&frame, header);
        attack->held[slot] = hwi_data_arriving(data, 2, (enum hwi_lane)frame.lane, header, in,
                                               &why) == HWI_VERDICT_OK;
        assert_true(attack->held[slot] || why != NULL);
        attack->taken += attack->held[slot];
        return;
    }
    uint64_t sum = in->target != NULL && rig_random() % 8 ? 0 : HWI_TRAILER_ABANDONED;
    if (in->target != NULL) {
        rig_fill(in->target, in->frame.payload_bytes);
    }
    if (in->target != NULL && sum == 0) {
        sum = hwi_frame_checksum(in->target, in->frame.payload_bytes);
    }
    for (int i = 0; i < HWI_FRAME_TRAILER_BYTES; i++) {
        trailer[i] = (unsigned char)(sum >> 8 * i);
    }
    attack->held[slot] = false;
    if (hwi_data_received(data, in, rig_random() % 8 ? trailer : NULL, &why) != HWI_VERDICT_OK) {
        assert_non_null(why);
    }
}

static void change_something(struct fixture *fixture, uint32_t *granted)
{
    struct rig_node *node = fixture->node;

    switch (rig_random() % 64) {
    case 0:
        hwi_data_edge_remove(node->data, 2);
        hwi_data_edge_add(node->data, 2);
        break;
    case 1:
        RIG_DO(node, place_more, .op = op, .phase = PHASE_INPUTS, .granted = ++*granted);
        break;
    case 2:
        RIG_DO(node, block_place, .op = rig_op(5, HWI_KIND_SYNC, 0, 0), .from = 2, .offset = 96,
               .bytes = 4000, .block = 7);
        break;
    case 3:
        RIG_DO(node, quiesce, .op = rig_op(5, HWI_KIND_SYNC, 9, (uint32_t)(rig_random() % 3)));
        break;
    default:
        break;
    }
}

static void test_fuzz(void **state)
{
    struct fixture *fixture = *state;
    struct attack attack = {0};
    uint32_t granted = 0;
    const char *why;

    for (int i = 0; i < 60000; i++) {
        attack_once(fixture, &attack);
        change_something(fixture, &granted);
        if (fixture->node->event_count > RIG_EVENTS_MAX / 2) {
            fixture->node->event_count = 0;
        }
    }
    assert_true(attack.taken > 1000);
    RIG_DO(fixture->node, quiesce, .op = op);
    for (int slot = 0; slot < UNDER_WAY; slot++) {
        if (attack.held[slot]) {
            hwi_data_received(fixture->node->data, &attack.in[slot], NULL, &why);
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_chunks),
        TEST(test_encoded_chunks),
        TEST(test_a_chunk_that_comes_in_is_not_taken_twice),
        TEST(test_the_last_chunk_is_shorter),
        TEST(test_wrong_checksum),
        TEST(test_lane_edge_and_header),
        TEST(test_old_views_are_dropped),
        TEST(test_messages),
        TEST(test_blocks),
        TEST(test_fuzz),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
