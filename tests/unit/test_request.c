// SPDX-License-Identifier: MIT
// The calls of the API over a host that is played by the test: what is submitted, what a reply becomes, and
// what happens when no reply comes. The functions of host.h below stand in for the library's.
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <hawser/hawser.h>

#include "actors/node/comm.h"

enum { SUBMISSIONS_MAX = 1024 };

// A submission and how it is to be answered.
struct scripted {
    struct hwi_submission submission;
    struct hwi_msg_reply reply;
    bool silent;
};

struct hwi_host {
    struct hwi_host_config config;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct scripted queue[SUBMISSIONS_MAX];
    uint32_t submitted, handled;
    bool stopping;
};

// The scene: how the host answers, and what was seen of it. One communicator at a time.
static struct {
    struct hwi_msg_reply reply; // to everything but the opening; its request is filled in
    hws_status open_status;
    bool silent; // no reply to anything but the opening and close
    bool clock_races; // each look at the clock takes 10 ms, and sleeping none
    int create_status, submit_status;
    uint64_t forgotten;
    struct hwi_msg_request request; // the last one
    struct hwi_host *host;
} scene;
static _Atomic uint64_t raced_ns;

static struct hwi_id members[] = {{1}, {3}, {7}};

static void answer(struct hwi_host *host, const struct scripted *scripted)
{
    const struct hwi_submission *submission = &scripted->submission;
    struct hwi_msg msg = {.type = HWI_MSG_reply};
    msg.u.reply = scripted->reply;
    if (submission->msg.type == HWI_MSG_open) {
        msg.u.reply = (struct hwi_msg_reply){.request = submission->msg.u.open.request,
                                             .status = scene.open_status,
                                             .view = 1,
                                             .pending = 5,
                                             .attempts = 1};
    } else if (submission->msg.type == HWI_MSG_request) {
        msg.u.reply.request = submission->msg.u.request.request;
        if (submission->msg.u.request.kind == HWI_KIND_CLOSE)
            msg.u.reply.status = HWS_OK;
        else if (scripted->silent)
            return;
    } else {
        return;
    }
    host->config.ops->trainer(host->config.user, &msg);
}

static void *run_host(void *user)
{
    struct hwi_host *host = user;
    pthread_mutex_lock(&host->mutex);
    while (!host->stopping) {
        if (host->handled == host->submitted) {
            pthread_cond_wait(&host->changed, &host->mutex);
            continue;
        }
        struct scripted scripted = host->queue[host->handled++ % SUBMISSIONS_MAX];
        pthread_mutex_unlock(&host->mutex);
        answer(host, &scripted);
        pthread_mutex_lock(&host->mutex);
    }
    pthread_mutex_unlock(&host->mutex);
    return NULL;
}

int hwi_host_create(const struct hwi_host_config *config, struct hwi_host **host, char *error)
{
    if (scene.create_status != 0) {
        strcpy(error, "127.0.0.1:1 cannot be bound: permission denied");
        return scene.create_status;
    }
    scene.host = calloc(1, sizeof(*scene.host));
    assert_non_null(scene.host);
    scene.host->config = *config;
    pthread_mutex_init(&scene.host->mutex, NULL);
    pthread_cond_init(&scene.host->changed, NULL);
    pthread_create(&scene.host->thread, NULL, run_host, scene.host);
    *host = scene.host;
    return 0;
}

const char *hwi_host_address(const struct hwi_host *host)
{
    (void)host;
    return "127.0.0.1:40123";
}

int hwi_host_submit(struct hwi_host *host, const struct hwi_submission *submission)
{
    if (scene.submit_status != 0)
        return scene.submit_status;
    pthread_mutex_lock(&host->mutex);
    if (submission->msg.type == HWI_MSG_request)
        scene.request = submission->msg.u.request;
    host->queue[host->submitted++ % SUBMISSIONS_MAX] =
        (struct scripted){*submission, scene.reply, scene.silent};
    pthread_cond_signal(&host->changed);
    pthread_mutex_unlock(&host->mutex);
    return 0;
}

void hwi_host_forget(struct hwi_host *host, uint64_t request)
{
    (void)host;
    scene.forgotten = request;
}

void hwi_host_stats(struct hwi_host *host, struct hwi_data_stats *stats)
{
    (void)host;
    *stats = (struct hwi_data_stats){.bytes_sent = 11, .reduce_bytes = 22};
}

void hwi_host_destroy(struct hwi_host *host)
{
    pthread_mutex_lock(&host->mutex);
    host->stopping = true;
    pthread_cond_signal(&host->changed);
    pthread_mutex_unlock(&host->mutex);
    pthread_join(host->thread, NULL);
    pthread_mutex_destroy(&host->mutex);
    pthread_cond_destroy(&host->changed);
    free(host);
    scene.host = NULL;
}

uint64_t hwi_host_random(void)
{
    return UINT64_MAX;
}

uint64_t hwi_host_now(void)
{
    struct timespec now;
    if (scene.clock_races)
        return atomic_fetch_add(&raced_ns, 10 * HWI_NS_PER_MS);
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * HWI_NS_PER_S + (uint64_t)now.tv_nsec;
}

// ---- helpers ----

static hws_comm *comm;
static float buffer[64];

static int open_comm(void **state)
{
    (void)state;
    hws_config config = HWS_CONFIG_INIT;
    memset(&scene, 0, sizeof(scene));
    scene.reply.view = 4;
    scene.reply.attempts = 1;
    config.master = "127.0.0.1:4000";
    config.min_members = 2;
    config.timeout_ms = 2000;
    return hws_open(&config, &comm);
}

static int close_comm(void **state)
{
    (void)state;
    hws_status status = hws_close(comm);
    comm = NULL;
    return scene.host == NULL ? (int)status : -1;
}

static hws_status reduce(uint64_t tag, hws_result *result)
{
    hws_options options = HWS_OPTIONS_INIT;
    options.tag = tag;
    return hws_all_reduce(comm, buffer, buffer, 64, HWS_F32, HWS_SUM, &options, result);
}

static hws_request *start(uint64_t tag)
{
    hws_options options = HWS_OPTIONS_INIT;
    hws_request *request = NULL;
    options.tag = tag;
    assert_int_equal(hws_all_reduce_async(comm, buffer, buffer, 64, HWS_F32, HWS_SUM, &options,
                                          &request),
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
    options.retry = 3;
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

static void test_pending_is_what_was_agreed_last(void **state)
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
    scene.reply.status = HWS_E_MEMBER_LOST; // nothing was agreed
    assert_int_equal(reduce(0, NULL), HWS_E_MEMBER_LOST);
    hws_pending(comm, &pending);
    assert_int_equal(pending, 2);
}

static void test_failures_not_waited_for_are_told(void **state)
{
    (void)state;
    scene.reply.status = HWS_E_MEMBER_LOST;
    hws_request *first = start(1), *second = start(2);
    assert_int_equal(hws_wait(first, UINT32_MAX, NULL), HWS_E_MEMBER_LOST);
    assert_int_equal(reduce(3, NULL), HWS_E_MEMBER_LOST); // collects its own failure; `second` is done by now
    assert_int_equal(hws_view(comm, NULL), HWS_E_MEMBER_LOST);
    assert_int_equal(scene.request.unwaited, 1);
    assert_int_equal(hws_wait(second, 0, NULL), HWS_E_MEMBER_LOST);
    hws_view(comm, NULL);
    assert_int_equal(scene.request.unwaited, 0);
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

static void test_operations_in_flight_are_bounded(void **state)
{
    (void)state;
    hws_request *requests[HWI_OPS_MAX], *more;
    scene.silent = true;
    for (uint64_t i = 0; i < HWI_OPS_MAX; i++)
        requests[i] = start(i);
    assert_int_equal(hws_all_reduce_async(comm, buffer, buffer, 1, HWS_F32, HWS_SUM, NULL, &more),
                     HWS_E_LIMIT);
    assert_int_equal(reduce(0, NULL), HWS_E_LIMIT);
    scene.silent = false;
    scene.reply.status = HWS_E_BUSY;
    assert_int_equal(hws_view(comm, NULL), HWS_E_BUSY); // views have room of their own
    hws_close(comm);
    for (uint32_t i = 0; i < HWI_OPS_MAX; i++)
        assert_int_equal(hws_wait(requests[i], UINT32_MAX, NULL), HWS_E_CLOSED);
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
static void test_no_reply_is_outcome_unknown(void **state)
{
    (void)state;
    hws_stats stats = HWS_STATS_INIT;
    scene.silent = true;
    hws_request *other = start(1);
    scene.clock_races = true;
    assert_int_equal(reduce(2, NULL), HWS_E_OUTCOME_UNKNOWN);
    assert_non_null(strstr(hws_last_error(), "127.0.0.1:4000"));
    scene.clock_races = false;
    assert_null(scene.host); // no thread of ours refers to the buffer
    assert_int_equal(hws_wait(other, 0, NULL), HWS_E_OUTCOME_UNKNOWN);
    assert_int_equal(reduce(3, NULL), HWS_E_OUTCOME_UNKNOWN);
    assert_int_equal(hws_view(comm, NULL), HWS_E_OUTCOME_UNKNOWN);
    assert_int_equal(hws_stats_get(comm, &stats), HWS_OK);
    assert_int_equal(stats.bytes_sent, 11);
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
    scene.silent = true;
    scene.clock_races = true;
    for (uint64_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, wait_for, start(i));
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
    assert_int_equal(stats.views, 2);
    assert_int_equal(stats.reduce_bytes, 22);
}

static void test_opening_can_fail(void **state)
{
    (void)state;
    static const struct {
        hws_status status;
        const char *sentence;
    } cases[] = {
        {HWS_E_UNREACHABLE, "no answer from the master at h:4000 within 50 ms: is `hawser master` "
                            "running there?"},
        {HWS_E_TIMEOUT, "registered with the master at h:4000, but not admitted within 50 ms"},
        {HWS_E_REFUSED, "the master at h:4000 refused this member"},
    };
    hws_config config = HWS_CONFIG_INIT;
    hws_comm *failed = NULL;
    config.master = "h:4000";
    config.open_ms = 50;
    for (size_t i = 0; i < HWI_COUNT(cases); i++) {
        memset(&scene, 0, sizeof(scene));
        scene.open_status = cases[i].status;
        assert_int_equal(hws_open(&config, &failed), cases[i].status);
        assert_memory_equal(hws_last_error(), cases[i].sentence, strlen(cases[i].sentence));
        assert_null(failed);
        assert_null(scene.host);
    }
    scene.create_status = HWS_E_SYSTEM;
    assert_int_equal(hws_open(&config, &failed), HWS_E_SYSTEM);
    assert_string_equal(hws_last_error(), "127.0.0.1:1 cannot be bound: permission denied");
    scene.create_status = 0;
    scene.submit_status = HWS_E_NO_MEMORY;
    assert_int_equal(hws_open(&config, &failed), HWS_E_NO_MEMORY);
    assert_null(scene.host);
}

static void assert_sentence(hws_status status, const char *sentence)
{
    scene.reply.status = status;
    assert_int_equal(reduce(7, NULL), status);
    assert_string_equal(hws_last_error(), sentence);
}

static void test_mismatch_names_both_sides(void **state)
{
    (void)state;
    struct hwi_fault *fault = &scene.reply.fault;
    *fault = (struct hwi_fault){.peer_a = 3, .peer_b = 1, .tag = 7};
    fault->signature_a = (struct hwi_signature){HWI_KIND_ALL_REDUCE, HWS_F32, HWS_SUM, 100};
    fault->signature_b = (struct hwi_signature){HWI_KIND_ALL_REDUCE, HWS_F32, HWS_SUM, 120};
    assert_sentence(HWS_E_MISMATCH, "peer 3 called all_reduce f32 x 100, peer 1 f32 x 120, tag 7: "
                                    "make the same call on all members");
    fault->signature_b = (struct hwi_signature){HWI_KIND_ALL_REDUCE, HWS_F64, HWS_AVG, 100};
    assert_sentence(HWS_E_MISMATCH, "peer 3 called all_reduce f32 x 100 sum, peer 1 f64 x 100 avg, "
                                    "tag 7: make the same call on all members");
    *fault = (struct hwi_fault){.peer_a = 3, .peer_b = 1, .tag = 7};
    assert_sentence(HWS_E_MISMATCH, "members made different calls on all_reduce tag 7: make the "
                                    "same call on all members");
}

static void test_membership_sentences(void **state)
{
    (void)state;
    struct hwi_id lost[12];
    for (uint64_t i = 0; i < HWI_COUNT(lost); i++)
        lost[i].value = i + 2;
    scene.reply.lost = lost;
    scene.reply.lost_count = 1;
    assert_sentence(HWS_E_MEMBER_LOST, "lost peer 2 during all_reduce tag 7 in view 4: acknowledge "
                                       "with hws_view and call again");
    scene.reply.lost_count = 12;
    assert_sentence(HWS_E_MEMBER_LOST,
                    "lost peers 2, 3, 4, 5, 6, 7, 8, 9 and 4 more during all_reduce tag 7 in view "
                    "4: acknowledge with hws_view and call again");
    scene.reply.lost_count = 0;
    assert_sentence(HWS_E_VIEW, "the view changed before all_reduce tag 7: acknowledge with "
                                "hws_view and call again");
    assert_sentence(HWS_E_TIMEOUT, "all_reduce tag 7 was not finished by all members within 2000 "
                                   "ms: acknowledge with hws_view and call again");
    scene.reply.members = members;
    scene.reply.members_count = 1;
    assert_sentence(HWS_E_TOO_FEW, "view 4 has 1 members and all_reduce tag 7 needs min_members, 2: "
                                   "wait for more members, acknowledge with hws_view and call again");
    scene.reply.fault.peer_a = 3;
    scene.reply.fault.status = HWS_E_TIMEOUT;
    assert_sentence(HWS_E_WITHDRAWN, "peer 3 withdrew from all_reduce tag 7 in view 4 (the deadline "
                                     "passed): acknowledge with hws_view and call again");
}

static void test_sentences_of_the_end(void **state)
{
    (void)state;
    assert_sentence(HWS_E_OUTCOME_UNKNOWN,
                    "no decision on all_reduce tag 7 from the master at 127.0.0.1:4000 within 2000 "
                    "ms and 15000 ms of grace: close, open again and sync");
    strcpy(scene.reply.reason, "not heard for 5000 ms");
    assert_sentence(HWS_E_EVICTED, "all_reduce tag 7: this member was put out of the run (not heard "
                                   "for 5000 ms): close, open again and sync");
    scene.reply.reason[0] = '\0';
    assert_sentence(HWS_E_NOT_SYNCED, "all_reduce tag 7: the shared state is not synced: call "
                                      "hws_sync first");
    scene.host->config.ops->check_failed(scene.host->config.user, "reducer", "a < b", "x.c", 12);
    scene.host->config.ops->check_failed(scene.host->config.user, "peer", "c < d", "y.c", 13);
    assert_sentence(HWS_E_INTERNAL, "an internal check failed during all_reduce tag 7 (reducer: a < "
                                    "b at x.c:12): close, open again and sync");
}

static void test_every_status_has_a_sentence(void **state)
{
    (void)state;
#define STATUS(name, value, klass, text) HWS_##name,
    static const hws_status statuses[] = {HWS_STATUS_MAP(STATUS)};
#undef STATUS
    hws_result result = HWS_RESULT_INIT;
    for (size_t i = 1; i < HWI_COUNT(statuses); i++) {
        scene.reply.status = statuses[i];
        assert_int_equal(hws_admit(comm, &result), statuses[i]);
        assert_int_equal(result.status, statuses[i]);
        assert_true(strlen(hws_last_error()) > 15);
    }
}

static void test_a_longer_view_is_cut_in_the_list_only(void **state)
{
    (void)state;
    static struct hwi_id many[HWS_RESULT_MEMBERS_MAX + 10];
    for (uint64_t i = 0; i < HWI_COUNT(many); i++)
        many[i].value = i + 1;
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_comm, close_comm)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_reply_becomes_a_result),
        TEST(test_a_call_becomes_a_request),
        TEST(test_agree_gives_its_value_only_on_ok),
        TEST(test_pending_is_what_was_agreed_last),
        TEST(test_failures_not_waited_for_are_told),
        TEST(test_pending_request_can_be_waited_for_again),
        TEST(test_operations_in_flight_are_bounded),
        TEST(test_closing_ends_what_is_in_flight),
        TEST(test_no_reply_is_outcome_unknown),
        TEST(test_all_waiting_threads_are_let_go),
        TEST(test_a_child_may_not_use_it),
        TEST(test_counters),
        TEST(test_mismatch_names_both_sides),
        TEST(test_membership_sentences),
        TEST(test_sentences_of_the_end),
        TEST(test_every_status_has_a_sentence),
        TEST(test_a_longer_view_is_cut_in_the_list_only),
        TEST(test_older_callers_have_a_shorter_result),
        cmocka_unit_test(test_opening_can_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
