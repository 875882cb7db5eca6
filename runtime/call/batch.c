// SPDX-License-Identifier: MIT
#include "runtime/call/batch.h"

#include <stdio.h>

#include "runtime/call/operation.h"
#include "runtime/call/result.h"
#include "runtime/call/sized.h"

enum { NAME_BYTES = 64 };

static void say(struct hwi_batch *batch, size_t place, hws_status status)
{
    if (batch->statuses != NULL) {
        batch->statuses[place] = status;
    }
}

// One that was not, or could not be started.
static void skip(struct hwi_batch *batch, size_t place, hws_status status)
{
    say(batch, place, status);
    hwi_result_fail(hwi_batch_result(batch, place), status);
}

static void note_failure(struct hwi_batch *batch, size_t place, const struct hwi_error *failure)
{
    if (failure->status != HWS_OK && batch->failure.status == HWS_OK) {
        batch->failure = *failure;
        batch->failed = place;
    }
}

hws_result *hwi_batch_result(const struct hwi_batch *batch, size_t place)
{
    return hwi_sized_at(batch->results, place);
}

// ---- judging ------------------------------------------------------------------------------------

static hws_status check_arguments(const struct hwi_batch *batch, struct hwi_error *error)
{
    if (batch->ops == NULL && batch->count > 0) {
        return hwi_error_say_null(error, "hws_batch", "ops");
    }
    if (batch->window < 1 || batch->window > HWI_OPS_MAX) {
        return hwi_error_say(error, HWS_E_INVALID,
                             "hws_batch: window is %u: it must be from 1 to %d", batch->window,
                             HWI_OPS_MAX);
    }
    if (!hwi_sized_array(batch->ops, batch->count, sizeof(size_t))) {
        return hwi_error_say(error, HWS_E_INVALID,
                             "hws_batch: bytes_of_struct is not the same in all operations: begin "
                             "each with HWS_OP_INIT");
    }
    return hwi_results_check("hws_batch", batch->results, batch->count, error);
}

static hws_status make(const struct hwi_batch *batch, size_t place, struct hwi_call *call,
                       struct hwi_error *error)
{
    char name[NAME_BYTES];
    snprintf(name, sizeof name, "hws_batch: ops[%zu]", place);
    return hwi_operation_make(name, hwi_sized_at(batch->ops, place), call, error);
}

static hws_status check_operation(const struct hwi_batch *batch, const struct hwi_caller *caller,
                                  size_t place, struct hwi_error *error)
{
    struct hwi_call call;
    hws_status status = make(batch, place, &call, error);
    if (status == HWS_OK && hwi_caller_lacks_input(caller, &call)) {
        return hwi_error_say(error, HWS_E_INVALID,
                             "hws_batch: ops[%zu]: input is NULL, and this member is the root",
                             place);
    }
    return status;
}

static hws_status check_operations(struct hwi_batch *batch, const struct hwi_caller *caller,
                                   struct hwi_error *error)
{
    hws_status status = HWS_OK;
    size_t i = 0;
    for (; i < batch->count && status == HWS_OK; i++) {
        status = check_operation(batch, caller, i, error);
    }
    for (size_t k = 0; status != HWS_OK && k < batch->count; k++) {
        skip(batch, k, k == i - 1 ? status : HWS_E_CANCELLED);
    }
    return status;
}

hws_status hwi_batch_begin(struct hwi_batch *batch, const struct hwi_caller *caller,
                           uint32_t timeout_ms, uint64_t now_ns, struct hwi_error *error)
{
    hws_status status = check_arguments(batch, error);
    timeout_ms = timeout_ms != 0 ? timeout_ms : caller->timeout_ms;
    batch->until_ns = now_ns + timeout_ms * HWI_NS_PER_MS;
    batch->failure.status = HWS_OK;
    return status != HWS_OK ? status : check_operations(batch, caller, error);
}

// ---- starting -----------------------------------------------------------------------------------

// A batch retries whatever its operations' own options say: it has one deadline.
static hws_status prepare(const struct hwi_batch *batch, uint64_t now_ns, struct hwi_call *call,
                          struct hwi_error *error)
{
    if (now_ns >= batch->until_ns) {
        return hwi_error_say(error, HWS_E_TIMEOUT,
                             "it was not started before the batch's deadline");
    }
    hws_status status = make(batch, batch->next, call, error);
    call->request.retry = 1;
    call->request.timeout_ns = batch->until_ns - now_ns;
    return status;
}

static bool may_start(const struct hwi_batch *batch)
{
    return batch->failure.status == HWS_OK && batch->next < batch->count &&
           batch->in_flight < batch->window && !batch->full;
}

enum hwi_batch_step hwi_batch_next(struct hwi_batch *batch, uint64_t now_ns, struct hwi_call *call)
{
    struct hwi_error error;
    while (may_start(batch)) {
        if (prepare(batch, now_ns, call, &error) == HWS_OK) {
            return HWI_BATCH_START;
        }
        hwi_batch_refused(batch, &error);
    }
    return batch->in_flight > 0 ? HWI_BATCH_WAIT : HWI_BATCH_OVER;
}

size_t hwi_batch_started(struct hwi_batch *batch)
{
    batch->in_flight++;
    return batch->next++;
}

void hwi_batch_refused(struct hwi_batch *batch, const struct hwi_error *why)
{
    if (why->status == HWS_E_LIMIT && batch->in_flight > 0) {
        batch->full = true; // of other threads' operations
        return;
    }
    note_failure(batch, batch->next, why);
    skip(batch, batch->next++, why->status);
}

// ---- ending -------------------------------------------------------------------------------------

void hwi_batch_ended(struct hwi_batch *batch, size_t place, uint32_t pending,
                     const struct hwi_error *outcome)
{
    batch->in_flight--;
    batch->full = false;
    if (place == batch->count - 1) {
        batch->pending = pending;
    }
    note_failure(batch, place, outcome);
    say(batch, place, outcome->status);
}

hws_status hwi_batch_conclude(struct hwi_batch *batch, struct hwi_error *error)
{
    hws_status status = batch->failure.status;
    for (size_t i = batch->next; status != HWS_OK && i < batch->count; i++) {
        skip(batch, i, status == HWS_E_TIMEOUT ? HWS_E_TIMEOUT : HWS_E_CANCELLED);
    }
    if (status == HWS_OK) {
        return HWS_OK;
    }
    return hwi_error_say(error, status, "operation %zu of %zu: %s", batch->failed + 1, batch->count,
                         batch->failure.sentence);
}
