// SPDX-License-Identifier: MIT
// The requests of the processes' trainers, and the replies, by number. Between a trainer and its
// peer a request's id is its number + 1.
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

uint32_t hwi_sim_request_add(struct hwi_sim_process *process, uint8_t kind, bool async)
{
    if (process->request_count == process->request_capacity) {
        HWI_CHECK(process->request_capacity < HWI_SIM_REQUESTS_MAX);
        process->request_capacity = HWI_MAX(16, 2 * process->request_capacity);
        process->requests = hwi_resize(&hwi_alloc_libc, process->requests,
                                       process->request_capacity * sizeof(struct hwi_sim_request));
    }
    process->requests[process->request_count] =
        (struct hwi_sim_request){.kind = kind, .async = async};
    process->in_flight++;
    return process->request_count++;
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
        .request = hwi_sim_request_add(process, HWI_KIND_NONE, false) + 1,
        .timeout_ns = 60 * HWI_NS_PER_S,
        .grace_ns = 15 * HWI_NS_PER_S,
        .min_members = min_members,
        .stripes = process->sim->config.stripes,
        .group = node->group,
        .unit_size = node->unit_size,
        .revision = node->revision,
        .has_revision = node->has_revision,
    };
    memcpy(msg.u.open.unit, node->unit, sizeof msg.u.open.unit);
    snprintf(msg.u.open.address, sizeof msg.u.open.address, "sim:%u", process->node);
    hwi_sim_process_tell(process, trainer, HWI_ROLE_PEER, &msg, 0);
}

void hwi_sim_asked(const struct hwi_sim *sim, uint32_t node, struct hwi_sim_asked *asked)
{
    const struct hwi_sim_process *process = member(sim, node);
    *asked = (struct hwi_sim_asked){.self = process->peer,
                                    .requests = process->request_count,
                                    .in_flight = process->in_flight,
                                    .collected = process->collected};
}

uint64_t hwi_sim_submit(struct hwi_sim *sim, uint32_t node, const struct hwi_msg_request *request,
                        const struct hwi_buffers *buffers)
{
    struct hwi_sim_process *process = member(sim, node);
    uint32_t number = hwi_sim_request_add(process, request->kind, request->async);
    struct hwi_msg msg = {.type = HWI_MSG_request, .u.request = *request};
    msg.u.request.request = number + 1;
    if (process->alive && buffers != NULL && hwi_location_exists(buffers->output)) {
        process->requests[number].has_memory = true;
        hwi_data_memory(process->data, number + 1, buffers);
    }
    if (process->alive) {
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
        hwi_data_tensor(process->data, i, hwi_location_of(memory[i]), tensors[i].bytes);
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
        process->in_flight--;
        process->collected += asked->async && asked->reply->u.reply.status != HWS_OK;
    }
    return &asked->reply->u.reply;
}
