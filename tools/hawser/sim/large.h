// SPDX-License-Identifier: MIT
// `hawser sim --peers N` with more members than a swarm has: no faults are drawn; it is looked at
// what a run of that size costs, phase by phase, and whether everybody gets the same, right
// results.
#ifndef HAWSER_TOOLS_HAWSER_SIM_LARGE_H
#define HAWSER_TOOLS_HAWSER_SIM_LARGE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    SIM_LARGE_STEPS = 3, // operations of a kind, unless --steps says otherwise
    SIM_LARGE_STEPS_MAX = 10000,
    SIM_LARGE_REDUCE_MAX = 1024, // members that all-reduce: each of them sends to all others
};

struct sim_large {
    uint64_t seed;
    uint32_t peers, steps; // steps 0 = SIM_LARGE_STEPS
    bool json;
};

// Prints the table. Returns the exit code of `hawser sim`.
int sim_large_run(const struct sim_large *large);

#endif
