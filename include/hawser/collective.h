/* SPDX-License-Identifier: MIT */
/**
 * @file collective.h
 * Operations that all members of a view make together.
 *
 * An operation is named by its tag and its place among this communicator's calls with that tag: the
 * members' n-th calls on one tag belong together, whatever the order between tags. All members that get
 * HWS_OK hold identical bytes over the member set that the result names. On any error an in-place
 * buffer holds what it held before; out of place the source is never written and the destination is
 * unspecified. No call returns while a socket still refers to the caller's memory.
 */
#ifndef HAWSER_COLLECTIVE_H
#define HAWSER_COLLECTIVE_H

#include <hawser/comm.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How to call. NULL wherever it is asked for means all defaults (tag 0, no retry). */
typedef struct hws_options {
    size_t bytes_of_struct;  /**< sizeof(hws_options); begin with HWS_OPTIONS_INIT */
    uint64_t tag;            /**< any number; at most 4096 different ones in a view */
    uint32_t timeout_ms;     /**< deadline; 0 = the communicator's */
    int retry;               /**< 1 = acknowledge changes and run again with the survivors, till the deadline */
    uint32_t plan;           /**< 0 = by size, 1 = one-shot, 2 = direct; must be the same on all members */
} hws_options;

#define HWS_OPTIONS_INIT { sizeof(hws_options), 0, 0, 0, 0 }

/** An operation in flight. Owned by the caller until hws_wait() has returned anything but HWS_E_PENDING. */
typedef struct hws_request hws_request;

/**
 * Reduces `count` elements of `input` over all members of the acknowledged view into `output` on every
 * member, in rank order, bit for bit the same everywhere. input == output is in place; otherwise they must
 * not overlap. No alignment is needed. Both are borrowed until return. In a view of one it is the identity.
 * `options` (borrowed until return) and `result` may be NULL. Any thread.
 * Errors: HWS_E_INVALID (NULL, count 0, overlap, unknown type), HWS_E_UNSUPPORTED (F32, F64 and SUM, AVG in this
 * version), HWS_E_VIEW, HWS_E_MEMBER_LOST, HWS_E_TIMEOUT, HWS_E_WITHDRAWN, HWS_E_TOO_FEW (acknowledge, call again; with
 * `retry` only at the deadline, or when a call before it on its tag failed), HWS_E_MISMATCH (another member called
 * something else with this tag: the sentence names both), HWS_E_NOT_SYNCED (a state is attached and not synced),
 * HWS_E_LIMIT (256 operations in flight, 4096 tags), HWS_E_EVICTED, HWS_E_OUTCOME_UNKNOWN, HWS_E_INTERNAL (open
 * again), HWS_E_FORKED.
 */
HWS_API hws_status hws_all_reduce(hws_comm *comm, const void *input, void *output, size_t count,
                                  hws_dtype dtype, hws_redop redop, const hws_options *options,
                                  hws_result *result);

/**
 * Starts an all-reduce and returns. `input` and `output` are borrowed until hws_wait() for *request
 * has returned anything but HWS_E_PENDING. Calls on one tag run in the order they were started. Any thread.
 * Errors, at once: HWS_E_INVALID, HWS_E_UNSUPPORTED, HWS_E_LIMIT, HWS_E_NO_MEMORY, HWS_E_FORKED; all others come
 * from hws_wait().
 */
HWS_API hws_status hws_all_reduce_async(hws_comm *comm, const void *input, void *output, size_t count,
                                        hws_dtype dtype, hws_redop redop, const hws_options *options,
                                        hws_request **request);

/**
 * Waits up to `timeout_ms` for an operation (0 = just look; UINT32_MAX = until it ends, which its own
 * deadline bounds). Frees `request` (takes it) unless it returns HWS_E_PENDING. `result` may be NULL. One thread
 * per request. Errors: HWS_E_PENDING (still in flight: wait again), HWS_E_INVALID, HWS_E_FORKED, and those of the operation.
 */
HWS_API hws_status hws_wait(hws_request *request, uint32_t timeout_ms, hws_result *result);

/** How hws_agree combines: bitwise AND, or the least. */
typedef enum hws_agree_op { HWS_AGREE_AND = 1, HWS_AGREE_MIN = 2 } hws_agree_op;

/**
 * Combines one number over all members through the master, in one round trip: "do we all commit this step?".
 * *agreed is set only on HWS_OK. `options` and `result` may be NULL. Any thread. With tags as in
 * hws_all_reduce, but counted apart from it. Errors: as hws_all_reduce (not NOT_SYNCED).
 */
HWS_API hws_status hws_agree(hws_comm *comm, uint64_t value, hws_agree_op agree_op,
                             const hws_options *options, uint64_t *agreed, hws_result *result);

#ifdef __cplusplus
}
#endif
#endif
