// SPDX-License-Identifier: MIT
#include "tests/doors/two_hop_plan.h"

#include <hawser/types.h>

#include "actors/base/dtype.h"
#include "collectives/plans/cut.h"
#include "tests/doors/used.h"

// In a reduction each share has an owner, and the member behind the owner is its relay.
//   phase 1        inputs of all but these two, to the relay's scratch
//   phase 2        the relay's partial result to the owner; of an average its own input, and ...
//   phases 3..n    ... each input that came, as it came: averages cannot be combined in parts
//   the last one   of an all-reduce: results from the owner to everybody
// An input that only moves goes to the relay's scratch (phase 1) and from there to the others
// (phase 2). A gathered input's relay is the member behind, a broadcast's is the one behind the
// root.
enum { TO_RELAY = 1, TO_OWNER = 2, ONWARD = 2, FORWARDED = 3 };

uint64_t door_used; // collectives that it cut

static const struct hwi_run nothing;

static bool forwards(const struct hwi_plan_shape *shape)
{
    return shape->redop == HWS_AVG;
}

static uint32_t behind(const struct hwi_plan_shape *shape, uint32_t rank)
{
    return (rank + 1) % shape->world;
}

static uint32_t before(const struct hwi_plan_shape *shape, uint32_t rank)
{
    return (rank + shape->world - 1) % shape->world;
}

static struct hwi_run share(const struct hwi_plan_shape *shape, uint32_t owner)
{
    return shape->begin != NULL ? hwi_cut_region(shape, owner)
                                : hwi_cut_share(shape, shape->world, owner);
}

// The phase of an all-reduce's results.
static uint32_t results(const struct hwi_plan_shape *shape)
{
    return forwards(shape) ? HWI_MAX(shape->world, TO_OWNER) + 1 : TO_OWNER + 1;
}

static void cut(struct hwi_plan_shape *shape)
{
    hwi_cut_shares(shape, shape->world);
    shape->phases = ONWARD;
    if (hwi_cut_combines(shape)) {
        shape->phases = results(shape) - (shape->kind == HWI_KIND_REDUCE_SCATTER);
    }
    shape->slots = hwi_cut_combines(shape) ? 2 * shape->world : 1;
    door_used++;
}

// ---- reductions ---------------------------------------------------------------------------------

// The `index`-th of the members that are neither the owner nor its relay; ascending.
static uint32_t sender(const struct hwi_plan_shape *shape, uint32_t owner, uint32_t index)
{
    uint32_t relay = behind(shape, owner);
    uint32_t low = HWI_MIN(owner, relay), high = HWI_MAX(owner, relay);
    index += index >= low;
    return index + (index >= high);
}

// The other way round.
static uint32_t index_of(const struct hwi_plan_shape *shape, uint32_t owner, uint32_t rank)
{
    uint32_t relay = behind(shape, owner);
    return rank - (rank > owner) - (rank > relay);
}

static struct hwi_run run_combined(const struct hwi_plan_shape *shape, uint32_t phase,
                                   uint32_t from, uint32_t to)
{
    if (phase == TO_RELAY) {
        uint32_t owner = before(shape, to);
        return from == owner ? nothing : share(shape, owner);
    }
    if (phase == results(shape)) {
        return share(shape, from);
    }
    return from == behind(shape, to) ? share(shape, to) : nothing;
}

static struct hwi_plan_phase phase_combined(const struct hwi_plan_shape *shape, uint32_t number,
                                            uint32_t self)
{
    uint32_t owner = before(shape, self); // for whom it is the relay
    if (number == TO_RELAY) {
        return (struct hwi_plan_phase){.scratch = true, .stage = TO_RELAY};
    }
    if (number == results(shape)) {
        return (struct hwi_plan_phase){.after = TO_OWNER, .from = {HWI_PLACE_OUTPUT, 0, 0}};
    }
    struct hwi_plan_phase phase = {.scratch = true, .stage = TO_OWNER};
    uint32_t index = number - FORWARDED;
    if (shape->world > 2 && (!forwards(shape) || number >= FORWARDED)) {
        uint32_t slot = sender(shape, owner, forwards(shape) ? index : 0);
        phase.after = TO_RELAY;
        phase.from = (struct hwi_spot){HWI_PLACE_SCRATCH, TO_RELAY, slot};
    }
    return phase;
}

// The `index`-th from above of all ranks, the owner left out unless it is an average.
static uint32_t descending(const struct hwi_plan_shape *shape, uint32_t owner, uint32_t index)
{
    uint32_t rank = shape->world - 1 - index;
    return forwards(shape) || rank > owner ? rank : rank - 1;
}

static struct hwi_plan_work work_combined(const struct hwi_plan_shape *shape, uint32_t stage,
                                          uint32_t self)
{
    struct hwi_plan_work work = {.into = {HWI_PLACE_OUTPUT, 0, 0}};
    if (stage == TO_OWNER) {
        work.operands = forwards(shape) ? shape->world : 2;
        work.divisor = forwards(shape) ? shape->world : 0;
    } else if (!forwards(shape)) {
        uint32_t slot = sender(shape, before(shape, self), 0);
        work.operands = shape->world - 1;
        work.into = (struct hwi_spot){HWI_PLACE_SCRATCH, TO_RELAY, slot};
    }
    return work;
}

static struct hwi_spot operand_combined(const struct hwi_plan_shape *shape, uint32_t stage,
                                        uint32_t self, uint32_t index)
{
    uint32_t relay = behind(shape, self), rank;
    if (stage == TO_RELAY) {
        rank = descending(shape, before(shape, self), index);
        return rank == self ? (struct hwi_spot){HWI_PLACE_INPUT, 0, 0}
                            : (struct hwi_spot){HWI_PLACE_SCRATCH, TO_RELAY, rank};
    }
    rank = forwards(shape) ? descending(shape, self, index) : index == 0 ? relay : self;
    if (rank == self) {
        return (struct hwi_spot){HWI_PLACE_INPUT, 0, 0};
    }
    uint32_t phase = rank == relay ? TO_OWNER : FORWARDED + index_of(shape, self, rank);
    return (struct hwi_spot){HWI_PLACE_SCRATCH, phase, relay};
}

// ---- what only moves ----------------------------------------------------------------------------

// Whose input a member relays.
static uint32_t relayed(const struct hwi_plan_shape *shape, uint32_t relay)
{
    return shape->kind == HWI_KIND_BROADCAST ? shape->root : before(shape, relay);
}

static struct hwi_run run_moved(const struct hwi_plan_shape *shape, uint32_t phase, uint32_t from,
                                uint32_t to)
{
    uint32_t source = phase == TO_RELAY ? from : relayed(shape, from);
    bool broadcast = shape->kind == HWI_KIND_BROADCAST;
    uint32_t relay = behind(shape, source);
    bool goes = phase == TO_RELAY ? to == relay : from == relay && to != source;
    if (!goes || (broadcast && source != shape->root)) {
        return nothing;
    }
    return broadcast ? hwi_cut_all(shape) : hwi_cut_region(shape, source);
}

static struct hwi_plan_phase phase_moved(const struct hwi_plan_shape *shape, uint32_t number,
                                         uint32_t self)
{
    if (number == TO_RELAY) {
        return (struct hwi_plan_phase){.scratch = true, .stage = TO_RELAY};
    }
    return (struct hwi_plan_phase){.after = TO_RELAY,
                                   .from = {HWI_PLACE_SCRATCH, TO_RELAY, relayed(shape, self)}};
}

// ---- the door -----------------------------------------------------------------------------------

static struct hwi_run run(const struct hwi_plan_shape *shape, uint32_t phase, uint32_t from,
                          uint32_t to)
{
    if (from == to) {
        return nothing;
    }
    return hwi_cut_combines(shape) ? run_combined(shape, phase, from, to)
                                   : run_moved(shape, phase, from, to);
}

static struct hwi_plan_phase phase(const struct hwi_plan_shape *shape, uint32_t number,
                                   uint32_t self)
{
    return hwi_cut_combines(shape) ? phase_combined(shape, number, self)
                                   : phase_moved(shape, number, self);
}

// A relay copies what passes through it into its own output.
static struct hwi_plan_work work(const struct hwi_plan_shape *shape, uint32_t stage, uint32_t self)
{
    return hwi_cut_combines(shape) ? work_combined(shape, stage, self)
                                   : (struct hwi_plan_work){1, {HWI_PLACE_OUTPUT, 0, 0}, 0};
}

static struct hwi_spot operand(const struct hwi_plan_shape *shape, uint32_t stage, uint32_t self,
                               uint32_t index)
{
    return hwi_cut_combines(shape)
               ? operand_combined(shape, stage, self, index)
               : (struct hwi_spot){HWI_PLACE_SCRATCH, TO_RELAY, relayed(shape, self)};
}

const struct hwi_plan_ops two_hop = {
    .name = "two_hop",
    .cut = cut,
    .run = run,
    .phase = phase,
    .work = work,
    .operand = operand,
    .copied = hwi_cut_copied,
};

// ---- in the place of choose.c -------------------------------------------------------------------

const struct hwi_plan_ops *hwi_plan_choose(const struct hwi_plan_shape *shape)
{
    (void)shape;
    return &two_hop;
}

uint32_t hwi_plan_phases_max(uint32_t world)
{
    return HWI_MAX(world, 2u) + 1;
}

// ---- what tests expect --------------------------------------------------------------------------

static uint32_t owner_of(struct hwi_plan_shape *shape, uint8_t dtype, uint64_t count,
                         uint64_t index)
{
    uint32_t owner = 0;
    if (shape->kind == HWI_KIND_REDUCE_SCATTER) {
        while (hwi_cut_part(count, shape->world, owner + 1) <= index) {
            owner++;
        }
        return owner;
    }
    hwi_cut_shares(shape, shape->world);
    uint32_t chunk = (uint32_t)(hwi_dtype_bytes(dtype, index) / shape->chunk_bytes);
    struct hwi_run own = share(shape, owner);
    while (chunk < own.first || chunk - own.first >= own.chunks) {
        own = share(shape, ++owner);
    }
    return owner;
}

uint32_t two_hop_order(uint8_t kind, uint8_t dtype, uint8_t redop, uint8_t asked, uint64_t count,
                       uint64_t index, uint32_t *order, uint32_t world)
{
    struct hwi_plan_shape shape = {.ops = &two_hop,
                                   .asked = asked,
                                   .kind = kind,
                                   .redop = redop,
                                   .world = world,
                                   .unit_bytes = hwi_dtype_unit(dtype),
                                   .bytes = hwi_dtype_bytes(dtype, count)};
    uint32_t owner = owner_of(&shape, dtype, count, index);
    uint32_t parted = forwards(&shape) ? world : world - 1;
    for (uint32_t i = 0; i < parted; i++) {
        order[i] = descending(&shape, owner, i);
    }
    order[world - 1] = forwards(&shape) ? order[world - 1] : owner;
    return forwards(&shape) ? 0 : parted;
}
