// SPDX-License-Identifier: MIT
#include "tools/hawser/replay/fork/fork.h"

#include <stdlib.h>

#include <hawser/types.h>

#include "actors/wire/codec.h"
#include "runtime/call/call.h"

static void add(struct fork_trainer *trainer, const struct fork_request *request)
{
    if (trainer->count == trainer->capacity) {
        trainer->capacity = HWI_MAX(64, 2 * trainer->capacity);
        trainer->requests = hwi_resize(&hwi_alloc_libc, trainer->requests,
                                       trainer->capacity * sizeof *trainer->requests);
    }
    trainer->requests[trainer->count++] = *request;
}

static bool is_request(const struct hwi_event *event)
{
    return event->msg->type == HWI_MSG_request && event->from.role == HWI_ROLE_TRAINER;
}

// The opening is answered like a request.
static uint64_t request_of(const struct hwi_event *event)
{
    return event->msg->type == HWI_MSG_open ? event->msg->u.open.request
           : is_request(event)              ? event->msg->u.request.request
                                            : 0;
}

void fork_trainer_before(struct hwi_sim *sim, uint32_t node, struct fork_trainer *trainer,
                         const struct hwi_event *event)
{
    uint64_t request = request_of(event);
    if (request == 0) {
        return;
    }
    if (trainer->open_count == HWI_OPS_MAX - 1) {
        fork_trainer_begin(sim, node, trainer);
    }
    if (trainer->open_count == HWI_OPS_MAX - 1) {
        return; // answered after the fork, but nobody counts it
    }
    trainer->open[trainer->open_count++] =
        (struct fork_call){.number = hwi_sim_recorded(request), .recorded = trainer->count};
    add(trainer, &(struct fork_request){.msg = *event->msg});
}

// Of what was asked before, only what is not answered matters.
void fork_trainer_begin(struct hwi_sim *sim, uint32_t node, struct fork_trainer *trainer)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < trainer->open_count; i++) {
        struct fork_call call = trainer->open[i];
        if (hwi_sim_reply(sim, node, call.number) != NULL) {
            continue;
        }
        trainer->requests[left] = trainer->requests[call.recorded];
        trainer->open[left] = (struct fork_call){.number = call.number, .recorded = left};
        left++;
    }
    trainer->open_count = trainer->count = trainer->made = left;
    trainer->had_ns = hwi_sim_now(sim);
}

void fork_trainer_learn(struct fork_trainer *trainer, const struct hwi_journal_event *event,
                        uint64_t ns)
{
    bool asks = is_request(&event->event) || event->event.msg->type == HWI_MSG_state_layout;
    if (asks && trainer->count < FORK_REQUESTS_MAX) {
        struct fork_request request = {.replies = trainer->told, .delay_ns = ns - trainer->told_ns};
        HWI_CHECK(hwi_msg_clone(event->event.msg, &request.msg, &request.block));
        add(trainer, &request);
    }
    for (uint32_t i = 0; i < event->effect_count; i++) {
        if (event->effects[i].type == HWI_MSG_reply) {
            trainer->told++;
            trainer->told_ns = ns;
        }
    }
}

static void make(struct hwi_sim *sim, uint32_t node, struct fork_trainer *trainer,
                 const struct hwi_msg *msg, uint32_t recorded)
{
    uint64_t number = hwi_sim_repeat(sim, node, msg);
    if (msg->type == HWI_MSG_request) {
        trainer->open[trainer->open_count++] =
            (struct fork_call){.number = number, .recorded = recorded};
    }
}

static void acknowledge(struct hwi_sim *sim, uint32_t node, struct fork_trainer *trainer)
{
    struct hwi_msg msg = {.type = HWI_MSG_request};
    msg.u.request = hwi_call_of(HWI_KIND_NONE).request;
    msg.u.request.timeout_ns = 10 * HWI_NS_PER_S;
    trainer->acknowledges = true;
    make(sim, node, trainer, &msg, FORK_ACKNOWLEDGES);
}

// A member that is lost ends the call for all; by which status each hears of it is a matter of
// timing.
static bool ended_likewise(const struct fork_result *recorded, hws_status status)
{
    bool lost = recorded->status == HWS_E_MEMBER_LOST && hws_status_class(status) == HWS_CLASS_VIEW;
    return recorded->ended && (recorded->status == status || lost);
}

// The trainer's reaction to a reply: a change of the view is met by hws_view and the same call
// again, as retry would, unless the call ended in this way when it was recorded; an end is an end.
static void judge(struct fork_trainer *trainer, const struct fork_call *call,
                  const struct hwi_msg_reply *reply)
{
    hws_status status = (hws_status)reply->status;
    bool opening = call->recorded != FORK_ACKNOWLEDGES &&
                   trainer->requests[call->recorded].msg.type == HWI_MSG_open;
    bool as_recorded = call->recorded != FORK_ACKNOWLEDGES &&
                       ended_likewise(&trainer->requests[call->recorded].there, status);
    bool view = hws_status_class(status) == HWS_CLASS_VIEW && !opening && !as_recorded;
    if (hws_status_class(status) == HWS_CLASS_RUN || (opening && status != HWS_OK)) {
        trainer->finished = status;
    }
    if (call->recorded == FORK_ACKNOWLEDGES) {
        trainer->acknowledges = false;
    } else if (view && trainer->again_count < HWI_OPS_MAX && trainer->repeats < FORK_REPEATS_MAX) {
        trainer->again[trainer->again_count++] = call->recorded;
        trainer->repeats++;
        trainer->requests[call->recorded].repeats++;
        return; // the reply that the record counts is still to come
    } else if (status == HWS_OK) {
        trainer->ok++;
    } else {
        trainer->failed++;
    }
    if (call->recorded != FORK_ACKNOWLEDGES) {
        trainer->requests[call->recorded].here = (struct fork_result){
            .ended = true, .status = status, .view = reply->view, .members = reply->members_count};
        trainer->had++;
    }
}

static void collect(struct hwi_sim *sim, uint32_t node, struct fork_trainer *trainer)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < trainer->open_count; i++) {
        struct fork_call call = trainer->open[i];
        const struct hwi_msg_reply *reply = hwi_sim_reply(sim, node, call.number);
        if (reply == NULL) {
            trainer->open[left++] = call;
            continue;
        }
        trainer->had_ns = hwi_sim_now(sim);
        judge(trainer, &call, reply);
        hwi_sim_forget(sim, node, call.number);
    }
    trainer->open_count = left;
}

// After a change: what is in flight first, then hws_view, then the calls again in their order.
static void recover(struct hwi_sim *sim, uint32_t node, struct fork_trainer *trainer)
{
    if (trainer->open_count > 0 || trainer->finished) {
        return;
    }
    acknowledge(sim, node, trainer);
    for (uint32_t i = 0; i < trainer->again_count; i++) {
        uint32_t recorded = trainer->again[i];
        make(sim, node, trainer, &trainer->requests[recorded].msg, recorded);
    }
    trainer->again_count = 0;
}

uint64_t fork_trainer_act(struct hwi_sim *sim, uint32_t node, struct fork_trainer *trainer)
{
    collect(sim, node, trainer);
    if (trainer->again_count > 0) {
        recover(sim, node, trainer);
        return HWI_NEVER;
    }
    while (!trainer->finished && trainer->made < trainer->count &&
           trainer->open_count < HWI_OPS_MAX - 1) {
        const struct fork_request *next = &trainer->requests[trainer->made];
        uint64_t due_ns = trainer->had_ns + next->delay_ns;
        if (next->replies > trainer->had) {
            return HWI_NEVER;
        }
        if (due_ns > hwi_sim_now(sim)) {
            return due_ns;
        }
        make(sim, node, trainer, &next->msg, trainer->made++);
    }
    return HWI_NEVER;
}

bool fork_trainer_idle(const struct fork_trainer *trainer)
{
    bool more = trainer->made < trainer->count || trainer->again_count > 0;
    return trainer->open_count == 0 && (trainer->finished || !more);
}

void fork_trainer_fini(struct fork_trainer *trainer)
{
    for (uint32_t i = 0; i < trainer->count; i++) {
        free(trainer->requests[i].block);
    }
    hwi_free(&hwi_alloc_libc, trainer->requests);
}
