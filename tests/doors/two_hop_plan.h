// SPDX-License-Identifier: MIT
// A plan that only tests have, in the place of the library's choice of plans: a program that links
// two_hop_plan.c gets it for every collective. It does what today's plans do not: what is sent goes
// through a relay's scratch, as it came or as a partial result, one stage takes operands of several
// phases, and nothing is combined in the order of ranks.
#ifndef HAWSER_TESTS_DOORS_TWO_HOP_PLAN_H
#define HAWSER_TESTS_DOORS_TWO_HOP_PLAN_H

#include "collectives/plans/plan.h"

extern const struct hwi_plan_ops two_hop;

// The order in which a reduction's element `index` of `count` is combined by this plan; fills
// order[world], ranks, and returns how many of the first are combined into one operand before.
uint32_t two_hop_order(uint8_t kind, uint8_t dtype, uint8_t redop, uint8_t asked, uint64_t count,
                       uint64_t index, uint32_t *order, uint32_t world);

#endif
