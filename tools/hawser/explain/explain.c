// SPDX-License-Identifier: MIT
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "tools/hawser/command.h"
#include "tools/hawser/explain/rings.h"
#include "tools/hawser/common/status_query.h"
#include "tools/hawser/trace/run.h"

enum {
    EXIT_TROUBLE = 3,
    ITEMS_MAX = 1024,
    READ_MS = 100, // one look at a source
    READ_MS_MAX = 20000,
};

static const char usage[] =
    "usage: hawser explain TARGET... [--all] [--json] [--save DIR] [--patience MS]\n"
    "Reads the last messages of a run's processes and says what failed first, or what the run "
    "waits\n"
    "for. TARGET is one of:\n"
    "  HOST:PORT  the master's address: the whole run, through the control links\n"
    "  PID        a master or member on this machine; several may be given (PID,PID or PID PID)\n"
    "  DIR        the files that members and master wrote when something failed (HAWSER_FLIGHT or\n"
    "             HAWSER_JOURNAL named the directory), and their journals; or one such file\n"
    "\n"
    "  --all          print the consequences as well\n"
    "  --json         one JSON object with all findings, their evidence, and the rings\n"
    "  --save DIR     write the data to DIR, for hawser explain DIR later or on another machine\n"
    "  --patience MS  report only waits of at least MS (default 1000)\n"
    "  --help\n"
    "\n"
    "Exit code: 0 nothing waits, 3 something waits, has failed or is slow, 1 nothing could be "
    "read,\n"
    "2 bad usage.\n"
    "Example: hawser explain 127.0.0.1:40123\n";

struct options {
    bool all, json;
    const char *save;
    uint32_t patience_ms;
    char **targets;
    int target_count;
};

// ---- reading ------------------------------------------------------------------------------------

static bool is_number(const char *text)
{
    return *text && text[strspn(text, "0123456789")] == '\0';
}

static bool is_address(const char *text)
{
    const char *colon = strrchr(text, ':');
    return colon != NULL && colon > text && is_number(colon + 1) && strchr(text, '/') == NULL;
}

// A directory may have any name, also that of a process.
static bool is_file(const char *text)
{
    struct stat found;
    return !is_number(text) && stat(text, &found) == 0;
}

// Copies what comes in one look; true if there was something that is awaited.
static bool read_some(struct trace_source *source, struct trace_item *items,
                      struct explain_rings *rings)
{
    uint32_t before = rings->count;
    uint32_t count = source->ops->read(source, items, ITEMS_MAX, READ_MS);
    bool awaited = trace_is_awaited(source, before, items, count);
    while (rings->count < source->ring_count) {
        rings_add(rings, &source->rings[rings->count].owner, 0);
    }
    for (uint32_t i = 0; i < count; i++) {
        rings_append(rings, items[i].ring, &items[i].record);
    }
    return awaited || count == ITEMS_MAX;
}

// Everything that the source's rings hold, as far as it comes in time.
static void collect(struct trace_source *source, bool run, struct explain_rings *rings)
{
    struct trace_item *items = calloc(ITEMS_MAX, sizeof *items);
    uint64_t begin = now_ns(), last = begin;
    bool complete = false;
    while (items != NULL && !complete && now_ns() - last < TRACE_QUIET_MS * HWI_NS_PER_MS &&
           now_ns() - begin < READ_MS_MAX * HWI_NS_PER_MS) {
        bool more = read_some(source, items, rings);
        if (more) {
            last = now_ns();
        }
        complete = !more && trace_is_current(source);
    }
    for (uint32_t i = 0; i < rings->count; i++) {
        struct explain_ring *ring = &rings->rings[i];
        ring->owner = source->rings[i].owner;
        ring->realtime_zero_ns = source->rings[i].realtime_zero_ns;
        ring->as_of_ns = run ? trace_run_as_of(source, i) : now_ns();
        ring->live = !source->rings[i].ended;
        ring->lost = source->rings[i].lost + source->rings[i].awaited;
    }
    free(items);
}

static bool read_run(const char *address, struct explain_rings *rings, struct hwi_msg *status,
                     void **block)
{
    char error[TRACE_ERROR_BYTES], ignored[STATUS_ERROR_BYTES];
    struct trace_source *source = trace_open_run(address, true, error);
    if (source == NULL) {
        complain("explain", "%s (members on this machine can be asked by their process ids)",
                 error);
        return false;
    }
    collect(source, true, rings);
    if (status_query(address, STATUS_TIMEOUT_MS, status, block, ignored) != 0) {
        status->type = HWI_MSG_NONE;
    }
    if (trace_missing(source) > 0) {
        trace_print_missing(source, status->type == HWI_MSG_status ? &status->u.status : NULL,
                            rings->missing);
    }
    source->ops->close(source);
    return true;
}

// One, or several with commas between, as `hawser trace` takes them.
static bool add_pids(const char *text, uint32_t pids[TRACE_PIDS_MAX], uint32_t *count)
{
    for (;; text++) {
        char *end;
        unsigned long pid = strtoul(text, &end, 10);
        if (*count == TRACE_PIDS_MAX || *text < '0' || *text > '9' || pid == 0 || pid > INT32_MAX) {
            return false;
        }
        pids[(*count)++] = (uint32_t)pid;
        text = end;
        if (*text != ',') {
            return *text == '\0';
        }
    }
}

static bool read_processes(const struct options *options, struct explain_rings *rings)
{
    char error[TRACE_ERROR_BYTES];
    uint32_t pids[TRACE_PIDS_MAX], count = 0;
    for (int i = 0; i < options->target_count; i++) {
        if (!add_pids(options->targets[i], pids, &count)) {
            complain("explain", "%s is not a process id", options->targets[i]);
            return false;
        }
    }
    struct trace_source *source = trace_open_processes(pids, count, true, error);
    if (source == NULL) {
        complain("explain", "%s", error);
        return false;
    }
    collect(source, false, rings);
    source->ops->close(source);
    return true;
}

static bool read_files(const struct options *options, struct explain_rings *rings)
{
    char error[RINGS_ERROR_BYTES];
    uint32_t skipped = 0;
    for (int i = 0; i < options->target_count; i++) {
        if (!rings_load(rings, options->targets[i], &skipped, error)) {
            complain("explain", "%s", error);
            return false;
        }
    }
    if (skipped) {
        complain("explain", "%u files are damaged or of another build, and left out", skipped);
    }
    return true;
}

// ---- printing -----------------------------------------------------------------------------------

static void print_finding(const struct explain_report *report,
                          const struct explain_finding *finding)
{
    printf("%s\n", finding->sentence);
    for (uint32_t i = 0; i < finding->line_count; i++) {
        char age[32];
        explain_print_time(report->now_ns - finding->line_ns[i], age, sizeof age);
        printf("  %10s ago  %s\n", age, finding->lines[i]);
    }
    if (finding->hint[0]) {
        printf("  what to do: %s\n", finding->hint);
    }
}

static void print_moment(const struct explain_report *report, const struct explain_rings *rings)
{
    uint64_t records = 0;
    for (uint32_t i = 0; i < rings->count; i++) {
        records += rings->rings[i].count;
    }
    printf("\n%u ring%s, %" PRIu64 " records", rings->count, rings->count == 1 ? "" : "s", records);
    time_t seconds = (time_t)(report->now_ns / (int64_t)HWI_NS_PER_S);
    struct tm utc;
    char text[32];
    if (report->realtime && gmtime_r(&seconds, &utc) != NULL &&
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &utc)) {
        printf(", as of %s.%03d UTC", text,
               (int)(report->now_ns % (int64_t)HWI_NS_PER_S / (int64_t)HWI_NS_PER_MS));
    }
    putchar('\n');
    if (rings->missing[0]) {
        printf("note: nothing came from %s: stopped, cut off, or of another version\n",
               rings->missing);
    }
    if (report->caveat[0]) {
        printf("note: %s\n", report->caveat);
    }
}

static void print_report(const struct explain_report *report, const struct explain_rings *rings,
                         bool all)
{
    print_finding(report, &report->findings[0]);
    for (uint32_t i = 1; i < report->count && all; i++) {
        putchar('\n');
        print_finding(report, &report->findings[i]);
    }
    if (!all && report->count > 1) {
        printf("(and %u more that came later or are over: --all)\n", report->count - 1);
    }
    print_moment(report, rings);
}

// ---- the command --------------------------------------------------------------------------------

// EXIT_OK, or another code to exit with; *done if the help was printed.
static int parse(int argc, char **argv, struct options *options, bool *done)
{
    static const struct option longs[] = {
        {"all", no_argument, NULL, 'a'},        {"json", no_argument, NULL, 'j'},
        {"save", required_argument, NULL, 's'}, {"patience", required_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},       {0}};
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":h", longs, NULL)) != -1;) {
        if (c == 'h') {
            fputs(usage, stdout);
            *done = true;
            return EXIT_OK;
        }
        if (c == 'a') {
            options->all = true;
        } else if (c == 'j') {
            options->json = true;
        } else if (c == 's') {
            options->save = optarg;
        } else if (c != 'p') {
            return bad_option("explain", c, argv);
        } else if (!option_u32("explain", "--patience", optarg, 1, 3600000,
                               &options->patience_ms)) {
            return EXIT_USAGE;
        }
    }
    options->targets = argv + optind;
    options->target_count = argc - optind;
    if (options->target_count == 0) {
        complain("explain", "expected a master's address, process ids or a directory; try hawser "
                            "explain --help");
        return EXIT_USAGE;
    }
    return EXIT_OK;
}

static bool read_targets(const struct options *options, struct explain_rings *rings,
                         struct hwi_msg *status, void **block)
{
    const char *first = options->targets[0];
    bool good;
    if (options->target_count == 1 && is_address(first)) {
        good = read_run(first, rings, status, block);
    } else if (first[strspn(first, "0123456789,")] == '\0' && !is_file(first)) {
        good = read_processes(options, rings);
    } else {
        good = read_files(options, rings);
    }
    rings_settle(rings);
    return good;
}

int command_explain(int argc, char **argv)
{
    struct options options = {.patience_ms = 1000};
    struct explain_rings rings = {0};
    struct hwi_msg status = {.type = HWI_MSG_NONE};
    void *block = NULL;
    bool done = false;
    char error[RINGS_ERROR_BYTES];
    int code = parse(argc, argv, &options, &done);
    if (done || code != EXIT_OK) {
        return code;
    }
    code = EXIT_FAILED;
    struct explain_report *report = calloc(1, sizeof *report);
    if (report != NULL && read_targets(&options, &rings, &status, &block)) {
        struct explain_input input = {
            .rings = rings.rings,
            .count = rings.count,
            .status = status.type == HWI_MSG_status ? &status.u.status : NULL,
            .patience_ns = options.patience_ms * HWI_NS_PER_MS,
        };
        explain_analyse(&input, report);
        if (options.json) {
            rings_put_report(&rings, report);
        } else {
            print_report(report, &rings, options.all);
        }
        code = report->trouble ? EXIT_TROUBLE : EXIT_OK;
        if (options.save != NULL && !rings_save(&rings, options.save, error)) {
            complain("explain", "%s", error);
            code = EXIT_FAILED;
        }
    }
    free(report);
    free(block);
    rings_free(&rings);
    return code;
}
