// SPDX-License-Identifier: MIT
// Operations whose buffers hold a part of the whole, and outputs that others write into: where
// chunks lie, what is saved, what is refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hawser/types.h>

#include "tests/support/data_rig.h"

// Three members' regions of 12, 0 and 20 bytes in chunks of 8: 2, 0 and 3 of them, the last short.
enum { WHOLE = 32, CHUNK = 8, OWN = 20, OWN_FIRST = 12, CHUNKS = 5 };

static struct hwi_amount regions[] = {{12}, {0}, {OWN}};

struct bench {
    struct rig rig;
    struct rig_node *node; // of rank 2
    unsigned char input[2 * WHOLE], output[2 * WHOLE], old[2 * WHOLE];
};

static int setup(void **state)
{
    static struct bench bench;
    memset(&bench, 0, sizeof bench);
    rig_open(&bench.rig, 3);
    bench.node = &bench.rig.nodes[2];
    rig_fill(bench.input, sizeof bench.input);
    rig_fill(bench.output, sizeof bench.output);
    memcpy(bench.old, bench.output, sizeof bench.old);
    *state = &bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    rig_close(&bench->rig);
    return 0;
}

static struct hwi_op op_of(uint8_t kind)
{
    return rig_op(1, kind, 0, 0);
}

static void give(struct bench *bench, const void *input, uint64_t input_bytes, void *output,
                 uint64_t output_bytes)
{
    hwi_data_memory(bench->node->data, 1,
                    &(struct hwi_buffers){hwi_location_of(input), hwi_location_of(output),
                                          input_bytes, output_bytes});
}

#define BEGIN(kind, ...)                                                                           \
    RIG_DO(bench->node, op_memory, .op = op_of(kind), .request = 1, .dtype = HWS_U8,               \
           .bytes = WHOLE, .chunk_bytes = CHUNK, .regions = regions, .regions_count = 3,           \
           __VA_ARGS__)

static void forge(struct bench *bench, uint64_t peer, uint8_t kind, uint64_t offset,
                  const void *payload, uint32_t bytes)
{
    const struct hwi_frame frame = {.kind = HWI_FRAME_CHUNK,
                                    .phase = PHASE_INPUTS,
                                    .op = op_of(kind),
                                    .offset = offset,
                                    .payload_bytes = bytes};
    const char *why = NULL;
    assert_int_equal(rig_forge(bench->node, peer, HWI_LANE_REDUCER, &frame, payload, 0, &why),
                     HWI_VERDICT_OK);
}

static uint32_t next_chunk(struct bench *bench)
{
    struct rig_event event;
    if (!rig_take(bench->node, HWI_MSG_chunk, &event)) {
        return UINT32_MAX;
    }
    return event.msg.u.chunk.chunk;
}

static void expect_sent(struct bench *bench, uint64_t offset, const void *bytes, uint32_t count)
{
    struct hwi_frame_out out;
    struct hwi_frame frame;
    assert_true(hwi_data_next(bench->node->data, 1, HWI_LANE_REDUCER, &out));
    assert_true(hwi_frame_read(out.header, &frame));
    assert_int_equal(frame.offset, offset);
    assert_int_equal(frame.payload_bytes, count);
    assert_memory_equal(out.payload, bytes, count);
    hwi_data_sent(bench->node->data, &out, true);
}

// The input is the own region only: chunk 2 is its first.
static void test_an_input_of_the_own_region(void **state)
{
    struct bench *bench = *state;
    struct hwi_op op = op_of(HWI_KIND_ALL_GATHER);
    give(bench, bench->input, OWN, bench->output, WHOLE);
    BEGIN(HWI_KIND_ALL_GATHER, .input_from = OWN_FIRST);
    RIG_DO(bench->node, send, .op = op, .phase = PHASE_INPUTS, .to = 1, .first = 2, .chunks = 3);
    expect_sent(bench, 12, bench->input, 8);
    expect_sent(bench, 20, bench->input + 8, 8);
    expect_sent(bench, 28, bench->input + 16, 4);
    RIG_DO(bench->node, place, .op = op, .phase = PHASE_INPUTS, .from = 1, .chunks = 2,
           .granted = 2);
    forge(bench, 1, HWI_KIND_ALL_GATHER, 8, bench->input + 40, 4);
    assert_int_equal(next_chunk(bench), 1);
    assert_memory_equal(bench->output + 8, bench->input + 40, 4);
    RIG_DO(bench->node, reduce, .op = op, .chunk = 4, RIG_ONE(HWI_OPERAND_SELF));
    assert_memory_equal(bench->output + 28, bench->input + 16, 4);
    assert_memory_equal(bench->output, bench->old, 8);
    assert_memory_equal(bench->output + 12, bench->old + 12, 16);
    assert_memory_equal(bench->output + WHOLE, bench->old + WHOLE, WHOLE);
    assert_true(RIG_FAILS(bench->node, send, .op = op, .phase = PHASE_INPUTS, .to = 1, .first = 4,
                          .chunks = 2));
}

// A frame that is no chunk of the grid, or belongs to another operation on the channel, is dropped.
static void test_frames_that_do_not_fit(void **state)
{
    struct bench *bench = *state;
    struct hwi_op op = op_of(HWI_KIND_ALL_GATHER);
    give(bench, bench->input, OWN, bench->output, WHOLE);
    BEGIN(HWI_KIND_ALL_GATHER, .input_from = OWN_FIRST);
    RIG_DO(bench->node, place, .op = op, .phase = PHASE_INPUTS, .from = 1, .chunks = 2,
           .granted = 2);
    forge(bench, 1, HWI_KIND_ALL_GATHER, 8, bench->input, 8);  // a short one
    forge(bench, 1, HWI_KIND_ALL_GATHER, 16, bench->input, 8); // the next region's begin at 12
    forge(bench, 1, HWI_KIND_ALL_GATHER, 12, bench->input, 8); // not this sender's
    forge(bench, 1, HWI_KIND_ALL_GATHER, 32, bench->input, 8);
    forge(bench, 1, HWI_KIND_BROADCAST, 0, bench->input, 8);
    forge(bench, 1, HWI_KIND_ALL_REDUCE, 0, bench->input, 8);
    assert_int_equal(next_chunk(bench), UINT32_MAX);
    assert_memory_equal(bench->output, bench->old, sizeof bench->old);
    forge(bench, 1, HWI_KIND_ALL_GATHER, 0, bench->input, 8);
    assert_int_equal(next_chunk(bench), 0);
    assert_int_equal(bench->node->broken, 0);
}

// The output is the own region only, and as long as the room that was given.
static void test_an_output_of_the_own_region(void **state)
{
    struct bench *bench = *state;
    struct hwi_op op = op_of(HWI_KIND_REDUCE_SCATTER);
    give(bench, bench->input, WHOLE, bench->output, OWN - 1);
    BEGIN(HWI_KIND_REDUCE_SCATTER, .redop = HWS_SUM, .output_from = OWN_FIRST);
    RIG_DO(bench->node, place, .op = op, .phase = PHASE_INPUTS, .from = 1, .first = 2, .chunks = 3,
           .slots = 3, .granted = 3);
    forge(bench, 1, HWI_KIND_REDUCE_SCATTER, 20, bench->input + 40, 8);
    RIG_DO(bench->node, reduce, .op = op, .chunk = 3, RIG_TWO(1, HWI_OPERAND_SELF));
    for (uint32_t i = 0; i < 8; i++) {
        assert_int_equal(bench->output[8 + i],
                         (unsigned char)(bench->input[20 + i] + bench->input[40 + i]));
    }
    assert_memory_equal(bench->output, bench->old, 8);
    forge(bench, 1, HWI_KIND_REDUCE_SCATTER, 28, bench->input + 40, 4);
    assert_true(RIG_FAILS(bench->node, reduce, .op = op, .chunk = 4, // a byte too long
                          RIG_TWO(1, HWI_OPERAND_SELF)));
    assert_true(RIG_FAILS(bench->node, reduce, .op = op, .chunk = 0, RIG_ONE(HWI_OPERAND_SELF)));
    assert_memory_equal(bench->output + 16, bench->old + 16, sizeof bench->old - 16);
}

// In place only the own region is saved, and comes back.
static void test_a_part_is_restored(void **state)
{
    struct bench *bench = *state;
    struct hwi_op op = op_of(HWI_KIND_REDUCE_SCATTER);
    give(bench, bench->output, WHOLE, bench->output, WHOLE);
    BEGIN(HWI_KIND_REDUCE_SCATTER, .redop = HWS_SUM, .in_place = 1, .save_from = OWN_FIRST,
          .save_bytes = OWN);
    RIG_DO(bench->node, place, .op = op, .phase = PHASE_INPUTS, .from = 1, .first = 2, .chunks = 3,
           .slots = 3, .granted = 3);
    forge(bench, 1, HWI_KIND_REDUCE_SCATTER, 28, bench->input, 4);
    RIG_DO(bench->node, reduce, .op = op, .chunk = 4, RIG_TWO(1, HWI_OPERAND_SELF));
    assert_memory_not_equal(bench->output + 28, bench->old + 28, 4);
    RIG_DO(bench->node, send, .op = op, .phase = PHASE_INPUTS, .to = 1, .chunks = 1);
    expect_sent(bench, 0, bench->old, 8);
    RIG_DO(bench->node, quiesce, .op = op, .restore = 1);
    assert_memory_equal(bench->output, bench->old, sizeof bench->old);
}

// Before others write into an output in place it is saved piece by piece, also if not all of it
// comes.
static void test_what_comes_over_is_restored(void **state)
{
    struct bench *bench = *state;
    struct hwi_op op = op_of(HWI_KIND_BROADCAST);
    struct rig_transfer transfer;
    hwi_data_memory(bench->rig.nodes[0].data, 1,
                    &(struct hwi_buffers){hwi_location_of(bench->input),
                                          hwi_location_of(bench->input + WHOLE), WHOLE, WHOLE});
    RIG_DO(&bench->rig.nodes[0], op_memory, .op = op, .request = 1, .dtype = HWS_U8, .bytes = WHOLE,
           .chunk_bytes = CHUNK);
    give(bench, NULL, 0, bench->output, WHOLE);
    RIG_DO(bench->node, op_memory, .op = op, .request = 1, .dtype = HWS_U8, .bytes = WHOLE,
           .chunk_bytes = CHUNK, .in_place = 1, .save_bytes = WHOLE);
    RIG_DO(bench->node, place, .op = op, .phase = PHASE_INPUTS, .from = 1, .chunks = 4,
           .granted = 2);
    RIG_DO(&bench->rig.nodes[0], send, .op = op, .phase = PHASE_INPUTS, .to = 3, .chunks = 3);
    assert_true(rig_begin(&bench->rig, &transfer, 0, 2, HWI_LANE_REDUCER));
    assert_int_equal(rig_end(&transfer), HWI_VERDICT_OK);
    assert_memory_equal(bench->output, bench->input, 8);
    assert_true(rig_begin(&bench->rig, &transfer, 0, 2, HWI_LANE_REDUCER));
    rig_move(&transfer, 3);
    RIG_DO(bench->node, quiesce, .op = op, .restore = 1);
    assert_memory_equal(bench->output, bench->old, sizeof bench->old);
    rig_move(&transfer, 5);
    assert_int_equal(rig_end(&transfer), HWI_VERDICT_OK);
    assert_memory_equal(bench->output, bench->old, sizeof bench->old);
}

// An input in the output, but where another member's elements go: it is sent, and copied to its
// place, as it was.
static void test_an_input_at_another_place(void **state)
{
    struct bench *bench = *state;
    struct hwi_op op = op_of(HWI_KIND_ALL_GATHER);
    give(bench, bench->output, OWN, bench->output, WHOLE);
    BEGIN(HWI_KIND_ALL_GATHER, .in_place = 1, .input_from = OWN_FIRST, .save_bytes = WHOLE);
    RIG_DO(bench->node, place, .op = op, .phase = PHASE_INPUTS, .from = 1, .chunks = 2,
           .granted = 2);
    forge(bench, 1, HWI_KIND_ALL_GATHER, 0, bench->input, 8);
    assert_int_equal(next_chunk(bench), 0);
    assert_memory_equal(bench->output, bench->input, 8);
    RIG_DO(bench->node, send, .op = op, .phase = PHASE_INPUTS, .to = 1, .first = 2, .chunks = 1);
    expect_sent(bench, 12, bench->old, 8);
    for (uint32_t chunk = 2; chunk < CHUNKS; chunk++) {
        RIG_DO(bench->node, reduce, .op = op, .chunk = chunk, RIG_ONE(HWI_OPERAND_SELF));
    }
    assert_memory_equal(bench->output + OWN_FIRST, bench->old, OWN);
    RIG_DO(bench->node, quiesce, .op = op, .restore = 1);
    assert_memory_equal(bench->output, bench->old, sizeof bench->old);
}

static void test_regions_that_make_no_sense(void **state)
{
    struct bench *bench = *state;
    struct hwi_amount few[] = {{12}, {19}}, many[] = {{12}, {21}};
    give(bench, bench->input, WHOLE, bench->output, WHOLE);
    struct hwi_msg msg = {.type = HWI_MSG_op_memory};
    msg.u.op_memory = (struct hwi_msg_op_memory){.op = op_of(HWI_KIND_ALL_GATHER),
                                                 .request = 1,
                                                 .dtype = HWS_U8,
                                                 .bytes = WHOLE,
                                                 .chunk_bytes = CHUNK,
                                                 .regions = few,
                                                 .regions_count = 2};
    assert_true(rig_command_fails(bench->node, &msg));
    msg.u.op_memory.regions = many;
    assert_true(rig_command_fails(bench->node, &msg));
    msg.u.op_memory.regions_count = 0;
    msg.u.op_memory.save_bytes = WHOLE; // not in place
    assert_true(rig_command_fails(bench->node, &msg));
    msg.u.op_memory.in_place = 1;
    msg.u.op_memory.save_from = 1; // beyond the output
    assert_true(rig_command_fails(bench->node, &msg));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_an_input_of_the_own_region),  TEST(test_frames_that_do_not_fit),
        TEST(test_an_output_of_the_own_region), TEST(test_a_part_is_restored),
        TEST(test_what_comes_over_is_restored), TEST(test_an_input_at_another_place),
        TEST(test_regions_that_make_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
