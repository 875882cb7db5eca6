// SPDX-License-Identifier: MIT
#include "runtime/options.h"

#include "runtime/config.h"
#include "runtime/error.h"
#include "runtime/sized.h"

// A call of all groups together is another kind of call.
static hws_status read_scope(uint32_t scope, uint8_t *kind)
{
    if (scope == HWS_SCOPE_GROUP) {
        return HWS_OK;
    }
    if (!hwi_kind_is_agreement(*kind)) {
        return hwi_error_set(HWS_E_INVALID,
                             "scope is HWS_SCOPE_RUN: only agree and barrier span all groups");
    }
    *kind = *kind == HWI_KIND_AGREE ? HWI_KIND_AGREE_RUN : HWI_KIND_BARRIER_RUN;
    return HWS_OK;
}

hws_status hwi_call_options_read(const hws_options *given, struct hwi_msg_request *request)
{
    hws_options options;
    if (given == NULL) {
        return HWS_OK;
    }
    if (!hwi_sized_read(&options, sizeof options, given)) {
        return hwi_error_set(HWS_E_INVALID, "bytes_of_struct of hws_options is not set: begin with "
                                            "HWS_OPTIONS_INIT");
    }
    hws_status status = hwi_options_fill(&hwi_call_options, &options);
    if (status != HWS_OK) {
        return status;
    }
    // A later version's caller may mean something by it. In 0.1.0's, which ends there, it is
    // padding.
    if (hwi_sized_bytes(given) > offsetof(hws_options, scope) && options.reserved != 0) {
        return hwi_error_set(HWS_E_INVALID, "reserved of hws_options is %u: it must be 0",
                             options.reserved);
    }
    if (options.timeout_ms != 0) {
        request->timeout_ns = options.timeout_ms * HWI_NS_PER_MS;
    }
    request->tag = options.tag;
    request->retry = (uint8_t)options.retry;
    request->plan = (uint8_t)options.plan;
    request->verify = (uint8_t)options.verify;
    return read_scope(options.scope, &request->kind);
}
