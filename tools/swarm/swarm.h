// SPDX-License-Identifier: MIT
// Crews of trainers, faults and checkers that run on the simulator (transport/sim has the network,
// the clock and the processes). One seed is one run: a master and members with their trainers;
// faults, and then none; the promises are checked after every reply. The same config gives the same
// run on every machine.
#ifndef HAWSER_TOOLS_SWARM_SWARM_H
#define HAWSER_TOOLS_SWARM_SWARM_H

#include "tools/swarm/faults.h"
#include "tools/trainer/trainer.h"
#include "transport/sim/sim.h"

enum {
    SWARM_PEERS_MAX = 64,
    SWARM_STEPS_MAX = 10000,
    SWARM_SENTENCE_BYTES_MAX = 512,
    SWARM_CALL_KINDS = HWI_KIND_BARRIER_RUN + 1,
};

enum swarm_verdict {
    SWARM_OK,
    SWARM_SAFETY,   // a promise was broken
    SWARM_LIVENESS, // nothing broken, but no progress after all faults were over
    SWARM_CRASH,    // the process that ran the seed died
    SWARM_DIFFERS,  // the seed ran twice and the runs were not the same
    SWARM_VERDICTS
};

struct swarm_config {
    uint64_t seed;
    uint32_t peers_least, peers_most; // the seed draws one between; 1..SWARM_PEERS_MAX
    uint32_t steps;                   // rounds the crew makes under faults; 0 = drawn
    const char *faults;               // see swarm_spec_parse
    const char *only;                 // see swarm_events_parse
    const char *journal;              // directory for the journals of all processes, or NULL
    bool transcript;                  // is kept, for `look`
    bool twice;                       // runs it a second time and compares
    bool replayed;                    // feeds what actors heard to fresh ones and compares
    // See struct hwi_sim_config; or NULL.
    const struct hwi_sim_wire_ops *wire;
    // Sees the simulation after its end, or NULL.
    void (*look)(void *user, struct hwi_sim *sim);
    void *user;
};

struct swarm_outcome {
    uint64_t seed;
    uint32_t verdict; // enum swarm_verdict
    uint32_t peers, steps;
    uint64_t digest;
    uint64_t virtual_ns, cpu_ns;
    uint64_t heal_ns;                  // from the end of the faults until all had made progress
    uint64_t calls;                    // of trainers
    uint64_t committed, aborted;       // operations, as the master counts them
    uint64_t lives;                    // processes that were members
    uint64_t views;                    // that came into force and were seen by a trainer
    uint64_t memory_most;              // bytes that a process's actors, mailbox and data port held
    uint64_t mismatches;               // calls that got a mismatch
    uint64_t cancelled;                // ... that they were cancelled
    uint64_t batches;                  // that returned
    uint64_t batches_cut;              // ... before all their operations were started
    uint64_t oks[SWARM_CALL_KINDS];    // calls that succeeded, by enum hwi_kind
    uint32_t groups, unit;             // as drawn; 1 and 0 = none
    uint64_t struck[SWARM_KINDS];      // events that found whom to hit
    uint64_t injected[HWI_SIM_FAULTS]; // what the simulator made of them
    struct swarm_events fired;         // events whose time came
    char sentence[SWARM_SENTENCE_BYTES_MAX]; // unless OK: what promise, who, when
};

// False and a sentence in `error` if the texts of the config make no sense.
bool swarm_config_check(const struct swarm_config *config, char *error, size_t bytes);

// Runs the seed. A failed check outside of the actors aborts the process: run it in a child.
void swarm_run(const struct swarm_config *config, struct swarm_outcome *outcome);

// The seed's draws where the config leaves them open, as `outcome` of a run has them.
void swarm_draw_size(const struct swarm_config *config, uint32_t *peers, uint32_t *steps);

// "safety", ...
const char *swarm_verdict_name(enum swarm_verdict verdict);

// The command line that runs what the config says.
void swarm_command(const struct swarm_config *config, char *text, size_t bytes);

// ---- shrinking

// Runs a config somewhere (in a child, say).
typedef void (*swarm_try_fn)(void *user, const struct swarm_config *config,
                             struct swarm_outcome *outcome);
// The record of a failure.
struct swarm_shrunk {
    struct swarm_config config; // its `only` points to the text below
    struct swarm_outcome outcome;
    char only[SWARM_LIST_BYTES_MAX];
    uint32_t tries;
};
// Looks for a smaller run with the verdict that `outcome` had with `config`: fewer fault events,
// fewer peers, an earlier end. At most `tries_max` runs.
void swarm_shrink(const struct swarm_config *config, const struct swarm_outcome *outcome,
                  uint32_t tries_max, swarm_try_fn try, void *user, struct swarm_shrunk *shrunk);

#endif
