// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include <hawser/collective.h>

#include "actors/node/error.h"
#include "actors/node/options.h"
#include "actors/node/result.h"
#include "collectives/kernels/kernels.h"

static hws_status check_types(hws_dtype dtype, hws_redop redop)
{
    if (hws_dtype_bytes(dtype) == 0)
        return hwi_error_set(HWS_E_INVALID, "dtype %d is no element type", (int)dtype);
    if (redop < HWS_SUM || redop > HWS_MIN)
        return hwi_error_set(HWS_E_INVALID, "redop %d is no reduction", (int)redop);
    if (hwi_kernel_find((uint8_t)dtype, (uint8_t)redop) == NULL)
        return hwi_error_set(HWS_E_UNSUPPORTED,
                             "%s of %s is not supported: this version has sum and avg of f32 and "
                             "f64",
                             hws_redop_name(redop), hws_dtype_name(dtype));
    return HWS_OK;
}

static bool overlap(const void *input, const void *output, uint64_t bytes)
{
    uintptr_t a = (uintptr_t)input, b = (uintptr_t)output;
    return a != b && (a < b ? b - a : a - b) < bytes;
}

static hws_status check_buffers(const void *input, const void *output, size_t count,
                                uint64_t element_bytes)
{
    if (input == NULL)
        return hwi_error_null("hws_all_reduce", "input");
    if (output == NULL)
        return hwi_error_null("hws_all_reduce", "output");
    if (count == 0)
        return hwi_error_set(HWS_E_INVALID, "hws_all_reduce: count is 0");
    if (count > HWI_TENSOR_BYTES_MAX / element_bytes)
        return hwi_error_set(HWS_E_LIMIT, "hws_all_reduce: count %zu is more than 2^40 bytes",
                             count);
    if (overlap(input, output, count * element_bytes))
        return hwi_error_set(HWS_E_INVALID, "hws_all_reduce: input and output overlap: pass the "
                                            "same pointer or disjoint memory");
    return HWS_OK;
}

static hws_status make_all_reduce(struct hws_comm *comm, const void *input, void *output,
                                  size_t count, hws_dtype dtype, hws_redop redop,
                                  const hws_options *options, struct hwi_submission *submission)
{
    *submission = hwi_request_make(comm, HWI_KIND_ALL_REDUCE);
    struct hwi_msg_request *request = &submission->msg.u.request;
    hws_status status = check_types(dtype, redop);
    if (status == HWS_OK)
        status = check_buffers(input, output, count, hws_dtype_bytes(dtype));
    if (status == HWS_OK)
        status = hwi_call_options_read(options, request);
    request->dtype = (uint8_t)dtype;
    request->redop = (uint8_t)redop;
    request->count = count;
    request->in_place = input == output;
    submission->input = input;
    submission->output = output;
    submission->bytes = count * hws_dtype_bytes(dtype);
    return status;
}

hws_status hws_all_reduce(hws_comm *comm, const void *input, void *output, size_t count,
                          hws_dtype dtype, hws_redop redop, const hws_options *options,
                          hws_result *result)
{
    struct hwi_submission submission;
    hws_status status = hwi_comm_check(comm, "hws_all_reduce", result);
    if (status != HWS_OK)
        return status;
    status = make_all_reduce(comm, input, output, count, dtype, redop, options, &submission);
    if (status != HWS_OK)
        return hwi_result_fail(result, status);
    return hwi_request_call(comm, &submission, NULL, result);
}

hws_status hws_all_reduce_async(hws_comm *comm, const void *input, void *output, size_t count,
                                hws_dtype dtype, hws_redop redop, const hws_options *options,
                                hws_request **request)
{
    struct hwi_submission submission;
    hws_status status = hwi_comm_check(comm, "hws_all_reduce_async", NULL);
    if (status != HWS_OK)
        return status;
    if (request == NULL)
        return hwi_error_null("hws_all_reduce_async", "request");
    status = make_all_reduce(comm, input, output, count, dtype, redop, options, &submission);
    if (status != HWS_OK)
        return status;
    struct hws_request *started = malloc(sizeof(*started));
    if (started == NULL)
        return hwi_error_set(HWS_E_NO_MEMORY, "hws_all_reduce_async: out of memory");
    status = hwi_request_start(comm, started, true, &submission);
    if (status != HWS_OK) {
        free(started);
        return status;
    }
    *request = started;
    return HWS_OK;
}

hws_status hws_wait(hws_request *request, uint32_t timeout_ms, hws_result *result)
{
    if (request == NULL)
        return hwi_error_null("hws_wait", "request");
    hws_status status = hwi_comm_check(request->comm, "hws_wait", result);
    if (status != HWS_OK)
        return status;
    uint64_t until_ns =
        timeout_ms == UINT32_MAX ? HWI_NEVER : hwi_host_now() + timeout_ms * HWI_NS_PER_MS;
    if (!hwi_request_await(request, until_ns))
        return hwi_result_fail(result, hwi_error_set(HWS_E_PENDING, "the operation is still in "
                                                                    "flight: wait again"));
    status = hwi_request_collect(request, NULL, result);
    free(request);
    return status;
}

hws_status hws_agree(hws_comm *comm, uint64_t value, hws_agree_op agree_op,
                     const hws_options *options, uint64_t *agreed, hws_result *result)
{
    hws_status status = hwi_comm_check(comm, "hws_agree", result);
    if (status != HWS_OK)
        return status;
    struct hwi_submission submission = hwi_request_make(comm, HWI_KIND_AGREE);
    if (agreed == NULL)
        status = hwi_error_null("hws_agree", "agreed");
    else if (agree_op != HWS_AGREE_AND && agree_op != HWS_AGREE_MIN)
        status = hwi_error_set(HWS_E_INVALID, "hws_agree: agree_op %d is none", (int)agree_op);
    else
        status = hwi_call_options_read(options, &submission.msg.u.request);
    if (status != HWS_OK)
        return hwi_result_fail(result, status);
    submission.msg.u.request.redop = (uint8_t)agree_op;
    submission.msg.u.request.value = value;
    return hwi_request_call(comm, &submission, agreed, result);
}
