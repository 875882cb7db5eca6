// SPDX-License-Identifier: MIT
// Everyone owns a share. Inputs go to the owners of their chunks, which reduce them, or pass on
// what a broadcast's root gave them; results go from the owners to everybody. Operations with
// regions need no results: an own region is final where it is reduced, and inputs that are gathered
// go to everybody at once.
#include <hawser/types.h>

#include "collectives/plans/cut.h"

enum { INPUTS = 1, RESULTS = 2 };

// A broadcast's root has all of it: the others own it.
static uint32_t owners_of(const struct hwi_plan_shape *shape)
{
    return shape->world - (shape->kind == HWI_KIND_BROADCAST && shape->world > 1);
}

static void cut(struct hwi_plan_shape *shape)
{
    hwi_cut_shares(shape, owners_of(shape));
    shape->phases = shape->begin != NULL ? INPUTS : RESULTS;
    shape->slots = hwi_cut_combines(shape) ? shape->world - 1 : 0;
}

static struct hwi_run owned(const struct hwi_plan_shape *shape, uint32_t rank)
{
    bool broadcast = shape->kind == HWI_KIND_BROADCAST;
    if (shape->begin != NULL) {
        return hwi_cut_region(shape, rank);
    }
    if (broadcast && rank == shape->root) {
        return (struct hwi_run){0};
    }
    return hwi_cut_share(shape, owners_of(shape), rank - (broadcast && rank > shape->root));
}

static struct hwi_run run(const struct hwi_plan_shape *shape, uint32_t phase, uint32_t from,
                          uint32_t to)
{
    bool broadcast = shape->kind == HWI_KIND_BROADCAST;
    uint32_t giver =
        phase == INPUTS ? from : to; // of a broadcast: the rank must be, or is not, its root
    if (from == to || (broadcast && (giver == shape->root) != (phase == INPUTS))) {
        return (struct hwi_run){0};
    }
    bool own = phase == RESULTS || shape->kind == HWI_KIND_ALL_GATHER;
    return owned(shape, own ? from : to);
}

static struct hwi_plan_phase phase(const struct hwi_plan_shape *shape, uint32_t number,
                                   uint32_t self)
{
    (void)self;
    if (number == RESULTS) {
        return (struct hwi_plan_phase){.after = INPUTS, .from = {HWI_PLACE_OUTPUT, 0, 0}};
    }
    return (struct hwi_plan_phase){.scratch = hwi_cut_combines(shape),
                                   .stage = shape->kind == HWI_KIND_ALL_GATHER ? 0 : INPUTS,
                                   .from = {HWI_PLACE_INPUT, 0, 0}};
}

// The data of a broadcast is in the output already.
static struct hwi_plan_work work(const struct hwi_plan_shape *shape, uint32_t stage, uint32_t self)
{
    (void)stage;
    (void)self;
    return (struct hwi_plan_work){.operands = hwi_cut_combines(shape) ? shape->world : 0,
                                  .into = {HWI_PLACE_OUTPUT, 0, 0},
                                  .divisor = shape->redop == HWS_AVG ? shape->world : 0};
}

const struct hwi_plan_ops hwi_plan_direct = {
    .name = "direct",
    .cut = cut,
    .run = run,
    .phase = phase,
    .work = work,
    .operand = hwi_cut_operand,
    .copied = hwi_cut_copied,
};
