// SPDX-License-Identifier: MIT
#include <getopt.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tools/hawser/command.h"
#include "tools/hawser/common/status_query.h"
#include "tools/hawser/top/table.h"

static const char usage[] =
    "usage: hawser top ADDR [OPTIONS]\n"
    "Shows the run of the master at ADDR (HOST:PORT), again each second: the members with rank,\n"
    "process, host, revision and rates; `last`, the share of operations that the member "
    "called\n"
    "after all others; dropped messages; and for each operation in flight the members\n"
    "that it waits for.\n"
    "\n"
    "  --interval TIME   time between two updates, \"500ms\" to \"1h\"; default 1s\n"
    "  --count N         end after N updates; default: when interrupted\n"
    "  --help\n"
    "\n"
    "Exit code: 0 shown, 1 no answer within 2 s, 2 bad usage.\n"
    "Example: hawser top 127.0.0.1:4000\n";

enum { INTERVAL_MS_MIN = 100, INTERVAL_MS_MAX = 3600000 };

struct request {
    const char *master;
    uint64_t interval_ms;
    uint32_t count; // 0 = without end
};

struct look {
    struct hwi_msg status; // borrows from `block`
    void *block;           // owned; NULL = there was no look, or nothing to borrow
    uint64_t at_ns;        // 0 = there was none
};

static bool read_interval(const char *text, uint64_t *ms)
{
    const char *end = text;
    if (parse_duration(&end, ms) && *end == '\0' && *ms >= INTERVAL_MS_MIN &&
        *ms <= INTERVAL_MS_MAX) {
        return true;
    }
    complain("top", "--interval %s is no time from 100ms to 1h", text);
    return false;
}

// -1 to continue, else the exit code.
static int read_options(int argc, char **argv, struct request *request)
{
    static const struct option options[] = {{"interval", required_argument, NULL, 'i'},
                                            {"count", required_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":h", options, NULL)) >= 0) {
        if (option == 'i' && !read_interval(optarg, &request->interval_ms)) {
            return EXIT_USAGE;
        }
        if (option == 'c' &&
            !option_u32("top", "--count", optarg, 1, UINT32_MAX, &request->count)) {
            return EXIT_USAGE;
        }
        if (option == 'h') {
            fputs(usage, stdout);
            return EXIT_OK;
        }
        if (option == '?' || option == ':') {
            return bad_option("top", option, argv);
        }
    }
    if (!only_address("top", argc, argv)) {
        return EXIT_USAGE;
    }
    request->master = argv[optind];
    return -1;
}

static void show(const struct look *before, const struct look *now)
{
    if (isatty(STDOUT_FILENO)) {
        fputs("\033[H\033[J", stdout); // from the top of an empty screen
    }
    top_write(stdout, before->at_ns > 0 ? &before->status.u.status : NULL, &now->status.u.status,
              now->at_ns - before->at_ns);
    fflush(stdout);
}

static void pause_ms(uint64_t ms)
{
    struct timespec time = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&time, NULL);
}

int command_top(int argc, char **argv)
{
    struct request request = {.interval_ms = 1000};
    struct look before = {.at_ns = 0};
    char error[STATUS_ERROR_BYTES];
    int code = read_options(argc, argv, &request);
    if (code >= 0) {
        return code;
    }
    for (uint32_t looks = 1; !ferror(stdout); looks++) {
        struct look now = {.block = NULL};
        if (status_query(request.master, STATUS_TIMEOUT_MS, &now.status, &now.block, error) != 0) {
            complain("top", "%s", error);
            free(before.block);
            return EXIT_FAILED;
        }
        now.at_ns = now_ns();
        show(&before, &now);
        free(before.block);
        before = now;
        if (looks == request.count) {
            break;
        }
        pause_ms(request.interval_ms);
    }
    free(before.block);
    return ferror(stdout) ? EXIT_FAILED : EXIT_OK;
}
