// SPDX-License-Identifier: MIT
#include <getopt.h>
#include <stdlib.h>

#include "tools/hawser/command.h"
#include "tools/hawser/common/status_query.h"
#include "tools/hawser/metrics/serve.h"
#include "tools/hawser/metrics/text.h"
#include "transport/os/address.h"

static const char usage[] =
    "usage: hawser metrics ADDR [OPTIONS]\n"
    "Asks the master at ADDR (HOST:PORT) for the state of the run and prints it as OpenMetrics "
    "text:\n"
    "the view, members with their revisions and bytes, the member that the others waited for "
    "last,\n"
    "and the messages that each process dropped. With --listen it answers a scraper such as\n"
    "Prometheus.\n"
    "\n"
    "  --listen HOST:PORT   serve http://HOST:PORT/metrics until interrupted; port 0 = any\n"
    "  --insecure           allow listening beyond loopback; anyone there can read the metrics\n"
    "  --help\n"
    "\n"
    "While the master gives no answer, the only metric is hawser_up 0.\n"
    "Exit code: 0 printed, 1 no answer within 2 s or cannot listen, 2 bad usage.\n"
    "Example: hawser metrics 127.0.0.1:4000 --listen 127.0.0.1:9400\n";

struct request {
    const char *master, *listen;
    bool insecure;
};

// A scraper's answer.
static void write_answer(FILE *out, void *user)
{
    const char *master = user;
    struct hwi_msg status;
    void *block = NULL;
    char error[STATUS_ERROR_BYTES];
    bool up = status_query(master, STATUS_TIMEOUT_MS, &status, &block, error) == 0;
    metrics_write(out, up ? &status.u.status : NULL);
    free(block);
}

static int print_once(const char *master)
{
    struct hwi_msg status;
    void *block = NULL;
    char error[STATUS_ERROR_BYTES];
    if (status_query(master, STATUS_TIMEOUT_MS, &status, &block, error) != 0) {
        complain("metrics", "%s", error);
        return EXIT_FAILED;
    }
    metrics_write(stdout, &status.u.status);
    free(block);
    return EXIT_OK;
}

// -1 to continue, else the exit code.
static int read_options(int argc, char **argv, struct request *request)
{
    static const struct option options[] = {{"listen", required_argument, NULL, 'l'},
                                            {"insecure", no_argument, NULL, 'i'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":h", options, NULL)) >= 0) {
        switch (option) {
        case 'l':
            request->listen = optarg;
            break;
        case 'i':
            request->insecure = true;
            break;
        case 'h':
            fputs(usage, stdout);
            return EXIT_OK;
        default:
            return bad_option("metrics", option, argv);
        }
    }
    if (!only_address("metrics", argc, argv)) {
        return EXIT_USAGE;
    }
    request->master = argv[optind];
    return -1;
}

static int serve(const struct request *request)
{
    struct hwi_address address;
    const char *wrong = hwi_address_parse(request->listen, HWI_ADDRESS_NUMERIC, &address);
    if (wrong != NULL) {
        complain("metrics", "--listen %s: %s", request->listen, wrong);
        return EXIT_USAGE;
    }
    if (!hwi_address_is_loopback(&address) && !request->insecure) {
        complain("metrics", "--listen %s is not a loopback address: allow it with --insecure",
                 request->listen);
        return EXIT_USAGE;
    }
    wrong = metrics_serve(address, write_answer, (void *)request->master);
    complain("metrics", "cannot listen on %s: %s", request->listen, wrong);
    return EXIT_FAILED;
}

int command_metrics(int argc, char **argv)
{
    struct request request = {.master = NULL};
    int code = read_options(argc, argv, &request);
    if (code >= 0) {
        return code;
    }
    return request.listen != NULL ? serve(&request) : print_once(request.master);
}
