// SPDX-License-Identifier: MIT
#include "collectives/reducer/collective.h"
#include "collectives/reducer/handlers.h"
#include "collectives/reducer/reducer.h"

void hwi_reducer_on_quiesced(void *state, const struct hwi_event *event,
                             struct hwi_effects *effects)
{
    struct hwi_reducer *reducer = state;
    const struct hwi_msg_quiesced *message = &event->msg->u.quiesced;
    struct hwi_collective *collective = hwi_collective_find(reducer, message->op);
    HWI_CHECK(collective != NULL && collective->state == HWI_COLLECTIVE_ENDING);
    struct hwi_msg_op_ended *ended = hwi_collective_ended(reducer, collective, effects);
    ended->bytes_sent = message->bytes_sent;
    ended->bytes_received = message->bytes_received;
    hwi_collective_drop(reducer, collective);
}
