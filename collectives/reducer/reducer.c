// SPDX-License-Identifier: MIT
// The reducer actor: which message goes to which handler, and how it ends.
#include <hawser/types.h>

#include "collectives/reducer/reducer.h"

static void *create(const struct hwi_alloc *alloc)
{
    struct hwi_reducer *reducer = hwi_new(alloc, sizeof *reducer);
    reducer->alloc = alloc;
    return reducer;
}

static void destroy(void *state)
{
    struct hwi_reducer *reducer = state;
    while (reducer->reduction_count > 0) {
        hwi_reducer_drop(reducer, reducer->reductions[reducer->reduction_count - 1]);
    }
    hwi_early_fini(&reducer->early, reducer->alloc);
    hwi_free(reducer->alloc, reducer->members);
    hwi_free(reducer->alloc, reducer->ahead_bytes);
    hwi_free(reducer->alloc, reducer);
}

static void step_from_peer(struct hwi_reducer *reducer, const struct hwi_event *event,
                           struct hwi_effects *effects)
{
    switch (event->msg->type) {
    case HWI_MSG_lane_view:
        hwi_reducer_on_lane_view(reducer, &event->msg->u.lane_view, effects);
        break;
    case HWI_MSG_op_start:
        hwi_reducer_on_op_start(reducer, &event->msg->u.op_start, event->now_ns, effects);
        break;
    case HWI_MSG_op_end:
        hwi_reducer_on_op_end(reducer, &event->msg->u.op_end, effects);
        break;
    default:
        HWI_CHECK(!"a message that the peer says to a reducer");
    }
}

static void step_from_data(struct hwi_reducer *reducer, const struct hwi_event *event,
                           struct hwi_effects *effects)
{
    switch (event->msg->type) {
    case HWI_MSG_chunk:
        hwi_reducer_on_chunk(reducer, &event->msg->u.chunk, effects);
        break;
    case HWI_MSG_quiesced:
        hwi_reducer_on_quiesced(reducer, &event->msg->u.quiesced, effects);
        break;
    default:
        HWI_CHECK(!"a message that the data port says to a reducer");
    }
}

// Another process may say anything: what is not for reducers is ignored.
static void step_from_reducer(struct hwi_reducer *reducer, const struct hwi_event *event,
                              struct hwi_effects *effects)
{
    if (event->msg->type == HWI_MSG_call) {
        hwi_reducer_on_call(reducer, event->from.id, &event->msg->u.call, event->now_ns, effects);
    } else if (event->msg->type == HWI_MSG_grant) {
        hwi_reducer_on_grant(reducer, event->from.id, &event->msg->u.grant, effects);
    }
}

static void step(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_reducer *reducer = state;
    reducer->now_ns = event->now_ns;
    switch (event->from.role) {
    case HWI_ROLE_PEER:
        step_from_peer(state, event, effects);
        break;
    case HWI_ROLE_DATA:
        step_from_data(state, event, effects);
        break;
    case HWI_ROLE_REDUCER:
        step_from_reducer(state, event, effects);
        break;
    case HWI_ROLE_CLOCK:
        hwi_reducer_on_woken(state, event->now_ns, effects);
        break;
    default:
        HWI_CHECK(!"somebody a reducer hears");
    }
}

static void report_failure(struct hwi_op op, struct hwi_effects *effects)
{
    struct hwi_msg_op_fault *message = HWI_EMIT(effects, hwi_to_peer(), op_fault);
    message->op = op;
    message->fault.status = HWS_E_INTERNAL;
    message->fault.kind = hwi_channel_kind(op.kind);
    message->fault.tag = op.tag;
}

static void give_up(const struct hwi_reduction *reduction, struct hwi_effects *effects)
{
    bool running = reduction->state == HWI_REDUCTION_RUNNING;
    if (hwi_reduction_is_known(reduction) &&
        (running || reduction->state == HWI_REDUCTION_FAULTED)) {
        struct hwi_msg_quiesce *quiesce = HWI_EMIT(effects, hwi_to_data(), quiesce);
        quiesce->op = reduction->op;
        quiesce->restore = 1;
    }
    if (running || reduction->state == HWI_REDUCTION_STARTING) {
        report_failure(reduction->op, effects);
    }
    HWI_EMIT(effects, hwi_to_peer(), op_ended)->op = reduction->op;
}

// Nothing will be heard any more, no op_start and no op_end. So the first fault, without a name, is
// the lane's own; and the memory is let go of here, as it was before, because the calls return
// INTERNAL.
static void failed(void *state, uint64_t now_ns, struct hwi_effects *effects)
{
    (void)now_ns;
    const struct hwi_reducer *reducer = state;
    report_failure((struct hwi_op){0}, effects);
    for (uint32_t i = 0; i < reducer->reduction_count; i++) {
        give_up(reducer->reductions[i], effects);
    }
}

const struct hwi_actor_ops hwi_reducer_ops = {
    .name = "reducer",
    .role = HWI_ROLE_REDUCER,
    .create = create,
    .step = step,
    .failed = failed,
    .destroy = destroy,
    .image = hwi_reducer_image,
};
