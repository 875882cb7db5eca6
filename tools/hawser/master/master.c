// SPDX-License-Identifier: MIT
#include <getopt.h>
#include <hawser/hawser.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/hawser/command.h"
#include "tools/hawser/master/log.h"
#include "transport/os/listen.h"

static const char usage[] =
    "usage: hawser master [OPTIONS]\n"
    "Runs a master until SIGINT or SIGTERM: it admits members, fixes views and decides commits. A "
    "log\n"
    "on stderr has a line for each member that comes or goes, with the reason, and for each view.\n"
    "\n"
    "  --listen ADDR        HOST:PORT or INTERFACE:PORT; for PORT, 0 = any, or a range such as\n"
    "                       5000-5010 (default 127.0.0.1:0)\n"
    "  --state FILE         small durable memory: a restart keeps run id and view numbers;\n"
    "                       a missing FILE begins a run\n"
    "  --new-run            throw away the run that FILE holds and begin another\n"
    "  --insecure           allow listening beyond loopback without a key\n"
    "  --min-members N      with fewer members operations fail with HWS_E_TOO_FEW (default 1)\n"
    "  --first-members N    the first view waits for N members (default --min-members)\n"
    "  --gather-ms N        without --first-members: where newcomers come with a checkpoint, the "
    "first\n"
    "                       view waits this long for newer ones (default 3000)\n"
    "  --heartbeat-ms N     how often members say that they live (default 500)\n"
    "  --dead-ms N          silence after which a member is removed (default 5000)\n"
    "  --journal DIR        record in DIR what the master does, for hawser replay\n"
    "  --quiet              no log\n"
    "  --help\n"
    "\n"
    "Exit code: 0 stopped by a signal, 1 could not start, 2 bad usage.\n"
    "Example: hawser master --listen 127.0.0.1:7700 --state run.state\n";

enum { ADDRESSES_MAX = 16 }; // of this host that are printed
enum {
    LISTEN = 1,
    STATE,
    NEW_RUN,
    INSECURE,
    MIN_MEMBERS,
    FIRST_MEMBERS,
    GATHER,
    HEARTBEAT,
    DEAD,
    JOURNAL,
    QUIET
};

static const struct option longs[] = {
    {"listen", required_argument, NULL, LISTEN},
    {"state", required_argument, NULL, STATE},
    {"new-run", no_argument, NULL, NEW_RUN},
    {"insecure", no_argument, NULL, INSECURE},
    {"min-members", required_argument, NULL, MIN_MEMBERS},
    {"first-members", required_argument, NULL, FIRST_MEMBERS},
    {"gather-ms", required_argument, NULL, GATHER},
    {"heartbeat-ms", required_argument, NULL, HEARTBEAT},
    {"dead-ms", required_argument, NULL, DEAD},
    {"journal", required_argument, NULL, JOURNAL},
    {"quiet", no_argument, NULL, QUIET},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static bool set_option(hws_master_config *config, int option)
{
    switch (option) {
    case LISTEN:
        config->listen = optarg;
        return true;
    case STATE:
        config->state_file = optarg;
        return true;
    case NEW_RUN:
        config->new_run = 1;
        return true;
    case INSECURE:
        config->insecure = 1;
        return true;
    case JOURNAL:
        config->journal = optarg;
        return true;
    case MIN_MEMBERS:
        return option_u32("master", "--min-members", optarg, 1, 16384, &config->min_members);
    case FIRST_MEMBERS:
        return option_u32("master", "--first-members", optarg, 1, 16384, &config->first_members);
    case GATHER:
        return option_u32("master", "--gather-ms", optarg, 1, 600000, &config->gather_ms);
    case HEARTBEAT:
        return option_u32("master", "--heartbeat-ms", optarg, 50, 60000, &config->heartbeat_ms);
    default:
        return option_u32("master", "--dead-ms", optarg, 500, 600000, &config->dead_ms);
    }
}

// Prints the bound address and the ones to use: on this host the one printed last, elsewhere
// others.
static void say_address(const char *listen, const char *address)
{
    struct hwi_address bound, others[ADDRESSES_MAX];
    char text[HWI_ADDRESS_BYTES_MAX];
    char why[HWI_LISTEN_WHY_BYTES];
    bool all =
        listen != NULL && hwi_listen_parse(listen, &bound, why) && hwi_address_is_wildcard(&bound);
    if (!all) {
        printf("hawser master: listening on %s\n", address);
        return;
    }
    const char *port = strrchr(address, ':') + 1;
    uint32_t count = hwi_address_of_host(bound.storage.ss_family, others, ADDRESSES_MAX);
    hwi_address_set_port(&bound, (uint16_t)atoi(port));
    hwi_address_print(&bound, text);
    printf("hawser master: listening on %s, on this host %s\n", text, address);
    printf("hawser master: members on other hosts use");
    for (uint32_t i = 0; i < count; i++) {
        hwi_address_set_port(&others[i], (uint16_t)atoi(port));
        hwi_address_print(&others[i], text);
        printf("%s %s", i > 0 ? "," : "", text);
    }
    puts(count > 0 ? "" : " no address: this host has none but loopback");
}

// The signals that end it are blocked before the master's thread starts, which inherits that.
static int serve(const hws_master_config *config)
{
    hws_master *master;
    char address[64];
    sigset_t ends;
    int came;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    if (hws_master_start(config, &master)) {
        complain("master", "%s", hws_last_error());
        return EXIT_FAILED;
    }
    hws_master_address(master, address, sizeof address);
    say_address(config->listen, address);
    if (fflush(stdout) == 0 && !ferror(stdout)) { // an address that nobody can read serves nobody
        sigwait(&ends, &came);
        printf("hawser master: stopping\n");
    }
    hws_master_stop(master);
    return EXIT_OK;
}

int command_master(int argc, char **argv)
{
    hws_master_config config = HWS_MASTER_CONFIG_INIT;
    bool quiet = false;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":h", longs, NULL)) != -1;) {
        if (c == 'h') {
            fputs(usage, stdout);
            return EXIT_OK;
        }
        if (c == '?' || c == ':') {
            return bad_option("master", c, argv);
        }
        if (c == QUIET) {
            quiet = true;
        } else if (!set_option(&config, c)) {
            return EXIT_USAGE;
        }
    }
    if (optind < argc) {
        complain("master", "unexpected argument %s; try hawser master --help", argv[optind]);
        return EXIT_USAGE;
    }
    if (!quiet) {
        master_log_start();
    }
    return serve(&config);
}
