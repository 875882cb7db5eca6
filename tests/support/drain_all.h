// SPDX-License-Identifier: MIT
#ifndef HAWSER_TESTS_SUPPORT_DRAIN_ALL_H
#define HAWSER_TESTS_SUPPORT_DRAIN_ALL_H

#include "actors/loop/drain.h"

// Steps until nothing is left, all steps at `now_ns`; returns how many. Its actors must come to
// rest.
static inline uint32_t drain_all(struct hwi_drain *drain, uint64_t now_ns)
{
    uint32_t steps = 0;
    while (hwi_drain_step(drain, now_ns)) {
        steps++;
    }
    return steps;
}

#endif
