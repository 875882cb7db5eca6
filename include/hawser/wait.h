/* SPDX-License-Identifier: MIT */
/**
 * @file wait.h
 * Operations in flight: waiting for one, any or all, cancelling, and batches.
 *
 * Every request of an ..._async call or hws_start() must be collected once, by hws_wait(),
 * hws_wait_any() or hws_wait_all(). The use of a collected request returns HWS_E_INVALID. Requests
 * outlive hws_close(): they have ended then, and must still be collected.
 */
#ifndef HAWSER_WAIT_H
#define HAWSER_WAIT_H

#include <hawser/collective.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Waits up to `timeout_ms` ms for an operation (0 = do not wait; UINT32_MAX = until it ends, which
 * its own deadline bounds). Frees `request` (takes it) unless it returns HWS_E_PENDING. `result`
 * (written) may be NULL. Any thread; one at a time per request.
 * Errors: HWS_E_PENDING (still in flight: wait again; or, at once, another thread waits for it),
 * HWS_E_INVALID (NULL, collected before), HWS_E_FORKED, and those of the operation.
 */
HWS_API hws_status hws_wait(hws_request *request, uint32_t timeout_ms, hws_result *result);

/**
 * Returns HWS_OK if an operation has ended, with whatever status; hws_wait() then returns at once.
 * Frees nothing. Any thread, also while another waits for it.
 * Errors: HWS_E_PENDING (still in flight), HWS_E_INVALID, HWS_E_FORKED.
 */
HWS_API hws_status hws_test(hws_request *request);

/**
 * Waits until one of `count` requests (at most 65536 requests, of one communicator; NULLs are
 * skipped) has ended, up to `timeout_ms` ms as in hws_wait(), and collects it: sets *index to its
 * place and requests[*index] to NULL, writes `result` (may be NULL), and returns the operation's
 * status. The array `requests` is borrowed until return, and a request in it is taken when it is
 * collected. *index is SIZE_MAX if none was collected. If several have ended, it collects the first
 * in the array. Any thread; one at a time per request.
 * Errors: HWS_E_PENDING (none has ended; or, at once, another thread waits for one), HWS_E_INVALID
 * (NULL, no request, an invalid request, the same request twice, two communicators), HWS_E_LIMIT,
 * HWS_E_FORKED, and those of the operation.
 */
HWS_API hws_status hws_wait_any(hws_request **requests, size_t count, uint32_t timeout_ms,
                                size_t *index, hws_result *result);

/**
 * Waits until all of `count` requests (at most 65536 requests, of one communicator; NULLs are
 * skipped) have ended, up to `timeout_ms` ms as in hws_wait(), and collects all, in the array's
 * order: sets each to NULL, and writes statuses[i] and results[i] if requests[i] was a request
 * (`statuses` and `results` may be NULL). The array `requests` is borrowed until return, and the
 * requests in it are taken when all are collected. Returns HWS_OK if all succeeded, else the first
 * failure in the array.
 * Any thread; one at a time per request.
 * Errors: HWS_E_PENDING (some are in flight: nothing was collected), and as in hws_wait_any().
 */
HWS_API hws_status hws_wait_all(hws_request **requests, size_t count, uint32_t timeout_ms,
                                hws_status *statuses, hws_result *results);

/**
 * Cancels an operation, here and on all members. The request must still be collected: it returns
 * HWS_E_CANCELLED, or its status if it had ended already. An operation that can no longer be
 * stopped (its local result is complete and waits for the others) ends by itself. The other members
 * get HWS_E_WITHDRAWN with a sentence that names this member, also with `retry`; the operations
 * after it on its tag fail with it. (A member that calls it later gets the change of view instead:
 * with `retry` it continues as if that were its next call.) The view changes, so operations in
 * flight on other tags are aborted, too: those with `retry` run again. Cancelling twice, or after
 * the end, does nothing. Returns at once. `request` is borrowed until return. Any thread, also
 * while another waits for it.
 * Errors: HWS_E_INVALID, HWS_E_NO_MEMORY, HWS_E_LIMIT, HWS_E_FORKED.
 */
HWS_API hws_status hws_cancel(hws_request *request);

/**
 * Runs the `count` operations of `ops`, at most `window` operations (1..256) in flight at a time.
 * It starts them in the array's order, which is also their order on each tag; all members make the
 * same batch. `ops` and the buffers in it are borrowed until return. `timeout_ms` ms (0 = the
 * communicator's) is the deadline of the whole batch. The operations' own `timeout_ms` and `retry`
 * are ignored: after a change of view, aborted operations run again with the survivors. Results may
 * therefore cover different member sets: statuses[i] and results[i] (written; each array may be
 * NULL) have the status of ops[i] and the members that it covers. An operation is HWS_OK only for
 * the member set that its result names. Returns HWS_OK if all succeeded, else the status of the one
 * that failed first, with a sentence that names its place; operations not started by then are
 * HWS_E_CANCELLED, and operations without time left are HWS_E_TIMEOUT. After HWS_OK, hws_pending()
 * returns the number of the last operation in the array, the same on all members. No operation is
 * in flight when it returns. Any thread.
 * Errors: HWS_E_INVALID (as the operations', then nothing was started), HWS_E_LIMIT,
 * HWS_E_NO_MEMORY, HWS_E_FORKED, and those of the operations.
 */
HWS_API hws_status hws_batch(hws_comm *comm, const hws_op *ops, size_t count, uint32_t window,
                             uint32_t timeout_ms, hws_status *statuses, hws_result *results);

#ifdef __cplusplus
}
#endif
#endif
