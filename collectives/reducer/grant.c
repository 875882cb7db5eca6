// SPDX-License-Identifier: MIT
#include "collectives/reducer/grant.h"

#include "collectives/reducer/layout.h"
#include "collectives/reducer/reducer.h"

static void tell(const struct hwi_reducer *reducer, const struct hwi_collective *collective,
                 uint32_t phase, uint32_t rank, uint32_t granted, struct hwi_effects *effects)
{
    if (hwi_collective_run_from(collective, phase, rank).chunks == 0) {
        return;
    }
    struct hwi_msg_grant *grant = HWI_EMIT(effects, hwi_to_reducer(reducer->members[rank]), grant);
    grant->op = collective->op;
    grant->granted = granted;
    grant->phase = (uint8_t)phase;
}

static void tell_all(const struct hwi_reducer *reducer, const struct hwi_collective *collective,
                     uint32_t phase, uint32_t granted, struct hwi_effects *effects)
{
    for (uint32_t i = 0; i + 1 < reducer->world; i++) {
        tell(reducer, collective, phase, hwi_reducer_other(reducer, i), granted, effects);
    }
}

void hwi_grant_caller(const struct hwi_reducer *reducer, const struct hwi_collective *collective,
                      uint32_t rank, struct hwi_effects *effects)
{
    uint32_t phases = hwi_collective_is_known(collective) ? collective->shape.phases : 0;
    for (uint32_t phase = 2; phase <= phases; phase++) {
        if (hwi_collective_phase(collective, phase).stage != 0) {
            tell(reducer, collective, phase, rank, hwi_layout_granted(collective, phase), effects);
        }
    }
}

void hwi_grant_late(const struct hwi_reducer *reducer, const struct hwi_collective *collective,
                    struct hwi_effects *effects)
{
    uint32_t phases = hwi_collective_is_known(collective) ? collective->shape.phases : 0;
    for (uint32_t phase = 1; phase <= phases; phase++) {
        tell_all(reducer, collective, phase, hwi_layout_granted(collective, phase), effects);
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
        tell_all(reducer, collective, phase, ledger->granted, effects);
    }
}
