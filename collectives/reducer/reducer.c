// SPDX-License-Identifier: MIT
// The reducer actor: which message goes to which handler, and how it ends.
#include "collectives/reducer/reducer.h"

#include <hawser/types.h>

#include "collectives/reducer/collective.h"
#include "collectives/reducer/handlers.h"

static void *create(const struct hwi_alloc *alloc)
{
    struct hwi_reducer *reducer = hwi_new(alloc, sizeof *reducer);
    reducer->alloc = alloc;
    return reducer;
}

static void destroy(void *state)
{
    struct hwi_reducer *reducer = state;
    while (reducer->collective_count > 0) {
        hwi_collective_drop(reducer, reducer->collectives[reducer->collective_count - 1]);
    }
    hwi_early_fini(&reducer->early, reducer->alloc);
    hwi_free(reducer->alloc, reducer->members);
    hwi_free(reducer->alloc, reducer->ahead_bytes);
    hwi_free(reducer->alloc, reducer);
}

static const struct hwi_handlers handlers = {
#define HEARD_BY_REDUCER(message) HWI_HANDLES(message, hwi_reducer_on_##message)
#include "actors/loop/handlers.h"
};

static void step(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_reducer *reducer = state;
    reducer->now_ns = event->now_ns;
    hwi_dispatch(&handlers, state, event, effects);
}

static void report_failure(struct hwi_op op, struct hwi_effects *effects)
{
    struct hwi_msg_op_fault *message = HWI_EMIT(effects, hwi_to_peer(), op_fault);
    message->op = op;
    message->fault.status = HWS_E_INTERNAL;
    message->fault.kind = hwi_channel_kind(op.kind);
    message->fault.tag = op.tag;
}

static void give_up(const struct hwi_collective *collective, struct hwi_effects *effects)
{
    bool running = collective->state == HWI_COLLECTIVE_RUNNING;
    if (hwi_collective_is_known(collective) &&
        (running || collective->state == HWI_COLLECTIVE_FAULTED)) {
        struct hwi_msg_quiesce *quiesce = HWI_EMIT(effects, hwi_to_data(), quiesce);
        quiesce->op = collective->op;
        quiesce->restore = 1;
    }
    if (running || collective->state == HWI_COLLECTIVE_STARTING) {
        report_failure(collective->op, effects);
    }
    HWI_EMIT(effects, hwi_to_peer(), op_ended)->op = collective->op;
}

// Nothing will be heard any more, no op_start and no op_end. So the first fault, without a name, is
// the lane's own; and the memory is let go of here, as it was before, because the calls return
// INTERNAL.
static void failed(void *state, uint64_t now_ns, struct hwi_effects *effects)
{
    (void)now_ns;
    const struct hwi_reducer *reducer = state;
    report_failure((struct hwi_op){0}, effects);
    for (uint32_t i = 0; i < reducer->collective_count; i++) {
        give_up(reducer->collectives[i], effects);
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
