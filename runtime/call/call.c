// SPDX-License-Identifier: MIT
#include "runtime/call/call.h"

#include <string.h>

#include "runtime/call/options.h"

struct hwi_call hwi_call_of(uint8_t kind)
{
    struct hwi_call call;
    memset(&call, 0, sizeof call);
    call.request.kind = kind;
    return call;
}

hws_status hwi_call_sync(hws_strategy strategy, uint64_t revision, bool changed,
                         const hws_options *options, struct hwi_call *call, struct hwi_error *error)
{
    if (strategy < HWS_SYNC_ENFORCE || strategy > HWS_SYNC_RECEIVE_ONLY) {
        return hwi_error_say(error, HWS_E_INVALID, "hws_sync: strategy %d is unknown",
                             (int)strategy);
    }
    *call = hwi_call_of(HWI_KIND_SYNC);
    hws_status status = hwi_call_options_read(options, &call->request, error);
    call->request.tag = 0; // it has none
    call->request.value = revision;
    call->request.strategy = (uint8_t)strategy;
    call->request.verify = changed ? HWS_VERIFY_ALWAYS : call->request.verify;
    return status;
}
