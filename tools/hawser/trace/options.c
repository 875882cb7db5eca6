// SPDX-License-Identifier: MIT
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "actors/wire/codec.h"
#include "tools/hawser/command.h"
#include "tools/hawser/trace/trace.h"

static const char usage[] =
    "usage: hawser trace TARGET [OPTIONS]\n"
    "Prints the messages that actors receive and send, one per line: the time, the process, the\n"
    "sender and the receiver, the message with its operation (KIND/TAG#NUMBER@vVIEW), and the "
    "time\n"
    "it waited in the actor's mailbox. Tracing does not stop, restart or slow down the processes.\n"
    "It counts messages that were overwritten before it could read them.\n"
    "\n"
    "TARGET is the number of a process on this machine, several of them separated by commas, or\n"
    "the address HOST:PORT of a master. The latter traces the whole run, as far as its control\n"
    "links have room.\n"
    "\n"
    "  --from-start       begin with the messages that each process still keeps, some 32000\n"
    "                     (default), and end there\n"
    "  --follow           continue with new messages, until Ctrl-C or the processes end; without\n"
    "                     --from-start print only new messages\n"
    "  --for DURATION     as --follow, but end after that time (2s, 500ms)\n"
    "  --count N          end after N messages; as --follow if there are fewer\n"
    "  --actor NAME       only the messages of this actor: master, peer, reducer, snapshot\n"
    "  --message NAME     only this message: commit, chunk, ...   (both may be given repeatedly)\n"
    "  --tag N  --view N  only messages of operations with this tag, of this view\n"
    "  --member N         only the messages of this member's process; 0 = the master\n"
    "  --perfetto FILE    write a picture for ui.perfetto.dev instead of lines\n"
    "  --json             one JSON object per line: a message, {\"lost\":N,..} where messages "
    "were\n"
    "                     lost, and {\"end\":{..}} as the last\n"
    "  --help\n"
    "\n"
    "Exit code: 0 traced, 1 could not attach or write, 2 bad usage.\n"
    "Example: hawser trace 4711 --message commit --follow\n"
    "Example: hawser trace 127.0.0.1:40123 --for 2s --perfetto run.json\n";

static bool parse_u64(const char *text, uint64_t *value)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || errno || *end) {
        return false;
    }
    *value = number;
    return true;
}

static bool set_number(const char *option, uint64_t *value, bool *given)
{
    *given = true;
    if (parse_u64(optarg, value)) {
        return true;
    }
    complain("trace", "%s takes a number, not \"%s\"", option, optarg);
    return false;
}

static bool set_actor(struct trace_filter *filter)
{
    for (uint8_t role = HWI_ROLE_MASTER; role <= HWI_ROLE_SNAPSHOT; role++) {
        if (strcmp(optarg, hwi_role_name(role)) == 0) {
            filter->actors |= 1u << role;
            return true;
        }
    }
    complain("trace", "--actor takes master, peer, reducer or snapshot, not \"%s\"", optarg);
    return false;
}

static bool set_message(struct trace_filter *filter)
{
    for (uint16_t type = 0; type < HWI_MSG_TYPE_MAX; type++) {
        const struct hwi_layout *layout = hwi_layout_of(type);
        if (layout != NULL && strcmp(optarg, layout->name) == 0) {
            filter->messages[type] = 1;
            return filter->some_messages = true;
        }
    }
    complain("trace", "there is no message \"%s\"; docs/PROTOCOL.md lists them", optarg);
    return false;
}

static bool set_for(struct trace_options *options)
{
    const char *at = optarg;
    if (parse_duration(&at, &options->for_ms) && !*at && options->for_ms > 0) {
        return true;
    }
    complain("trace", "--for takes a duration such as 2s or 500ms, not \"%s\"", optarg);
    return false;
}

static bool set_option(struct trace_options *options, int option)
{
    bool given;
    switch (option) {
    case 's':
        return options->history = true;
    case 'f':
        return options->follow = true;
    case 'd':
        return set_for(options);
    case 'c':
        return set_number("--count", &options->count, &given);
    case 'a':
        return set_actor(&options->filter);
    case 'm':
        return set_message(&options->filter);
    case 't':
        return set_number("--tag", &options->filter.tag, &options->filter.some_tag);
    case 'v':
        return set_number("--view", &options->filter.view, &options->filter.some_view);
    case 'j':
        return options->json = true;
    case 'i':
        return set_number("--member", &options->filter.member, &options->filter.some_member);
    default:
        options->picture = optarg;
        return true;
    }
}

// The defaults that follow from the given options.
static void complete(struct trace_options *options, bool counted)
{
    bool goes_on = options->follow || options->for_ms;
    if (!goes_on || counted) {
        options->history = options->history || !goes_on;
    }
    options->follow = goes_on || counted;
}

int trace_parse(struct trace_options *options, int argc, char **argv, bool *done)
{
    static const struct option longs[] = {
        {"from-start", no_argument, NULL, 's'},
        {"follow", no_argument, NULL, 'f'},
        {"for", required_argument, NULL, 'd'},
        {"count", required_argument, NULL, 'c'},
        {"actor", required_argument, NULL, 'a'},
        {"message", required_argument, NULL, 'm'},
        {"tag", required_argument, NULL, 't'},
        {"view", required_argument, NULL, 'v'},
        {"member", required_argument, NULL, 'i'},
        {"perfetto", required_argument, NULL, 'p'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    *options = (struct trace_options){.count = UINT64_MAX};
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":h", longs, NULL)) != -1;) {
        if (c == '?' || c == ':') {
            return bad_option("trace", c, argv);
        }
        if (c == 'h') {
            fputs(usage, stdout);
            *done = true;
            return EXIT_OK;
        }
        if (!set_option(options, c)) {
            return EXIT_USAGE;
        }
    }
    if (argc - optind != 1) {
        complain("trace", "expected one target: PID, PID,PID,... or HOST:PORT; try hawser trace "
                          "--help");
        return EXIT_USAGE;
    }
    if (options->json && options->picture != NULL) {
        complain("trace", "--json and --perfetto are two forms: choose one");
        return EXIT_USAGE;
    }
    options->target = argv[optind];
    complete(options, options->count != UINT64_MAX);
    return EXIT_OK;
}
