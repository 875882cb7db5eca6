// SPDX-License-Identifier: MIT
#include <errno.h>
#include <getopt.h>
#include <hawser/hawser.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/hawser/command.h"
#include "tools/hawser/run/run.h"

static const char usage[] =
    "usage: hawser run -n N [OPTIONS] -- TRAINER ARGS...\n"
    "Starts a master and N processes of TRAINER here. Each line that process I prints begins with\n"
    "\"process I: \". Processes are numbered from 0. They find the master in HAWSER_MASTER and "
    "their\n"
    "number in HAWSER_INDEX. Members are numbered by the master, from 1: `hawser run` prints on\n"
    "stderr which process is which member.\n"
    "\n"
    "  -n N                 processes to start, 1 to 256\n"
    "  --chaos SPEC         faults to inject, see below\n"
    "  --first-members M    the first view waits for M members (default N)\n"
    "  --min-members M      with fewer members operations fail with HWS_E_TOO_FEW (default 1)\n"
    "  --groups G           process I is in group I modulo G (HAWSER_GROUP)\n"
    "  --unit-size U        processes 0 to U-1 are one unit, the next U another (HAWSER_UNIT,\n"
    "                       HAWSER_UNIT_SIZE); start@ and every= act on whole units; N is a\n"
    "                       multiple of U\n"
    "  --dead-ms N          silence after which a member is removed (default 5000)\n"
    "  --journal DIR        record in DIR what the master and the members do, for hawser replay\n"
    "  --help\n"
    "\n"
    "SPEC is a list with commas. T and D are times such as 2s, 1.5s or 500ms, T from the start:\n"
    "  kill@T:I             kill process I (SIGKILL)\n"
    "  stop@T:I+D           freeze process I (SIGSTOP), and continue it after D; without +D never\n"
    "  start@T              start one more process, or unit\n"
    "  every=T              every T, kill a process at random, with its unit, and start a new one\n"
    "  seed=N               for the random choices (default 0)\n"
    "Chaos ends when a process has finished; the items that never struck are named. Processes "
    "that\n"
    "are still frozen when all others have ended are continued and ended.\n"
    "\n"
    "Exit code: 0 all processes that chaos did not kill exited 0; else that of the first that\n"
    "failed (128 + signal if by one); 1 none finished; 2 bad usage; 3 the trainer cannot be run, "
    "or\n"
    "fails at once.\n"
    "Example: hawser run -n 4 --chaos kill@2s:1,start@3s -- train_digits --steps 100\n";

enum { MEMBERS_MAX = 256, END_GRACE_MS = 5000 };

uint64_t run_elapsed_ms(const struct run *run)
{
    return (now_ns() - run->start_ns) / UINT64_C(1000000);
}

bool run_start_process(struct run *run)
{
    char master[RUN_ADDRESS_BYTES + 16], index[32], group[32], unit[32], size[32];
    const char *defines[FAMILY_DEFINES_MAX] = {master, index};
    uint32_t i = run->family.count, count = 2;
    snprintf(master, sizeof master, "HAWSER_MASTER=%s", run->address);
    snprintf(index, sizeof index, "HAWSER_INDEX=%" PRIu32, i);
    if (run->groups > 0) {
        snprintf(group, sizeof group, "HAWSER_GROUP=%" PRIu32, i % run->groups);
        defines[count++] = group;
    }
    if (run->unit_size > 0) {
        snprintf(unit, sizeof unit, "HAWSER_UNIT=unit%" PRIu32, i / run->unit_size);
        snprintf(size, sizeof size, "HAWSER_UNIT_SIZE=%" PRIu32, run->unit_size);
        defines[count++] = unit;
        defines[count++] = size;
    }
    if (family_start(&run->family, run->trainer, defines, false) >= 0) {
        return true;
    }
    complain("run", "cannot run %s: %s", run->trainer[0], strerror(errno));
    return false;
}

void run_end_processes(struct run *run, int signal)
{
    bool again = run->ending;
    run->ending = true;
    run->kill_at_ms = run_elapsed_ms(run) + END_GRACE_MS;
    family_signal_all(&run->family, again ? SIGKILL : signal);
    family_signal_all(&run->family, SIGCONT);
}

static void on_line(void *user, uint32_t index, enum stream stream, const char *text)
{
    (void)user;
    fprintf(stream == STREAM_OUT ? stdout : stderr, "process %" PRIu32 ": %s\n", index, text);
}

static void on_ended(void *user, uint32_t index)
{
    struct run *run = user;
    int code = family_exit_code(run->family.children[index]);
    if (code == 0) {
        run->finished = true;
    }
    if (code == 0 || run->spared[index]) {
        return;
    }
    if (!run->ending && code > 128) {
        complain("run", "process %" PRIu32 " was killed by signal %d", index, code - 128);
    } else if (!run->ending) {
        complain("run", "process %" PRIu32 " exited with code %d", index, code);
    }
    if (!run->exit_code) {
        run->exit_code = code;
    }
    if (!run->ending && !run_has_begun(run)) {
        complain("run", "%s failed before the run began; ending the others", run->trainer[0]);
        run->exit_code = EXIT_TRAINER;
        for (uint32_t i = 0; i < run->family.count; i++) {
            run->spared[i] = true;
        }
        run_end_processes(run, SIGTERM);
    }
}

// ---- the whole -------------------------------------------------------------------------------

static int wait_ms(const struct run *run)
{
    uint64_t now = run_elapsed_ms(run), next = now + RUN_MEMBERS_CHECK_MS;
    if (!run->ending && chaos_next_ms(&run->chaos) < next) {
        next = chaos_next_ms(&run->chaos);
    }
    return next > now ? (int)(next - now) : 0;
}

static int attend(struct run *run)
{
    while (family_running(&run->family) > 0) {
        int signal_came = family_poll(&run->family, wait_ms(run));
        if (signal_came) {
            run_end_processes(run, signal_came == SIGINT ? SIGINT : SIGTERM);
        }
        run_say_members(run);
        run_do_chaos(run);
        run_end_forgotten(run);
        run_end_frozen(run);
        if (run->ending && run_elapsed_ms(run) >= run->kill_at_ms) {
            family_signal_all(&run->family, SIGKILL);
        }
    }
    run_say_what_never_struck(run);
    if (run->exit_code == EXIT_OK && !run->finished) {
        complain("run", "no process finished");
        return EXIT_FAILED;
    }
    return run->exit_code;
}

static int start_all(struct run *run)
{
    static const struct family_ops ops = {on_line, on_ended};
    hws_master_config config = HWS_MASTER_CONFIG_INIT;
    config.first_members = run->first_members;
    config.min_members = run->min_members;
    config.dead_ms = run->dead_ms;
    if (hws_master_start(&config, &run->master)) {
        complain("run", "cannot start a master: %s", hws_last_error());
        return EXIT_FAILED;
    }
    hws_master_address(run->master, run->address, sizeof run->address);
    fprintf(stderr, "hawser run: master at %s (hawser status %s)\n", run->address, run->address);
    if (!family_init(&run->family, &ops, run)) {
        complain("run", "cannot make a pipe: %s", strerror(errno));
        hws_master_stop(run->master);
        return EXIT_FAILED;
    }
    run->start_ns = now_ns();
    int code = EXIT_OK;
    for (uint32_t i = 0; i < run->members && code == EXIT_OK; i++) {
        code = run_start_process(run) ? EXIT_OK : EXIT_TRAINER;
    }
    if (code == EXIT_OK) {
        code = attend(run);
    }
    family_fini(&run->family);
    hws_master_stop(run->master);
    return code;
}

static bool set_option(struct run *run, int option)
{
    char error[CHAOS_ERROR_BYTES];
    switch (option) {
    case 'n':
        return option_u32("run", "-n", optarg, 1, MEMBERS_MAX, &run->members);
    case 'm':
        return option_u32("run", "--min-members", optarg, 1, MEMBERS_MAX, &run->min_members);
    case 'f':
        return option_u32("run", "--first-members", optarg, 1, MEMBERS_MAX, &run->first_members);
    case 'g':
        return option_u32("run", "--groups", optarg, 1, MEMBERS_MAX, &run->groups);
    case 'u':
        return option_u32("run", "--unit-size", optarg, 1, MEMBERS_MAX, &run->unit_size);
    case 'j':
        return setenv("HAWSER_JOURNAL", optarg, 1) == 0; // ours and the members'
    case 'd':
        return option_u32("run", "--dead-ms", optarg, 500, 600000, &run->dead_ms);
    default:
        if (chaos_parse(optarg, &run->chaos, error)) {
            return true;
        }
        complain("run", "%s", error);
        return false;
    }
}

int command_run(int argc, char **argv)
{
    static const struct option longs[] = {
        {"chaos", required_argument, NULL, 'c'},
        {"min-members", required_argument, NULL, 'm'},
        {"first-members", required_argument, NULL, 'f'},
        {"dead-ms", required_argument, NULL, 'd'},
        {"journal", required_argument, NULL, 'j'},
        {"groups", required_argument, NULL, 'g'},
        {"unit-size", required_argument, NULL, 'u'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    static struct run run;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, "+:hn:", longs, NULL)) != -1;) {
        if (c == 'h') {
            fputs(usage, stdout);
            return EXIT_OK;
        }
        if (c == '?' || c == ':') {
            return bad_option("run", c, argv);
        }
        if (!set_option(&run, c)) {
            return EXIT_USAGE;
        }
    }
    if (run.members == 0 || optind >= argc) {
        complain("run", "%s; try hawser run --help",
                 run.members ? "no trainer given" : "-n N is missing");
        return EXIT_USAGE;
    }
    if (run.unit_size > 0 && run.members % run.unit_size != 0) {
        complain("run", "-n %" PRIu32 " is no multiple of --unit-size %" PRIu32, run.members,
                 run.unit_size);
        return EXIT_USAGE;
    }
    if (run.first_members == 0) {
        run.first_members = run.members;
    }
    run.trainer = (const char *const *)argv + optind;
    return start_all(&run);
}
