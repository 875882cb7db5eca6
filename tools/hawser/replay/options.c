// SPDX-License-Identifier: MIT
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "tools/hawser/replay/replay.h"

static const char usage[] =
    "usage: hawser replay DIR [OPTIONS]        (DIR/NAME: one journal of DIR)\n"
    "Runs the actors again over the journals of a run and compares every effect with the record.\n"
    "Prints \"replay: OK actors=A events=E\", or for each journal the first difference.\n"
    "\n"
    "  --actor ACTOR[@JOURNAL]  only this actor: master, peer, reducer or snapshot; JOURNAL is a\n"
    "                           journal's name or its beginning; @JOURNAL: all actors of it\n"
    "  --until EVENT            stop after it: 117 (each chosen actor's event 117), 12.5s or "
    "800ms\n"
    "                           (after the first event of DIR), or peer@member-3a4b:117 (that "
    "event\n"
    "                           and everything that happened before it in the other journals)\n"
    "  --step                   print every event with its effects; on a terminal wait for Enter\n"
    "                           after each (c: continue without waiting, q: stop here)\n"
    "  --state                  print the state of each chosen actor where it stopped\n"
    "  --timeline               do not replay: print the events of all journals in order of time,\n"
    "                           each message after it was sent\n"
    "  --perfetto FILE          with --timeline: write Chrome trace JSON instead of text\n"
    "  --diff DIR2              do not replay: print the first difference between this history "
    "and\n"
    "                           that of DIR2 (or DIR2/NAME); ids, addresses and times do not "
    "count\n"
    "  --fork FAULTS            do not only replay: continue the run in the simulator from just\n"
    "                           before the event that --until names (or from its time) and print\n"
    "                           the outcome. FAULTS, separated by commas: \"kill member 3\",\n"
    "                           \"lose this message\", \"freeze member 2 for 3s\",\n"
    "                           \"mute member 2 for 3s\" (its link to the master), \"cut 1 and "
    "2\",\n"
    "                           \"slow member 4 by 300ms\"; each may end in \"at +2s\"; or "
    "\"nothing\".\n"
    "                           Needs the journals of all actors from their beginning\n"
    "  --json                   an object per line: events, differences, and the verdict as the "
    "last\n"
    "  --help\n"
    "\n"
    "Times are seconds after the first event of DIR. The command reports data that was lost to a\n"
    "full disk or removed to keep the bounds; the replay then continues from the next image.\n"
    "\n"
    "Exit code; if several apply, the largest:\n"
    "  0  every effect is as recorded (--diff: the histories are equal)\n"
    "  1  a journal or the file to write could not be opened, or there is no such event\n"
    "  2  bad usage\n"
    "  3  other version: written with another schema, or by a build that decides otherwise\n"
    "  4  damaged: file and offset are named; the part before the damage is replayed\n"
    "  5  an effect differs (--diff: the histories differ)\n"
    "  6  an actor crashed in the replay, but not when it was recorded\n"
    "Example: hawser replay journal --actor peer@member-3a --until 12.5s --state\n";

enum { ACTOR = 1, UNTIL, STEP, STATE, TIMELINE, PERFETTO, DIFF, FORK, JSON };

static const struct option longs[] = {
    {"actor", required_argument, NULL, ACTOR},
    {"until", required_argument, NULL, UNTIL},
    {"step", no_argument, NULL, STEP},
    {"state", no_argument, NULL, STATE},
    {"timeline", no_argument, NULL, TIMELINE},
    {"perfetto", required_argument, NULL, PERFETTO},
    {"diff", required_argument, NULL, DIFF},
    {"fork", required_argument, NULL, FORK},
    {"json", no_argument, NULL, JSON},
    {"help", no_argument, NULL, 'h'},
    {0},
};

// ACTOR, ACTOR@JOURNAL or @JOURNAL.
static bool parse_actor(const char *text, struct replay_options *options)
{
    const char *at = strchr(text, '@');
    size_t length = at != NULL ? (size_t)(at - text) : strlen(text);
    options->role = replay_role(text, length);
    options->journal = at != NULL ? at + 1 : NULL;
    if (options->role || (at == text && at[1])) {
        return true;
    }
    complain("replay", "--actor takes master, peer, reducer or snapshot and @JOURNAL, not \"%s\"",
             text);
    return false;
}

static bool parse_number(const char *text, uint64_t *number)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)*text) || errno || *end || value == 0) {
        return false;
    }
    *number = value;
    return true;
}

// Seconds with a fraction, or "...ms": finer than parse_duration, because events are.
static bool parse_time(const char *text, int64_t *ns)
{
    char *end;
    if (!isdigit((unsigned char)*text)) {
        return false;
    }
    double value = strtod(text, &end);
    double unit = strcmp(end, "ms") == 0 ? 1e6 : strcmp(end, "s") == 0 ? 1e9 : 0;
    if (unit == 0 || value * unit > 1e18) {
        return false;
    }
    *ns = (int64_t)(value * unit);
    return true;
}

// ACTOR@JOURNAL:N, as events are named in all that is printed. Cuts the text at the colon.
static bool parse_event(char *text, struct replay_point *point)
{
    char *at = strchr(text, '@'), *colon = strrchr(text, ':');
    if (at == NULL || colon == NULL || colon < at + 2) {
        return false;
    }
    point->role = replay_role(text, (size_t)(at - text));
    if (!point->role || !parse_number(colon + 1, &point->number)) {
        return false;
    }
    *colon = '\0';
    point->journal = at + 1;
    return true;
}

static bool parse_until(char *text, struct replay_point *point)
{
    if (parse_number(text, &point->number)) {
        point->kind = REPLAY_TO_NUMBER;
    } else if (parse_time(text, &point->ns)) {
        point->kind = REPLAY_TO_TIME;
    } else if (parse_event(text, point)) {
        point->kind = REPLAY_TO_EVENT;
    } else {
        complain("replay",
                 "--until takes an event's number, a time such as 12.5s, or ACTOR@JOURNAL:NUMBER, "
                 "not \"%s\"",
                 text);
    }
    return point->kind != REPLAY_TO_END;
}

static bool set_option(struct replay_options *options, int option)
{
    switch (option) {
    case ACTOR:
        return parse_actor(optarg, options);
    case UNTIL:
        return parse_until(optarg, &options->until);
    case STEP:
        options->step = true;
        return true;
    case STATE:
        options->state = true;
        return true;
    case TIMELINE:
        options->timeline = true;
        return true;
    case FORK:
        options->fork = optarg;
        return true;
    case JSON:
        options->json = true;
        return true;
    case PERFETTO:
        options->perfetto = optarg;
        return true;
    default:
        options->other = optarg;
        return true;
    }
}

// The error in the combination of options; NULL = none.
static const char *contradiction(const struct replay_options *options)
{
    bool play = options->step || options->state;
    if (options->fork != NULL &&
        (play || options->timeline || options->other != NULL || options->role)) {
        return "--fork goes with --until only";
    }
    if (options->fork != NULL && options->until.kind < REPLAY_TO_TIME) {
        return "--fork begins where --until says: a time such as 12.5s, or ACTOR@JOURNAL:NUMBER";
    }
    if (options->perfetto != NULL && !options->timeline) {
        return "--perfetto goes with --timeline";
    }
    if (options->timeline && options->other != NULL) {
        return "--timeline and --diff are two things: choose one";
    }
    if (play && (options->timeline || options->other != NULL)) {
        return "--step and --state belong to a replay, not to --timeline or --diff";
    }
    if (options->timeline && options->until.kind == REPLAY_TO_NUMBER) {
        return "with --timeline, --until takes a time or ACTOR@JOURNAL:NUMBER";
    }
    if (options->other != NULL && options->until.kind != REPLAY_TO_END) {
        return "--diff compares whole histories: it takes no --until";
    }
    return NULL;
}

int replay_parse(int argc, char **argv, struct replay_options *options, bool *done)
{
    opterr = 0;
    *done = true;
    for (int c; (c = getopt_long(argc, argv, ":h", longs, NULL)) != -1;) {
        if (c == 'h') {
            fputs(usage, stdout);
            return REPLAY_OK;
        }
        if (c == '?' || c == ':') {
            return bad_option("replay", c, argv);
        }
        if (!set_option(options, c)) {
            return REPLAY_USAGE;
        }
    }
    const char *wrong = argc - optind == 1 ? contradiction(options)
                                           : "expected one directory; try hawser replay --help";
    if (wrong != NULL) {
        complain("replay", "%s", wrong);
        return REPLAY_USAGE;
    }
    options->path = argv[optind];
    *done = false;
    return REPLAY_OK;
}
