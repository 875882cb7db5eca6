// SPDX-License-Identifier: MIT
// Seeds run in children: a crash of one is its verdict, not the end of the command.
#ifndef HAWSER_TOOLS_HAWSER_SIM_BATCH_H
#define HAWSER_TOOLS_HAWSER_SIM_BATCH_H

#include "tools/swarm/swarm.h"

enum { SIM_JOBS_MAX = 64, SIM_TWICE_EVERY = 20, SIM_SEED_CPU_S = 120 };

struct sim_batch {
    struct swarm_config config; // of the first seed
    uint64_t seeds;
    uint32_t jobs;
    // Told of each seed as it ends; false: enough.
    bool (*ended)(void *user, const struct swarm_outcome *outcome);
    void *user;
};

// Runs all seeds; one in SIM_TWICE_EVERY twice. False if no child can be started.
bool sim_batch_run(const struct sim_batch *batch);
// The signal that ended a batch before its last seed, or 0.
int sim_batch_signal(void);
// One config in a child: a swarm_try_fn. `user` is not used.
void sim_batch_try(void *user, const struct swarm_config *config, struct swarm_outcome *outcome);

#endif
