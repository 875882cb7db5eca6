// SPDX-License-Identifier: MIT
// The `hawser` command: finds the subcommand and leaves the rest to it.
#include <hawser/hawser.h>
#include <stdio.h>
#include <string.h>

#include "runtime/misspelled.h"
#include "tools/hawser/command.h"

static const struct subcommand {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *about;
} subcommands[] = {
    {"demo", command_demo, "train, kill a member, let another join late, compare the results"},
    {"run", command_run, "start a master and N trainers here; kill, stop and start them"},
    {"master", command_master, "run a master"},
    {"status", command_status, "show members, operations, and the members they wait for"},
    {"top", command_top, "show the members of a run live: rates, the slowest, waits"},
    {"metrics", command_metrics, "print or serve the state of a run as OpenMetrics text"},
    {"explain", command_explain, "say what failed first in a run, or what it waits for"},
    {"replay", command_replay, "run the actors again over a recorded run, and compare"},
    {"sim", command_sim, "simulate runs from seeds, with faults, and check the contract"},
    {"trace", command_trace, "print the actors' messages live, as lines or as a picture"},
    {"checkpoint", command_checkpoint, "list, verify and compare checkpoint files"},
    {"bench", command_bench, "measure all-reduce, and plain TCP for comparison"},
    {"info", command_info, "print versions, options and limits"},
};
enum { SUBCOMMANDS = sizeof subcommands / sizeof subcommands[0] };

static void print_usage(FILE *stream)
{
    fputs("usage: hawser COMMAND [OPTIONS]\n\nCommands:\n", stream);
    for (int i = 0; i < SUBCOMMANDS; i++) {
        fprintf(stream, "  %-10s  %s\n", subcommands[i].name, subcommands[i].about);
    }
    fputs("\nhawser help COMMAND prints its options; hawser --version prints the version.\n"
          "Example: hawser demo\n",
          stream);
}

static int run_command(int argc, char **argv)
{
    for (int i = 0; i < SUBCOMMANDS; i++) {
        if (strcmp(argv[0], subcommands[i].name) == 0) {
            return subcommands[i].run(argc, argv);
        }
    }
    fprintf(stderr, "hawser: unknown %s %s\n", argv[0][0] == '-' ? "option" : "command", argv[0]);
    print_usage(stderr);
    return EXIT_USAGE;
}

static int run_words(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    bool help = strcmp(name, "help") == 0;
    if (help && argc > 2 && argv[2][0] != '-') { // as COMMAND --help
        char option[] = "--help", *words[] = {argv[2], option, NULL};
        return run_command(2, words);
    }
    if (help || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        print_usage(stdout);
        return EXIT_OK;
    }
    if (strcmp(name, "--version") == 0) {
        printf("hawser %s\n", hws_version());
        return EXIT_OK;
    }
    if (argc < 2) {
        fputs("hawser: no command given\n", stderr);
        print_usage(stderr);
        return EXIT_USAGE;
    }
    return run_command(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    hwi_variables_warn();
    return whole_output(run_words(argc, argv));
}
