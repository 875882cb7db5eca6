// SPDX-License-Identifier: MIT
// Measures the cost of tracing a run: one stream of all-reduces, by turns without a reader, with
// one that reads and prints everything, and with one that is stopped.
#include <errno.h>
#include <fcntl.h>
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
#include "tools/hawser/trace/trace.h"

enum {
    MEMBERS = 2,
    PROCESSES = MEMBERS + 1,
    TURNS = 200, // of each state, unless told
    ADDRESS_BYTES = 64,
    ITEMS_MAX = 4096,
    READ_MS = 5,
};
#define TURN_NS UINT64_C(20000000)

enum state { WITHOUT, READING, STOPPED, STATES };

struct stream {
    const struct bench_job *job;
    hws_comm *comm;
    float *buffer;
    uint64_t count;
    int ask, told;                                 // pipes to and from the reader
    uint64_t samples[STATES][MEASURE_REPEATS_MAX]; // ns of a turn
};

static bool failed(const char *what)
{
    bench_complain("%s: %s", what, hws_last_error());
    return false;
}

// ---- the run's processes -----------------------------------------------------------------------

static _Noreturn void be_master(int out, int life)
{
    hws_master_config config = HWS_MASTER_CONFIG_INIT;
    char address[ADDRESS_BYTES] = "", drop;
    hws_master *master;
    config.first_members = MEMBERS;
    if (hws_master_start(&config, &master)) {
        failed("cannot start a master");
        _exit(EXIT_FAILED);
    }
    hws_master_address(master, address, sizeof address);
    if (write(out, address, sizeof address) == sizeof address) {
        while (read(life, &drop, 1) < 0 && errno == EINTR) {
        }
    }
    hws_master_stop(master);
    _exit(EXIT_OK);
}

static bool reduce(struct stream *stream, uint64_t times)
{
    hws_options options = HWS_OPTIONS_INIT;
    for (uint64_t i = 0; i < times; i++) {
        if (hws_all_reduce(stream->comm, stream->buffer, stream->buffer, stream->count, HWS_F32,
                           HWS_AVG, &options, NULL)) {
            return failed("cannot all-reduce");
        }
    }
    return true;
}

// The member that leads says how many all-reduces a turn has; 0 ends the stream.
static bool agree_times(struct stream *stream, uint64_t *times)
{
    hws_options options = HWS_OPTIONS_INIT;
    options.tag = 1;
    if (hws_agree(stream->comm, *times, HWS_AGREE_MIN, &options, times, NULL)) {
        return failed("cannot agree");
    }
    return true;
}

// The reader is in this state from when it has answered.
static bool set_reader(struct stream *stream, char state)
{
    char answer;
    return write(stream->ask, &state, 1) == 1 && read(stream->told, &answer, 1) == 1;
}

static bool take_turn(struct stream *stream, enum state state, uint32_t turn, uint64_t times)
{
    if (!set_reader(stream, (char)state) || !agree_times(stream, &times)) {
        return false;
    }
    uint64_t start_ns = now_ns();
    if (!reduce(stream, times)) {
        return false;
    }
    stream->samples[state][turn] = (now_ns() - start_ns) / times;
    return true;
}

static bool lead(struct stream *stream, uint32_t turns)
{
    uint64_t times = 100;
    if (!take_turn(stream, WITHOUT, 0, times) || !take_turn(stream, WITHOUT, 0, times)) {
        return false;
    }
    times = HWI_MAX(TURN_NS / (stream->samples[WITHOUT][0] + 1), 1);
    for (uint32_t turn = 0; turn < turns; turn++) {
        for (uint32_t i = 0; i < STATES; i++) {
            if (!take_turn(stream, (enum state)((turn + i) % STATES), turn, times)) {
                return false;
            }
        }
    }
    times = 0;
    return agree_times(stream, &times);
}

static bool follow(struct stream *stream)
{
    for (uint64_t times = UINT64_MAX;; times = UINT64_MAX) {
        if (!agree_times(stream, &times)) {
            return false;
        }
        if (times == 0) {
            return true;
        }
        if (!reduce(stream, times)) {
            return false;
        }
    }
}

// The average of equal members stays what it is.
static bool check_values(const struct stream *stream)
{
    for (uint64_t i = 0; i < stream->count; i++) {
        if (stream->buffer[i] != (float)(i % 1000)) {
            bench_complain("wrong average at element %" PRIu64, i);
            return false;
        }
    }
    return true;
}

// ---- what is printed ---------------------------------------------------------------------------

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// The median over turns of what `state` takes more than WITHOUT next to it.
static double median_cost(struct stream *stream, enum state state, uint32_t turns)
{
    static double costs[MEASURE_REPEATS_MAX];
    for (uint32_t i = 0; i < turns; i++) {
        costs[i] = (double)stream->samples[state][i] / (double)stream->samples[WITHOUT][i] - 1;
    }
    qsort(costs, turns, sizeof *costs, compare_doubles);
    return costs[turns / 2];
}

static void print_costs(struct stream *stream, uint32_t turns)
{
    uint64_t bytes = stream->count * sizeof(float);
    double reading = median_cost(stream, READING, turns);
    double stopped = median_cost(stream, STOPPED, turns);
    double us[STATES];
    for (int state = 0; state < STATES; state++) {
        us[state] = measure_summary(stream->samples[state], turns).median * 1e6;
    }
    if (stream->job->json) {
        printf("{\"bench\":\"trace\",\"bytes\":%" PRIu64 ",\"turns\":%" PRIu32
               ",\"without_us\":%.3f,\"reading_us\":%.3f,\"stopped_us\":%.3f,"
               "\"reading_cost\":%.4f,\"stopped_cost\":%.4f}\n",
               bytes, turns, us[WITHOUT], us[READING], us[STOPPED], reading, stopped);
    } else {
        printf("%10" PRIu64 " %7" PRIu32 " %9.1f us %9.1f us %9.1f us %+9.1f%% %+9.1f%%\n", bytes,
               turns, us[WITHOUT], us[READING], us[STOPPED], 100 * reading, 100 * stopped);
    }
    fflush(stdout);
}

static _Noreturn void be_member(const struct bench_job *job, const char *address, bool leads,
                                int ask, int told)
{
    static struct stream stream;
    hws_config config = HWS_CONFIG_INIT;
    uint32_t turns = job->repeats ? job->repeats : TURNS;
    stream.job = job;
    stream.ask = ask;
    stream.told = told;
    stream.count = job->sizes[0] / sizeof(float);
    stream.buffer = malloc(job->sizes[0]);
    config.master = address;
    if (stream.buffer == NULL || hws_open(&config, &stream.comm)) {
        failed("cannot join");
        _exit(EXIT_FAILED);
    }
    for (uint64_t i = 0; i < stream.count; i++) {
        stream.buffer[i] = (float)(i % 1000);
    }
    bool good = (leads ? lead(&stream, turns) : follow(&stream)) && check_values(&stream);
    if (good && leads) {
        print_costs(&stream, turns);
    }
    hws_close(stream.comm);
    _exit(good ? EXIT_OK : EXIT_FAILED);
}

// ---- the reader: this process ------------------------------------------------------------------

struct reader {
    uint32_t pids[PROCESSES];
    struct trace_source *source; // NULL = not attached
    FILE *nowhere;
    uint64_t read;
};

static void read_some(struct reader *reader)
{
    static struct trace_item items[ITEMS_MAX];
    uint32_t count = reader->source->ops->read(reader->source, items, ITEMS_MAX, READ_MS);
    for (uint32_t i = 0; i < count; i++) {
        trace_print_item(reader->nowhere, reader->source, &items[i]);
    }
    reader->read += count;
}

static bool enter(struct reader *reader, enum state state)
{
    char error[TRACE_ERROR_BYTES];
    if (reader->source != NULL) {
        reader->source->ops->close(reader->source);
    }
    reader->source = NULL;
    if (state == WITHOUT) {
        return true;
    }
    reader->source = trace_open_processes(reader->pids, PROCESSES, false, error);
    if (reader->source == NULL) {
        bench_complain("%s", error);
    }
    return reader->source != NULL;
}

// Does what the leading member asks for, until that has gone.
static bool serve(struct reader *reader, int asked, int tell)
{
    enum state state = WITHOUT;
    char wanted;
    for (;;) {
        ssize_t got = read(asked, &wanted, 1);
        if (got == 0) {
            return reader->read > 0;
        }
        if (got == 1) {
            state = (enum state)wanted;
            if (!enter(reader, state) || write(tell, &wanted, 1) != 1) {
                return false;
            }
            fcntl(asked, F_SETFL, state == READING ? O_NONBLOCK : 0);
        } else if (errno != EAGAIN && errno != EINTR) {
            return false;
        }
        if (state == READING) {
            read_some(reader);
        }
    }
}

// ---- all of them -------------------------------------------------------------------------------

static bool end(const struct reader *reader, bool good)
{
    for (int i = 1; i < PROCESSES; i++) {
        int status = -1;
        if (!good && reader->pids[i]) {
            kill((pid_t)reader->pids[i], SIGKILL);
        }
        if (reader->pids[i]) {
            waitpid((pid_t)reader->pids[i], &status, 0);
        }
        good = good && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_OK;
    }
    return good;
}

static bool start_members(const struct bench_job *job, struct reader *reader, const char *address,
                          const int ask[2], const int told[2])
{
    pid_t parent = getpid();
    for (int i = 1; i < PROCESSES; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            os_die_with(parent);
            close(ask[0]);
            close(told[1]);
            if (i != 1) {
                close(ask[1]);
            }
            be_member(job, address, i == 1, ask[1], told[0]);
        }
        if (pid < 0) {
            return false;
        }
        reader->pids[i] = (uint32_t)pid;
    }
    return true;
}

static bool start_master(struct reader *reader, char address[ADDRESS_BYTES], int *life)
{
    int out[2], alive[2];
    pid_t parent = getpid();
    if (pipe(out) < 0 || pipe(alive) < 0) {
        return false;
    }
    pid_t pid = fork();
    if (pid == 0) {
        os_die_with(parent);
        close(alive[1]);
        be_master(out[1], alive[0]);
    }
    close(out[1]);
    close(alive[0]);
    *life = alive[1];
    reader->pids[0] = pid > 0 ? (uint32_t)pid : 0;
    bool good = pid > 0 && read(out[0], address, ADDRESS_BYTES) == ADDRESS_BYTES;
    close(out[0]);
    return good;
}

int bench_trace(const struct bench_job *job)
{
    struct reader reader = {.nowhere = fopen("/dev/null", "w")};
    char address[ADDRESS_BYTES];
    int ask[2], told[2], life = -1;
    if (!job->json) {
        printf("%10s %7s %12s %12s %12s %10s %10s\n", "bytes", "turns", "without", "read",
               "stopped", "read", "stopped");
    }
    fflush(stdout);
    bool good = reader.nowhere != NULL && start_master(&reader, address, &life) && pipe(ask) == 0 &&
                pipe(told) == 0 && start_members(job, &reader, address, ask, told);
    if (good) {
        close(ask[1]);
        close(told[0]);
        os_be_patient();
        good = serve(&reader, ask[0], told[1]);
    }
    good = end(&reader, good);
    if (life >= 0) {
        close(life);
    }
    if (reader.pids[0]) {
        waitpid((pid_t)reader.pids[0], NULL, 0);
    }
    if (reader.source != NULL) {
        reader.source->ops->close(reader.source);
    }
    return good ? EXIT_OK : EXIT_FAILED;
}
