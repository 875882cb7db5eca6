// SPDX-License-Identifier: MIT
// The public API by one member with a master in the same process: arguments, results and errors.
#include <sys/wait.h>
#include <unistd.h>

#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/unit/run.h"

static struct run run;
static hws_comm *comm;
static float a[8], b[8];

static int setup(void **state)
{
    (void)state;
    run_open(&run, 1);
    comm = run.members[0].comm;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    run_close(&run);
    return 0;
}

static void assert_said(const char *words)
{
    if (strstr(hws_last_error(), words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", hws_last_error(), words);
    }
}

static void test_version(void **state)
{
    (void)state;
    assert_string_equal(hws_version(), HWS_VERSION);
}

static void test_opened_alone(void **state)
{
    (void)state;
    hws_result result = HWS_RESULT_INIT;
    uint32_t pending = 9;
    assert_int_equal(hws_view(comm, &result), HWS_OK);
    assert_int_equal(result.member_count, 1);
    assert_int_equal(result.rank, 0);
    assert_true(result.view.value > 0);
    assert_true(result.members[0].value > 0);
    assert_int_equal(hws_pending(comm, &pending), HWS_OK);
    assert_int_equal(pending, 0);
}

static void test_one_member_is_the_identity(void **state)
{
    (void)state;
    hws_result result = HWS_RESULT_INIT;
    for (int i = 0; i < 8; i++) {
        a[i] = (float)i + 0.25f;
    }
    memset(b, 0, sizeof b);
    assert_int_equal(hws_all_reduce(comm, a, b, 8, HWS_F32, HWS_AVG, NULL, &result), HWS_OK);
    assert_memory_equal(a, b, sizeof a);
    assert_int_equal(hws_all_reduce(comm, b, b, 8, HWS_F32, HWS_SUM, NULL, NULL), HWS_OK);
    assert_memory_equal(a, b, sizeof a);
    assert_int_equal(result.attempts, 1);
    assert_int_equal(result.member_count, 1);
    assert_int_equal(result.bytes_sent, 0);
}

static void test_all_reduce_arguments(void **state)
{
    (void)state;
    hws_comm *none = NULL;
    const struct {
        hws_comm *comm;
        const void *input;
        void *output;
        size_t count;
        int dtype, redop;
        hws_status status;
        const char *words;
    } cases[] = {
        {none, a, b, 8, HWS_F32, HWS_SUM, HWS_E_INVALID, "comm is NULL"},
        {comm, NULL, b, 8, HWS_F32, HWS_SUM, HWS_E_INVALID, "input is NULL"},
        {comm, a, NULL, 8, HWS_F32, HWS_SUM, HWS_E_INVALID, "output is NULL"},
        {comm, a, b, 0, HWS_F32, HWS_SUM, HWS_E_INVALID, "count is 0"},
        {comm, a, b, 8, 0, HWS_SUM, HWS_E_INVALID, "dtype 0"},
        {comm, a, b, 8, 13, HWS_SUM, HWS_E_INVALID, "dtype 13"},
        {comm, a, b, 8, 13 + 256, HWS_SUM, HWS_E_INVALID, "dtype 269"},
        {comm, a, b, 8, HWS_F32, 0, HWS_E_INVALID, "redop 0"},
        {comm, a, b, 8, HWS_F32, -1, HWS_E_INVALID, "redop -1"},
        {comm, a, b, 8, HWS_F32, 6, HWS_E_INVALID, "redop 6"},
        {comm, a, a + 4, 8, HWS_F32, HWS_SUM, HWS_E_INVALID, "overlap"},
        {comm, a + 7, a, 8, HWS_F32, HWS_SUM, HWS_E_INVALID, "overlap"},
        {comm, a, b, SIZE_MAX, HWS_F32, HWS_SUM, HWS_E_LIMIT, "2^40"},
        {comm, a, b, SIZE_MAX / 4 + 2, HWS_F32, HWS_SUM, HWS_E_LIMIT, "2^40"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hws_result result = HWS_RESULT_INIT;
        hws_request *request = NULL;
        hws_dtype dtype = (hws_dtype)cases[i].dtype;
        hws_redop redop = (hws_redop)cases[i].redop;
        hws_status status = hws_all_reduce(cases[i].comm, cases[i].input, cases[i].output,
                                           cases[i].count, dtype, redop, NULL, &result);
        assert_said(cases[i].words);
        assert_int_equal(status, cases[i].status);
        assert_int_equal(result.status, status);
        assert_int_equal(hws_all_reduce_async(cases[i].comm, cases[i].input, cases[i].output,
                                              cases[i].count, dtype, redop, NULL, &request),
                         cases[i].status);
        assert_null(request);
    }
}

static void test_structs_must_carry_their_size(void **state)
{
    (void)state;
    hws_options options = {0};
    hws_result result = {0};
    hws_stats stats = {0};
    hws_config config = {0};
    hws_comm *other = NULL;
    assert_int_equal(hws_all_reduce(comm, a, b, 8, HWS_F32, HWS_SUM, &options, NULL),
                     HWS_E_INVALID);
    assert_said("HWS_OPTIONS_INIT");
    assert_int_equal(hws_all_reduce(comm, a, b, 8, HWS_F32, HWS_SUM, NULL, &result), HWS_E_INVALID);
    assert_said("HWS_RESULT_INIT");
    assert_int_equal(hws_view(comm, &result), HWS_E_INVALID);
    assert_int_equal(hws_stats_get(comm, &stats), HWS_E_INVALID);
    assert_said("HWS_STATS_INIT");
    assert_int_equal(hws_open(&config, &other), HWS_E_INVALID);
    assert_said("HWS_CONFIG_INIT");
    assert_null(other);
}

static void test_options_are_checked(void **state)
{
    (void)state;
    hws_options options = HWS_OPTIONS_INIT;
    options.plan = 3;
    assert_int_equal(hws_all_reduce(comm, a, b, 8, HWS_F32, HWS_SUM, &options, NULL),
                     HWS_E_INVALID);
    assert_said("plan is 3: it must be from 0 to 2");
    options.plan = 0;
    options.verify = 2;
    assert_int_equal(hws_all_reduce(comm, a, b, 8, HWS_F32, HWS_SUM, &options, NULL),
                     HWS_E_INVALID);
    assert_said("verify is 2: it must be from 0 to 1");
    options.verify = 0;
    options.scope = HWS_SCOPE_RUN;
    assert_int_equal(hws_all_reduce(comm, a, b, 8, HWS_F32, HWS_SUM, &options, NULL),
                     HWS_E_INVALID);
    assert_said("only agree and barrier");
    options.scope = 2;
    assert_int_equal(hws_barrier(comm, &options, NULL), HWS_E_INVALID);
    assert_said("scope is 2");
    options.scope = 0;
    options.plan = 3;
    options.bytes_of_struct = offsetof(hws_options, plan); // an older caller: plan is not read
    assert_int_equal(hws_all_reduce(comm, a, b, 8, HWS_F32, HWS_SUM, &options, NULL), HWS_OK);
}

static void test_agree_arguments(void **state)
{
    (void)state;
    uint64_t agreed = 7;
    assert_int_equal(hws_agree(comm, 1, HWS_AGREE_AND, NULL, NULL, NULL), HWS_E_INVALID);
    assert_said("agreed is NULL");
    assert_int_equal(hws_agree(comm, 1, (hws_agree_op)3, NULL, &agreed, NULL), HWS_E_INVALID);
    assert_said("agree_op 3");
    assert_int_equal(agreed, 7);
    assert_int_equal(hws_agree(comm, 5, HWS_AGREE_AND, NULL, &agreed, NULL), HWS_OK);
    assert_int_equal(agreed, 5);
}

static void test_null_arguments(void **state)
{
    (void)state;
    char text[64];
    uint32_t count;
    hws_result result = HWS_RESULT_INIT;
    hws_stats stats = HWS_STATS_INIT;
    assert_int_equal(hws_open(&run.config, NULL), HWS_E_INVALID);
    assert_int_equal(hws_close(NULL), HWS_OK);
    assert_int_equal(hws_view(NULL, &result), HWS_E_INVALID);
    assert_int_equal(result.status, HWS_E_INVALID);
    assert_int_equal(hws_admit(NULL, NULL), HWS_E_INVALID);
    assert_int_equal(hws_pending(NULL, &count), HWS_E_INVALID);
    assert_int_equal(hws_pending(comm, NULL), HWS_E_INVALID);
    assert_int_equal(hws_stats_get(NULL, &stats), HWS_E_INVALID);
    assert_int_equal(hws_stats_get(comm, NULL), HWS_E_INVALID);
    assert_int_equal(hws_address(NULL, text, sizeof text), HWS_E_INVALID);
    assert_int_equal(hws_address(comm, NULL, 0), HWS_E_INVALID);
    assert_int_equal(hws_address(comm, text, 3), HWS_E_INVALID);
    assert_int_equal(hws_wait(NULL, 0, NULL), HWS_E_INVALID);
    assert_int_equal(hws_all_reduce_async(comm, a, b, 8, HWS_F32, HWS_SUM, NULL, NULL),
                     HWS_E_INVALID);
    assert_int_equal(hws_master_start(NULL, NULL), HWS_E_INVALID);
    assert_int_equal(hws_master_address(NULL, text, sizeof text), HWS_E_INVALID);
    assert_int_equal(hws_master_address(run.master, NULL, 0), HWS_E_INVALID);
    assert_int_equal(hws_master_address(run.master, text, 5), HWS_E_INVALID);
    assert_int_equal(hws_master_stop(NULL), HWS_OK);
}

static void test_state_arguments(void **state)
{
    (void)state;
    static double data[4];
    char long_name[65];
    hws_state *made = NULL;
    memset(long_name, 'x', 64);
    long_name[64] = '\0';
    assert_int_equal(hws_state_create(NULL), HWS_E_INVALID);
    assert_int_equal(hws_state_create(&made), HWS_OK);
    assert_int_equal(hws_state_add(NULL, "w", HWS_F64, data, 4), HWS_E_INVALID);
    assert_int_equal(hws_state_add(made, NULL, HWS_F64, data, 4), HWS_E_INVALID);
    assert_int_equal(hws_state_add(made, "", HWS_F64, data, 4), HWS_E_INVALID);
    assert_int_equal(hws_state_add(made, long_name, HWS_F64, data, 4), HWS_E_INVALID);
    assert_int_equal(hws_state_add(made, "w", (hws_dtype)77, data, 4), HWS_E_INVALID);
    assert_int_equal(hws_state_add(made, "w", HWS_F64, NULL, 4), HWS_E_INVALID);
    assert_int_equal(hws_state_add(made, "w", HWS_F64, data, SIZE_MAX), HWS_E_LIMIT);
    assert_int_equal(hws_state_add(made, long_name + 1, HWS_F64, data, 4), HWS_OK); // 63 bytes
    assert_int_equal(hws_state_add(made, long_name + 1, HWS_F64, data, 4), HWS_E_INVALID);
    assert_said("was added before");
    hws_state_destroy(made);
    hws_state_destroy(NULL);
}

static void test_state_has_at_most_4096_tensors(void **state)
{
    (void)state;
    static uint8_t data[1];
    hws_state *made = NULL;
    char name[16];
    assert_int_equal(hws_state_create(&made), HWS_OK);
    for (int i = 0; i < 4096; i++) {
        snprintf(name, sizeof name, "t%d", i);
        assert_int_equal(hws_state_add(made, name, HWS_U8, data, 1), HWS_OK);
    }
    assert_int_equal(hws_state_add(made, "more", HWS_U8, data, 1), HWS_E_LIMIT);
    hws_state_destroy(made);
}

static void test_revision(void **state)
{
    (void)state;
    hws_state *made = NULL;
    assert_int_equal(hws_state_create(&made), HWS_OK);
    assert_int_equal(hws_state_revision(made), 0);
    assert_int_equal(hws_state_set_revision(made, 12), HWS_OK);
    assert_int_equal(hws_state_revision(made), 12);
    assert_int_equal(hws_state_revision(NULL), 0);
    assert_int_equal(hws_state_set_revision(NULL, 1), HWS_E_INVALID);
    hws_state_destroy(made);
}

static void test_sync_arguments(void **state)
{
    (void)state;
    static float data[4];
    hws_state *first = NULL, *second = NULL;
    hws_result result = HWS_RESULT_INIT;
    hws_state_create(&first);
    hws_state_create(&second);
    assert_int_equal(hws_sync(comm, NULL, HWS_SYNC_ENFORCE, NULL, NULL), HWS_E_INVALID);
    assert_int_equal(hws_sync(comm, first, HWS_SYNC_ENFORCE, NULL, NULL), HWS_E_INVALID);
    assert_said("no tensors");
    assert_int_equal(hws_state_add(first, "w", HWS_F32, data, 4), HWS_OK);
    assert_int_equal(hws_state_add(second, "w", HWS_F32, data, 4), HWS_OK);
    assert_int_equal(hws_sync(comm, first, (hws_strategy)9, NULL, NULL), HWS_E_INVALID);
    assert_int_equal(hws_state_set_revision(first, 3), HWS_OK);
    assert_int_equal(hws_sync(comm, first, HWS_SYNC_ENFORCE, NULL, &result), HWS_OK);
    assert_int_equal(result.value, 3);
    assert_int_equal(result.bytes_received, 0);
    assert_true(result.root[0] != 0 || result.root[1] != 0);
    assert_int_equal(hws_state_add(first, "v", HWS_F32, data, 4), HWS_E_BUSY);
    assert_int_equal(hws_sync(comm, second, HWS_SYNC_ENFORCE, NULL, NULL), HWS_E_INVALID);
    assert_said("another state");
    hws_state_destroy(second);
    run.members[0].state = first; // destroyed after the communicator
}

static void test_addresses(void **state)
{
    (void)state;
    char text[64];
    assert_int_equal(hws_address(comm, text, sizeof text), HWS_OK);
    assert_memory_equal(text, "127.0.0.1:", 10);
    assert_true(strtol(text + 10, NULL, 10) > 0);
    assert_memory_equal(run.address, "127.0.0.1:", 10);
    assert_int_equal(hws_address(comm, text, strlen(text) + 1), HWS_OK);
}

static void test_listening_errors(void **state)
{
    (void)state;
    hws_config config = run.config;
    hws_comm *other = NULL;
    hws_master_config master_config = HWS_MASTER_CONFIG_INIT;
    hws_master *master = NULL;
    config.listen = run.address; // taken by the master
    assert_int_equal(hws_open(&config, &other), HWS_E_SYSTEM);
    assert_said(run.address);
    config.listen = "0.0.0.0:0";
    assert_int_equal(hws_open(&config, &other), HWS_E_INSECURE);
    assert_null(other);
    master_config.listen = run.address;
    assert_int_equal(hws_master_start(&master_config, &master), HWS_E_SYSTEM);
    assert_said(run.address);
    master_config.listen = NULL;
    master_config.state_file = "/nonexistent/directory/state";
    assert_int_not_equal(hws_master_start(&master_config, &master), HWS_OK);
    assert_said("/nonexistent/directory/state");
    assert_null(master);
}

static void test_journals_that_cannot_be_kept(void **state)
{
    (void)state;
    hws_config config = run.config;
    hws_comm *other = NULL;
    hws_master_config master_config = HWS_MASTER_CONFIG_INIT;
    hws_master *master = NULL;
    config.journal = master_config.journal = "/nonexistent/journals";
    assert_int_equal(hws_open(&config, &other), HWS_E_SYSTEM);
    assert_said("/nonexistent/journals");
    assert_int_equal(hws_status_class(HWS_E_SYSTEM), HWS_CLASS_LOCAL);
    assert_int_equal(hws_master_start(&master_config, &master), HWS_E_SYSTEM);
    assert_said("/nonexistent/journals");
    assert_null(other);
    assert_null(master);
}

// A port that is taken and where nobody listens, so that no other test's master can be there.
static int hold_a_port(char *address, size_t bytes)
{
    struct sockaddr_in bound = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof bound;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&bound, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&bound, &size), 0);
    snprintf(address, bytes, "127.0.0.1:%u", ntohs(bound.sin_port));
    return fd;
}

static void test_nobody_at_the_address(void **state)
{
    (void)state;
    char address[64];
    hws_config config = run.config;
    hws_comm *other = NULL;
    int held = hold_a_port(address, sizeof address);
    config.master = address;
    config.open_ms = 300;
    assert_int_equal(hws_open(&config, &other), HWS_E_UNREACHABLE);
    assert_said(address);
    assert_said("within 300 ms");
    assert_null(other);
    close(held);
}

static void test_not_admitted_in_time(void **state)
{
    (void)state;
    hws_config config = run.config;
    hws_comm *other = NULL;
    config.open_ms = 300;
    assert_int_equal(hws_open(&config, &other), HWS_E_NOT_ADMITTED);
    assert_said("hws_admit");
    assert_null(other);
}

static void test_master_gone(void **state)
{
    (void)state;
    hws_result result = HWS_RESULT_INIT;
    run_start(&run, 1);
    run.config.decision_grace_ms = 300;
    run.config.timeout_ms = 300;
    run_together(&run, 0, 1, member_open);
    comm = run.members[0].comm;
    hws_master_stop(run.master);
    run.master = NULL;
    assert_int_equal(hws_all_reduce(comm, a, a, 8, HWS_F32, HWS_SUM, NULL, &result),
                     HWS_E_OUTCOME_UNKNOWN);
    assert_said(run.address);
    assert_int_equal(hws_status_class(result.status), HWS_CLASS_RUN);
    assert_int_equal(hws_view(comm, NULL), HWS_E_OUTCOME_UNKNOWN);
}

static void test_forked_child(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        _exit(hws_all_reduce(comm, a, a, 8, HWS_F32, HWS_SUM, NULL, NULL) == HWS_E_FORKED &&
                      hws_close(comm) == HWS_E_FORKED && hws_master_stop(run.master) == HWS_E_FORKED
                  ? 0
                  : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(hws_all_reduce(comm, a, a, 8, HWS_F32, HWS_SUM, NULL, NULL), HWS_OK);
}

static void test_counters(void **state)
{
    (void)state;
    hws_stats stats = HWS_STATS_INIT;
    assert_int_equal(hws_all_reduce(comm, a, a, 8, HWS_F32, HWS_SUM, NULL, NULL), HWS_OK);
    assert_int_equal(hws_stats_get(comm, &stats), HWS_OK);
    assert_int_equal(stats.committed, 1);
    assert_int_equal(stats.aborted, 0);
    assert_int_equal(stats.views, 1);
    assert_int_equal(stats.bytes_sent, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version),
        TEST(test_opened_alone),
        TEST(test_one_member_is_the_identity),
        TEST(test_all_reduce_arguments),
        TEST(test_structs_must_carry_their_size),
        TEST(test_options_are_checked),
        TEST(test_agree_arguments),
        TEST(test_null_arguments),
        cmocka_unit_test(test_state_arguments),
        cmocka_unit_test(test_state_has_at_most_4096_tensors),
        cmocka_unit_test(test_revision),
        TEST(test_sync_arguments),
        TEST(test_addresses),
        TEST(test_listening_errors),
        TEST(test_journals_that_cannot_be_kept),
        TEST(test_nobody_at_the_address),
        TEST(test_not_admitted_in_time),
        cmocka_unit_test_teardown(test_master_gone, teardown),
        TEST(test_forked_child),
        TEST(test_counters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
