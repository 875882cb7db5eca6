// SPDX-License-Identifier: MIT
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/bench/bench.h"
#include "tools/hawser/command.h"

static const struct benchmark {
    const char *name;
    int (*run)(const struct bench_job *job);
    const char *sizes; // unless told; NULL = it has none
} benchmarks[] = {
    {"ring", bench_ring, NULL},
    {"journal", bench_journal, "4K,16M"},
    {"trace", bench_trace, "4K"},
    {"kernels", bench_kernels, "256K"},
    {"checkpoint", bench_checkpoint, "256M"},
};
enum { BENCHMARKS = sizeof benchmarks / sizeof benchmarks[0] };

static const char usage[] =
    "usage: hawser-bench NAME [OPTIONS]\n"
    "Measures a part of Hawser on this machine.\n"
    "\n"
    "  ring                 what it costs an actor's message to be kept in the ring, in turn\n"
    "                       without\n"
    "  journal              what it costs 2 members to keep journals, in turn without\n"
    "  trace                what it costs 2 members to be traced: in turn without, by a tracer\n"
    "                       that prints everything, and by one that is stopped\n"
    "  kernels              how fast memory is reduced, all types and operations: each\n"
    "                       instruction set this CPU has, and plain code, in turn\n"
    "  checkpoint           how fast a state is saved and loaded, in $TMPDIR or /tmp\n"
    "\n"
    "  --sizes LIST         bytes (default: journal 4K,16M; trace 4K; kernels 256K;\n"
    "                       checkpoint 256M)\n"
    "  --operands N         of kernels, 2 to 64 (default 2)\n"
    "  --repeats R          timed repeats per size, to 100000\n"
    "  --json               one JSON object per line\n"
    "  --help\n"
    "\n"
    "Exit code: 0 measured, 1 something failed or was wrong, 2 bad usage.\n"
    "Example: hawser-bench kernels --operands 4\n";

void bench_complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("hawser-bench: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

static bool set_option(struct bench_job *job, int option)
{
    switch (option) {
    case 'n':
        return parse_u32(optarg, 2, BENCH_OPERANDS_MAX, &job->operands);
    case 's':
        return measure_sizes(optarg, job->sizes, &job->size_count);
    case 'r':
        return parse_u32(optarg, 1, MEASURE_REPEATS_MAX, &job->repeats);
    default:
        return job->json = option == 'j';
    }
}

// EXIT_OK: `job` is set, but for sizes that were not given.
static int parse_options(struct bench_job *job, int argc, char **argv)
{
    static const struct option longs[] = {
        {"operands", required_argument, NULL, 'n'}, {"sizes", required_argument, NULL, 's'},
        {"repeats", required_argument, NULL, 'r'},  {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},           {0},
    };
    for (int c; (c = getopt_long(argc, argv, "h", longs, NULL)) != -1;) {
        if (c == 'h') {
            fputs(usage, stdout);
            return -1;
        }
        if (!set_option(job, c)) {
            bench_complain("bad option or value; see hawser-bench --help");
            return EXIT_USAGE;
        }
    }
    return EXIT_OK;
}

int main(int argc, char **argv)
{
    struct bench_job job = {.operands = 2};
    int code = parse_options(&job, argc, argv);
    if (code != EXIT_OK) {
        return code < 0 ? EXIT_OK : code;
    }
    const char *name = argc - optind == 1 ? argv[optind] : "";
    for (int i = 0; i < BENCHMARKS; i++) {
        if (strcmp(name, benchmarks[i].name) == 0) {
            if (job.size_count == 0 && benchmarks[i].sizes != NULL) {
                measure_sizes(benchmarks[i].sizes, job.sizes, &job.size_count);
            }
            return benchmarks[i].run(&job);
        }
    }
    bench_complain("expected one benchmark; see hawser-bench --help");
    return EXIT_USAGE;
}
