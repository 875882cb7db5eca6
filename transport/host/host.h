// SPDX-License-Identifier: MIT
// The host's loop: one thread that runs a drain over epoll, ZeroMQ, stripes, timers and a queue of
// submissions from other threads. Used for a member (peer, reducer, snapshot) and for a master
// alike.
#ifndef HAWSER_TRANSPORT_HOST_HOST_H
#define HAWSER_TRANSPORT_HOST_HOST_H

#include "actors/loop/drain.h"
#include "transport/data/data.h"
#include "transport/host/edge/meters.h"

struct hwi_host;
struct hwi_edges;
struct hwi_edge_kind;

// Reports to the owner of a host, on the host's thread. Borrowed until return.
struct hwi_host_ops {
    // An effect to TRAINER.
    void (*trainer)(void *user, const struct hwi_msg *msg);
    // A check failed in an actor; the process lives. For the owner's log. Actor "host": it failed
    // outside of the actors; all sockets are closed, no reply will come any more: the owner ends
    // what waits.
    void (*check_failed)(void *user, const char *actor, const char *what, const char *file,
                         int line);
};

struct hwi_host_config {
    const struct hwi_host_ops *ops; // borrowed until destroy
    void *user;
    const struct hwi_actor_ops *const *actors; // borrowed until create returns
    uint32_t actor_count;
    const char *master; // a member: where to connect, "host:port"; NULL for a master
    // A member: for stripes; a master: for control; port 0 = any. A member's NULL = any port of the
    // address from which the master is reached
    const char *listen;
    const char *advertise;  // a member's: the address for others, "host:port"; NULL = the bound one
    int insecure;           // a member's: `listen` NULL may be beyond loopback
    uint32_t look_up_ms;    // a member's: within which its master's name is looked up; 0 = a minute
    int keep_files;         // leave the limit on open files as it is
    const char *state_file; // a master's view file, or NULL
    int new_run;            // ignore what the file holds; a missing file begins a run anyway
    uint64_t incarnation;   // a member's: names its control session
    // A directory for the journal, or NULL; and its bounds (0 = none). It is named by the
    // incarnation, a master's by a random number. Events that its disk refuses later are lost and
    // counted.
    const char *journal;
    uint64_t journal_bytes_max, journal_age_ms_max;
    // A directory for the content of the ring when something fails, or NULL. A file that cannot be
    // written there is lost and counted.
    const char *flight;
};

enum { HWI_ERROR_BYTES_MAX = 256 };

// Binds, connects and starts the thread; events may be delivered before it returns. Returns 0 and
// *host owned, or an hws_status with a sentence in `error` (HWI_ERROR_BYTES_MAX bytes):
// HWS_E_INVALID (an address, also one that others could not dial; a missing or damaged state file),
// HWS_E_INSECURE (listening beyond loopback by default), HWS_E_UNREACHABLE (no such master
// host, no route), HWS_E_SYSTEM (cannot listen, state file locked, no journal), HWS_E_NO_MEMORY.
// Nothing is heard on the control link before the first submission. May block on a name's look-up.
int hwi_host_create(const struct hwi_host_config *config, struct hwi_host **host, char *error);

// The address bound, as others should use it ("127.0.0.1:40123", "[::1]:40123"); static until
// destroy. For a wildcard: a member's address on the way to the master, a master's loopback.
const char *hwi_host_address(const struct hwi_host *host);

// A submission: memory for the data port, then a message to an actor, atomically and in order. Any
// thread. Wakes the host.
struct hwi_submission {
    struct hwi_addr to;
    struct hwi_msg msg; // lists are copied
    // With msg.type request and an output: registered under its request id
    struct hwi_buffers buffers;
    size_t *counts; // the caller's, for the reply's: not looked at here
    size_t counts_room;
    const struct hwi_location
        *tensors;              // with msg.type state_layout: the tensors' memory, one each, copied
    struct hwi_writes *writes; // likewise: counts writes into them; borrowed until destroy
};
// 0, or HWS_E_LIMIT, HWS_E_NO_MEMORY, HWS_E_INTERNAL (the host has failed).
int hwi_host_submit(struct hwi_host *host, const struct hwi_submission *submission);

// From the trainer op on the host's thread: the request is over, its memory may be forgotten. Never
// unwinds.
void hwi_host_forget(struct hwi_host *host, uint64_t request);

// Data port counters as of now. Any thread.
void hwi_host_stats(struct hwi_host *host, struct hwi_data_stats *stats);

// Reports the bytes that a member's stripes carry, by the member at their other end, before it
// returns. Any thread. `tell` may not call back.
void hwi_host_edges(struct hwi_host *host, hwi_edges_fn tell, void *user);

// The messages that the host dropped, since create. Any thread.
struct hwi_host_counters {
    uint64_t control_dropped_in;  // control messages that were none, or not for this end, ...
    uint64_t control_damaged;     // ... of them with a checksum that does not hold
    uint64_t control_dropped_out; // control messages that could not be sent
    uint64_t stripes_refused;     // connections closed before they were proven
    uint64_t edges_down;          // edge_down said
    uint64_t undeliverable;       // effects and messages for an actor that is not here
    uint64_t journal_lost;        // events that the journal could not keep
    uint64_t trace_failures;      // no way to be traced, readers refused, batches that did not fit
};
void hwi_host_counters(struct hwi_host *host, struct hwi_host_counters *counters);

// Stops the thread, closes everything, frees (takes). Control messages already sent get up to 500
// ms to leave.
void hwi_host_destroy(struct hwi_host *host);

// 64 random bits from the system, never 0.
uint64_t hwi_host_random(void);

// CLOCK_MONOTONIC in nanoseconds.
uint64_t hwi_host_now(void);

// Sees every step of every host's actors in this process, on the host's thread, before its effects
// are carried. For tests and recording. Set it before any host is created; NULL = nobody. `user` is
// borrowed for as long as hosts live.
typedef void (*hwi_observe_fn)(void *user, const struct hwi_actor_ops *actor,
                               const struct hwi_event *event, const struct hwi_effects *effects);
void hwi_host_observe(hwi_observe_fn observe, void *user);

// One more kind of edges for the members of this process, asked before all others. For tests. Set
// it before any host is created; NULL = none. The kind is returned owned; NULL = memory is short,
// and the host cannot be created.
typedef struct hwi_edge_kind *(*hwi_edge_make_fn)(struct hwi_edges *edges);
void hwi_host_edge_kind(hwi_edge_make_fn make);

#endif
