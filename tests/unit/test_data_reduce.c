// SPDX-License-Identifier: MIT
// All-reduces by hand-given commands between data ports, compared with a plain loop.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <hawser/types.h>

#include "tests/support/data_rig.h"

// One all-reduce of f32 over all nodes of a rig.
struct sum {
    struct rig rig;
    struct hwi_op op;
    uint32_t world, chunk_bytes, chunks, slots;
    size_t bytes;
    bool in_place;
    float *input[RIG_NODES_MAX], *output[RIG_NODES_MAX], *original[RIG_NODES_MAX];
};

static uint32_t share(const struct sum *sum, uint32_t rank)
{
    return (uint32_t)(((uint64_t)rank * sum->chunks + sum->world - 1) / sum->world);
}

static uint32_t share_chunks(const struct sum *sum, uint32_t rank)
{
    return share(sum, rank + 1) - share(sum, rank);
}

static void make_buffers(struct sum *sum, uint32_t rank)
{
    size_t count = sum->bytes / sizeof(float);

    sum->original[rank] = malloc(sum->bytes);
    sum->output[rank] = malloc(sum->bytes);
    sum->input[rank] = sum->in_place ? sum->output[rank] : malloc(sum->bytes);
    for (size_t i = 0; i < count; i++) {
        sum->original[rank][i] = (float)(int32_t)rig_random() / 1000.0f;
    }
    memcpy(sum->input[rank], sum->original[rank], sum->bytes);
}

static void start(struct sum *sum, uint32_t rank)
{
    struct rig_node *node = &sum->rig.nodes[rank];

    hwi_data_memory(node->data, 9,
                    &(struct hwi_buffers){hwi_location_of(sum->input[rank]),
                                          hwi_location_of(sum->output[rank]), sum->bytes,
                                          sum->bytes});
    RIG_DO(node, op_memory, .op = sum->op, .request = 9, .in_place = sum->in_place,
           .dtype = HWS_F32, .redop = HWS_AVG, .bytes = sum->bytes, .chunk_bytes = sum->chunk_bytes,
           .save_bytes = sum->in_place ? sum->bytes : 0);
    for (uint32_t other = 0; other < sum->world; other++) {
        if (other == rank) {
            continue;
        }
        RIG_DO(node, place, .op = sum->op, .phase = PHASE_INPUTS, .from = other + 1,
               .first = share(sum, rank), .chunks = share_chunks(sum, rank), .slots = sum->slots,
               .granted = sum->slots);
        RIG_DO(node, place, .op = sum->op, .phase = PHASE_RESULTS, .from = other + 1,
               .first = share(sum, other), .chunks = share_chunks(sum, other),
               .granted = UINT32_MAX);
    }
}

static void open_sum(struct sum *sum, uint32_t world, size_t bytes, uint32_t chunk_bytes,
                     uint32_t slots, bool in_place)
{
    memset(sum, 0, sizeof *sum);
    sum->op = rig_op(1, HWI_KIND_ALL_REDUCE, 5, 0);
    sum->world = world;
    sum->bytes = bytes;
    sum->chunk_bytes = chunk_bytes;
    sum->chunks = (uint32_t)((bytes - 1) / chunk_bytes + 1);
    sum->slots = slots;
    sum->in_place = in_place;
    rig_open(&sum->rig, world);
    for (uint32_t rank = 0; rank < world; rank++) {
        make_buffers(sum, rank);
        start(sum, rank);
    }
}

static void close_sum(struct sum *sum)
{
    rig_close(&sum->rig);
    for (uint32_t rank = 0; rank < sum->world; rank++) {
        free(sum->original[rank]);
        free(sum->output[rank]);
        if (!sum->in_place) {
            free(sum->input[rank]);
        }
    }
}

// Reduces the owner's chunk in rank order.
static void reduce_chunk(struct sum *sum, uint32_t owner, uint32_t chunk)
{
    struct rig_node *node = &sum->rig.nodes[owner];
    struct hwi_id operands[RIG_NODES_MAX];

    for (uint32_t rank = 0; rank < sum->world; rank++) {
        operands[rank].value = rank == owner ? HWI_OPERAND_SELF : rank + 1;
    }
    RIG_DO(node, reduce, .op = sum->op, .chunk = chunk, .operands = operands,
           .operands_count = sum->world, .divisor = sum->world);
    for (uint32_t rank = 0; rank < sum->world; rank++) {
        if (rank != owner) {
            RIG_DO(node, send, .op = sum->op, .phase = PHASE_RESULTS, .place = HWI_PLACE_OUTPUT,
                   .to = rank + 1, .first = chunk, .chunks = 1);
        }
    }
}

// Sends everyone's chunks number `from` to `to` of each share.
static void scatter(struct sum *sum, uint32_t from, uint32_t to)
{
    for (uint32_t rank = 0; rank < sum->world; rank++) {
        for (uint32_t owner = 0; owner < sum->world; owner++) {
            uint32_t end = HWI_MIN(to, share_chunks(sum, owner));
            if (owner != rank && from < end) {
                RIG_DO(&sum->rig.nodes[rank], send, .op = sum->op, .phase = PHASE_INPUTS,
                       .to = owner + 1, .first = share(sum, owner) + from, .chunks = end - from);
            }
        }
    }
}

static void expect_result(struct sum *sum)
{
    size_t count = sum->bytes / sizeof(float);

    for (size_t i = 0; i < count; i++) {
        float wanted = sum->original[0][i];
        for (uint32_t rank = 1; rank < sum->world; rank++) {
            wanted += sum->original[rank][i];
        }
        wanted /= (float)sum->world;
        for (uint32_t rank = 0; rank < sum->world; rank++) {
            assert_memory_equal(&sum->output[rank][i], &wanted, sizeof wanted);
        }
    }
    for (uint32_t rank = 0; rank < sum->world && !sum->in_place; rank++) {
        assert_memory_equal(sum->input[rank], sum->original[rank], sum->bytes);
    }
}

static void run(struct sum *sum)
{
    struct rig_event event;
    uint32_t most = share_chunks(sum, 0);

    for (uint32_t rank = 1; rank < sum->world; rank++) {
        most = HWI_MAX(most, share_chunks(sum, rank));
    }
    for (uint32_t done = 0; done < most; done += sum->slots) {
        scatter(sum, done, done + sum->slots);
        rig_pump(&sum->rig);
        for (uint32_t owner = 0; owner < sum->world; owner++) {
            for (uint32_t k = done; k < HWI_MIN(done + sum->slots, share_chunks(sum, owner)); k++) {
                reduce_chunk(sum, owner, share(sum, owner) + k);
            }
            RIG_DO(&sum->rig.nodes[owner], place_more, .op = sum->op, .phase = PHASE_INPUTS,
                   .granted = done + 2 * sum->slots);
        }
        rig_pump(&sum->rig);
    }
    for (uint32_t rank = 0; rank < sum->world; rank++) {
        struct rig_node *node = &sum->rig.nodes[rank];
        uint32_t own = share_chunks(sum, rank);
        assert_int_equal(node->broken, 0);
        assert_int_equal(rig_count(node, HWI_MSG_chunk),
                         own * (sum->world - 1) + sum->chunks - own);
        while (rig_take(node, HWI_MSG_chunk, &event)) {
            assert_true(hwi_op_equal(event.msg.u.chunk.op, sum->op));
            assert_int_equal(event.to.role, HWI_ROLE_REDUCER);
            assert_int_equal(event.from.role, HWI_ROLE_DATA);
        }
    }
}

static void quiesce_all(struct sum *sum, uint8_t restore)
{
    uint64_t sent = 0, received = 0;
    struct rig_event event;

    for (uint32_t rank = 0; rank < sum->world; rank++) {
        struct rig_node *node = &sum->rig.nodes[rank];
        RIG_DO(node, quiesce, .op = sum->op, .restore = restore);
        assert_true(rig_take(node, HWI_MSG_quiesced, &event));
        assert_int_equal(event.to.role, HWI_ROLE_REDUCER);
        sent += event.msg.u.quiesced.bytes_sent;
        received += event.msg.u.quiesced.bytes_received;
        hwi_data_forget(node->data, 9);
    }
    assert_true(sent == received);
    assert_true(sent == 2 * (uint64_t)sum->bytes * (sum->world - 1));
}

static void check_one(uint32_t world, size_t bytes, uint32_t chunk_bytes, uint32_t slots,
                      bool in_place, uint8_t restore)
{
    struct sum sum;

    open_sum(&sum, world, bytes, chunk_bytes, slots, in_place);
    run(&sum);
    expect_result(&sum);
    quiesce_all(&sum, restore);
    if (!restore) {
        expect_result(&sum);
    } else if (in_place) {
        for (uint32_t rank = 0; rank < world; rank++) {
            assert_memory_equal(sum.output[rank], sum.original[rank], bytes);
        }
    }
    close_sum(&sum);
}

static void test_many_shapes(void **state)
{
    static const size_t sizes[] = {4, 60, 64, 68, 1000, 4096, 10004, 65540};
    static const uint32_t grids[] = {64, 256, 1024};
    (void)state;
    for (uint32_t world = 2; world <= 4; world++) {
        for (size_t s = 0; s < HWI_COUNT(sizes); s++) {
            for (size_t g = 0; g < HWI_COUNT(grids); g++) {
                bool in_place = (s + g + world) % 2;
                if (sizes[s] / grids[g] < 300) {
                    check_one(world, sizes[s], grids[g], 1 + (uint32_t)(s + g) % 5, in_place,
                              s % 2);
                }
            }
        }
    }
}

static void test_large_chunks(void **state)
{
    (void)state;
    check_one(2, (3 << 20) + 12, HWI_CHUNK_BYTES_MAX, 4, true, 1);
    check_one(2, (3 << 20) + 12, HWI_CHUNK_BYTES_MAX, 4, false, 0);
}

static void test_one_shot(void **state)
{
    (void)state;
    struct sum sum;
    open_sum(&sum, 2, 1000, 1000, 1, true);
    // Both own the one chunk: the rows that open_sum made for shares are those of rank 0 only.
    RIG_DO(&sum.rig.nodes[1], quiesce, .op = sum.op);
    sum.op.seq = 1;
    RIG_DO(&sum.rig.nodes[1], op_memory, .op = sum.op, .request = 9, .in_place = 1,
           .dtype = HWS_F32, .redop = HWS_AVG, .bytes = 1000, .chunk_bytes = 1000,
           .save_bytes = 1000);
    RIG_DO(&sum.rig.nodes[1], place, .op = sum.op, .phase = PHASE_INPUTS, .from = 1, .chunks = 1,
           .slots = 1, .granted = 1);
    RIG_DO(&sum.rig.nodes[0], quiesce, .op = rig_op(1, HWI_KIND_ALL_REDUCE, 5, 0));
    RIG_DO(&sum.rig.nodes[0], op_memory, .op = sum.op, .request = 9, .in_place = 1,
           .dtype = HWS_F32, .redop = HWS_AVG, .bytes = 1000, .chunk_bytes = 1000,
           .save_bytes = 1000);
    RIG_DO(&sum.rig.nodes[0], place, .op = sum.op, .phase = PHASE_INPUTS, .from = 2, .chunks = 1,
           .slots = 1, .granted = 1);
    for (uint32_t rank = 0; rank < 2; rank++) {
        RIG_DO(&sum.rig.nodes[rank], send, .op = sum.op, .phase = PHASE_INPUTS,
               .place = HWI_PLACE_KEPT, .to = 2 - rank, .chunks = 1);
    }
    // One reduces before its own input has left: what leaves must be the input all the same.
    struct rig_transfer transfer;
    assert_true(rig_begin(&sum.rig, &transfer, 0, 1, HWI_LANE_REDUCER));
    assert_int_equal(rig_end(&transfer), HWI_VERDICT_OK);
    RIG_DO(&sum.rig.nodes[1], reduce, .op = sum.op, RIG_TWO(1, HWI_OPERAND_SELF), .divisor = 2);
    rig_pump(&sum.rig);
    RIG_DO(&sum.rig.nodes[0], reduce, .op = sum.op, RIG_TWO(HWI_OPERAND_SELF, 2), .divisor = 2);
    expect_result(&sum);
    close_sum(&sum);
}

static void test_alone(void **state)
{
    (void)state;
    float input[5] = {1, 2, 3, 4, 5}, output[5] = {0};
    struct hwi_op op = rig_op(1, HWI_KIND_ALL_REDUCE, 0, 0);
    struct hwi_data_stats stats;
    struct rig rig;

    rig_open(&rig, 1);
    hwi_data_memory(rig.nodes[0].data, 1,
                    &(struct hwi_buffers){hwi_location_of(input), hwi_location_of(output),
                                          sizeof input, sizeof input});
    RIG_DO(&rig.nodes[0], op_memory, .op = op, .request = 1, .dtype = HWS_F32, .redop = HWS_SUM,
           .bytes = sizeof input, .chunk_bytes = sizeof input);
    RIG_DO(&rig.nodes[0], reduce, .op = op, RIG_ONE(HWI_OPERAND_SELF));
    assert_memory_equal(input, output, sizeof input);
    hwi_data_stats(rig.nodes[0].data, &stats);
    assert_int_equal(stats.reduce_bytes, sizeof input);
    RIG_DO(&rig.nodes[0], quiesce, .op = op);
    hwi_data_memory(rig.nodes[0].data, 2,
                    &(struct hwi_buffers){hwi_location_of(input), hwi_location_of(input),
                                          sizeof input, sizeof input});
    op.seq = 1;
    RIG_DO(&rig.nodes[0], op_memory, .op = op, .request = 2, .in_place = 1, .dtype = HWS_F32,
           .redop = HWS_AVG, .bytes = sizeof input, .chunk_bytes = sizeof input);
    RIG_DO(&rig.nodes[0], reduce, .op = op, RIG_ONE(HWI_OPERAND_SELF), .divisor = 1);
    assert_memory_equal(input, output, sizeof input);
    RIG_DO(&rig.nodes[0], quiesce, .op = op, .restore = 1);
    assert_memory_equal(input, output, sizeof input);
    rig_close(&rig);
}

static void test_commands_that_make_no_sense(void **state)
{
    (void)state;
    float memory[16];
    struct hwi_op op = rig_op(1, HWI_KIND_ALL_REDUCE, 0, 0);
    struct rig rig;

    rig_open(&rig, 2);
    struct rig_node *node = &rig.nodes[0];
    hwi_data_memory(node->data, 1,
                    &(struct hwi_buffers){hwi_location_of(memory), hwi_location_of(memory),
                                          sizeof memory, sizeof memory});
    assert_true(RIG_FAILS(node, op_memory, .op = op, .request = 2, .in_place = 1, .dtype = HWS_F32,
                          .redop = HWS_SUM, .bytes = 64, .chunk_bytes = 64));
    assert_true(RIG_FAILS(node, op_memory, .op = op, .request = 1, .in_place = 1, .dtype = HWS_F32,
                          .redop = HWS_SUM, .bytes = 68, .chunk_bytes = 64, .save_bytes = 68));
    assert_true(RIG_FAILS(node, op_memory, .op = op, .request = 1, .in_place = 1, .dtype = HWS_F32,
                          .redop = HWS_MIN + 1, .bytes = 64, .chunk_bytes = 64));
    assert_true(RIG_FAILS(node, send, .op = op, .phase = PHASE_INPUTS, .to = 2, .chunks = 1));
    assert_true(RIG_FAILS(node, quiesce, .op = op));
    assert_true(RIG_FAILS(node, edge_close, .peer = 2));
    RIG_DO(node, op_memory, .op = op, .request = 1, .in_place = 1, .dtype = HWS_F32,
           .redop = HWS_SUM, .bytes = 64, .chunk_bytes = 64);
    assert_true(RIG_FAILS(node, place, .op = op, .phase = PHASE_INPUTS, .from = 2, .first = 1,
                          .chunks = 1, .slots = 1));
    assert_true(RIG_FAILS(node, reduce, .op = op, RIG_TWO(HWI_OPERAND_SELF, 2)));
    assert_true(RIG_FAILS(node, reduce, .op = op, .chunk = 1, RIG_ONE(HWI_OPERAND_SELF)));
    RIG_DO(node, place, .op = op, .phase = PHASE_INPUTS, .from = 2, .chunks = 1, .slots = 1);
    assert_true(RIG_FAILS(node, reduce, .op = op, RIG_TWO(HWI_OPERAND_SELF, 2))); // not here yet
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_shapes),
        cmocka_unit_test(test_large_chunks),
        cmocka_unit_test(test_one_shot),
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_commands_that_make_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
