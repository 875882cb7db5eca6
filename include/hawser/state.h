/* SPDX-License-Identifier: MIT */
/**
 * @file state.h
 * The shared state: named tensors that all members hold bit for bit, with a revision that the trainer
 * advances. hws_sync brings members whose bytes differ up to the elected ones; only the blocks that differ
 * travel, and every block is verified by its 128-bit hash.
 */
#ifndef HAWSER_STATE_H
#define HAWSER_STATE_H

#include <hawser/collective.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A set of named tensors in the caller's memory. */
typedef struct hws_state hws_state;

/** Who may win and who may change. */
typedef enum hws_strategy {
    HWS_SYNC_ENFORCE = 1 /**< the newest revision wins; among equals the content most members hold */
} hws_strategy;

/**
 * Makes an empty state of revision 0. On success *state is owned: hws_state_destroy() it. Any thread.
 * Errors: HWS_E_INVALID, HWS_E_NO_MEMORY.
 */
HWS_API hws_status hws_state_create(hws_state **state);

/** Frees the state, not the tensors (takes `state`; NULL is allowed). Not while a communicator that used it is open. */
HWS_API void hws_state_destroy(hws_state *state);

/**
 * Adds `count` elements at `data` under `name` (copied; at most 63 bytes, unique). Order matters: it must be the same on all
 * members. `data` is borrowed until hws_state_destroy; sync may write to it. Before the first hws_sync.
 * One thread. Errors: HWS_E_INVALID (NULL, empty or doubled name, unknown type, count 0), HWS_E_LIMIT (4096
 * tensors, 2^40 bytes), HWS_E_BUSY (already synced once), HWS_E_NO_MEMORY.
 */
HWS_API hws_status hws_state_add(hws_state *state, const char *name, hws_dtype dtype, void *data,
                                 size_t count);

/** The revision: 0 at first, or as set, or as elected by the last successful sync. Any thread; 0 for NULL. */
HWS_API uint64_t hws_state_revision(const hws_state *state);

/** Sets the revision; raise it whenever the bytes were changed on purpose. One thread. Errors: HWS_E_INVALID. */
HWS_API hws_status hws_state_set_revision(hws_state *state, uint64_t revision);

/**
 * A joint call: all members of the view make it. On HWS_OK all hold the elected bytes and revision; nothing but
 * hashes has moved if they already did (bytes_received == 0). The tensors must not be changed until return. If it
 * fails in the middle of a transfer this member's state is marked dirty: it cannot be elected and
 * reductions return HWS_E_NOT_SYNCED until a sync succeeds. The first call attaches `state` (borrowed until
 * hws_close) to the communicator, which has one state for its life. `options` (tag unused) and `result` may be NULL.
 * One thread at a time. Errors: HWS_E_BUSY (operations in flight), HWS_E_REFUSED (this newcomer's revision is
 * above the run's: it is put out, not overwritten), HWS_E_LAYOUT (this member's tensors differ from the
 * run's: it is put out), HWS_E_STATE_LOST, HWS_E_INVALID (no tensors, another state than the first time), and
 * HWS_E_VIEW, HWS_E_MEMBER_LOST, HWS_E_TIMEOUT, HWS_E_WITHDRAWN, HWS_E_TOO_FEW, HWS_E_EVICTED, HWS_E_OUTCOME_UNKNOWN,
 * HWS_E_INTERNAL, HWS_E_FORKED as in hws_all_reduce.
 */
HWS_API hws_status hws_sync(hws_comm *comm, hws_state *state, hws_strategy strategy,
                            const hws_options *options, hws_result *result);

#ifdef __cplusplus
}
#endif
#endif
