// SPDX-License-Identifier: MIT
#include "tools/trainer/trainer.h"

#include <stdio.h>

#include "runtime/call/operation.h"

enum { TIMEOUT_MS = 60000, VIEW_MS = 1000 };

static const hws_what whats[] = {
    [HWI_KIND_ALL_REDUCE] = HWS_ALL_REDUCE, [HWI_KIND_REDUCE_SCATTER] = HWS_REDUCE_SCATTER,
    [HWI_KIND_ALL_GATHER] = HWS_ALL_GATHER, [HWI_KIND_BROADCAST] = HWS_BROADCAST,
    [HWI_KIND_BARRIER] = HWS_BARRIER,       [HWI_KIND_AGREE] = HWS_AGREE,
    [HWI_KIND_AGREE_RUN] = HWS_AGREE,       [HWI_KIND_BARRIER_RUN] = HWS_BARRIER,
};

static bool is_operation(uint8_t kind)
{
    return kind < HWI_COUNT(whats) && whats[kind] != 0;
}

static hws_options options_of(const struct trainer_call *call)
{
    bool run = hwi_kind_is_run_wide(call->kind) && is_operation(call->kind);
    hws_options options = HWS_OPTIONS_INIT;
    options.tag = call->tag;
    options.timeout_ms = (uint32_t)call->timeout_ms;
    options.retry = call->retry;
    options.plan = call->plan;
    options.scope = run ? HWS_SCOPE_RUN : HWS_SCOPE_GROUP;
    options.verify = call->verify;
    return options;
}

hws_op trainer_op(const struct trainer_call *call, size_t *counts, size_t counts_room)
{
    hws_op op = HWS_OP_INIT;
    op.what = whats[call->kind];
    op.input = call->input;
    op.output = call->output;
    op.count = call->count;
    op.room = call->room;
    op.counts = call->unequal ? counts : NULL;
    op.counts_room = counts_room;
    op.dtype = (hws_dtype)call->dtype;
    op.redop = (hws_redop)call->redop;
    op.root.value = call->root;
    op.value = call->value;
    op.agree_op = (hws_agree_op)call->redop;
    op.options = options_of(call);
    return op;
}

static hws_status make(const struct trainer_call *call, struct hwi_call *made,
                       struct hwi_error *error)
{
    if (is_operation(call->kind)) {
        static size_t nowhere; // counts that nobody reads: there is no room for them
        hws_op op = trainer_op(call, &nowhere, 0);
        return hwi_operation_make("trainer", &op, made, error);
    }
    if (call->kind == HWI_KIND_SYNC) {
        hws_options options = options_of(call);
        hws_strategy strategy =
            call->strategy != 0 ? (hws_strategy)call->strategy : HWS_SYNC_ENFORCE;
        return hwi_call_sync(strategy, call->value, false, &options, made, error);
    }
    *made = hwi_call_of(call->kind);
    made->request.timeout_ns = call->timeout_ms * HWI_NS_PER_MS;
    return HWS_OK;
}

struct hwi_caller trainer_caller(const struct hwi_sim *sim, uint32_t node)
{
    struct hwi_sim_asked asked;
    hwi_sim_asked(sim, node, &asked);
    return (struct hwi_caller){.self = asked.self,
                               .last_request = asked.requests,
                               .collected = asked.collected,
                               .timeout_ms = TIMEOUT_MS,
                               .in_flight = asked.in_flight};
}

// A request without a handle is collected when it ends: its caller waits for it.
static bool is_async(uint8_t kind)
{
    return is_operation(kind);
}

uint64_t trainer_submit(struct hwi_sim *sim, uint32_t node, struct hwi_call *call)
{
    struct hwi_caller caller = trainer_caller(sim, node);
    struct hwi_buffers buffers = {hwi_location_of(call->input), hwi_location_of(call->output),
                                  call->input_bytes, call->output_bytes};
    hwi_caller_name(&caller, call, is_async(call->request.kind));
    return hwi_sim_submit(sim, node, &call->request, &buffers);
}

hws_status trainer_try(struct hwi_sim *sim, uint32_t node, const struct trainer_call *call,
                       uint64_t *request, struct hwi_error *error)
{
    struct hwi_call made;
    struct hwi_caller caller = trainer_caller(sim, node);
    hws_status status = make(call, &made, error);
    if (status == HWS_OK) {
        status = hwi_caller_check(&caller, &made, error);
    }
    if (status == HWS_OK) {
        *request = trainer_submit(sim, node, &made);
    }
    return status;
}

uint64_t trainer_call(struct hwi_sim *sim, uint32_t node, const struct trainer_call *call)
{
    uint64_t request = 0;
    struct hwi_error error;
    hws_status status = trainer_try(sim, node, call, &request, &error);
    if (status != HWS_OK) {
        fprintf(stderr, "process %u: %s\n", node, error.sentence);
    }
    HWI_CHECK(status == HWS_OK);
    return request;
}

uint64_t trainer_view(struct hwi_sim *sim, uint32_t node)
{
    return trainer_call(sim, node, &(struct trainer_call){.timeout_ms = VIEW_MS});
}

void trainer_close(struct hwi_sim *sim, uint32_t node)
{
    trainer_call(sim, node, &(struct trainer_call){.kind = HWI_KIND_CLOSE});
}
