// SPDX-License-Identifier: MIT
#include "transport/host/host.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hawser/types.h>

#include "transport/host/loop.h"
#include "transport/host/room.h"
#include "transport/os/listen.h"
#include "transport/os/lookup.h"
#include "transport/os/os_error.h"
#include "transport/os/os_linux.h"

enum { TEXT_BYTES = 96, LOOK_UP_MS = 60000 };

uint64_t hwi_host_now(void)
{
    return hwi_os_now();
}

uint64_t hwi_host_random(void)
{
    return hwi_os_random();
}

static int fail(char *error, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(char *error, int status, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vsnprintf(error, HWI_ERROR_BYTES_MAX, format, values);
    va_end(values);
    return status;
}

static int fail_errno(char *error, const char *doing)
{
    char text[TEXT_BYTES];
    return fail(error, HWS_E_SYSTEM, "%s: %s", doing, hwi_os_error_text(errno, text, sizeof text));
}

// ---- addresses ----------------------------------------------------------------------------------

static int parse(const char *text, const char *what, int status, struct hwi_address *address,
                 char *error)
{
    const char *wrong = hwi_address_parse(text, HWI_ADDRESS_NAME, address);
    return wrong != NULL ? fail(error, status, "%s \"%.100s\": %s", what, text, wrong) : HWS_OK;
}

static int parse_listen(const char *text, struct hwi_address *address, char *error)
{
    char why[HWI_LISTEN_WHY_BYTES];
    return hwi_listen_parse(text, address, why)
               ? HWS_OK
               : fail(error, HWS_E_INVALID, "listen address \"%.80s\": %s", text, why);
}

static int fail_listen(const char *listen, const char *why, char *error)
{
    return fail(error, HWS_E_SYSTEM, "cannot listen on %.100s: %s", listen, why);
}

// ---- parts --------------------------------------------------------------------------------------

static int create_common(struct hwi_host *host, const struct hwi_host_config *config, char *error)
{
    host->poller = hwi_poller_create();
    if (host->poller < 0) {
        return fail_errno(error, "creating a poller");
    }
    host->wake = (struct hwi_watch){.fd = host->inbox.wake, .kind = HWI_WATCH_WAKE};
    if (!hwi_poller_set(host->poller, &host->wake, HWI_READABLE | HWI_ON_CHANGE)) {
        return fail_errno(error, "watching for submissions");
    }
    hwi_ringport_init(&host->ringport, host->poller);
    host->drain = hwi_drain_create(&hwi_alloc_libc, &hwi_host_world_ops, host);
    hwi_drain_trace(host->drain, host->ringport.ring);
    for (uint32_t i = 0; i < config->actor_count; i++) {
        hwi_drain_add(host->drain, config->actors[i]);
        host->roles |= 1u << config->actors[i]->role;
    }
    return HWS_OK;
}

// ---- a member's addresses

struct addresses {
    struct hwi_address master, toward, listen; // `toward`: ours on the way to the master
    bool elsewhere;                            // the master is on another host
    bool many;                                 // its name has other addresses, too
};

// Of several addresses the one at which the master accepts; it may come later than this member.
static int choose_master(const struct hwi_host_config *config, struct addresses *found, char *error)
{
    struct hwi_address list[HWI_LOOKUP_ADDRESSES_MAX];
    uint32_t count;
    uint64_t began_ns = hwi_host_now();
    uint32_t within_ms = config->look_up_ms > 0 ? config->look_up_ms : LOOK_UP_MS;
    const char *wrong = hwi_look_up(config->master, within_ms, list, &count);
    if (wrong != NULL) {
        return fail(error, HWS_E_UNREACHABLE, "master address \"%.100s\": %s", config->master,
                    wrong);
    }
    uint64_t gone_ms = (hwi_host_now() - began_ns) / HWI_NS_PER_MS;
    uint32_t left_ms = gone_ms < within_ms ? within_ms - (uint32_t)gone_ms : 0;
    int which = count > 1 ? hwi_first_that_accepts(list, count, left_ms) : 0;
    if (which < 0) {
        return fail(error, HWS_E_UNREACHABLE,
                    "none of the %u addresses of the master at %.100s accepted a connection within "
                    "%u ms: is `hawser master` running there?",
                    count, config->master, within_ms);
    }
    found->master = list[which];
    found->many = count > 1;
    return HWS_OK;
}

static int find_master(const struct hwi_host_config *config, struct addresses *found, char *error)
{
    char text[TEXT_BYTES];
    int status = choose_master(config, found, error);
    if (status != HWS_OK) {
        return status;
    }
    if (!hwi_address_toward(&found->master, &found->toward)) {
        return fail(error, HWS_E_UNREACHABLE, "no route to the master at %.100s: %s",
                    config->master, hwi_os_error_text(errno, text, sizeof text));
    }
    // An address of this host is reached from itself.
    found->elsewhere = !hwi_address_is_loopback(&found->master) &&
                       !hwi_address_same_host(&found->master, &found->toward);
    return HWS_OK;
}

static int choose_listen(const struct hwi_host_config *config, struct addresses *found, char *error)
{
    char text[HWI_ADDRESS_BYTES_MAX];
    found->listen = found->toward;
    if (config->listen != NULL) {
        return parse_listen(config->listen, &found->listen, error);
    }
    if (!hwi_address_is_loopback(&found->toward) && !config->insecure) {
        hwi_address_print(&found->toward, text);
        *strrchr(text, ':') = '\0';
        return fail(error, HWS_E_INSECURE,
                    "on the way to the master at %.80s this member listens at %s, beyond loopback, "
                    "where anyone could join: set `insecure` (HAWSER_INSECURE=1) if the network is "
                    "trusted",
                    config->master, text);
    }
    return HWS_OK;
}

// Nobody else could dial it: told here, not by an eviction when others have tried.
static int refuse(const char *option, const char *given, const char *address,
                  const struct hwi_host_config *config, char *error)
{
    return fail(
        error, HWS_E_INVALID,
        "%s is \"%.50s\" (%s), which other hosts cannot dial, and the master at %.50s is on "
        "another one: leave `listen` out (HAWSER_LISTEN), or set `advertise` "
        "(HAWSER_ADVERTISE)",
        option, given, address, config->master);
}

// The address for others: numeric, because stripes are dialled only by numbers.
static int choose_advertised(struct hwi_host *host, const struct hwi_host_config *config,
                             const struct addresses *found, char *error)
{
    const char *option = config->advertise != NULL ? "advertise" : "listen";
    struct hwi_address told = found->listen;
    if (config->advertise != NULL) {
        int status = parse(config->advertise, "advertise", HWS_E_INVALID, &told, error);
        if (status != HWS_OK) {
            return status;
        }
    } else if (hwi_address_is_wildcard(&told)) {
        told = found->toward;
        hwi_address_set_port(&told, hwi_address_port(&found->listen));
    }
    hwi_address_print(&told, host->address);
    if (hwi_address_is_wildcard(&told)) {
        return fail(error, HWS_E_INVALID,
                    "advertise is \"%.80s\", which nobody can dial: it must be an address of this "
                    "host (HAWSER_ADVERTISE)",
                    config->advertise);
    }
    if (found->elsewhere && hwi_address_is_loopback(&told)) {
        return refuse(option, config->advertise != NULL ? config->advertise : config->listen,
                      host->address, config, error);
    }
    return HWS_OK;
}

static int create_member(struct hwi_host *host, const struct hwi_host_config *config, char *error)
{
    struct addresses found;
    char text[TEXT_BYTES];
    int status = find_master(config, &found, error);
    if (status == HWS_OK) {
        status = choose_listen(config, &found, error);
    }
    if (status != HWS_OK) {
        return status;
    }
    host->data = hwi_data_create(&hwi_alloc_libc, &hwi_host_data_ops, host);
    if (!hwi_host_open_edges(host, &found.listen)) {
        return fail_listen(config->listen != NULL ? config->listen : "any port",
                           hwi_os_error_text(errno, text, sizeof text), error);
    }
    status = choose_advertised(host, config, &found, error);
    if (status != HWS_OK) {
        return status;
    }
    char chosen[HWI_ADDRESS_BYTES_MAX];
    hwi_address_print(&found.master, chosen);
    const char *wrong =
        hwi_control_connect(&host->control, host->drain, found.many ? chosen : config->master,
                            found.master.storage.ss_family == AF_INET6, config->incarnation);
    return wrong != NULL
               ? fail(error, HWS_E_INVALID, "connecting to %.100s: %s", config->master, wrong)
               : HWS_OK;
}

// The master actor hears what the file holds before anything else.
static int load_state(struct hwi_host *host, const struct hwi_host_config *config, char *error)
{
    struct hwi_msg msg;
    void *block = NULL;
    int status = hwi_viewfile_open(&host->viewfile, config->state_file, error);
    if (status != HWS_OK || config->new_run || !hwi_viewfile_exists(&host->viewfile)) {
        return status;
    }
    status = hwi_viewfile_load(&host->viewfile, &msg, &block, error);
    if (status != HWS_OK) {
        return status;
    }
    hwi_drain_post(host->drain, hwi_addr_of(HWI_ROLE_DISK, 0), hwi_addr_of(HWI_ROLE_MASTER, 0),
                   &msg);
    free(block);
    return HWS_OK;
}

static int create_master(struct hwi_host *host, const struct hwi_host_config *config, char *error)
{
    struct hwi_address listen, usable;
    int status = parse_listen(config->listen, &listen, error);
    if (status == HWS_OK && config->state_file != NULL) {
        status = load_state(host, config, error);
    }
    if (status != HWS_OK) {
        return status;
    }
    const char *wrong = hwi_control_bind(&host->control, host->drain, &listen);
    if (wrong != NULL) {
        return fail_listen(config->listen, wrong, error);
    }
    usable = listen;
    if (hwi_address_is_wildcard(&listen)) {
        hwi_address_parse(listen.storage.ss_family == AF_INET6 ? "[::1]:0" : "127.0.0.1:0",
                          HWI_ADDRESS_NUMERIC, &usable);
        hwi_address_set_port(&usable, hwi_address_port(&listen));
    }
    hwi_address_print(&usable, host->address);
    return HWS_OK;
}

static const void *state_of(void *user, const struct hwi_actor_ops *actor)
{
    struct hwi_host *host = user;
    return hwi_drain_state(host->drain, actor->role);
}

static int create_journal(struct hwi_host *host, const struct hwi_host_config *config,
                          const char *name, char *error)
{
    struct hwi_journal_config journal = {
        .directory = config->journal,
        .name = name,
        .bytes_max = config->journal_bytes_max,
        .age_max_ms = config->journal_age_ms_max,
        .incarnation = config->master != NULL ? config->incarnation : 0,
        .actors = config->actors,
        .actor_count = config->actor_count,
        .state_of = state_of,
        .user = host,
    };
    return hwi_journal_create(&journal, &host->journal, error, HWI_ERROR_BYTES_MAX);
}

// Of its files: by the incarnation, or a random number.
static void print_name(const struct hwi_host_config *config, char name[HWI_JOURNAL_NAME_MAX])
{
    uint64_t id = config->master != NULL ? config->incarnation : hwi_host_random();
    snprintf(name, HWI_JOURNAL_NAME_MAX, "%s-%llx", config->master != NULL ? "member" : "master",
             (unsigned long long)id);
}

static int create_parts(struct hwi_host *host, const struct hwi_host_config *config, char *error)
{
    char name[HWI_JOURNAL_NAME_MAX];
    print_name(config, name);
    int status = create_common(host, config, error);
    if (status == HWS_OK && config->journal != NULL) {
        status = create_journal(host, config, name, error);
    }
    if (status != HWS_OK) {
        return status;
    }
    status = config->master != NULL ? create_member(host, config, error)
                                    : create_master(host, config, error);
    if (status != HWS_OK) {
        return status;
    }
    hwi_relay_init(&host->relay, &host->control, host->ringport.memory, host->ringport.bytes);
    host->control.relay = &host->relay;
    hwi_flight_init(&host->flight, config->flight, name, host->ringport.memory,
                    host->ringport.bytes);
    host->control_watch = (struct hwi_watch){.fd = host->control.fd, .kind = HWI_WATCH_CONTROL};
    if (!hwi_poller_set(host->poller, &host->control_watch, 0)) {
        return fail_errno(error, "watching the control link");
    }
    hwi_ringport_open(&host->ringport, config->master != NULL ? "member" : "master",
                      config->incarnation, host->address);
    hwi_host_publish(host);
    if (pthread_create(&host->thread, NULL, hwi_host_loop, host) != 0) {
        return fail(error, HWS_E_SYSTEM, "the system has no room for another thread");
    }
    host->running = true;
    return HWS_OK;
}

// ---- life ---------------------------------------------------------------------------------------

// Takes a host whose thread is gone or never was; every part may be missing.
static void dismantle(struct hwi_host *host)
{
    hwi_control_close(&host->control);
    hwi_encoder_fini(&host->encoder);
    hwi_relay_fini(&host->relay);
    hwi_edges_fini(&host->edges);
    if (host->data != NULL) {
        hwi_data_destroy(host->data);
    }
    hwi_journal_close(host->journal);
    if (host->drain != NULL) {
        hwi_drain_destroy(host->drain);
    }
    hwi_viewfile_close(&host->viewfile);
    hwi_flight_fini(&host->flight);
    hwi_ringport_fini(&host->ringport);
    if (host->poller >= 0) {
        close(host->poller);
    }
    free(host->taken);
    hwi_inbox_fini(&host->inbox);
    pthread_mutex_destroy(&host->counters_mutex);
    free(host);
}

// After a failed check its parts may contradict themselves: what a second failure keeps is lost
// memory.
static void dismantle_trapped(struct hwi_host *host)
{
    struct hwi_trap trap;
    hwi_trap_enter(&trap);
    if (setjmp(trap.landing) == 0) {
        dismantle(host);
        hwi_trap_leave(&trap);
    }
}

static struct hwi_host *create_empty(const struct hwi_host_config *config)
{
    struct hwi_host *host = calloc(1, sizeof *host);
    if (host == NULL) {
        return NULL;
    }
    host->ops = config->ops;
    host->user = config->user;
    host->poller = -1;
    host->viewfile.lock = -1;
    host->ringport.readable = host->ringport.watch.fd = -1;
    pthread_mutex_init(&host->counters_mutex, NULL);
    if (hwi_inbox_init(&host->inbox)) {
        return host;
    }
    pthread_mutex_destroy(&host->counters_mutex);
    free(host);
    return NULL;
}

static int create_trapped(struct hwi_host *host, const struct hwi_host_config *config, char *error)
{
    struct hwi_trap trap;
    hwi_trap_enter(&trap);
    if (setjmp(trap.landing) != 0) {
        return fail(error, HWS_E_NO_MEMORY, "creating a host failed (%s)", trap.what);
    }
    int status = create_parts(host, config, error);
    hwi_trap_leave(&trap);
    return status;
}

// Signals are the trainer's: the host's thread and ZeroMQ's inherit this mask. They still get the
// signals of their own faults.
static void block_signals(sigset_t *before)
{
    sigset_t all;
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    sigdelset(&all, SIGABRT);
    pthread_sigmask(SIG_BLOCK, &all, before);
}

static int create_with_room(const struct hwi_host_config *config, struct hwi_host **host,
                            char *error)
{
    char text[HWI_ERROR_BYTES_MAX];
    if (!config->keep_files) {
        hwi_os_raise_files();
    }
    if (!hwi_room_check(text, sizeof text)) {
        return fail(error, HWS_E_SYSTEM, "%s", text);
    }
    struct hwi_host *created = create_empty(config);
    if (created == NULL) {
        return fail(error, HWS_E_NO_MEMORY, "no memory or descriptors for a host");
    }
    int status = create_trapped(created, config, error);
    if (status == HWS_OK) {
        *host = created;
    } else {
        dismantle_trapped(created);
    }
    return status;
}

int hwi_host_create(const struct hwi_host_config *config, struct hwi_host **host, char *error)
{
    sigset_t before;
    block_signals(&before);
    int status = create_with_room(config, host, error);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

void hwi_host_destroy(struct hwi_host *host)
{
    hwi_inbox_stop(&host->inbox);
    if (host->running) {
        pthread_join(host->thread, NULL);
    }
    dismantle_trapped(host);
}

// ---- calls from other threads -------------------------------------------------------------------

const char *hwi_host_address(const struct hwi_host *host)
{
    return host->address;
}

int hwi_host_submit(struct hwi_host *host, const struct hwi_submission *submission)
{
    return hwi_inbox_put(&host->inbox, submission);
}

void hwi_host_stats(struct hwi_host *host, struct hwi_data_stats *stats)
{
    pthread_mutex_lock(&host->counters_mutex);
    *stats = host->stats;
    pthread_mutex_unlock(&host->counters_mutex);
}

void hwi_host_edges(struct hwi_host *host, hwi_edges_fn tell, void *user)
{
    if (host->data != NULL) {
        hwi_meters_read(&host->edges.meters, hwi_host_now(), tell, user);
    }
}

void hwi_host_counters(struct hwi_host *host, struct hwi_host_counters *counters)
{
    pthread_mutex_lock(&host->counters_mutex);
    *counters = host->published;
    pthread_mutex_unlock(&host->counters_mutex);
}

// The owner may hold a lock here, so a failed check may not unwind through it.
void hwi_host_forget(struct hwi_host *host, uint64_t request)
{
    struct hwi_trap trap;
    hwi_trap_enter(&trap);
    if (setjmp(trap.landing) != 0) {
        host->refused = trap;
        return;
    }
    if (host->data != NULL) {
        hwi_data_forget(host->data, request);
    }
    hwi_trap_leave(&trap);
}
