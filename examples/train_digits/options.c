// SPDX-License-Identifier: MIT
#include "train_digits/options.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: train_digits [OPTIONS]\n"
    "Trains a network on handwritten digits together with the run's other members.\n"
    "HAWSER_MASTER=HOST:PORT names the master; `hawser run` sets it.\n"
    "\n"
    "  --mode MODE           diloco (default), ddp, async-diloco or streaming: docs/TRAINING.md\n"
    "  --fragments F         of the parameters, each averaged at its own time; with streaming\n"
    "                        (default 4, at most 64 and H)\n"
    "  --overlap N           an average lands when N more fragments are due (default 1, at most "
    "F)\n"
    "  --data DIR            the four IDX files (default examples/data/digits); MNIST's fit too\n"
    "  --steps N             outer steps (default 60)\n"
    "  --inner H             SGD steps of each member per outer step (default 50); with ddp\n"
    "                        the gradients are averaged in each of them\n"
    "  --batch N             images per SGD step (default 32)\n"
    "  --hidden N            units of the hidden layer (default 64)\n"
    "  --lr X                rate of the SGD steps (default 0.01)\n"
    "  --momentum X          their momentum (default 0.9)\n"
    "  --outer-lr X          rate of the outer steps (default 0.7), not with ddp\n"
    "  --outer-momentum X    their Nesterov momentum (default 0.9), not with ddp\n"
    "  --seed N              of the start and the batches (default 1)\n"
    "  --every N             a line of progress every N outer steps (default 10)\n"
    "  --out FILE            write the final state: each tensor's bytes in order\n"
    "  --report FILE         append one line per event, for programs\n"
    "  --die-at STEP         kill this process in the middle of that step's first reduction,\n"
    "  --late-at STEP        for which another member is a second late\n"
    "  --help\n"
    "\n"
    "Exit code: 0 trained, 1 the run failed, 2 bad options or data.\n"
    "Example: hawser run -n 4 -- train_digits --steps 40\n";

static const char *const mode_names[MODES] = {"diloco", "ddp", "async-diloco", "streaming"};

enum kind { TEXT, WHOLE, REAL };

// Each option's place in the struct and its range.
static const struct row {
    const char *name;
    enum kind kind;
    size_t offset;
    double least, most;
} rows[] = {
    {"data", TEXT, offsetof(struct options, data), 0, 0},
    {"out", TEXT, offsetof(struct options, out), 0, 0},
    {"report", TEXT, offsetof(struct options, report), 0, 0},
    {"steps", WHOLE, offsetof(struct options, steps), 1, 1000000},
    {"fragments", WHOLE, offsetof(struct options, fragments), 1, FRAGMENTS_MAX},
    {"overlap", WHOLE, offsetof(struct options, overlap), 1, FRAGMENTS_MAX},
    {"inner", WHOLE, offsetof(struct options, inner), 1, 1000000},
    {"batch", WHOLE, offsetof(struct options, batch), 1, 65536},
    {"hidden", WHOLE, offsetof(struct options, hidden), 1, 65536},
    {"seed", WHOLE, offsetof(struct options, seed), 0, 4294967295.0},
    {"every", WHOLE, offsetof(struct options, every), 1, 1000000},
    {"die-at", WHOLE, offsetof(struct options, die_at), 1, 1000000},
    {"late-at", WHOLE, offsetof(struct options, late_at), 1, 1000000},
    {"lr", REAL, offsetof(struct options, rate), 0, 1000},
    {"momentum", REAL, offsetof(struct options, momentum), 0, 1},
    {"outer-lr", REAL, offsetof(struct options, outer_rate), 0, 1000},
    {"outer-momentum", REAL, offsetof(struct options, outer_momentum), 0, 1},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

// True if the whole text is a number in the row's range.
static int set_value(struct options *options, const struct row *row, const char *text)
{
    char *field = (char *)options + row->offset, *end;
    if (row->kind == TEXT) {
        memcpy(field, &text, sizeof text);
        return 1;
    }
    errno = 0;
    double value = row->kind == WHOLE ? (double)strtoll(text, &end, 10) : strtod(text, &end);
    if (errno || end == text || *end || !(value >= row->least && value <= row->most)) {
        return 0;
    }
    if (row->kind == WHOLE) {
        memcpy(field, &(uint32_t){(uint32_t)value}, sizeof(uint32_t));
    } else {
        memcpy(field, &(float){(float)value}, sizeof(float));
    }
    return 1;
}

const char *mode_name(enum mode mode)
{
    return mode_names[mode];
}

static int set_mode(struct options *options, const char *name)
{
    for (int i = 0; i < MODES; i++) {
        if (strcmp(name, mode_names[i]) == 0) {
            options->mode = (enum mode)i;
            return 1;
        }
    }
    return 0;
}

static int complain(const char *what, const char *about)
{
    fprintf(stderr, "train_digits: %s%s; try train_digits --help\n", what, about);
    return 2;
}

// One option of the table. Returns 0 or the exit code.
static int take_value(struct options *options, const struct row *row, const char *text)
{
    if (set_value(options, row, text)) {
        return 0;
    }
    fprintf(stderr, "train_digits: --%s takes a number from %g to %g, not \"%s\"\n", row->name,
            row->least, row->most, text);
    return 2;
}

// Checks that depend on several options.
static int complete(struct options *options)
{
    if ((options->fragments || options->overlap) && options->mode != MODE_STREAMING) {
        return complain("--fragments and --overlap go with --mode streaming, not ",
                        mode_name(options->mode));
    }
    if (options->mode == MODE_STREAMING && !options->fragments) {
        options->fragments = options->inner < 4 ? options->inner : 4;
    }
    if (options->fragments > options->inner) {
        return complain("--fragments is above --inner", "");
    }
    if (!options->fragments) {
        options->fragments = 1;
    }
    if (!options->overlap) {
        options->overlap = 1;
    }
    if (options->overlap > options->fragments) {
        return complain("--overlap is above --fragments", "");
    }
    return -1;
}

int options_parse(struct options *options, int argc, char **argv)
{
    struct option longs[ROWS + 3];
    memset(longs, 0, sizeof longs);
    for (int i = 0; i < ROWS; i++) {
        longs[i] = (struct option){rows[i].name, required_argument, NULL, i + 1};
    }
    longs[ROWS] = (struct option){"help", no_argument, NULL, 'h'};
    longs[ROWS + 1] = (struct option){"mode", required_argument, NULL, 'm'};
    *options = (struct options){
        .data = "examples/data/digits",
        .steps = 60,
        .inner = 50,
        .batch = 32,
        .hidden = 64,
        .seed = 1,
        .every = 10,
        .rate = 0.01f,
        .momentum = 0.9f,
        .outer_rate = 0.7f,
        .outer_momentum = 0.9f,
    };
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":", longs, NULL)) != -1;) {
        if (c == 'h') {
            fputs(usage, stdout);
            return 0;
        }
        if (c == ':' || c == '?') {
            return complain(c == ':' ? "missing value for " : "unknown option ", argv[optind - 1]);
        }
        if (c == 'm' && !set_mode(options, optarg)) {
            return complain("--mode takes diloco, ddp, async-diloco or streaming, not ", optarg);
        }
        int code = c == 'm' ? 0 : take_value(options, &rows[c - 1], optarg);
        if (code) {
            return code;
        }
    }
    return optind < argc ? complain("unexpected argument ", argv[optind]) : complete(options);
}
