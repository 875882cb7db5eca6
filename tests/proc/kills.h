// SPDX-License-Identifier: MIT
// Shared by the killer and its members: one page per member, readable after its death.
#ifndef HAWSER_TESTS_PROC_KILLS_H
#define HAWSER_TESTS_PROC_KILLS_H

#include <stdatomic.h>
#include <stdint.h>

enum { KILLS_MEMBERS = 3, KILLS_BYTES = 16 << 20, KILLS_PAGES_MAX = 4096, KILLS_OPS_LOGGED = 64 };

// Where a member's all-reduce was when it died.
enum kills_phase {
    PHASE_JOINING,
    PHASE_BETWEEN, // no operation in flight
    PHASE_ANNOUNCED,
    PHASE_REDUCE_SCATTER,
    PHASE_ALL_GATHER,
    PHASE_DONE_SENT,
    PHASES,
};

// An operation that a member got OK for: the place in its view names it for all members alike.
struct kills_op {
    uint64_t view, place, hash;
};

struct kills_page {
    _Atomic int phase;
    _Atomic uint64_t announced_ns; // when the last view came into force here
    _Atomic uint64_t alive;        // rises with each call that returned
    _Atomic uint64_t committed, aborted;
    _Atomic uint64_t retried; // operations that it took more than one attempt
    _Atomic uint64_t mixed;   // batches whose operations cover more than one view
    _Atomic uint64_t wrong_sums, wrong_restores, wrong_statuses;
    _Atomic uint64_t logged; // operations written to `ops`, a ring
    struct kills_op ops[KILLS_OPS_LOGGED];
};

// The member's life: never returns but by signal, or when the master is gone. `page` is shared
// memory.
int kills_member(struct kills_page *page, const char *master);
// The same with batches of operations.
int batch_member(struct kills_page *page, const char *master);

// From now on the page tells where this process's operations are.
void kills_watch(struct kills_page *page);

#endif
