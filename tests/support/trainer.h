// SPDX-License-Identifier: MIT
// Trainers as they should be written: after every new view all sync, then they reduce step after
// step; newcomers are admitted when the last commit said that some wait; failed calls are
// acknowledged and made again.
#ifndef HAWSER_TESTS_SUPPORT_TRAINER_H
#define HAWSER_TESTS_SUPPORT_TRAINER_H

#include "tests/support/scenario.h"

enum trainer_stage {
    TRAINER_OPENING, // until it is a member
    TRAINER_SYNCING,
    TRAINER_REDUCING,
    TRAINER_ADMITTING,
    TRAINER_VIEWING, // hws_view after a change
    TRAINER_OVER,    // dead, or its incarnation is finished
};

struct trainer {
    enum trainer_stage stage;
    uint64_t request;
    uint32_t step;    // the next one to reduce; the state's revision and seed
    uint32_t reduced; // by this trainer
    uint64_t view;    // of its last success
};

struct school {
    struct scenario *scenario;
    struct trainer trainers[SCENARIO_NODES_MAX];
    uint64_t state_bytes;
    uint64_t count;   // elements of a step
    uint64_t pace_ms; // how long a trainer computes between its calls, at most
    uint64_t timeout_ms; // of its calls; 0 = the scenario's
};

// Every process the scenario has, or gets later with school_enrol, trains from now on. The other
// fields are set by the caller.
void school_open(struct school *school);
uint32_t school_enrol(struct school *school); // starts a process; returns its node
// Runs at least `ms`; every `pace_ms` the trainers look at their replies.
void school_run(struct school *school, uint64_t ms);
// How many trainers are not over, frozen ones included, and the least number of steps they reduced.
uint32_t school_alive(const struct school *school);
uint32_t school_least_reduced(const struct school *school);

#endif
