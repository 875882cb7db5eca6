/* SPDX-License-Identifier: MIT */
/**
 * @file comm.h
 * A communicator: this process's membership in a run. Opening, views, admission, closing.
 *
 * Membership is a sequence of views. An operation belongs to the view the trainer has acknowledged
 * (hws_view, hws_admit, or `retry` in a call): after a change, calls return HWS_E_VIEW until the ones in
 * flight have been waited for and hws_view was called. So no member's new call ever pairs with
 * another member's old one. A call with `retry` acknowledges by itself as long as no call has failed. Once one
 * has, with or without `retry`, it takes hws_view: until then new calls return HWS_E_VIEW, and those
 * in flight with `retry` do not run again.
 */
#ifndef HAWSER_COMM_H
#define HAWSER_COMM_H

#include <hawser/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** This process's membership in a run. Calls may come from any thread. */
typedef struct hws_comm hws_comm;

/**
 * How to join. Begin with HWS_CONFIG_INIT; a zero or NULL field is taken from the environment
 * variable named with it, and if that is not set, its default.
 */
typedef struct hws_config {
    size_t bytes_of_struct;    /**< sizeof(hws_config) */
    const char *master;        /**< HAWSER_MASTER: "host:port"; required */
    const char *listen;        /**< HAWSER_LISTEN: where stripes are accepted; default "127.0.0.1:0" */
    const char *advertise;     /**< HAWSER_ADVERTISE: address told to others; default: the bound one */
    int insecure;              /**< HAWSER_INSECURE=1: allow listening beyond loopback without a key */
    uint32_t min_members;      /**< HAWSER_MIN_MEMBERS: below it operations return HWS_E_TOO_FEW; default 1 */
    uint32_t stripes;          /**< HAWSER_STRIPES: connections per pair, 1..32; default 4 */
    uint32_t open_ms;          /**< HAWSER_OPEN_MS: deadline to become a member, 1..; default 60000 */
    uint32_t timeout_ms;       /**< HAWSER_TIMEOUT_MS: default deadline of a call, 1..; default 60000 */
    uint32_t decision_grace_ms;/**< HAWSER_DECISION_GRACE_MS: after a deadline, for the master's decision; default 15000 */
    const char *journal;       /**< HAWSER_JOURNAL: directory to record in, made if missing; default: none */
    uint32_t journal_max;      /**< HAWSER_JOURNAL_MAX: MiB of it, the oldest goes, 16..1048576; default 256 */
    uint32_t journal_age_s;    /**< HAWSER_JOURNAL_AGE_S: what is older goes; default: nothing does */
    const char *flight;        /**< HAWSER_FLIGHT: where its last doings go when a call fails; default: `journal` */
} hws_config;

#define HWS_CONFIG_INIT { sizeof(hws_config), NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, NULL, 0, 0, NULL }

/**
 * Connects to the master, registers and returns once this process is a member of a view (which is thereby
 * acknowledged). A newcomer to a run that goes on waits until the members call hws_admit. `config` is
 * borrowed until return; NULL means all from the environment. On success *comm is owned: hws_close() it.
 * Any thread. Errors: HWS_E_INVALID, HWS_E_INSECURE, HWS_E_SYSTEM (cannot listen, cannot write in `journal`), HWS_E_NO_MEMORY,
 * HWS_E_UNREACHABLE (no such host, or nothing heard from the master by open_ms: check the address), HWS_E_REFUSED (the
 * sentence says why), HWS_E_TIMEOUT (registered, but not admitted by open_ms), HWS_E_EVICTED (dropped from
 * a proposal: open again).
 */
HWS_API hws_status hws_open(const hws_config *config, hws_comm **comm);

/**
 * Leaves the run and frees the communicator (takes `comm`; NULL is allowed). Operations in flight end
 * with HWS_E_CLOSED first. Waits at most a second for the master. Not while another thread uses it.
 * Errors: HWS_E_FORKED (nothing is freed).
 */
HWS_API hws_status hws_close(hws_comm *comm);

/**
 * How many newcomers wait to be admitted, as agreed at the last operation this communicator returned: all members
 * that returned the same operation read the same number. Any thread. Errors: HWS_E_INVALID.
 */
HWS_API hws_status hws_pending(hws_comm *comm, uint32_t *count);

/**
 * Votes to admit the newcomers that wait. A joint call: it returns when all members of the view have
 * made it, with the view that is then in force (acknowledged); newcomers that failed to connect are left out.
 * With nobody waiting it returns at once after the votes. `result` may be NULL. One thread at a time.
 * Errors: HWS_E_BUSY (operations in flight: wait for them), HWS_E_VIEW, HWS_E_MEMBER_LOST, HWS_E_TIMEOUT,
 * HWS_E_WITHDRAWN (acknowledge, call again), HWS_E_EVICTED, HWS_E_OUTCOME_UNKNOWN, HWS_E_INVALID, HWS_E_FORKED.
 */
HWS_API hws_status hws_admit(hws_comm *comm, hws_result *result);

/**
 * Acknowledges the view in force and tells who is in it (`result` may be NULL). Does not communicate.
 * Any thread. Errors: HWS_E_BUSY (operations of an earlier view have not been waited for), HWS_E_EVICTED,
 * HWS_E_OUTCOME_UNKNOWN, HWS_E_INTERNAL (this incarnation is finished), HWS_E_INVALID, HWS_E_FORKED.
 */
HWS_API hws_status hws_view(hws_comm *comm, hws_result *result);

/** Counters since hws_open. Set `bytes_of_struct` first (HWS_STATS_INIT). */
typedef struct hws_stats {
    size_t bytes_of_struct;     /**< sizeof(hws_stats) */
    uint64_t bytes_sent;        /**< payload bytes on stripes, operations and state */
    uint64_t bytes_received;    /**< likewise */
    uint64_t committed;         /**< operations committed */
    uint64_t aborted;           /**< attempts aborted */
    uint64_t views;             /**< views that came into force while a member */
    uint64_t frames_dropped;    /**< frames of other views dropped */
    uint64_t reduce_bytes;      /**< bytes of tensors reduced here */
} hws_stats;

#define HWS_STATS_INIT { sizeof(hws_stats), 0, 0, 0, 0, 0, 0, 0 }

/** Reads the counters. Any thread. Errors: HWS_E_INVALID. */
HWS_API hws_status hws_stats_get(hws_comm *comm, hws_stats *stats);

/**
 * Writes the address at which this member accepts stripes (64 bytes are always enough). Any thread.
 * Errors: HWS_E_INVALID (NULL, or too short).
 */
HWS_API hws_status hws_address(hws_comm *comm, char *text, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
