// SPDX-License-Identifier: MIT
// hws_batch: an array of operations with a window, retried until one deadline.
#include <hawser/wait.h>

#include <stdio.h>

#include "runtime/error.h"
#include "runtime/operation.h"
#include "runtime/result.h"
#include "runtime/sized.h"
#include "runtime/wait.h"

enum { NAME_BYTES = 64 };

struct batch {
    struct hws_comm *comm;
    const hws_op *ops;
    size_t count;
    uint32_t window;
    uint64_t until_ns;
    hws_status *statuses; // NULL = not wanted; likewise below
    hws_result *results;
    size_t next;                             // the first not started
    struct hws_request *flying[HWI_OPS_MAX]; // in no order
    size_t places[HWI_OPS_MAX];              // of each in `ops`
    uint32_t in_flight;
    struct hwi_error failure; // the first
    size_t failed;            // whose it is
    uint32_t pending;         // as the last of `ops` tells it
};

static void say(struct batch *batch, size_t place, hws_status status)
{
    if (batch->statuses != NULL) {
        batch->statuses[place] = status;
    }
}

// One that was not, or could not be started.
static void skip(struct batch *batch, size_t place, hws_status status)
{
    say(batch, place, status);
    hwi_result_fail(hwi_sized_at(batch->results, place), status);
}

static void note_failure(struct batch *batch, size_t place, hws_status status)
{
    if (status == HWS_OK || batch->failure.status != HWS_OK) {
        return;
    }
    hwi_error_keep(&batch->failure, status);
    batch->failed = place;
}

// ---- starting ----------------------------------------------------------------------------------

static hws_status make(const struct batch *batch, size_t place, struct hwi_submission *submission)
{
    char name[NAME_BYTES];
    snprintf(name, sizeof name, "hws_batch: ops[%zu]", place);
    return hwi_operation_make(name, hwi_sized_at(batch->ops, place), submission);
}

static hws_status start(struct batch *batch, size_t place)
{
    struct hwi_submission submission;
    uint64_t now_ns = hwi_host_now();
    if (now_ns >= batch->until_ns) {
        return hwi_error_set(HWS_E_TIMEOUT, "it was not started before the batch's deadline");
    }
    hws_status status = make(batch, place, &submission);
    if (status != HWS_OK) {
        return status;
    }
    submission.msg.u.request.retry = 1;
    submission.msg.u.request.timeout_ns = batch->until_ns - now_ns;
    return hwi_request_launch(batch->comm, "hws_batch", &submission,
                              &batch->flying[batch->in_flight]);
}

static void fill_window(struct batch *batch)
{
    while (batch->failure.status == HWS_OK && batch->next < batch->count &&
           batch->in_flight < batch->window) {
        hws_status status = start(batch, batch->next);
        if (status == HWS_E_LIMIT && batch->in_flight > 0) {
            return; // other threads' operations fill the communicator: there will be room
        }
        if (status == HWS_OK) {
            batch->places[batch->in_flight++] = batch->next++;
            continue;
        }
        note_failure(batch, batch->next, status);
        skip(batch, batch->next++, status);
    }
}

// ---- collecting --------------------------------------------------------------------------------

static void collect(struct batch *batch, uint32_t slot)
{
    struct hws_request *request = batch->flying[slot];
    size_t place = batch->places[slot];
    if (place == batch->count - 1) {
        batch->pending = request->reply.u.reply.pending;
    }
    hws_status status = hwi_request_collect(request, NULL, hwi_sized_at(batch->results, place));
    note_failure(batch, place, status);
    say(batch, place, status);
    batch->flying[slot] = batch->flying[--batch->in_flight];
    batch->places[slot] = batch->places[batch->in_flight];
}

// Whoever is done by now, in `done`, a bit for each of those in flight; one is at least.
static void await_some(struct batch *batch, bool done[HWI_OPS_MAX])
{
    struct hwi_wait wait;
    struct hws_comm *comm = batch->flying[0]->comm;
    hwi_wait_own(&wait, comm, batch->flying, batch->in_flight);
    hwi_wait_for(&wait, 1, HWI_NEVER);
    hwi_wait_end(&wait, NULL);
    pthread_mutex_lock(&comm->mutex);
    for (uint32_t i = 0; i < batch->in_flight; i++) {
        done[i] = batch->flying[i]->done;
    }
    pthread_mutex_unlock(&comm->mutex);
}

static void run(struct batch *batch)
{
    bool done[HWI_OPS_MAX];
    for (fill_window(batch); batch->in_flight > 0; fill_window(batch)) {
        await_some(batch, done);
        for (uint32_t i = batch->in_flight; i-- > 0;) { // the last one takes a free slot
            if (done[i]) {
                collect(batch, i);
            }
        }
    }
}

// All members that returned the same batch read the same number, whatever ended last here.
static void set_pending(const struct batch *batch)
{
    if (hwi_comm_lock(batch->comm, "hws_batch") != HWS_OK) {
        return;
    }
    batch->comm->pending = batch->pending;
    pthread_mutex_unlock(&batch->comm->mutex);
}

static hws_status conclude(struct batch *batch)
{
    hws_status status = batch->failure.status;
    if (status == HWS_OK) {
        set_pending(batch);
        return HWS_OK;
    }
    for (size_t i = batch->next; i < batch->count; i++) {
        skip(batch, i, status == HWS_E_TIMEOUT ? HWS_E_TIMEOUT : HWS_E_CANCELLED);
    }
    return hwi_error_set(status, "operation %zu of %zu: %s", batch->failed + 1, batch->count,
                         batch->failure.sentence);
}

// ---- checking ----------------------------------------------------------------------------------

static hws_status check_arguments(const hws_op *ops, size_t count, uint32_t window,
                                  const hws_result *results)
{
    if (ops == NULL && count > 0) {
        return hwi_error_null("hws_batch", "ops");
    }
    if (window < 1 || window > HWI_OPS_MAX) {
        return hwi_error_set(HWS_E_INVALID, "hws_batch: window is %u: it must be from 1 to %d",
                             window, HWI_OPS_MAX);
    }
    if (!hwi_sized_array(ops, count, sizeof(size_t))) {
        return hwi_error_set(HWS_E_INVALID, "hws_batch: bytes_of_struct is not the same in all "
                                            "operations: begin each with HWS_OP_INIT");
    }
    return hwi_results_check("hws_batch", results, count);
}

static hws_status check_operation(const struct batch *batch, size_t place)
{
    struct hwi_submission submission;
    hws_status status = make(batch, place, &submission);
    if (status == HWS_OK) {
        status = hwi_comm_lock(batch->comm, "hws_batch");
    }
    if (status != HWS_OK) {
        return status;
    }
    bool lacks_input = hwi_request_lacks_input(batch->comm, &submission);
    pthread_mutex_unlock(&batch->comm->mutex);
    if (!lacks_input) {
        return HWS_OK;
    }
    return hwi_error_set(HWS_E_INVALID,
                         "hws_batch: ops[%zu]: input is NULL, and this member is the root", place);
}

static hws_status check_operations(struct batch *batch)
{
    hws_status status = HWS_OK;
    size_t i = 0;
    for (; i < batch->count && status == HWS_OK; i++) {
        status = check_operation(batch, i);
    }
    for (size_t k = 0; status != HWS_OK && k < batch->count; k++) {
        skip(batch, k, k == i - 1 ? status : HWS_E_CANCELLED);
    }
    return status;
}

static hws_status read_deadline(struct batch *batch, uint32_t timeout_ms)
{
    hws_status status = hwi_comm_lock(batch->comm, "hws_batch");
    if (status != HWS_OK) {
        return status;
    }
    timeout_ms = timeout_ms != 0 ? timeout_ms : batch->comm->timeout_ms;
    pthread_mutex_unlock(&batch->comm->mutex);
    batch->until_ns = hwi_host_now() + timeout_ms * HWI_NS_PER_MS;
    return HWS_OK;
}

hws_status hws_batch(hws_comm *comm, const hws_op *ops, size_t count, uint32_t window,
                     uint32_t timeout_ms, hws_status *statuses, hws_result *results)
{
    struct batch batch = {.comm = comm,
                          .ops = ops,
                          .count = count,
                          .window = window,
                          .statuses = statuses,
                          .results = results};
    hws_status status = hwi_comm_check(comm, "hws_batch", NULL);
    if (status == HWS_OK) {
        status = check_arguments(ops, count, window, results);
    }
    if (status == HWS_OK) {
        status = check_operations(&batch);
    }
    if (status == HWS_OK) {
        status = read_deadline(&batch, timeout_ms);
    }
    if (status != HWS_OK || count == 0) {
        return status;
    }
    run(&batch);
    return conclude(&batch);
}
