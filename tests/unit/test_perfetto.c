// SPDX-License-Identifier: MIT
// Pictures of made-up processes: clocks of two machines, messages that look alike, calls without
// end.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "tools/hawser/picture/perfetto.h"

enum { MASTER, FIRST, SECOND, PROCESSES };

// Process SECOND is on another machine: its monotonic clock is ahead by SHIFT_NS, and its time of
// day is wrong by WRONG_NS on top.
#define SHIFT_NS INT64_C(7000000000000)
#define WRONG_NS INT64_C(40000000)
#define REALTIME_NS UINT64_C(1700000000000000000)
#define US 1000

static const uint64_t sessions[PROCESSES] = {0, 0xa1, 0xb2};

struct drawing {
    struct perfetto *picture;
    uint64_t numbers[PROCESSES];
    char path[64];
};

static void set_up(struct drawing *drawing)
{
    static const char *const names[PROCESSES] = {"master", "member", "member"};
    memset(drawing, 0, sizeof *drawing);
    drawing->picture = perfetto_create();
    assert_non_null(drawing->picture);
    for (uint32_t i = 0; i < PROCESSES; i++) {
        struct hwi_ring_owner owner = {.pid = 100 + i, .incarnation = sessions[i], .peer = i};
        uint64_t zero = REALTIME_NS;
        snprintf(owner.name, sizeof owner.name, "%s", names[i]);
        if (i == SECOND) {
            zero = (uint64_t)((int64_t)zero - SHIFT_NS + WRONG_NS);
        }
        assert_true(perfetto_process(drawing->picture, i, &owner, zero));
    }
    snprintf(drawing->path, sizeof drawing->path, "/tmp/hawser-test-perfetto-%ld.json",
             (long)getpid());
}

// `true_ns`: by the clock of the first machine.
static void add(struct drawing *drawing, uint32_t process, bool sent, uint8_t actor,
                struct hwi_addr other, const struct hwi_msg *msg, int64_t true_ns)
{
    struct hwi_ring_record record;
    uint64_t ns = (uint64_t)(true_ns + (process == SECOND ? SHIFT_NS : 0));
    hwi_ring_record_of(actor, sent, other, msg, ns, ns, &record);
    record.number = ++drawing->numbers[process];
    perfetto_add(drawing->picture, process, &record);
}

static struct hwi_msg done_of(uint32_t count)
{
    return (struct hwi_msg){
        .type = HWI_MSG_done,
        .u.done = {.view = 1, .kind = HWI_KIND_AGREE, .tag = 3, .count = count}};
}

static void send_done(struct drawing *drawing, uint32_t from, uint32_t count, int64_t said_ns,
                      int64_t heard_ns)
{
    struct hwi_msg msg = done_of(count);
    add(drawing, from, true, HWI_ROLE_PEER, hwi_addr_of(HWI_ROLE_MASTER, 0), &msg, said_ns);
    add(drawing, MASTER, false, HWI_ROLE_MASTER, hwi_addr_of(HWI_ROLE_PEER, sessions[from]), &msg,
        heard_ns);
}

static void send_commit(struct drawing *drawing, uint32_t to, uint32_t count, int64_t said_ns,
                        int64_t heard_ns)
{
    struct hwi_msg msg = {
        .type = HWI_MSG_commit,
        .u.commit = {.view = 1, .kind = HWI_KIND_AGREE, .tag = 3, .count = count}};
    add(drawing, MASTER, true, HWI_ROLE_MASTER, hwi_addr_of(HWI_ROLE_PEER, sessions[to]), &msg,
        said_ns);
    add(drawing, to, false, HWI_ROLE_PEER, hwi_addr_of(HWI_ROLE_MASTER, 0), &msg, heard_ns);
}

// Returns the events, owned; the picture is gone then.
static json_t *draw(struct drawing *drawing)
{
    char error[PERFETTO_ERROR_BYTES];
    json_error_t wrong;
    if (perfetto_write(drawing->picture, drawing->path, error) != 0) {
        fail_msg("%s", error);
    }
    perfetto_destroy(drawing->picture);
    json_t *all = json_load_file(drawing->path, 0, &wrong);
    unlink(drawing->path);
    if (all == NULL) {
        fail_msg("%s at line %d", wrong.text, wrong.line);
    }
    json_t *events = json_incref(json_object_get(all, "traceEvents"));
    json_decref(all);
    assert_true(json_is_array(events));
    return events;
}

static const char *text_of(json_t *event, const char *name)
{
    const char *text = json_string_value(json_object_get(event, name));
    return text != NULL ? text : "";
}

static double time_of(json_t *event)
{
    return json_number_value(json_object_get(event, "ts"));
}

// The n-th event of this phase and name, or NULL.
static json_t *find(json_t *events, const char *phase, const char *name, uint32_t n)
{
    size_t index;
    json_t *event;
    json_array_foreach(events, index, event)
    {
        if (strcmp(text_of(event, "ph"), phase) == 0 && strcmp(text_of(event, "name"), name) == 0 &&
            n-- == 0) {
            return event;
        }
    }
    return NULL;
}

static uint32_t count_of(json_t *events, const char *phase, const char *name)
{
    uint32_t count = 0;
    while (find(events, phase, name, count) != NULL) {
        count++;
    }
    return count;
}

// How long the n-th arrow of this name takes, in microseconds.
static double flight_of(json_t *events, const char *name, uint32_t n)
{
    json_t *start = find(events, "s", name, n), *end;
    assert_non_null(start);
    for (uint32_t i = 0; (end = find(events, "f", name, i)) != NULL; i++) {
        if (json_integer_value(json_object_get(end, "id")) ==
            json_integer_value(json_object_get(start, "id"))) {
            return time_of(end) - time_of(start);
        }
    }
    fail_msg("no end");
    return 0;
}

static void assert_near(double value, double wanted)
{
    if (value < wanted - 0.01 || value > wanted + 0.01) {
        fail_msg("%f instead of %f", value, wanted);
    }
}

static void clocks_of_two_machines_are_related_by_the_quickest_messages(void **state)
{
    (void)state;
    struct drawing drawing;
    set_up(&drawing);
    for (uint32_t i = 1; i <= 20; i++) {
        int64_t start_ns = INT64_C(1000000000) + i * 1000 * US;
        int64_t slow_ns = i == 7 ? 0 : i * 11 * US; // the seventh is the quickest, both ways
        send_done(&drawing, FIRST, i, start_ns, start_ns + 50 * US);
        send_done(&drawing, SECOND, i, start_ns, start_ns + 200 * US + slow_ns);
        send_commit(&drawing, SECOND, i, start_ns + 500 * US, start_ns + 700 * US + slow_ns);
    }
    json_t *events = draw(&drawing);
    assert_int_equal(count_of(events, "s", "done"), 40);
    assert_int_equal(count_of(events, "s", "commit"), 20);
    for (uint32_t i = 0; i < 20; i++) {
        assert_near(flight_of(events, "commit", i), i == 6 ? 200 : 200 + (i + 1) * 11);
    }
    for (uint32_t i = 0; i < 20; i++) {
        assert_near(flight_of(events, "done", i), 50); // processes are drawn in their order
    }
    assert_near(flight_of(events, "done", 20 + 6), 200);
    json_decref(events);
}

static void one_direction_alone_leaves_the_time_of_day(void **state)
{
    (void)state;
    struct drawing drawing;
    set_up(&drawing);
    send_commit(&drawing, SECOND, 1, 1000 * US, 1300 * US);
    json_t *events = draw(&drawing);
    assert_near(flight_of(events, "commit", 0), 300 + (double)WRONG_NS / US);
    json_decref(events);
}

static void messages_that_look_alike_are_paired_in_order(void **state)
{
    (void)state;
    struct drawing drawing;
    struct hwi_msg lost = done_of(5);
    set_up(&drawing);
    // Heard, but said before the ring begins; then two that were said and heard; one on its way.
    add(&drawing, MASTER, false, HWI_ROLE_MASTER, hwi_addr_of(HWI_ROLE_PEER, sessions[FIRST]),
        &lost, 1000 * US);
    send_done(&drawing, FIRST, 5, 2000 * US, 2100 * US);
    send_done(&drawing, FIRST, 5, 3000 * US, 3200 * US);
    add(&drawing, FIRST, true, HWI_ROLE_PEER, hwi_addr_of(HWI_ROLE_MASTER, 0), &lost, 4000 * US);
    json_t *events = draw(&drawing);
    assert_int_equal(count_of(events, "s", "done"), 2);
    assert_near(flight_of(events, "done", 0), 100);
    assert_near(flight_of(events, "done", 1), 200);
    assert_int_equal(count_of(events, "i", "done"), 1);
    json_decref(events);
}

static void calls_are_spans_also_those_without_an_answer(void **state)
{
    (void)state;
    struct drawing drawing;
    struct hwi_op op = {.view = 1, .kind = HWI_KIND_ALL_REDUCE, .tag = 7, .seq = 2};
    struct hwi_addr trainer = hwi_addr_of(HWI_ROLE_TRAINER, 0),
                    peer = hwi_addr_of(HWI_ROLE_PEER, 0);
    struct hwi_msg request = {.type = HWI_MSG_request,
                              .u.request = {.request = 4, .kind = HWI_KIND_ALL_REDUCE, .tag = 7}};
    struct hwi_msg memory = {.type = HWI_MSG_op_memory, .u.op_memory = {.op = op, .request = 4}};
    struct hwi_msg end = {.type = HWI_MSG_op_end, .u.op_end = {.op = op, .committed = 1}};
    struct hwi_msg reply = {.type = HWI_MSG_reply, .u.reply = {.request = 4}};
    set_up(&drawing);
    add(&drawing, FIRST, false, HWI_ROLE_PEER, trainer, &request, 1000 * US);
    add(&drawing, FIRST, true, HWI_ROLE_REDUCER, hwi_addr_of(HWI_ROLE_DATA, 0), &memory, 1001 * US);
    add(&drawing, FIRST, false, HWI_ROLE_REDUCER, peer, &end, 1040 * US);
    add(&drawing, FIRST, true, HWI_ROLE_PEER, trainer, &reply, 1050 * US);
    request.u.request.request = 5;
    add(&drawing, FIRST, false, HWI_ROLE_PEER, trainer, &request, 1060 * US);
    reply.u.reply.request = 3; // called before the ring begins
    add(&drawing, FIRST, true, HWI_ROLE_PEER, trainer, &reply, 1070 * US);
    json_t *events = draw(&drawing);
    assert_int_equal(count_of(events, "b", "all_reduce/7"), 2);
    assert_int_equal(count_of(events, "e", "all_reduce/7"), 2);
    json_t *begin = find(events, "b", "all_reduce/7", 0);
    assert_string_equal(text_of(json_object_get(begin, "args"), "what"),
                        "all_reduce/7#2@v1, request 4, status 0");
    assert_near(time_of(find(events, "n", "committed", 0)) - time_of(begin), 40);
    assert_near(time_of(find(events, "e", "all_reduce/7", 0)) - time_of(begin), 50);
    begin = find(events, "b", "all_reduce/7", 1);
    assert_string_equal(text_of(json_object_get(begin, "args"), "what"), "request 5, not answered");
    assert_near(time_of(find(events, "e", "all_reduce/7", 1)) - time_of(begin), 10);
    json_decref(events);
}

static void a_chunk_belongs_to_the_send_that_covers_it(void **state)
{
    (void)state;
    struct drawing drawing;
    struct hwi_op op = {.view = 1, .kind = HWI_KIND_ALL_REDUCE, .tag = 7, .seq = 2};
    struct hwi_addr data = hwi_addr_of(HWI_ROLE_DATA, 0);
    set_up(&drawing);
    for (uint32_t i = 0; i < 2; i++) {
        struct hwi_msg send = {.type = HWI_MSG_send,
                               .u.send = {.op = op, .to = FIRST, .first = 8 * i, .chunks = 4}};
        add(&drawing, SECOND, true, HWI_ROLE_REDUCER, data, &send, (1000 + 100 * i) * US);
    }
    for (uint32_t i = 0; i < 2; i++) {
        struct hwi_msg chunk = {.type = HWI_MSG_chunk,
                                .u.chunk = {.op = op, .from = SECOND, .chunk = 8 * i + 3}};
        add(&drawing, FIRST, false, HWI_ROLE_REDUCER, data, &chunk, (101000 + 500 * i) * US);
    }
    json_t *events = draw(&drawing);
    assert_int_equal(count_of(events, "b", "data to member 1"), 2);
    for (uint32_t i = 0; i < 2; i++) {
        assert_near(time_of(find(events, "e", "data to member 1", i)) -
                        time_of(find(events, "b", "data to member 1", i)),
                    100000 + 400 * i - (double)WRONG_NS / US);
    }
    json_decref(events);
}

// A step is as long as is known: until the next one, if that had waited; else it has no length. On
// no track do slices overlap.
static void slices_have_their_length_or_none(void **state)
{
    (void)state;
    struct drawing drawing;
    struct hwi_ring_record record;
    struct hwi_msg msg = done_of(1);
    static const int64_t arrived[] = {100, 100, 110, 500, 900},
                         handled[] = {100, 130, 170, 500, 905}, lengths[] = {30, 40, 0, 0, 0};
    set_up(&drawing);
    for (uint32_t i = 0; i < HWI_COUNT(handled); i++) {
        hwi_ring_record_of(i % 2 ? HWI_ROLE_PEER : HWI_ROLE_REDUCER, false,
                           hwi_addr_of(HWI_ROLE_MASTER, 0), &msg, (uint64_t)arrived[i] * US,
                           (uint64_t)handled[i] * US, &record);
        record.number = ++drawing.numbers[FIRST];
        perfetto_add(drawing.picture, FIRST, &record);
    }
    json_t *events = draw(&drawing);
    double last = 0;
    for (uint32_t i = 0; i < HWI_COUNT(lengths); i++) {
        json_t *slice = find(events, "X", "done", i);
        assert_non_null(slice);
        assert_near(json_number_value(json_object_get(slice, "dur")), (double)lengths[i]);
        assert_true(time_of(slice) >= last);
        last = time_of(slice) + (double)lengths[i];
    }
    assert_null(find(events, "X", "done", HWI_COUNT(lengths)));
    json_decref(events);
}

// A picture of too many messages shows the newest, is whole, and says how many it lacks.
static void a_file_is_bounded(void **state)
{
    (void)state;
    enum { MESSAGES = 3000, BYTES = 200000 };
    struct drawing drawing;
    char error[PERFETTO_ERROR_BYTES];
    set_up(&drawing);
    perfetto_limit(drawing.picture, BYTES);
    for (uint32_t i = 1; i <= MESSAGES; i++) {
        send_done(&drawing, FIRST, i, i * 1000 * US, i * 1000 * US + 50 * US);
    }
    assert_int_equal(perfetto_write(drawing.picture, drawing.path, error), 0);
    uint64_t left_out = perfetto_left_out(drawing.picture);
    perfetto_destroy(drawing.picture);
    json_t *all = json_load_file(drawing.path, 0, NULL);
    FILE *file = fopen(drawing.path, "r");
    assert_non_null(all);
    fseek(file, 0, SEEK_END);
    assert_in_range(ftell(file), BYTES / 3, BYTES);
    fclose(file);
    unlink(drawing.path);
    json_t *events = json_object_get(all, "traceEvents");
    uint32_t slices = count_of(events, "X", "done"), marks = count_of(events, "i", "done");
    assert_int_equal(slices + marks + left_out, 2 * MESSAGES);
    assert_int_equal(count_of(events, "s", "done"), count_of(events, "f", "done"));
    double newest = 0;
    for (uint32_t i = 0; i < slices; i++) {
        newest = HWI_MAX(newest, time_of(find(events, "X", "done", i)));
    }
    assert_true(newest > 0 && slices > 100);
    bool has_last = false;
    for (uint32_t i = 0; i < slices; i++) {
        json_t *arguments = json_object_get(find(events, "X", "done", i), "args");
        has_last |= strstr(text_of(arguments, "message"), "count=3000") != NULL;
    }
    assert_true(has_last);
    json_decref(all);
}

static void an_empty_picture_is_one_too_and_a_bad_path_is_said(void **state)
{
    (void)state;
    struct drawing drawing;
    char error[PERFETTO_ERROR_BYTES] = "";
    set_up(&drawing);
    json_decref(draw(&drawing));
    set_up(&drawing);
    assert_int_equal(perfetto_write(drawing.picture, "/nowhere/at/all", error), -1);
    assert_non_null(strstr(error, "/nowhere/at/all"));
    perfetto_destroy(drawing.picture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks_of_two_machines_are_related_by_the_quickest_messages),
        cmocka_unit_test(one_direction_alone_leaves_the_time_of_day),
        cmocka_unit_test(messages_that_look_alike_are_paired_in_order),
        cmocka_unit_test(calls_are_spans_also_those_without_an_answer),
        cmocka_unit_test(a_chunk_belongs_to_the_send_that_covers_it),
        cmocka_unit_test(slices_have_their_length_or_none),
        cmocka_unit_test(a_file_is_bounded),
        cmocka_unit_test(an_empty_picture_is_one_too_and_a_bad_path_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
