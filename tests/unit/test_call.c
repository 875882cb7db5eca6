// SPDX-License-Identifier: MIT
// The pure half of the API beyond single operations: what a communicator's calls have in common,
// and batches, driven by hand.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/call/batch.h"
#include "runtime/call/option.h"

enum { OPS = 4 };
#define DEADLINE_NS (HWI_NS_PER_S)

static float memory[OPS][8];
static struct hwi_error error;

// ---- callers

static void test_a_call_gets_its_number_and_deadline(void **state)
{
    (void)state;
    struct hwi_caller caller = {.last_request = 1, .collected = 3, .timeout_ms = 700};
    struct hwi_call call = hwi_call_of(HWI_KIND_ADMIT), close = hwi_call_of(HWI_KIND_CLOSE);
    hwi_caller_name(&caller, &call, true);
    assert_int_equal(call.request.request, 2);
    assert_int_equal(call.request.collected, 3);
    assert_int_equal(call.request.async, 1);
    assert_int_equal(call.request.timeout_ns, 700 * HWI_NS_PER_MS);
    hwi_caller_name(&caller, &close, false);
    assert_int_equal(close.request.request, 3);
    assert_int_equal(close.request.timeout_ns, HWI_CLOSE_MS * HWI_NS_PER_MS);
}

static void test_only_failures_that_have_a_handle_are_counted(void **state)
{
    (void)state;
    struct hwi_caller caller = {.in_flight = 3};
    struct hwi_msg_reply lost = {.status = HWS_E_BUSY, .pending = 9};
    hwi_caller_collect(&caller, &lost, true);
    hwi_caller_collect(&caller, &lost, false);
    assert_int_equal(caller.collected, 1);
    assert_int_equal(caller.pending, 0);
    hwi_caller_collect(&caller, &(struct hwi_msg_reply){.pending = 2}, true);
    assert_int_equal(caller.collected, 1);
    assert_int_equal(caller.pending, 2);
    assert_int_equal(caller.in_flight, 0);
}

static void test_a_full_caller_has_room_for_view_and_close(void **state)
{
    (void)state;
    struct hwi_caller caller = {.in_flight = HWI_OPS_MAX};
    struct hwi_call admit = hwi_call_of(HWI_KIND_ADMIT), view = hwi_call_of(HWI_KIND_NONE);
    assert_int_equal(hwi_caller_check(&caller, &admit, &error), HWS_E_LIMIT);
    assert_non_null(strstr(error.sentence, "256 operations are in flight"));
    assert_int_equal(hwi_caller_check(&caller, &view, &error), HWS_OK);
    caller.in_flight = HWI_CALLS_MAX;
    assert_int_equal(hwi_caller_check(&caller, &view, &error), HWS_E_LIMIT);
}

// ---- numbers

static void test_a_number_is_digits_only(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",   "-1", "+1",         " 1",
                                        "1 ", "1x", "4294967296", "18446744073709551617"};
    uint32_t number = 5;
    for (size_t i = 0; i < HWI_COUNT(wrong); i++) {
        assert_false(hwi_option_number(wrong[i], &number));
        assert_int_equal(number, 5);
    }
    assert_true(hwi_option_number("4294967295", &number));
    assert_int_equal(number, UINT32_MAX);
    assert_true(hwi_option_number("007", &number));
    assert_int_equal(number, 7);
}

// ---- batches

struct scene {
    hws_op ops[OPS];
    hws_status statuses[OPS];
    hws_result results[OPS];
    struct hwi_caller caller;
    struct hwi_batch batch;
    struct hwi_call call; // the last one to be started
};

static void begin(struct scene *scene, uint32_t window)
{
    memset(scene, 0, sizeof *scene);
    for (int i = 0; i < OPS; i++) {
        scene->ops[i] = (hws_op)HWS_OP_INIT;
        scene->ops[i].what = HWS_ALL_REDUCE;
        scene->ops[i].input = scene->ops[i].output = memory[i];
        scene->ops[i].count = 8;
        scene->ops[i].dtype = HWS_F32;
        scene->ops[i].redop = HWS_SUM;
        scene->results[i] = (hws_result)HWS_RESULT_INIT;
        scene->statuses[i] = HWS_E_PENDING;
    }
    scene->caller = (struct hwi_caller){.self = 1, .timeout_ms = 1000};
    scene->batch = (struct hwi_batch){.ops = scene->ops,
                                      .count = OPS,
                                      .window = window,
                                      .statuses = scene->statuses,
                                      .results = scene->results};
}

static void begin_well(struct scene *scene, uint32_t window)
{
    begin(scene, window);
    assert_int_equal(hwi_batch_begin(&scene->batch, &scene->caller, 0, 0, &error), HWS_OK);
}

static void expect(struct scene *scene, uint64_t now_ns, enum hwi_batch_step step)
{
    assert_int_equal(hwi_batch_next(&scene->batch, now_ns, &scene->call), step);
}

static void start(struct scene *scene, uint64_t now_ns, size_t place)
{
    expect(scene, now_ns, HWI_BATCH_START);
    assert_ptr_equal(scene->call.output, memory[place]);
    assert_int_equal(hwi_batch_started(&scene->batch), place);
}

static void finish(struct scene *scene, size_t place, hws_status status)
{
    struct hwi_error outcome = {.status = status, .sentence = "so it was"};
    hwi_batch_ended(&scene->batch, place, 10 + (uint32_t)place, &outcome);
}

static void test_a_window_moves_as_operations_end(void **state)
{
    (void)state;
    struct scene scene;
    begin_well(&scene, 2);
    start(&scene, 0, 0);
    assert_int_equal(scene.call.request.retry, 1);
    assert_int_equal(scene.call.request.timeout_ns, DEADLINE_NS);
    start(&scene, DEADLINE_NS / 4, 1);
    assert_int_equal(scene.call.request.timeout_ns, DEADLINE_NS / 4 * 3);
    expect(&scene, 0, HWI_BATCH_WAIT);
    finish(&scene, 1, HWS_OK);
    start(&scene, 0, 2);
    finish(&scene, 0, HWS_OK);
    start(&scene, 0, 3);
    finish(&scene, 3, HWS_OK);
    expect(&scene, 0, HWI_BATCH_WAIT);
    finish(&scene, 2, HWS_OK);
    expect(&scene, 0, HWI_BATCH_OVER);
    assert_int_equal(hwi_batch_conclude(&scene.batch, &error), HWS_OK);
    assert_int_equal(scene.batch.pending, 13); // the last in the array, not the last that ended
    for (int i = 0; i < OPS; i++) {
        assert_int_equal(scene.statuses[i], HWS_OK);
    }
}

static void test_the_first_failure_ends_it(void **state)
{
    (void)state;
    struct scene scene;
    begin_well(&scene, 2);
    start(&scene, 0, 0);
    start(&scene, 0, 1);
    finish(&scene, 1, HWS_E_MISMATCH);
    expect(&scene, 0, HWI_BATCH_WAIT);
    finish(&scene, 0, HWS_E_CANCELLED);
    expect(&scene, 0, HWI_BATCH_OVER);
    assert_int_equal(hwi_batch_conclude(&scene.batch, &error), HWS_E_MISMATCH);
    assert_string_equal(error.sentence, "operation 2 of 4: so it was");
    assert_int_equal(scene.statuses[0], HWS_E_CANCELLED);
    assert_int_equal(scene.statuses[1], HWS_E_MISMATCH);
    assert_int_equal(scene.statuses[2], HWS_E_CANCELLED);
    assert_int_equal(scene.results[3].status, HWS_E_CANCELLED);
}

static void test_without_room_it_waits_for_its_own(void **state)
{
    (void)state;
    struct scene scene;
    struct hwi_error full = {.status = HWS_E_LIMIT, .sentence = "full"};
    begin_well(&scene, OPS);
    start(&scene, 0, 0);
    expect(&scene, 0, HWI_BATCH_START);
    hwi_batch_refused(&scene.batch, &full);
    expect(&scene, 0, HWI_BATCH_WAIT);
    finish(&scene, 0, HWS_OK);
    expect(&scene, 0, HWI_BATCH_START);
    hwi_batch_refused(&scene.batch, &full); // none of its own is in flight: nothing to wait for
    expect(&scene, 0, HWI_BATCH_OVER);
    assert_int_equal(hwi_batch_conclude(&scene.batch, &error), HWS_E_LIMIT);
    assert_int_equal(scene.statuses[1], HWS_E_LIMIT);
}

static void test_nothing_starts_after_the_deadline(void **state)
{
    (void)state;
    struct scene scene;
    begin_well(&scene, 1);
    start(&scene, 0, 0);
    finish(&scene, 0, HWS_OK);
    expect(&scene, DEADLINE_NS, HWI_BATCH_OVER);
    assert_int_equal(hwi_batch_conclude(&scene.batch, &error), HWS_E_TIMEOUT);
    assert_int_equal(scene.statuses[0], HWS_OK);
    assert_int_equal(scene.statuses[1], HWS_E_TIMEOUT);
    assert_int_equal(scene.statuses[3], HWS_E_TIMEOUT);
}

static void test_all_are_judged_before_the_first_starts(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, 2);
    scene.ops[2].count = 0;
    assert_int_equal(hwi_batch_begin(&scene.batch, &scene.caller, 0, 0, &error), HWS_E_INVALID);
    assert_non_null(strstr(error.sentence, "ops[2]: count is 0"));
    assert_int_equal(scene.statuses[0], HWS_E_CANCELLED);
    assert_int_equal(scene.statuses[2], HWS_E_INVALID);
    begin(&scene, 2);
    scene.ops[3].what = HWS_BROADCAST;
    scene.ops[3].root.value = 1;
    scene.ops[3].input = NULL;
    assert_int_equal(hwi_batch_begin(&scene.batch, &scene.caller, 0, 0, &error), HWS_E_INVALID);
    assert_non_null(strstr(error.sentence, "this member is the root"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_call_gets_its_number_and_deadline),
        cmocka_unit_test(test_only_failures_that_have_a_handle_are_counted),
        cmocka_unit_test(test_a_full_caller_has_room_for_view_and_close),
        cmocka_unit_test(test_a_number_is_digits_only),
        cmocka_unit_test(test_a_window_moves_as_operations_end),
        cmocka_unit_test(test_the_first_failure_ends_it),
        cmocka_unit_test(test_without_room_it_waits_for_its_own),
        cmocka_unit_test(test_nothing_starts_after_the_deadline),
        cmocka_unit_test(test_all_are_judged_before_the_first_starts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
