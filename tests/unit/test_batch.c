// SPDX-License-Identifier: MIT
// hws_batch against a host that the test plays: what is started when, and what is reported of
// each operation.
#include "tests/unit/played_host.h"

enum { OPS = 20 };

static hws_op ops[OPS];
static hws_status statuses[OPS];
static hws_result results[OPS];
static float outputs[OPS][4];

// Operation i is on tag i + 1.
static void prepare(void)
{
    const hws_op op = HWS_OP_INIT;
    const hws_result result = HWS_RESULT_INIT;
    for (size_t i = 0; i < OPS; i++) {
        ops[i] = op;
        ops[i].what = HWS_ALL_REDUCE;
        ops[i].input = ops[i].output = outputs[i];
        ops[i].count = 4;
        ops[i].dtype = HWS_F32;
        ops[i].redop = HWS_SUM;
        ops[i].options.tag = i + 1;
        statuses[i] = HWS_E_SYSTEM;
        results[i] = result;
    }
}

static int open_and_prepare(void **state)
{
    prepare();
    return open_comm(state);
}

static hws_status batch(size_t count, uint32_t window)
{
    return hws_batch(comm, ops, count, window, 0, statuses, results);
}

static uint32_t submissions(void)
{
    pthread_mutex_lock(&scene.host->mutex);
    uint32_t count = scene.host->submitted;
    pthread_mutex_unlock(&scene.host->mutex);
    return count;
}

static void assert_said(const char *words)
{
    if (strstr(hws_last_error(), words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", hws_last_error(), words);
    }
}

static void test_each_operation_is_told(void **state)
{
    (void)state;
    scene.tags_told = true;
    assert_int_equal(batch(OPS, 3), HWS_OK);
    for (size_t i = 0; i < OPS; i++) {
        assert_int_equal(statuses[i], HWS_OK);
        assert_int_equal(results[i].status, HWS_OK);
        assert_int_equal(results[i].view.value, i + 1);
    }
    assert_int_equal(scene.request.retry, 1);
    assert_true(scene.request.timeout_ns <= 2000 * HWI_NS_PER_MS); // what is left of the deadline
    assert_int_equal(hws_batch(comm, ops, OPS, 3, 0, NULL, NULL), HWS_OK);
}

static void test_the_window_is_kept_and_used(void **state)
{
    (void)state;
    scene.gather = 5;
    scene.gather_until = OPS - 5;
    assert_int_equal(batch(OPS, 5), HWS_OK);
    assert_int_equal(scene.most, 5);
}

static void test_newcomers_are_those_of_the_last_operation(void **state)
{
    (void)state;
    uint32_t pending = 0;
    scene.tags_told = true;
    hws_op last = ops[OPS - 1];
    ops[OPS - 1] = ops[3]; // whatever ended last
    ops[3] = last;
    assert_int_equal(batch(OPS, OPS), HWS_OK);
    assert_int_equal(hws_pending(comm, &pending), HWS_OK);
    assert_int_equal(pending, 4);
}

static void test_after_a_failure_nothing_is_started(void **state)
{
    (void)state;
    scene.bad_tag = 7;
    scene.bad_status = HWS_E_MISMATCH;
    assert_int_equal(batch(OPS, 1), HWS_E_MISMATCH);
    assert_said("operation 7 of 20: ");
    for (size_t i = 0; i < OPS; i++) {
        hws_status expected = i < 6 ? HWS_OK : i == 6 ? HWS_E_MISMATCH : HWS_E_CANCELLED;
        assert_int_equal(statuses[i], expected);
        assert_int_equal(results[i].status, expected);
    }
    assert_int_equal(submissions(), 1 + 7); // the opening, and those
}

static void test_what_finds_no_time_says_so(void **state)
{
    (void)state;
    scene.bad_tag = 2;
    scene.bad_status = HWS_E_TIMEOUT;
    assert_int_equal(batch(OPS, 1), HWS_E_TIMEOUT);
    assert_int_equal(statuses[0], HWS_OK);
    assert_int_equal(statuses[1], HWS_E_TIMEOUT);
    assert_int_equal(statuses[OPS - 1], HWS_E_TIMEOUT);
}

static void test_bad_operations_are_found_before_any_is_started(void **state)
{
    (void)state;
    ops[17].count = 0;
    assert_int_equal(batch(OPS, 4), HWS_E_INVALID);
    assert_said("hws_batch: ops[17]: count is 0");
    assert_int_equal(statuses[17], HWS_E_INVALID);
    assert_int_equal(results[17].status, HWS_E_INVALID);
    assert_int_equal(statuses[0], HWS_E_CANCELLED);
    assert_int_equal(statuses[18], HWS_E_CANCELLED);
    assert_int_equal(submissions(), 1);
}

static void test_a_root_without_input_is_found_before_any_is_started(void **state)
{
    (void)state;
    ops[3].what = HWS_BROADCAST;
    ops[3].input = NULL;
    ops[3].root.value = 8; // another member
    assert_int_equal(batch(5, 1), HWS_OK);
    ops[3].root.value = 7;
    uint32_t before = submissions();
    assert_int_equal(batch(5, 1), HWS_E_INVALID);
    assert_said("hws_batch: ops[3]: input is NULL, and this member is the root");
    assert_int_equal(statuses[0], HWS_E_CANCELLED);
    assert_int_equal(submissions(), before);
}

static void test_arguments(void **state)
{
    (void)state;
    assert_int_equal(hws_batch(comm, NULL, 1, 1, 0, statuses, results), HWS_E_INVALID);
    assert_said("ops is NULL");
    assert_int_equal(batch(OPS, 0), HWS_E_INVALID);
    assert_said("window is 0");
    assert_int_equal(batch(OPS, HWI_OPS_MAX + 1), HWS_E_INVALID);
    assert_int_equal(hws_batch(NULL, ops, OPS, 1, 0, statuses, results), HWS_E_INVALID);
    assert_int_equal(hws_batch(comm, NULL, 0, 1, 0, NULL, NULL), HWS_OK);
    ops[3].bytes_of_struct--;
    assert_int_equal(batch(OPS, 1), HWS_E_INVALID);
    assert_said("HWS_OP_INIT");
    ops[3].bytes_of_struct++;
    results[OPS - 1].bytes_of_struct = 0;
    assert_int_equal(batch(OPS, 1), HWS_E_INVALID);
    assert_said("HWS_RESULT_INIT");
    assert_int_equal(submissions(), 1);
    assert_int_equal(statuses[0], HWS_E_SYSTEM); // no batch, nothing told
}

static void test_it_makes_do_with_the_room_that_others_leave(void **state)
{
    (void)state;
    hws_request *others[HWI_OPS_MAX - 2];
    scene.silent = true;
    for (size_t i = 0; i < HWI_COUNT(others); i++) {
        assert_int_equal(hws_start(comm, &ops[0], &others[i]), HWS_OK);
    }
    scene.silent = false;
    assert_int_equal(batch(OPS, 16), HWS_OK);
    hws_close(comm);
    comm = NULL;
    assert_int_equal(hws_wait_all(others, HWI_COUNT(others), 0, NULL, NULL), HWS_E_CLOSED);
}

static void test_older_callers_have_shorter_results(void **state)
{
    (void)state;
    const size_t bytes = offsetof(hws_result, attempts);
    static unsigned char memory[OPS][sizeof(hws_result)];
    hws_result *shorter = (hws_result *)(void *)memory;
    for (size_t i = 0; i < OPS; i++) {
        memcpy((char *)shorter + i * bytes, &bytes, sizeof bytes);
    }
    scene.tags_told = true;
    assert_int_equal(hws_batch(comm, ops, OPS, 4, 0, statuses, shorter), HWS_OK);
    for (size_t i = 0; i < OPS; i++) {
        hws_view_id view;
        memcpy(&view, (char *)shorter + i * bytes + offsetof(hws_result, view), sizeof view);
        assert_int_equal(view.value, i + 1);
    }
}

static void test_closing_ends_it(void **state)
{
    (void)state;
    scene.bad_tag = 2;
    scene.bad_status = HWS_E_CLOSED; // as if another thread had closed it
    assert_int_equal(batch(OPS, 1), HWS_E_CLOSED);
    assert_int_equal(statuses[OPS - 1], HWS_E_CANCELLED);
}

#define BATCH(name) cmocka_unit_test_setup_teardown(name, open_and_prepare, close_comm)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BATCH(test_each_operation_is_told),
        BATCH(test_the_window_is_kept_and_used),
        BATCH(test_newcomers_are_those_of_the_last_operation),
        BATCH(test_after_a_failure_nothing_is_started),
        BATCH(test_what_finds_no_time_says_so),
        BATCH(test_bad_operations_are_found_before_any_is_started),
        BATCH(test_a_root_without_input_is_found_before_any_is_started),
        BATCH(test_arguments),
        BATCH(test_it_makes_do_with_the_room_that_others_leave),
        BATCH(test_older_callers_have_shorter_results),
        BATCH(test_closing_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
