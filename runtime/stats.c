// SPDX-License-Identifier: MIT
// The communicator's counters of the replies to its calls.
#include "runtime/request.h"

static uint64_t *outcome(hws_stats *counts, hws_status status)
{
    switch (status) {
    case HWS_OK:
        return &counts->committed;
    case HWS_E_VIEW:
        return &counts->failed_view;
    case HWS_E_MEMBER_LOST:
        return &counts->failed_member_lost;
    case HWS_E_TIMEOUT:
        return &counts->failed_timeout;
    case HWS_E_WITHDRAWN:
        return &counts->failed_withdrawn;
    case HWS_E_CANCELLED:
        return &counts->failed_cancelled;
    case HWS_E_MISMATCH:
        return &counts->failed_mismatch;
    default:
        return &counts->failed_other;
    }
}

bool hwi_request_is_operation(const struct hws_request *request)
{
    return request->id != HWI_CALLER_OPENING && request->kind != HWI_KIND_NONE &&
           request->kind != HWI_KIND_CLOSE;
}

static void count_operation(hws_stats *counts, const struct hwi_msg_reply *reply)
{
    uint32_t committed = reply->status == HWS_OK;
    ++*outcome(counts, reply->status);
    counts->attempts += reply->attempts;
    counts->aborted += reply->attempts > committed ? reply->attempts - committed : 0;
    counts->retries += reply->attempts > 1 ? reply->attempts - 1 : 0;
    counts->members_wait_us += reply->members_us;
    counts->commit_wait_us += reply->commit_us;
    counts->credit_wait_us += reply->credit_us;
}

void hwi_stats_count(struct hws_comm *comm, const struct hws_request *request)
{
    const struct hwi_msg_reply *reply = &request->reply.u.reply;
    if (hwi_request_is_operation(request)) {
        count_operation(&comm->counts, reply);
    }
    if (reply->view > comm->view) {
        comm->view = reply->view;
        comm->counts.views++;
    }
}
