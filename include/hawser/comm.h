/* SPDX-License-Identifier: MIT */
/**
 * @file comm.h
 * A communicator is this process's membership in a run: opening, views, admission, closing.
 *
 * Membership is a sequence of views. An operation belongs to the view that the trainer has
 * acknowledged (hws_view, hws_admit, or `retry` in a call). After a change, calls return HWS_E_VIEW
 * until the trainer has waited for the operations in flight and called hws_view. A new call of one
 * member therefore never pairs with an old call of another. A call with `retry` acknowledges by
 * itself as long as no call has failed. Once a call has failed, with or without `retry`, the
 * trainer must call hws_view: until then new calls return HWS_E_VIEW; calls in flight with `retry`
 * still run again.
 *
 * Groups. A member belongs to the group whose number it opened with. Collectives and hws_sync span
 * the members of the own group. Views, hws_admit and hws_view span the run, and so do hws_agree and
 * hws_barrier with `scope` HWS_SCOPE_RUN: with them all groups commit or drop a step together. A
 * result counts and ranks the members that its call spans. A view change ends the operations in
 * flight in all groups. When all members of a group have died, the others continue without it.
 *
 * Units. All processes of one sharded trainer open with the same `unit` and its `unit_size`. They
 * are admitted together, when all of them have registered. When one of them leaves or is removed,
 * whatever the reason, the others return HWS_E_EVICTED.
 *
 * Threads. "Any thread" in this library's documentation means that several threads may make the
 * call at once, also on one communicator and while others make any other call. The order of
 * simultaneous calls is unspecified, and the order decides which members' calls belong together.
 * Two threads must therefore use different tags or agree on an order.
 *
 *   hws_open, collectives, ..._async, hws_start, hws_agree, hws_batch     any thread, at once
 *   hws_admit, hws_sync     any thread; HWS_E_BUSY during an operation, and the other way round
 *   hws_view                any thread; it acknowledges for all: wait for all requests first
 *   hws_test, hws_cancel     any thread, also while another waits for the request
 *   hws_wait, _any, _all     any thread; one at a time per request, HWS_E_PENDING for the second
 *   hws_pending, hws_stats_get, hws_stats_edges, hws_address     any thread; they never wait
 *   hws_close               any thread, once; calls in flight: HWS_E_CLOSED, later: HWS_E_INVALID
 *   a closed or collected handle     HWS_E_INVALID until a new one has its address
 *   a child after fork      HWS_E_FORKED on the parent's communicators; it opens its own
 *   signal handlers         nothing
 */
#ifndef HAWSER_COMM_H
#define HAWSER_COMM_H

#include <hawser/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** This process's membership in a run. Owned from hws_open() until hws_close(); calls may come from
 * any thread. */
typedef struct hws_comm hws_comm;

/** The shared state, a set of named tensors in the caller's memory: state.h. Owned from
 * hws_state_create() until hws_state_destroy(); one thread. */
typedef struct hws_state hws_state;

/**
 * Configuration of a member. Begin with HWS_CONFIG_INIT. A zero or NULL field takes the value of
 * the environment variable named with it, or its default if the variable is not set. The texts are
 * borrowed as long as the struct.
 */
typedef struct hws_config {
    size_t bytes_of_struct; /**< sizeof(hws_config) */
    const char *master;     /**< HAWSER_MASTER: "host:port"; required. Of a name's addresses the one
                               at which the master accepts is taken */
    const char *listen;     /**< HAWSER_LISTEN: where stripes are accepted: "host:port",
                               "[v6]:port", "interface:port" or "interface"; for the port, 0 = any,
                               or a range of which the first free one is taken, as in "eth0:5000-5010";
                               default: any port of the address from which the master is
                               reached, which is 127.0.0.1 if the master is there */
    const char *advertise;  /**< HAWSER_ADVERTISE: address told to others; default: the bound one */
    int insecure; /**< HAWSER_INSECURE: 1 = allow listening beyond loopback without a key; default 0
                   */
    uint32_t min_members; /**< HAWSER_MIN_MEMBERS: must equal the run's, or HWS_E_INVALID,
                             1..16384 members; default: the run's, from the master */
    uint32_t stripes;     /**< HAWSER_STRIPES: connections per pair, 1..32; default 4 */
    uint32_t open_ms; /**< HAWSER_OPEN_MS: deadline to become a member, ms, 1..4294967295; default
                         60000 */
    uint32_t timeout_ms; /**< HAWSER_TIMEOUT_MS: default deadline of a call, ms, 1..4294967295;
                            default 60000 */
    uint32_t decision_grace_ms; /**< HAWSER_DECISION_GRACE_MS: time after a deadline for the
                                   master's decision, ms, 1..4294967295; default 15000 */
    const char *journal;        /**< HAWSER_JOURNAL: directory to record in, created if missing;
                                   default: none */
    uint32_t journal_max; /**< HAWSER_JOURNAL_MAX: MiB per journal, beyond which the oldest part is
                             removed, 16..1048576; default 256 */
    uint32_t journal_age_s; /**< HAWSER_JOURNAL_AGE_S: age at which a part is removed, seconds,
                               1..4294967295; default: never */
    const char *flight;     /**< HAWSER_FLIGHT: directory to which it writes its last events when a
                               call fails; default: `journal` */
    uint32_t group; /**< HAWSER_GROUP: number of the own group, whose members reduce and sync among
                         themselves, 0..1023; default 0 */
    uint32_t unit_size; /**< HAWSER_UNIT_SIZE: processes of the unit, set with `unit`, 1..16384 */
    const char *unit;   /**< HAWSER_UNIT: name of the unit to which this process belongs, at most 63
                           bytes; default: none */
    const hws_state *state; /**< the state with which this process comes (loaded from a checkpoint,
                               for example): the master learns its revision and waits for newer ones
                               before a run begins; borrowed until hws_open returns; NULL = the
                               master learns nothing */
    int keep_files; /**< HAWSER_KEEP_FILES: 1 = leave the process's soft limit on open files as it
                       is; default 0: hws_open raises it to the hard one, at most 1048576, since
                       each other member takes 2 descriptors a stripe */
    uint32_t reserved; /**< 0 = the only value */
} hws_config;

/** Initial value of a hws_config: every field comes from the environment or is a default. */
#define HWS_CONFIG_INIT                                                                            \
    {                                                                                              \
        sizeof(hws_config), NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, NULL, 0, 0, NULL, 0, 0, NULL,      \
            NULL, 0, 0                                                                             \
    }

/**
 * Connects to the master, registers, and returns once this process is a member of a view (which is
 * thereby acknowledged). A newcomer to a run in progress waits until the members call hws_admit.
 * `config` is borrowed until return; NULL means all from the environment. On success *comm is
 * owned: hws_close() it. Any thread.
 * Errors: HWS_E_INVALID, HWS_E_INSECURE, HWS_E_SYSTEM (cannot listen, cannot write in `journal`),
 * HWS_E_NO_MEMORY, HWS_E_UNREACHABLE (no such host, or no answer from the master by open_ms: check
 * the address), HWS_E_REFUSED (the sentence says why: its unit is complete, or of another size, or
 * a member cannot connect to the address that this process advertises),
 * HWS_E_NOT_ADMITTED (registered, but not admitted by open_ms), HWS_E_EVICTED (removed from a
 * proposed view: open again).
 */
HWS_API hws_status hws_open(const hws_config *config, hws_comm **comm);

/**
 * Leaves the run and frees the communicator (takes `comm`; NULL is allowed). Operations in flight
 * end with HWS_E_CLOSED first, and blocking calls and waits of other threads return it. Requests
 * must still be collected. Waits at most a second for the master. Any thread, also while others are
 * in calls on `comm`. A call made after closing began is an error and changes nothing.
 * Errors: HWS_E_INVALID (closed before), HWS_E_FORKED (nothing is freed).
 */
HWS_API hws_status hws_close(hws_comm *comm);

/**
 * Sets *count to the number of newcomers that wait to be admitted, as agreed at the last operation
 * that this communicator returned: all members that returned the same operation read the same
 * number. Any thread.
 * Errors: HWS_E_INVALID, HWS_E_CLOSED (closed meanwhile), HWS_E_FORKED.
 */
HWS_API hws_status hws_pending(hws_comm *comm, uint32_t *count);

/**
 * Votes to admit the newcomers that wait. A joint call: it returns when all members of the view
 * have made it, with the view that is then in force (acknowledged). Newcomers that failed to
 * connect are not in that view. If no newcomer waits, it returns directly after the votes. `result`
 * may be NULL. One thread at a time.
 * Errors: HWS_E_BUSY (operations in flight: wait for them), HWS_E_VIEW, HWS_E_MEMBER_LOST,
 * HWS_E_TIMEOUT, HWS_E_WITHDRAWN (acknowledge, call again), HWS_E_MISMATCH (another member waits
 * for this one in another call: the sentence names both), HWS_E_EVICTED, HWS_E_OUTCOME_UNKNOWN,
 * HWS_E_INVALID, HWS_E_FORKED.
 */
HWS_API hws_status hws_admit(hws_comm *comm, hws_result *result);

/**
 * Acknowledges the view in force and returns its members (`result` may be NULL). Does not
 * communicate. Any thread.
 * Errors: HWS_E_BUSY (operations of an earlier view have not been waited for), HWS_E_EVICTED,
 * HWS_E_OUTCOME_UNKNOWN, HWS_E_INTERNAL (this incarnation is finished), HWS_E_INVALID,
 * HWS_E_FORKED.
 */
HWS_API hws_status hws_view(hws_comm *comm, hws_result *result);

/** Counters since hws_open. Set `bytes_of_struct` first (HWS_STATS_INIT). */
typedef struct hws_stats {
    size_t bytes_of_struct;  /**< sizeof(hws_stats) */
    uint64_t bytes_sent;     /**< payload bytes on stripes, operations and state */
    uint64_t bytes_received; /**< payload bytes likewise */
    uint64_t committed;      /**< operations committed */
    uint64_t aborted;        /**< attempts aborted */
    uint64_t views;          /**< views that came into force while this process was a member */
    uint64_t frames_dropped; /**< frames of other views dropped */
    uint64_t reduce_bytes;   /**< bytes of tensors reduced here */
    uint64_t attempts;       /**< attempts at operations: those committed and those aborted */
    uint64_t retries;        /**< attempts that were not the first of their operation */
    uint64_t failed_view;    /**< operations that ended with HWS_E_VIEW: they were not part of the
                                view */
    uint64_t failed_member_lost; /**< operations that ended with HWS_E_MEMBER_LOST */
    uint64_t failed_timeout;     /**< operations that ended with HWS_E_TIMEOUT */
    uint64_t failed_withdrawn;   /**< operations that ended with HWS_E_WITHDRAWN */
    uint64_t failed_cancelled;   /**< operations that ended with HWS_E_CANCELLED */
    uint64_t failed_mismatch;    /**< operations that ended with HWS_E_MISMATCH */
    uint64_t failed_other;       /**< operations that ended with any other error */
    uint64_t in_flight;          /**< operations in flight now */
    uint64_t members_wait_us;    /**< microseconds, the sum over all operations: from the own call
                                    until    all members had called */
    uint64_t commit_wait_us;  /**< microseconds, likewise: from the local result until the master's
                                 decision */
    uint64_t credit_wait_us;  /**< microseconds, likewise: while input waited until another member
                                 had room for it */
    uint64_t control_dropped; /**< messages on the control link that were dropped: malformed,
                                 damaged, or not for this process */
    uint64_t control_damaged; /**< of them, messages with a wrong checksum */
    uint64_t control_unsent;  /**< messages to the master that could not be sent */
    uint64_t stripes_refused; /**< connections that were closed before the other side was known */
    uint64_t edges_down;      /**< times that all connections to a member were given up */
    uint64_t undeliverable;   /**< messages for an actor that does not exist here */
    uint64_t journal_lost;    /**< events that the journal could not keep (a full disk) */
    uint64_t trace_lost;      /**< batches of traces that did not fit, and traces refused */
} hws_stats;

/** Initial value of a hws_stats. */
#define HWS_STATS_INIT                                                                             \
    {                                                                                              \
        sizeof(hws_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
            0, 0, 0, 0                                                                             \
    }

/** Most connections of one kind between two members. */
#define HWS_STRIPES_MAX 32

/** Counters of one connection to another member, since it was opened. */
typedef struct hws_stripe_stats {
    uint64_t bytes_sent;     /**< bytes written to it, headers included */
    uint64_t bytes_received; /**< bytes read from it, headers included */
    uint64_t sent_per_s;     /**< bytes written per second, recently */
    uint64_t received_per_s; /**< bytes read per second, recently */
} hws_stripe_stats;

/** Counters of all connections to another member, since they were opened. Set `bytes_of_struct`
 * first (HWS_EDGE_STATS_INIT). */
typedef struct hws_edge_stats {
    size_t bytes_of_struct; /**< sizeof(hws_edge_stats) */
    hws_peer_id peer;       /**< the other member */
    uint64_t bytes_sent; /**< bytes on all connections, of operations and state, headers included */
    uint64_t bytes_received; /**< bytes, likewise */
    uint64_t sent_per_s;     /**< bytes written per second, recently */
    uint64_t received_per_s; /**< bytes read per second, recently */
    uint32_t stripe_count;   /**< connections for operations; as many again carry state */
    hws_stripe_stats stripes[HWS_STRIPES_MAX]; /**< each connection for operations */
} hws_edge_stats;

/** Initial value of a hws_edge_stats. */
#define HWS_EDGE_STATS_INIT                                                                        \
    {                                                                                              \
        sizeof(hws_edge_stats), {0}, 0, 0, 0, 0, 0,                                                \
        {                                                                                          \
            {                                                                                      \
                0, 0, 0, 0                                                                         \
            }                                                                                      \
        }                                                                                          \
    }

/**
 * Reads the counters into *stats (written on success). Any thread.
 * Errors: HWS_E_INVALID, HWS_E_CLOSED, HWS_E_FORKED.
 */
HWS_API hws_status hws_stats_get(hws_comm *comm, hws_stats *stats);

/**
 * Writes into `list` (room for `room` items, each with its bytes_of_struct set) the counters of
 * each member with which connections are open, ordered by peer id. Sets *count to the number of
 * these members, even if it is above `room`. `list` may be NULL if `room` is 0. Any thread; it does
 * not wait for the network.
 * Errors: HWS_E_INVALID, HWS_E_CLOSED (closed meanwhile), HWS_E_FORKED.
 */
HWS_API hws_status hws_stats_edges(hws_comm *comm, hws_edge_stats *list, size_t room,
                                   size_t *count);

/**
 * Writes the address at which this member accepts stripes into `text`, with a NUL. `text` has
 * `bytes` bytes (at most 64 are needed). Any thread.
 * Errors: HWS_E_INVALID (NULL, or too short), HWS_E_CLOSED, HWS_E_FORKED.
 */
HWS_API hws_status hws_address(hws_comm *comm, char *text, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
