// SPDX-License-Identifier: MIT
// Which plans there are, and which one a call gets.
#include "collectives/plans/cut.h"

// One-shot has one chunk for each region, so larger operations are direct, even if one-shot was
// requested; a member that is alone takes one-shot if possible.
const struct hwi_plan_ops *hwi_plan_choose(const struct hwi_plan_shape *shape)
{
    bool small = shape->bytes <= HWI_ONE_SHOT_BYTES_MAX;
    bool wanted = shape->asked == HWI_PLAN_AUTO ? small : shape->asked == HWI_PLAN_ONE_SHOT;
    bool fits = hwi_cut_largest(shape) <= HWI_CHUNK_BYTES_MAX;
    return fits && (wanted || shape->world == 1) ? &hwi_plan_one_shot : &hwi_plan_direct;
}

uint32_t hwi_plan_phases_max(uint32_t world)
{
    (void)world;
    return 2;
}
