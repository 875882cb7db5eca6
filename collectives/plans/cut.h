// SPDX-License-Identifier: MIT
// Arithmetic that plans share: how a whole is cut, and whose share is what.
#ifndef HAWSER_COLLECTIVES_PLANS_CUT_H
#define HAWSER_COLLECTIVES_PLANS_CUT_H

#include "collectives/plans/plan.h"

// The first element of `rank`'s part of `count`, cut as evenly as it goes; rank = world gives
// count.
uint64_t hwi_cut_part(uint64_t count, uint32_t world, uint32_t rank);
// The bytes that would be one chunk if nothing were cut: of the largest region, or of the whole.
uint64_t hwi_cut_largest(const struct hwi_plan_shape *shape);

// Nothing is cut that need not be: every region, or the whole, is one chunk.
void hwi_cut_whole(struct hwi_plan_shape *shape);
// For `owners` >= 1 that share what there is, in some chunks each, so that reducing and sending
// overlap. When the plan was forced, it also cuts what it would not by size, so that every member
// has a share.
void hwi_cut_shares(struct hwi_plan_shape *shape, uint32_t owners);

// All chunks; a rank's region.
struct hwi_run hwi_cut_all(const struct hwi_plan_shape *shape);
struct hwi_run hwi_cut_region(const struct hwi_plan_shape *shape, uint32_t rank);
// The share of owner `index` in a grid without regions: chunk k belongs to the k * owners /
// chunks-th (rounded down) when chunks >= owners, to the k-th otherwise (later ones own nothing).
struct hwi_run hwi_cut_share(const struct hwi_plan_shape *shape, uint32_t owners, uint32_t index);

// Inputs are combined: it is an all-reduce or a reduce-scatter.
bool hwi_cut_combines(const struct hwi_plan_shape *shape);
// Operands in the order of ranks: the own input, and what came in the phase `stage` from the
// others.
struct hwi_spot hwi_cut_operand(const struct hwi_plan_shape *shape, uint32_t stage, uint32_t self,
                                uint32_t index);
// The part of the input that is in the result unchanged, under any plan: all of it where a member
// is alone or is a broadcast's root, the own region where they are gathered.
struct hwi_run hwi_cut_copied(const struct hwi_plan_shape *shape, uint32_t self);

#endif
