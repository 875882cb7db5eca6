// SPDX-License-Identifier: MIT
#include "runtime/call/options.h"

#include "runtime/call/sized.h"

static const struct hwi_option call_options[] = {
    HWI_OPTION(hws_options, tag, ANY, .standard = "0",
               .doc = "the sequence of calls to which it belongs; a view has 4096, in all groups "
                      "together"),
    HWI_OPTION(hws_options, timeout_ms, NUMBER, .least = 1, .most = UINT32_MAX,
               .doc = "deadline in ms; default: the communicator's timeout_ms"),
    HWI_OPTION(hws_options, retry, FLAG, .standard = "0", .most = 1,
               .doc = "run again with the survivors until the deadline"),
    HWI_OPTION(hws_options, plan, NUMBER, .standard = "0", .least = HWI_PLAN_AUTO,
               .most = HWI_PLAN_COUNT - 1,
               .doc = "0 = by size, 1 = one-shot, 2 = direct; the same on all members"),
    HWI_OPTION(hws_options, scope, NUMBER, .standard = "0", .least = HWS_SCOPE_GROUP,
               .most = HWS_SCOPE_RUN,
               .doc = "agree and barrier: 0 = the own group, 1 = the run; the same on all "
                      "members"),
    HWI_OPTION(hws_options, verify, NUMBER, .standard = "0", .least = HWS_VERIFY_ALWAYS,
               .most = HWS_VERIFY_WHEN_CHANGED,
               .doc = "hws_sync: 0 = hash always, 1 = not if view and revision say that the "
                      "state is unchanged"),
};

const struct hwi_option_table hwi_call_options = {call_options, HWI_COUNT(call_options)};

// A call of all groups together is another kind of call.
static hws_status read_scope(uint32_t scope, uint8_t *kind, struct hwi_error *error)
{
    if (scope == HWS_SCOPE_GROUP) {
        return HWS_OK;
    }
    if (!hwi_kind_is_agreement(*kind)) {
        return hwi_error_say(error, HWS_E_INVALID,
                             "scope is HWS_SCOPE_RUN: only agree and barrier span all groups");
    }
    *kind = *kind == HWI_KIND_AGREE ? HWI_KIND_AGREE_RUN : HWI_KIND_BARRIER_RUN;
    return HWS_OK;
}

hws_status hwi_call_options_read(const hws_options *given, struct hwi_msg_request *request,
                                 struct hwi_error *error)
{
    hws_options options;
    if (given == NULL) {
        return HWS_OK;
    }
    if (!hwi_sized_read(&options, sizeof options, given)) {
        return hwi_error_say(error, HWS_E_INVALID,
                             "bytes_of_struct of hws_options is not set: begin with "
                             "HWS_OPTIONS_INIT");
    }
    hws_status status = hwi_options_fill(&hwi_call_options, NULL, &options, error);
    if (status != HWS_OK) {
        return status;
    }
    // A later version's caller may mean something by it. In 0.1.0's, which ends there, it is
    // padding.
    if (hwi_sized_bytes(given) > offsetof(hws_options, scope) && options.reserved != 0) {
        return hwi_error_say(error, HWS_E_INVALID, "reserved of hws_options is %u: it must be 0",
                             options.reserved);
    }
    if (options.timeout_ms != 0) {
        request->timeout_ns = options.timeout_ms * HWI_NS_PER_MS;
    }
    request->tag = options.tag;
    request->retry = (uint8_t)options.retry;
    request->plan = (uint8_t)options.plan;
    request->verify = (uint8_t)options.verify;
    return read_scope(options.scope, &request->kind, error);
}
