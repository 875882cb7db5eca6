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
#include "tools/hawser/common/json.h"

static const char usage[] =
    "usage: hawser info [--markdown | --json]\n"
    "Prints the versions of Hawser and of its libraries, the options of a member and a master "
    "with\n"
    "defaults and bounds, and limits.\n"
    "\n"
    "  --markdown    only options and limits, as in docs/OPTIONS.md\n"
    "  --json        one JSON object: version, protocol, libraries, kernels, options, limits\n"
    "  --help\n"
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
        "variable's value, and without one the default. A variable that begins with `HAWSER_` and "
        "is\n"
        "almost an option's is reported on stderr.");
    print_table("A member: `hws_config`", &hwi_comm_options);
    print_table("A master: `hws_master_config`", &hwi_master_options);
    print_table("A call: `hws_options`", &hwi_call_options);
    puts("\n## Limits\n\n| what | most |\n|---|---|");
    for (size_t i = 0; i < HWI_COUNT(limits); i++) {
        printf("| %s | %llu |\n", limits[i].what, limits[i].value);
    }
}

// ---- for programs ------------------------------------------------------------------------------

static void put_libraries(struct json_writer *json)
{
    int major, minor, patch;
    char zmq[32], xxhash[32];
    zmq_version(&major, &minor, &patch);
    snprintf(zmq, sizeof zmq, "%d.%d.%d", major, minor, patch);
    snprintf(xxhash, sizeof xxhash, "%u.%u.%u", XXH_versionNumber() / 10000,
             XXH_versionNumber() / 100 % 100, XXH_versionNumber() % 100);
    json_put_open(json, "libraries", '{');
    json_put_text(json, "libzmq", zmq);
    json_put_text(json, "msgpack", msgpack_version());
    json_put_text(json, "lz4", LZ4_versionString());
    json_put_text(json, "xxhash", xxhash);
    json_put_close(json, '}');
}

static void put_options(struct json_writer *json, const char *name,
                        const struct hwi_option_table *table)
{
    json_put_open(json, name, '[');
    for (uint32_t i = 0; i < table->count; i++) {
        const struct hwi_option *option = &table->options[i];
        json_put_open(json, NULL, '{');
        json_put_text(json, "name", option->name);
        json_put_text(json, "variable", option->env);
        json_put_text(json, "default", option->standard);
        if (option->kind == HWI_OPTION_NUMBER || option->kind == HWI_OPTION_FLAG) {
            json_put_number(json, "least", option->least);
            json_put_number(json, "most", option->most);
        }
        json_put_text(json, "what", option->doc);
        json_put_close(json, '}');
    }
    json_put_close(json, ']');
}

static void print_json(void)
{
    struct json_writer json = {.stream = stdout};
    json_put_open(&json, NULL, '{');
    json_put_text(&json, "version", hws_version());
    json_put_number(&json, "protocol", HWI_PROTOCOL);
    put_libraries(&json);
    json_put_text(&json, "kernels", hwi_kernel_best()->name);
    json_put_open(&json, "options", '{');
    put_options(&json, "member", &hwi_comm_options);
    put_options(&json, "master", &hwi_master_options);
    put_options(&json, "call", &hwi_call_options);
    json_put_close(&json, '}');
    json_put_open(&json, "limits", '[');
    for (size_t i = 0; i < HWI_COUNT(limits); i++) {
        json_put_open(&json, NULL, '{');
        json_put_text(&json, "what", limits[i].what);
        json_put_number(&json, "most", limits[i].value);
        json_put_close(&json, '}');
    }
    json_put_close(&json, ']');
    json_put_close(&json, '}');
    json_put_line(&json);
}

static void print_all(void)
{
    print_versions();
    print_options("options of a member: variable, default, bounds", &hwi_comm_options);
    print_options("options of a master: field or variable, default, bounds", &hwi_master_options);
    print_options("options of a call: field, default, bounds", &hwi_call_options);
    print_limits();
}

// EXIT_OK, or another code to exit with; *done if the help was printed.
static int parse(int argc, char **argv, bool *markdown, bool *json, bool *done)
{
    static const struct option longs[] = {{"markdown", no_argument, NULL, 'm'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":h", longs, NULL)) != -1;) {
        if (c == 'h') {
            fputs(usage, stdout);
            *done = true;
            return EXIT_OK;
        }
        if (c != 'm' && c != 'j') {
            return bad_option("info", c, argv);
        }
        *markdown |= c == 'm';
        *json |= c == 'j';
    }
    if (optind < argc) {
        complain("info", "unexpected argument %s; try hawser info --help", argv[optind]);
        return EXIT_USAGE;
    }
    if (*markdown && *json) {
        complain("info", "--markdown and --json are two forms: choose one");
        return EXIT_USAGE;
    }
    return EXIT_OK;
}

int command_info(int argc, char **argv)
{
    bool markdown = false, json = false, done = false;
    int code = parse(argc, argv, &markdown, &json, &done);
    if (code != EXIT_OK || done) {
        return code;
    }
    if (json) {
        print_json();
    } else if (markdown) {
        print_markdown();
    } else {
        print_all();
    }
    return EXIT_OK;
}
