// SPDX-License-Identifier: MIT
// What a journal costs: streams of all-reduces in two runs of the same two processes, one of which
// keeps journals and one does not, by turns of a few milliseconds.
#include <dirent.h>
#include <errno.h>
#include <hawser/hawser.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/hawser/bench.h"
#include "tools/hawser/command.h"
#include "tools/hawser/os_process.h"

enum {
    WITHOUT,
    WITH,
    RUNS,
    MEMBERS = 2,
    TURNS_LARGE = 200, // of each run, unless told
    TURNS_SMALL = 2000,
    WARM_UPS = 10,
    ADDRESS_BYTES = 64,
    PATH_BYTES = 512,
};
#define TURN_BYTES (UINT64_C(32) << 10) // of a turn's all-reduces, at least one of them

struct member {
    const struct bench_job *job;
    hws_comm *comms[RUNS];
    float *buffer;
    uint64_t count;
    uint64_t wall[RUNS][BENCH_REPEATS_MAX], cpu[RUNS][BENCH_REPEATS_MAX]; // ns of each turn
};

static uint64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static bool failed(const char *what)
{
    complain("bench", "%s: %s", what, hws_last_error());
    return false;
}

// ---- the masters' process ----------------------------------------------------------------------

static _Noreturn void be_masters(const char *directory, int out, int life)
{
    char addresses[RUNS][ADDRESS_BYTES] = {"", ""}, drop;
    hws_master *masters[RUNS];
    for (int run = 0; run < RUNS; run++) {
        hws_master_config config = HWS_MASTER_CONFIG_INIT;
        config.min_members = MEMBERS;
        config.journal = run == WITH ? directory : NULL;
        if (hws_master_start(&config, &masters[run])) {
            failed("cannot start a master");
            _exit(EXIT_FAILED);
        }
        hws_master_address(masters[run], addresses[run], ADDRESS_BYTES);
    }
    if (write(out, addresses, sizeof addresses) == sizeof addresses)
        while (read(life, &drop, 1) < 0 && errno == EINTR) {
        }
    for (int run = 0; run < RUNS; run++)
        hws_master_stop(masters[run]);
    _exit(EXIT_OK);
}

// ---- a member's process ------------------------------------------------------------------------

static bool join(struct member *member, char addresses[RUNS][ADDRESS_BYTES], const char *directory)
{
    for (int run = 0; run < RUNS; run++) {
        hws_config config = HWS_CONFIG_INIT;
        config.master = addresses[run];
        config.stripes = member->job->stripes;
        config.journal = run == WITH ? directory : NULL;
        if (hws_open(&config, &member->comms[run]))
            return failed("cannot join");
    }
    return true;
}

// The average of equal members stays what it is: so every result can be checked at the end.
static bool take_turn(struct member *member, int run, uint32_t turn)
{
    uint64_t bytes = member->count * sizeof(float), times = TURN_BYTES / bytes;
    uint64_t wall = now_ns(), cpu = cpu_ns();
    hws_options options = HWS_OPTIONS_INIT;
    options.plan = member->job->plan;
    for (uint64_t i = 0; i < (times ? times : 1); i++)
        if (hws_all_reduce(member->comms[run], member->buffer, member->buffer, member->count,
                           HWS_F32, HWS_AVG, &options, NULL))
            return failed("cannot all-reduce");
    member->wall[run][turn] = now_ns() - wall;
    member->cpu[run][turn] = cpu_ns() - cpu;
    return true;
}

static bool take_turns(struct member *member, uint32_t turns)
{
    for (uint32_t turn = 0; turn < turns; turn++)
        if (!take_turn(member, turn % 2, turn) || !take_turn(member, !(turn % 2), turn))
            return false;
    for (uint64_t i = 0; i < member->count; i++)
        if (member->buffer[i] != (float)(i % 1000)) {
            complain("bench", "wrong average at element %" PRIu64, i);
            return false;
        }
    return true;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// The median over turns of what WITH takes more than WITHOUT just before or after it.
static double median_cost(uint64_t samples[RUNS][BENCH_REPEATS_MAX], uint32_t turns)
{
    static double costs[BENCH_REPEATS_MAX];
    for (uint32_t i = 0; i < turns; i++)
        costs[i] = (double)samples[WITH][i] / (double)samples[WITHOUT][i] - 1;
    qsort(costs, turns, sizeof *costs, compare_doubles);
    return costs[turns / 2];
}

static void print_size(struct member *member, uint32_t turns)
{
    uint64_t bytes = member->count * sizeof(float), times = TURN_BYTES / bytes;
    double cost = median_cost(member->wall, turns), cpu_cost = median_cost(member->cpu, turns);
    double each = 1e3 / (double)(times ? times : 1);
    double without = bench_summary(member->wall[WITHOUT], turns).median * each;
    double with = bench_summary(member->wall[WITH], turns).median * each;
    if (member->job->json)
        printf("{\"bench\":\"journal\",\"bytes\":%" PRIu64 ",\"turns\":%" PRIu32
               ",\"without_ms\":%.6f,\"with_ms\":%.6f,\"cost\":%.4f,\"cpu_cost\":%.4f}\n",
               bytes, turns, without, with, cost, cpu_cost);
    else
        printf("%10" PRIu64 " %7" PRIu32 " %9.4f ms %9.4f ms %+9.1f%% %+9.1f%%\n", bytes, turns,
               without, with, 100 * cost, 100 * cpu_cost);
    fflush(stdout);
}

static bool measure_size(struct member *member, uint64_t bytes, bool speaks)
{
    uint32_t turns = bytes > TURN_BYTES ? TURNS_LARGE : TURNS_SMALL;
    if (member->job->repeats)
        turns = member->job->repeats;
    member->count = bytes / sizeof(float);
    member->buffer = malloc(bytes);
    if (!member->buffer)
        return failed("out of memory");
    for (uint64_t i = 0; i < member->count; i++)
        member->buffer[i] = (float)(i % 1000);
    bool good = take_turns(member, WARM_UPS) && take_turns(member, turns);
    if (good && speaks)
        print_size(member, turns);
    free(member->buffer);
    return good;
}

static _Noreturn void be_member(const struct bench_job *job, uint32_t number,
                                char addresses[RUNS][ADDRESS_BYTES], const char *directory)
{
    static struct member member;
    member.job = job;
    bool good = join(&member, addresses, directory);
    for (uint32_t i = 0; good && i < job->size_count; i++)
        good = measure_size(&member, job->sizes[i], number == 0);
    for (int run = 0; run < RUNS; run++)
        hws_close(member.comms[run]);
    _exit(good ? EXIT_OK : EXIT_FAILED);
}

// ---- all of them -------------------------------------------------------------------------------

static void remove_directory(const char *directory)
{
    char path[2 * PATH_BYTES];
    DIR *open = opendir(directory);
    for (struct dirent *entry; open && (entry = readdir(open)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        unlink(path);
    }
    if (open)
        closedir(open);
    rmdir(directory);
}

static pid_t start_masters(const char *directory, char addresses[RUNS][ADDRESS_BYTES], int *life)
{
    int out[2], end[2];
    pid_t parent = getpid();
    if (pipe(out) < 0 || pipe(end) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        os_die_with(parent);
        close(end[1]);
        be_masters(directory, out[1], end[0]);
    }
    close(out[1]);
    close(end[0]);
    *life = end[1];
    ssize_t got = read(out[0], addresses, RUNS * ADDRESS_BYTES);
    close(out[0]);
    return got == RUNS * ADDRESS_BYTES ? pid : -1;
}

static bool run_members(const struct bench_job *job, char addresses[RUNS][ADDRESS_BYTES],
                        const char *directory)
{
    pid_t parent = getpid(), members[MEMBERS];
    bool good = true;
    for (uint32_t i = 0; i < MEMBERS; i++) {
        members[i] = fork();
        if (members[i] == 0) {
            os_die_with(parent);
            be_member(job, i, addresses, directory);
        }
    }
    for (uint32_t i = 0; i < MEMBERS; i++) {
        int status = -1;
        if (members[i] > 0)
            waitpid(members[i], &status, 0);
        good = good && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_OK;
    }
    return good;
}

int bench_journal(const struct bench_job *job)
{
    char addresses[RUNS][ADDRESS_BYTES], directory[PATH_BYTES];
    const char *base = getenv("TMPDIR");
    int life = -1;
    snprintf(directory, sizeof directory, "%.400s/hawser-bench-XXXXXX",
             base && *base ? base : "/tmp");
    unsetenv("HAWSER_JOURNAL"); // of one run only
    if (!mkdtemp(directory)) {
        complain("bench", "cannot make %s: %s", directory, strerror(errno));
        return EXIT_FAILED;
    }
    if (!job->json)
        printf("%10s %7s %12s %12s %10s %10s\n", "bytes", "turns", "without", "with", "cost",
               "of cpu");
    fflush(stdout);
    pid_t masters = start_masters(directory, addresses, &life);
    bool good = masters > 0 && run_members(job, addresses, directory);
    if (life >= 0)
        close(life);
    if (masters > 0)
        waitpid(masters, NULL, 0);
    remove_directory(directory);
    return good ? EXIT_OK : EXIT_FAILED;
}
