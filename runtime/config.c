// SPDX-License-Identifier: MIT
#include "runtime/config.h"

#include <stdlib.h>
#include <string.h>

#include "actors/base/base.h"
#include "actors/base/limits.h"
#include "runtime/error.h"
#include "runtime/misspelled.h"
#include "runtime/call/sized.h"
#include "actors/wire/msg.h"
#include "transport/os/listen.h"

// Rows of the tables of hws_config and hws_master_config.
#define TEXT(type, field, variable, standard_, doc_)                                               \
    HWI_OPTION(type, field, TEXT, .env = (variable), .standard = (standard_), .doc = (doc_))
#define NUMBER(type, field, variable, standard_, least_, most_, doc_)                              \
    HWI_OPTION(type, field, NUMBER, .env = (variable), .standard = (standard_), .least = (least_), \
               .most = (most_), .doc = (doc_))
#define FLAG(type, field, variable, doc_)                                                          \
    HWI_OPTION(type, field, FLAG, .env = (variable), .standard = "0", .most = 1, .doc = (doc_))

// The journal options of both.
#define JOURNAL(type)                                                                              \
    TEXT(type, journal, "HAWSER_JOURNAL", NULL, "directory to record in; default: none"),          \
        NUMBER(type, journal_max, "HAWSER_JOURNAL_MAX", "256", 16, 1 << 20,                        \
               "MiB of one journal, beyond which the oldest part is removed"),                     \
        NUMBER(type, journal_age_s, "HAWSER_JOURNAL_AGE_S", NULL, 1, UINT32_MAX,                   \
               "seconds after which a part is removed; default: never"),                           \
        TEXT(type, flight, "HAWSER_FLIGHT", NULL,                                                  \
             "directory for the last events when a call fails; default: journal")

// Of both, too.
#define KEEP_FILES(type)                                                                           \
    FLAG(type, keep_files, "HAWSER_KEEP_FILES",                                                    \
         "leave the soft limit on open files (ulimit -n) as it is; else it is raised to the hard " \
         "one")

static const struct hwi_option comm_options[] = {
    TEXT(hws_config, master, "HAWSER_MASTER", NULL, "the master's address, host:port; required"),
    TEXT(hws_config, listen, "HAWSER_LISTEN", NULL,
         "where stripes are accepted: host or interface, and a port (0 = any) or a range of ports "
         "such as 5000-5010; default: any port of the address from which the master is reached"),
    TEXT(hws_config, advertise, "HAWSER_ADVERTISE", NULL,
         "the address told to other members; default: the one bound"),
    FLAG(hws_config, insecure, "HAWSER_INSECURE", "allow listening beyond loopback without a key"),
    NUMBER(hws_config, min_members, "HAWSER_MIN_MEMBERS", NULL, 1, HWI_MEMBERS_MAX,
           "must equal the run's, or hws_open fails; default: the run's"),
    NUMBER(hws_config, stripes, "HAWSER_STRIPES", "4", 1, HWI_STRIPES_MAX,
           "TCP connections per pair of members"),
    NUMBER(hws_config, open_ms, "HAWSER_OPEN_MS", "60000", 1, UINT32_MAX,
           "deadline to become a member"),
    NUMBER(hws_config, timeout_ms, "HAWSER_TIMEOUT_MS", "60000", 1, UINT32_MAX,
           "default deadline of a call"),
    NUMBER(hws_config, decision_grace_ms, "HAWSER_DECISION_GRACE_MS", "15000", 1, UINT32_MAX,
           "time after a deadline for the master's decision"),
    NUMBER(hws_config, group, "HAWSER_GROUP", "0", 0, HWI_GROUPS_MAX - 1,
           "the group; its members reduce and sync among themselves"),
    TEXT(hws_config, unit, "HAWSER_UNIT", NULL,
         "name of the unit to which this process belongs; default: none"),
    NUMBER(hws_config, unit_size, "HAWSER_UNIT_SIZE", NULL, 1, HWI_MEMBERS_MAX,
           "processes of the unit; required with unit"),
    JOURNAL(hws_config),
    KEEP_FILES(hws_config),
};

static const struct hwi_option master_options[] = {
    TEXT(hws_master_config, listen, NULL, "127.0.0.1:0",
         "where members connect: host or interface, and a port (0 = any) or a range of ports"),
    TEXT(hws_master_config, state_file, NULL, NULL,
         "file that keeps the run across restarts; a missing file begins a run; default: each "
         "start begins one"),
    FLAG(hws_master_config, new_run, NULL, "discard the run in state_file and begin another"),
    FLAG(hws_master_config, insecure, NULL, "allow listening beyond loopback without a key"),
    NUMBER(hws_master_config, min_members, NULL, "1", 1, HWI_MEMBERS_MAX,
           "with fewer members operations return HWS_E_TOO_FEW"),
    NUMBER(hws_master_config, heartbeat_ms, NULL, NULL, 50, 60000,
           "interval of the members' heartbeats; default: 500, at most a fifth of dead_ms"),
    NUMBER(hws_master_config, dead_ms, NULL, "5000", 500, 600000,
           "silence after which a member is removed"),
    NUMBER(hws_master_config, propose_ms, NULL, NULL, 100, 600000,
           "how long a proposed view waits for members; default: dead_ms"),
    NUMBER(hws_master_config, first_members, NULL, NULL, 1, HWI_MEMBERS_MAX,
           "members for which the first view waits; default: min_members"),
    NUMBER(hws_master_config, gather_ms, "HAWSER_GATHER_MS", "3000", 1, 600000,
           "how long the first view waits for a newer state, where newcomers come with one and "
           "first_members is not set"),
    JOURNAL(hws_master_config),
    KEEP_FILES(hws_master_config),
};

const struct hwi_option_table hwi_comm_options = {comm_options, HWI_COUNT(comm_options)};
const struct hwi_option_table hwi_master_options = {master_options, HWI_COUNT(master_options)};

enum { HEARTBEAT_MS = 500, HEARTBEATS_TO_DEATH = 5 };

// An option table's look-up.
static const char *environment(const char *env)
{
    return getenv(env);
}

static hws_status fill(const struct hwi_option_table *table, void *config)
{
    struct hwi_error error;
    hws_status status = hwi_options_fill(table, environment, config, &error);
    return status == HWS_OK ? HWS_OK : hwi_error_again(&error);
}

static hws_status check_reserved(const char *name, uint32_t reserved)
{
    return reserved == 0
               ? HWS_OK
               : hwi_error_set(HWS_E_INVALID, "reserved of %s is %u: it must be 0", name, reserved);
}

// "host:port" or "[v6]:port" with a port that can be dialled; names are not looked up.
static bool can_be_dialled(const char *address)
{
    const char *colon = strrchr(address, ':');
    uint32_t port;
    if (colon == NULL || colon == address || !hwi_option_number(colon + 1, &port)) {
        return false;
    }
    bool bracketed = address[0] == '[' && colon[-1] == ']';
    bool colon_inside = memchr(address, ':', (size_t)(colon - address)) != NULL;
    return port > 0 && port <= UINT16_MAX && bracketed == colon_inside;
}

static hws_status check_address(const char *name, const char *address, size_t bytes_max)
{
    if (strlen(address) >= bytes_max) {
        return hwi_error_set(HWS_E_INVALID, "%s is longer than %zu bytes", name, bytes_max - 1);
    }
    if (!can_be_dialled(address)) {
        return hwi_error_set(HWS_E_INVALID,
                             "%s is \"%s\": it must be host:port, or [address]:port for IPv6", name,
                             address);
    }
    return HWS_OK;
}

static hws_status check_listen(const char *listen, int insecure)
{
    struct hwi_address address;
    char why[HWI_LISTEN_WHY_BYTES];
    if (!hwi_listen_parse(listen, &address, why)) {
        return hwi_error_set(HWS_E_INVALID, "listen is \"%.80s\": %s", listen, why);
    }
    if (!insecure && !hwi_address_is_loopback(&address)) {
        return hwi_error_set(HWS_E_INSECURE,
                             "listen is \"%.80s\", beyond loopback, where anyone could join: set "
                             "`insecure` if the network is trusted",
                             listen);
    }
    return HWS_OK;
}

// The master refuses a unit that does not fit; this check finds one that never can.
static hws_status check_unit(const char *unit, uint32_t size)
{
    size_t length = unit != NULL ? strlen(unit) : 0;
    if ((length > 0) != (size > 0)) {
        return hwi_error_set(HWS_E_INVALID, "unit and unit_size belong together: %s is not set",
                             length > 0 ? "unit_size" : "unit");
    }
    if (length >= HWI_NAME_BYTES_MAX) {
        return hwi_error_set(HWS_E_INVALID, "unit is longer than %d bytes", HWI_NAME_BYTES_MAX - 1);
    }
    for (size_t i = 0; i < length; i++) {
        if (unit[i] <= ' ' || unit[i] > '~') {
            return hwi_error_set(HWS_E_INVALID,
                                 "unit has a blank or a character that is not plain ASCII");
        }
    }
    return HWS_OK;
}

hws_status hwi_config_read(const hws_config *given, hws_config *config)
{
    static const hws_config nothing = HWS_CONFIG_INIT;
    hwi_variables_warn();
    if (!hwi_sized_read(config, sizeof *config, given != NULL ? given : &nothing)) {
        return hwi_error_set(HWS_E_INVALID, "bytes_of_struct of hws_config is not set: begin with "
                                            "HWS_CONFIG_INIT");
    }
    hws_status status = fill(&hwi_comm_options, config);
    if (status == HWS_OK) {
        status = check_reserved("hws_config", config->reserved);
    }
    if (status != HWS_OK) {
        return status;
    }
    if (config->master == NULL) {
        return hwi_error_set(HWS_E_INVALID, "no master address: set `master` or HAWSER_MASTER to "
                                            "what `hawser master` printed");
    }
    status = check_address("master", config->master, HWI_MASTER_BYTES_MAX);
    if (status == HWS_OK && config->advertise != NULL) {
        status = check_address("advertise", config->advertise, HWI_ADDRESS_BYTES_MAX);
    }
    if (status == HWS_OK) {
        status = check_unit(config->unit, config->unit_size);
    }
    if (status == HWS_OK && config->listen != NULL) {
        status = check_listen(config->listen, config->insecure);
    }
    return status;
}

hws_status hwi_master_config_read(const hws_master_config *given, hws_master_config *config)
{
    static const hws_master_config nothing = HWS_MASTER_CONFIG_INIT;
    hwi_variables_warn();
    if (!hwi_sized_read(config, sizeof *config, given != NULL ? given : &nothing)) {
        return hwi_error_set(HWS_E_INVALID, "bytes_of_struct of hws_master_config is not set: "
                                            "begin with HWS_MASTER_CONFIG_INIT");
    }
    hws_status status = fill(&hwi_master_options, config);
    if (status == HWS_OK) {
        status = check_reserved("hws_master_config", config->reserved);
    }
    if (status != HWS_OK) {
        return status;
    }
    uint32_t heartbeat_ms_max = config->dead_ms / HEARTBEATS_TO_DEATH;
    if (config->heartbeat_ms > heartbeat_ms_max) {
        return hwi_error_set(HWS_E_INVALID,
                             "heartbeat_ms is %u: it must be at most a fifth of dead_ms (%u)",
                             config->heartbeat_ms, config->dead_ms);
    }
    if (config->heartbeat_ms == 0) {
        config->heartbeat_ms = HWI_MIN(HEARTBEAT_MS, heartbeat_ms_max);
    }
    if (config->propose_ms == 0) {
        config->propose_ms = config->dead_ms;
    }
    return check_listen(config->listen, config->insecure);
}
