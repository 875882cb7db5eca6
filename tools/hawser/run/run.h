// SPDX-License-Identifier: MIT
// The state of `hawser run`, and what its files ask of each other.
#ifndef HAWSER_TOOLS_HAWSER_RUN_RUN_H
#define HAWSER_TOOLS_HAWSER_RUN_RUN_H

#include <hawser/hawser.h>

#include "tools/hawser/common/family.h"
#include "tools/hawser/run/chaos.h"

enum { RUN_MEMBERS_CHECK_MS = 250, RUN_ADDRESS_BYTES = 64, RUN_NAME_BYTES = 64 };

struct run {
    struct family family;
    struct chaos chaos;
    hws_master *master;
    char address[RUN_ADDRESS_BYTES];
    const char *const *trainer; // borrowed: argv behind the options
    uint32_t members, first_members, min_members, dead_ms;
    uint64_t member[FAMILY_MAX]; // id, as last printed; 0 = none
    bool spared[FAMILY_MAX];     // ended by us: how it exits does not count
    bool frozen[FAMILY_MAX];     // by us
    uint32_t groups, unit_size;  // 0 = none
    bool finished;               // a member exited 0
    bool ending;                 // asked to end, or a trainer failed at once
    uint64_t start_ns, kill_at_ms, late_check_ms, members_check_ms;
    int exit_code;
};

// run.c
uint64_t run_elapsed_ms(const struct run *run);
bool run_start_process(struct run *run);
// Asks the processes to end, and makes them after a while.
void run_end_processes(struct run *run, int signal);

// members.c: what our own master says of them.
// "process 1 (member 3)", or "process 1" if it is no member at this moment.
void run_name_process(const struct run *run, uint32_t index, char name[RUN_NAME_BYTES]);
// Says which process is which member, also again: a process that joins again is another member.
void run_say_members(struct run *run);
bool run_has_begun(const struct run *run);
// Late processes that were never admitted have nobody to join once the others are finished.
void run_end_forgotten(struct run *run);

// strike.c: what chaos does to the processes.
void run_do_chaos(struct run *run);
// When all that run are frozen and nothing is planned that changes it, the run is over.
void run_end_frozen(struct run *run);
void run_say_what_never_struck(struct run *run);

#endif
