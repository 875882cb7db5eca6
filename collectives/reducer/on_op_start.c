// SPDX-License-Identifier: MIT
#include "collectives/reducer/reducer.h"

static void emit_call(const struct hwi_reducer *reducer, const struct hwi_reduction *reduction,
                      uint32_t rank, struct hwi_effects *effects)
{
    struct hwi_msg_call *call = HWI_EMIT(effects, hwi_to_reducer(reducer->members[rank]), call);
    call->op = reduction->op;
    call->signature = reduction->signature;
    call->granted = hwi_reduction_first_grant(reduction);
}

static void hear_early_calls(struct hwi_reducer *reducer, struct hwi_reduction *reduction,
                             struct hwi_effects *effects)
{
    struct hwi_msg_call call;
    for (uint32_t rank = 0; rank < reducer->world; rank++) {
        if (rank != reducer->self &&
            hwi_early_take(&reducer->early, reducer->members[rank], reduction->op, &call)) {
            hwi_reduction_called(reducer, reduction, rank, &call, effects);
        }
    }
}

void hwi_reducer_on_op_start(struct hwi_reducer *reducer, const struct hwi_msg_op_start *message,
                             uint64_t now_ns, struct hwi_effects *effects)
{
    HWI_CHECK(message->op.view == reducer->view && reducer->view != 0);
    HWI_CHECK(hwi_channel_kind(message->op.kind) == HWI_KIND_ALL_REDUCE);
    HWI_CHECK(hwi_reducer_find(reducer, message->op) == NULL);
    struct hwi_reduction *reduction = hwi_reducer_open(reducer, message);
    uint32_t others = reducer->world - 1;
    hwi_reduction_lay(reducer, reduction, false, effects);
    // Everyone hears the call, also after a mismatch: the other side has to find it too.
    for (uint32_t i = 0; i < others; i++) {
        emit_call(reducer, reduction, hwi_reducer_other(reducer, i), effects);
    }
    hear_early_calls(reducer, reduction, effects);
    for (uint32_t i = 0; i < others && reduction->state == HWI_REDUCTION_STARTING; i++) {
        hwi_reduction_feed(reducer, reduction, hwi_reducer_other(reducer, i), effects);
    }
    if (reduction->state == HWI_REDUCTION_STARTING) {
        hwi_reduction_copy(reduction, now_ns, effects);
    }
    hwi_reduction_all_called(reducer, reduction, now_ns, effects);
    hwi_reduction_finish(reduction, effects);
    if (reduction->state == HWI_REDUCTION_STARTING) {
        reduction->state = HWI_REDUCTION_RUNNING;
    }
}
