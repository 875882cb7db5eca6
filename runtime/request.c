// SPDX-License-Identifier: MIT
#include "runtime/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/call/result.h"
#include "runtime/error.h"
#include "runtime/handles.h"
#include "runtime/sentence.h"
#include "runtime/state.h"
#include "runtime/wait.h"
#include "actors/wire/codec.h"

// The facts about a call that its request must remember.
static void remember(struct hws_request *request, const struct hwi_call *call)
{
    request->id = call->request.request;
    request->kind = call->request.kind;
    request->tag = call->request.tag;
    request->memory = call->output != NULL;
    request->counts = call->counts;
    request->counts_room = call->counts_room;
}

static void set_limit(struct hws_request *request, uint64_t timeout_ns)
{
    uint64_t grace_ms = request->kind == HWI_KIND_CLOSE ? 0 : request->comm->grace_ms;
    request->timeout_ms = (uint32_t)(timeout_ns / HWI_NS_PER_MS);
    request->limit_ns =
        hwi_host_now() + timeout_ns + (grace_ms + HWI_REPLY_SLACK_MS) * HWI_NS_PER_MS;
}

static hws_status submit(struct hws_comm *comm, struct hws_request *request,
                         const struct hwi_submission *submission)
{
    int status = hwi_host_submit(comm->host, submission);
    if (status != 0) {
        return hwi_error_set(status, "%s could not be handed to the runtime: %s",
                             hwi_call_name(request->kind), hws_status_text(status));
    }
    comm->requests[comm->caller.in_flight++] = request;
    return HWS_OK;
}

static hws_status check_finished(const struct hws_comm *comm)
{
    if (comm->finished == HWS_OK) {
        return HWS_OK;
    }
    return hwi_error_set(
        comm->finished, "this communicator is finished (%s): close, open again and sync",
        comm->failed_check[0] != '\0' ? comm->failed_check : hws_status_text(comm->finished));
}

// The communicator's mutex is held.
static hws_status start_held(struct hws_comm *comm, struct hws_request *request, bool async,
                             struct hwi_call *call)
{
    struct hwi_error error;
    hws_status status = check_finished(comm);
    if (status != HWS_OK) {
        return status;
    }
    if (hwi_caller_check(&comm->caller, call, &error) != HWS_OK) {
        return hwi_error_again(&error);
    }
    hwi_caller_name(&comm->caller, call, async);
    *request = (struct hws_request){.comm = comm, .async = async};
    remember(request, call);
    set_limit(request, call->request.timeout_ns);
    struct hwi_submission submission = {
        .to = hwi_addr_of(HWI_ROLE_PEER, 0),
        .buffers = {hwi_location_of(call->input), hwi_location_of(call->output), call->input_bytes,
                    call->output_bytes},
    };
    submission.msg.type = HWI_MSG_request;
    submission.msg.u.request = call->request;
    return submit(comm, request, &submission);
}

static hws_status start(struct hws_comm *comm, struct hws_request *request, bool async,
                        struct hwi_call *call)
{
    hws_status status = hwi_comm_lock(comm, hwi_call_name(call->request.kind));
    if (status == HWS_OK) {
        status = start_held(comm, request, async, call);
        pthread_mutex_unlock(&comm->mutex);
    }
    return status;
}

hws_status hwi_request_launch(struct hws_comm *comm, const char *function, struct hwi_call *call,
                              hws_request **request)
{
    struct hws_request *made = calloc(1, sizeof *made);
    if (made == NULL || !hwi_handles_add(HWI_HANDLE_REQUEST, made)) {
        free(made);
        return hwi_error_set(HWS_E_NO_MEMORY, "%s: out of memory", function);
    }
    hws_status status = start(comm, made, true, call);
    if (status != HWS_OK) {
        hwi_handles_remove(HWI_HANDLE_REQUEST, made);
        free(made);
        return status;
    }
    *request = made;
    return HWS_OK;
}

// Takes it out of the table; the communicator's mutex is held.
static void leave_table(struct hws_request *request)
{
    struct hws_comm *comm = request->comm;
    uint32_t index = 0;
    while (comm->requests[index] != request) {
        index++;
    }
    hwi_caller_collect(&comm->caller, &request->reply.u.reply, request->async);
    comm->requests[index] = comm->requests[comm->caller.in_flight];
}

hws_status hwi_request_collect(struct hws_request *request, uint64_t *value, hws_result *result)
{
    struct hws_comm *comm = request->comm;
    const struct hwi_msg_reply *reply = &request->reply.u.reply;
    hwi_result_write(result, reply);
    if (reply->status != HWS_OK) {
        hwi_sentence_set(request);
    } else if (value != NULL) {
        *value = reply->value;
    }
    if (reply->status == HWS_OK) {
        hwi_counts_write(request->counts, request->counts_room, reply);
    }
    hws_status status = reply->status;
    bool async = request->async;
    free(request->block);
    if (async) { // nobody finds it any more
        hwi_handles_remove(HWI_HANDLE_REQUEST, request);
    }
    pthread_mutex_lock(&comm->mutex);
    leave_table(request);
    if (async) {
        free(request);
    }
    hwi_comm_unlock_and_free(comm);
    return status;
}

static hws_status await_and_collect(struct hws_request *request, uint64_t *value,
                                    hws_result *result)
{
    struct hwi_wait wait;
    hwi_wait_own(&wait, request->comm, &request, 1);
    hwi_wait_for(&wait, 1, HWI_NEVER);
    hwi_wait_end(&wait, request);
    return hwi_request_collect(request, value, result);
}

hws_status hwi_request_call(struct hws_comm *comm, struct hwi_call *call, uint64_t *value,
                            hws_result *result)
{
    struct hws_request request;
    hws_status status = start(comm, &request, false, call);
    if (status != HWS_OK) {
        return hwi_result_fail(result, status);
    }
    return await_and_collect(&request, value, result);
}

hws_status hwi_request_close(struct hws_comm *comm, struct hwi_call *call)
{
    struct hws_request request;
    pthread_mutex_lock(&comm->mutex);
    hws_status status = start_held(comm, &request, false, call);
    pthread_mutex_unlock(&comm->mutex);
    return status != HWS_OK ? status : await_and_collect(&request, NULL, NULL);
}

hws_status hwi_request_open(struct hws_comm *comm, const struct hwi_msg_open *open,
                            uint32_t open_ms)
{
    struct hws_request request = {.comm = comm, .kind = HWI_KIND_NONE};
    struct hwi_submission submission = {.to = hwi_addr_of(HWI_ROLE_PEER, 0)};
    submission.msg.type = HWI_MSG_open;
    submission.msg.u.open = *open;
    pthread_mutex_lock(&comm->mutex);
    request.id = submission.msg.u.open.request = ++comm->caller.last_request;
    set_limit(&request, open->timeout_ns);
    request.timeout_ms = open_ms;
    hws_status status = check_finished(comm);
    if (status == HWS_OK) {
        status = submit(comm, &request, &submission);
    }
    pthread_mutex_unlock(&comm->mutex);
    return status != HWS_OK ? status : await_and_collect(&request, NULL, NULL);
}

static struct hws_request *find_waiting(struct hws_comm *comm, uint64_t id)
{
    for (uint32_t i = 0; i < comm->caller.in_flight; i++) {
        if (comm->requests[i]->id == id && !comm->requests[i]->done) {
            return comm->requests[i];
        }
    }
    return NULL;
}

// Without memory for its lists a failed call's reply still tells the outcome. A success without
// its members would be a wrong answer: then this returns false.
static bool keep_reply(struct hws_request *request, const struct hwi_msg *msg)
{
    if (hwi_msg_clone(msg, &request->reply, &request->block)) {
        return true;
    }
    if (msg->u.reply.status == HWS_OK) {
        return false;
    }
    request->reply = *msg;
    request->reply.u.reply.members = NULL;
    request->reply.u.reply.members_count = 0;
    request->reply.u.reply.lost = NULL;
    request->reply.u.reply.lost_count = 0;
    request->reply.u.reply.counts = NULL;
    request->reply.u.reply.counts_count = 0;
    request->block = NULL;
    return true;
}

// The state after a sync; where nobody is left to say so, a failed one may have been cut anywhere.
static void note_state(const struct hws_request *request)
{
    hws_state *state = request->kind == HWI_KIND_SYNC ? request->comm->state : NULL;
    if (state != NULL && request->reply.u.reply.status == HWS_OK) {
        atomic_store(&state->torn, false);
    } else if (state != NULL && request->reply.u.reply.state_dirty) {
        atomic_store(&state->torn, true);
    }
}

static void end(struct hws_request *request)
{
    note_state(request);
    request->done = true;
    if (request->wait != NULL) {
        pthread_cond_signal(&request->wait->replied);
    }
}

void hwi_request_replied(struct hws_comm *comm, const struct hwi_msg *msg)
{
    pthread_mutex_lock(&comm->mutex);
    struct hws_request *request = find_waiting(comm, msg->u.reply.request);
    bool kept = request == NULL || keep_reply(request, msg);
    if (request != NULL && kept) {
        if (request->memory && comm->host != NULL) {
            hwi_host_forget(comm->host, request->id);
        }
        hwi_stats_count(comm, request);
        if (request->id == HWI_CALLER_OPENING && msg->u.reply.rank < msg->u.reply.members_count) {
            comm->caller.self = msg->u.reply.members[msg->u.reply.rank].value;
        }
        end(request);
    }
    pthread_mutex_unlock(&comm->mutex);
    HWI_CHECK_MEMORY(kept);
}

void hwi_requests_end(struct hws_comm *comm, hws_status status, const char *reason)
{
    for (uint32_t i = 0; i < comm->caller.in_flight; i++) {
        struct hws_request *request = comm->requests[i];
        if (request->done) {
            continue;
        }
        memset(&request->reply, 0, sizeof request->reply);
        request->reply.type = HWI_MSG_reply;
        request->reply.u.reply.request = request->id;
        request->reply.u.reply.status = status;
        request->reply.u.reply.state_dirty = 1;
        snprintf(request->reply.u.reply.reason, HWI_TEXT_BYTES_MAX, "%s", reason);
        end(request);
    }
}
