/* SPDX-License-Identifier: MIT */
/**
 * @file wait.h
 * Operations in flight: waiting for one, any or all, cancelling, and many at once.
 *
 * What an ..._async call or hws_start() gives out is collected once, by hws_wait(), hws_wait_any()
 * or hws_wait_all(). A request that was collected is no request any more: using it is
 * HWS_E_INVALID. Requests outlive hws_close(): they have ended then, and are still to be collected.
 */
#ifndef HAWSER_WAIT_H
#define HAWSER_WAIT_H

#include <hawser/collective.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Waits up to `timeout_ms` ms for an operation (0 = just look; UINT32_MAX = until it ends, which
 * its own deadline bounds). Frees `request` (takes it) unless it returns HWS_E_PENDING. `result`
 * (written) may be NULL. Any thread; one at a time per request.
 * Errors: HWS_E_PENDING (still in flight: wait again; or, at once, another thread waits for it),
 * HWS_E_INVALID (NULL, collected before), HWS_E_FORKED, and those of the operation.
 */
HWS_API hws_status hws_wait(hws_request *request, uint32_t timeout_ms, hws_result *result);

/**
 * Whether an operation has ended: HWS_OK, whatever became of it, and then hws_wait() returns at
 * once. Frees nothing. Any thread, also while another waits for it.
 * Errors: HWS_E_PENDING (still in flight), HWS_E_INVALID, HWS_E_FORKED.
 */
HWS_API hws_status hws_test(hws_request *request);

/**
 * Waits until one of `count` requests (at most 65536 requests, of one communicator; NULLs are
 * skipped) has ended, up to `timeout_ms` ms as in hws_wait(), and collects it: sets *index to its
 * place, requests[*index] to NULL, writes `result` (may be NULL) and returns what became of it. The
 * array `requests` is borrowed until return, what it names taken as it is collected. *index is
 * SIZE_MAX if none was collected. Of several that have ended it is the first in the array. Any
 * thread; one at a time per request.
 * Errors: HWS_E_PENDING (none has ended; or, at once, another thread waits for one), HWS_E_INVALID
 * (NULL, no request, one that is none, one named twice, two communicators), HWS_E_LIMIT,
 * HWS_E_FORKED, and those of the operation.
 */
HWS_API hws_status hws_wait_any(hws_request **requests, size_t count, uint32_t timeout_ms,
                                size_t *index, hws_result *result);

/**
 * Waits until all of `count` requests (at most 65536 requests, of one communicator; NULLs are
 * skipped) have ended, up to `timeout_ms` ms as in hws_wait(), and collects all, in the array's
 * order: sets each to NULL, and statuses[i] and results[i] are written where requests[i] was one
 * (`statuses` and `results` may be NULL). The array `requests` is borrowed until return, what it
 * names taken when all are collected. Returns HWS_OK if all succeeded, else the first failure of
 * the array.
 * Any thread; one at a time per request.
 * Errors: HWS_E_PENDING (some are in flight: nothing was collected), and as in hws_wait_any().
 */
HWS_API hws_status hws_wait_all(hws_request **requests, size_t count, uint32_t timeout_ms,
                                hws_status *statuses, hws_result *results);

/**
 * Gives an operation up, here and on all members. It is still to be collected: with
 * HWS_E_CANCELLED, or with what had become of it already; what cannot be stopped any more (its
 * result is here and waits for the others') ends by itself. The others get HWS_E_WITHDRAWN with a
 * sentence that names this member, also with `retry`; those after it on its tag fail with it. (A
 * member that calls it later meets the change of view instead: with `retry` it goes on as if that
 * were its next call.) The view changes with it, so operations in flight on other tags are aborted,
 * too: those with `retry` run again. Cancelling twice, or what has ended, does nothing. Returns at
 * once. `request` is borrowed until return. Any thread, also while another waits for it.
 * Errors: HWS_E_INVALID, HWS_E_NO_MEMORY, HWS_E_LIMIT, HWS_E_FORKED.
 */
HWS_API hws_status hws_cancel(hws_request *request);

/**
 * Runs the `count` operations of `ops`, at most `window` operations (1..256) in flight at a time,
 * started in the array's order, which is the order on each tag; all members make the same batch.
 * `ops` and what it names are borrowed until return. `timeout_ms` ms (0 = the communicator's) is
 * the deadline of all together; the operations' own `timeout_ms` and `retry` are not looked at:
 * after a change of view, what was aborted runs again with the survivors. So results may cover
 * different member sets: statuses[i] and results[i] (written; each array may be NULL) say what
 * became of ops[i], and over which members. An operation is HWS_OK only for the member set that its
 * result names. Returns HWS_OK if all are, else the status of the one that failed first, and its
 * sentence names its place; those not started by then are HWS_E_CANCELLED, those that found no time
 * HWS_E_TIMEOUT. After HWS_OK hws_pending() is that of the last operation of the array, the same on
 * all members. No operation is in flight when it returns. Any thread.
 * Errors: HWS_E_INVALID (as the operations', then nothing was started), HWS_E_LIMIT,
 * HWS_E_NO_MEMORY, HWS_E_FORKED, and those of the operations.
 */
HWS_API hws_status hws_batch(hws_comm *comm, const hws_op *ops, size_t count, uint32_t window,
                             uint32_t timeout_ms, hws_status *statuses, hws_result *results);

#ifdef __cplusplus
}
#endif
#endif
