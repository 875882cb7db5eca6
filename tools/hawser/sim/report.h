// SPDX-License-Identifier: MIT
// What `hawser sim` prints.
#ifndef HAWSER_TOOLS_HAWSER_SIM_REPORT_H
#define HAWSER_TOOLS_HAWSER_SIM_REPORT_H

#include "tools/hawser/sim/batch.h"

enum {
    SIM_EXIT_SAFETY = 4,
    SIM_EXIT_LIVENESS,
    SIM_EXIT_CRASH,
    SIM_EXIT_DIFFERS,
    SIM_FAILURES_MAX = 100 // then it is enough
};

struct sim_report {
    bool verbose, json;
    const struct sim_batch *batch;
    bool terminal; // standard error is one: a progress line
    uint64_t began_ns, shown_ns;
    uint64_t seeds;
    uint64_t verdicts[SWARM_VERDICTS];
    struct swarm_outcome first; // failure
    struct swarm_outcome total; // sums
    uint64_t peers_least, peers_most, heal_most_ns, cpu_most_ns;
    uint64_t grouped, with_units; // seeds
};

void sim_report_begin(struct sim_report *report, const struct sim_batch *batch);
// An `ended` of a batch.
bool sim_report_seed(void *report, const struct swarm_outcome *outcome);
// Prints the table; shrinks the first failure if asked. Returns the exit code.
int sim_report_end(struct sim_report *report, bool shrink);

#endif
