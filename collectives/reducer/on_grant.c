// SPDX-License-Identifier: MIT
#include "collectives/reducer/reducer.h"

// A grant beyond the call's follows chunks of ours, so none can be early: unknown operations are
// ended or invented ones. It may pass its sender's call on another stripe; then it counts with the
// call.
void hwi_reducer_on_grant(struct hwi_reducer *reducer, uint64_t from,
                          const struct hwi_msg_grant *message, struct hwi_effects *effects)
{
    uint32_t rank;
    struct hwi_reduction *reduction = hwi_reducer_find(reducer, message->op);
    if (reduction == NULL || reduction->state != HWI_REDUCTION_RUNNING) {
        return;
    }
    if (!hwi_reducer_rank(reducer, from, &rank)) {
        return;
    }
    hwi_reduction_grant(reduction, rank, message->granted);
    if (reduction->edges[rank].called) {
        hwi_reduction_feed(reducer, reduction, rank, effects);
    }
}
