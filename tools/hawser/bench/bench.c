// SPDX-License-Identifier: MIT
#include "tools/hawser/bench/bench.h"

#include <errno.h>
#include <getopt.h>
#include <hawser/hawser.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/hawser/command.h"
#include "tools/hawser/common/os_process.h"

static const char usage[] =
    "usage: hawser bench KIND [OPTIONS]\n"
    "Measures on this machine, over loopback, and checks every result.\n"
    "\n"
    "  all-reduce           N member processes and a master sum f32 in place\n"
    "  raw                  two plain processes send and receive the same bytes at once over TCP\n"
    "  compare              both, in turn within one run, with 2 members, and their ratio\n"
    "\n"
    "  --peers N            member processes of all-reduce, up to 64 (default 2)\n"
    "  --sizes LIST         bytes of the tensor (default 4K,64K,1M,16M,64M)\n"
    "  --plan PLAN          auto, one-shot or direct (default auto: by size)\n"
    "  --stripes K          connections per pair, 1 to 32 (default 4)\n"
    "  --repeats R          timed repeats per size, up to 100000 (default: about 1.5 s of them)\n"
    "  --json               one JSON object per size\n"
    "  --help\n"
    "\n"
    "The time of a repeat is that of the slowest process, from a barrier. algbw is size / median\n"
    "time; busbw is algbw * 2 (N-1) / N, the bytes that all-reduce moves over each link.\n"
    "Exit code: 0 measured, 1 an operation failed or a sum was wrong, 2 bad usage.\n"
    "Example: hawser bench all-reduce --peers 4 --sizes 64K,1M,16M\n";

enum { ADDRESS_BYTES = 64 };

// The processes of a benchmark, all children of this one.
struct crew {
    const struct bench_job *job;
    struct bench_raw pair[2];
    pid_t master;    // 0 = none
    int master_life; // closing it ends the master
    char address[ADDRESS_BYTES];
    pid_t members[BENCH_PEERS_MAX];
    uint32_t started;
    int results[2];
};

// ---- the master's process --------------------------------------------------------------------

static _Noreturn void be_master(const struct bench_job *job, int address_out, int life)
{
    hws_master_config config = HWS_MASTER_CONFIG_INIT;
    hws_master *master;
    char address[ADDRESS_BYTES] = "", drop;
    config.first_members = job->peers;
    if (hws_master_start(&config, &master)) {
        complain("bench", "cannot start a master: %s", hws_last_error());
        _exit(EXIT_FAILED);
    }
    hws_master_address(master, address, sizeof address);
    if (write(address_out, address, sizeof address) == sizeof address) {
        while (read(life, &drop, 1) < 0 && errno == EINTR) {
        }
    }
    hws_master_stop(master);
    _exit(EXIT_OK);
}

static bool start_master(struct crew *crew)
{
    int address[2], life[2];
    pid_t parent = getpid();
    if (pipe(address) < 0 || pipe(life) < 0) {
        return false;
    }
    crew->master = fork();
    if (crew->master == 0) {
        os_die_with(parent);
        close(life[1]);
        be_master(crew->job, address[1], life[0]);
    }
    close(address[1]);
    close(life[0]);
    crew->master_life = life[1];
    ssize_t got = crew->master > 0 ? read(address[0], crew->address, ADDRESS_BYTES) : -1;
    close(address[0]);
    return got == ADDRESS_BYTES;
}

// ---- the members' processes ------------------------------------------------------------------

static bool start_member(struct crew *crew, uint32_t rank)
{
    const struct bench_job *job = crew->job;
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        os_die_with(parent);
        close(crew->results[0]);
        struct bench_raw *raw = job->kind & BENCH_RAW ? &crew->pair[rank] : NULL;
        if (raw != NULL) {
            raw_close(&crew->pair[!rank]);
        }
        _exit(bench_member(job, crew->master ? crew->address : NULL, raw, rank, crew->results[1]));
    }
    if (pid < 0) {
        return false;
    }
    crew->members[crew->started++] = pid;
    return true;
}

static bool start_crew(struct crew *crew)
{
    const struct bench_job *job = crew->job;
    // The master first: it must not inherit the pipes that announce the members' ends.
    if ((job->kind & BENCH_ALL_REDUCE) && !start_master(crew)) {
        return false;
    }
    if ((job->kind & BENCH_RAW) && !raw_open_pair(crew->pair, job->stripes)) {
        return false;
    }
    if (pipe(crew->results) < 0) {
        return false;
    }
    for (uint32_t i = 0; i < job->peers; i++) {
        if (!start_member(crew, i)) {
            return false;
        }
    }
    close(crew->results[1]);
    raw_close(&crew->pair[0]);
    raw_close(&crew->pair[1]);
    return true;
}

// Prints results as they come, until all members have closed the pipe.
static void print_results(struct crew *crew)
{
    struct bench_result result;
    bench_print_head(crew->job);
    for (;;) {
        ssize_t got = read(crew->results[0], &result, sizeof result);
        if (got == sizeof result) {
            bench_print(crew->job, &result);
        } else if (got >= 0 || errno != EINTR) {
            return;
        }
    }
}

// Waits for all members; once one has failed the others are killed.
static int end_crew(struct crew *crew, bool good)
{
    uint32_t left = crew->started;
    while (left > 0) {
        int status;
        for (uint32_t i = 0; !good && i < crew->started; i++) {
            if (crew->members[i]) {
                kill(crew->members[i], SIGKILL);
            }
        }
        pid_t pid = wait(&status);
        if (pid < 0 && errno != EINTR) {
            break;
        }
        for (uint32_t i = 0; i < crew->started; i++) {
            if (pid <= 0 || crew->members[i] != pid) {
                continue;
            }
            crew->members[i] = 0;
            left--;
            good = good && WIFEXITED(status) && WEXITSTATUS(status) == 0;
        }
    }
    if (crew->master > 0) {
        close(crew->master_life);
        waitpid(crew->master, NULL, 0);
    }
    return good ? EXIT_OK : EXIT_FAILED;
}

static int bench(const struct bench_job *job)
{
    struct crew crew = {.job = job};
    bool good = start_crew(&crew);
    if (!good) {
        complain("bench", "cannot start the processes: %s", strerror(errno));
    } else {
        print_results(&crew);
    }
    return end_crew(&crew, good);
}

// ---- options ---------------------------------------------------------------------------------

static bool parse_sizes(const char *text, struct bench_job *job)
{
    if (measure_sizes(text, job->sizes, &job->size_count)) {
        return true;
    }
    complain("bench", "--sizes takes up to %d multiples of 4 bytes such as 4K,1M, not \"%s\"",
             MEASURE_SIZES_MAX, text);
    return false;
}

static bool parse_plan(const char *text, struct bench_job *job)
{
    static const char *const names[] = {"auto", "one-shot", "direct"};
    for (job->plan = 0; job->plan < 3; job->plan++) {
        if (strcmp(text, names[job->plan]) == 0) {
            return true;
        }
    }
    complain("bench", "--plan takes auto, one-shot or direct, not \"%s\"", text);
    return false;
}

static bool parse_kind(const char *text, struct bench_job *job)
{
    static const struct {
        const char *name;
        enum bench_kind kind;
    } kinds[] = {{"all-reduce", BENCH_ALL_REDUCE}, {"raw", BENCH_RAW}, {"compare", BENCH_COMPARE}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(text, kinds[i].name) == 0) {
            job->kind = kinds[i].kind;
            return true;
        }
    }
    complain("bench", "unknown kind %s; it is all-reduce, raw or compare", text);
    return false;
}

static bool set_option(struct bench_job *job, int option)
{
    switch (option) {
    case 'n':
        return option_u32("bench", "--peers", optarg, 1, BENCH_PEERS_MAX, &job->peers);
    case 's':
        return parse_sizes(optarg, job);
    case 'p':
        return parse_plan(optarg, job);
    case 'k':
        return option_u32("bench", "--stripes", optarg, 1, BENCH_STRIPES_MAX, &job->stripes);
    case 'r':
        return option_u32("bench", "--repeats", optarg, 1, MEASURE_REPEATS_MAX, &job->repeats);
    default:
        return job->json = true;
    }
}

static int parse_arguments(struct bench_job *job, int argc, char **argv)
{
    static const struct option longs[] = {
        {"peers", required_argument, NULL, 'n'},   {"sizes", required_argument, NULL, 's'},
        {"plan", required_argument, NULL, 'p'},    {"stripes", required_argument, NULL, 'k'},
        {"repeats", required_argument, NULL, 'r'}, {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},          {0},
    };
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":h", longs, NULL)) != -1;) {
        if (c == '?' || c == ':') {
            return bad_option("bench", c, argv);
        }
        if (c == 'h') {
            fputs(usage, stdout);
            job->kind = 0;
            return EXIT_OK;
        }
        if (!set_option(job, c)) {
            return EXIT_USAGE;
        }
    }
    if (argc - optind != 1) {
        complain("bench", "expected one kind: all-reduce, raw or compare; try hawser bench --help");
        return EXIT_USAGE;
    }
    return parse_kind(argv[optind], job) ? EXIT_OK : EXIT_USAGE;
}

int command_bench(int argc, char **argv)
{
    struct bench_job job = {.peers = 2, .stripes = 4};
    int code = parse_arguments(&job, argc, argv);
    if (code != EXIT_OK || !job.kind) {
        return code;
    }
    if (job.size_count == 0) {
        parse_sizes("4K,64K,1M,16M,64M", &job);
    }
    if ((job.kind & BENCH_RAW) && job.peers != 2) {
        complain("bench", "raw and compare are between 2 processes; leave --peers out");
        return EXIT_USAGE;
    }
    return bench(&job);
}
