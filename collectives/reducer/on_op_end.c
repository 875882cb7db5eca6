// SPDX-License-Identifier: MIT
#include "collectives/reducer/reducer.h"

void hwi_reducer_on_op_end(struct hwi_reducer *reducer, const struct hwi_msg_op_end *message,
                           struct hwi_effects *effects)
{
    struct hwi_reduction *reduction = hwi_reducer_find(reducer, message->op);
    if (reduction == NULL) { // never started here
        HWI_EMIT(effects, hwi_to_peer(), op_ended)->op = message->op;
        return;
    }
    HWI_CHECK(reduction->state != HWI_REDUCTION_ENDING);
    if (!hwi_reduction_is_known(reduction)) {
        hwi_reduction_ended(reducer, reduction, effects);
        hwi_reducer_drop(reducer, reduction);
        return;
    }
    struct hwi_msg_quiesce *quiesce = HWI_EMIT(effects, hwi_to_data(), quiesce);
    quiesce->op = reduction->op;
    quiesce->restore = !message->committed;
    reduction->state = HWI_REDUCTION_ENDING;
}
