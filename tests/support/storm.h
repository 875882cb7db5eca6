// SPDX-License-Identifier: MIT
// Random faults from a seed: kills, freezes, cut edges, lost control links, leaving.
#ifndef HAWSER_TESTS_SUPPORT_STORM_H
#define HAWSER_TESTS_SUPPORT_STORM_H

#include "tests/support/scenario.h"

struct storm {
    struct scenario *scenario;
    uint64_t random; // the seed, and then what came of it
};

uint64_t storm_draw(struct storm *storm, uint64_t below); // uniform; below > 0
// Links of random speed and delay, a random number of stripes, perhaps a durable master.
struct hwi_sim_config storm_config(struct storm *storm);
// One random fault, or the end of one. Leaves at least one process alive.
void storm_strike(struct storm *storm);
// Everything thaws, every link works again.
void storm_heal(struct storm *storm);

// Runs `weather(seed)` for each seed the environment asks for (SEED, SEEDS = how many), else for
// 1..seeds.
void storm_seeds(uint64_t seeds, void (*weather)(uint64_t seed));

#endif
