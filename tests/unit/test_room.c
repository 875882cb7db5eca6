// SPDX-License-Identifier: MIT
// With fewer and fewer descriptors a process starts a master and joins it: each step works, or says
// that descriptors are short. The process is never ended.
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <hawser/hawser.h>
#include <hawser/master.h>

enum {
    LIMIT_LEAST = 3,
    LIMIT_MOST = 72,
    ALL_WORKED = 0,
    SHORT_OF_ROOM = 1,
    WRONG = 2,
    HANGS_S = 60
};

static int judge(hws_status status)
{
    bool said = strstr(hws_last_error(), "too many open files (limit ") != NULL &&
                strstr(hws_last_error(), "ulimit -n") != NULL;
    if (status == HWS_E_SYSTEM && said) {
        return SHORT_OF_ROOM;
    }
    fprintf(stderr, "%d: %s\n", (int)status, hws_last_error());
    return WRONG;
}

static int join_and_leave(const hws_master *master)
{
    char address[128];
    hws_config config = HWS_CONFIG_INIT;
    hws_comm *comm = NULL;
    hws_result result = HWS_RESULT_INIT;
    if (hws_master_address(master, address, sizeof address) != HWS_OK) {
        return WRONG;
    }
    config.master = address;
    hws_status status = hws_open(&config, &comm);
    if (status != HWS_OK) {
        return judge(status);
    }
    status = hws_barrier(comm, NULL, &result);
    int end = status == HWS_OK ? ALL_WORKED : judge(status);
    return hws_close(comm) == HWS_OK ? end : WRONG;
}

static int live_with(rlim_t limit)
{
    struct rlimit few = {limit, limit};
    hws_master_config config = HWS_MASTER_CONFIG_INIT;
    hws_master *master = NULL;
    alarm(HANGS_S);
    config.listen = "127.0.0.1:0";
    if (setrlimit(RLIMIT_NOFILE, &few) != 0) {
        return WRONG;
    }
    hws_status status = hws_master_start(&config, &master);
    if (status != HWS_OK) {
        return judge(status);
    }
    int end = join_and_leave(master);
    return hws_master_stop(master) == HWS_OK ? end : WRONG;
}

static void too_few_descriptors_are_said_and_end_nobody(void **state)
{
    (void)state;
    int last = -1;
    for (rlim_t limit = LIMIT_MOST; limit >= LIMIT_LEAST; limit--) {
        int end = 0;
        pid_t child = fork();
        if (child == 0) {
            _exit(live_with(limit));
        }
        assert_int_equal(waitpid(child, &end, 0), child);
        assert_true(WIFEXITED(end));
        assert_int_not_equal(WEXITSTATUS(end), WRONG);
        if (limit == LIMIT_MOST) {
            assert_int_equal(WEXITSTATUS(end), ALL_WORKED);
        }
        last = WEXITSTATUS(end);
    }
    assert_int_equal(last, SHORT_OF_ROOM);
}

static int start_with_a_low_soft_limit(int keep_files, rlim_t wanted)
{
    struct rlimit low = {LIMIT_MOST, 2 * LIMIT_MOST}, now;
    hws_master_config config = HWS_MASTER_CONFIG_INIT;
    hws_master *master = NULL;
    config.listen = "127.0.0.1:0";
    config.keep_files = keep_files;
    if (setrlimit(RLIMIT_NOFILE, &low) != 0 || hws_master_start(&config, &master) != HWS_OK ||
        hws_master_stop(master) != HWS_OK || getrlimit(RLIMIT_NOFILE, &now) != 0) {
        return WRONG;
    }
    return now.rlim_cur == wanted ? ALL_WORKED : WRONG;
}

static void the_soft_limit_is_raised_unless_it_is_to_be_kept(void **state)
{
    (void)state;
    for (int keep = 0; keep <= 1; keep++) {
        int end = 0;
        pid_t child = fork();
        if (child == 0) {
            _exit(start_with_a_low_soft_limit(keep, keep ? LIMIT_MOST : 2 * LIMIT_MOST));
        }
        assert_int_equal(waitpid(child, &end, 0), child);
        assert_true(WIFEXITED(end));
        assert_int_equal(WEXITSTATUS(end), ALL_WORKED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_soft_limit_is_raised_unless_it_is_to_be_kept),
        cmocka_unit_test(too_few_descriptors_are_said_and_end_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
