// SPDX-License-Identifier: MIT
// hws_state and hws_sync: what is refused, what is handed to the peer, what is said of failures.
#include "tests/unit/played_host.h"

#include "runtime/state.h"

static float weights[4];

static hws_state *make_state(void)
{
    hws_state *made = NULL;
    assert_int_equal(hws_state_create(&made), HWS_OK);
    assert_int_equal(hws_state_add(made, "w", HWS_F32, weights, 4), HWS_OK);
    return made;
}

static void assert_said(const char *words)
{
    if (strstr(hws_last_error(), words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", hws_last_error(), words);
    }
}

static void test_names_are_unique_and_empty_tensors_allowed(void **state)
{
    (void)state;
    hws_state *made = make_state();
    assert_int_equal(hws_state_add(made, "w", HWS_F64, weights, 1), HWS_E_INVALID);
    assert_said("\"w\" was added before");
    assert_int_equal(hws_status_class(HWS_E_INVALID), HWS_CLASS_LOCAL);
    assert_int_equal(hws_state_add(made, "none", HWS_F32, NULL, 0), HWS_OK);
    assert_int_equal(hws_state_add(made, "none, too", HWS_F32, weights, 0), HWS_OK);
    assert_int_equal(hws_state_add(made, "some", HWS_F32, NULL, 1), HWS_E_INVALID);
    assert_int_equal(made->count, 3);
    assert_int_equal(made->bytes, 16);
    hws_state_destroy(made);
}

static void test_what_may_differ_is_named(void **state)
{
    (void)state;
    hws_state *made = make_state();
    assert_int_equal(hws_state_may_differ(NULL, "w"), HWS_E_INVALID);
    assert_int_equal(hws_state_may_differ(made, NULL), HWS_E_INVALID);
    assert_int_equal(hws_state_may_differ(made, "v"), HWS_E_INVALID);
    assert_said("has no tensor \"v\"");
    assert_int_equal(made->tensors[0].may_differ, 0);
    assert_int_equal(hws_state_may_differ(made, "w"), HWS_OK);
    assert_int_equal(made->tensors[0].may_differ, 1);
    assert_int_equal(hws_sync(comm, made, HWS_SYNC_ENFORCE, NULL, NULL), HWS_OK);
    assert_int_equal(hws_state_may_differ(made, "w"), HWS_E_BUSY);
    assert_int_equal(hws_state_add(made, "x", HWS_F32, weights, 4), HWS_E_BUSY);
    assert_int_equal(hws_close(comm), HWS_OK);
    hws_state_destroy(made);
    assert_int_equal(open_comm(NULL), 0);
}

static void test_strategy_and_verification_reach_the_peer(void **state)
{
    (void)state;
    hws_state *made = make_state();
    hws_options options = HWS_OPTIONS_INIT;
    const int wrong[] = {0, 4, -1, 256 + HWS_SYNC_ENFORCE};
    for (size_t i = 0; i < HWI_COUNT(wrong); i++) {
        assert_int_equal(hws_sync(comm, made, (hws_strategy)wrong[i], NULL, NULL), HWS_E_INVALID);
        assert_said("strategy");
    }
    options.verify = 2;
    assert_int_equal(hws_sync(comm, made, HWS_SYNC_ENFORCE, &options, NULL), HWS_E_INVALID);
    assert_said("verify is 2");
    for (int strategy = HWS_SYNC_ENFORCE; strategy <= HWS_SYNC_RECEIVE_ONLY; strategy++) {
        options.verify = (uint32_t)strategy % 2;
        assert_int_equal(hws_state_set_revision(made, 7), HWS_OK);
        scene.reply.value = 9;
        assert_int_equal(hws_sync(comm, made, (hws_strategy)strategy, &options, NULL), HWS_OK);
        assert_int_equal(scene.request.strategy, strategy);
        assert_int_equal(scene.request.verify, options.verify);
        assert_int_equal(scene.request.value, 7);
        assert_int_equal(hws_state_revision(made), 9);
    }
    hws_close(comm);
    hws_state_destroy(made);
    assert_int_equal(open_comm(NULL), 0);
}

static void test_what_was_replaced_is_hashed_until_a_sync_succeeds(void **state)
{
    (void)state;
    hws_state *made = make_state();
    hws_options options = HWS_OPTIONS_INIT;
    options.verify = HWS_VERIFY_WHEN_CHANGED;
    atomic_store(&made->replaced, true);
    scene.reply.status = HWS_E_MEMBER_LOST;
    assert_int_equal(hws_sync(comm, made, HWS_SYNC_ENFORCE, &options, NULL), HWS_E_MEMBER_LOST);
    assert_int_equal(scene.request.verify, HWS_VERIFY_ALWAYS);
    scene.reply.status = HWS_OK;
    assert_int_equal(hws_sync(comm, made, HWS_SYNC_ENFORCE, &options, NULL), HWS_OK);
    assert_int_equal(scene.request.verify, HWS_VERIFY_ALWAYS);
    assert_int_equal(hws_sync(comm, made, HWS_SYNC_ENFORCE, &options, NULL), HWS_OK);
    assert_int_equal(scene.request.verify, HWS_VERIFY_WHEN_CHANGED);
    hws_close(comm);
    hws_state_destroy(made);
    assert_int_equal(open_comm(NULL), 0);
}

static void assert_sync_says(hws_state *made, hws_status status, const char *sentence)
{
    hws_result result = HWS_RESULT_INIT;
    scene.reply.status = status;
    assert_int_equal(hws_sync(comm, made, HWS_SYNC_ENFORCE, NULL, &result), status);
    assert_int_equal(result.status, status);
    assert_string_equal(hws_last_error(), sentence);
}

static void test_failures_name_who_and_what(void **state)
{
    (void)state;
    hws_state *made = make_state();
    scene.reply.fault.peer_a = 3;
    scene.reply.fault.peer_b = 5;
    assert_sync_says(
        made, HWS_E_CONFLICT,
        "sync: member 5 is send-only and does not hold the state of member 3, which was "
        "elected: give one of them another strategy");
    scene.reply.fault = (struct hwi_fault){0};
    assert_sync_says(made, HWS_E_CONFLICT,
                     "sync: all members that hold a whole state are receive-only: give one of them "
                     "another strategy");
    snprintf(scene.reply.reason, HWI_TEXT_BYTES_MAX,
             "tensor 0 is \"w\" f32 x 4 here, \"w\" f32 x 5 on member 1");
    assert_sync_says(
        made, HWS_E_LAYOUT,
        "sync: the layout of the shared state differs from the run's (tensor 0 is \"w\" "
        "f32 x 4 here, \"w\" f32 x 5 on member 1): add the same tensors, in the same "
        "order, on all members");
    hws_close(comm);
    hws_state_destroy(made);
    assert_int_equal(open_comm(NULL), 0);
}

static void test_the_result_tells_times(void **state)
{
    (void)state;
    hws_state *made = make_state();
    hws_result result = HWS_RESULT_INIT;
    scene.reply.hash_us = 12;
    scene.reply.move_us = 34;
    scene.reply.sources = 2;
    scene.reply.root = (struct hwi_hash){5, 6};
    assert_int_equal(hws_sync(comm, made, HWS_SYNC_ENFORCE, NULL, &result), HWS_OK);
    assert_int_equal(result.hash_us, 12);
    assert_int_equal(result.move_us, 34);
    assert_int_equal(result.sources, 2);
    assert_int_equal(result.root[0], 5);
    assert_int_equal(result.root[1], 6);
    hws_close(comm);
    hws_state_destroy(made);
    assert_int_equal(open_comm(NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_names_are_unique_and_empty_tensors_allowed),
        TEST(test_what_may_differ_is_named),
        TEST(test_strategy_and_verification_reach_the_peer),
        TEST(test_what_was_replaced_is_hashed_until_a_sync_succeeds),
        TEST(test_failures_name_who_and_what),
        TEST(test_the_result_tells_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
