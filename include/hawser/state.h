/* SPDX-License-Identifier: MIT */
/**
 * @file state.h
 * The shared state: named tensors that all members hold bit for bit, with a revision that the
 * trainer advances. hws_sync elects one state and brings the other members up to it. Only the
 * blocks that differ travel, and every block is verified by its 128-bit hash.
 */
#ifndef HAWSER_STATE_H
#define HAWSER_STATE_H

#include <hawser/collective.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A member's part in a sync. Each member chooses for itself, in each call. The table in
 * docs/STATE.md has the rules for every mixture.
 */
typedef enum hws_strategy {
    HWS_SYNC_ENFORCE =
        1, /**< may win, is read and may be written: all members of an ordinary run use it */
    HWS_SYNC_SEND_ONLY = 2,   /**< wins before members that enforce; is read, never written */
    HWS_SYNC_RECEIVE_ONLY = 3 /**< never wins and is never read; may be written */
} hws_strategy;

/**
 * Creates an empty state of revision 0. On success *state is owned: hws_state_destroy() it. Any
 * thread.
 * Errors: HWS_E_INVALID, HWS_E_NO_MEMORY.
 */
HWS_API hws_status hws_state_create(hws_state **state);

/**
 * Frees the state, not the tensors (takes `state`; NULL is allowed). Close the communicator that
 * used it first. One thread. Never fails.
 */
HWS_API void hws_state_destroy(hws_state *state);

/**
 * Adds `count` elements at `data` under `name` (copied; at most 63 bytes, unique). Order matters:
 * it must be the same on all members. `count` may be 0, and `data` then NULL. `data` is borrowed
 * until hws_state_destroy; sync may write to it. Call it before the first hws_sync. One thread.
 * Errors: HWS_E_INVALID (NULL, empty or repeated name, unknown type), HWS_E_LIMIT (4096 tensors,
 * 2^40 bytes), HWS_E_BUSY (already synced once), HWS_E_NO_MEMORY.
 */
HWS_API hws_status hws_state_add(hws_state *state, const char *name, hws_dtype dtype, void *data,
                                 size_t count);

/**
 * Marks the tensor `name` (borrowed until return) as each member's own: sync neither hashes nor
 * moves its bytes. The mark is part of the layout: all members must set it. Call it before the
 * first hws_sync. One thread.
 * Errors: HWS_E_INVALID (NULL, no tensor of that name), HWS_E_BUSY (already synced once).
 */
HWS_API hws_status hws_state_may_differ(hws_state *state, const char *name);

/** Returns the revision: 0 at first, or as set, or as elected by the last successful sync; 0 for
 * NULL. Any thread. Never fails. */
HWS_API uint64_t hws_state_revision(const hws_state *state);

/**
 * Sets the revision to `revision`, any number. Raise it whenever the trainer changed the bytes. One
 * thread.
 * Errors: HWS_E_INVALID.
 */
HWS_API hws_status hws_state_set_revision(hws_state *state, uint64_t revision);

/**
 * Reports that the caller is about to write to the state's tensors, until hws_state_end_write. It
 * never waits. A hws_checkpoint_save in another thread returns HWS_E_BUSY instead of a file with
 * two steps mixed. Call both around each change of the tensors, hws_state_set_revision included, if
 * another thread saves. Calls nest and are counted, also from several threads. Any thread.
 * Errors: HWS_E_INVALID, HWS_E_LIMIT (2^20 writes have begun and not ended).
 */
HWS_API hws_status hws_state_begin_write(hws_state *state);

/**
 * Ends what one hws_state_begin_write began. Any thread.
 * Errors: HWS_E_INVALID (NULL, or no write has begun).
 */
HWS_API hws_status hws_state_end_write(hws_state *state);

/**
 * A joint call: all members of the group make it. On HWS_OK all hold the elected bytes and
 * revision. If they already held them, only hashes moved (bytes_received == 0). The newest revision
 * is elected, then the content that most members hold; docs/STATE.md says how `strategy`, newcomers
 * and interrupted syncs change that. The tensors must not be changed until return. If the call
 * fails in the middle of a transfer, this member's state is marked dirty: it cannot be elected, and
 * reductions return HWS_E_NOT_SYNCED until a sync succeeds. The first call attaches `state`
 * (borrowed until hws_close) to the communicator, which has one state for its life. `options` (tag
 * unused) and `result` may be NULL.
 *
 * With `verify` HWS_VERIFY_WHEN_CHANGED on all members, nothing is hashed if the view is that of
 * the last successful sync and all members are at one revision: that sync's, or the next. The
 * library then assumes that equal revisions mean equal bytes, and the result's `root` is 0. If
 * anything differs on any member, all members hash, as with HWS_VERIFY_ALWAYS.
 *
 * One thread at a time.
 * Errors: HWS_E_BUSY (operations in flight), HWS_E_CONFLICT (a send-only member does not hold the
 * elected state, and the sentence names both; or every member with a complete state is
 * receive-only; nothing was written), HWS_E_AHEAD (this newcomer's revision is above the run's: it
 * is removed from the run, not overwritten; load an older state and open again, or begin the run
 * again from this one), HWS_E_REFUSED (this newcomer is send-only and its state differs from the
 * run's: it is removed likewise), HWS_E_LAYOUT (this member's tensors differ from the run's, and
 * the sentence names the first that does: it is removed from the run), HWS_E_STATE_LOST (no member
 * holds a complete state), HWS_E_INVALID (no tensors, another state than in the first call, no such
 * strategy), and HWS_E_VIEW, HWS_E_MEMBER_LOST, HWS_E_TIMEOUT, HWS_E_WITHDRAWN, HWS_E_TOO_FEW,
 * HWS_E_EVICTED, HWS_E_OUTCOME_UNKNOWN, HWS_E_INTERNAL, HWS_E_FORKED as in hws_all_reduce.
 */
HWS_API hws_status hws_sync(hws_comm *comm, hws_state *state, hws_strategy strategy,
                            const hws_options *options, hws_result *result);

#ifdef __cplusplus
}
#endif
#endif
