// SPDX-License-Identifier: MIT
// A host's parts, and the turns of its thread.
#ifndef HAWSER_TRANSPORT_HOST_LOOP_H
#define HAWSER_TRANSPORT_HOST_LOOP_H

#include "actors/wire/codec.h"
#include "transport/host/control.h"
#include "transport/host/edge/edges.h"
#include "transport/host/flight.h"
#include "transport/host/host.h"
#include "transport/host/inbox.h"
#include "transport/host/relay.h"
#include "transport/host/ringport.h"
#include "transport/host/viewfile.h"
#include "transport/journal/journal.h"

struct hwi_host {
    const struct hwi_host_ops *ops; // borrowed
    void *user;
    char address[HWI_ADDRESS_BYTES_MAX]; // constant once created
    pthread_t thread;
    bool running; // the thread is to be joined

    struct hwi_inbox inbox;
    pthread_mutex_t counters_mutex; // guards the two below
    struct hwi_data_stats stats;
    struct hwi_host_counters published;

    // The thread's own.
    struct hwi_drain *drain;
    struct hwi_data *data; // NULL: a master has none
    uint32_t roles;        // bit per local actor
    int poller;
    struct hwi_watch wake, control_watch;
    struct hwi_inbox_entry *taken; // kept between turns for its memory; from taken_next ...
    uint32_t taken_next, taken_count, taken_capacity; // ... to taken_count still to be handled
    struct hwi_control control;
    struct hwi_counters told;   // its actor last heard these, ...
    uint64_t told_ns;           // ... and what there is was last looked at then
    struct hwi_encoder encoder; // of what its actors say over the control link
    struct hwi_edges edges;
    struct hwi_viewfile viewfile;
    struct hwi_ringport ringport;
    struct hwi_relay relay;
    struct hwi_flight flight;
    struct hwi_journal *journal; // NULL: none is kept
    uint32_t failed_roles;       // bit per local actor in which a check has failed
    struct hwi_host_counters counters;
    bool started;            // the first submission is here: the control link may speak
    bool more;               // the last turn left something over: do not sleep
    struct hwi_trap refused; // a check that failed in hwi_host_forget; `what` is NULL if none did
};

extern const struct hwi_world_ops hwi_host_world_ops; // world = the host
extern const struct hwi_data_ops hwi_host_data_ops;   // user = the host

// Listens on `listen` (port 0 = any; then has it) and makes a member's edges ready. False with
// errno; hwi_edges_fini undoes it.
bool hwi_host_open_edges(struct hwi_host *host, struct hwi_address *listen);

// Copies the counters for other threads. Host thread, or while it does not run.
void hwi_host_publish(struct hwi_host *host);

// The thread's function; `user` is the host.
void *hwi_host_loop(void *user);

#endif
