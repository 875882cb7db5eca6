// SPDX-License-Identifier: MIT
// Several threads on one communicator: starting, waiting, cancelling, batching, reading counters,
// closing. Run under the thread sanitizer, too.
#include <sched.h>
#include <stdatomic.h>

#include "tests/unit/run.h"

enum { MEMBERS = 2, LIVES = 5, COUNT = 500, ENOUGH = 60 };

struct life {
    struct member *member;
    uint64_t tag;
    float input[COUNT], outputs[4][COUNT];
    char wrong[RUN_TEXT_BYTES];
};

static struct run run;
static _Atomic uint32_t succeeded;

// Called once; the first failure of a thread is kept.
#define HOLDS(life, condition)                                                                     \
    do {                                                                                           \
        if (!(condition) && (life)->wrong[0] == '\0')                                              \
            snprintf((life)->wrong, RUN_TEXT_BYTES, "%s:%d: %s [%s]", __FILE__, __LINE__,          \
                     #condition, hws_last_error());                                                \
    } while (0)

// Closed by another thread: before the call, or in it.
static bool is_over(hws_status status)
{
    return status == HWS_E_CLOSED || status == HWS_E_INVALID;
}

// Everybody gives ones: whatever calls meet after a failure, a sum is the number of members.
static void judge(struct life *life, hws_status status, const float *output,
                  const hws_result *result)
{
    if (status != HWS_OK) {
        HOLDS(life, is_over(status) || hws_status_class(status) == HWS_CLASS_VIEW);
        hws_view(life->member->comm, NULL);
        return;
    }
    for (uint32_t i = 0; output != NULL && i < COUNT; i++) {
        HOLDS(life, output[i] == (float)result->member_count);
    }
    atomic_fetch_add(&succeeded, 1);
}

static hws_op op_of(struct life *life, uint32_t i)
{
    hws_op op = HWS_OP_INIT;
    op.what = HWS_ALL_REDUCE;
    op.input = life->input;
    op.output = life->outputs[i];
    op.count = COUNT;
    op.dtype = HWS_F32;
    op.redop = HWS_SUM;
    op.options.tag = life->tag + i;
    op.options.timeout_ms = 2000;
    op.options.retry = 1;
    return op;
}

// ---- lives

static void start_and_wait(struct life *life)
{
    hws_status status;
    do {
        hws_request *requests[4] = {NULL};
        hws_result result = HWS_RESULT_INIT;
        size_t index;
        for (uint32_t i = 0; i < 4; i++) {
            hws_op op = op_of(life, i);
            status = hws_start(life->member->comm, &op, &requests[i]);
        }
        while ((index = SIZE_MAX, requests[0] != NULL || requests[1] != NULL ||
                                      requests[2] != NULL || requests[3] != NULL)) {
            status = hws_wait_any(requests, 4, UINT32_MAX, &index, &result);
            HOLDS(life, index < 4);
            judge(life, status, life->outputs[index % 4], &result);
        }
    } while (!is_over(status));
}

static void run_batches(struct life *life)
{
    hws_status status;
    do {
        hws_op ops[4];
        hws_status statuses[4];
        hws_result results[4] = {HWS_RESULT_INIT, HWS_RESULT_INIT, HWS_RESULT_INIT,
                                 HWS_RESULT_INIT};
        for (uint32_t i = 0; i < 4; i++) {
            ops[i] = op_of(life, i);
        }
        status = hws_batch(life->member->comm, ops, 4, 2, 2000, statuses, results);
        bool all = true;
        for (uint32_t i = 0; i < 4 && !is_over(status); i++) {
            all = all && statuses[i] == HWS_OK;
            judge(life, statuses[i], life->outputs[i], &results[i]);
        }
        HOLDS(life, is_over(status) || all == (status == HWS_OK));
    } while (!is_over(status));
}

static void agree(struct life *life)
{
    hws_status status;
    do {
        hws_op op = op_of(life, 0);
        uint64_t agreed = 0;
        status = hws_agree(life->member->comm, 7, HWS_AGREE_MIN, &op.options, &agreed, NULL);
        HOLDS(life, status != HWS_OK || agreed == 7);
        judge(life, status, NULL, NULL);
    } while (!is_over(status));
}

static void *wait_for(void *user)
{
    hws_wait(user, UINT32_MAX, NULL);
    return NULL;
}

// One thread waits, another cancels: what the other member never calls.
static void cancel(struct life *life)
{
    hws_status status;
    life->tag += 10 * life->member->index;
    do {
        hws_request *request;
        pthread_t waiter;
        hws_op op = op_of(life, 0);
        status = hws_start(life->member->comm, &op, &request);
        if (status != HWS_OK) {
            continue;
        }
        pthread_create(&waiter, NULL, wait_for, request);
        uint32_t before = atomic_load(&succeeded);
        while (atomic_load(&succeeded) < before + 5 && hws_test(request) == HWS_E_PENDING) {
            sched_yield(); // the others get on
        }
        hws_cancel(request); // may be one that was waited for already
        pthread_join(waiter, NULL);
        hws_view(life->member->comm, NULL);
    } while (!is_over(status));
}

static void read_counters(struct life *life)
{
    hws_status status;
    do {
        hws_stats stats = HWS_STATS_INIT;
        hws_edge_stats edges[MEMBERS] = {HWS_EDGE_STATS_INIT, HWS_EDGE_STATS_INIT};
        size_t count;
        uint32_t pending;
        char address[64];
        hws_stats_get(life->member->comm, &stats);
        hws_pending(life->member->comm, &pending);
        hws_address(life->member->comm, address, sizeof address);
        status = hws_stats_edges(life->member->comm, edges, MEMBERS, &count);
        HOLDS(life, status != HWS_OK || count < MEMBERS);
        sched_yield();
    } while (!is_over(status));
}

static void (*const lives[LIVES])(struct life *life) = {start_and_wait, run_batches, agree, cancel,
                                                        read_counters};

static void *live(void *user)
{
    struct life *life = user;
    lives[life->tag / 100](life);
    return NULL;
}

static void threads_share_a_communicator(void **state)
{
    (void)state;
    static struct life all[MEMBERS][LIVES];
    pthread_t threads[MEMBERS][LIVES];
    run_open(&run, MEMBERS);
    for (uint32_t m = 0; m < MEMBERS; m++) {
        for (uint32_t i = 0; i < LIVES; i++) {
            all[m][i].member = &run.members[m];
            all[m][i].tag = 100 * i;
            for (uint32_t k = 0; k < COUNT; k++) {
                all[m][i].input[k] = 1;
            }
            assert_int_equal(pthread_create(&threads[m][i], NULL, live, &all[m][i]), 0);
        }
    }
    while (atomic_load(&succeeded) < ENOUGH) {
        sched_yield();
    }
    for (uint32_t m = 0; m < MEMBERS; m++) { // while all the others go on
        assert_int_equal(hws_close(run.members[m].comm), HWS_OK);
    }
    for (uint32_t m = 0; m < MEMBERS; m++) {
        for (uint32_t i = 0; i < LIVES; i++) {
            pthread_join(threads[m][i], NULL);
        }
        run.members[m].comm = NULL;
    }
    for (uint32_t m = 0; m < MEMBERS; m++) {
        for (uint32_t i = 0; i < LIVES; i++) {
            if (all[m][i].wrong[0] != '\0') {
                fail_msg("member %u, life %u: %s", m, i, all[m][i].wrong);
            }
        }
    }
    run_close(&run);
}

// ---- closing

struct caller {
    pthread_t thread;
    hws_status status;
    hws_request *requests[2];
};

static float sums[8][4];

static void *reduce_alone(void *user)
{
    struct caller *caller = user;
    caller->status =
        hws_all_reduce(run.members[0].comm, sums[0], sums[0], 4, HWS_F32, HWS_SUM, NULL, NULL);
    return NULL;
}

static void *wait_alone(void *user)
{
    struct caller *caller = user;
    caller->status = hws_wait_all(caller->requests, 2, UINT32_MAX, NULL, NULL);
    return NULL;
}

static void *batch_alone(void *user)
{
    struct caller *caller = user;
    hws_op ops[3];
    for (uint32_t i = 0; i < 3; i++) {
        const hws_op op = HWS_OP_INIT;
        ops[i] = op;
        ops[i].what = HWS_BARRIER;
        ops[i].options.tag = 20 + i;
    }
    caller->status = hws_batch(run.members[0].comm, ops, 3, 1, 0, NULL, NULL);
    return NULL;
}

static void wait_until_in_flight(uint64_t count)
{
    hws_stats stats = HWS_STATS_INIT;
    while (stats.in_flight < count) {
        assert_int_equal(hws_stats_get(run.members[0].comm, &stats), HWS_OK);
        sched_yield();
    }
}

static void closing_ends_all_calls_of_other_threads(void **state)
{
    (void)state;
    struct caller callers[3] = {{0}};
    void *(*const calls[])(void *) = {reduce_alone, wait_alone, batch_alone};
    hws_options options = HWS_OPTIONS_INIT;
    run_open(&run, MEMBERS);
    for (uint32_t i = 0; i < 2; i++) {
        options.tag = 10 + i;
        assert_int_equal(hws_all_reduce_async(run.members[0].comm, sums[1 + i], sums[1 + i], 4,
                                              HWS_F32, HWS_SUM, &options, &callers[1].requests[i]),
                         HWS_OK);
    }
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(pthread_create(&callers[i].thread, NULL, calls[i], &callers[i]), 0);
    }
    wait_until_in_flight(4);
    assert_int_equal(hws_close(run.members[0].comm), HWS_OK);
    run.members[0].comm = NULL;
    for (uint32_t i = 0; i < 3; i++) {
        pthread_join(callers[i].thread, NULL);
        assert_int_equal(callers[i].status, HWS_E_CLOSED);
    }
    run_close(&run);
}

static void *close_it(void *user)
{
    return (void *)(intptr_t)hws_close(user);
}

static void only_one_thread_closes(void **state)
{
    (void)state;
    enum { CLOSERS = 4 };
    pthread_t closers[CLOSERS];
    uint32_t closed = 0;
    run_open(&run, 1);
    for (uint32_t i = 0; i < CLOSERS; i++) {
        pthread_create(&closers[i], NULL, close_it, run.members[0].comm);
    }
    for (uint32_t i = 0; i < CLOSERS; i++) {
        void *status;
        pthread_join(closers[i], &status);
        closed += (intptr_t)status == HWS_OK;
        assert_true((intptr_t)status == HWS_OK || (intptr_t)status == HWS_E_INVALID);
    }
    assert_int_equal(closed, 1);
    run.members[0].comm = NULL;
    run_close(&run);
}

// ---- counters

static void send_much(struct member *member)
{
    enum { ELEMENTS = 1 << 20 };
    float *memory = calloc(ELEMENTS, sizeof(float));
    hws_stats stats = HWS_STATS_INIT;
    hws_edge_stats edge = HWS_EDGE_STATS_INIT;
    size_t count = 0;
    EXPECT(member, hws_all_reduce(member->comm, memory, memory, ELEMENTS, HWS_F32, HWS_SUM, NULL,
                                  NULL) == HWS_OK);
    free(memory);
    EXPECT(member, hws_stats_get(member->comm, &stats) == HWS_OK);
    EXPECT(member, hws_stats_edges(member->comm, &edge, 1, &count) == HWS_OK && count == 1);
    EXPECT(member, edge.peer.value != 0 && edge.stripe_count == 4);
    EXPECT(member, edge.bytes_sent >= stats.bytes_sent && stats.bytes_sent == 4u << 20);
    EXPECT(member, edge.bytes_received >= stats.bytes_received && edge.sent_per_s > 0);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < edge.stripe_count; i++) {
        sum += edge.stripes[i].bytes_sent;
    }
    EXPECT(member, sum == edge.bytes_sent); // nothing of it was state
    EXPECT(member, edge.stripes[4].bytes_sent == 0);
    EXPECT(member, stats.committed == 1 && stats.attempts == 1 && stats.commit_wait_us > 0);
}

static void edges_report_the_bytes_they_carried(void **state)
{
    (void)state;
    run_open(&run, MEMBERS);
    run_together(&run, 0, MEMBERS, send_much);
    run_close(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_a_communicator),
        cmocka_unit_test(closing_ends_all_calls_of_other_threads),
        cmocka_unit_test(only_one_thread_closes),
        cmocka_unit_test(edges_report_the_bytes_they_carried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
