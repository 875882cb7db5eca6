// SPDX-License-Identifier: MIT
// Messages filled with random valid values, by the table: for round trips, mutations, fuzz seeds.
#ifndef HAWSER_TESTS_SUPPORT_RANDOM_MSG_H
#define HAWSER_TESTS_SUPPORT_RANDOM_MSG_H

#include "actors/loop/step.h"

// The next number of a sequence that *seed names (splitmix64).
uint64_t random_next(uint64_t *seed);

// Fills *msg as a message of `type`; lists have at most `list_most` elements (and at most what the
// table allows) and live in the effects' arena until its reset.
void random_msg(uint64_t *seed, uint16_t type, uint32_t list_most, struct hwi_effects *arena,
                struct hwi_msg *msg);

#endif
