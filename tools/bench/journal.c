// SPDX-License-Identifier: MIT
// Measures the cost of a journal: streams of all-reduces in two runs of the same two processes, one
// of which keeps journals and one does not, by turns of about a millisecond. New processes after a
// while: how the machine treats their threads differs from one to the next.
#include <dirent.h>
#include <errno.h>
#include <hawser/hawser.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/bench/bench.h"
#include "tools/hawser/command.h"
#include "tools/hawser/common/os_process.h"

enum {
    WITHOUT,
    WITH,
    RUNS,
    MEMBERS = 2,
    TURNS_LARGE = 200, // of each run, unless told
    TURNS_SMALL = 2000,
    ROUNDS = 8, // new processes for each
    WARM_UPS = 10,
    ADDRESS_BYTES = 64,
    PATH_BYTES = 512,
};
#define TURN_BYTES (UINT64_C(32) << 10) // of a turn's all-reduces, at least one of them

struct size {
    const struct bench_job *job;
    uint64_t bytes;
    uint32_t turns;
    uint64_t samples[RUNS][MEASURE_REPEATS_MAX]; // ns of each turn
};

struct member {
    const struct bench_job *job;
    hws_comm *comms[RUNS];
    float *buffer;
    uint64_t count;
    uint64_t samples[RUNS];
    int out; // -1: the other one tells
};

// Operations of a turn.
static uint64_t times_of(uint64_t bytes)
{
    return bytes < TURN_BYTES ? TURN_BYTES / bytes : 1;
}

static bool failed(const char *what)
{
    bench_complain("%s: %s", what, hws_last_error());
    return false;
}

// ---- the masters' process ----------------------------------------------------------------------

static _Noreturn void be_masters(const char *directory, int out, int life)
{
    char addresses[RUNS][ADDRESS_BYTES] = {"", ""}, drop;
    hws_master *masters[RUNS];
    for (int run = 0; run < RUNS; run++) {
        hws_master_config config = HWS_MASTER_CONFIG_INIT;
        config.first_members = MEMBERS;
        config.journal = run == WITH ? directory : NULL;
        if (hws_master_start(&config, &masters[run])) {
            failed("cannot start a master");
            _exit(EXIT_FAILED);
        }
        hws_master_address(masters[run], addresses[run], ADDRESS_BYTES);
    }
    if (write(out, addresses, sizeof addresses) == sizeof addresses) {
        while (read(life, &drop, 1) < 0 && errno == EINTR) {
        }
    }
    for (int run = 0; run < RUNS; run++) {
        hws_master_stop(masters[run]);
    }
    _exit(EXIT_OK);
}

// ---- a member's process ------------------------------------------------------------------------

static bool join(struct member *member, char addresses[RUNS][ADDRESS_BYTES], const char *directory)
{
    for (int run = 0; run < RUNS; run++) {
        hws_config config = HWS_CONFIG_INIT;
        config.master = addresses[run];
        config.journal = run == WITH ? directory : NULL;
        if (hws_open(&config, &member->comms[run])) {
            return failed("cannot join");
        }
    }
    return true;
}

// The average of equal members stays what it is: so every result can be checked at the end.
static bool take_turn(struct member *member, int run)
{
    uint64_t start = now_ns();
    hws_options options = HWS_OPTIONS_INIT;
    for (uint64_t i = times_of(member->count * sizeof(float)); i > 0; i--) {
        if (hws_all_reduce(member->comms[run], member->buffer, member->buffer, member->count,
                           HWS_F32, HWS_AVG, &options, NULL)) {
            return failed("cannot all-reduce");
        }
    }
    member->samples[run] = now_ns() - start;
    return true;
}

static bool take_turns(struct member *member, uint32_t turns, bool warm_up)
{
    for (uint32_t turn = 0; turn < turns; turn++) {
        if (!take_turn(member, turn % 2) || !take_turn(member, !(turn % 2))) {
            return false;
        }
        if (!warm_up && member->out >= 0 &&
            write(member->out, member->samples, sizeof member->samples) != sizeof member->samples) {
            bench_complain("cannot tell: %s", strerror(errno));
            return false;
        }
    }
    return true;
}

static bool check_averages(const struct member *member)
{
    for (uint64_t i = 0; i < member->count; i++) {
        if (member->buffer[i] != (float)(i % 1000)) {
            bench_complain("wrong average at element %" PRIu64, i);
            return false;
        }
    }
    return true;
}

static _Noreturn void be_member(const struct size *size, uint32_t turns, int out,
                                char addresses[RUNS][ADDRESS_BYTES], const char *directory)
{
    struct member member = {
        .job = size->job,
        .buffer = malloc(size->bytes),
        .count = size->bytes / sizeof(float),
        .out = out,
    };
    if (member.buffer == NULL) {
        bench_complain("out of memory");
        _exit(EXIT_FAILED);
    }
    for (uint64_t i = 0; i < member.count; i++) {
        member.buffer[i] = (float)(i % 1000);
    }
    bool good = join(&member, addresses, directory) && take_turns(&member, WARM_UPS, true) &&
                take_turns(&member, turns, false) && check_averages(&member);
    for (int run = 0; run < RUNS; run++) {
        hws_close(member.comms[run]);
    }
    _exit(good ? EXIT_OK : EXIT_FAILED);
}

// ---- what came of it ---------------------------------------------------------------------------

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// The median over turns of what WITH takes more than WITHOUT just before or after it.
static double median_cost(const struct size *size)
{
    static double costs[MEASURE_REPEATS_MAX];
    for (uint32_t i = 0; i < size->turns; i++) {
        costs[i] = (double)size->samples[WITH][i] / (double)size->samples[WITHOUT][i] - 1;
    }
    qsort(costs, size->turns, sizeof *costs, compare_doubles);
    return costs[size->turns / 2];
}

static void print_size(struct size *size)
{
    double cost = median_cost(size), each = 1e3 / (double)times_of(size->bytes);
    double without = measure_summary(size->samples[WITHOUT], size->turns).median * each;
    double with = measure_summary(size->samples[WITH], size->turns).median * each;
    if (size->job->json) {
        printf("{\"bench\":\"journal\",\"bytes\":%" PRIu64 ",\"turns\":%" PRIu32
               ",\"without_ms\":%.6f,\"with_ms\":%.6f,\"cost\":%.4f}\n",
               size->bytes, size->turns, without, with, cost);
    } else {
        printf("%10" PRIu64 " %7" PRIu32 " %9.4f ms %9.4f ms %+9.1f%%\n", size->bytes, size->turns,
               without, with, 100 * cost);
    }
    fflush(stdout);
}

// ---- all of them -------------------------------------------------------------------------------

static void remove_directory(const char *directory)
{
    char path[2 * PATH_BYTES];
    DIR *open = opendir(directory);
    for (struct dirent *entry; open != NULL && (entry = readdir(open)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        unlink(path);
    }
    if (open != NULL) {
        closedir(open);
    }
    rmdir(directory);
}

static pid_t start_masters(const char *directory, char addresses[RUNS][ADDRESS_BYTES], int *life)
{
    int out[2], end[2];
    pid_t parent = getpid();
    if (pipe(out) < 0 || pipe(end) < 0) {
        return -1;
    }
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

// Adds the turns that the first member reports.
static bool hear_turns(struct size *size, int in, uint32_t turns)
{
    uint64_t samples[RUNS];
    for (uint32_t i = 0; i < turns; i++, size->turns++) {
        ssize_t got = read(in, samples, sizeof samples); // so few bytes come in one piece
        if (got != sizeof samples) {
            return false;
        }
        for (int run = 0; run < RUNS; run++) {
            size->samples[run][size->turns] = samples[run];
        }
    }
    return true;
}

static bool run_members(struct size *size, uint32_t turns, char addresses[RUNS][ADDRESS_BYTES],
                        const char *directory)
{
    pid_t parent = getpid(), members[MEMBERS];
    int told[2];
    if (pipe(told) < 0) {
        return false;
    }
    for (uint32_t i = 0; i < MEMBERS; i++) {
        members[i] = fork();
        if (members[i] == 0) {
            os_die_with(parent);
            be_member(size, turns, i == 0 ? told[1] : -1, addresses, directory);
        }
    }
    close(told[1]);
    bool good = hear_turns(size, told[0], turns);
    close(told[0]);
    for (uint32_t i = 0; i < MEMBERS; i++) {
        int status = -1;
        if (members[i] > 0) {
            waitpid(members[i], &status, 0);
        }
        good = good && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_OK;
    }
    return good;
}

static bool run_round(struct size *size, uint32_t turns)
{
    char addresses[RUNS][ADDRESS_BYTES], directory[PATH_BYTES];
    const char *base = getenv("TMPDIR");
    int life = -1;
    snprintf(directory, sizeof directory, "%.400s/hawser-bench-XXXXXX",
             base != NULL && *base ? base : "/tmp");
    if (mkdtemp(directory) == NULL) {
        bench_complain("cannot make %s: %s", directory, strerror(errno));
        return false;
    }
    pid_t masters = start_masters(directory, addresses, &life);
    bool good = masters > 0 && run_members(size, turns, addresses, directory);
    if (life >= 0) {
        close(life);
    }
    if (masters > 0) {
        waitpid(masters, NULL, 0);
    }
    remove_directory(directory);
    return good;
}

static bool measure_size(const struct bench_job *job, uint64_t bytes)
{
    static struct size size;
    uint32_t turns = bytes > TURN_BYTES ? TURNS_LARGE : TURNS_SMALL;
    bool good = true;
    if (job->repeats) {
        turns = job->repeats;
    }
    size.job = job;
    size.bytes = bytes;
    size.turns = 0;
    for (uint32_t round = 0; round < ROUNDS && good; round++) {
        if (turns * (round + 1) / ROUNDS > size.turns) {
            good = run_round(&size, turns * (round + 1) / ROUNDS - size.turns);
        }
    }
    if (good) {
        print_size(&size);
    }
    return good;
}

int bench_journal(const struct bench_job *job)
{
    bool good = true;
    unsetenv("HAWSER_JOURNAL"); // of one run only
    if (!job->json) {
        printf("%10s %7s %12s %12s %10s\n", "bytes", "turns", "without", "with", "cost");
    }
    fflush(stdout);
    for (uint32_t i = 0; i < job->size_count && good; i++) {
        good = measure_size(job, job->sizes[i]);
    }
    return good ? EXIT_OK : EXIT_FAILED;
}
