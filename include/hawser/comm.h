/* SPDX-License-Identifier: MIT */
/**
 * @file comm.h
 * A communicator: this process's membership in a run. Opening, views, admission, closing.
 *
 * Membership is a sequence of views. An operation belongs to the view the trainer has acknowledged
 * (hws_view, hws_admit, or `retry` in a call): after a change, calls return HWS_E_VIEW until the
 * ones in flight have been waited for and hws_view was called. So no member's new call ever pairs
 * with another member's old one. A call with `retry` acknowledges by itself as long as no call has
 * failed. Once one has, with or without `retry`, it takes hws_view: until then new calls return
 * HWS_E_VIEW; those in flight with `retry` run again all the same.
 *
 * Groups. A member belongs to the group whose number it opened with. Collectives and hws_sync span
 * the members of the own group; views, hws_admit and hws_view span the run, and so do hws_agree and
 * hws_barrier with `scope` HWS_SCOPE_RUN: that is how all groups commit or drop a step together. A
 * result counts and ranks whom its call spans. A view change ends what is in flight in all groups.
 * When all members of a group have died the others go on without it.
 *
 * Units. All processes of one sharded trainer open with the same `unit` and its `unit_size`. They
 * are admitted together, when all of them have registered, and when one is out, whatever the
 * reason, the others return HWS_E_EVICTED.
 *
 * Threads. "Any thread" in this library's documentation: several threads may call it at once, on
 * one communicator, too, and while others call anything else. What then happens first is open, and
 * with it which members' calls belong together; so two threads use different tags, or settle the
 * order between themselves.
 *
 *   hws_open, collectives, ..._async, hws_start, hws_agree, hws_batch     any thread, at once
 *   hws_admit, hws_sync     any thread; HWS_E_BUSY beside an operation, and the other way round
 *   hws_view                any thread; it acknowledges for all: call it when all is collected
 *   hws_test, hws_cancel     any thread, also while another waits for the request
 *   hws_wait, _any, _all     any thread; one at a time per request, HWS_E_PENDING for the second
 *   hws_pending, hws_stats_get, hws_stats_edges, hws_address     any thread; they wait for nobody
 *   hws_close               any thread, once; calls in flight: HWS_E_CLOSED, later: HWS_E_INVALID
 *   a handle that was closed or collected     HWS_E_INVALID while no new one has its address
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

/**
 * How to join. Begin with HWS_CONFIG_INIT; a zero or NULL field is taken from the environment
 * variable named with it, and if that is not set, its default. Its texts are borrowed as long as
 * the struct.
 */
typedef struct hws_config {
    size_t bytes_of_struct; /**< sizeof(hws_config) */
    const char *master;     /**< HAWSER_MASTER: "host:port"; required */
    const char *listen;     /**< HAWSER_LISTEN: where stripes are accepted, "host:port", port 0 =
                               any; default: any port of the address from which the master is
                               reached, which is 127.0.0.1 if the master is there */
    const char *advertise;  /**< HAWSER_ADVERTISE: address told to others; default: the bound one */
    int insecure; /**< HAWSER_INSECURE: 1 = allow listening beyond loopback without a key; default 0
                   */
    uint32_t min_members; /**< HAWSER_MIN_MEMBERS: what the run's must be, or HWS_E_INVALID,
                             1..16384 members; default: whatever the master's is */
    uint32_t stripes;     /**< HAWSER_STRIPES: connections per pair, 1..32; default 4 */
    uint32_t open_ms; /**< HAWSER_OPEN_MS: deadline to become a member, ms, 1..4294967295; default
                         60000 */
    uint32_t timeout_ms; /**< HAWSER_TIMEOUT_MS: default deadline of a call, ms, 1..4294967295;
                            default 60000 */
    uint32_t decision_grace_ms; /**< HAWSER_DECISION_GRACE_MS: after a deadline, for the master's
                                   decision, ms, 1..4294967295; default 15000 */
    const char
        *journal; /**< HAWSER_JOURNAL: directory to record in, made if missing; default: none */
    uint32_t journal_max; /**< HAWSER_JOURNAL_MAX: MiB of it, the oldest goes, 16..1048576; default
                             256 */
    uint32_t journal_age_s; /**< HAWSER_JOURNAL_AGE_S: what is older goes, seconds, 1..4294967295;
                               default: nothing does */
    const char *flight;     /**< HAWSER_FLIGHT: where its last doings go when a call fails; default:
                               `journal` */
    uint32_t group; /**< HAWSER_GROUP: number of the own group, whose members reduce and sync among
                         themselves, 0..1023; default 0 */
    uint32_t unit_size; /**< HAWSER_UNIT_SIZE: processes of the unit, set with `unit`, 1..16384 */
    const char *unit; /**< HAWSER_UNIT: name of the unit this process is part of, at most 63 bytes;
                         default: none */
} hws_config;

/** What a hws_config begins as: all from the environment or by default. */
#define HWS_CONFIG_INIT                                                                            \
    {                                                                                              \
        sizeof(hws_config), NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, NULL, 0, 0, NULL, 0, 0, NULL       \
    }

/**
 * Connects to the master, registers and returns once this process is a member of a view (which is
 * thereby acknowledged). A newcomer to a run that goes on waits until the members call hws_admit.
 * `config` is borrowed until return; NULL means all from the environment. On success *comm is
 * owned: hws_close() it. Any thread.
 * Errors: HWS_E_INVALID, HWS_E_INSECURE, HWS_E_SYSTEM (cannot listen, cannot write in `journal`),
 * HWS_E_NO_MEMORY, HWS_E_UNREACHABLE (no such host, or nothing heard from the master by open_ms:
 * check the address), HWS_E_REFUSED (the sentence says why: its unit is complete, or of another
 * size), HWS_E_NOT_ADMITTED (registered, but not admitted by open_ms), HWS_E_EVICTED (dropped from
 * a proposal: open again).
 */
HWS_API hws_status hws_open(const hws_config *config, hws_comm **comm);

/**
 * Leaves the run and frees the communicator (takes `comm`; NULL is allowed). Operations in flight
 * end with HWS_E_CLOSED first, blocking calls and waits of other threads return it, and requests
 * remain to be collected. Waits at most a second for the master. Any thread, also while others are
 * in calls on `comm`; a call that is made when it has begun is an error and changes nothing.
 * Errors: HWS_E_INVALID (closed before), HWS_E_FORKED (nothing is freed).
 */
HWS_API hws_status hws_close(hws_comm *comm);

/**
 * Sets *count to how many newcomers (members to be) wait to be admitted, as agreed at the last
 * operation this communicator returned: all members that returned the same operation read the same
 * number. Any thread.
 * Errors: HWS_E_INVALID, HWS_E_CLOSED (closed meanwhile), HWS_E_FORKED.
 */
HWS_API hws_status hws_pending(hws_comm *comm, uint32_t *count);

/**
 * Votes to admit the newcomers that wait. A joint call: it returns when all members of the view
 * have made it, with the view that is then in force (acknowledged); newcomers that failed to
 * connect are left out. With nobody waiting it returns at once after the votes. `result` may be
 * NULL. One thread at a time.
 * Errors: HWS_E_BUSY (operations in flight: wait for them), HWS_E_VIEW, HWS_E_MEMBER_LOST,
 * HWS_E_TIMEOUT, HWS_E_WITHDRAWN (acknowledge, call again), HWS_E_MISMATCH (another member waits
 * for this one in another call: the sentence names both), HWS_E_EVICTED, HWS_E_OUTCOME_UNKNOWN,
 * HWS_E_INVALID, HWS_E_FORKED.
 */
HWS_API hws_status hws_admit(hws_comm *comm, hws_result *result);

/**
 * Acknowledges the view in force and tells who is in it (`result` may be NULL). Does not
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
    uint64_t views;          /**< views that came into force while a member */
    uint64_t frames_dropped; /**< frames of other views dropped */
    uint64_t reduce_bytes;   /**< bytes of tensors reduced here */
    uint64_t attempts;       /**< attempts at operations: those committed and those aborted */
    uint64_t retries;        /**< attempts that were not the first of their operation */
    uint64_t failed_view; /**< operations that ended with HWS_E_VIEW: they did not take part in the
                             view */
    uint64_t failed_member_lost; /**< operations that ended with HWS_E_MEMBER_LOST */
    uint64_t failed_timeout;     /**< operations that ended with HWS_E_TIMEOUT */
    uint64_t failed_withdrawn;   /**< operations that ended with HWS_E_WITHDRAWN */
    uint64_t failed_cancelled;   /**< operations that ended with HWS_E_CANCELLED */
    uint64_t failed_mismatch;    /**< operations that ended with HWS_E_MISMATCH */
    uint64_t failed_other;       /**< operations that ended with any other error */
    uint64_t in_flight;          /**< operations in flight now */
    uint64_t members_wait_us; /**< microseconds, all operations' added up: from the own call until
                                 all members had called */
    uint64_t commit_wait_us;  /**< microseconds, likewise: from the result being here until the
                                 master's decision */
    uint64_t credit_wait_us; /**< microseconds, likewise: while some of the input waited for another
                                member's room */
    uint64_t control_dropped; /**< messages on the control link that were dropped: malformed,
                                 damaged, or not for this process */
    uint64_t control_damaged; /**< of them, messages whose checksum did not hold */
    uint64_t control_unsent;  /**< messages to the master that could not be sent */
    uint64_t stripes_refused; /**< connections that were closed before they proved whose they are */
    uint64_t edges_down;      /**< times that all connections to a member were given up */
    uint64_t undeliverable;   /**< messages for an actor that is not here */
    uint64_t journal_lost;    /**< events that the journal could not keep (a full disk) */
    uint64_t trace_lost;      /**< batches of traces that did not fit, and traces refused */
} hws_stats;

/** What a hws_stats is before its first use. */
#define HWS_STATS_INIT                                                                             \
    {                                                                                              \
        sizeof(hws_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
            0, 0, 0, 0                                                                             \
    }

/** Most connections of one kind between two members. */
#define HWS_STRIPES_MAX 32

/** One connection to another member, since it was opened. */
typedef struct hws_stripe_stats {
    uint64_t bytes_sent;     /**< bytes written to it, headers included */
    uint64_t bytes_received; /**< bytes read from it, headers included */
    uint64_t sent_per_s;     /**< bytes written in a second, lately */
    uint64_t received_per_s; /**< bytes read in a second, lately */
} hws_stripe_stats;

/** All connections to another member, since they were opened. Set `bytes_of_struct` first
 * (HWS_EDGE_STATS_INIT). */
typedef struct hws_edge_stats {
    size_t bytes_of_struct; /**< sizeof(hws_edge_stats) */
    hws_peer_id peer;       /**< the other member */
    uint64_t bytes_sent; /**< bytes on all connections, operations' and state's, headers included */
    uint64_t bytes_received; /**< bytes, likewise */
    uint64_t sent_per_s;     /**< bytes written in a second, lately */
    uint64_t received_per_s; /**< bytes read in a second, lately */
    uint32_t stripe_count;   /**< connections for operations; there are as many for state */
    hws_stripe_stats stripes[HWS_STRIPES_MAX]; /**< each connection for operations */
} hws_edge_stats;

/** What a hws_edge_stats is before its first use. */
#define HWS_EDGE_STATS_INIT                                                                        \
    {                                                                                              \
        sizeof(hws_edge_stats), {0}, 0, 0, 0, 0, 0,                                                \
        {                                                                                          \
            {                                                                                      \
                0, 0, 0, 0                                                                         \
            }                                                                                      \
        }                                                                                          \
    }

/** Reads the counters. *stats (written on success). Any thread. Errors: HWS_E_INVALID,
 * HWS_E_CLOSED, HWS_E_FORKED. */
HWS_API hws_status hws_stats_get(hws_comm *comm, hws_stats *stats);

/**
 * Writes into `list` (room for `room` items, each with its bytes_of_struct set) what was sent to
 * and received from each other member with which connections are open, by peer id, and sets *count
 * to their number, also where it is above `room`. `list` may be NULL if `room` is 0. Any thread; it
 * does not wait for the network.
 * Errors: HWS_E_INVALID, HWS_E_CLOSED (closed meanwhile), HWS_E_FORKED.
 */
HWS_API hws_status hws_stats_edges(hws_comm *comm, hws_edge_stats *list, size_t room,
                                   size_t *count);

/**
 * Writes the address at which this member accepts stripes, with a NUL, into `text` of `bytes` bytes
 * (at most 64 are needed). Any thread.
 * Errors: HWS_E_INVALID (NULL, or too short), HWS_E_CLOSED, HWS_E_FORKED.
 */
HWS_API hws_status hws_address(hws_comm *comm, char *text, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
