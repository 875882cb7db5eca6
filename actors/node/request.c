// SPDX-License-Identifier: MIT
#include "actors/node/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "actors/node/error.h"
#include "actors/node/result.h"
#include "actors/wire/codec.h"

// Fills in what only the table knows, and takes from the message what the request must remember.
static void name_request(struct hws_comm *comm, struct hws_request *request, struct hwi_msg *msg)
{
    uint64_t timeout_ns;
    request->id = ++comm->last_request;
    if (msg->type == HWI_MSG_open) {
        msg->u.open.request = request->id;
        timeout_ns = msg->u.open.timeout_ns;
    } else {
        msg->u.request.request = request->id;
        msg->u.request.async = request->async;
        msg->u.request.collected = comm->collected;
        request->kind = msg->u.request.kind;
        request->tag = msg->u.request.tag;
        timeout_ns = msg->u.request.timeout_ns;
    }
    request->timeout_ms = (uint32_t)(timeout_ns / HWI_NS_PER_MS);
    uint64_t grace_ms = request->kind == HWI_KIND_CLOSE ? 0 : comm->grace_ms;
    request->limit_ns =
        hwi_host_now() + timeout_ns + (grace_ms + HWI_REPLY_SLACK_MS) * HWI_NS_PER_MS;
}

static bool table_has_room(const struct hws_comm *comm, const struct hwi_msg *msg)
{
    bool control = msg->type == HWI_MSG_request &&
                   (msg->u.request.kind == HWI_KIND_NONE || msg->u.request.kind == HWI_KIND_CLOSE);
    return comm->request_count < (uint32_t)(control ? HWI_REQUESTS_MAX : HWI_OPS_MAX);
}

static hws_status submit(struct hws_comm *comm, struct hws_request *request,
                         struct hwi_submission *submission)
{
    if (comm->finished != HWS_OK)
        return hwi_error_set(
            comm->finished, "this communicator is finished (%s): close, open again and sync",
            comm->failed_check[0] != '\0' ? comm->failed_check : hws_status_text(comm->finished));
    if (!table_has_room(comm, &submission->msg))
        return hwi_error_set(HWS_E_LIMIT, "%d operations are in flight: hws_wait for some first",
                             HWI_OPS_MAX);
    name_request(comm, request, &submission->msg);
    int status = hwi_host_submit(comm->host, submission);
    if (status != 0)
        return hwi_error_set(status, "%s could not be handed to the runtime: %s",
                             hwi_call_name(request->kind), hws_status_text(status));
    comm->requests[comm->request_count++] = request;
    return HWS_OK;
}

static void init_replied(pthread_cond_t *replied)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(replied, &attributes);
    pthread_condattr_destroy(&attributes);
}

hws_status hwi_request_start(struct hws_comm *comm, struct hws_request *request, bool async,
                             struct hwi_submission *submission)
{
    memset(request, 0, sizeof(*request));
    request->comm = comm;
    request->async = async;
    init_replied(&request->replied);
    pthread_mutex_lock(&comm->mutex);
    hws_status status = submit(comm, request, submission);
    pthread_mutex_unlock(&comm->mutex);
    if (status != HWS_OK)
        pthread_cond_destroy(&request->replied);
    return status;
}

// The limit passed. Once it may be this process that stood still, so the host gets its slack again;
// twice it is the host that will not reply, and only without it the caller's memory is safe. The
// mutex is held.
static void run_late(struct hws_request *request)
{
    if (!request->overdue) {
        request->overdue = true;
        request->limit_ns = hwi_host_now() + HWI_REPLY_SLACK_MS * HWI_NS_PER_MS;
        return;
    }
    request->limit_ns = HWI_NEVER; // whoever finishes the communicator ends this request
    pthread_mutex_unlock(&request->comm->mutex);
    hwi_comm_finish(request->comm, HWS_E_OUTCOME_UNKNOWN, "the runtime's thread did not reply");
    pthread_mutex_lock(&request->comm->mutex);
}

static void sleep_until(struct hws_request *request, uint64_t at_ns)
{
    struct timespec at = {.tv_sec = (time_t)(at_ns / HWI_NS_PER_S),
                          .tv_nsec = (long)(at_ns % HWI_NS_PER_S)};
    if (at_ns == HWI_NEVER)
        pthread_cond_wait(&request->replied, &request->comm->mutex);
    else
        pthread_cond_timedwait(&request->replied, &request->comm->mutex, &at);
}

bool hwi_request_await(struct hws_request *request, uint64_t until_ns)
{
    pthread_mutex_lock(&request->comm->mutex);
    while (!request->done) {
        uint64_t now_ns = hwi_host_now();
        if (now_ns >= request->limit_ns)
            run_late(request);
        else if (now_ns >= until_ns)
            break;
        else
            sleep_until(request, HWI_MIN(until_ns, request->limit_ns));
    }
    bool done = request->done;
    pthread_mutex_unlock(&request->comm->mutex);
    return done;
}

static void leave_table(struct hws_request *request)
{
    struct hws_comm *comm = request->comm;
    uint32_t index = 0;
    while (comm->requests[index] != request)
        index++;
    comm->requests[index] = comm->requests[--comm->request_count];
}

hws_status hwi_request_collect(struct hws_request *request, uint64_t *value, hws_result *result)
{
    struct hws_comm *comm = request->comm;
    const struct hwi_msg_reply *reply = &request->reply.u.reply;
    hwi_result_write(result, reply);
    if (reply->status != HWS_OK)
        hwi_sentence_set(request);
    else if (value != NULL)
        *value = reply->value;
    free(request->block);
    pthread_cond_destroy(&request->replied);
    pthread_mutex_lock(&comm->mutex);
    leave_table(request);
    if (reply->status == HWS_OK)
        comm->pending = reply->pending;
    else
        comm->collected += request->async;
    hwi_comm_unlock_and_free(comm);
    return reply->status;
}

hws_status hwi_request_call(struct hws_comm *comm, struct hwi_submission *submission,
                            uint64_t *value, hws_result *result)
{
    struct hws_request request;
    hws_status status = hwi_request_start(comm, &request, false, submission);
    if (status != HWS_OK)
        return hwi_result_fail(result, status);
    hwi_request_await(&request, HWI_NEVER);
    return hwi_request_collect(&request, value, result);
}

struct hwi_submission hwi_request_make(const struct hws_comm *comm, uint8_t kind)
{
    struct hwi_submission submission;
    memset(&submission, 0, sizeof(submission));
    submission.to = hwi_addr_of(HWI_ROLE_PEER, 0);
    submission.msg.type = HWI_MSG_request;
    submission.msg.u.request.kind = kind;
    submission.msg.u.request.timeout_ns = comm->timeout_ms * HWI_NS_PER_MS;
    return submission;
}

static void count_reply(struct hws_comm *comm, const struct hws_request *request)
{
    const struct hwi_msg_reply *reply = &request->reply.u.reply;
    bool operation = request->id != HWI_REQUEST_OPENING && request->kind != HWI_KIND_NONE &&
                     request->kind != HWI_KIND_CLOSE;
    if (operation) {
        uint32_t committed = reply->status == HWS_OK;
        comm->committed += committed;
        comm->aborted += reply->attempts > committed ? reply->attempts - committed : 0;
    }
    if (reply->view > comm->view) {
        comm->view = reply->view;
        comm->views++;
    }
}

static struct hws_request *find_waiting(struct hws_comm *comm, uint64_t id)
{
    for (uint32_t i = 0; i < comm->request_count; i++) {
        if (comm->requests[i]->id == id && !comm->requests[i]->done)
            return comm->requests[i];
    }
    return NULL;
}

// Without memory for its lists a reply still tells the outcome.
static void keep_reply(struct hws_request *request, const struct hwi_msg *msg)
{
    if (hwi_msg_clone(msg, &request->reply, &request->block))
        return;
    request->reply = *msg;
    request->reply.u.reply.members = NULL;
    request->reply.u.reply.members_count = 0;
    request->reply.u.reply.lost = NULL;
    request->reply.u.reply.lost_count = 0;
    request->block = NULL;
}

void hwi_request_replied(struct hws_comm *comm, const struct hwi_msg *msg)
{
    pthread_mutex_lock(&comm->mutex);
    struct hws_request *request = find_waiting(comm, msg->u.reply.request);
    if (request != NULL) {
        keep_reply(request, msg);
        if (request->kind == HWI_KIND_ALL_REDUCE && comm->host != NULL)
            hwi_host_forget(comm->host, request->id);
        count_reply(comm, request);
        request->done = true;
        pthread_cond_signal(&request->replied);
    }
    pthread_mutex_unlock(&comm->mutex);
}

void hwi_requests_end(struct hws_comm *comm, hws_status status, const char *reason)
{
    for (uint32_t i = 0; i < comm->request_count; i++) {
        struct hws_request *request = comm->requests[i];
        if (request->done)
            continue;
        memset(&request->reply, 0, sizeof(request->reply));
        request->reply.type = HWI_MSG_reply;
        request->reply.u.reply.request = request->id;
        request->reply.u.reply.status = status;
        snprintf(request->reply.u.reply.reason, HWI_TEXT_BYTES_MAX, "%s", reason);
        request->done = true;
        pthread_cond_signal(&request->replied);
    }
}
