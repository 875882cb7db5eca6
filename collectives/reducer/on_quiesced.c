// SPDX-License-Identifier: MIT
#include "collectives/reducer/reducer.h"

void hwi_reducer_on_quiesced(struct hwi_reducer *reducer, const struct hwi_msg_quiesced *message,
                             struct hwi_effects *effects)
{
    struct hwi_reduction *reduction = hwi_reducer_find(reducer, message->op);
    HWI_CHECK(reduction != NULL && reduction->state == HWI_REDUCTION_ENDING);
    struct hwi_msg_op_ended *ended = hwi_reduction_ended(reducer, reduction, effects);
    ended->bytes_sent = message->bytes_sent;
    ended->bytes_received = message->bytes_received;
    hwi_reducer_drop(reducer, reduction);
}
