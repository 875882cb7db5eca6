// SPDX-License-Identifier: MIT
// The rules of calling, by the public API: the fence, the states that refuse a call, limits,
// threads, and a master that comes back.
#include <unistd.h>

#include "tests/unit/run.h"

static struct run run;
static float data[2][64];

static int teardown(void **state)
{
    (void)state;
    run_close(&run);
    return 0;
}

static hws_status reduce(struct member *member, uint64_t tag, uint32_t timeout_ms, int retry,
                         hws_result *result)
{
    float value = 1;
    hws_options options = HWS_OPTIONS_INIT;
    options.tag = tag;
    options.timeout_ms = timeout_ms;
    options.retry = retry;
    return hws_all_reduce(member->comm, &value, &value, 1, HWS_F32, HWS_SUM, &options, result);
}

static hws_request *start(struct member *member, uint64_t tag, float *value)
{
    hws_request *request = NULL;
    hws_options options = HWS_OPTIONS_INIT;
    options.tag = tag;
    hws_all_reduce_async(member->comm, value, value, 1, HWS_F32, HWS_SUM, &options, &request);
    return request;
}

// ---- the fence ----

static void wait_before_view(struct member *member)
{
    float values[2] = {1, 2};
    if (member->index == 1) {
        member_close(member);
        return;
    }
    hws_request *first = start(member, 1, &values[0]), *second = start(member, 2, &values[1]);
    hws_status status = hws_wait(first, UINT32_MAX, NULL);
    EXPECT(member, hws_status_class(status) == HWS_CLASS_VIEW);
    EXPECT(member, hws_view(member->comm, NULL) == HWS_E_BUSY); // `second` has not been waited for
    EXPECT(member, strstr(hws_last_error(), "hws_wait") != NULL);
    EXPECT(member, reduce(member, 3, 0, 1, NULL) == HWS_E_VIEW); // nor does `retry` pass it over
    status = hws_wait(second, UINT32_MAX, NULL);
    EXPECT(member, hws_status_class(status) == HWS_CLASS_VIEW);
    EXPECT(member, values[0] == 1 && values[1] == 2);
    EXPECT(member, reduce(member, 3, 0, 0, NULL) == HWS_E_VIEW);
    EXPECT(member, hws_view(member->comm, NULL) == HWS_OK);
    EXPECT(member, reduce(member, 3, 0, 0, NULL) == HWS_OK);
}

static void test_the_fence(void **state)
{
    (void)state;
    run_open(&run, 2);
    run_together(&run, 0, 2, wait_before_view);
}

// ---- refused calls ----

static void admit_with_work_in_flight(struct member *member)
{
    float value = 1;
    hws_request *request = start(member, 1, &value);
    if (member->index == 0) {
        EXPECT(member, hws_wait(request, 0, NULL) == HWS_E_PENDING);
        EXPECT(member, hws_admit(member->comm, NULL) == HWS_E_BUSY);
        EXPECT(member, reduce(member, 2, 0, 0, NULL) == HWS_OK); // lets member 1 begin
    }
    EXPECT(member, hws_wait(request, UINT32_MAX, NULL) == HWS_OK);
}

static void let_the_first_try(struct member *member)
{
    if (member->index == 1) {
        EXPECT(member, reduce(member, 2, 0, 0, NULL) == HWS_OK);
    }
    admit_with_work_in_flight(member);
}

static void test_admitting_needs_quiet(void **state)
{
    (void)state;
    run_open(&run, 2);
    run_together(&run, 0, 2, let_the_first_try);
}

static void make_state(struct member *member)
{
    hws_state_create(&member->state);
    hws_state_add(member->state, "data", HWS_F32, data[member->index], 64);
}

static hws_status sync_state(struct member *member, uint32_t timeout_ms)
{
    hws_options options = HWS_OPTIONS_INIT;
    options.timeout_ms = timeout_ms;
    return hws_sync(member->comm, member->state, HWS_SYNC_ENFORCE, &options, NULL);
}

static void reduce_unsynced(struct member *member)
{
    make_state(member);
    EXPECT(member, reduce(member, 1, 0, 0, NULL) == HWS_OK); // nothing is attached yet
    if (member->index == 0) {
        EXPECT(member, sync_state(member, 100) == HWS_E_TIMEOUT); // alone
    } else {
        EXPECT(member, reduce(member, 9, 0, 0, NULL) == HWS_E_WITHDRAWN); // till member 0 gives up
    }
    EXPECT(member, hws_view(member->comm, NULL) == HWS_OK);
    if (member->index == 0) {
        EXPECT(member, reduce(member, 1, 0, 0, NULL) == HWS_E_NOT_SYNCED);
        EXPECT(member, strstr(hws_last_error(), "hws_sync") != NULL);
    }
    EXPECT(member, sync_state(member, 0) == HWS_OK);
    EXPECT(member, reduce(member, 1, 0, 0, NULL) == HWS_OK);
}

static void test_reducing_needs_a_synced_state(void **state)
{
    (void)state;
    run_open(&run, 2);
    run_together(&run, 0, 2, reduce_unsynced);
}

static void test_tags_of_a_view_are_bounded(void **state)
{
    (void)state;
    run_open(&run, 1);
    for (uint64_t tag = 0; tag < 4096; tag++) {
        assert_int_equal(reduce(&run.members[0], tag * 7919, 0, 0, NULL), HWS_OK);
    }
    assert_int_equal(reduce(&run.members[0], 1, 0, 0, NULL), HWS_E_LIMIT);
    assert_int_equal(reduce(&run.members[0], 7919, 0, 0, NULL), HWS_OK);
}

// ---- too few members ----

static void stay(struct member *member)
{
    hws_result result = HWS_RESULT_INIT;
    if (member->index == 1) {
        member_close(member);
        return;
    }
    hws_status status = reduce(member, 1, 0, 0, &result);
    EXPECT(member, hws_status_class(status) == HWS_CLASS_VIEW);
    EXPECT(member, hws_view(member->comm, &result) == HWS_OK && result.member_count == 1);
    EXPECT(member, reduce(member, 1, 50, 0, NULL) == HWS_E_TOO_FEW); // at the deadline
    EXPECT(member, strstr(hws_last_error(), "hws_admit") != NULL);
    EXPECT(member, reduce(member, 1, 50, 1, NULL) == HWS_E_TOO_FEW);
}

static void meet_again(struct member *member)
{
    hws_result result = HWS_RESULT_INIT;
    if (member->index == 1) {
        member_open(member);
    } else {
        do { // the newcomer may not be there yet
            EXPECT(member, hws_admit(member->comm, &result) == HWS_OK);
        } while (result.member_count == 1);
    }
    EXPECT(member, reduce(member, 1, 0, 0, &result) == HWS_OK && result.member_count == 2);
}

static void test_too_few_until_someone_comes(void **state)
{
    (void)state;
    run_start_with(&run, 2, 2);
    run.config.min_members = 2;
    run_together(&run, 0, 2, member_open);
    run_together(&run, 0, 2, stay);
    run_together(&run, 0, 2, meet_again);
}

// ---- threads ----

struct lane {
    struct member *member;
    uint64_t tag;
    bool right;
};

static void *reduce_on_one_tag(void *user)
{
    struct lane *lane = user;
    hws_options options = HWS_OPTIONS_INIT;
    options.tag = lane->tag;
    lane->right = true;
    for (int round = 0; round < 100 && lane->right; round++) {
        double value = (double)(lane->tag * 1000) + round;
        lane->right = hws_all_reduce(lane->member->comm, &value, &value, 1, HWS_F64, HWS_SUM,
                                     &options, NULL) == HWS_OK &&
                      value == 2 * ((double)(lane->tag * 1000) + round);
    }
    return NULL;
}

static void reduce_from_many_threads(struct member *member)
{
    enum { THREADS = 4 };
    struct lane lanes[THREADS];
    pthread_t threads[THREADS];
    for (uint64_t i = 0; i < THREADS; i++) {
        lanes[i] = (struct lane){.member = member, .tag = i};
        pthread_create(&threads[i], NULL, reduce_on_one_tag, &lanes[i]);
    }
    for (uint64_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    for (uint64_t i = 0; i < THREADS; i++) {
        EXPECT(member, lanes[i].right);
    }
}

static void test_any_thread_may_call(void **state)
{
    (void)state;
    run_open(&run, 2);
    run_together(&run, 0, 2, reduce_from_many_threads);
}

// ---- a master that comes back ----

static uint64_t views[2]; // in which each member reduced

static void reduce_once(struct member *member)
{
    hws_result result = HWS_RESULT_INIT;
    EXPECT(member, reduce(member, 1, 0, 0, &result) == HWS_OK && result.member_count == 2);
    views[member->index] = result.view.value;
}

// The incarnations of the earlier master's views are over: their members join again.
static void rejoin(struct member *member)
{
    hws_result result = HWS_RESULT_INIT;
    hws_status status = reduce(member, 1, 0, 1, NULL);
    EXPECT(member, hws_status_class(status) == HWS_CLASS_RUN);
    EXPECT(member, hws_close(member->comm) == HWS_OK);
    member->comm = NULL;
    member_open(member);
    EXPECT(member, reduce(member, 1, 0, 0, &result) == HWS_OK && result.member_count == 2);
    EXPECT(member, result.view.value > views[member->index]); // numbers are never used twice
}

static void test_the_master_comes_back(void **state)
{
    (void)state;
    char file[sizeof("/tmp/hawser-test-XXXXXX.lock")] = "/tmp/hawser-test-XXXXXX";
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    close(fd);
    unlink(file);
    hws_master_config config = HWS_MASTER_CONFIG_INIT;
    run_start(&run, 2);
    hws_master_stop(run.master); // this one keeps no file
    config.min_members = 2;
    config.state_file = file;
    config.listen = run.address;
    assert_int_equal(hws_master_start(&config, &run.master), HWS_OK);
    run_together(&run, 0, 2, member_open);
    run_together(&run, 0, 2, reduce_once);
    hws_master_stop(run.master);
    assert_int_equal(hws_master_start(&config, &run.master), HWS_OK);
    run_together(&run, 0, 2, rejoin);
    run_close(&run); // the master may not write any more
    unlink(file);
    memcpy(file + strlen(file), ".lock", sizeof(".lock"));
    unlink(file);
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_fence),
        TEST(test_admitting_needs_quiet),
        TEST(test_reducing_needs_a_synced_state),
        TEST(test_tags_of_a_view_are_bounded),
        TEST(test_too_few_until_someone_comes),
        TEST(test_any_thread_may_call),
        TEST(test_the_master_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
