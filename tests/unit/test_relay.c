// SPDX-License-Identifier: MIT
// The relay by itself: what it sends, how fast, to how many, and what it lets pass.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "actors/wire/codec.h"
#include "transport/host/control.h"
#include "transport/host/relay.c"

enum { CAPACITY = 1 << 12, SENT_MAX = 4096 };

// The messages sent, in place of a control link.
static struct {
    struct hwi_addr to;
    uint64_t tool, first, next, begins;
    uint32_t records;
} sent[SENT_MAX];
static uint32_t sent_count, forwarded;

void hwi_control_send(struct hwi_control *control, struct hwi_addr to, const struct hwi_msg *msg)
{
    (void)control;
    assert_int_equal(msg->type, HWI_MSG_trace_batch);
    const struct hwi_msg_trace_batch *batch = &msg->u.trace_batch;
    assert_true(sent_count < SENT_MAX);
    sent[sent_count].to = to;
    sent[sent_count].tool = batch->tool;
    sent[sent_count].records = batch->records_count;
    sent[sent_count].first = batch->records_count ? batch->records[0].number : 0;
    sent[sent_count].begins = batch->first;
    sent[sent_count++].next = batch->next;
    unsigned char *bytes;
    size_t length;
    assert_int_equal(hwi_encode(msg, &bytes, &length), HWI_CODEC_OK);
    assert_true(length < 48 << 10);
    free(bytes);
}

void hwi_control_forward(struct hwi_control *control, struct hwi_addr to,
                         const unsigned char *bytes, size_t length)
{
    (void)control;
    (void)bytes;
    (void)length;
    assert_int_equal(to.role, HWI_ROLE_TOOL);
    forwarded++;
}

struct bench {
    struct hwi_control control;
    struct hwi_relay relay;
    struct hwi_ring *ring;
    void *memory;
    uint64_t now_ns;
};

static int setup(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    size_t bytes = hwi_ring_bytes(CAPACITY);
    bench->memory = aligned_alloc(64, bytes);
    memset(bench->memory, 0, bytes);
    bench->ring = hwi_ring_create(&hwi_alloc_libc, bench->memory, CAPACITY);
    bench->now_ns = HWI_NS_PER_S;
    hwi_relay_init(&bench->relay, &bench->control, bench->memory, bytes);
    sent_count = forwarded = 0;
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    hwi_relay_fini(&bench->relay);
    hwi_ring_destroy(bench->ring);
    free(bench->memory);
    free(bench);
    return 0;
}

static void say(struct bench *bench, uint32_t count)
{
    struct hwi_msg msg = {.type = HWI_MSG_pong};
    for (uint32_t i = 0; i < count; i++) {
        msg.u.pong.sent = i;
        hwi_ring_heard(bench->ring, HWI_ROLE_PEER, hwi_addr_of(HWI_ROLE_MASTER, 0), &msg,
                       bench->now_ns, bench->now_ns);
    }
}

static void ask(struct bench *bench, uint64_t tool, uint32_t history, uint32_t bytes_per_s)
{
    struct hwi_msg_trace_relay relay = {
        .tool = tool, .timeout_ms = 1000, .bytes_per_s = bytes_per_s, .history = history};
    hwi_relay_ask(&bench->relay, &relay, bench->now_ns);
}

// As the host's loop does it.
static void run_ms(struct bench *bench, uint64_t ms)
{
    uint64_t end_ns = bench->now_ns + ms * HWI_NS_PER_MS;
    for (; bench->now_ns < end_ns; bench->now_ns += HWI_NS_PER_MS) {
        if (bench->relay.next_ns <= bench->now_ns) {
            hwi_relay_turn(&bench->relay, bench->now_ns);
        }
    }
}

static uint64_t records_for(uint64_t tool)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < sent_count; i++) {
        count += sent[i].tool == tool ? sent[i].records : 0;
    }
    return count;
}

static void nobody_is_sent_anything_unasked(void **state)
{
    struct bench *bench = *state;
    say(bench, 100);
    run_ms(bench, 1000);
    assert_int_equal(sent_count, 0);
    assert_true(bench->relay.next_ns == HWI_NEVER);
}

static void history_and_news_come_whole_and_once(void **state)
{
    struct bench *bench = *state;
    say(bench, 1000);
    ask(bench, 7, 900, 8 << 20);
    run_ms(bench, 200);
    assert_int_equal(records_for(7), 900);
    assert_int_equal(sent[0].first, 101);
    assert_int_equal(sent[0].records, HWI_TRACE_BATCH_MAX);
    assert_int_equal(sent[0].to.role, HWI_ROLE_MASTER);
    ask(bench, 7, 900, 8 << 20); // continues; the history is not sent again
    say(bench, 50);
    run_ms(bench, 100);
    assert_int_equal(records_for(7), 950);
    assert_int_equal(sent[sent_count - 1].next, 1051);
    assert_int_equal(sent[0].begins, 101);
    assert_int_equal(sent[sent_count - 1].begins, 101); // says it again: batches may be dropped
}

static void it_ends_by_itself(void **state)
{
    struct bench *bench = *state;
    ask(bench, 7, 0, 8 << 20);
    for (uint32_t i = 0; i < 2000; i++) {
        say(bench, 1);
        run_ms(bench, 1);
    }
    assert_in_range(records_for(7), 900, 1000);
    assert_true(bench->relay.next_ns == HWI_NEVER);
}

static void a_silent_ring_says_that_it_lives(void **state)
{
    struct bench *bench = *state;
    ask(bench, 7, 0, 8 << 20);
    run_ms(bench, 900);
    assert_int_equal(sent_count, 2);
    assert_int_equal(records_for(7), 0);
}

static void the_rate_is_kept(void **state)
{
    struct bench *bench = *state;
    ask(bench, 7, UINT32_MAX, 10000);
    for (uint32_t i = 0; i < 900; i++) {
        say(bench, 100);
        run_ms(bench, 1);
    }
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < sent_count; i++) {
        bytes += bytes_of(sent[i].records);
    }
    assert_in_range(bytes, 9000, 10000 + bytes_of(HWI_TRACE_BATCH_MAX));
}

static void what_is_overwritten_shows_in_the_numbers(void **state)
{
    struct bench *bench = *state;
    ask(bench, 7, UINT32_MAX, 8 << 20);
    say(bench, 10);
    run_ms(bench, 100);
    say(bench, 2 * CAPACITY);
    run_ms(bench, 300);
    assert_int_equal(records_for(7), 10 + CAPACITY);
    uint64_t told = 0, gap = 0, expected = 1;
    for (uint32_t i = 0; i < sent_count; i++) {
        gap += sent[i].records ? sent[i].first - expected : 0;
        told += sent[i].records;
        expected = sent[i].records ? sent[i].first + sent[i].records : expected;
    }
    assert_int_equal(told + gap, 10 + 2 * CAPACITY);
}

static void tools_are_few_and_served_in_turn(void **state)
{
    struct bench *bench = *state;
    say(bench, 4000);
    for (uint64_t tool = 1; tool <= 6; tool++) {
        ask(bench, tool, UINT32_MAX, 8 << 20);
    }
    ask(bench, 0, UINT32_MAX, 8 << 20); // nobody
    assert_int_equal(bench->relay.dropped, 3);
    run_ms(bench, 330); // 17 turns
    assert_in_range(sent_count, 16, 17);
    for (uint64_t tool = 1; tool <= HWI_TRACE_TOOLS_MAX; tool++) {
        assert_in_range(records_for(tool), 4 * HWI_TRACE_BATCH_MAX, 5 * HWI_TRACE_BATCH_MAX);
    }
    assert_int_equal(records_for(5) + records_for(6), 0);
}

static bool admit(struct bench *bench, uint64_t tool)
{
    struct hwi_msg_trace_want want = {.timeout_ms = 1000, .bytes_per_s = 100000};
    return hwi_relay_admit(&bench->relay, tool, &want, bench->now_ns);
}

static void questions_are_heard_now_and_then(void **state)
{
    struct bench *bench = *state;
    assert_true(admit(bench, 1));
    assert_false(admit(bench, 1));
    bench->now_ns += 250 * HWI_NS_PER_MS;
    assert_true(admit(bench, 1));
    for (uint64_t tool = 2; tool <= HWI_TRACE_TOOLS_MAX; tool++) {
        assert_true(admit(bench, tool));
    }
    assert_false(admit(bench, 9));
    bench->now_ns += 2 * HWI_NS_PER_S; // the others ask no more
    assert_true(admit(bench, 9));
}

static bool leave(struct bench *bench, uint64_t tool)
{
    struct hwi_msg_trace_want want = {.timeout_ms = 0};
    return hwi_relay_admit(&bench->relay, tool, &want, bench->now_ns);
}

static void who_leaves_makes_room(void **state)
{
    struct bench *bench = *state;
    for (uint64_t tool = 1; tool <= HWI_TRACE_TOOLS_MAX; tool++) {
        assert_true(admit(bench, tool));
    }
    assert_false(leave(bench, 9)); // never was there
    assert_true(leave(bench, 2));
    assert_false(leave(bench, 2)); // once
    assert_false(admit(bench, 9)); // so often at most, whoever it is
    bench->now_ns += 250 * HWI_NS_PER_MS;
    assert_true(admit(bench, 9));
    assert_false(admit(bench, 10));
    // And the members' relays let go as well.
    say(bench, 4000);
    ask(bench, 9, UINT32_MAX, 8 << 20);
    run_ms(bench, 50);
    uint64_t told = records_for(9);
    assert_true(told > 0);
    struct hwi_msg_trace_relay enough = {.tool = 9};
    hwi_relay_ask(&bench->relay, &enough, bench->now_ns);
    run_ms(bench, 700);
    assert_int_equal(records_for(9), told);
}

static bool pass(struct bench *bench, uint64_t tool, uint64_t session, uint64_t says_it_is)
{
    static const unsigned char bytes[1000];
    struct hwi_msg_trace_batch batch = {.tool = tool, .incarnation = says_it_is};
    return hwi_relay_pass(&bench->relay, session, &batch, bytes, sizeof bytes, bench->now_ns);
}

static void only_what_was_asked_for_passes(void **state)
{
    struct bench *bench = *state;
    assert_false(pass(bench, 1, 50, 50));
    assert_true(admit(bench, 1));
    assert_true(pass(bench, 1, 50, 50));
    assert_false(pass(bench, 1, 50, 51)); // says that it is another one
    assert_false(pass(bench, 2, 50, 50));
    assert_false(pass(bench, 0, 50, 50));
    uint32_t passed = 1;
    for (uint32_t i = 0; i < 1000; i++) {
        passed += pass(bench, 1, 50, 50);
    }
    assert_in_range(passed, 100, 102); // a second's bytes at once
    assert_int_equal(forwarded, passed);
    bench->now_ns += 1100 * HWI_NS_PER_MS;
    assert_false(pass(bench, 1, 50, 50)); // it asks no more
}

static void without_a_ring_it_is_silent(void **state)
{
    struct bench *bench = *state;
    struct hwi_relay relay;
    hwi_relay_init(&relay, &bench->control, NULL, 0);
    struct hwi_msg_trace_relay asked = {.tool = 7, .timeout_ms = 1000, .bytes_per_s = 1000};
    hwi_relay_ask(&relay, &asked, bench->now_ns);
    assert_int_equal(relay.dropped, 1);
    assert_true(relay.next_ns == HWI_NEVER);
    hwi_relay_fini(&relay);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nobody_is_sent_anything_unasked),
        TEST(history_and_news_come_whole_and_once),
        TEST(it_ends_by_itself),
        TEST(a_silent_ring_says_that_it_lives),
        TEST(the_rate_is_kept),
        TEST(what_is_overwritten_shows_in_the_numbers),
        TEST(tools_are_few_and_served_in_turn),
        TEST(questions_are_heard_now_and_then),
        TEST(who_leaves_makes_room),
        TEST(only_what_was_asked_for_passes),
        TEST(without_a_ring_it_is_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
