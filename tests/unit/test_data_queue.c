// SPDX-License-Identifier: MIT
// The order of sending, messages between ports, and the pool behind the buffers.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <hawser/types.h>

#include "tests/support/data_rig.h"
#include "transport/data/index.h"
#include "transport/data/pool.h"

enum { LARGE = HWI_ONE_SHOT_BYTES_MAX + 4, SMALL = 64 };

static struct hwi_op op_of(uint32_t seq)
{
    return rig_op(1, HWI_KIND_ALL_REDUCE, 0, seq);
}

static void begin(struct rig_node *node, uint32_t seq, void *memory, uint64_t bytes)
{
    hwi_data_memory(node->data, seq + 1,
                    &(struct hwi_buffers){hwi_location_of(memory),
                                          hwi_location_of((char *)memory + bytes), bytes, bytes});
    RIG_DO(node, op_memory, .op = op_of(seq), .request = seq + 1, .dtype = HWS_F32,
           .redop = HWS_SUM, .bytes = bytes, .chunk_bytes = 32 << 10);
    RIG_DO(node, send, .op = op_of(seq), .phase = PHASE_INPUTS, .to = 2,
           .chunks = bytes > SMALL ? 2 : 1);
}

static void say_grant(struct rig_node *node, uint64_t to, uint32_t granted)
{
    struct hwi_msg msg = {.type = HWI_MSG_grant};

    msg.u.grant.op = op_of(0);
    msg.u.grant.granted = granted;
    rig_say(node, HWI_ROLE_REDUCER, to, &msg);
}

// A raw chunk leaves from the tensor and arrives in it: no copy, no memory of the frame's own.
static void test_raw_chunks_are_not_copied(void **state)
{
    (void)state;
    unsigned char *from = calloc(2, LARGE), *to = calloc(2, LARGE);
    struct rig_transfer transfer;
    struct rig rig;

    rig_open(&rig, 2);
    rig_fill(from, LARGE);
    begin(&rig.nodes[0], 0, from, LARGE);
    begin(&rig.nodes[1], 0, to, LARGE);
    RIG_DO(&rig.nodes[1], place, .op = op_of(0), .phase = PHASE_INPUTS, .from = 1, .chunks = 2,
           .granted = 2);
    assert_true(rig_begin(&rig, &transfer, 0, 1, HWI_LANE_REDUCER));
    assert_ptr_equal(transfer.out.payload, from);
    assert_null(transfer.out.owned);
    assert_ptr_equal(transfer.in.target, to + LARGE);
    assert_null(transfer.in.owned);
    assert_int_equal(rig_end(&transfer), HWI_VERDICT_OK);
    assert_memory_equal(to + LARGE, from, 32 << 10);
    rig_close(&rig);
    free(from);
    free(to);
}

static void test_order(void **state)
{
    (void)state;
    static const struct {
        uint8_t kind;
        uint32_t seq;
        uint64_t offset;
    } wanted[] = {
        {HWI_FRAME_CHUNK, 0, 0},        {HWI_FRAME_MESSAGE, 0, 0},      {HWI_FRAME_CHUNK, 2, 0},
        {HWI_FRAME_CHUNK, 3, 0},        {HWI_FRAME_CHUNK, 0, 32 << 10}, {HWI_FRAME_CHUNK, 1, 0},
        {HWI_FRAME_CHUNK, 1, 32 << 10},
    };
    char *memory = calloc(2, LARGE);
    struct hwi_frame_out out;
    struct hwi_frame frame;
    struct rig rig;

    rig_open(&rig, 2);
    begin(&rig.nodes[0], 0, memory, LARGE);
    for (size_t i = 0; i < HWI_COUNT(wanted); i++) {
        assert_true(hwi_data_next(rig.nodes[0].data, 2, HWI_LANE_REDUCER, &out));
        assert_true(hwi_frame_read(out.header, &frame));
        assert_int_equal(frame.kind, wanted[i].kind);
        assert_int_equal(frame.op.seq, wanted[i].seq);
        assert_int_equal(frame.offset, wanted[i].offset);
        hwi_data_sent(rig.nodes[0].data, &out, true);
        if (i == 0) { // with a large one begun, more is asked for
            begin(&rig.nodes[0], 1, memory, LARGE);
            begin(&rig.nodes[0], 2, memory, SMALL);
            begin(&rig.nodes[0], 3, memory, SMALL);
            say_grant(&rig.nodes[0], 2, 1);
        }
    }
    assert_false(hwi_data_next(rig.nodes[0].data, 2, HWI_LANE_REDUCER, &out));
    assert_false(hwi_data_next(rig.nodes[0].data, 7, HWI_LANE_REDUCER, &out));
    rig_close(&rig);
    free(memory);
}

// So an operation that was called early does not hold back those on other tags.
static void test_large_ones_take_turns(void **state)
{
    (void)state;
    enum { CHUNKS = 4, OPS = 3 };
    const uint64_t bytes = CHUNKS * (UINT64_C(32) << 10);
    char *memory = calloc(2, bytes);
    struct hwi_frame_out out;
    struct hwi_frame frame;
    struct rig rig;

    rig_open(&rig, 2);
    for (uint32_t seq = 0; seq < OPS; seq++) {
        hwi_data_memory(rig.nodes[0].data, seq + 1,
                        &(struct hwi_buffers){hwi_location_of(memory),
                                              hwi_location_of(memory + bytes), bytes, bytes});
        RIG_DO(&rig.nodes[0], op_memory, .op = op_of(seq), .request = seq + 1, .dtype = HWS_F32,
               .redop = HWS_SUM, .bytes = bytes, .chunk_bytes = 32 << 10);
        RIG_DO(&rig.nodes[0], send, .op = op_of(seq), .phase = PHASE_INPUTS, .to = 2,
               .chunks = CHUNKS);
    }
    for (uint32_t i = 0; i < CHUNKS * OPS; i++) {
        assert_true(hwi_data_next(rig.nodes[0].data, 2, HWI_LANE_REDUCER, &out));
        assert_true(hwi_frame_read(out.header, &frame));
        assert_int_equal(frame.op.seq, i % OPS);
        assert_int_equal(frame.offset, (uint64_t)(i / OPS) * (32 << 10));
        hwi_data_sent(rig.nodes[0].data, &out, true);
    }
    assert_false(hwi_data_next(rig.nodes[0].data, 2, HWI_LANE_REDUCER, &out));
    rig_close(&rig);
    free(memory);
}

// One that has results to send one by one has no more turns than one with a long run, and what can
// be is one run again.
static void test_turns_are_of_operations(void **state)
{
    (void)state;
    enum { CHUNKS = 64 };
    const uint64_t bytes = CHUNKS * (UINT64_C(32) << 10);
    char *memory = calloc(2, bytes);
    struct hwi_frame_out out;
    struct hwi_frame frame;
    struct rig rig;

    rig_open(&rig, 2);
    for (uint32_t seq = 0; seq < 2; seq++) {
        hwi_data_memory(rig.nodes[0].data, seq + 1,
                        &(struct hwi_buffers){hwi_location_of(memory),
                                              hwi_location_of(memory + bytes), bytes, bytes});
        RIG_DO(&rig.nodes[0], op_memory, .op = op_of(seq), .request = seq + 1, .dtype = HWS_F32,
               .redop = HWS_SUM, .bytes = bytes, .chunk_bytes = 32 << 10);
    }
    for (uint32_t chunk = 0; chunk < CHUNKS; chunk++) {
        uint8_t phase = chunk % 2 ? PHASE_RESULTS : PHASE_INPUTS;
        RIG_DO(&rig.nodes[0], send, .op = op_of(0), .phase = phase, .to = 2, .first = chunk,
               .chunks = 1);
        RIG_DO(&rig.nodes[0], send, .op = op_of(1), .phase = PHASE_RESULTS,
               .place = HWI_PLACE_OUTPUT, .to = 2, .first = chunk, .chunks = 1);
    }
    for (uint32_t i = 0; i < 2 * CHUNKS; i++) {
        assert_true(hwi_data_next(rig.nodes[0].data, 2, HWI_LANE_REDUCER, &out));
        assert_true(hwi_frame_read(out.header, &frame));
        assert_int_equal(frame.op.seq, i % 2);
        assert_int_equal(frame.offset, (uint64_t)(i / 2) * (32 << 10));
        hwi_data_sent(rig.nodes[0].data, &out, true);
        if (i == CHUNKS) { // the other one has all turns from here on
            RIG_DO(&rig.nodes[0], quiesce, .op = op_of(0));
            break;
        }
    }
    for (uint32_t left = CHUNKS / 2; left < CHUNKS; left++) {
        assert_true(hwi_data_next(rig.nodes[0].data, 2, HWI_LANE_REDUCER, &out));
        assert_true(hwi_frame_read(out.header, &frame));
        assert_int_equal(frame.op.seq, 1);
        hwi_data_sent(rig.nodes[0].data, &out, true);
    }
    assert_false(hwi_data_next(rig.nodes[0].data, 2, HWI_LANE_REDUCER, &out));
    rig_close(&rig);
    free(memory);
}

static void test_messages_arrive(void **state)
{
    (void)state;
    struct hwi_digest hashes[3] = {{{1, 2}}, {{3, 4}}, {{5, UINT64_MAX}}};
    struct hwi_msg msg = {.type = HWI_MSG_manifest};
    struct hwi_data_stats stats;
    struct rig_event event;
    struct rig rig;

    rig_open(&rig, 3);
    msg.u.manifest.op = rig_op(1, HWI_KIND_SYNC, 0, 0);
    msg.u.manifest.total = 3;
    msg.u.manifest.hashes = hashes;
    msg.u.manifest.hashes_count = 3;
    rig_say(&rig.nodes[0], HWI_ROLE_SNAPSHOT, 3, &msg);
    say_grant(&rig.nodes[0], 2, 42);
    say_grant(&rig.nodes[0], 9, 43); // no such edge: dropped
    rig_pump(&rig);
    assert_true(rig_take(&rig.nodes[1], HWI_MSG_grant, &event));
    assert_int_equal(event.msg.u.grant.granted, 42);
    assert_int_equal(event.from.role, HWI_ROLE_REDUCER);
    assert_int_equal(event.from.id, 1);
    assert_int_equal(event.to.role, HWI_ROLE_REDUCER);
    assert_int_equal(event.to.id, 0);
    assert_true(rig_take(&rig.nodes[2], HWI_MSG_manifest, &event));
    assert_int_equal(event.from.role, HWI_ROLE_SNAPSHOT);
    assert_int_equal(event.msg.u.manifest.hashes_count, 3);
    assert_memory_equal(event.msg.u.manifest.hashes, hashes, sizeof hashes);
    hwi_data_stats(rig.nodes[0].data, &stats);
    assert_int_equal(stats.messages_sent, 2);
    assert_int_equal(stats.bytes_sent, 0);
    rig_close(&rig);
}

static void test_messages_of_an_older_view_arrive(void **state)
{
    (void)state;
    struct rig_event event;
    struct rig rig;

    rig_open(&rig, 2);
    RIG_DO(&rig.nodes[1], data_view, .view = 9);
    say_grant(&rig.nodes[0], 2, 1);
    rig_pump(&rig);
    assert_true(rig_take(&rig.nodes[1], HWI_MSG_grant, &event));
    rig_close(&rig);
}

static void test_a_full_queue_breaks_the_edge(void **state)
{
    (void)state;
    uint32_t said = 0;
    struct rig rig;

    rig_open(&rig, 2);
    while (rig.nodes[0].broken == 0 && said < 1 << 20) {
        say_grant(&rig.nodes[0], 2, said);
        said++;
    }
    assert_int_equal(rig.nodes[0].broken, 1);
    assert_string_equal(rig.nodes[0].why, "too much waits to be sent");
    assert_int_equal(rig.nodes[0].kicks, 1);
    rig_close(&rig);
}

static void test_pool_keeps_large_buffers(void **state)
{
    (void)state;
    struct hwi_pool pool;

    hwi_pool_init(&pool, &hwi_alloc_libc);
    void *first = hwi_pool_take(&pool, 1 << 20);
    memset(first, 1, 1 << 20);
    hwi_pool_give(&pool, first);
    assert_ptr_equal(hwi_pool_take(&pool, (1 << 20) - 5000), first); // near enough
    hwi_pool_give(&pool, first);
    void *other = hwi_pool_take(&pool, 1 << 18); // too small for it
    assert_ptr_not_equal(other, first);
    hwi_pool_give(&pool, other);
    void *small = hwi_pool_take(&pool, 10);
    hwi_pool_give(&pool, small);
    assert_int_equal(pool.count, 2);
    assert_null(hwi_pool_take(&pool, UINT64_MAX - 8));
    hwi_pool_fini(&pool);
}

static void *refuse(void *user, void *pointer, size_t bytes)
{
    (void)user;
    (void)pointer;
    (void)bytes;
    return NULL;
}

static void test_pool_without_memory(void **state)
{
    (void)state;
    const struct hwi_alloc alloc = {.resize = refuse};
    struct hwi_pool pool;

    hwi_pool_init(&pool, &alloc);
    assert_null(hwi_pool_take(&pool, 10));
    assert_null(hwi_pool_take(&pool, 1 << 20));
    hwi_pool_fini(&pool);
}

static void test_pool_is_bounded(void **state)
{
    (void)state;
    enum { TAKEN = HWI_POOL_BUFFERS_MAX + 10 };
    void *taken[TAKEN];
    struct hwi_pool pool;

    hwi_pool_init(&pool, &hwi_alloc_libc);
    for (int i = 0; i < TAKEN; i++) {
        taken[i] = hwi_pool_take(&pool, HWI_POOL_BUFFER_BYTES_MIN);
    }
    for (int i = 0; i < TAKEN; i++) {
        hwi_pool_give(&pool, taken[i]);
    }
    assert_int_equal(pool.count, HWI_POOL_BUFFERS_MAX);
    void *huge = hwi_pool_take(&pool, HWI_POOL_BYTES_MAX);
    hwi_pool_give(&pool, huge); // pushes all others out
    assert_int_equal(pool.count, 1);
    assert_true(pool.bytes <= HWI_POOL_BYTES_MAX);
    hwi_pool_give(&pool, hwi_pool_take(&pool, UINT64_C(4096) + HWI_POOL_BYTES_MAX));
    assert_int_equal(pool.count, 1);
    hwi_pool_fini(&pool);
}

static void test_index_finds_what_is_in_it(void **state)
{
    (void)state;
    enum { LINKS = 1000 };
    static struct hwi_link links[LINKS];
    struct hwi_index index;
    uint32_t seen = 0;

    hwi_index_init(&index, &hwi_alloc_libc, LINKS);
    for (int i = 0; i < LINKS; i++) {
        hwi_index_add(&index, &links[i], (uint64_t)i / 2 * 64); // pairs, all in few buckets
    }
    for (int i = 0; i < LINKS; i += 2) {
        struct hwi_link *a = hwi_index_find(&index, (uint64_t)i / 2 * 64), *b = hwi_index_same(a);
        assert_true((a == &links[i] && b == &links[i + 1]) ||
                    (b == &links[i] && a == &links[i + 1]));
        assert_null(hwi_index_same(b));
    }
    for (int i = 0; i < LINKS; i += 2) {
        hwi_index_remove(&index, &links[i]);
    }
    for (struct hwi_link *at = NULL; ((at = hwi_index_next(&index, at)) != NULL);) {
        seen++;
    }
    assert_int_equal(seen, LINKS / 2);
    hwi_index_fini(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_raw_chunks_are_not_copied),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_large_ones_take_turns),
        cmocka_unit_test(test_turns_are_of_operations),
        cmocka_unit_test(test_messages_arrive),
        cmocka_unit_test(test_messages_of_an_older_view_arrive),
        cmocka_unit_test(test_a_full_queue_breaks_the_edge),
        cmocka_unit_test(test_pool_keeps_large_buffers),
        cmocka_unit_test(test_pool_without_memory),
        cmocka_unit_test(test_pool_is_bounded),
        cmocka_unit_test(test_index_finds_what_is_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
