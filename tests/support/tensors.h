// SPDX-License-Identifier: MIT
// The memory of a scenario's calls: filled so that a result over other calls or members, or at
// another place, has other bytes; and what it must hold afterwards, by a scalar reference.
#ifndef HAWSER_TESTS_SUPPORT_TENSORS_H
#define HAWSER_TESTS_SUPPORT_TENSORS_H

#include "tests/support/scenario.h"

// Sets the call's defaults, and its input and output.
void tensors_give(struct scenario *scenario, struct made_call *made);
// The reply was HWS_OK: the output is what the operation gives over the reply's members, `nodes` by
// rank, and nothing else was written.
void tensors_check_result(const struct made_call *made, const struct hwi_msg_reply *reply,
                          const uint32_t *nodes);
// Any other: the input is as it was, in place the output too, and nothing beside it was written.
void tensors_check_failed(const struct made_call *made);

// The order in which a plan combines element `index` of a call's result: fills order[count] with
// ranks, and returns how many of the first are combined into one operand before the rest; 0 = none.
// The library's plans go by rank.
uint32_t tensors_order(const struct call *call, uint64_t index, uint32_t *order, uint32_t count);

#endif
