// SPDX-License-Identifier: MIT
// Scratch as a source: what came is forwarded from its slot, partial results are made in one, and
// operands may have come in several phases.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hawser/types.h>

#include "tests/support/data_rig.h"

enum { COUNT = 32, CHUNK = COUNT * sizeof(float), CHUNKS = 3, WORLD = 3 };
enum { TO_RELAY = 1, TO_OWNER = 2, FORWARD = 3 };

struct bench {
    struct rig rig;
    struct hwi_op op;
    float input[WORLD][COUNT * CHUNKS], output[WORLD][COUNT * CHUNKS];
};

static void open_bench(struct bench *bench, uint8_t in_place)
{
    memset(bench, 0, sizeof *bench);
    rig_open(&bench->rig, WORLD);
    bench->op = rig_op(1, HWI_KIND_ALL_REDUCE, 7, 0);
    for (uint32_t who = 0; who < WORLD; who++) {
        float *input = bench->input[who], *output = in_place ? input : bench->output[who];
        for (uint32_t i = 0; i < COUNT * CHUNKS; i++) {
            input[i] = (float)(i + 1000 * (who + 1));
        }
        hwi_data_memory(bench->rig.nodes[who].data, 1,
                        &(struct hwi_buffers){hwi_location_of(input), hwi_location_of(output),
                                              CHUNK * CHUNKS, CHUNK * CHUNKS});
        RIG_DO(&bench->rig.nodes[who], op_memory, .op = bench->op, .request = 1,
               .in_place = in_place, .dtype = HWS_F32, .redop = HWS_SUM, .bytes = CHUNK * CHUNKS,
               .chunk_bytes = CHUNK, .save_bytes = in_place ? CHUNK * CHUNKS : 0);
    }
}

static void close_bench(struct bench *bench)
{
    for (uint32_t who = 0; who < WORLD; who++) {
        RIG_DO(&bench->rig.nodes[who], quiesce, .op = bench->op, .restore = 1);
        hwi_data_forget(bench->rig.nodes[who].data, 1);
    }
    rig_close(&bench->rig);
}

// Where the owner expects it from the relay in a phase: in its output, or in scratch.
static void place(struct rig_node *node, struct hwi_op op, uint8_t phase, uint64_t from,
                  uint32_t slots)
{
    RIG_DO(node, place, .op = op, .phase = phase, .from = from, .chunks = CHUNKS, .slots = slots,
           .granted = slots > 0 ? slots : CHUNKS);
}

// Member 1's input goes to member 2, which passes it on to member 3 from its scratch, more of it
// than there are slots at a time. Each chunk that has left is reported.
static void test_received_chunks_are_forwarded(void **state)
{
    (void)state;
    struct bench bench;
    struct rig_event left;
    open_bench(&bench, 0);
    struct rig_node *relay = &bench.rig.nodes[1], *owner = &bench.rig.nodes[2];
    place(relay, bench.op, TO_RELAY, 1, 2);
    place(owner, bench.op, FORWARD, 2, 0);
    RIG_DO(&bench.rig.nodes[0], send, .op = bench.op, .phase = TO_RELAY, .to = 2, .chunks = 2);
    rig_pump(&bench.rig);
    for (uint32_t chunk = 0; chunk < CHUNKS; chunk++) {
        RIG_DO(relay, send, .op = bench.op, .phase = FORWARD, .place = HWI_PLACE_SCRATCH,
               .slot_phase = TO_RELAY, .slot_from = 1, .to = 3, .first = chunk, .chunks = 1);
        assert_int_equal(rig_count(relay, HWI_MSG_chunk_left), 0);
        rig_pump(&bench.rig);
        assert_true(rig_take(relay, HWI_MSG_chunk_left, &left));
        assert_int_equal(left.msg.u.chunk_left.chunk, chunk);
        assert_int_equal(left.msg.u.chunk_left.phase, FORWARD);
        assert_int_equal(left.msg.u.chunk_left.to, 3);
        if (chunk == 0) { // its slot is free
            RIG_DO(relay, place_more, .op = bench.op, .phase = TO_RELAY, .granted = CHUNKS);
            RIG_DO(&bench.rig.nodes[0], send, .op = bench.op, .phase = TO_RELAY, .to = 2,
                   .first = 2, .chunks = 1);
            rig_pump(&bench.rig);
        }
    }
    assert_memory_equal(bench.output[2], bench.input[0], CHUNK * CHUNKS);
    assert_int_equal(rig_count(&bench.rig.nodes[0], HWI_MSG_chunk_left), 0); // of an input
    close_bench(&bench);
}

// Two chunks that follow one another, one from scratch and one from the output, stay two runs.
static void test_runs_of_other_places_are_not_joined(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench, 0);
    struct rig_node *relay = &bench.rig.nodes[1], *owner = &bench.rig.nodes[2];
    place(relay, bench.op, TO_RELAY, 1, CHUNKS);
    place(owner, bench.op, FORWARD, 2, 0);
    RIG_DO(&bench.rig.nodes[0], send, .op = bench.op, .phase = TO_RELAY, .to = 2, .chunks = 3);
    rig_pump(&bench.rig);
    RIG_DO(relay, reduce, .op = bench.op, .chunk = 1, RIG_ONE(HWI_OPERAND_SELF));
    RIG_DO(relay, send, .op = bench.op, .phase = FORWARD, .place = HWI_PLACE_SCRATCH,
           .slot_phase = TO_RELAY, .slot_from = 1, .to = 3, .chunks = 1);
    RIG_DO(relay, send, .op = bench.op, .phase = FORWARD, .place = HWI_PLACE_OUTPUT, .to = 3,
           .first = 1, .chunks = 1);
    RIG_DO(relay, send, .op = bench.op, .phase = FORWARD, .place = HWI_PLACE_INPUT, .to = 3,
           .first = 2, .chunks = 1);
    rig_pump(&bench.rig);
    assert_memory_equal(bench.output[2], bench.input[0], CHUNK);
    assert_memory_equal(bench.output[2] + COUNT, bench.input[1] + COUNT, 2 * CHUNK);
    close_bench(&bench);
}

// The relay adds what it has to what came, in place of that, and sends the sum on; the owner adds
// operands of two phases. In place its own result may then come over the relay's input, which
// never left as such.
static void test_a_partial_result_is_an_operand(void **state)
{
    (void)state;
    struct bench bench;
    open_bench(&bench, 1);
    struct rig_node *relay = &bench.rig.nodes[1], *owner = &bench.rig.nodes[2];
    place(relay, bench.op, TO_RELAY, 1, 1);
    place(relay, bench.op, FORWARD, 3, 0); // the result
    place(owner, bench.op, TO_OWNER, 1, 1);
    place(owner, bench.op, FORWARD, 2, 1);
    RIG_DO(&bench.rig.nodes[0], send, .op = bench.op, .phase = TO_RELAY, .to = 2, .chunks = 1);
    RIG_DO(&bench.rig.nodes[0], send, .op = bench.op, .phase = TO_OWNER, .to = 3, .chunks = 1);
    rig_pump(&bench.rig);
    RIG_DO(relay, reduce, .op = bench.op, RIG_TWO(HWI_OPERAND_SELF, 1), .into_phase = TO_RELAY,
           .into_from = 1);
    assert_true(bench.input[1][0] == 2000); // the caller's memory is not written
    RIG_DO(relay, send, .op = bench.op, .phase = FORWARD, .place = HWI_PLACE_SCRATCH,
           .slot_phase = TO_RELAY, .slot_from = 1, .to = 3, .chunks = 1);
    rig_pump(&bench.rig);
    struct hwi_amount phases[] = {{FORWARD}, {TO_OWNER}};
    RIG_DO(owner, reduce, .op = bench.op, RIG_TWO(2, 1), .phases = phases, .phases_count = 2);
    assert_true(bench.input[2][5] == 1000 + 1000 + 2000 + 3 * 5);
    assert_true(RIG_FAILS(owner, reduce, .op = bench.op, RIG_TWO(2, 1), .phases = phases,
                          .phases_count = 1));
    RIG_DO(owner, send, .op = bench.op, .phase = FORWARD, .place = HWI_PLACE_OUTPUT, .to = 2,
           .chunks = 1);
    rig_pump(&bench.rig);
    assert_int_equal(relay->broken, 0);
    assert_true(bench.input[1][5] == 1000 + 1000 + 2000 + 3 * 5);
    close_bench(&bench);
    assert_true(bench.input[1][5] == 2005); // restored
}

// Quiesce takes what lies in scratch out of a frame that is on its way.
static void test_quiesce_abandons_what_is_in_scratch(void **state)
{
    (void)state;
    struct bench bench;
    struct rig_transfer transfer;
    open_bench(&bench, 0);
    struct rig_node *relay = &bench.rig.nodes[1];
    place(relay, bench.op, TO_RELAY, 1, 1);
    place(&bench.rig.nodes[2], bench.op, FORWARD, 2, 0);
    RIG_DO(&bench.rig.nodes[0], send, .op = bench.op, .phase = TO_RELAY, .to = 2, .chunks = 1);
    rig_pump(&bench.rig);
    RIG_DO(relay, send, .op = bench.op, .phase = FORWARD, .place = HWI_PLACE_SCRATCH,
           .slot_phase = TO_RELAY, .slot_from = 1, .to = 3, .chunks = 1);
    assert_true(rig_begin(&bench.rig, &transfer, 1, 2, HWI_LANE_REDUCER));
    rig_move(&transfer, 10);
    RIG_DO(relay, quiesce, .op = bench.op);
    assert_null(transfer.out.payload);
    assert_int_equal(rig_end(&transfer), HWI_VERDICT_OK);
    assert_int_equal(rig_count(relay, HWI_MSG_chunk_left), 0);
    assert_int_equal(rig_count(&bench.rig.nodes[2], HWI_MSG_chunk), 0);
    hwi_data_forget(relay->data, 1);
    RIG_DO(&bench.rig.nodes[0], quiesce, .op = bench.op);
    RIG_DO(&bench.rig.nodes[2], quiesce, .op = bench.op);
    rig_close(&bench.rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_received_chunks_are_forwarded),
        cmocka_unit_test(test_runs_of_other_places_are_not_joined),
        cmocka_unit_test(test_a_partial_result_is_an_operand),
        cmocka_unit_test(test_quiesce_abandons_what_is_in_scratch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
