// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "actors/loop/drain.h"
#include "actors/loop/ring_shape.h"
#include "tests/support/drain_all.h"

enum {
    CAPACITY = 64,
    LINE_BYTES = 64,
    TEXT_BYTES = 200,
    CONCURRENT = 400000, // records that one thread writes while another reads
};

// ---- a ring to play with -----------------------------------------------------------------------

struct bench {
    struct hwi_ring *ring;
    struct hwi_ring_reader reader;
    unsigned char *memory;
    size_t bytes;
    uint64_t written;
};

static void set_up(struct bench *bench, uint32_t capacity)
{
    bench->bytes = hwi_ring_bytes(capacity);
    bench->memory = aligned_alloc(LINE_BYTES, bench->bytes);
    bench->written = 0;
    assert_non_null(bench->memory);
    memset(bench->memory, 0, bench->bytes);
    bench->ring = hwi_ring_create(&hwi_alloc_libc, bench->memory, capacity);
    assert_true(hwi_ring_attach(&bench->reader, bench->memory, bench->bytes));
}

static void tear_down(struct bench *bench)
{
    hwi_ring_destroy(bench->ring);
    free(bench->memory);
}

// All of a record follows from its number.
static void write_one(struct bench *bench)
{
    uint64_t number = ++bench->written;
    struct hwi_msg msg = {.type = HWI_MSG_done};
    msg.u.done = (struct hwi_msg_done){
        .view = number * 3, .kind = HWI_KIND_AGREE, .tag = number * 5, .count = (uint32_t)number};
    hwi_ring_heard(bench->ring, HWI_ROLE_MASTER, hwi_addr_of(HWI_ROLE_PEER, number * 7), &msg,
                   number * 11, number * 13);
}

static bool is_right(const struct hwi_ring_record *record)
{
    uint64_t number = record->number;
    return record->arrived == number * 11 && record->handled == number * 13 &&
           record->view == number * 3 && record->tag == number * 5 &&
           record->key == (uint32_t)number && record->other == number * 7 && record->seq == 0 &&
           record->type == HWI_MSG_done && record->kind == HWI_KIND_AGREE &&
           record->roles == (HWI_ROLE_MASTER | HWI_ROLE_PEER << 4);
}

// Reads up to `max`, and checks that each number was handed out or counted.
static uint32_t read_some(struct bench *bench, uint32_t max, uint64_t *got)
{
    struct hwi_ring_record records[CAPACITY];
    uint32_t count = hwi_ring_read(&bench->reader, records, max);
    assert_true(count <= max);
    *got += count;
    for (uint32_t i = 0; i < count; i++) {
        assert_true(is_right(&records[i]));
        assert_true(i == 0 || records[i].number > records[i - 1].number);
    }
    if (count) {
        assert_int_equal(records[count - 1].number, *got + bench->reader.lost);
    }
    return count;
}

// ---- writing and reading -----------------------------------------------------------------------

static void written_records_are_read_once(void **state)
{
    (void)state;
    struct bench bench;
    uint64_t got = 0;
    set_up(&bench, CAPACITY);
    assert_int_equal(read_some(&bench, CAPACITY, &got), 0);
    for (uint32_t i = 0; i < CAPACITY; i++) {
        write_one(&bench);
    }
    assert_int_equal(read_some(&bench, 10, &got), 10);
    assert_int_equal(read_some(&bench, CAPACITY, &got), CAPACITY - 10);
    assert_int_equal(read_some(&bench, CAPACITY, &got), 0);
    assert_int_equal(bench.reader.lost, 0);
    tear_down(&bench);
}

static void losses_are_counted_exactly(void **state)
{
    (void)state;
    struct bench bench;
    uint64_t got = 0;
    set_up(&bench, CAPACITY);
    for (uint32_t i = 0; i < 3 * CAPACITY + 5; i++) {
        write_one(&bench);
    }
    assert_int_equal(read_some(&bench, 1, &got), 1);
    assert_int_equal(bench.reader.lost, 2 * CAPACITY + 5);
    for (uint32_t i = 0; i < 3; i++) { // of those that were not read yet, two are overwritten
        write_one(&bench);
    }
    while (read_some(&bench, 7, &got))
        ;
    assert_int_equal(bench.reader.lost, 2 * CAPACITY + 5 + 2);
    assert_int_equal(got + bench.reader.lost, bench.written);
    tear_down(&bench);
}

static void any_pace_of_both_adds_up(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (uint32_t run = 0; run < 200; run++) {
        struct bench bench;
        uint64_t got = 0;
        set_up(&bench, 8);
        for (uint32_t turn = 0; turn < 200; turn++) {
            seed = seed * 1664525 + 1013904223;
            for (uint32_t i = 0; i < (seed >> 24) % 20; i++) {
                write_one(&bench);
            }
            read_some(&bench, 1 + (seed >> 16) % 12, &got);
        }
        while (read_some(&bench, 12, &got))
            ;
        assert_int_equal(got + bench.reader.lost, bench.written);
        assert_true(bench.reader.lost > 0);
        tear_down(&bench);
    }
}

static void a_late_reader_begins_with_what_is_there(void **state)
{
    (void)state;
    struct bench bench;
    struct hwi_ring_reader late;
    struct hwi_ring_record record;
    set_up(&bench, CAPACITY);
    for (uint32_t i = 0; i < CAPACITY + 20; i++) {
        write_one(&bench);
    }
    assert_true(hwi_ring_attach(&late, bench.memory, bench.bytes));
    assert_int_equal(hwi_ring_read(&late, &record, 1), 1);
    assert_int_equal(record.number, 21);
    assert_int_equal(late.lost, 0);
    late.next = hwi_ring_next(&late);
    assert_int_equal(hwi_ring_read(&late, &record, 1), 0);
    write_one(&bench);
    assert_int_equal(hwi_ring_read(&late, &record, 1), 1);
    assert_int_equal(record.number, bench.written);
    assert_int_equal(late.lost, 0);
    tear_down(&bench);
}

// ---- two threads -------------------------------------------------------------------------------

struct race {
    struct bench bench;
    bool over;
    uint64_t got, wrong, out_of_order, bad_heads;
};

static void *read_on(void *user)
{
    struct race *race = user;
    struct hwi_ring_record records[16];
    struct hwi_ring_head head;
    uint64_t last = 0;
    for (bool over = false; !over;) {
        over = __atomic_load_n(&race->over, __ATOMIC_ACQUIRE);
        uint32_t count;
        while ((count = hwi_ring_read(&race->bench.reader, records, HWI_COUNT(records))) > 0) {
            for (uint32_t i = 0; i < count; i++) {
                race->wrong += !is_right(&records[i]);
                race->out_of_order += records[i].number <= last;
                last = records[i].number;
            }
            race->got += count;
            if (hwi_ring_head(&race->bench.reader, &head)) {
                race->bad_heads +=
                    head.owner.run != head.owner.peer * 2 || head.clock.ns_zero != head.owner.peer;
            }
        }
    }
    return NULL;
}

static void a_reader_on_another_thread_sees_only_whole_records(void **state)
{
    (void)state;
    struct race race = {.over = false};
    pthread_t reader;
    set_up(&race.bench, CAPACITY);
    assert_int_equal(pthread_create(&reader, NULL, read_on, &race), 0);
    for (uint32_t i = 0; i < CONCURRENT; i++) {
        write_one(&race.bench);
        if (i % 16 == 0) {
            struct hwi_ring_clock clock = {.ns_zero = i, .ns_per_tick = 1};
            struct hwi_ring_owner owner = {.peer = i, .run = 2 * (uint64_t)i};
            hwi_ring_tell(race.bench.ring, &clock, &owner);
        }
    }
    __atomic_store_n(&race.over, true, __ATOMIC_RELEASE);
    pthread_join(reader, NULL);
    assert_int_equal(race.wrong, 0);
    assert_int_equal(race.out_of_order, 0);
    assert_int_equal(race.bad_heads, 0);
    assert_true(race.got > 0);
    assert_int_equal(race.got + race.bench.reader.lost, CONCURRENT);
    tear_down(&race.bench);
}

// ---- memory that is no ring --------------------------------------------------------------------

static void memory_that_is_not_a_ring_is_refused(void **state)
{
    (void)state;
    struct bench bench;
    struct hwi_ring_reader reader;
    struct hwi_ring_head good, *head;
    set_up(&bench, CAPACITY);
    head = (struct hwi_ring_head *)(void *)bench.memory;
    good = *head;
    assert_false(hwi_ring_attach(&reader, bench.memory, bench.bytes - 1));
    assert_false(hwi_ring_attach(&reader, bench.memory, 0));
    head->magic++;
    assert_false(hwi_ring_attach(&reader, bench.memory, bench.bytes));
    *head = good;
    head->format++;
    assert_false(hwi_ring_attach(&reader, bench.memory, bench.bytes));
    *head = good;
    head->schema++;
    assert_false(hwi_ring_attach(&reader, bench.memory, bench.bytes));
    *head = good;
    static const uint32_t capacities[] = {0, CAPACITY - 1, 2 * CAPACITY, 1u << 31, UINT32_MAX};
    for (size_t i = 0; i < HWI_COUNT(capacities); i++) {
        head->capacity = capacities[i];
        assert_false(hwi_ring_attach(&reader, bench.memory, bench.bytes));
    }
    *head = good;
    assert_true(hwi_ring_attach(&reader, bench.memory, bench.bytes));
    tear_down(&bench);
}

static void numbers_that_lie_do_no_harm(void **state)
{
    (void)state;
    struct bench bench;
    struct hwi_ring_record records[CAPACITY];
    struct hwi_ring_head copy;
    set_up(&bench, CAPACITY);
    struct hwi_ring_head *head = (struct hwi_ring_head *)(void *)bench.memory;
    for (uint32_t i = 0; i < 5; i++) {
        write_one(&bench);
    }
    head->next = UINT64_MAX;
    assert_true(hwi_ring_read(&bench.reader, records, CAPACITY) <= CAPACITY);
    head->next = 0;
    assert_int_equal(hwi_ring_read(&bench.reader, records, CAPACITY), 0);
    head->version = 1; // it died while it wrote
    assert_false(hwi_ring_head(&bench.reader, &copy));
    tear_down(&bench);
}

// ---- what a record says ------------------------------------------------------------------------

static const char *printed(const struct hwi_msg *msg, char text[TEXT_BYTES])
{
    struct hwi_ring_record record;
    hwi_ring_record_of(HWI_ROLE_PEER, false, hwi_addr_of(HWI_ROLE_MASTER, 0), msg, 0, 0, &record);
    size_t length = hwi_ring_print(&record, text, TEXT_BYTES);
    assert_int_equal(length, strlen(text));
    return text;
}

static void records_say_what_the_message_said(void **state)
{
    (void)state;
    char text[TEXT_BYTES];
    struct hwi_op op = {.view = 2, .kind = HWI_KIND_ALL_REDUCE, .tag = 7, .seq = 3};
    struct hwi_msg chunk = {.type = HWI_MSG_chunk, .u.chunk = {.op = op, .from = 5, .chunk = 4}};
    assert_string_equal(printed(&chunk, text), "chunk{op=all_reduce/7#3@v2 chunk=4 from=5}");
    struct hwi_msg reply = {.type = HWI_MSG_reply, .u.reply = {.request = 9, .status = -3}};
    assert_string_equal(printed(&reply, text), "reply{request=9 status=-3}");
    struct hwi_msg commit = {.type = HWI_MSG_commit,
                             .u.commit = {.view = 1, .kind = HWI_KIND_AGREE, .tag = 8, .count = 6}};
    assert_string_equal(printed(&commit, text), "commit{view=1 kind=agree tag=8 count=6}");
    struct hwi_msg call = {
        .type = HWI_MSG_call,
        .u.call = {.op = op, .signature = {.dtype = 11, .redop = 1, .count = 100}}};
    assert_string_equal(printed(&call, text),
                        "call{op=all_reduce/7#3@v2 count=100 dtype=11 redop=1}");
    struct hwi_msg fault = {.type = HWI_MSG_withdraw,
                            .u.withdraw = {.op = op, .fault = {.status = -5, .peer_a = 3}}};
    assert_string_equal(printed(&fault, text),
                        "withdraw{op=all_reduce/7#3@v2 fault.status=-5 fault.peer_a=3}");
    struct hwi_msg probe = {.type = HWI_MSG_probe};
    assert_string_equal(printed(&probe, text), "probe{}");
    struct hwi_ring_record short_text;
    hwi_ring_record_of(HWI_ROLE_PEER, true, hwi_addr_of(HWI_ROLE_DATA, 0), &chunk, 1, 2,
                       &short_text);
    assert_int_equal(hwi_ring_print(&short_text, text, 6), 42);
    assert_string_equal(text, "chunk");
    assert_true(hwi_ring_is_sent(&short_text));
}

// The fields that msg.def flags are numbers, and there is one of each.
static void all_that_is_flagged_is_kept(void **state)
{
    (void)state;
    uint32_t keys = 0;
    for (uint16_t type = 0; type < HWI_MSG_TYPE_MAX; type++) {
        const struct hwi_layout *layout = hwi_layout_of(type);
        struct hwi_ring_shape shape;
        struct hwi_ring_kept kept;
        uint32_t counts[3] = {0};
        hwi_ring_shape(type, &shape);
        hwi_ring_kept(type, &kept);
        for (uint32_t i = 0; layout != NULL && i < layout->field_count; i++) {
            counts[0] += (layout->fields[i].flags & HWI_FLAG_KEY) != 0;
            counts[1] += (layout->fields[i].flags & HWI_FLAG_HIGH) != 0;
            counts[2] += (layout->fields[i].flags & HWI_FLAG_EXTRA) != 0;
        }
        bool key = kept.key != NULL || kept.signature, seq = false;
        keys += key;
        seq =
            layout != NULL && layout->field_count > 0 && layout->fields[0].record == &hwi_layout_op;
        if (counts[0] > 1 || counts[1] > 1 || counts[2] > 1 || (counts[0] == 1) != key ||
            (counts[1] == 1 && !key) || (counts[2] == 1 && seq) ||
            (kept.signature ? !shape.signature : key && shape.key.offset == 1) ||
            (kept.high != NULL && shape.high.offset == 1) ||
            (kept.extra != NULL && shape.seq.offset == 1)) {
            fail_msg("%s: its KEY, HIGH or EXTRA are not right", layout->name);
        }
    }
    assert_true(keys > 50);
}

static void ticks_become_nanoseconds(void **state)
{
    (void)state;
    struct hwi_ring_clock clock = {.ticks_zero = 1000000, .ns_zero = 5000000, .ns_per_tick = 0.5};
    assert_int_equal(hwi_ring_ns(&clock, 1000000), 5000000);
    assert_int_equal(hwi_ring_ns(&clock, 1000100), 5000050);
    assert_int_equal(hwi_ring_ns(&clock, 999900), 4999950);
    clock = (struct hwi_ring_clock){.ns_per_tick = 1};
    assert_int_equal(hwi_ring_ns(&clock, 1234567890123), 1234567890123);
}

// ---- what the drain writes ---------------------------------------------------------------------

// A peer that passes each request on to the reducer, which tells data and trainer.
static void *create_nothing(const struct hwi_alloc *alloc)
{
    return hwi_new(alloc, 1);
}

static void destroy_nothing(void *state)
{
    hwi_free(&hwi_alloc_libc, state);
}

static void step_peer(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    (void)state;
    if (event->msg->type == HWI_MSG_request) {
        HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_REDUCER, 0), op_start)->request =
            event->msg->u.request.request;
        HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_CLOCK, 0), wake_at)->at_ns = 500;
    }
    HWI_CHECK(event->msg->type != HWI_MSG_welcome);
}

static void step_reducer(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    (void)state;
    HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_DATA, 0), send)->first = 4;
    HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_REDUCER, 6), grant)->granted = 1;
    (void)event;
}

static void fail_peer(void *state, uint64_t now_ns, struct hwi_effects *effects)
{
    (void)state, (void)now_ns;
    HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_TRAINER, 0), reply)->status = -9;
}

static const struct hwi_actor_ops peer = {
    "peer", HWI_ROLE_PEER, create_nothing, step_peer, fail_peer, destroy_nothing, NULL};
static const struct hwi_actor_ops reducer = {
    "reducer", HWI_ROLE_REDUCER, create_nothing, step_reducer, fail_peer, destroy_nothing, NULL};

struct world {
    uint64_t clock; // advances by one at each look
    uint32_t carried;
};

static void carry(void *user, const struct hwi_envelope *envelope)
{
    struct world *world = user;
    (void)envelope;
    world->carried++;
}

static uint64_t look(void *user)
{
    struct world *world = user;
    return ++world->clock;
}

static const struct hwi_world_ops ticking = {.carry = carry, .ticks = look};
static const struct hwi_world_ops still = {.carry = carry};

static struct hwi_drain *start(const struct hwi_world_ops *ops, struct world *world,
                               struct hwi_ring *ring)
{
    struct hwi_drain *drain = hwi_drain_create(&hwi_alloc_libc, ops, world);
    hwi_drain_add(drain, &peer);
    hwi_drain_add(drain, &reducer);
    hwi_drain_trace(drain, ring);
    return drain;
}

static void post_request(struct hwi_drain *drain, uint64_t request)
{
    struct hwi_msg msg = {.type = HWI_MSG_request, .u.request.request = request};
    hwi_drain_post(drain, hwi_addr_of(HWI_ROLE_TRAINER, 0), hwi_addr_of(HWI_ROLE_PEER, 0), &msg);
}

static void expect(const struct hwi_ring_record *record, uint16_t type, uint8_t actor,
                   struct hwi_addr other, bool sent, uint64_t arrived, uint64_t handled)
{
    assert_int_equal(record->type, type);
    assert_int_equal(hwi_ring_actor(record), actor);
    assert_int_equal(hwi_ring_other(record).role, other.role);
    assert_int_equal(hwi_ring_other(record).id, other.id);
    assert_int_equal(hwi_ring_is_sent(record), sent);
    assert_int_equal(record->arrived, arrived);
    assert_int_equal(record->handled, handled);
}

static void the_drain_writes_what_is_heard_and_what_leaves(void **state)
{
    (void)state;
    struct bench bench;
    struct world world = {0};
    struct hwi_ring_record r[CAPACITY];
    set_up(&bench, CAPACITY);
    struct hwi_drain *drain = start(&ticking, &world, bench.ring);
    post_request(drain, 77); // the clock says 1
    drain_all(drain, 100);   // steps at 2 and 3
    drain_all(drain, 1000);  // woken at 4
    assert_int_equal(hwi_ring_read(&bench.reader, r, CAPACITY), 5);
    expect(&r[0], HWI_MSG_request, HWI_ROLE_PEER, hwi_addr_of(HWI_ROLE_TRAINER, 0), false, 1, 2);
    assert_int_equal(r[0].key, 77);
    expect(&r[1], HWI_MSG_op_start, HWI_ROLE_REDUCER, hwi_addr_of(HWI_ROLE_PEER, 0), false, 2, 3);
    expect(&r[2], HWI_MSG_send, HWI_ROLE_REDUCER, hwi_addr_of(HWI_ROLE_DATA, 0), true, 3, 3);
    expect(&r[3], HWI_MSG_grant, HWI_ROLE_REDUCER, hwi_addr_of(HWI_ROLE_REDUCER, 6), true, 3, 3);
    expect(&r[4], HWI_MSG_woken, HWI_ROLE_PEER, hwi_addr_of(HWI_ROLE_CLOCK, 0), false, 4, 4);
    assert_int_equal(world.clock, 4); // one look a step, one for what came from outside
    assert_int_equal(world.carried, 2);
    hwi_drain_destroy(drain);
    tear_down(&bench);
}

static void messages_of_a_failed_actor_are_kept(void **state)
{
    (void)state;
    struct bench bench;
    struct world world = {0};
    struct hwi_ring_record r[CAPACITY];
    struct hwi_msg fatal = {.type = HWI_MSG_welcome};
    set_up(&bench, CAPACITY);
    struct hwi_drain *drain = start(&ticking, &world, bench.ring);
    hwi_drain_post(drain, hwi_addr_of(HWI_ROLE_MASTER, 0), hwi_addr_of(HWI_ROLE_PEER, 0), &fatal);
    drain_all(drain, 100);
    assert_int_equal(hwi_ring_read(&bench.reader, r, CAPACITY), 2);
    expect(&r[0], HWI_MSG_welcome, HWI_ROLE_PEER, hwi_addr_of(HWI_ROLE_MASTER, 0), false, 1, 2);
    expect(&r[1], HWI_MSG_reply, HWI_ROLE_PEER, hwi_addr_of(HWI_ROLE_TRAINER, 0), true, 2, 2);
    assert_int_equal((int32_t)r[1].seq, -9);
    hwi_drain_destroy(drain);
    tear_down(&bench);
}

static void without_a_clock_ticks_are_the_events_time(void **state)
{
    (void)state;
    struct bench bench;
    struct world world = {0};
    struct hwi_ring_record r[CAPACITY];
    set_up(&bench, CAPACITY);
    struct hwi_drain *drain = start(&still, &world, bench.ring);
    post_request(drain, 1);
    drain_all(drain, 100);
    assert_int_equal(hwi_ring_read(&bench.reader, r, CAPACITY), 4);
    expect(&r[0], HWI_MSG_request, HWI_ROLE_PEER, hwi_addr_of(HWI_ROLE_TRAINER, 0), false, 100,
           100);
    hwi_drain_destroy(drain);
    tear_down(&bench);
}

static void without_a_ring_the_clock_is_never_read(void **state)
{
    (void)state;
    struct world world = {0};
    struct hwi_drain *drain = start(&ticking, &world, NULL);
    post_request(drain, 1);
    assert_int_equal(drain_all(drain, 100), 2);
    assert_int_equal(world.clock, 0);
    hwi_drain_destroy(drain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_records_are_read_once),
        cmocka_unit_test(losses_are_counted_exactly),
        cmocka_unit_test(any_pace_of_both_adds_up),
        cmocka_unit_test(a_late_reader_begins_with_what_is_there),
        cmocka_unit_test(a_reader_on_another_thread_sees_only_whole_records),
        cmocka_unit_test(memory_that_is_not_a_ring_is_refused),
        cmocka_unit_test(numbers_that_lie_do_no_harm),
        cmocka_unit_test(records_say_what_the_message_said),
        cmocka_unit_test(all_that_is_flagged_is_kept),
        cmocka_unit_test(ticks_become_nanoseconds),
        cmocka_unit_test(the_drain_writes_what_is_heard_and_what_leaves),
        cmocka_unit_test(messages_of_a_failed_actor_are_kept),
        cmocka_unit_test(without_a_clock_ticks_are_the_events_time),
        cmocka_unit_test(without_a_ring_the_clock_is_never_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
