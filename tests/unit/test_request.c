// SPDX-License-Identifier: MIT
// The message that a call submits, the result that a reply becomes, and the case that no reply
// comes.
#include <sched.h>
#include <sys/wait.h>

#include "tests/unit/played_host.h"

static struct hwi_id members[] = {{1}, {3}, {7}};

static hws_request *start(uint64_t tag)
{
    hws_options options = HWS_OPTIONS_INIT;
    hws_request *request = NULL;
    options.tag = tag;
    assert_int_equal(
        hws_all_reduce_async(comm, buffer, buffer, 64, HWS_F32, HWS_SUM, &options, &request),
        HWS_OK);
    return request;
}

// Lets the host handle all that was submitted.
static void let_replies_come(void)
{
    assert_int_equal(hws_view(comm, NULL), HWS_OK);
}

// ---- tests ----

static void test_a_reply_becomes_a_result(void **state)
{
    (void)state;
    hws_result result = HWS_RESULT_INIT;
    scene.reply.members = members;
    scene.reply.members_count = 3;
    scene.reply.rank = 2;
    scene.reply.pending = 6;
    scene.reply.bytes_sent = 100;
    scene.reply.bytes_received = 200;
    scene.reply.root = (struct hwi_hash){8, 9};
    scene.reply.sources = 2;
    assert_int_equal(reduce(7, &result), HWS_OK);
    assert_int_equal(result.status, HWS_OK);
    assert_int_equal(result.view.value, 4);
    assert_int_equal(result.member_count, 3);
    assert_int_equal(result.members[2].value, 7);
    assert_int_equal(result.members[3].value, 0);
    assert_int_equal(result.rank, 2);
    assert_int_equal(result.attempts, 1);
    assert_int_equal(result.pending, 6);
    assert_int_equal(result.bytes_sent, 100);
    assert_int_equal(result.bytes_received, 200);
    assert_int_equal(result.root[1], 9);
    assert_int_equal(result.sources, 2);
}

static void test_a_call_becomes_a_request(void **state)
{
    (void)state;
    hws_options options = HWS_OPTIONS_INIT;
    options.tag = 9;
    options.timeout_ms = 77;
    options.retry = 1;
    options.plan = 2;
    double out[3];
    static double in[3];
    assert_int_equal(hws_all_reduce(comm, in, out, 3, HWS_F64, HWS_AVG, &options, NULL), HWS_OK);
    assert_int_equal(scene.request.kind, HWI_KIND_ALL_REDUCE);
    assert_int_equal(scene.request.tag, 9);
    assert_int_equal(scene.request.dtype, HWS_F64);
    assert_int_equal(scene.request.redop, HWS_AVG);
    assert_int_equal(scene.request.count, 3);
    assert_int_equal(scene.request.in_place, 0);
    assert_int_equal(scene.request.retry, 1);
    assert_int_equal(scene.request.plan, 2);
    assert_int_equal(scene.request.timeout_ns, 77 * HWI_NS_PER_MS);
    assert_int_equal(scene.forgotten, scene.request.request);
    options.retry = 7;
    assert_int_equal(hws_all_reduce(comm, in, out, 3, HWS_F64, HWS_AVG, &options, NULL),
                     HWS_E_INVALID);
    assert_string_equal(hws_last_error(), "retry is 7: it must be 0 or 1");
    assert_int_equal(reduce(0, NULL), HWS_OK);
    assert_int_equal(scene.request.in_place, 1);
    assert_int_equal(scene.request.timeout_ns, 2000 * HWI_NS_PER_MS);
}

static void test_agree_gives_its_value_only_on_ok(void **state)
{
    (void)state;
    uint64_t agreed = 1;
    scene.reply.value = 42;
    scene.reply.status = HWS_E_TIMEOUT;
    assert_int_equal(hws_agree(comm, 5, HWS_AGREE_MIN, NULL, &agreed, NULL), HWS_E_TIMEOUT);
    assert_int_equal(agreed, 1);
    scene.reply.status = HWS_OK;
    assert_int_equal(hws_agree(comm, 5, HWS_AGREE_MIN, NULL, &agreed, NULL), HWS_OK);
    assert_int_equal(agreed, 42);
    assert_int_equal(scene.request.value, 5);
    assert_int_equal(scene.request.redop, HWI_AGREE_MIN);
}

static void test_pending_is_as_agreed_or_announced_last(void **state)
{
    (void)state;
    uint32_t pending = 0;
    assert_int_equal(hws_pending(comm, &pending), HWS_OK);
    assert_int_equal(pending, 5);
    scene.reply.pending = 2;
    assert_int_equal(reduce(0, NULL), HWS_OK);
    hws_pending(comm, &pending);
    assert_int_equal(pending, 2);
    scene.reply.pending = 9;
    scene.reply.status = HWS_E_MEMBER_LOST; // as announced with the view
    assert_int_equal(reduce(0, NULL), HWS_E_MEMBER_LOST);
    hws_pending(comm, &pending);
    assert_int_equal(pending, 9);
    scene.reply.pending = 3;
    scene.reply.status = HWS_E_BUSY; // nothing was agreed
    assert_int_equal(reduce(0, NULL), HWS_E_BUSY);
    hws_pending(comm, &pending);
    assert_int_equal(pending, 9);
}

static void test_collected_failures_are_told(void **state)
{
    (void)state;
    scene.reply.status = HWS_E_MEMBER_LOST;
    hws_request *first = start(1), *second = start(2);
    assert_int_equal(hws_wait(first, UINT32_MAX, NULL), HWS_E_MEMBER_LOST);
    assert_int_equal(reduce(3, NULL), HWS_E_MEMBER_LOST); // a blocking call collects its own
    assert_int_equal(hws_view(comm, NULL), HWS_E_MEMBER_LOST);
    assert_int_equal(scene.request.collected, 1);
    assert_int_equal(scene.request.async, 0);
    assert_int_equal(hws_wait(second, 0, NULL), HWS_E_MEMBER_LOST);
    hws_view(comm, NULL);
    assert_int_equal(scene.request.collected, 2);
}

static void test_pending_request_can_be_waited_for_again(void **state)
{
    (void)state;
    hws_result result = HWS_RESULT_INIT;
    scene.silent = true;
    hws_request *request = start(1);
    assert_int_equal(hws_wait(request, 0, &result), HWS_E_PENDING);
    assert_int_equal(result.status, HWS_E_PENDING);
    assert_int_equal(hws_wait(request, 1, NULL), HWS_E_PENDING);
    struct hwi_msg msg = {.type = HWI_MSG_reply};
    msg.u.reply.request = scene.request.request;
    scene.host->config.ops->trainer(scene.host->config.user, &msg);
    assert_int_equal(hws_wait(request, 0, NULL), HWS_OK);
}

static void reply_to(uint64_t id, hws_status status)
{
    struct hwi_msg msg = {.type = HWI_MSG_reply};
    msg.u.reply.request = id;
    msg.u.reply.status = status;
    msg.u.reply.attempts = 1;
    scene.host->config.ops->trainer(scene.host->config.user, &msg);
}

static void test_looking_does_not_collect(void **state)
{
    (void)state;
    scene.silent = true;
    hws_request *request = start(1);
    assert_int_equal(hws_test(request), HWS_E_PENDING);
    reply_to(scene.request.request, HWS_E_TIMEOUT);
    assert_int_equal(hws_test(request), HWS_OK); // it ended, whatever became of it
    assert_int_equal(hws_test(request), HWS_OK);
    assert_int_equal(hws_wait(request, 0, NULL), HWS_E_TIMEOUT);
    assert_int_equal(hws_test(request), HWS_E_INVALID);
    assert_int_equal(hws_wait(request, 0, NULL), HWS_E_INVALID);
    assert_int_equal(hws_cancel(request), HWS_E_INVALID);
}

static void test_cancelling_is_told_once_it_is_known(void **state)
{
    (void)state;
    scene.silent = true;
    hws_request *request = start(1);
    uint64_t id = scene.request.request;
    assert_int_equal(hws_cancel(request), HWS_OK);
    assert_int_equal(scene.cancel.request, id);
    assert_int_equal(hws_cancel(request), HWS_OK);
    reply_to(id, HWS_E_CANCELLED);
    scene.cancel.request = 0;
    assert_int_equal(hws_cancel(request), HWS_OK); // it has ended: nothing is sent
    assert_int_equal(scene.cancel.request, 0);
    assert_int_equal(hws_wait(request, 0, NULL), HWS_E_CANCELLED);
    assert_non_null(strstr(hws_last_error(), "all_reduce tag 1 was cancelled here"));
}

static void test_who_cancelled_is_named(void **state)
{
    (void)state;
    scene.reply.status = HWS_E_WITHDRAWN;
    scene.reply.fault.status = HWS_E_CANCELLED;
    scene.reply.fault.peer_a = 3;
    assert_int_equal(reduce(7, NULL), HWS_E_WITHDRAWN);
    assert_non_null(strstr(hws_last_error(), "member 3 cancelled all_reduce tag 7 in view 4"));
}

static void test_waiting_for_any(void **state)
{
    (void)state;
    hws_request *requests[4] = {0};
    size_t index = 7;
    hws_result result = HWS_RESULT_INIT;
    scene.silent = true;
    requests[1] = start(1);
    requests[3] = start(3);
    assert_int_equal(hws_wait_any(requests, 4, 1, &index, &result), HWS_E_PENDING);
    assert_int_equal(index, SIZE_MAX);
    assert_int_equal(result.status, HWS_E_PENDING);
    reply_to(scene.request.request, HWS_E_MEMBER_LOST);
    assert_int_equal(hws_wait_any(requests, 4, UINT32_MAX, &index, &result), HWS_E_MEMBER_LOST);
    assert_int_equal(index, 3);
    assert_null(requests[3]);
    assert_int_equal(result.status, HWS_E_MEMBER_LOST);
    reply_to(scene.request.request - 1, HWS_OK);
    assert_int_equal(hws_wait_any(requests, 4, 0, &index, NULL), HWS_OK);
    assert_int_equal(index, 1);
    assert_int_equal(hws_wait_any(requests, 4, 0, &index, NULL), HWS_E_INVALID); // nothing is left
    assert_int_equal(index, SIZE_MAX);
}

static void test_waiting_for_all(void **state)
{
    (void)state;
    hws_request *requests[3] = {0};
    hws_status statuses[3] = {HWS_OK, HWS_E_LIMIT, HWS_OK};
    hws_result results[3] = {HWS_RESULT_INIT, HWS_RESULT_INIT, HWS_RESULT_INIT};
    scene.silent = true;
    requests[0] = start(1);
    requests[2] = start(2);
    uint64_t second = scene.request.request;
    reply_to(second, HWS_E_TIMEOUT);
    assert_int_equal(hws_wait_all(requests, 3, 1, statuses, results), HWS_E_PENDING);
    assert_non_null(requests[2]); // nothing was collected
    reply_to(second - 1, HWS_E_WITHDRAWN);
    assert_int_equal(hws_wait_all(requests, 3, UINT32_MAX, statuses, results), HWS_E_WITHDRAWN);
    assert_non_null(strstr(hws_last_error(), "tag 1"));
    assert_int_equal(statuses[0], HWS_E_WITHDRAWN);
    assert_int_equal(statuses[1], HWS_E_LIMIT); // no request was there
    assert_int_equal(statuses[2], HWS_E_TIMEOUT);
    assert_int_equal(results[2].status, HWS_E_TIMEOUT);
    assert_null(requests[0]);
    assert_int_equal(hws_wait_all(requests, 3, UINT32_MAX, NULL, NULL),
                     HWS_OK); // nothing to wait for
    assert_int_equal(hws_wait_all(NULL, 0, 0, NULL, NULL), HWS_OK);
}

static void test_lists_of_requests_are_checked(void **state)
{
    (void)state;
    size_t index;
    scene.silent = true;
    hws_request *request = start(1);
    hws_request *twice[2] = {request, request}, *foreign[2] = {request, (hws_request *)buffer};
    hws_result results[2] = {HWS_RESULT_INIT, {0}};
    assert_int_equal(hws_wait_all(twice, 2, 0, NULL, NULL), HWS_E_INVALID);
    assert_non_null(strstr(hws_last_error(), "named twice"));
    assert_int_equal(hws_wait_any(foreign, 2, 0, &index, NULL), HWS_E_INVALID);
    assert_int_equal(hws_wait_any(NULL, 1, 0, &index, NULL), HWS_E_INVALID);
    assert_int_equal(hws_wait_any(twice, 1, 0, NULL, NULL), HWS_E_INVALID);
    assert_int_equal(hws_wait_any(twice, SIZE_MAX / 16, 0, &index, NULL), HWS_E_LIMIT);
    assert_int_equal(hws_wait_all(twice, 2, 0, NULL, results), HWS_E_INVALID);
    assert_int_equal(hws_wait(request, 0, NULL), HWS_E_PENDING); // all of it left it as it was
    reply_to(scene.request.request, HWS_OK);
    assert_int_equal(hws_wait(request, 0, NULL), HWS_OK);
}

static void *wait_long(void *user)
{
    hws_status status = HWS_E_PENDING;
    while (status == HWS_E_PENDING) { // the other thread looked just now
        status = hws_wait(user, UINT32_MAX, NULL);
    }
    return (void *)(intptr_t)status;
}

static void test_one_thread_waits_for_a_request(void **state)
{
    (void)state;
    pthread_t thread;
    void *status;
    scene.silent = true;
    hws_request *request = start(1);
    assert_int_equal(pthread_create(&thread, NULL, wait_long, request), 0);
    do { // until the other thread waits; nothing that an operation ends with may mean so
        sched_yield();
        assert_int_equal(hws_wait(request, 0, NULL), HWS_E_PENDING);
    } while (strstr(hws_last_error(), "another thread waits") == NULL);
    assert_int_equal(hws_test(request), HWS_E_PENDING); // looking and cancelling are free
    assert_int_equal(hws_cancel(request), HWS_OK);
    reply_to(scene.request.request, HWS_E_CANCELLED);
    pthread_join(thread, &status);
    assert_int_equal((intptr_t)status, HWS_E_CANCELLED);
}

static void test_operations_in_flight_are_bounded(void **state)
{
    (void)state;
    hws_request *requests[HWI_OPS_MAX], *more;
    scene.silent = true;
    for (uint64_t i = 0; i < HWI_OPS_MAX; i++) {
        requests[i] = start(i);
    }
    assert_int_equal(hws_all_reduce_async(comm, buffer, buffer, 1, HWS_F32, HWS_SUM, NULL, &more),
                     HWS_E_LIMIT);
    assert_int_equal(reduce(0, NULL), HWS_E_LIMIT);
    scene.silent = false;
    scene.reply.status = HWS_E_BUSY;
    assert_int_equal(hws_view(comm, NULL), HWS_E_BUSY); // views have room of their own
    hws_close(comm);
    for (uint32_t i = 0; i < HWI_OPS_MAX; i++) {
        assert_int_equal(hws_wait(requests[i], UINT32_MAX, NULL), HWS_E_CLOSED);
    }
    comm = NULL;
}

static void test_closing_ends_what_is_in_flight(void **state)
{
    (void)state;
    hws_request *done = start(1);
    let_replies_come();
    scene.silent = true;
    hws_request *waiting = start(2);
    assert_int_equal(hws_close(comm), HWS_OK);
    comm = NULL;
    assert_null(scene.host);
    assert_int_equal(hws_wait(done, 0, NULL), HWS_OK);
    assert_int_equal(hws_wait(waiting, 0, NULL), HWS_E_CLOSED);
    assert_non_null(strstr(hws_last_error(), "open again"));
}

// A host that never replies is given up rather than waited for, and with it the communicator.
// A handle is looked up before anything is read through it.
static void test_a_closed_communicator_is_an_error(void **state)
{
    (void)state;
    uint32_t count;
    hws_comm *closed = comm;
    scene.silent = true;
    hws_request *request = start(1);
    assert_int_equal(hws_close(comm), HWS_OK);
    assert_int_equal(reduce(1, NULL), HWS_E_INVALID);
    assert_non_null(strstr(hws_last_error(), "it was closed"));
    assert_int_equal(hws_pending(closed, &count), HWS_E_INVALID);
    assert_int_equal(hws_close(closed), HWS_E_INVALID);
    assert_int_equal(hws_pending((hws_comm *)buffer, &count), HWS_E_INVALID);
    assert_int_equal(hws_test(request), HWS_OK);
    assert_int_equal(hws_cancel(request), HWS_OK);
    assert_int_equal(hws_wait(request, 0, NULL), HWS_E_CLOSED);
    comm = NULL;
}

static void test_edges_are_listed(void **state)
{
    (void)state;
    size_t count = 0;
    hws_edge_stats list[2] = {HWS_EDGE_STATS_INIT, HWS_EDGE_STATS_INIT};
    assert_int_equal(hws_stats_edges(comm, NULL, 0, &count), HWS_OK);
    assert_int_equal(count, 0);
    scene.edges = 3;
    assert_int_equal(hws_stats_edges(comm, list, 2, &count), HWS_OK);
    assert_int_equal(count, 3); // more than there is room for
    assert_int_equal(list[0].peer.value, 1);
    assert_int_equal(list[1].peer.value, 2);
    assert_int_equal(hws_stats_edges(comm, list, 2, NULL), HWS_E_INVALID);
    assert_int_equal(hws_stats_edges(comm, NULL, 2, &count), HWS_E_INVALID);
    list[1].bytes_of_struct = 0;
    assert_int_equal(hws_stats_edges(comm, list, 2, &count), HWS_E_INVALID);
}

static void test_no_reply_is_outcome_unknown(void **state)
{
    (void)state;
    hws_stats stats = HWS_STATS_INIT;
    scene.silent = true;
    hws_request *other = start(1);
    scene.clock_races = true;
    assert_int_equal(reduce(2, NULL), HWS_E_OUTCOME_UNKNOWN);
    assert_non_null(strstr(hws_last_error(), "did not reply"));
    scene.clock_races = false;
    assert_null(scene.host); // no thread of ours refers to the buffer
    assert_int_equal(hws_wait(other, 0, NULL), HWS_E_OUTCOME_UNKNOWN);
    assert_int_equal(reduce(3, NULL), HWS_E_OUTCOME_UNKNOWN);
    assert_int_equal(hws_view(comm, NULL), HWS_E_OUTCOME_UNKNOWN);
    assert_int_equal(hws_stats_get(comm, &stats), HWS_OK);
    assert_int_equal(stats.bytes_sent, 11);
}

// A check that fails outside of the actors ends everything: no reply will come.
static void test_a_failed_host_ends_all_calls(void **state)
{
    (void)state;
    scene.silent = true;
    hws_request *request = start(1);
    scene.host->config.ops->check_failed(scene.host->config.user, "host", "x > 0", "loop.c", 9);
    assert_int_equal(hws_wait(request, UINT32_MAX, NULL), HWS_E_INTERNAL);
    assert_non_null(strstr(hws_last_error(), "host: x > 0 at loop.c:9"));
    assert_int_equal(reduce(2, NULL), HWS_E_INTERNAL);
    assert_non_null(strstr(hws_last_error(), "host: x > 0 at loop.c:9"));
}

static void *wait_for(void *user)
{
    return (void *)(intptr_t)hws_wait(user, UINT32_MAX, NULL);
}

static void test_all_waiting_threads_are_let_go(void **state)
{
    (void)state;
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    hws_request *requests[THREADS];
    scene.silent = true;
    scene.clock_races = true;
    for (uint64_t i = 0; i < THREADS; i++) {
        requests[i] = start(i); // all of them before the first wait can end the communicator
    }
    for (uint64_t i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, wait_for, requests[i]);
    }
    for (uint64_t i = 0; i < THREADS; i++) {
        void *status;
        pthread_join(threads[i], &status);
        assert_int_equal((intptr_t)status, HWS_E_OUTCOME_UNKNOWN);
    }
    scene.clock_races = false;
}

static void test_a_child_may_not_use_it(void **state)
{
    (void)state;
    hws_request *request = start(1);
    pid_t child = fork();
    if (child == 0) {
        uint32_t count;
        bool forked = reduce(1, NULL) == HWS_E_FORKED && hws_view(comm, NULL) == HWS_E_FORKED &&
                      hws_wait(request, 0, NULL) == HWS_E_FORKED &&
                      hws_pending(comm, &count) == HWS_E_FORKED && hws_close(comm) == HWS_E_FORKED;
        _exit(forked ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(hws_wait(request, UINT32_MAX, NULL), HWS_OK);
}

static void test_counters(void **state)
{
    (void)state;
    hws_stats stats = HWS_STATS_INIT;
    scene.reply.attempts = 3;
    scene.reply.members_us = 10;
    scene.reply.commit_us = 20;
    scene.reply.credit_us = 30;
    assert_int_equal(reduce(1, NULL), HWS_OK);
    scene.reply.attempts = 1;
    scene.reply.status = HWS_E_TIMEOUT;
    assert_int_equal(reduce(1, NULL), HWS_E_TIMEOUT);
    scene.reply.attempts = 0;
    scene.reply.status = HWS_E_VIEW;
    assert_int_equal(reduce(1, NULL), HWS_E_VIEW);
    assert_int_equal(hws_stats_get(comm, &stats), HWS_OK);
    assert_int_equal(stats.committed, 1);
    assert_int_equal(stats.aborted, 3);
    assert_int_equal(stats.attempts, 4);
    assert_int_equal(stats.retries, 2);
    assert_int_equal(stats.failed_timeout, 1);
    assert_int_equal(stats.failed_view, 1);
    assert_int_equal(stats.failed_other, 0);
    assert_int_equal(stats.members_wait_us, 30);
    assert_int_equal(stats.commit_wait_us, 60);
    assert_int_equal(stats.credit_wait_us, 90);
    assert_int_equal(stats.in_flight, 0);
    assert_int_equal(stats.views, 2);
    assert_int_equal(stats.reduce_bytes, 22);
}

static void test_a_longer_view_is_cut_in_the_list_only(void **state)
{
    (void)state;
    static struct hwi_id many[HWS_RESULT_MEMBERS_MAX + 10];
    for (uint64_t i = 0; i < HWI_COUNT(many); i++) {
        many[i].value = i + 1;
    }
    hws_result result = HWS_RESULT_INIT;
    scene.reply.members = many;
    scene.reply.members_count = HWI_COUNT(many);
    assert_int_equal(reduce(1, &result), HWS_OK);
    assert_int_equal(result.member_count, HWI_COUNT(many));
    assert_int_equal(result.members[HWS_RESULT_MEMBERS_MAX - 1].value, HWS_RESULT_MEMBERS_MAX);
    assert_int_equal(result.lost[0].value, 0);
}

static void test_older_callers_have_a_shorter_result(void **state)
{
    (void)state;
    hws_result result = HWS_RESULT_INIT;
    result.bytes_of_struct = offsetof(hws_result, rank);
    result.rank = 99;
    scene.reply.rank = 1;
    assert_int_equal(reduce(1, &result), HWS_OK);
    assert_int_equal(result.view.value, 4);
    assert_int_equal(result.rank, 99);
    assert_int_equal(result.bytes_of_struct, offsetof(hws_result, rank));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_reply_becomes_a_result),
        TEST(test_a_call_becomes_a_request),
        TEST(test_agree_gives_its_value_only_on_ok),
        TEST(test_pending_is_as_agreed_or_announced_last),
        TEST(test_collected_failures_are_told),
        TEST(test_pending_request_can_be_waited_for_again),
        TEST(test_looking_does_not_collect),
        TEST(test_cancelling_is_told_once_it_is_known),
        TEST(test_who_cancelled_is_named),
        TEST(test_waiting_for_any),
        TEST(test_waiting_for_all),
        TEST(test_lists_of_requests_are_checked),
        TEST(test_one_thread_waits_for_a_request),
        TEST(test_a_closed_communicator_is_an_error),
        TEST(test_edges_are_listed),
        TEST(test_operations_in_flight_are_bounded),
        TEST(test_closing_ends_what_is_in_flight),
        TEST(test_no_reply_is_outcome_unknown),
        TEST(test_a_failed_host_ends_all_calls),
        TEST(test_all_waiting_threads_are_let_go),
        TEST(test_a_child_may_not_use_it),
        TEST(test_counters),
        TEST(test_a_longer_view_is_cut_in_the_list_only),
        TEST(test_older_callers_have_a_shorter_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
