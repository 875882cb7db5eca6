// SPDX-License-Identifier: MIT
#include "collectives/reducer/reducer.h"

// A member may be ahead of us: of the trainer's call, or of the announcement of a view. Then its
// call waits. Once an operation is Done no call of it is under way, so none waits for an ended one.
void hwi_reducer_on_call(struct hwi_reducer *reducer, uint64_t from,
                         const struct hwi_msg_call *message, uint64_t now_ns,
                         struct hwi_effects *effects)
{
    uint32_t rank;
    bool member = hwi_reducer_rank(reducer, from, &rank);
    if (hwi_channel_kind(message->op.kind) != HWI_KIND_ALL_REDUCE ||
        message->op.view < reducer->view) {
        return;
    }
    if (message->op.view == reducer->view && !member) {
        return;
    }
    struct hwi_reduction *reduction = hwi_reducer_find(reducer, message->op);
    if (reduction == NULL) {
        hwi_early_keep(&reducer->early, reducer->alloc, from, message);
        return;
    }
    bool said = member && reduction->edges[rank].called;
    if (!member || said || reduction->state != HWI_REDUCTION_RUNNING) {
        return;
    }
    hwi_reduction_called(reducer, reduction, rank, message, effects);
    if (reduction->state != HWI_REDUCTION_RUNNING) {
        return;
    }
    hwi_reduction_feed(reducer, reduction, rank, effects);
    hwi_reduction_pass_on(reducer, reduction, rank, effects);
    hwi_reduction_all_called(reducer, reduction, now_ns, effects);
    hwi_reduction_finish(reduction, effects);
}
