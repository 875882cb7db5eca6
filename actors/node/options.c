// SPDX-License-Identifier: MIT
#include "actors/node/options.h"

#include "actors/node/error.h"
#include "actors/node/sized.h"

hws_status hwi_call_options_read(const hws_options *given, struct hwi_msg_request *request)
{
    hws_options options;
    if (given == NULL)
        return HWS_OK;
    if (!hwi_sized_read(&options, sizeof(options), given))
        return hwi_error_set(HWS_E_INVALID, "bytes_of_struct of hws_options is not set: begin with "
                                            "HWS_OPTIONS_INIT");
    if (options.plan > HWI_PLAN_DIRECT)
        return hwi_error_set(HWS_E_INVALID, "plan is %u: it must be 0, 1 or 2", options.plan);
    if (options.timeout_ms != 0)
        request->timeout_ns = options.timeout_ms * HWI_NS_PER_MS;
    request->tag = options.tag;
    request->retry = options.retry != 0;
    request->plan = (uint8_t)options.plan;
    return HWS_OK;
}
