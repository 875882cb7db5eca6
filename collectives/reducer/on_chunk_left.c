// SPDX-License-Identifier: MIT
#include "collectives/reducer/collective.h"
#include "collectives/reducer/grant.h"
#include "collectives/reducer/handlers.h"
#include "collectives/reducer/reducer.h"

// Its slot is free when it has left to everyone to whom it goes from there.
void hwi_reducer_on_chunk_left(void *state, const struct hwi_event *event,
                               struct hwi_effects *effects)
{
    struct hwi_reducer *reducer = state;
    const struct hwi_msg_chunk_left *message = &event->msg->u.chunk_left;
    struct hwi_collective *collective = hwi_collective_find(reducer, message->op);
    HWI_CHECK(collective != NULL);
    if (collective->state != HWI_COLLECTIVE_RUNNING) {
        return;
    }
    HWI_CHECK(message->phase >= 1 && message->phase <= collective->shape.phases);
    uint32_t number = hwi_collective_phase(collective, message->phase).after;
    HWI_CHECK(number != 0);
    struct hwi_stage *stage = &collective->stages[number - 1];
    HWI_CHECK(message->chunk >= stage->first);
    hwi_ledger_leave(&stage->ledger, message->chunk - stage->first);
    hwi_grant_more(reducer, collective, number, effects);
    hwi_collective_finish(collective, effects);
}
