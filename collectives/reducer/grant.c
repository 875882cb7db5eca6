// SPDX-License-Identifier: MIT
#include "collectives/reducer/grant.h"

#include "collectives/reducer/layout.h"
#include "collectives/reducer/reducer.h"

void hwi_grant_tell(const struct hwi_reducer *reducer, const struct hwi_collective *collective,
                    uint32_t phase, uint32_t granted, struct hwi_effects *effects)
{
    for (uint32_t i = 0; i + 1 < reducer->world; i++) {
        uint32_t rank = hwi_reducer_other(reducer, i);
        if (hwi_collective_run_from(collective, phase, rank).chunks == 0) {
            continue;
        }
        struct hwi_msg_grant *grant =
            HWI_EMIT(effects, hwi_to_reducer(reducer->members[rank]), grant);
        grant->op = collective->op;
        grant->granted = granted;
        grant->phase = (uint8_t)phase;
    }
}

void hwi_grant_first(const struct hwi_reducer *reducer, const struct hwi_collective *collective,
                     bool late, struct hwi_effects *effects)
{
    uint32_t phases = hwi_collective_is_known(collective) ? collective->shape.phases : 0;
    for (uint32_t phase = late ? 1 : 2; phase <= phases; phase++) {
        if (late || hwi_collective_phase(collective, phase).stage != 0) {
            hwi_grant_tell(reducer, collective, phase, hwi_layout_first_grant(collective, phase),
                           effects);
        }
    }
}

// The data port hears it before any sender can.
void hwi_grant_more(const struct hwi_reducer *reducer, struct hwi_collective *collective,
                    uint32_t stage, struct hwi_effects *effects)
{
    struct hwi_ledger *ledger = &collective->stages[stage - 1].ledger;
    if (!hwi_ledger_advance(ledger)) {
        return;
    }
    for (uint32_t phase = stage; phase <= collective->shape.phases; phase++) {
        if (hwi_collective_phase(collective, phase).stage != stage) {
            continue;
        }
        struct hwi_msg_place_more *more = HWI_EMIT(effects, hwi_to_data(), place_more);
        more->op = collective->op;
        more->phase = (uint8_t)phase;
        more->granted = ledger->granted;
        hwi_grant_tell(reducer, collective, phase, ledger->granted, effects);
    }
}
