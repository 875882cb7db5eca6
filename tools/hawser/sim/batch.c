// SPDX-License-Identifier: MIT
#include "tools/hawser/sim/batch.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/hawser/command.h"
#include "tools/hawser/common/os_process.h"

_Static_assert(sizeof(struct swarm_outcome) <= 4096, "an outcome is written to a pipe at once");

struct worker {
    pid_t pid; // 0 = none
    int results;
    uint64_t next, end, step; // the seed it runs, and those after it
};

// ---- in the child

// A seed that never ends dies.
static void limit_cpu(void)
{
    struct rusage used;
    struct rlimit limit;
    getrusage(RUSAGE_SELF, &used);
    getrlimit(RLIMIT_CPU, &limit);
    limit.rlim_cur = (rlim_t)used.ru_utime.tv_sec + (rlim_t)used.ru_stime.tv_sec + SIM_SEED_CPU_S;
    setrlimit(RLIMIT_CPU, &limit);
}

static _Noreturn void work(const struct worker *worker, const struct swarm_config *first, int out)
{
    for (uint64_t seed = worker->next; seed < worker->end; seed += worker->step) {
        struct swarm_config config = *first;
        struct swarm_outcome outcome;
        config.seed = seed;
        config.twice |= seed % SIM_TWICE_EVERY == 0;
        limit_cpu();
        swarm_run(&config, &outcome);
        if (write(out, &outcome, sizeof outcome) != (ssize_t)sizeof outcome) {
            _exit(EXIT_FAILED);
        }
    }
    fflush(stdout);
    _exit(EXIT_OK);
}

// ---- in the parent

static volatile sig_atomic_t stopped; // by a signal: the seeds so far are the result

static void stop(int signal)
{
    stopped = signal;
}

static void heed_signals(void)
{
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static bool start(struct worker *worker, const struct swarm_config *config)
{
    int ends[2];
    pid_t parent = getpid();
    if (pipe(ends) < 0) {
        return false;
    }
    fflush(stdout);
    worker->pid = fork();
    if (worker->pid == 0) {
        os_die_with(parent);
        close(ends[0]);
        work(worker, config, ends[1]);
    }
    close(ends[1]);
    worker->results = ends[0];
    return worker->pid > 0;
}

// Reads the next outcome; false if the child has ended.
static bool read_outcome(const struct worker *worker, struct swarm_outcome *outcome)
{
    ssize_t got;
    do {
        got = read(worker->results, outcome, sizeof *outcome);
    } while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof *outcome;
}

static int reap(struct worker *worker)
{
    int status = 0;
    close(worker->results);
    while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR) {
    }
    worker->pid = 0;
    return status;
}

static void describe_crash(const struct worker *worker, const struct swarm_config *first,
                           int status, struct swarm_outcome *outcome)
{
    struct swarm_config config = *first;
    config.seed = worker->next;
    *outcome = (struct swarm_outcome){.seed = worker->next, .verdict = SWARM_CRASH};
    swarm_draw_size(&config, &outcome->peers, &outcome->steps);
    int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    if (signal == SIGXCPU) {
        snprintf(outcome->sentence, sizeof outcome->sentence,
                 "the process that ran it did not come to an end in %d s of CPU time",
                 SIM_SEED_CPU_S);
    } else if (signal != 0) {
        snprintf(outcome->sentence, sizeof outcome->sentence,
                 "the process that ran it died of signal %d", signal);
    } else {
        snprintf(outcome->sentence, sizeof outcome->sentence,
                 "the process that ran it ended with code %d", WEXITSTATUS(status));
    }
}

// Reads the report of one readable worker; false: enough.
static bool hear(const struct sim_batch *batch, struct worker *worker)
{
    struct swarm_outcome outcome;
    if (read_outcome(worker, &outcome)) {
        worker->next += worker->step;
        return batch->ended(batch->user, &outcome);
    }
    int status = reap(worker);
    if (worker->next >= worker->end || stopped) {
        return true;
    }
    describe_crash(worker, &batch->config, status, &outcome);
    bool more = batch->ended(batch->user, &outcome);
    worker->next += worker->step;
    return more && (worker->next >= worker->end || start(worker, &batch->config));
}

static uint32_t wait_for(struct worker *workers, uint32_t count, struct pollfd *polled)
{
    uint32_t living = 0;
    for (uint32_t i = 0; i < count; i++) {
        polled[i] =
            (struct pollfd){.fd = workers[i].pid > 0 ? workers[i].results : -1, .events = POLLIN};
        living += workers[i].pid > 0;
    }
    if (living > 0 && poll(polled, count, -1) < 0) {
        memset(polled, 0, count * sizeof *polled); // interrupted: nothing is ready
    }
    return living;
}

int sim_batch_signal(void)
{
    return stopped;
}

bool sim_batch_run(const struct sim_batch *batch)
{
    struct worker workers[SIM_JOBS_MAX] = {0};
    struct pollfd polled[SIM_JOBS_MAX];
    uint32_t count = (uint32_t)(batch->seeds < batch->jobs ? batch->seeds : batch->jobs);
    bool more = true;
    for (uint32_t i = 0; i < count && more; i++) {
        workers[i] = (struct worker){.next = batch->config.seed + i,
                                     .step = count,
                                     .end = batch->config.seed + batch->seeds};
        more = start(&workers[i], &batch->config);
    }
    bool started = more;
    heed_signals();
    while (more && !stopped && wait_for(workers, count, polled) > 0) {
        for (uint32_t i = 0; i < count && more && !stopped; i++) {
            if (polled[i].revents != 0) {
                more = hear(batch, &workers[i]);
            }
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if (workers[i].pid > 0) {
            kill(workers[i].pid, SIGKILL);
            reap(&workers[i]);
        }
    }
    return started;
}

static bool keep(void *user, const struct swarm_outcome *outcome)
{
    *(struct swarm_outcome *)user = *outcome;
    return true;
}

void sim_batch_try(void *user, const struct swarm_config *config, struct swarm_outcome *outcome)
{
    (void)user;
    struct sim_batch one = {
        .config = *config, .seeds = 1, .jobs = 1, .ended = keep, .user = outcome};
    *outcome = (struct swarm_outcome){.seed = config->seed, .verdict = SWARM_CRASH};
    sim_batch_run(&one);
}
