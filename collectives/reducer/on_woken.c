// SPDX-License-Identifier: MIT
#include "collectives/reducer/collective.h"
#include "collectives/reducer/copy.h"
#include "collectives/reducer/handlers.h"
#include "collectives/reducer/reducer.h"

void hwi_reducer_on_woken(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_reducer *reducer = state;
    for (uint32_t i = 0; i < reducer->collective_count; i++) {
        struct hwi_collective *collective = reducer->collectives[i];
        if (collective->copies_due > 0 && collective->state == HWI_COLLECTIVE_RUNNING) {
            hwi_collective_copy(collective, event->now_ns, effects);
            hwi_collective_finish(collective, effects);
        }
    }
}
