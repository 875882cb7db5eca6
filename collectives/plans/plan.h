// SPDX-License-Identifier: MIT
// The door of plans. A plan says how a collective is cut into chunks, which data goes where, and
// how it is combined on the way. The reducer executes any plan, and only the choice between them
// (choose.c) knows all plans.
//
// Data goes from one member to another in *phases*, numbered from 1. A phase is a number in
// the frames; its meaning is the plan's own. If work has to be done on the incoming data, phases
// lead to a *stage*: a member's stage holds a run of chunks, and a chunk of it is complete when all
// frames sent to it have come. Then the member does the plan's work on it, and sends it on in the
// phases that come after the stage. A stage has the number of one of its phases.
#ifndef HAWSER_COLLECTIVES_PLANS_PLAN_H
#define HAWSER_COLLECTIVES_PLANS_PLAN_H

#include "actors/wire/msg.h"

// Chunks that follow one another.
struct hwi_run {
    uint32_t first, chunks;
    uint64_t bytes;
};

struct hwi_plan_ops;

// One collective: what is asked, and how the plan cuts it.
struct hwi_plan_shape {
    const struct hwi_plan_ops *ops; // NULL until the plan is chosen
    uint8_t asked;                  // enum hwi_plan
    uint8_t kind;                   // enum hwi_kind
    uint8_t redop;                  // hws_redop
    uint32_t world;                 // members: the world size
    uint32_t root;                  // broadcast: its rank
    uint32_t unit_bytes;            // the least that whole elements fill
    uint64_t bytes;                 // of the whole
    // Reduce-scatter and all-gather, else NULL: [world + 1] where each rank's region begins in the
    // whole, and its first chunk; owned by the maker of the shape.
    uint64_t *begin;
    uint32_t *first;
    // Filled by `cut`, as is `first`. The grid: in the whole, or in each region of it, chunk k
    // begins at k * chunk_bytes.
    uint32_t chunk_bytes; // a multiple of the unit's, at most HWI_CHUNK_BYTES_MAX
    uint32_t chunks;
    uint32_t phases; // at most HWI_PHASES_MAX: frames have a byte for it
    uint32_t slots;  // of scratch that one member needs for one chunk of each run, at the most
};

// Where a chunk lies at a member.
struct hwi_spot {
    enum hwi_place place;
    uint32_t phase, rank; // of SCRATCH
};

// A phase, as one member sees it.
struct hwi_plan_phase {
    // Of what comes to the member: it goes into scratch, or else to its place in the output.
    bool scratch;
    // The stage it leads to; 0 = none: it is final in the output, and nothing waits for it.
    uint32_t stage;
    // Of what the member sends: it goes when its chunk of this stage of the member is complete;
    // 0 = at once. And where it lies then.
    uint32_t after;
    struct hwi_spot from;
};

// The work of a member on a complete chunk.
struct hwi_plan_work {
    uint32_t operands;    // 0 = nothing is made; 1 = a copy; at most `world`
    struct hwi_spot into; // OUTPUT, or a slot of one of the operands
    uint32_t divisor;     // of an average, where all of it is combined; else 0
};

// The duties of an implementation. All of it is arithmetic on the shape, so that all members come
// to the same answers, and the same again when they are asked again.
// - Every byte of the output that the call promises is written once on each member, by a phase
//   without a stage or by a work into the output, or it was there before (in place), or is copied.
// - Results are the same bits on all members: operands are combined once, or everywhere
//   in the same order. Whole numbers' averages cannot be combined in parts.
// - All runs that lead to one stage of a member are the same run, and so is the onward run.
// - Only phases of a higher number come after a stage, and each run's chunks go in ascending
//   order. So the lowest chunk of a stage never waits for a later one, and one slot is enough for
//   everything to move.
// - A member whose result is final may still be needed to pass things on; it is until all are Done.
struct hwi_plan_ops {
    const char *name;
    // Fills the shape; there is at least a byte.
    void (*cut)(struct hwi_plan_shape *shape);
    // The data that goes from one member to another; none if from = to.
    struct hwi_run (*run)(const struct hwi_plan_shape *shape, uint32_t phase, uint32_t from,
                          uint32_t to);
    struct hwi_plan_phase (*phase)(const struct hwi_plan_shape *shape, uint32_t phase,
                                   uint32_t self);
    struct hwi_plan_work (*work)(const struct hwi_plan_shape *shape, uint32_t stage, uint32_t self);
    // The operands in the order in which they are combined: INPUT, or SCRATCH of the stage's
    // phases.
    struct hwi_spot (*operand)(const struct hwi_plan_shape *shape, uint32_t stage, uint32_t self,
                               uint32_t index);
    // The part of the own input that is in the result unchanged: copied when the call begins.
    struct hwi_run (*copied)(const struct hwi_plan_shape *shape, uint32_t self);
};

extern const struct hwi_plan_ops hwi_plan_one_shot, hwi_plan_direct;

// choose.c: the plan for what the shape says was asked, from its size and its members.
const struct hwi_plan_ops *hwi_plan_choose(const struct hwi_plan_shape *shape);
// The most phases that any of these plans has for that number of members.
uint32_t hwi_plan_phases_max(uint32_t world);

#endif
