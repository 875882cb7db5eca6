// SPDX-License-Identifier: MIT
// The API on operations in flight: look, wait for one, any or all, cancel.
#include <hawser/wait.h>

#include <unistd.h>

#include "runtime/error.h"
#include "runtime/handles.h"
#include "runtime/call/result.h"
#include "runtime/call/sized.h"
#include "runtime/wait.h"

enum { REQUESTS_LISTED_MAX = 1 << 16 }; // of one call that waits for several

static hws_status pending(const char *function)
{
    return hwi_error_set(HWS_E_PENDING, "%s: still in flight: wait again", function);
}

// On HWS_OK the request's communicator is *comm, and both stay until let_go.
static hws_status hold(const char *function, hws_request *request, struct hws_comm **comm)
{
    if (request == NULL) {
        return hwi_error_null(function, "request");
    }
    if (!hwi_handles_hold(HWI_HANDLE_REQUEST, request)) {
        return hwi_wait_gone(function);
    }
    *comm = request->comm;
    if ((*comm)->pid == getpid()) {
        pthread_mutex_lock(&(*comm)->mutex);
        return HWS_OK;
    }
    hws_status status = hwi_comm_forked(*comm, function);
    hwi_handles_release();
    return status;
}

static void let_go(struct hws_comm *comm)
{
    pthread_mutex_unlock(&comm->mutex);
    hwi_handles_release();
}

hws_status hws_test(hws_request *request)
{
    struct hws_comm *comm = NULL;
    hws_status status = hold("hws_test", request, &comm);
    if (status != HWS_OK) {
        return status;
    }
    bool done = request->done;
    let_go(comm);
    return done ? HWS_OK : pending("hws_test");
}

static struct hwi_submission make_cancel(const hws_request *request)
{
    struct hwi_submission submission = {.to = hwi_addr_of(HWI_ROLE_PEER, 0)};
    submission.msg.type = HWI_MSG_cancel;
    submission.msg.u.cancel.request = request->id;
    return submission;
}

hws_status hws_cancel(hws_request *request)
{
    struct hws_comm *comm = NULL;
    hws_status status = hold("hws_cancel", request, &comm);
    if (status != HWS_OK) {
        return status;
    }
    if (!request->done && comm->host != NULL) { // else it has ended, or is being ended
        struct hwi_submission submission = make_cancel(request);
        status = hwi_host_submit(comm->host, &submission);
    }
    let_go(comm);
    return status == HWS_OK ? HWS_OK
                            : hwi_error_set(status, "hws_cancel: cannot pass it to the runtime: %s",
                                            hws_status_text(status));
}

static hws_status check_result(const char *function, const hws_result *result)
{
    struct hwi_error error;
    hws_status status = hwi_result_check(function, result, &error);
    return status == HWS_OK ? HWS_OK : hwi_error_again(&error);
}

hws_status hws_wait(hws_request *request, uint32_t timeout_ms, hws_result *result)
{
    struct hwi_wait wait;
    hws_status status = check_result("hws_wait", result);
    if (status != HWS_OK) {
        return status;
    }
    if (request == NULL) {
        return hwi_result_fail(result, hwi_error_null("hws_wait", "request"));
    }
    status = hwi_wait_begin(&wait, "hws_wait", &request, 1);
    if (status != HWS_OK) {
        return hwi_result_fail(result, status);
    }
    bool done = hwi_wait_for(&wait, 1, hwi_wait_until(timeout_ms)) > 0;
    hwi_wait_end(&wait, done ? request : NULL);
    return done ? hwi_request_collect(request, NULL, result)
                : hwi_result_fail(result, pending("hws_wait"));
}

// ---- several -----------------------------------------------------------------------------------

static size_t named(hws_request *const *requests, size_t count)
{
    size_t some = 0;
    for (size_t i = 0; i < count; i++) {
        some += requests[i] != NULL;
    }
    return some;
}

static hws_status check_list(const char *function, hws_request *const *requests, size_t count)
{
    if (requests == NULL && count > 0) {
        return hwi_error_null(function, "requests");
    }
    if (count > REQUESTS_LISTED_MAX) {
        return hwi_error_set(HWS_E_LIMIT, "%s: %zu requests are more than %d", function, count,
                             REQUESTS_LISTED_MAX);
    }
    return HWS_OK;
}

static hws_status check_results(const char *function, const hws_result *results, size_t count)
{
    struct hwi_error error;
    hws_status status = hwi_results_check(function, results, count, &error);
    return status == HWS_OK ? HWS_OK : hwi_error_again(&error);
}

static size_t first_done(hws_request *const *requests, size_t count)
{
    size_t i = 0;
    while (i < count && (requests[i] == NULL || !requests[i]->done)) {
        i++;
    }
    return i;
}

static hws_status collect_any(struct hwi_wait *wait, size_t *index, hws_result *result)
{
    hws_request *request;
    pthread_mutex_lock(&wait->comm->mutex);
    *index = first_done(wait->requests, wait->count);
    pthread_mutex_unlock(&wait->comm->mutex);
    request = wait->requests[*index];
    hwi_wait_end(wait, request);
    wait->requests[*index] = NULL;
    return hwi_request_collect(request, NULL, result);
}

hws_status hws_wait_any(hws_request **requests, size_t count, uint32_t timeout_ms, size_t *index,
                        hws_result *result)
{
    struct hwi_wait wait;
    hws_status status = check_result("hws_wait_any", result);
    if (status != HWS_OK) {
        return status;
    }
    if (index == NULL) {
        return hwi_result_fail(result, hwi_error_null("hws_wait_any", "index"));
    }
    *index = SIZE_MAX;
    status = check_list("hws_wait_any", requests, count);
    if (status == HWS_OK && named(requests, count) == 0) {
        status = hwi_error_set(HWS_E_INVALID, "hws_wait_any: no request is named");
    }
    if (status == HWS_OK) {
        status = hwi_wait_begin(&wait, "hws_wait_any", requests, count);
    }
    if (status != HWS_OK) {
        return hwi_result_fail(result, status);
    }
    if (hwi_wait_for(&wait, 1, hwi_wait_until(timeout_ms)) > 0) {
        return collect_any(&wait, index, result);
    }
    hwi_wait_end(&wait, NULL);
    return hwi_result_fail(result, pending("hws_wait_any"));
}

// Collects all in their order; the sentence that stays is that of the first that failed.
static hws_status collect_all(struct hwi_wait *wait, hws_status *statuses, hws_result *results)
{
    struct hwi_error first = {.status = HWS_OK};
    for (size_t i = 0; i < wait->count; i++) {
        if (wait->requests[i] == NULL) {
            continue;
        }
        hws_status status = hwi_request_collect(wait->requests[i], NULL, hwi_sized_at(results, i));
        wait->requests[i] = NULL;
        if (statuses != NULL) {
            statuses[i] = status;
        }
        if (status != HWS_OK && first.status == HWS_OK) {
            hwi_error_keep(&first, status);
        }
    }
    pthread_cond_destroy(&wait->replied);
    return hwi_error_again(&first);
}

hws_status hws_wait_all(hws_request **requests, size_t count, uint32_t timeout_ms,
                        hws_status *statuses, hws_result *results)
{
    struct hwi_wait wait;
    hws_status status = check_list("hws_wait_all", requests, count);
    if (status == HWS_OK) {
        status = check_results("hws_wait_all", results, count);
    }
    if (status == HWS_OK) {
        status = hwi_wait_begin(&wait, "hws_wait_all", requests, count);
    }
    if (status != HWS_OK) {
        return status;
    }
    size_t some = named(requests, count);
    if (hwi_wait_for(&wait, some, hwi_wait_until(timeout_ms)) == some) {
        return collect_all(&wait, statuses, results);
    }
    hwi_wait_end(&wait, NULL);
    return pending("hws_wait_all");
}
