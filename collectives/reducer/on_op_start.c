// SPDX-License-Identifier: MIT
#include "collectives/reducer/collective.h"
#include "collectives/reducer/copy.h"
#include "collectives/reducer/feed.h"
#include "collectives/reducer/handlers.h"
#include "collectives/reducer/late.h"
#include "collectives/reducer/layout.h"
#include "collectives/reducer/reducer.h"

static void emit_call(const struct hwi_reducer *reducer, const struct hwi_collective *collective,
                      uint32_t rank, struct hwi_effects *effects)
{
    struct hwi_msg_call *call = HWI_EMIT(effects, hwi_to_reducer(reducer->members[rank]), call);
    call->op = collective->op;
    call->signature = collective->signature;
    call->granted = hwi_layout_granted(collective, 1);
}

static void hear_early_calls(struct hwi_reducer *reducer, struct hwi_collective *collective,
                             struct hwi_effects *effects)
{
    struct hwi_msg_call call;
    for (uint32_t rank = 0; rank < reducer->world; rank++) {
        if (rank != reducer->self &&
            hwi_early_take(&reducer->early, reducer->members[rank], collective->op, &call)) {
            hwi_feed_called(reducer, collective, rank, &call, effects);
        }
    }
}

void hwi_reducer_on_op_start(void *state, const struct hwi_event *event,
                             struct hwi_effects *effects)
{
    struct hwi_reducer *reducer = state;
    const struct hwi_msg_op_start *start = &event->msg->u.op_start;
    HWI_CHECK(start->op.view == reducer->view && reducer->view != 0);
    HWI_CHECK(hwi_kind_is_collective(start->op.kind));
    HWI_CHECK(hwi_collective_find(reducer, start->op) == NULL);
    struct hwi_collective *collective = hwi_collective_open(reducer, start);
    hwi_layout_make(reducer, collective, false, effects);
    // Everyone hears the call, also after a mismatch: the other side has to find it too.
    for (uint32_t i = 0; i + 1 < reducer->world; i++) {
        emit_call(reducer, collective, hwi_reducer_other(reducer, i), effects);
    }
    hear_early_calls(reducer, collective, effects);
    if (collective->state == HWI_COLLECTIVE_STARTING) {
        hwi_feed_all(reducer, collective, effects);
        hwi_collective_copy(collective, event->now_ns, effects);
    }
    hwi_late_begin(reducer, collective, effects);
    hwi_collective_finish(collective, effects);
    if (collective->state == HWI_COLLECTIVE_STARTING) {
        collective->state = HWI_COLLECTIVE_RUNNING;
    }
}
