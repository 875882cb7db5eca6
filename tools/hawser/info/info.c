// SPDX-License-Identifier: MIT
#include <getopt.h>
#include <hawser/hawser.h>
#include <lz4.h>
#include <msgpack.h>
#include <stdio.h>
#include <xxhash.h>
#include <zmq.h>

#include "actors/base/base.h"
#include "actors/base/limits.h"
#include "runtime/call/options.h"
#include "runtime/config.h"
#include "actors/wire/msg.h"
#include "collectives/kernels/kernels.h"
#include "tools/hawser/command.h"

static const char usage[] =
    "usage: hawser info [--markdown]\n"
    "Prints the versions of Hawser and the libraries it runs with, the options of a member and a\n"
    "master with defaults and bounds, and limits.\n"
    "\n"
    "  --markdown    only options and limits, as docs/OPTIONS.md has them\n"
    "\n"
    "Example: hawser info\n";

static const struct limit {
    const char *what;
    unsigned long long value;
} limits[] = {
    {"members of a view", HWI_MEMBERS_MAX},
    {"operations in flight", HWI_OPS_MAX},
    {"tags in a view", HWI_TAGS_MAX},
    {"connections per pair", HWI_STRIPES_MAX},
    {"tensors in a state", HWI_TENSORS_MAX},
    {"bytes of a tensor", HWI_TENSOR_BYTES_MAX},
    {"bytes of a message", HWI_MESSAGE_BYTES_MAX},
    {"bytes of a chunk", HWI_CHUNK_BYTES_MAX},
    {"bytes reduced in one shot", HWI_ONE_SHOT_BYTES_MAX},
    {"bytes sent ahead of a grant", HWI_EAGER_BYTES_MAX},
    {"bytes of a state's block", HWI_BLOCK_BYTES},
};

static void print_versions(void)
{
    int major, minor, patch;
    zmq_version(&major, &minor, &patch);
    printf("hawser   %s (protocol %u)\n", hws_version(), HWI_PROTOCOL);
    printf("libzmq   %d.%d.%d\n", major, minor, patch);
    printf("msgpack  %s\n", msgpack_version());
    printf("lz4      %s\n", LZ4_versionString());
    printf("xxhash   %u.%u.%u\n", XXH_versionNumber() / 10000, XXH_versionNumber() / 100 % 100,
           XXH_versionNumber() % 100);
    printf("kernels  %s\n", hwi_kernel_best()->name);
}

// A line for each: its variable (the field where it has none), default, bounds, meaning.
static void print_options(const char *title, const struct hwi_option_table *table)
{
    puts(title);
    for (uint32_t i = 0; i < table->count; i++) {
        const struct hwi_option *option = &table->options[i];
        char bounds[32] = "-";
        if (option->kind == HWI_OPTION_NUMBER || option->kind == HWI_OPTION_FLAG) {
            snprintf(bounds, sizeof bounds, "%u..%u", option->least, option->most);
        }
        printf("  %-25s %-12s %-14s %s\n", option->env != NULL ? option->env : option->name,
               option->standard != NULL ? option->standard : "-", bounds, option->doc);
    }
}

static void print_limits(void)
{
    puts("limits");
    for (size_t i = 0; i < HWI_COUNT(limits); i++) {
        printf("  %-28s %llu\n", limits[i].what, limits[i].value);
    }
}

static void print_bounds(const struct hwi_option *option)
{
    if (option->kind == HWI_OPTION_TEXT) {
        printf(" text |");
    } else if (option->kind == HWI_OPTION_ANY) {
        printf(" any |");
    } else {
        printf(" %u..%u |", option->least, option->most);
    }
}

static void print_table(const char *title, const struct hwi_option_table *table)
{
    printf("\n## %s\n\n| field | variable | default | values | what |\n|---|---|---|---|---|\n",
           title);
    for (uint32_t i = 0; i < table->count; i++) {
        const struct hwi_option *option = &table->options[i];
        printf("| `%s` |", option->name);
        printf(option->env != NULL ? " `%s` |" : " |", option->env);
        printf(option->standard != NULL ? " `%s` |" : " |", option->standard);
        print_bounds(option);
        printf(" %s |\n", option->doc);
    }
}

static void print_markdown(void)
{
    puts(
        "# Options\n\n"
        "Made by `hawser info --markdown` from the tables in `runtime/config.c` and\n"
        "`runtime/call/options.c`, which also check what is given. A zero or NULL field takes the\n"
        "variable's value, and without one the default.");
    print_table("A member: `hws_config`", &hwi_comm_options);
    print_table("A master: `hws_master_config`", &hwi_master_options);
    print_table("A call: `hws_options`", &hwi_call_options);
    puts("\n## Limits\n\n| what | most |\n|---|---|");
    for (size_t i = 0; i < HWI_COUNT(limits); i++) {
        printf("| %s | %llu |\n", limits[i].what, limits[i].value);
    }
}

static void print_all(void)
{
    print_versions();
    print_options("options of a member: variable, default, bounds", &hwi_comm_options);
    print_options("options of a master: field or variable, default, bounds", &hwi_master_options);
    print_options("options of a call: field, default, bounds", &hwi_call_options);
    print_limits();
}

int command_info(int argc, char **argv)
{
    bool markdown;
    int code = read_flag("info", usage, "markdown", argc, argv, &markdown);
    if (code >= 0) {
        return code;
    }
    if (optind < argc) {
        complain("info", "unexpected argument %s; try hawser info --help", argv[optind]);
        return EXIT_USAGE;
    }
    if (markdown) {
        print_markdown();
    } else {
        print_all();
    }
    return EXIT_OK;
}
