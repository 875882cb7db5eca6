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

#include "tools/hawser/run/chaos.h"
#include "tools/hawser/command.h"
#include "tools/hawser/common/family.h"
#include "tools/hawser/common/status_query.h"

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

enum { MEMBERS_MAX = 256, LATE_CHECK_MS = 500, MEMBERS_CHECK_MS = 250, END_GRACE_MS = 5000 };
enum { ADDRESS_BYTES = 64, NAME_BYTES = 64 };

struct run {
    struct family family;
    struct chaos chaos;
    hws_master *master;
    char address[ADDRESS_BYTES];
    const char *const *trainer; // borrowed: argv behind the options
    uint32_t members, first_members, min_members, dead_ms;
    uint64_t member[FAMILY_MAX]; // id, as last printed; 0 = none
    bool spared[FAMILY_MAX];     // ended by us: how it exits does not count
    bool frozen[FAMILY_MAX];     // by us
    uint32_t groups, unit_size;  // 0 = none
    bool finished;               // a member exited 0
    bool ending;                 // asked to end, or a trainer failed at once
    uint64_t start_ns, kill_at_ms, late_check_ms, members_check_ms;
    int exit_code;
};

static uint64_t elapsed_ms(const struct run *run)
{
    return (now_ns() - run->start_ns) / UINT64_C(1000000);
}

static bool start_process(struct run *run)
{
    char master[ADDRESS_BYTES + 16], index[32], group[32], unit[32], size[32];
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

// Asks the members to end, and makes them after a while.
static void end_processes(struct run *run, int signal)
{
    bool again = run->ending;
    run->ending = true;
    run->kill_at_ms = elapsed_ms(run) + END_GRACE_MS;
    family_signal_all(&run->family, again ? SIGKILL : signal);
    family_signal_all(&run->family, SIGCONT);
}

// Our own master's account; NULL if it has none.
static struct hwi_msg_status *ask_master(const struct run *run, struct hwi_msg *answer,
                                         void **block)
{
    char error[STATUS_ERROR_BYTES];
    *block = NULL;
    if (status_query(run->address, STATUS_TIMEOUT_MS, answer, block, error)) {
        return NULL;
    }
    return &answer->u.status;
}

// The member that a process is, by its process id; 0 = none yet, or none any more. A trainer that a
// shell started has an id of its own.
static uint64_t member_of(const struct run *run, uint32_t index,
                          const struct hwi_msg_status *status)
{
    uint64_t pid = (uint64_t)run->family.children[index]->pid, member = 0;
    for (uint32_t i = 0; status != NULL && i < status->members_count; i++) {
        member = status->members[i].facts.pid == pid ? status->members[i].peer : member;
    }
    return member;
}

// "process 1 (member 3)", or "process 1" if it is no member at this moment.
static void name_process(const struct run *run, uint32_t index, char name[NAME_BYTES])
{
    struct hwi_msg answer;
    void *block;
    uint64_t member = member_of(run, index, ask_master(run, &answer, &block));
    free(block);
    if (member > 0) {
        snprintf(name, NAME_BYTES, "process %" PRIu32 " (member %" PRIu64 ")", index, member);
    } else {
        snprintf(name, NAME_BYTES, "process %" PRIu32, index);
    }
}

// Says which process is which member, also again: who joins anew is another member.
static void say_members(struct run *run)
{
    struct hwi_msg answer;
    void *block;
    uint64_t now = elapsed_ms(run);
    if (now < run->members_check_ms) {
        return;
    }
    run->members_check_ms = now + MEMBERS_CHECK_MS;
    struct hwi_msg_status *status = ask_master(run, &answer, &block);
    for (uint32_t i = 0; i < run->family.count; i++) {
        uint64_t member = member_of(run, i, status);
        if (member > 0 && member != run->member[i]) {
            run->member[i] = member;
            fprintf(stderr, "hawser run: process %" PRIu32 " is member %" PRIu64 "\n", i, member);
        }
    }
    free(block);
}

static bool run_has_begun(const struct run *run)
{
    struct hwi_msg answer;
    void *block;
    struct hwi_msg_status *status = ask_master(run, &answer, &block);
    bool begun = status == NULL || status->view != 0;
    free(block);
    return begun;
}

// ---- what members do -------------------------------------------------------------------------

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
        end_processes(run, SIGTERM);
    }
}

// Late members that were never let in have nobody to join once the others are finished.
static void end_forgotten(struct run *run)
{
    struct hwi_msg answer;
    void *block;
    uint64_t now = elapsed_ms(run);
    if (!run->finished || run->ending || now < run->late_check_ms) {
        return;
    }
    run->late_check_ms = now + LATE_CHECK_MS;
    for (uint32_t i = 0; i < run->members; i++) {
        if (run->family.children[i]->running) {
            return;
        }
    }
    struct hwi_msg_status *status = ask_master(run, &answer, &block);
    bool alone = status != NULL;
    for (uint32_t i = 0; status != NULL && i < status->members_count; i++) {
        alone = alone && status->members[i].standing == 0;
    }
    free(block);
    if (!alone) {
        return;
    }
    for (uint32_t i = run->members; i < run->family.count; i++) {
        if (run->family.children[i]->running) {
            complain("run", "the run ended before process %" PRIu32 " was admitted", i);
            run->spared[i] = true;
        }
    }
    end_processes(run, SIGTERM);
}

// ---- what is done to them --------------------------------------------------------------------

static bool runs(const struct run *run, uint32_t index)
{
    return index < run->family.count && run->family.children[index]->running;
}

static bool kill_process(struct run *run, uint32_t index)
{
    char name[NAME_BYTES];
    if (!runs(run, index)) {
        return false;
    }
    name_process(run, index, name);
    printf("hawser run: killing %s\n", name);
    run->spared[index] = true;
    family_signal(&run->family, index, SIGKILL);
    return true;
}

// Of units a whole one: a part of one would wait for the rest.
static uint32_t unit_size(const struct run *run)
{
    return run->unit_size > 0 ? run->unit_size : 1;
}

static void start_late(struct run *run)
{
    for (uint32_t i = 0; i < unit_size(run); i++) {
        printf("hawser run: starting process %" PRIu32 "\n", run->family.count);
        start_process(run);
    }
}

static bool freeze_process(struct run *run, uint32_t index)
{
    char name[NAME_BYTES];
    if (!runs(run, index)) {
        return false;
    }
    name_process(run, index, name);
    printf("hawser run: freezing %s\n", name);
    family_signal(&run->family, index, SIGSTOP);
    run->frozen[index] = true;
    return true;
}

static void continue_process(struct run *run, uint32_t index)
{
    char name[NAME_BYTES];
    if (!runs(run, index) || !run->frozen[index]) {
        return;
    }
    name_process(run, index, name);
    printf("hawser run: %s continues\n", name);
    family_signal(&run->family, index, SIGCONT);
    run->frozen[index] = false;
}

static bool do_event(struct run *run, const struct chaos_event *event)
{
    switch (event->act) {
    case CHAOS_KILL:
        return kill_process(run, event->index);
    case CHAOS_STOP:
        return freeze_process(run, event->index);
    case CHAOS_START:
        start_late(run);
        return true;
    case CHAOS_CONTINUE:
        continue_process(run, event->index);
        break;
    }
    return true;
}

static void say_never_struck(const struct chaos_event *event, const char *why)
{
    char text[CHAOS_TEXT_BYTES];
    chaos_describe(event, text);
    if (text[0] != 0) {
        complain("run", "%s never struck: %s", text, why);
    }
}

// A process at random, with the rest of its unit, for which a whole one is started.
static void kill_one_start_one(struct run *run)
{
    uint32_t running[FAMILY_MAX], count = 0;
    for (uint32_t i = 0; i < run->family.count; i++) {
        if (run->family.children[i]->running) {
            running[count++] = i;
        }
    }
    if (count == 0) {
        return;
    }
    if (run->family.count + unit_size(run) > FAMILY_MAX) {
        complain("run", "%d processes have been started, the most there may be: every= ends",
                 FAMILY_MAX);
        run->chaos.every_ms = 0;
        return;
    }
    uint32_t picked = running[chaos_pick(&run->chaos, count)];
    uint32_t first = picked - picked % unit_size(run);
    for (uint32_t i = first; i < first + unit_size(run); i++) {
        kill_process(run, i);
    }
    start_late(run);
}

// A member that is frozen with a time to continue does so whatever else has ended.
static void do_chaos(struct run *run)
{
    struct chaos_event event;
    uint64_t now = elapsed_ms(run);
    while (!run->ending && chaos_take(&run->chaos, now, &event)) {
        if (run->finished && event.act != CHAOS_CONTINUE) {
            say_never_struck(&event, "a process had finished before");
        } else if (!do_event(run, &event)) {
            say_never_struck(&event, "that process was not running");
        }
    }
    if (!run->finished && !run->ending && chaos_take_every(&run->chaos, now)) {
        kill_one_start_one(run);
    }
}

// When all that run are frozen and nothing is planned that changes it, the run is over.
static void end_frozen(struct run *run)
{
    bool more = chaos_next_ms(&run->chaos) != UINT64_MAX && !run->finished;
    if (run->ending || more || family_running(&run->family) == 0) {
        return;
    }
    for (uint32_t i = 0; i < run->family.count; i++) {
        if (runs(run, i) && (!run->frozen[i] || chaos_will_continue(&run->chaos, i))) {
            return;
        }
    }
    for (uint32_t i = 0; i < run->family.count; i++) {
        if (runs(run, i)) {
            complain("run", "the run ended while process %" PRIu32 " was frozen", i);
            run->spared[i] = true;
        }
    }
    end_processes(run, SIGTERM);
}

static void say_what_never_struck(struct run *run)
{
    struct chaos_event event;
    while (chaos_take(&run->chaos, UINT64_MAX, &event)) {
        say_never_struck(&event, "the run ended before");
    }
    if (run->chaos.every_ms > 0 && run->chaos.every_at_ms == run->chaos.every_ms) {
        complain("run", "every=%gs never struck: the run ended before",
                 (double)run->chaos.every_ms / 1000);
    }
}

// ---- the whole -------------------------------------------------------------------------------

static int wait_ms(const struct run *run)
{
    uint64_t now = elapsed_ms(run), next = now + MEMBERS_CHECK_MS;
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
            end_processes(run, signal_came == SIGINT ? SIGINT : SIGTERM);
        }
        say_members(run);
        do_chaos(run);
        end_forgotten(run);
        end_frozen(run);
        if (run->ending && elapsed_ms(run) >= run->kill_at_ms) {
            family_signal_all(&run->family, SIGKILL);
        }
    }
    say_what_never_struck(run);
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
        code = start_process(run) ? EXIT_OK : EXIT_TRAINER;
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
