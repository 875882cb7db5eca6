// SPDX-License-Identifier: MIT
#include "tools/hawser/demo/demo.h"

#include <errno.h>
#include <getopt.h>
#include <hawser/hawser.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/hawser/command.h"

static const char usage[] =
    "usage: hawser demo [OPTIONS]\n"
    "The tour, on this machine: a master and 4 trainers learn handwritten digits together. One\n"
    "kills itself (SIGKILL) in the middle of an all-reduce, which another comes late to, so that "
    "it\n"
    "is in flight; the survivors run it again and go on. A newcomer joins in mid-training and "
    "gets\n"
    "the state from them. At the end this command hashes each trainer's final state and compares.\n"
    "\n"
    "  --json            the last line is one JSON object; progress goes to stderr\n"
    "  --data DIR        IDX files of the digits (default: those that come with Hawser)\n"
    "  --seed S          of the network's start and the batches (default 1)\n"
    "  --journal DIR     record in DIR what the master and all trainers do, for hawser replay\n"
    "  --help\n"
    "\n"
    "Exit code: 0 all final states are identical, the accuracy is at least 95 %, the kill hit an\n"
    "operation and the newcomer joined; 1 otherwise; 2 bad usage.\n"
    "Example: hawser demo\n";

enum { DEADLINE_S = 300, POLL_MS = 200 };

static uint64_t elapsed_s(const struct demo *demo)
{
    return (now_ns() - demo->start_ns) / UINT64_C(1000000000);
}

static bool start_trainer(struct demo *demo, uint32_t index)
{
    char out[DEMO_PATH_BYTES], master[128], seed[16], steps[16], fault_at[16];
    const char *report = "/dev/fd/3"; // FAMILY_REPORT_FD
    const char *defines[] = {master, NULL};
    const char *fault = index == DEMO_VICTIM ? "--die-at" : index == DEMO_LATE ? "--late-at" : NULL;
    const char *arguments[] = {
        demo->trainer, "--data", demo->data, "--out", out,       "--report", report, "--seed", seed,
        "--steps",     steps,    "--hidden", "256",   "--inner", "100",      fault,  fault_at, NULL,
    };
    demo_out_path(demo, index, out);
    snprintf(master, sizeof master, "HAWSER_MASTER=%s", demo->address);
    snprintf(seed, sizeof seed, "%" PRIu32, demo->seed);
    snprintf(steps, sizeof steps, "%d", DEMO_STEPS);
    snprintf(fault_at, sizeof fault_at, "%d", DEMO_DIE_AT);
    if (family_start(&demo->family, arguments, defines, true) >= 0) {
        return true;
    }
    demo_problem(demo, "cannot run %.150s: %s", demo->trainer, strerror(errno));
    return false;
}

static void on_line(void *user, uint32_t index, enum stream stream, const char *text)
{
    if (stream == STREAM_REPORT) {
        demo_on_report(user, index, text);
    } else if (stream == STREAM_ERROR) {
        fprintf(stderr, "process %" PRIu32 ": %s\n", index, text);
    }
}

static void on_ended(void *user, uint32_t index)
{
    struct demo *demo = user;
    int status = demo->family.children[index]->status;
    if (index == DEMO_VICTIM && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
        demo_show(demo,
                  "member %" PRIu64 " is killed in the all-reduce of step %" PRIu64
                  "; a newcomer starts",
                  demo->parties[index].peer, demo->parties[index].dying_step);
        demo->newcomer_started = start_trainer(demo, DEMO_NEWCOMER);
    } else if (index == DEMO_VICTIM || status != 0) {
        demo_problem(demo, "process %" PRIu32 " ended with code %d%s", index,
                     family_exit_code(demo->family.children[index]),
                     index == DEMO_VICTIM ? " and not by SIGKILL" : "");
    }
}

// Runs until all trainers have ended, something is wrong, or the deadline passes.
static void attend(struct demo *demo)
{
    while (family_running(&demo->family) > 0 && !demo->problem[0]) {
        int signal_came = family_poll(&demo->family, POLL_MS);
        if (signal_came) {
            demo_problem(demo, "ended by signal %d", signal_came);
        }
        if (elapsed_s(demo) >= DEADLINE_S) {
            demo_problem(demo, "not finished within %d s", DEADLINE_S);
        }
    }
}

static void train_all(struct demo *demo)
{
    static const struct family_ops ops = {on_line, on_ended};
    if (!family_init(&demo->family, &ops, demo)) {
        demo_problem(demo, "cannot make a pipe: %s", strerror(errno));
        return;
    }
    bool good = true;
    for (uint32_t i = 0; i < DEMO_MEMBERS && good; i++) {
        good = start_trainer(demo, i);
    }
    if (good) {
        attend(demo);
    }
    family_fini(&demo->family);
}

static void tour(struct demo *demo)
{
    hws_master_config config = HWS_MASTER_CONFIG_INIT;
    hws_master *master;
    config.first_members = DEMO_MEMBERS;
    if (hws_master_start(&config, &master)) {
        demo_problem(demo, "cannot start a master: %s", hws_last_error());
        return;
    }
    hws_master_address(master, demo->address, sizeof demo->address);
    demo_show(demo, "master at %s; %d trainers start", demo->address, DEMO_MEMBERS);
    train_all(demo);
    hws_master_stop(master);
}

static int parse_arguments(struct demo *demo, const char **data, int argc, char **argv)
{
    static const struct option longs[] = {
        {"json", no_argument, NULL, 'j'},       {"data", required_argument, NULL, 'd'},
        {"seed", required_argument, NULL, 's'}, {"journal", required_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},       {0},
    };
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":h", longs, NULL)) != -1;) {
        if (c == '?' || c == ':') {
            return bad_option("demo", c, argv);
        }
        if (c == 'h') {
            fputs(usage, stdout);
            return EXIT_OK;
        }
        if (c == 's' && !option_u32("demo", "--seed", optarg, 0, UINT32_MAX, &demo->seed)) {
            return EXIT_USAGE;
        }
        if (c == 'r') {
            setenv("HAWSER_JOURNAL", optarg, 1); // ours and the trainers'
        }
        demo->json = demo->json || c == 'j';
        if (c == 'd') {
            *data = optarg;
        }
    }
    if (optind < argc) {
        complain("demo", "unexpected argument %s; try hawser demo --help", argv[optind]);
        return EXIT_USAGE;
    }
    return -1;
}

int command_demo(int argc, char **argv)
{
    static struct demo demo = {.seed = 1};
    const char *data = NULL;
    int code = parse_arguments(&demo, &data, argc, argv);
    if (code >= 0) {
        return code;
    }
    demo.terminal = isatty(demo.json ? STDERR_FILENO : STDOUT_FILENO);
    demo.start_ns = now_ns();
    if (demo_find(&demo, data) && demo_make_directory(&demo)) {
        tour(&demo);
    }
    struct demo_verdict verdict = demo_judge(&demo);
    demo_remove_directory(&demo);
    demo_print(&demo, &verdict);
    return verdict.ok ? EXIT_OK : EXIT_FAILED;
}
