/* SPDX-License-Identifier: MIT */
/**
 * @file collective.h
 * Operations that all members of a group make together, or all members of the run (`scope`).
 *
 * An operation is identified by its tag and its place among this communicator's calls with that
 * tag: the members' n-th calls on one tag belong together, whatever the order between tags. Calls
 * on one tag run in the order in which they were made. Calls on different tags run at the same time
 * and share the connections. All members that get HWS_OK hold identical bytes, each in the elements
 * that it receives, over the member set that the result names. On any error an in-place buffer
 * holds what it held before; out of place the source is never written and the destination is
 * unspecified. No call ever writes outside the given room, and no call returns while a socket still
 * refers to the caller's memory. The n-th calls on a tag must be the same call on all members. If
 * operation, type, count, reduction, root or plan differ, all members get HWS_E_MISMATCH, whose
 * sentence (hws_last_error()) names two members that differ, and the run continues.
 */
#ifndef HAWSER_COLLECTIVE_H
#define HAWSER_COLLECTIVE_H

#include <hawser/comm.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The members that an agree or a barrier spans. */
enum {
    HWS_SCOPE_GROUP = 0, /**< the members of the own group */
    HWS_SCOPE_RUN = 1    /**< all members of the view */
};

/** When hws_sync hashes the state. */
enum {
    HWS_VERIFY_ALWAYS = 0,      /**< each time */
    HWS_VERIFY_WHEN_CHANGED = 1 /**< not if view and revision say that it is unchanged */
};

/**
 * Options of a call. NULL means all defaults (tag 0, no retry). Borrowed until the call that takes
 * it returns.
 */
typedef struct hws_options {
    size_t bytes_of_struct; /**< sizeof(hws_options); begin with HWS_OPTIONS_INIT */
    uint64_t tag;           /**< any number; a view has 4096, of all groups together, and one
                               that was used stays: use tags again, not a new one for each step */
    uint32_t timeout_ms;    /**< deadline, ms, 1..4294967295; 0 = the communicator's */
    int retry; /**< 1 = acknowledge changes and run again with the survivors, until the deadline */
    uint32_t plan;     /**< 0..2: 0 = by size, 1 = one-shot, 2 = direct; the same on all members */
    uint32_t reserved; /**< 0 = the only value */
    uint32_t scope;    /**< agree and barrier: HWS_SCOPE_GROUP or HWS_SCOPE_RUN; must be the same on
                          all members */
    uint32_t verify;   /**< hws_sync: HWS_VERIFY_ALWAYS or HWS_VERIFY_WHEN_CHANGED */
} hws_options;

/** Initial value of a hws_options: all defaults. */
#define HWS_OPTIONS_INIT                                                                           \
    {                                                                                              \
        sizeof(hws_options), 0, 0, 0, 0, 0, 0, 0                                                   \
    }

/**
 * An operation in flight. Owned by the caller until hws_wait() has returned anything but
 * HWS_E_PENDING. Only one thread at a time may wait for it.
 */
typedef struct hws_request hws_request;

/** How hws_agree combines. */
typedef enum hws_agree_op {
    HWS_AGREE_AND = 1, /**< the bits that all members set */
    HWS_AGREE_MIN = 2  /**< the least value */
} hws_agree_op;

/** The kind of an operation. */
typedef enum hws_what {
    HWS_ALL_REDUCE = 1,     /**< hws_all_reduce() */
    HWS_REDUCE_SCATTER = 2, /**< hws_reduce_scatter() */
    HWS_ALL_GATHER = 3,     /**< hws_all_gather() */
    HWS_BROADCAST = 4,      /**< hws_broadcast() */
    HWS_BARRIER = 5,        /**< hws_barrier() */
    HWS_AGREE = 6           /**< hws_agree() */
} hws_what;

/**
 * The description of one operation, for hws_start() and hws_batch(). Begin with HWS_OP_INIT. Fields
 * that `what` does not use are ignored. Its pointers are borrowed for as long as the call that
 * takes it says; the options are copied.
 */
typedef struct hws_op {
    size_t bytes_of_struct; /**< sizeof(hws_op); begin with HWS_OP_INIT */
    hws_what what;          /**< the kind: HWS_ALL_REDUCE .. HWS_AGREE */
    const void *input;      /**< not for barrier and agree; broadcast: read at the root only */
    void *output;           /**< not for barrier and agree */
    size_t count; /**< elements of `input` (broadcast: of `output`), at most 2^40 bytes; 0 only with
                     `counts` */
    size_t room; /**< reduce-scatter, all-gather: elements that `output` has room for, any number */
    size_t *counts; /**< all-gather: NULL = all give the same count; else filled with each member's
                       count, by rank */
    size_t counts_room; /**< members that `counts` has room for, any number: the counts of further
                           members are not written */
    hws_dtype dtype;    /**< element type; not for barrier and agree */
    hws_redop redop;    /**< all-reduce, reduce-scatter */
    hws_peer_id root;   /**< broadcast: the member that gives the input */
    uint64_t value;     /**< agree: any value */
    hws_agree_op agree_op; /**< agree */
    hws_options options;   /**< tag, deadline and the rest */
} hws_op;

/** Initial value of a hws_op: no operation, default options. */
#define HWS_OP_INIT                                                                                \
    {                                                                                              \
        sizeof(hws_op), (hws_what)0, NULL, NULL, 0, 0, NULL, 0, (hws_dtype)0, (hws_redop)0, {0},   \
            0, (hws_agree_op)0, HWS_OPTIONS_INIT                                                   \
    }

/**
 * Reduces `count` elements (at least 1, at most 2^40 bytes) of `input` over all members of the own
 * group in the acknowledged view. The reduction follows the rank order and writes the same bits to
 * `output` on every member. `input` == `output` is in place; otherwise they must not overlap. No
 * alignment is needed. `input` and `output` are borrowed until return. In a view of one member it
 * copies. `options` (borrowed until return) may be NULL; `result` is written, or NULL. Any thread.
 * Errors: HWS_E_INVALID (NULL, count 0, overlap, unknown type or operation), HWS_E_VIEW,
 * HWS_E_MEMBER_LOST, HWS_E_TIMEOUT, HWS_E_WITHDRAWN, HWS_E_CANCELLED, HWS_E_TOO_FEW (acknowledge,
 * call again; with `retry` only at the deadline, or when a call before it on its tag failed),
 * HWS_E_BUSY (an admission or a sync is in progress), HWS_E_MISMATCH (another member made another
 * call with this tag: the sentence names both), HWS_E_NOT_SYNCED (a state is attached and not
 * synced), HWS_E_LIMIT (256 operations in flight, 4096 tags, 2^40 bytes), HWS_E_EVICTED,
 * HWS_E_OUTCOME_UNKNOWN, HWS_E_INTERNAL (open again), HWS_E_FORKED.
 */
HWS_API hws_status hws_all_reduce(hws_comm *comm, const void *input, void *output, size_t count,
                                  hws_dtype dtype, hws_redop redop, const hws_options *options,
                                  hws_result *result);

/**
 * Reduces `count` elements of `input` as hws_all_reduce() does and gives each member its part. Of n
 * members the one of rank r gets the elements from floor(r * count / n) up to floor((r + 1) * count
 * / n); the part may be empty. The result has `offset` and `count` of the part. Out of place the
 * part is written at the beginning of `output`, which has room for `room` elements (at least the
 * part's) and does not overlap `input`. `input` == `output` is in place: the part replaces its own
 * input, the rest of the buffer keeps its values, and `room` (elements) is ignored. Memory
 * (borrowed), `options` (borrowed) and `result` (written) as in hws_all_reduce(). Any thread.
 * Errors: as in hws_all_reduce(), and HWS_E_INVALID on all members if one of them has too little
 * room.
 */
HWS_API hws_status hws_reduce_scatter(hws_comm *comm, const void *input, size_t count, void *output,
                                      size_t room, hws_dtype dtype, hws_redop redop,
                                      const hws_options *options, hws_result *result);

/**
 * Concatenates the `input` of every member, `count` elements, in `output` in rank order. `output`
 * has room for `room` elements, at least the sum of all counts. With `counts` == NULL all members
 * give the same count. Otherwise each member gives its own, which may be 0 (then `input` may be
 * NULL), and all members pass `counts`, which is filled with the count of each member by rank, of
 * at most `counts_room` members; nothing is sent before all members have called. In place: if the
 * counts are equal, `input` may lie in `output` at any multiple of `count` elements (best at rank
 * times `count`; elsewhere it is copied). Otherwise they must not overlap. After the last element
 * `output` is unspecified. The result has `offset` and `count` of the own elements. Memory
 * (borrowed), `options` (borrowed) and `result` (written) as in hws_all_reduce(). Any thread.
 * Errors: as in hws_all_reduce(), and HWS_E_INVALID (HWS_E_LIMIT if it is more than 2^40 bytes) on
 * all members if one of them has too little room.
 */
HWS_API hws_status hws_all_gather(hws_comm *comm, const void *input, size_t count, void *output,
                                  size_t room, size_t *counts, size_t counts_room, hws_dtype dtype,
                                  const hws_options *options, hws_result *result);

/**
 * Copies `count` elements (at least 1) of the root's `input` to every member's `output`. `root` is
 * a peer id of the view (a result's `members` by rank). `input` is read at the root only, where it
 * either equals `output` or does not overlap it. The other members may pass NULL, or `output`: then
 * the call is in place, and after an error `output` holds what it held before. Memory (borrowed),
 * `options` (borrowed) and `result` (written) as in hws_all_reduce(). Any thread.
 * Errors: as in hws_all_reduce(), and HWS_E_MEMBER_LOST, at once and also with `retry`, if the root
 * is not a member: such a call takes no place on its tag and is not compared with others.
 */
HWS_API hws_status hws_broadcast(hws_comm *comm, const void *input, void *output, size_t count,
                                 hws_dtype dtype, hws_peer_id root, const hws_options *options,
                                 hws_result *result);

/**
 * Returns HWS_OK once all members have called it: those of the group, or with `scope` HWS_SCOPE_RUN
 * of the run. It takes one round trip to the master. It waits for the earlier calls on its tag, and
 * later calls on the tag wait for it. `options` (borrowed until return) may be NULL;
 * `result` is written, or NULL. Any thread.
 * Errors: as in hws_all_reduce(), but not HWS_E_NOT_SYNCED.
 */
HWS_API hws_status hws_barrier(hws_comm *comm, const hws_options *options, hws_result *result);

/**
 * Combines one number over all members (with `scope` HWS_SCOPE_RUN: of all groups), for example to
 * vote whether all commit a step. It takes one round trip to the master. `value` is any value;
 * *agreed is set only on HWS_OK. `options` (borrowed until return) may be NULL; `result` is
 * written, or NULL. Order on its tag as in hws_barrier(). Any thread.
 * Errors: as in hws_all_reduce(), but not HWS_E_NOT_SYNCED.
 */
HWS_API hws_status hws_agree(hws_comm *comm, uint64_t value, hws_agree_op agree_op,
                             const hws_options *options, uint64_t *agreed, hws_result *result);

/**
 * Starts the operation that `op` (borrowed until return) describes and returns at once. *request is
 * owned by the caller, who must wait for it. The buffers that `op` points to are borrowed until
 * hws_wait() for *request has returned anything but HWS_E_PENDING. The agreed value of an agree is
 * the result's `value`. Any thread.
 * Errors, at once: HWS_E_INVALID, HWS_E_LIMIT, HWS_E_NO_MEMORY, HWS_E_FORKED, HWS_E_INTERNAL;
 * hws_wait() returns all others.
 */
HWS_API hws_status hws_start(hws_comm *comm, const hws_op *op, hws_request **request);

/**
 * Starts an all-reduce: as in hws_all_reduce() and hws_start(); *request is owned.
 * Any thread.
 * Errors: as in hws_start().
 */
HWS_API hws_status hws_all_reduce_async(hws_comm *comm, const void *input, void *output,
                                        size_t count, hws_dtype dtype, hws_redop redop,
                                        const hws_options *options, hws_request **request);

/**
 * Starts a reduce-scatter: as in hws_reduce_scatter() and hws_start(); *request is owned.
 * Any thread.
 * Errors: as in hws_start().
 */
HWS_API hws_status hws_reduce_scatter_async(hws_comm *comm, const void *input, size_t count,
                                            void *output, size_t room, hws_dtype dtype,
                                            hws_redop redop, const hws_options *options,
                                            hws_request **request);

/**
 * Starts an all-gather: as in hws_all_gather() and hws_start(); *request is owned.
 * Any thread.
 * Errors: as in hws_start().
 */
HWS_API hws_status hws_all_gather_async(hws_comm *comm, const void *input, size_t count,
                                        void *output, size_t room, size_t *counts,
                                        size_t counts_room, hws_dtype dtype,
                                        const hws_options *options, hws_request **request);

/**
 * Starts a broadcast: as in hws_broadcast() and hws_start(); *request is owned.
 * Any thread.
 * Errors: as in hws_start().
 */
HWS_API hws_status hws_broadcast_async(hws_comm *comm, const void *input, void *output,
                                       size_t count, hws_dtype dtype, hws_peer_id root,
                                       const hws_options *options, hws_request **request);

/**
 * Starts a barrier: as in hws_barrier() and hws_start(); *request is owned.
 * Any thread.
 * Errors: as in hws_start().
 */
HWS_API hws_status hws_barrier_async(hws_comm *comm, const hws_options *options,
                                     hws_request **request);

/**
 * Starts an agree: as in hws_agree() and hws_start(); *request is owned.
 * Any thread.
 * Errors: as in hws_start().
 */
HWS_API hws_status hws_agree_async(hws_comm *comm, uint64_t value, hws_agree_op agree_op,
                                   const hws_options *options, hws_request **request);

#ifdef __cplusplus
}
#endif
#endif
