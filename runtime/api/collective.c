// SPDX-License-Identifier: MIT
// The collectives: each call is an hws_op, made and waited for, or made and given out.
#include <hawser/collective.h>

#include "runtime/call/operation.h"
#include "runtime/call/result.h"
#include "runtime/call/sized.h"
#include "runtime/error.h"
#include "runtime/request.h"

// As much of the options as the caller has: their size stays what it says, also if that is none.
static hws_op op_of(hws_what what, const hws_options *options)
{
    hws_op op = HWS_OP_INIT;
    size_t bytes = options != NULL ? hwi_sized_bytes(options) : sizeof op.options;
    op.what = what;
    if (options != NULL) {
        hwi_sized_read(&op.options, sizeof op.options, options);
    }
    op.options.bytes_of_struct = bytes < sizeof op.options ? bytes : sizeof op.options;
    return op;
}

static hws_status make(const char *function, const hws_op *op, struct hwi_call *made)
{
    struct hwi_error error;
    hws_status status = hwi_operation_make(function, op, made, &error);
    return status == HWS_OK ? HWS_OK : hwi_error_again(&error);
}

static hws_status call(hws_comm *comm, const char *function, const hws_op *op, uint64_t *value,
                       hws_result *result)
{
    struct hwi_call made;
    hws_status status = hwi_comm_check(comm, function, result);
    if (status != HWS_OK) {
        return status;
    }
    status = make(function, op, &made);
    if (status != HWS_OK) {
        return hwi_result_fail(result, status);
    }
    return hwi_request_call(comm, &made, value, result);
}

static hws_status start(hws_comm *comm, const char *function, const hws_op *op,
                        hws_request **request)
{
    struct hwi_call made;
    hws_status status = hwi_comm_check(comm, function, NULL);
    if (status != HWS_OK) {
        return status;
    }
    if (request == NULL) {
        return hwi_error_null(function, "request");
    }
    status = make(function, op, &made);
    return status != HWS_OK ? status : hwi_request_launch(comm, function, &made, request);
}

hws_status hws_start(hws_comm *comm, const hws_op *op, hws_request **request)
{
    return start(comm, "hws_start", op, request);
}

// ---- what each one is --------------------------------------------------------------------------

static hws_op all_reduce(const void *input, void *output, size_t count, hws_dtype dtype,
                         hws_redop redop, const hws_options *options)
{
    hws_op op = op_of(HWS_ALL_REDUCE, options);
    op.input = input;
    op.output = output;
    op.count = count;
    op.dtype = dtype;
    op.redop = redop;
    return op;
}

static hws_op reduce_scatter(const void *input, size_t count, void *output, size_t room,
                             hws_dtype dtype, hws_redop redop, const hws_options *options)
{
    hws_op op = all_reduce(input, output, count, dtype, redop, options);
    op.what = HWS_REDUCE_SCATTER;
    op.room = room;
    return op;
}

static hws_op all_gather(const void *input, size_t count, void *output, size_t room, size_t *counts,
                         size_t counts_room, hws_dtype dtype, const hws_options *options)
{
    hws_op op = op_of(HWS_ALL_GATHER, options);
    op.input = input;
    op.count = count;
    op.output = output;
    op.room = room;
    op.counts = counts;
    op.counts_room = counts_room;
    op.dtype = dtype;
    return op;
}

static hws_op broadcast(const void *input, void *output, size_t count, hws_dtype dtype,
                        hws_peer_id root, const hws_options *options)
{
    hws_op op = op_of(HWS_BROADCAST, options);
    op.input = input;
    op.output = output;
    op.count = count;
    op.dtype = dtype;
    op.root = root;
    return op;
}

static hws_op agree(uint64_t value, hws_agree_op agree_op, const hws_options *options)
{
    hws_op op = op_of(HWS_AGREE, options);
    op.value = value;
    op.agree_op = agree_op;
    return op;
}

// ---- the calls ---------------------------------------------------------------------------------

hws_status hws_all_reduce(hws_comm *comm, const void *input, void *output, size_t count,
                          hws_dtype dtype, hws_redop redop, const hws_options *options,
                          hws_result *result)
{
    hws_op op = all_reduce(input, output, count, dtype, redop, options);
    return call(comm, "hws_all_reduce", &op, NULL, result);
}

hws_status hws_all_reduce_async(hws_comm *comm, const void *input, void *output, size_t count,
                                hws_dtype dtype, hws_redop redop, const hws_options *options,
                                hws_request **request)
{
    hws_op op = all_reduce(input, output, count, dtype, redop, options);
    return start(comm, "hws_all_reduce_async", &op, request);
}

hws_status hws_reduce_scatter(hws_comm *comm, const void *input, size_t count, void *output,
                              size_t room, hws_dtype dtype, hws_redop redop,
                              const hws_options *options, hws_result *result)
{
    hws_op op = reduce_scatter(input, count, output, room, dtype, redop, options);
    return call(comm, "hws_reduce_scatter", &op, NULL, result);
}

hws_status hws_reduce_scatter_async(hws_comm *comm, const void *input, size_t count, void *output,
                                    size_t room, hws_dtype dtype, hws_redop redop,
                                    const hws_options *options, hws_request **request)
{
    hws_op op = reduce_scatter(input, count, output, room, dtype, redop, options);
    return start(comm, "hws_reduce_scatter_async", &op, request);
}

hws_status hws_all_gather(hws_comm *comm, const void *input, size_t count, void *output,
                          size_t room, size_t *counts, size_t counts_room, hws_dtype dtype,
                          const hws_options *options, hws_result *result)
{
    hws_op op = all_gather(input, count, output, room, counts, counts_room, dtype, options);
    return call(comm, "hws_all_gather", &op, NULL, result);
}

hws_status hws_all_gather_async(hws_comm *comm, const void *input, size_t count, void *output,
                                size_t room, size_t *counts, size_t counts_room, hws_dtype dtype,
                                const hws_options *options, hws_request **request)
{
    hws_op op = all_gather(input, count, output, room, counts, counts_room, dtype, options);
    return start(comm, "hws_all_gather_async", &op, request);
}

hws_status hws_broadcast(hws_comm *comm, const void *input, void *output, size_t count,
                         hws_dtype dtype, hws_peer_id root, const hws_options *options,
                         hws_result *result)
{
    hws_op op = broadcast(input, output, count, dtype, root, options);
    return call(comm, "hws_broadcast", &op, NULL, result);
}

hws_status hws_broadcast_async(hws_comm *comm, const void *input, void *output, size_t count,
                               hws_dtype dtype, hws_peer_id root, const hws_options *options,
                               hws_request **request)
{
    hws_op op = broadcast(input, output, count, dtype, root, options);
    return start(comm, "hws_broadcast_async", &op, request);
}

hws_status hws_barrier(hws_comm *comm, const hws_options *options, hws_result *result)
{
    hws_op op = op_of(HWS_BARRIER, options);
    return call(comm, "hws_barrier", &op, NULL, result);
}

hws_status hws_barrier_async(hws_comm *comm, const hws_options *options, hws_request **request)
{
    hws_op op = op_of(HWS_BARRIER, options);
    return start(comm, "hws_barrier_async", &op, request);
}

hws_status hws_agree(hws_comm *comm, uint64_t value, hws_agree_op agree_op,
                     const hws_options *options, uint64_t *agreed, hws_result *result)
{
    hws_op op = agree(value, agree_op, options);
    hws_status status = hwi_comm_check(comm, "hws_agree", result);
    if (status != HWS_OK) {
        return status;
    }
    if (agreed == NULL) {
        return hwi_result_fail(result, hwi_error_null("hws_agree", "agreed"));
    }
    return call(comm, "hws_agree", &op, agreed, result);
}

hws_status hws_agree_async(hws_comm *comm, uint64_t value, hws_agree_op agree_op,
                           const hws_options *options, hws_request **request)
{
    hws_op op = agree(value, agree_op, options);
    return start(comm, "hws_agree_async", &op, request);
}
