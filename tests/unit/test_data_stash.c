// SPDX-License-Identifier: MIT
// Frames that come ahead of their operation or of their grant.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <hawser/types.h>

#include "tests/support/data_rig.h"

enum { CHUNK = 16 << 10, CHUNKS = 20, BYTES = CHUNK * CHUNKS };

static struct hwi_op op_of(uint64_t view, uint32_t seq)
{
    return rig_op(view, HWI_KIND_ALL_REDUCE, 3, seq);
}

static void begin(struct rig_node *node, struct hwi_op op, void *input, void *output)
{
    uint64_t request = op.view * 100 + op.seq;

    hwi_data_memory(
        node->data, request,
        &(struct hwi_buffers){hwi_location_of(input), hwi_location_of(output), BYTES, BYTES});
    RIG_DO(node, op_memory, .op = op, .request = request, .in_place = input == output,
           .dtype = HWS_F32, .redop = HWS_SUM, .bytes = BYTES, .chunk_bytes = CHUNK,
           .save_bytes = input == output ? BYTES : 0);
}

static void send_chunks(struct rig_node *node, struct hwi_op op, uint32_t first, uint32_t chunks)
{
    RIG_DO(node, send, .op = op, .phase = PHASE_INPUTS, .to = 2, .first = first, .chunks = chunks);
}

static void place(struct rig_node *node, struct hwi_op op, uint32_t slots, uint32_t granted)
{
    RIG_DO(node, place, .op = op, .phase = PHASE_INPUTS, .from = 1, .chunks = CHUNKS,
           .slots = slots, .granted = granted);
}

struct pair {
    struct rig rig;
    struct rig_node *from, *to;
    unsigned char *input, *output, *other;
};

static int setup(void **state)
{
    struct pair *pair = calloc(1, sizeof *pair);

    rig_open(&pair->rig, 2);
    pair->from = &pair->rig.nodes[0];
    pair->to = &pair->rig.nodes[1];
    pair->input = malloc(BYTES);
    pair->output = malloc(BYTES);
    pair->other = malloc(BYTES);
    rig_fill(pair->input, BYTES);
    *state = pair;
    return 0;
}

static int teardown(void **state)
{
    struct pair *pair = *state;

    rig_close(&pair->rig);
    free(pair->input);
    free(pair->output);
    free(pair->other);
    free(pair);
    return 0;
}

static uint64_t dropped(struct rig_node *node)
{
    struct hwi_data_stats stats;

    hwi_data_stats(node->data, &stats);
    return stats.frames_dropped;
}

// The bytes that came for `chunk` are those that were sent.
static void expect_chunk(struct pair *pair, struct hwi_op op, uint32_t chunk)
{
    RIG_DO(pair->to, reduce, .op = op, .chunk = chunk, RIG_ONE(1));
    assert_memory_equal(pair->other + chunk * CHUNK, pair->input + chunk * CHUNK, CHUNK);
}

static void test_before_the_call(void **state)
{
    struct pair *pair = *state;
    struct hwi_op op = op_of(1, 0);

    begin(pair->from, op, pair->input, pair->output);
    send_chunks(pair->from, op, 0, 4);
    rig_pump(&pair->rig);
    assert_int_equal(pair->to->event_count, 0);
    begin(pair->to, op, pair->output, pair->other);
    place(pair->to, op, 4, 4);
    assert_int_equal(rig_count(pair->to, HWI_MSG_chunk), 4);
    for (uint32_t chunk = 0; chunk < 4; chunk++) {
        expect_chunk(pair, op, chunk);
    }
    assert_int_equal(pair->to->broken, 0);
    assert_int_equal(dropped(pair->to), 0);
}

static void test_called_while_it_comes(void **state)
{
    struct pair *pair = *state;
    struct hwi_op op = op_of(1, 0);
    struct rig_transfer transfer;

    begin(pair->from, op, pair->input, pair->output);
    send_chunks(pair->from, op, 0, 1);
    assert_true(rig_begin(&pair->rig, &transfer, 0, 1, HWI_LANE_REDUCER));
    rig_move(&transfer, 100);
    begin(pair->to, op, pair->output, pair->other);
    place(pair->to, op, 1, 1);
    assert_int_equal(pair->to->event_count, 0);
    assert_int_equal(rig_end(&transfer), HWI_VERDICT_OK);
    assert_int_equal(rig_count(pair->to, HWI_MSG_chunk), 1);
    expect_chunk(pair, op, 0);
}

static void test_ahead_of_the_grant(void **state)
{
    struct pair *pair = *state;
    struct hwi_op op = op_of(1, 0);

    begin(pair->from, op, pair->input, pair->output);
    begin(pair->to, op, pair->output, pair->other);
    place(pair->to, op, 2, 2);
    send_chunks(pair->from, op, 0, 5);
    rig_pump(&pair->rig);
    assert_int_equal(rig_count(pair->to, HWI_MSG_chunk), 2);
    expect_chunk(pair, op, 0);
    expect_chunk(pair, op, 1);
    RIG_DO(pair->to, place_more, .op = op, .phase = PHASE_INPUTS, .granted = 4);
    assert_int_equal(rig_count(pair->to, HWI_MSG_chunk), 4);
    expect_chunk(pair, op, 2);
    expect_chunk(pair, op, 3);
    RIG_DO(pair->to, place_more, .op = op, .phase = PHASE_INPUTS, .granted = 6);
    expect_chunk(pair, op, 4);
    assert_int_equal(pair->to->broken, 0);
}

static void test_the_bound_is_a_broken_edge(void **state)
{
    struct pair *pair = *state;
    struct hwi_op op = op_of(1, 0);
    uint32_t most = HWI_EAGER_BYTES_MAX / CHUNK;

    begin(pair->from, op, pair->input, pair->output);
    send_chunks(pair->from, op, 0, most);
    rig_pump(&pair->rig);
    assert_int_equal(pair->to->broken, 0);
    send_chunks(pair->from, op, most, 1);
    rig_pump(&pair->rig);
    assert_int_equal(pair->to->broken, 1);
    assert_string_equal(pair->to->why, "more was sent ahead of the grant than may be");
    // Room is there again once its row has come.
    begin(pair->to, op, pair->output, pair->other);
    place(pair->to, op, most, most);
    send_chunks(pair->from, op, most, 1);
    rig_pump(&pair->rig);
    assert_int_equal(pair->to->broken, 1);
    assert_int_equal(rig_count(pair->to, HWI_MSG_chunk), most);
}

// A frame that a slow stripe still carries must not stand in the way of the next operation's: its
// own has been called here meanwhile, and the sender knows.
static void test_frames_coming_in_do_not_count(void **state)
{
    struct pair *pair = *state;
    uint32_t most = HWI_EAGER_BYTES_MAX / CHUNK;
    struct rig_transfer slow, last;
    struct hwi_op one = op_of(1, 0), two = op_of(1, 1);

    begin(pair->from, one, pair->input, pair->output);
    send_chunks(pair->from, one, 0, most);
    assert_true(rig_begin(&pair->rig, &slow, 0, 1, HWI_LANE_REDUCER));
    rig_pump(&pair->rig);
    begin(pair->to, one, pair->output, pair->other);
    place(pair->to, one, most, most);
    begin(pair->from, two, pair->input, pair->output);
    send_chunks(pair->from, two, 0, most + 1);
    for (uint32_t i = 0; i < most; i++) {
        assert_true(rig_begin(&pair->rig, &last, 0, 1, HWI_LANE_REDUCER));
        assert_int_equal(rig_end(&last), HWI_VERDICT_OK);
    }
    assert_int_equal(rig_end(&slow), HWI_VERDICT_OK);
    assert_int_equal(rig_count(pair->to, HWI_MSG_chunk), most);
    assert_true(rig_begin(&pair->rig, &last, 0, 1, HWI_LANE_REDUCER)); // now it is too much
    assert_int_equal(rig_end(&last), HWI_VERDICT_BROKEN);
}

static void test_a_newer_view_drops_the_older(void **state)
{
    struct pair *pair = *state;
    struct rig_transfer transfer;

    begin(pair->from, op_of(1, 0), pair->input, pair->output);
    begin(pair->from, op_of(2, 0), pair->input, pair->output);
    send_chunks(pair->from, op_of(1, 0), 0, 15);
    rig_pump(&pair->rig);
    send_chunks(pair->from, op_of(1, 0), 15, 1);
    assert_true(rig_begin(&pair->rig, &transfer, 0, 1, HWI_LANE_REDUCER));
    send_chunks(pair->from, op_of(2, 0), 0, 16); // all the room there is
    rig_pump(&pair->rig);
    assert_int_equal(pair->to->broken, 0);
    assert_int_equal(dropped(pair->to), 15);
    assert_null(transfer.in.target);
    assert_int_equal(rig_end(&transfer), HWI_VERDICT_OK);
    send_chunks(pair->from, op_of(1, 0), 16, 1); // the older is dropped
    rig_pump(&pair->rig);
    assert_int_equal(dropped(pair->to), 17);
    RIG_DO(pair->to, data_view, .view = 2);
    begin(pair->to, op_of(2, 0), pair->output, pair->other);
    place(pair->to, op_of(2, 0), 16, 16);
    assert_int_equal(rig_count(pair->to, HWI_MSG_chunk), 16);
}

static void test_a_view_prunes(void **state)
{
    struct pair *pair = *state;
    struct rig_transfer transfer;

    begin(pair->from, op_of(1, 0), pair->input, pair->output);
    send_chunks(pair->from, op_of(1, 0), 0, 2);
    rig_pump(&pair->rig);
    send_chunks(pair->from, op_of(1, 0), 2, 2);
    assert_true(rig_begin(&pair->rig, &transfer, 0, 1, HWI_LANE_REDUCER));
    RIG_DO(pair->to, data_view, .view = 2);
    assert_int_equal(dropped(pair->to), 2);
    assert_null(transfer.in.target);
    rig_end(&transfer);
    rig_pump(&pair->rig);
    assert_int_equal(dropped(pair->to), 4);
    assert_int_equal(pair->to->broken, 0);
}

static void test_after_quiesce_frames_are_dropped(void **state)
{
    struct pair *pair = *state;

    for (uint32_t seq = 0; seq < 3; seq++) {
        begin(pair->from, op_of(1, seq), pair->input, pair->output);
    }
    begin(pair->to, op_of(1, 1), pair->output, pair->other);
    place(pair->to, op_of(1, 1), 1, 1);
    send_chunks(pair->from, op_of(1, 1), 0, 3); // two wait for a grant
    rig_pump(&pair->rig);
    RIG_DO(pair->to, quiesce, .op = op_of(1, 1));
    assert_int_equal(dropped(pair->to), 2);
    send_chunks(pair->from, op_of(1, 1), 3, 1);
    send_chunks(pair->from, op_of(1, 0), 0, 1);
    send_chunks(pair->from, op_of(1, 2), 0, 1); // a later call: kept
    rig_pump(&pair->rig);
    assert_int_equal(dropped(pair->to), 4);
    begin(pair->to, op_of(1, 2), pair->output, pair->other);
    place(pair->to, op_of(1, 2), 1, 1);
    assert_int_equal(rig_count(pair->to, HWI_MSG_chunk), 2);
}

static void test_a_view_begins_its_sequences_anew(void **state)
{
    struct pair *pair = *state;

    begin(pair->to, op_of(1, 5), pair->output, pair->other);
    RIG_DO(pair->to, quiesce, .op = op_of(1, 5));
    RIG_DO(pair->to, data_view, .view = 2);
    begin(pair->from, op_of(2, 0), pair->input, pair->output);
    RIG_DO(pair->to, quiesce, .op = rig_op(2, HWI_KIND_SYNC, 3, 9)); // another channel
    send_chunks(pair->from, op_of(2, 0), 0, 1);
    rig_pump(&pair->rig);
    begin(pair->to, op_of(2, 0), pair->output, pair->other);
    place(pair->to, op_of(2, 0), 1, 1);
    assert_int_equal(rig_count(pair->to, HWI_MSG_chunk), 1);
    assert_int_equal(dropped(pair->to), 0);
}

static void test_many_tiny_frames_are_a_broken_edge(void **state)
{
    struct pair *pair = *state;
    struct hwi_frame frame = {
        .kind = HWI_FRAME_CHUNK, .phase = PHASE_INPUTS, .op = op_of(1, 0), .payload_bytes = 4};
    uint32_t taken = 0;
    const char *why = NULL;

    while (rig_forge(pair->to, 1, HWI_LANE_REDUCER, &frame, pair->input, 0, &why) ==
           HWI_VERDICT_OK) {
        frame.op.seq++;
        taken++;
    }
    assert_true(taken * 4 < HWI_EAGER_BYTES_MAX);
    assert_string_equal(why, "more was sent ahead of the grant than may be");
}

static void test_what_does_not_fit_is_dropped(void **state)
{
    struct pair *pair = *state;
    struct hwi_op op = op_of(1, 0);

    begin(pair->from, op, pair->input, pair->output);
    send_chunks(pair->from, op, 7, 1);
    rig_pump(&pair->rig);
    begin(pair->to, op, pair->output, pair->other);
    RIG_DO(pair->to, place, .op = op, .phase = PHASE_INPUTS, .from = 1, .chunks = 7, .slots = 2,
           .granted = 7);
    assert_int_equal(pair->to->broken, 0);
    assert_int_equal(dropped(pair->to), 1);
    assert_int_equal(pair->to->event_count, 0);
}

static void test_an_edge_takes_its_stash_along(void **state)
{
    struct pair *pair = *state;
    struct hwi_op op = op_of(1, 0);

    begin(pair->from, op, pair->input, pair->output);
    send_chunks(pair->from, op, 0, 16);
    rig_pump(&pair->rig);
    hwi_data_edge_remove(pair->to->data, 1);
    hwi_data_edge_add(pair->to->data, 1);
    begin(pair->to, op, pair->output, pair->other);
    place(pair->to, op, 1, 1);
    assert_int_equal(pair->to->event_count, 0);
    send_chunks(pair->from, op, 0, 16);
    rig_pump(&pair->rig);
    assert_int_equal(pair->to->broken, 0);
    assert_int_equal(pair->to->event_count, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_before_the_call),
        TEST(test_called_while_it_comes),
        TEST(test_ahead_of_the_grant),
        TEST(test_the_bound_is_a_broken_edge),
        TEST(test_frames_coming_in_do_not_count),
        TEST(test_a_newer_view_drops_the_older),
        TEST(test_a_view_prunes),
        TEST(test_after_quiesce_frames_are_dropped),
        TEST(test_a_view_begins_its_sequences_anew),
        TEST(test_many_tiny_frames_are_a_broken_edge),
        TEST(test_what_does_not_fit_is_dropped),
        TEST(test_an_edge_takes_its_stash_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
