// SPDX-License-Identifier: MIT
// The end of operations, with frames under way on either side, and of edges.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <hawser/types.h>

#include "tests/support/data_rig.h"
#include "actors/base/bytes.h"

enum { CHUNK = 4096, CHUNKS = 4, BYTES = CHUNK * CHUNKS };

static const struct hwi_op op = {.view = 1, .kind = HWI_KIND_ALL_REDUCE, .tag = 9, .seq = 0};

// Node 1 sends SCATTER of all four chunks to node 2; both in place.
struct pair {
    struct rig rig;
    struct rig_node *from, *to;
    unsigned char *memory[2], *before[2];
    struct rig_transfer transfer;
};

static int setup(void **state)
{
    struct pair *pair = calloc(1, sizeof *pair);

    rig_open(&pair->rig, 2);
    pair->from = &pair->rig.nodes[0];
    pair->to = &pair->rig.nodes[1];
    for (int i = 0; i < 2; i++) {
        struct rig_node *node = &pair->rig.nodes[i];
        pair->memory[i] = malloc(BYTES);
        pair->before[i] = malloc(BYTES);
        rig_fill(pair->memory[i], BYTES);
        memcpy(pair->before[i], pair->memory[i], BYTES);
        hwi_data_memory(node->data, 1,
                        &(struct hwi_buffers){hwi_location_of(pair->memory[i]),
                                              hwi_location_of(pair->memory[i]), BYTES, BYTES});
        RIG_DO(node, op_memory, .op = op, .request = 1, .in_place = 1, .dtype = HWS_F32,
               .redop = HWS_SUM, .bytes = BYTES, .chunk_bytes = CHUNK, .save_bytes = BYTES);
    }
    RIG_DO(pair->to, place, .op = op, .phase = PHASE_INPUTS, .from = 1, .chunks = CHUNKS,
           .slots = CHUNKS, .granted = CHUNKS);
    RIG_DO(pair->from, place, .op = op, .phase = PHASE_RESULTS, .from = 2, .chunks = CHUNKS,
           .granted = CHUNKS);
    RIG_DO(pair->from, send, .op = op, .phase = PHASE_INPUTS, .to = 2, .chunks = CHUNKS);
    *state = pair;
    return 0;
}

static int teardown(void **state)
{
    struct pair *pair = *state;

    rig_close(&pair->rig);
    for (int i = 0; i < 2; i++) {
        free(pair->memory[i]);
        free(pair->before[i]);
    }
    free(pair);
    return 0;
}

static void under_way(struct pair *pair, uint32_t from, uint32_t bytes)
{
    assert_true(rig_begin(&pair->rig, &pair->transfer, from, 1 - from, HWI_LANE_REDUCER));
    assert_int_equal(pair->transfer.verdict, HWI_VERDICT_OK);
    rig_move(&pair->transfer, bytes);
}

static uint64_t dropped(struct rig_node *node)
{
    struct hwi_data_stats stats;

    hwi_data_stats(node->data, &stats);
    return stats.frames_dropped;
}

// The request's memory may go now: under a sanitizer a late access would be seen.
static void lose_memory(struct pair *pair, uint32_t rank)
{
    hwi_data_forget(pair->rig.nodes[rank].data, 1);
    free(pair->memory[rank]);
    pair->memory[rank] = NULL;
}

static void test_sender_quiesces_in_the_middle(void **state)
{
    struct pair *pair = *state;
    struct rig_event event;

    under_way(pair, 0, 1000);
    RIG_DO(pair->from, quiesce, .op = op, .restore = 1);
    assert_memory_equal(pair->memory[0], pair->before[0], BYTES);
    assert_null(pair->transfer.out.payload);
    lose_memory(pair, 0);
    assert_int_equal(rig_end(&pair->transfer), HWI_VERDICT_OK);
    rig_pump(&pair->rig); // the other three were dropped
    assert_int_equal(pair->to->event_count, 0);
    assert_int_equal(dropped(pair->to), 1);
    assert_true(rig_take(pair->from, HWI_MSG_quiesced, &event));
    assert_true(hwi_op_equal(event.msg.u.quiesced.op, op));
    assert_int_equal(event.msg.u.quiesced.bytes_sent, 0);
}

static void test_abandoned_chunk_may_come_again(void **state)
{
    struct pair *pair = *state;
    struct hwi_frame frame = {
        .kind = HWI_FRAME_CHUNK, .phase = PHASE_INPUTS, .op = op, .payload_bytes = CHUNK};
    const char *why;

    assert_int_equal(rig_forge(pair->to, 1, HWI_LANE_REDUCER, &frame, pair->before[0],
                               HWI_TRAILER_ABANDONED, &why),
                     HWI_VERDICT_OK);
    assert_int_equal(pair->to->event_count, 0);
    assert_int_equal(rig_forge(pair->to, 1, HWI_LANE_REDUCER, &frame, pair->before[0], 0, &why),
                     HWI_VERDICT_OK);
    assert_int_equal(rig_count(pair->to, HWI_MSG_chunk), 1);
}

static void test_trailer_stands_once_the_payload_has_left(void **state)
{
    struct pair *pair = *state;

    under_way(pair, 0, CHUNK);
    pair->transfer.out.written += 3; // of the trailer
    RIG_DO(pair->from, quiesce, .op = op);
    assert_null(pair->transfer.out.payload);
    assert_true(hwi_get_u64(pair->transfer.out.trailer) != HWI_TRAILER_ABANDONED);
    assert_int_equal(rig_end(&pair->transfer), HWI_VERDICT_OK);
    assert_int_equal(rig_count(pair->to, HWI_MSG_chunk), 1);
}

static void test_receiver_quiesces_in_the_middle(void **state)
{
    struct pair *pair = *state;

    under_way(pair, 0, 1000);
    RIG_DO(pair->to, quiesce, .op = op, .restore = 1);
    assert_null(pair->transfer.in.target);
    lose_memory(pair, 1);
    assert_int_equal(rig_end(&pair->transfer), HWI_VERDICT_OK);
    rig_pump(&pair->rig);
    assert_int_equal(rig_count(pair->to, HWI_MSG_chunk), 0);
    assert_int_equal(dropped(pair->to), 4);
    assert_int_equal(pair->to->broken, 0);
}

static void test_both_quiesce_in_the_middle(void **state)
{
    struct pair *pair = *state;

    under_way(pair, 0, 1000);
    RIG_DO(pair->to, quiesce, .op = op);
    RIG_DO(pair->from, quiesce, .op = op);
    lose_memory(pair, 0);
    lose_memory(pair, 1);
    assert_int_equal(rig_end(&pair->transfer), HWI_VERDICT_OK);
}

// The result of chunk 0 is half in the output when the operation is aborted on both sides.
static void test_half_a_result_is_restored(void **state)
{
    struct pair *pair = *state;

    rig_pump(&pair->rig);
    RIG_DO(pair->to, reduce, .op = op, .chunk = 0, RIG_TWO(1, HWI_OPERAND_SELF));
    assert_memory_not_equal(pair->memory[1], pair->before[1], CHUNK);
    RIG_DO(pair->to, send, .op = op, .phase = PHASE_RESULTS, .place = HWI_PLACE_OUTPUT, .to = 1,
           .chunks = 1);
    under_way(pair, 1, 1000);
    assert_memory_not_equal(pair->memory[0], pair->before[0], CHUNK);
    RIG_DO(pair->from, quiesce, .op = op, .restore = 1);
    assert_memory_equal(pair->memory[0], pair->before[0], BYTES);
    RIG_DO(pair->to, quiesce, .op = op, .restore = 1);
    assert_memory_equal(pair->memory[1], pair->before[1], BYTES);
    assert_int_equal(rig_end(&pair->transfer), HWI_VERDICT_OK);
    assert_memory_equal(pair->memory[0], pair->before[0], BYTES);
}

static void test_commit_keeps_the_result(void **state)
{
    struct pair *pair = *state;

    rig_pump(&pair->rig);
    for (uint32_t chunk = 0; chunk < CHUNKS; chunk++) {
        RIG_DO(pair->to, reduce, .op = op, .chunk = chunk, RIG_TWO(1, HWI_OPERAND_SELF));
    }
    RIG_DO(pair->to, send, .op = op, .phase = PHASE_RESULTS, .place = HWI_PLACE_OUTPUT, .to = 1,
           .chunks = CHUNKS);
    rig_pump(&pair->rig);
    RIG_DO(pair->from, quiesce, .op = op);
    RIG_DO(pair->to, quiesce, .op = op);
    assert_memory_equal(pair->memory[0], pair->memory[1], BYTES);
    assert_memory_not_equal(pair->memory[0], pair->before[0], BYTES);
}

// Nothing overwrites a chunk here before its owner has all of it, so no copy is sent.
static void test_scatter_sends_the_input_itself(void **state)
{
    struct pair *pair = *state;

    under_way(pair, 0, 0);
    assert_ptr_equal(pair->transfer.out.payload, pair->memory[0]);
    assert_int_equal(rig_end(&pair->transfer), HWI_VERDICT_OK);
    assert_int_equal(rig_count(pair->to, HWI_MSG_chunk), 1);
}

static void test_memory_in_use_is_not_forgotten(void **state)
{
    struct pair *pair = *state;
    struct hwi_trap trap;
    volatile bool failed = true;

    hwi_trap_enter(&trap);
    if (setjmp(trap.landing) == 0) {
        hwi_data_forget(pair->from->data, 1);
        hwi_trap_leave(&trap);
        failed = false;
    }
    assert_true(failed);
    hwi_data_forget(pair->from->data, 77); // never heard of: nothing happens
}

static void test_edge_gone_with_frames_under_way(void **state)
{
    struct pair *pair = *state;

    under_way(pair, 0, 1000);
    hwi_data_edge_remove(pair->from->data, 2);
    hwi_data_edge_remove(pair->to->data, 1);
    assert_null(pair->transfer.out.payload);
    assert_null(pair->transfer.in.target);
    hwi_data_edge_add(pair->from->data, 2);
    hwi_data_edge_add(pair->to->data, 1);
    rig_break(&pair->transfer);
    rig_pump(&pair->rig); // the queue went with the edge
    assert_int_equal(pair->to->event_count, 0);
    RIG_DO(pair->from, send, .op = op, .phase = PHASE_INPUTS, .to = 2, .chunks = CHUNKS);
    rig_pump(&pair->rig);
    assert_int_equal(rig_count(pair->to, HWI_MSG_chunk), CHUNKS);
    assert_int_equal(pair->to->broken, 0);
}

static void test_stripe_gone_chunk_may_come_again(void **state)
{
    struct pair *pair = *state;

    under_way(pair, 0, 1000);
    rig_break(&pair->transfer);
    RIG_DO(pair->from, send, .op = op, .phase = PHASE_INPUTS, .to = 2, .chunks = 1);
    rig_pump(&pair->rig);
    assert_int_equal(rig_count(pair->to, HWI_MSG_chunk), CHUNKS);
}

static void test_kicks_only_when_nothing_waited(void **state)
{
    struct pair *pair = *state;

    assert_int_equal(pair->from->kicks, 1);
    RIG_DO(pair->from, send, .op = op, .phase = PHASE_INPUTS, .to = 2, .chunks = 1);
    assert_int_equal(pair->from->kicks, 1);
    RIG_DO(pair->from, quiesce, .op = op);
    assert_false(rig_begin(&pair->rig, &pair->transfer, 0, 1, HWI_LANE_REDUCER));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_sender_quiesces_in_the_middle),
        TEST(test_abandoned_chunk_may_come_again),
        TEST(test_trailer_stands_once_the_payload_has_left),
        TEST(test_receiver_quiesces_in_the_middle),
        TEST(test_both_quiesce_in_the_middle),
        TEST(test_half_a_result_is_restored),
        TEST(test_commit_keeps_the_result),
        TEST(test_scatter_sends_the_input_itself),
        TEST(test_memory_in_use_is_not_forgotten),
        TEST(test_edge_gone_with_frames_under_way),
        TEST(test_stripe_gone_chunk_may_come_again),
        TEST(test_kicks_only_when_nothing_waited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
