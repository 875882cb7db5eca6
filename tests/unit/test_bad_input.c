// SPDX-License-Identifier: MIT
// Every function that takes a handle (communicator, request, state, master), with handles and
// arguments that are wrong: an error that names what is wrong, and nothing else happens. A lint
// test (bad_input.py) sees to it that no function is missing.
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/run.h"

enum { COUNT = 8, MARK = 7 };

static struct run run;
static hws_comm *comm;
static hws_state *shared;
static hws_request *flying;
static float lent[COUNT]; // to `flying`

// Arguments that are right, for calls in which something else is wrong.
static struct {
    float input[COUNT], output[COUNT];
    size_t counts[4], index, number;
    uint64_t agreed;
    uint32_t pending;
    char text[64];
    hws_options options;
    hws_result result, results[2];
    hws_stats stats;
    hws_edge_stats edges[2];
    hws_op op, ops[2];
    hws_peer_id root;
    hws_request *request, *requests[2];
    hws_status statuses[2];
} right;

static void set_right(void)
{
    const hws_options options = HWS_OPTIONS_INIT;
    const hws_result result = HWS_RESULT_INIT;
    const hws_stats stats = HWS_STATS_INIT;
    const hws_edge_stats edge = HWS_EDGE_STATS_INIT;
    const hws_op op = HWS_OP_INIT;
    memset(&right, 0, sizeof right);
    for (int i = 0; i < COUNT; i++) {
        right.input[i] = right.output[i] = MARK;
    }
    right.options = options;
    right.result = right.results[0] = right.results[1] = result;
    right.stats = stats;
    right.edges[0] = right.edges[1] = edge;
    right.op = op;
    right.op.what = HWS_ALL_REDUCE;
    right.op.input = right.input;
    right.op.output = right.output;
    right.op.count = COUNT;
    right.op.dtype = HWS_F32;
    right.op.redop = HWS_SUM;
    right.ops[0] = right.ops[1] = right.op;
    right.root.value = 1;
    right.requests[0] = flying;
}

// ---- functions by what they take

#define ON_COMM(name, ...)                                                                         \
    static hws_status call_##name(hws_comm *on)                                                    \
    {                                                                                              \
        return hws_##name(on, __VA_ARGS__);                                                        \
    }
#define ALONE(name)                                                                                \
    static hws_status call_##name(hws_comm *on)                                                    \
    {                                                                                              \
        return hws_##name(on);                                                                     \
    }

ON_COMM(all_reduce, right.input, right.output, COUNT, HWS_F32, HWS_SUM, NULL, NULL)
ON_COMM(reduce_scatter, right.input, COUNT, right.output, COUNT, HWS_F32, HWS_SUM, NULL, NULL)
ON_COMM(all_gather, right.input, COUNT, right.output, COUNT, NULL, 0, HWS_F32, NULL, NULL)
ON_COMM(broadcast, right.input, right.output, COUNT, HWS_F32, right.root, NULL, NULL)
ON_COMM(barrier, NULL, NULL)
ON_COMM(agree, 1, HWS_AGREE_AND, NULL, &right.agreed, NULL)
ON_COMM(start, &right.op, &right.request)
ON_COMM(all_reduce_async, right.input, right.output, COUNT, HWS_F32, HWS_SUM, NULL, &right.request)
ON_COMM(reduce_scatter_async, right.input, COUNT, right.output, COUNT, HWS_F32, HWS_SUM, NULL,
        &right.request)
ON_COMM(all_gather_async, right.input, COUNT, right.output, COUNT, NULL, 0, HWS_F32, NULL,
        &right.request)
ON_COMM(broadcast_async, right.input, right.output, COUNT, HWS_F32, right.root, NULL,
        &right.request)
ON_COMM(barrier_async, NULL, &right.request)
ON_COMM(agree_async, 1, HWS_AGREE_AND, NULL, &right.request)
ON_COMM(batch, right.ops, 2, 2, 0, right.statuses, right.results)
ON_COMM(pending, &right.pending)
ON_COMM(admit, NULL)
ON_COMM(view, NULL)
ON_COMM(stats_get, &right.stats)
ON_COMM(stats_edges, right.edges, 2, &right.number)
ON_COMM(address, right.text, sizeof right.text)
ON_COMM(sync, shared, HWS_SYNC_ENFORCE, NULL, NULL)
ALONE(close)

static const struct on_comm {
    const char *name;
    hws_status (*call)(hws_comm *on);
} on_comm[] = {
#define LISTED(name)                                                                               \
    {                                                                                              \
        "hws_" #name, call_##name                                                                  \
    }
    LISTED(all_reduce),
    LISTED(reduce_scatter),
    LISTED(all_gather),
    LISTED(broadcast),
    LISTED(barrier),
    LISTED(agree),
    LISTED(start),
    LISTED(all_reduce_async),
    LISTED(reduce_scatter_async),
    LISTED(all_gather_async),
    LISTED(broadcast_async),
    LISTED(barrier_async),
    LISTED(agree_async),
    LISTED(batch),
    LISTED(pending),
    LISTED(admit),
    LISTED(view),
    LISTED(stats_get),
    LISTED(stats_edges),
    LISTED(address),
    LISTED(sync),
    LISTED(close),
};
enum { ON_COMM_COUNT = sizeof on_comm / sizeof on_comm[0] };

static hws_status call_wait(hws_request *on)
{
    return hws_wait(on, 0, NULL);
}

static hws_status call_wait_any(hws_request *on)
{
    return hws_wait_any(&on, 1, 0, &right.index, NULL);
}

static hws_status call_wait_all(hws_request *on)
{
    hws_status status = hws_wait_all(&on, 1, 0, NULL, NULL);
    return on == NULL && status == HWS_OK ? HWS_E_INVALID : status; // none is nothing to wait for
}

static const struct on_request {
    const char *name;
    hws_status (*call)(hws_request *on);
} on_request[] = {
    {"hws_wait", call_wait}, {"hws_wait_any", call_wait_any}, {"hws_wait_all", call_wait_all},
    {"hws_test", hws_test},  {"hws_cancel", hws_cancel},
};
enum { ON_REQUEST_COUNT = sizeof on_request / sizeof on_request[0] };

static hws_status call_state_add(hws_state *on)
{
    return hws_state_add(on, "v", HWS_F32, right.input, COUNT);
}

static hws_status call_state_may_differ(hws_state *on)
{
    return hws_state_may_differ(on, "w");
}

static hws_status call_state_revision(hws_state *on)
{
    return hws_state_revision(on) == 0 ? HWS_E_INVALID : HWS_OK;
}

static hws_status call_state_set_revision(hws_state *on)
{
    return hws_state_set_revision(on, 9);
}

static hws_status call_state_begin_write(hws_state *on)
{
    return hws_state_begin_write(on);
}

static hws_status call_state_end_write(hws_state *on)
{
    return hws_state_end_write(on);
}

static hws_status call_state_destroy(hws_state *on)
{
    hws_state_destroy(on); // says nothing
    return hws_state_set_revision(on, 9);
}

static hws_status call_sync_of(hws_state *on)
{
    return hws_sync(comm, on, HWS_SYNC_ENFORCE, NULL, NULL);
}

static hws_status call_checkpoint_save(hws_state *on)
{
    return hws_checkpoint_save(on, "/nonexistent/state.hwc", NULL, NULL);
}

static hws_status call_checkpoint_load(hws_state *on)
{
    return hws_checkpoint_load(on, "/nonexistent/state.hwc", NULL);
}

static const struct on_state {
    const char *name;
    hws_status (*call)(hws_state *on);
} on_state[] = {
    {"hws_state_add", call_state_add},
    {"hws_state_may_differ", call_state_may_differ},
    {"hws_state_revision", call_state_revision},
    {"hws_state_set_revision", call_state_set_revision},
    {"hws_state_begin_write", call_state_begin_write},
    {"hws_state_end_write", call_state_end_write},
    {"hws_state_destroy", call_state_destroy},
    {"hws_sync", call_sync_of},
    {"hws_checkpoint_save", call_checkpoint_save},
    {"hws_checkpoint_load", call_checkpoint_load},
};
enum { ON_STATE_COUNT = sizeof on_state / sizeof on_state[0] };

static hws_status call_master_address(hws_master *on)
{
    return hws_master_address(on, right.text, sizeof right.text);
}

static const struct on_master {
    const char *name;
    hws_status (*call)(hws_master *on);
} on_master[] = {
    {"hws_master_address", call_master_address},
    {"hws_master_stop", hws_master_stop},
};
enum { ON_MASTER_COUNT = sizeof on_master / sizeof on_master[0] };

// ---- one member, one operation in flight that nobody ends

static int setup(void **state)
{
    (void)state;
    run_open(&run, 2);
    comm = run.members[0].comm;
    assert_int_equal(hws_state_create(&shared), HWS_OK);
    assert_int_equal(hws_state_add(shared, "w", HWS_F32, right.output, COUNT), HWS_OK);
    set_right();
    right.op.options.tag = 99;
    right.op.input = right.op.output = lent;
    assert_int_equal(hws_start(comm, &right.op, &flying), HWS_OK);
    set_right();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    run_close(&run);
    if (flying != NULL) {
        hws_wait(flying, UINT32_MAX, NULL);
    }
    flying = NULL;
    hws_state_destroy(shared);
    return 0;
}

static hws_stats counters(void)
{
    hws_stats stats = HWS_STATS_INIT;
    assert_int_equal(hws_stats_get(comm, &stats), HWS_OK);
    return stats;
}

static void assert_said(const char *name, const char *words)
{
    if (strstr(hws_last_error(), words) == NULL) {
        fail_msg("%s: \"%s\" does not say \"%s\"", name, hws_last_error(), words);
    }
}

// The run continues as if nothing had been called.
static void assert_untouched(const char *name)
{
    for (int i = 0; i < COUNT; i++) {
        if (right.input[i] != MARK || right.output[i] != MARK) {
            fail_msg("%s touched a buffer", name);
        }
    }
    hws_stats stats = counters();
    if (stats.in_flight != 1 || stats.failed_other + stats.failed_view + stats.committed != 0) {
        fail_msg("%s touched the run", name);
    }
    if (right.request != NULL) {
        fail_msg("%s gave out a request", name);
    }
}

static void expect_invalid(const char *name, hws_status status, const char *words)
{
    if (status != HWS_E_INVALID) {
        fail_msg("%s with a handle that is %s: %s", name, words, hws_status_name(status));
    }
    assert_said(name, name);
    assert_untouched(name);
}

static void handles_that_are_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < ON_COMM_COUNT; i++) {
        const struct on_comm *function = &on_comm[i];
        if (strcmp(function->name, "hws_close") != 0) { // NULL is allowed there
            expect_invalid(function->name, function->call(NULL), "NULL");
        }
        expect_invalid(function->name, function->call((hws_comm *)&right), "foreign");
        expect_invalid(function->name, function->call((hws_comm *)flying), "a request");
        expect_invalid(function->name, function->call((hws_comm *)1), "no address");
    }
    for (size_t i = 0; i < ON_REQUEST_COUNT; i++) {
        const struct on_request *function = &on_request[i];
        if (function->call(NULL) != HWS_E_INVALID) {
            fail_msg("%s with NULL", function->name);
        }
        expect_invalid(function->name, function->call((hws_request *)&right), "foreign");
        expect_invalid(function->name, function->call((hws_request *)comm), "a communicator");
    }
}

static void what_was_closed(void **state)
{
    (void)state;
    hws_comm *closed = run.members[1].comm;
    assert_int_equal(hws_close(closed), HWS_OK);
    run.members[1].comm = NULL;
    hws_wait(flying, UINT32_MAX, NULL); // lost with it
    for (size_t i = 0; i < ON_COMM_COUNT; i++) {
        if (on_comm[i].call(closed) != HWS_E_INVALID) {
            fail_msg("%s on a closed communicator", on_comm[i].name);
        }
    }
    for (size_t i = 0; i < ON_REQUEST_COUNT; i++) {
        if (on_request[i].call(flying) != HWS_E_INVALID) {
            fail_msg("%s on a request that was waited for", on_request[i].name);
        }
    }
    flying = NULL;
}

static void states_that_are_none(void **state)
{
    (void)state;
    hws_state *gone = NULL;
    assert_int_equal(hws_state_create(&gone), HWS_OK);
    hws_state_destroy(gone);
    hws_state *none[] = {NULL, (hws_state *)&right, (hws_state *)comm, gone};
    for (size_t i = 0; i < ON_STATE_COUNT; i++) {
        for (size_t k = 0; k < sizeof none / sizeof none[0]; k++) {
            if (on_state[i].call(none[k]) != HWS_E_INVALID) {
                fail_msg("%s with what is no state (%zu)", on_state[i].name, k);
            }
            assert_said(on_state[i].name, k == 0 ? "state is NULL" : "state is not in use");
            assert_untouched(on_state[i].name);
        }
    }
}

static void masters_that_are_none(void **state)
{
    (void)state;
    hws_master_config config = HWS_MASTER_CONFIG_INIT;
    hws_master *stopped = NULL;
    assert_int_equal(hws_master_start(&config, &stopped), HWS_OK);
    assert_int_equal(hws_master_stop(stopped), HWS_OK);
    for (size_t i = 0; i < ON_MASTER_COUNT; i++) {
        const struct on_master *function = &on_master[i];
        if (function->call != hws_master_stop) { // NULL is allowed there
            expect_invalid(function->name, function->call(NULL), "NULL");
        }
        expect_invalid(function->name, function->call((hws_master *)&right), "foreign");
        expect_invalid(function->name, function->call((hws_master *)comm), "a communicator");
        expect_invalid(function->name, function->call(stopped), "stopped");
    }
}

// The child's exit code: the place + 1 of the first function that does not say FORKED.
static int first_that_works_after_fork(void)
{
    for (int i = 0; i < ON_COMM_COUNT; i++) {
        if (on_comm[i].call(comm) != HWS_E_FORKED) {
            return i + 1;
        }
    }
    for (int i = 0; i < ON_REQUEST_COUNT; i++) {
        if (on_request[i].call(flying) != HWS_E_FORKED) {
            return ON_COMM_COUNT + i + 1;
        }
    }
    for (int i = 0; i < ON_MASTER_COUNT; i++) {
        if (on_master[i].call(run.master) != HWS_E_FORKED) {
            return ON_COMM_COUNT + ON_REQUEST_COUNT + i + 1;
        }
    }
    hws_config config = run.config;
    hws_comm *own = NULL; // it may open its own
    config.open_ms = 1;
    hws_status status = hws_open(&config, &own);
    return status == HWS_E_NOT_ADMITTED || status == HWS_E_UNREACHABLE ? 0 : 255;
}

static void a_child_after_fork(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        _exit(first_that_works_after_fork());
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    int code = WEXITSTATUS(status);
    if (code > 0) {
        fail_msg("in a child: %s",
                 code <= ON_COMM_COUNT ? on_comm[code - 1].name : "a request's or a master's");
    }
    assert_untouched("fork");
}

// ---- arguments

#define CHECK(words, call)                                                                         \
    do {                                                                                           \
        set_right();                                                                               \
        hws_status status_ = (call);                                                               \
        if (status_ != HWS_E_INVALID && status_ != HWS_E_LIMIT)                                    \
            fail_msg("line %d: %s", __LINE__, hws_status_name(status_));                           \
        assert_said(#call, words);                                                                 \
        assert_untouched(#call);                                                                   \
    } while (0)

static void reductions(void **state)
{
    (void)state;
    const float *in = right.input;
    float *out = right.output;
    const hws_dtype f32 = HWS_F32;
    hws_request **request = &right.request;
    CHECK("input is NULL", hws_all_reduce(comm, NULL, out, COUNT, f32, HWS_SUM, NULL, NULL));
    CHECK("output is NULL", hws_all_reduce(comm, in, NULL, COUNT, f32, HWS_SUM, NULL, NULL));
    CHECK("count is 0", hws_all_reduce(comm, in, out, 0, f32, HWS_SUM, NULL, NULL));
    CHECK("2^40", hws_all_reduce(comm, in, out, SIZE_MAX, f32, HWS_SUM, NULL, NULL));
    CHECK("overlap", hws_all_reduce(comm, in, right.input + 1, COUNT, f32, HWS_SUM, NULL, NULL));
    CHECK("dtype 13", hws_all_reduce(comm, in, out, COUNT, (hws_dtype)13, HWS_SUM, NULL, NULL));
    CHECK("dtype -1", hws_all_reduce(comm, in, out, COUNT, (hws_dtype)-1, HWS_SUM, NULL, NULL));
    CHECK("redop 6", hws_all_reduce(comm, in, out, COUNT, f32, (hws_redop)6, NULL, NULL));
    CHECK("request is NULL", hws_all_reduce_async(comm, in, out, COUNT, f32, HWS_SUM, NULL, NULL));
    CHECK("count is 0", hws_all_reduce_async(comm, in, out, 0, f32, HWS_SUM, NULL, request));
    CHECK("input is NULL",
          hws_reduce_scatter(comm, NULL, COUNT, out, COUNT, f32, HWS_SUM, NULL, NULL));
    CHECK("output is NULL",
          hws_reduce_scatter(comm, in, COUNT, NULL, COUNT, f32, HWS_SUM, NULL, NULL));
    CHECK("count is 0", hws_reduce_scatter(comm, in, 0, out, COUNT, f32, HWS_SUM, NULL, NULL));
    CHECK("redop 0",
          hws_reduce_scatter(comm, in, COUNT, out, COUNT, f32, (hws_redop)0, NULL, NULL));
    CHECK("overlap",
          hws_reduce_scatter(comm, in, COUNT, right.input + 1, 4, f32, HWS_SUM, NULL, NULL));
    CHECK("request is NULL",
          hws_reduce_scatter_async(comm, in, COUNT, out, COUNT, f32, HWS_SUM, NULL, NULL));
}

static void gathers_and_broadcasts(void **state)
{
    (void)state;
    const float *in = right.input;
    float *out = right.output;
    const hws_dtype f32 = HWS_F32;
    const hws_peer_id nobody = {0}, no_id = {UINT64_MAX}, root = {1};
    CHECK("input is NULL", hws_all_gather(comm, NULL, 4, out, COUNT, NULL, 0, f32, NULL, NULL));
    CHECK("output is NULL", hws_all_gather(comm, in, 4, NULL, COUNT, NULL, 0, f32, NULL, NULL));
    CHECK("count is 0", hws_all_gather(comm, in, 0, out, COUNT, NULL, 0, f32, NULL, NULL));
    CHECK("room is 3", hws_all_gather(comm, in, 4, out, 3, NULL, 0, f32, NULL, NULL));
    CHECK("overlap", hws_all_gather(comm, out + 1, 4, out, COUNT, NULL, 0, f32, NULL, NULL));
    CHECK("dtype 0", hws_all_gather(comm, in, 4, out, COUNT, NULL, 0, (hws_dtype)0, NULL, NULL));
    CHECK("2^40", hws_all_gather(comm, in, SIZE_MAX / 2, out, SIZE_MAX, NULL, 0, f32, NULL, NULL));
    CHECK("request is NULL",
          hws_all_gather_async(comm, in, 4, out, COUNT, NULL, 0, f32, NULL, NULL));
    CHECK("output is NULL", hws_broadcast(comm, in, NULL, COUNT, f32, root, NULL, NULL));
    CHECK("count is 0", hws_broadcast(comm, in, out, 0, f32, root, NULL, NULL));
    CHECK("root is 0", hws_broadcast(comm, in, out, COUNT, f32, nobody, NULL, NULL));
    CHECK("is not a member", hws_broadcast(comm, in, out, COUNT, f32, no_id, NULL, NULL));
    CHECK("overlap", hws_broadcast(comm, out + 1, out, 4, f32, root, NULL, NULL));
    CHECK("request is NULL", hws_broadcast_async(comm, in, out, COUNT, f32, root, NULL, NULL));
}

static hws_options *odd_options(uint64_t size, uint32_t plan, uint32_t scope, uint32_t verify)
{
    right.options.bytes_of_struct = size != 0 ? sizeof right.options : 0;
    right.options.plan = plan;
    right.options.scope = scope;
    right.options.verify = verify;
    return &right.options;
}

static hws_options *reserved_options(void)
{
    right.options.reserved = 1;
    return &right.options;
}

static hws_op *odd_op(size_t bytes, int what)
{
    right.op.bytes_of_struct = bytes;
    right.op.what = (hws_what)what;
    return &right.op;
}

static hws_result *no_size(void)
{
    right.result.bytes_of_struct = 0;
    return &right.result;
}

static void votes_options_and_results(void **state)
{
    (void)state;
    uint64_t *agreed = &right.agreed;
    CHECK("agreed is NULL", hws_agree(comm, 1, HWS_AGREE_AND, NULL, NULL, NULL));
    CHECK("agree_op 0", hws_agree(comm, 1, (hws_agree_op)0, NULL, agreed, NULL));
    CHECK("agree_op 3", hws_agree(comm, 1, (hws_agree_op)3, NULL, agreed, NULL));
    CHECK("request is NULL", hws_agree_async(comm, 1, HWS_AGREE_AND, NULL, NULL));
    CHECK("request is NULL", hws_barrier_async(comm, NULL, NULL));
    CHECK("HWS_OPTIONS_INIT", hws_barrier(comm, odd_options(0, 0, 0, 0), NULL));
    CHECK("plan is 3", hws_barrier(comm, odd_options(1, 3, 0, 0), NULL));
    CHECK("reserved of hws_options", hws_barrier(comm, reserved_options(), NULL));
    CHECK("scope is 2", hws_barrier(comm, odd_options(1, 0, 2, 0), NULL));
    CHECK("verify is 2", hws_sync(comm, shared, HWS_SYNC_ENFORCE, odd_options(1, 0, 0, 2), NULL));
    CHECK("HWS_RESULT_INIT", hws_barrier(comm, NULL, no_size()));
    CHECK("HWS_RESULT_INIT", hws_view(comm, no_size()));
    CHECK("HWS_RESULT_INIT", hws_admit(comm, no_size()));
    CHECK("HWS_RESULT_INIT", hws_wait(flying, 0, no_size()));
    CHECK("state is NULL", hws_sync(comm, NULL, HWS_SYNC_ENFORCE, NULL, NULL));
    CHECK("state is not in use", hws_sync(comm, (hws_state *)comm, HWS_SYNC_ENFORCE, NULL, NULL));
    CHECK("strategy 0", hws_sync(comm, shared, (hws_strategy)0, NULL, NULL));
    CHECK("strategy 99", hws_sync(comm, shared, (hws_strategy)99, NULL, NULL));
}

static void operations_described(void **state)
{
    (void)state;
    CHECK("op is NULL", hws_start(comm, NULL, &right.request));
    CHECK("request is NULL", hws_start(comm, &right.op, NULL));
    CHECK("HWS_OP_INIT", hws_start(comm, odd_op(0, HWS_ALL_REDUCE), &right.request));
    CHECK("what is 0", hws_start(comm, odd_op(sizeof(hws_op), 0), &right.request));
    CHECK("what is 7", hws_start(comm, odd_op(sizeof(hws_op), 7), &right.request));
    CHECK("what is -1", hws_start(comm, odd_op(sizeof(hws_op), -1), &right.request));
    CHECK("ops is NULL", hws_batch(comm, NULL, 2, 1, 0, NULL, NULL));
    CHECK("window is 0", hws_batch(comm, right.ops, 2, 0, 0, NULL, NULL));
    CHECK("window is 257", hws_batch(comm, right.ops, 2, 257, 0, NULL, NULL));
    CHECK("ops[0]: what is 9", hws_batch(comm, odd_op(sizeof(hws_op), 9), 1, 1, 0, NULL, NULL));
    CHECK("HWS_OP_INIT", hws_batch(comm, odd_op(0, HWS_BARRIER), 1, 1, 0, NULL, NULL));
    CHECK("HWS_RESULT_INIT", hws_batch(comm, right.ops, 1, 1, 0, NULL, no_size()));
}

static void reading(void **state)
{
    (void)state;
    hws_stats no_stats = {0};
    hws_edge_stats no_edge = {0};
    CHECK("count is NULL", hws_pending(comm, NULL));
    CHECK("stats is NULL", hws_stats_get(comm, NULL));
    CHECK("HWS_STATS_INIT", hws_stats_get(comm, &no_stats));
    CHECK("list is NULL", hws_stats_edges(comm, NULL, 1, &right.number));
    CHECK("count is NULL", hws_stats_edges(comm, right.edges, 2, NULL));
    CHECK("HWS_EDGE_STATS_INIT", hws_stats_edges(comm, &no_edge, 1, &right.number));
    CHECK("text is NULL", hws_address(comm, NULL, 64));
    CHECK("3 bytes are too few", hws_address(comm, right.text, 3));
    CHECK("requests is NULL", hws_wait_any(NULL, 1, 0, &right.index, NULL));
    CHECK("index is NULL", hws_wait_any(right.requests, 1, 0, NULL, NULL));
    CHECK("no request", hws_wait_any(right.requests + 1, 1, 0, &right.index, NULL));
    CHECK("requests is NULL", hws_wait_all(NULL, 1, 0, NULL, NULL));
    CHECK("more than", hws_wait_all(right.requests, SIZE_MAX, 0, NULL, NULL));
    CHECK("HWS_RESULT_INIT", hws_wait_all(right.requests, 1, 0, NULL, no_size()));
    assert_int_equal(hws_wait(flying, 0, NULL), HWS_E_PENDING);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(handles_that_are_none),  TEST(what_was_closed),
        TEST(states_that_are_none),   TEST(masters_that_are_none),
        TEST(a_child_after_fork),     TEST(reductions),
        TEST(gathers_and_broadcasts), TEST(votes_options_and_results),
        TEST(operations_described),   TEST(reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
