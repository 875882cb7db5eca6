// SPDX-License-Identifier: MIT
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/hawser/command.h"
#include "tools/hawser/sim/batch.h"
#include "tools/hawser/sim/large.h"
#include "tools/hawser/sim/report.h"

static const char usage[] =
    "usage: hawser sim [OPTIONS]\n"
    "Runs a master and members in one process under virtual time: the real actors, real "
    "collectives\n"
    "on small tensors, and trainers with many habits: all types, operations and collectives, "
    "several\n"
    "operations in flight, cancelled and wrong calls; in some seeds groups and units. First "
    "faults\n"
    "strike, then all faults are healed. After every reply the simulator checks the contract, and "
    "at\n"
    "the end it checks that every member made progress.\n"
    "\n"
    "  --seed S             the first seed (default 1); equal seeds run equally on any machine\n"
    "  --seeds COUNT        number of seeds, from S on (default 1)\n"
    "  --jobs J             seeds at the same time, 1 to 64 (default 1)\n"
    "  --peers N, A-B       members, 1 to 64, or a range from which each seed draws (default "
    "3-16);\n"
    "                       N above 64: no faults, measures the cost of a run of that size (with\n"
    "                       --seed, --steps, --json)\n"
    "  --steps K            rounds under faults, 1 to 10000 (default: each seed draws)\n"
    "  --faults SPEC        \"kill=0.5,freeze\": these faults, with a rate per minute (without a "
    "rate\n"
    "                       the seed draws it); all; none (default: each seed draws the faults)\n"
    "  --only LIST          of the faults only these events, \"kill.0,freeze.2\"; none\n"
    "  --journal DIR        each process writes its journal there (one seed)\n"
    "  --transcript         print every message (one seed)\n"
    "  --shrink             search for a smaller run that fails like the first that failed\n"
    "  --verbose            a line for each seed\n"
    "  --json               results as one JSON object\n"
    "  --help\n"
    "\n"
    "Kinds of faults:\n";
static const char usage_end[] =
    "\n"
    "Exit code: 0 all held, 1 a seed could not be run, 2 bad usage, 4 a promise was broken, 5 no\n"
    "progress after the faults, 6 a crash, 7 a seed that ran twice did not run the same,\n"
    "130 interrupted by Ctrl-C before any of these (143 by SIGTERM).\n"
    "Example: hawser sim --seeds 1000 --jobs 2\n";

enum { PEERS_LEAST = 3, PEERS_MOST = 16 };

enum option_code {
    OPTION_SEED = 256,
    OPTION_SEEDS,
    OPTION_JOBS,
    OPTION_PEERS,
    OPTION_STEPS,
    OPTION_FAULTS,
    OPTION_ONLY,
    OPTION_JOURNAL,
    OPTION_TRANSCRIPT,
    OPTION_SHRINK,
    OPTION_VERBOSE,
    OPTION_JSON,
};

static const struct option longs[] = {{"seed", required_argument, NULL, OPTION_SEED},
                                      {"seeds", required_argument, NULL, OPTION_SEEDS},
                                      {"jobs", required_argument, NULL, OPTION_JOBS},
                                      {"peers", required_argument, NULL, OPTION_PEERS},
                                      {"steps", required_argument, NULL, OPTION_STEPS},
                                      {"faults", required_argument, NULL, OPTION_FAULTS},
                                      {"only", required_argument, NULL, OPTION_ONLY},
                                      {"journal", required_argument, NULL, OPTION_JOURNAL},
                                      {"transcript", no_argument, NULL, OPTION_TRANSCRIPT},
                                      {"shrink", no_argument, NULL, OPTION_SHRINK},
                                      {"verbose", no_argument, NULL, OPTION_VERBOSE},
                                      {"json", no_argument, NULL, OPTION_JSON},
                                      {"help", no_argument, NULL, 'h'},
                                      {0}};

struct job {
    struct sim_batch batch;
    bool shrink;
    struct sim_report report;
};

static void print_usage(void)
{
    fputs(usage, stdout);
    for (uint32_t kind = 0; kind < SWARM_KINDS; kind++) {
        printf("  %-20s %s\n", swarm_kind_word((enum swarm_kind)kind),
               swarm_kind_doc((enum swarm_kind)kind));
    }
    fputs(usage_end, stdout);
}

static bool parse_u64(const char *option, const char *text, uint64_t least, uint64_t *value)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || errno != 0 || *end != '\0' || number < least) {
        complain("sim", "%s takes a number, not \"%s\"", option, text);
        return false;
    }
    *value = number;
    return true;
}

static bool parse_peers(const char *text, struct swarm_config *config)
{
    char first[16];
    const char *dash = strchr(text, '-');
    size_t length = dash != NULL ? (size_t)(dash - text) : strlen(text);
    snprintf(first, sizeof first, "%.*s", (int)length, text);
    const char *second = dash != NULL ? dash + 1 : first;
    if (!option_u32("sim", "--peers", first, 1, HWI_MEMBERS_MAX, &config->peers_least)) {
        return false;
    }
    uint32_t most = dash != NULL ? SWARM_PEERS_MAX : HWI_MEMBERS_MAX;
    return option_u32("sim", "--peers", second, config->peers_least, most, &config->peers_most);
}

static bool apply(struct job *job, int c)
{
    struct swarm_config *config = &job->batch.config;
    switch (c) {
    case OPTION_SEED:
        return parse_u64("--seed", optarg, 0, &config->seed);
    case OPTION_SEEDS:
        return parse_u64("--seeds", optarg, 1, &job->batch.seeds);
    case OPTION_JOBS:
        return option_u32("sim", "--jobs", optarg, 1, SIM_JOBS_MAX, &job->batch.jobs);
    case OPTION_PEERS:
        return parse_peers(optarg, config);
    case OPTION_STEPS:
        return option_u32("sim", "--steps", optarg, 1, SWARM_STEPS_MAX, &config->steps);
    case OPTION_FAULTS:
        config->faults = optarg;
        return true;
    case OPTION_ONLY:
        config->only = optarg;
        return true;
    case OPTION_JOURNAL:
        config->journal = optarg;
        return true;
    case OPTION_TRANSCRIPT:
        config->transcript = true;
        return true;
    case OPTION_SHRINK:
        job->shrink = true;
        return true;
    case OPTION_VERBOSE:
        job->report.verbose = true;
        return true;
    default:
        job->report.json = true;
        return true;
    }
}

static bool is_large(const struct job *job)
{
    return job->batch.config.peers_most > SWARM_PEERS_MAX;
}

static bool makes_sense(const struct job *job)
{
    const struct swarm_config *config = &job->batch.config;
    bool others = job->batch.seeds > 1 || config->faults != NULL || config->only != NULL ||
                  config->journal != NULL || config->transcript || job->shrink;
    if (is_large(job) && others) {
        complain("sim", "with more than %d members there is only --seed, --steps and --json",
                 SWARM_PEERS_MAX);
        return false;
    }
    if (is_large(job)) {
        return true;
    }
    char error[SWARM_SENTENCE_BYTES_MAX];
    if (!swarm_config_check(config, error, sizeof error)) {
        complain("sim", "%s; try hawser sim --help", error);
        return false;
    }
    if (job->batch.seeds > 1 && (config->transcript || config->journal != NULL)) {
        complain("sim", "--transcript and --journal are for one seed");
        return false;
    }
    return true;
}

// -1 = continue
static int parse(int argc, char **argv, struct job *job)
{
    int c;
    opterr = 0;
    while ((c = getopt_long(argc, argv, ":h", longs, NULL)) != -1) {
        if (c == 'h') {
            print_usage();
            return EXIT_OK;
        }
        if (c == '?' || c == ':') {
            return bad_option("sim", c, argv);
        }
        if (!apply(job, c)) {
            return EXIT_USAGE;
        }
    }
    if (optind < argc) {
        complain("sim", "unexpected argument %s; try hawser sim --help", argv[optind]);
        return EXIT_USAGE;
    }
    return makes_sense(job) ? -1 : EXIT_USAGE;
}

static bool make_directory(const char *path)
{
    if (mkdir(path, 0700) == 0 || (errno == EEXIST && access(path, W_OK | X_OK) == 0)) {
        return true;
    }
    complain("sim", "cannot write journals to %s: %s", path, strerror(errno));
    return false;
}

static void print_transcript(void *user, struct hwi_sim *sim)
{
    (void)user;
    fputs(hwi_sim_transcript(sim), stdout);
}

int command_sim(int argc, char **argv)
{
    struct job job = {
        .batch = {.config = {.seed = 1, .peers_least = PEERS_LEAST, .peers_most = PEERS_MOST},
                  .seeds = 1,
                  .jobs = 1}};
    int code = parse(argc, argv, &job);
    if (code >= 0) {
        return code;
    }
    struct swarm_config *config = &job.batch.config;
    if (is_large(&job)) {
        return sim_large_run(&(struct sim_large){.seed = config->seed,
                                                 .peers = config->peers_most,
                                                 .steps = config->steps,
                                                 .json = job.report.json});
    }
    if (config->transcript) {
        config->look = print_transcript;
    }
    if (config->journal != NULL && !make_directory(config->journal)) {
        return EXIT_FAILED;
    }
    job.batch.ended = sim_report_seed;
    job.batch.user = &job.report;
    sim_report_begin(&job.report, &job.batch);
    if (!sim_batch_run(&job.batch)) {
        complain("sim", "cannot start a process: %s", strerror(errno));
        return EXIT_FAILED;
    }
    code = sim_report_end(&job.report, job.shrink && sim_batch_signal() == 0);
    if (sim_batch_signal() == 0) {
        return code;
    }
    complain("sim", "interrupted: %" PRIu64 " of %" PRIu64 " seeds ended", job.report.seeds,
             job.batch.seeds);
    return code != EXIT_OK ? code : 128 + sim_batch_signal();
}
