// SPDX-License-Identifier: MIT
#include "collectives/reducer/reducer.h"

void hwi_reducer_on_woken(struct hwi_reducer *reducer, uint64_t now_ns, struct hwi_effects *effects)
{
    for (uint32_t i = 0; i < reducer->reduction_count; i++) {
        struct hwi_reduction *reduction = reducer->reductions[i];
        if (reduction->copies_due > 0 && reduction->state == HWI_REDUCTION_RUNNING) {
            hwi_reduction_copy(reduction, now_ns, effects);
            hwi_reduction_finish(reduction, effects);
        }
    }
}
