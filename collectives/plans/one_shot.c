// SPDX-License-Identifier: MIT
// One phase and no more: each input goes to everyone who needs it, in one chunk where nothing need
// be cut, and everyone reduces by itself. For what is small, and for a member that is alone.
#include <hawser/types.h>

#include "collectives/plans/cut.h"

enum { INPUTS = 1 };

static void cut(struct hwi_plan_shape *shape)
{
    hwi_cut_whole(shape);
    shape->phases = 1;
    shape->slots = hwi_cut_combines(shape) ? shape->world - 1 : 0;
}

static struct hwi_run run(const struct hwi_plan_shape *shape, uint32_t phase, uint32_t from,
                          uint32_t to)
{
    (void)phase;
    if (from == to || (shape->kind == HWI_KIND_BROADCAST && from != shape->root)) {
        return (struct hwi_run){0};
    }
    if (shape->begin == NULL) {
        return hwi_cut_all(shape);
    }
    return hwi_cut_region(shape, shape->kind == HWI_KIND_ALL_GATHER ? from : to);
}

// In an all-reduce the own result may come over the input before that has left for everybody.
static struct hwi_plan_phase phase(const struct hwi_plan_shape *shape, uint32_t number,
                                   uint32_t self)
{
    (void)self;
    bool over = shape->kind == HWI_KIND_ALL_REDUCE;
    return (struct hwi_plan_phase){.scratch = hwi_cut_combines(shape),
                                   .stage = hwi_cut_combines(shape) ? number : 0,
                                   .from = {over ? HWI_PLACE_KEPT : HWI_PLACE_INPUT, 0, 0}};
}

static struct hwi_plan_work work(const struct hwi_plan_shape *shape, uint32_t stage, uint32_t self)
{
    (void)stage;
    (void)self;
    return (struct hwi_plan_work){.operands = shape->world,
                                  .into = {HWI_PLACE_OUTPUT, 0, 0},
                                  .divisor = shape->redop == HWS_AVG ? shape->world : 0};
}

const struct hwi_plan_ops hwi_plan_one_shot = {
    .name = "one_shot",
    .cut = cut,
    .run = run,
    .phase = phase,
    .work = work,
    .operand = hwi_cut_operand,
    .copied = hwi_cut_copied,
};
