// SPDX-License-Identifier: MIT
// Shared by the parts of `hawser demo`: the participants, their reports, and the verdict.
#ifndef HAWSER_TOOLS_HAWSER_DEMO_DEMO_H
#define HAWSER_TOOLS_HAWSER_DEMO_DEMO_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/hawser/common/family.h"

enum {
    DEMO_MEMBERS = 4,  // at the start
    DEMO_VICTIM = 2,   // the index of the one that kills itself
    DEMO_LATE = 3,     // the index of the one whose lateness keeps that operation in flight
    DEMO_NEWCOMER = 4, // the index of the one that comes late
    DEMO_PARTIES = 5,
    DEMO_STEPS = 60,
    DEMO_DIE_AT = 20,
    DEMO_PATH_BYTES = 1024,
    DEMO_PROBLEM_BYTES = 256,
};
#define DEMO_ACCURACY_LEAST 0.95

// The report of one trainer about itself.
struct demo_party {
    uint64_t peer;         // its id; 0 = not joined
    uint64_t step;         // the last outer step it made
    uint64_t synced_at;    // the step of its first sync
    uint64_t synced_bytes; // what that fetched
    uint64_t dying_step;   // the victim: whose all-reduce it goes in
    double accuracy;
    bool finished;
    bool retried;       // its all-reduce of the dying step was aborted and run again,
    bool missed_victim; // and the view then lacked the victim
    uint64_t hash[2];   // XXH3-128 of its final state, high half first
    bool hashed;
};

struct demo {
    struct family family;
    struct demo_party parties[DEMO_PARTIES];
    char directory[DEMO_PATH_BYTES]; // temporary
    char trainer[DEMO_PATH_BYTES];
    char data[DEMO_PATH_BYTES];
    char address[64]; // the master's
    uint32_t seed;
    bool json, terminal;
    bool newcomer_started;
    uint64_t shown_step; // progress
    uint64_t start_ns;
    char problem[DEMO_PROBLEM_BYTES]; // the first thing that went wrong; "" = nothing so far
};

struct demo_verdict {
    bool ok, identical, killed_in_op;
    uint32_t members, killed, joined;
    double accuracy; // the least of those that finished
};

// Only the first problem is reported.
__attribute__((format(printf, 2, 3))) void demo_problem(struct demo *demo, const char *format, ...);

// Finds the trainer and the data beside this program or in its installation; `data` may be given.
bool demo_find(struct demo *demo, const char *data);
// Where a party's final state goes.
void demo_out_path(const struct demo *demo, uint32_t index, char *path);
// A temporary directory, and its end with all that is in it.
bool demo_make_directory(struct demo *demo);
void demo_remove_directory(struct demo *demo);

// Takes in a line that a trainer reported, and shows what people want to see.
void demo_on_report(struct demo *demo, uint32_t index, const char *line);
// Shows an event, with the time since the start.
__attribute__((format(printf, 2, 3))) void demo_show(struct demo *demo, const char *format, ...);

// Hashes the final states, judges, and prints the last line.
struct demo_verdict demo_judge(struct demo *demo);
void demo_print(const struct demo *demo, const struct demo_verdict *verdict);

#endif
