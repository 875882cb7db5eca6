// SPDX-License-Identifier: MIT
// What trainers ask and are told. On the wire between trainer and peer a request's id is its number
// + 1.
#include "transport/sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hawser/types.h>

static const struct hwi_addr trainer = {.role = HWI_ROLE_TRAINER};

static struct hwi_sim_process *member(const struct hwi_sim *sim, uint32_t node)
{
    HWI_CHECK(node < sim->node_count);
    return sim->nodes[node].process;
}

uint32_t hwi_sim_request_add(struct hwi_sim_process *process, uint8_t kind)
{
    if (process->request_count == process->request_capacity) {
        HWI_CHECK(process->request_capacity < HWI_SIM_REQUESTS_MAX);
        process->request_capacity = HWI_MAX(16, 2 * process->request_capacity);
        process->requests = hwi_resize(&hwi_alloc_libc, process->requests,
                                       process->request_capacity * sizeof(struct hwi_sim_request));
    }
    process->requests[process->request_count] = (struct hwi_sim_request){.kind = kind};
    return process->request_count++;
}

static bool is_operation(uint8_t kind)
{
    return kind != HWI_KIND_NONE && kind != HWI_KIND_CLOSE;
}

void hwi_sim_trainer_told(struct hwi_sim_process *process, const struct hwi_msg *msg)
{
    uint64_t number = msg->u.reply.request - 1;
    HWI_CHECK(msg->type == HWI_MSG_reply && number < process->request_count);
    struct hwi_sim_request *request = &process->requests[number];
    HWI_CHECK(request->reply == NULL); // a request is answered once
    request->reply = hwi_new(&hwi_alloc_libc, sizeof *request->reply);
    HWI_CHECK(hwi_msg_clone(msg, request->reply, &request->reply_block));
    request->reply->u.reply.request = number;
    hwi_sim_transcript_add(process->sim, process->name, "", request->reply);
    if (process->sim->config.replied != NULL) {
        process->sim->config.replied(process->sim->config.replied_user, process->node);
    }
    if (request->has_memory) {
        hwi_data_forget(process->data, msg->u.reply.request);
    }
    if (request->kind == HWI_KIND_CLOSE) {
        process->dying = process->left = true;
    }
}

void hwi_sim_forget(struct hwi_sim *sim, uint32_t node, uint64_t number)
{
    struct hwi_sim_process *process = member(sim, node);
    HWI_CHECK(number < process->request_count);
    struct hwi_sim_request *request = &process->requests[number];
    free(request->reply_block);
    hwi_free(&hwi_alloc_libc, request->reply);
    request->reply = NULL;
    request->reply_block = NULL;
}

void hwi_sim_trainer_fini(struct hwi_sim_process *process)
{
    for (uint32_t i = 0; i < process->request_count; i++) {
        free(process->requests[i].reply_block);
        hwi_free(&hwi_alloc_libc, process->requests[i].reply);
    }
    hwi_free(&hwi_alloc_libc, process->requests);
    process->requests = NULL;
    process->request_count = process->request_capacity = 0;
}

void hwi_sim_trainer_open(struct hwi_sim_process *process, uint32_t min_members)
{
    const struct hwi_sim_node *node = hwi_sim_node_of(process->sim, process->node);
    struct hwi_msg msg = {.type = HWI_MSG_open};
    msg.u.open = (struct hwi_msg_open){
        .incarnation = process->incarnation,
        .request = hwi_sim_request_add(process, HWI_KIND_NONE) + 1,
        .timeout_ns = 60 * HWI_NS_PER_S,
        .grace_ns = 15 * HWI_NS_PER_S,
        .min_members = min_members,
        .stripes = process->sim->config.stripes,
        .group = node->group,
        .unit_size = node->unit_size,
    };
    memcpy(msg.u.open.unit, node->unit, sizeof msg.u.open.unit);
    snprintf(msg.u.open.address, sizeof msg.u.open.address, "sim:%u", process->node);
    hwi_sim_process_tell(process, trainer, HWI_ROLE_PEER, &msg, 0);
}

static bool has_room(const struct hwi_sim_call *call)
{
    return call->kind == HWI_KIND_ALL_GATHER ||
           (call->kind == HWI_KIND_REDUCE_SCATTER && call->input != call->output);
}

static struct hwi_buffers buffers_of(const struct hwi_sim_call *call)
{
    uint64_t element_bytes = hws_dtype_bytes((hws_dtype)call->dtype);
    return (struct hwi_buffers){
        .input = call->input,
        .output = call->output,
        .input_bytes = call->input != NULL ? call->count * element_bytes : 0,
        .output_bytes = (has_room(call) ? call->room : call->count) * element_bytes,
    };
}

static bool is_in_place(const struct hwi_sim_call *call)
{
    struct hwi_buffers b = buffers_of(call);
    uintptr_t input = (uintptr_t)b.input, output = (uintptr_t)b.output;
    if (call->kind == HWI_KIND_ALL_GATHER) {
        return b.input_bytes > 0 && input >= output && input - output < b.output_bytes;
    }
    return b.output != NULL && b.input == b.output;
}

uint64_t hwi_sim_call(struct hwi_sim *sim, uint32_t node, const struct hwi_sim_call *call)
{
    struct hwi_sim_process *process = member(sim, node);
    struct hwi_msg msg = {.type = HWI_MSG_request};
    msg.u.request = (struct hwi_msg_request){
        .kind = call->kind,
        .tag = call->tag,
        .dtype = call->dtype,
        .redop = call->redop,
        .count = call->count,
        .in_place = is_in_place(call),
        .retry = call->retry,
        .plan = call->plan,
        .strategy = call->strategy,
        .verify = call->verify,
        .value = call->value,
        .root = call->root,
        .unequal = call->unequal,
        .room = has_room(call) ? call->room : call->count,
        .timeout_ns = call->timeout_ms * HWI_NS_PER_MS,
        .async = is_operation(call->kind),
        .collected = process->collected,
    };
    uint32_t number = hwi_sim_request_add(process, call->kind);
    msg.u.request.request = number + 1;
    if (process->alive) {
        if (call->output != NULL) {
            process->requests[number].has_memory = true;
            struct hwi_buffers buffers = buffers_of(call);
            hwi_data_memory(process->data, number + 1, &buffers);
        }
        hwi_sim_process_tell(process, trainer, HWI_ROLE_PEER, &msg, 0);
    }
    return number;
}

void hwi_sim_cancel(struct hwi_sim *sim, uint32_t node, uint64_t request)
{
    struct hwi_sim_process *process = member(sim, node);
    struct hwi_msg msg = {.type = HWI_MSG_cancel};
    HWI_CHECK(request < process->request_count);
    msg.u.cancel.request = request + 1;
    if (process->alive) {
        hwi_sim_process_tell(process, trainer, HWI_ROLE_PEER, &msg, 0);
    }
}

uint64_t hwi_sim_view(struct hwi_sim *sim, uint32_t node)
{
    return hwi_sim_call(sim, node, &(struct hwi_sim_call){.timeout_ms = 1000});
}

void hwi_sim_leave(struct hwi_sim *sim, uint32_t node)
{
    hwi_sim_call(sim, node, &(struct hwi_sim_call){.kind = HWI_KIND_CLOSE, .timeout_ms = 1000});
}

void hwi_sim_state(struct hwi_sim *sim, uint32_t node, const struct hwi_tensor *tensors,
                   void *const *memory, uint32_t count)
{
    struct hwi_sim_process *process = member(sim, node);
    struct hwi_tensor *copy = hwi_new(&hwi_alloc_libc, count * sizeof *copy);
    memcpy(copy, tensors, count * sizeof *copy);
    struct hwi_msg msg = {.type = HWI_MSG_state_layout};
    msg.u.state_layout.tensors = copy;
    msg.u.state_layout.tensors_count = count;
    for (uint32_t i = 0; process->alive && i < count; i++) {
        hwi_data_tensor(process->data, i, memory[i], tensors[i].bytes);
    }
    hwi_sim_process_tell(process, trainer, HWI_ROLE_SNAPSHOT, &msg, 0);
    hwi_free(&hwi_alloc_libc, copy);
}

const struct hwi_msg_reply *hwi_sim_peek(const struct hwi_sim *sim, uint32_t node, uint64_t request)
{
    const struct hwi_sim_process *process = member(sim, node);
    HWI_CHECK(request < process->request_count);
    const struct hwi_sim_request *asked = &process->requests[request];
    return asked->reply != NULL ? &asked->reply->u.reply : NULL;
}

const struct hwi_msg_reply *hwi_sim_reply(struct hwi_sim *sim, uint32_t node, uint64_t request)
{
    struct hwi_sim_process *process = member(sim, node);
    HWI_CHECK(request < process->request_count);
    struct hwi_sim_request *asked = &process->requests[request];
    if (asked->reply == NULL) {
        return NULL;
    }
    if (!asked->waited) {
        asked->waited = true;
        process->collected += is_operation(asked->kind) && asked->reply->u.reply.status != HWS_OK;
    }
    return &asked->reply->u.reply;
}
