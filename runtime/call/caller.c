// SPDX-License-Identifier: MIT
#include "runtime/call/caller.h"

static bool has_room(const struct hwi_caller *caller, uint8_t kind)
{
    bool control = kind == HWI_KIND_NONE || kind == HWI_KIND_CLOSE;
    return caller->in_flight < (uint32_t)(control ? HWI_CALLS_MAX : HWI_OPS_MAX);
}

bool hwi_caller_lacks_input(const struct hwi_caller *caller, const struct hwi_call *call)
{
    return call->request.kind == HWI_KIND_BROADCAST && call->request.root == caller->self &&
           call->input == NULL;
}

hws_status hwi_caller_check(const struct hwi_caller *caller, const struct hwi_call *call,
                            struct hwi_error *error)
{
    if (!has_room(caller, call->request.kind)) {
        return hwi_error_say(error, HWS_E_LIMIT,
                             "%d operations are in flight: hws_wait for some first", HWI_OPS_MAX);
    }
    if (hwi_caller_lacks_input(caller, call)) {
        return hwi_error_say(error, HWS_E_INVALID,
                             "broadcast: input is NULL, and this member is the root");
    }
    return HWS_OK;
}

void hwi_caller_name(struct hwi_caller *caller, struct hwi_call *call, bool async)
{
    struct hwi_msg_request *request = &call->request;
    request->request = ++caller->last_request;
    request->async = async;
    request->collected = caller->collected;
    if (request->timeout_ns == 0) {
        uint32_t timeout_ms = request->kind == HWI_KIND_CLOSE ? HWI_CLOSE_MS : caller->timeout_ms;
        request->timeout_ns = timeout_ms * HWI_NS_PER_MS;
    }
}

void hwi_caller_collect(struct hwi_caller *caller, const struct hwi_msg_reply *reply, bool async)
{
    caller->in_flight--;
    if (reply->status == HWS_OK || hws_status_class(reply->status) == HWS_CLASS_VIEW) {
        caller->pending = reply->pending;
    }
    caller->collected += async && reply->status != HWS_OK;
}
