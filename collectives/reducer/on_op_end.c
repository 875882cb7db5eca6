// SPDX-License-Identifier: MIT
#include "collectives/reducer/collective.h"
#include "collectives/reducer/handlers.h"
#include "collectives/reducer/reducer.h"

void hwi_reducer_on_op_end(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_reducer *reducer = state;
    const struct hwi_msg_op_end *message = &event->msg->u.op_end;
    struct hwi_collective *collective = hwi_collective_find(reducer, message->op);
    if (collective == NULL) { // never started here
        HWI_EMIT(effects, hwi_to_peer(), op_ended)->op = message->op;
        return;
    }
    HWI_CHECK(collective->state != HWI_COLLECTIVE_ENDING);
    if (!hwi_collective_is_known(collective)) {
        hwi_collective_ended(reducer, collective, effects);
        hwi_collective_drop(reducer, collective);
        return;
    }
    struct hwi_msg_quiesce *quiesce = HWI_EMIT(effects, hwi_to_data(), quiesce);
    quiesce->op = collective->op;
    quiesce->restore = !message->committed;
    collective->state = HWI_COLLECTIVE_ENDING;
}
