// SPDX-License-Identifier: MIT
// Reducers of several members over data ports without memory: a chunk's value is the list of
// members whose inputs were added, in that order. The ports keep the real port's rules and fail the
// test when a reducer breaks one: a frame beyond the grant, a slot used twice, an operand that is
// not there, bytes sent ahead beyond the budget. Frames and messages arrive in an order that the
// seed decides, also on one edge, as over several stripes.
#ifndef HAWSER_TESTS_SUPPORT_SYMBOLIC_H
#define HAWSER_TESTS_SUPPORT_SYMBOLIC_H

#include "actors/loop/step.h"
#include "tests/support/phases.h"

enum {
    SYMBOLIC_MEMBERS_MAX = 6,
    SYMBOLIC_TRACE_BYTES = 16384,
    SYMBOLIC_PHASES_MAX = 16,
};

// Inputs added so far, by member number, and the division that ended it.
struct symbolic_value {
    uint8_t count;
    uint8_t who[SYMBOLIC_MEMBERS_MAX];
    uint32_t divisor;
};

// Where frames of one phase from one member go.
struct symbolic_row {
    bool placed;
    uint32_t first, chunks, slots, granted;
    bool *came;                  // [chunks]
    uint32_t *slot_chunk;        // [slots] chunk + 1, 0 = free
    struct symbolic_value *slot; // [slots]
};

// One operation as one member's port and peer actor see it.
struct symbolic_op {
    struct hwi_op op;
    bool known; // op_memory was said
    bool quiesced;
    uint8_t restore;     // of quiesce
    bool alone_in_place; // the output is never written
    uint64_t bytes;
    uint32_t chunk_bytes, chunks;
    uint32_t regions;                  // 0 = one
    uint64_t *region;                  // [regions + 1] where they begin, ...
    uint32_t *region_first;            // ... and their first chunks
    struct symbolic_value *output;     // [chunks]
    bool *left;                        // [chunks] input sent to its owner
    bool called[SYMBOLIC_MEMBERS_MAX]; // our call was said to them
    struct symbolic_row rows[SYMBOLIC_PHASES_MAX + 1][SYMBOLIC_MEMBERS_MAX];
    uint32_t scatter_granted;
    uint32_t done, faults, ended; // how often it was said
    struct hwi_fault fault;
    struct hwi_msg_op_ended end;
    uint32_t grants; // messages, of all sizes
};

struct symbolic;

// Members 0.. of peer ids symbolic_peer(0).. . Returns owned.
struct symbolic *symbolic_create(uint32_t members, uint64_t seed);
void symbolic_destroy(struct symbolic *symbolic); // takes
uint64_t symbolic_peer(uint32_t who);
uint64_t symbolic_random(struct symbolic *symbolic, uint64_t below);

// Events for one member's reducer; they wait in its mailbox. `mask` has a bit for each member of
// the view.
void symbolic_view(struct symbolic *symbolic, uint32_t who, uint64_t view, uint32_t mask);
void symbolic_start(struct symbolic *symbolic, uint32_t who, const struct hwi_msg_op_start *start);
void symbolic_end(struct symbolic *symbolic, uint32_t who, struct hwi_op op, bool committed);
// Says `msg` to a member's reducer in the name of any peer id.
void symbolic_inject(struct symbolic *symbolic, uint64_t from_peer, uint32_t who,
                     const struct hwi_msg *msg);

// Does one thing that waits, which one decides the seed; false if nothing waits.
bool symbolic_step(struct symbolic *symbolic);
void symbolic_run(struct symbolic *symbolic);
// Handles all that waits in one member's mailbox, in order; the network stands still.
void symbolic_drain(struct symbolic *symbolic, uint32_t who);

// NULL if the member's port and peer have never heard of it. Good until the next op of that member.
const struct symbolic_op *symbolic_find(struct symbolic *symbolic, uint32_t who, struct hwi_op op);
// Every member of `mask` said Done once and holds what the operation gives it: of an all-reduce the
// inputs of all of them, added by rank and divided; of a reduce-scatter that for its own region; of
// an all-gather each one's input in its region; of a broadcast that of the member `root`.
void symbolic_expect(struct symbolic *symbolic, struct hwi_op op, uint32_t mask, uint32_t divisor);
void symbolic_expect_from(struct symbolic *symbolic, struct hwi_op op, uint32_t mask,
                          uint32_t root);

// From now on, the events ("> ") and effects of one member, a line each. Borrowed until destroy.
const char *symbolic_trace(struct symbolic *symbolic, uint32_t who);
// Its failed(): as the drain does it after a failed check. The member hears nothing more.
void symbolic_fail(struct symbolic *symbolic, uint32_t who);

#endif
