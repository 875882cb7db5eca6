// SPDX-License-Identifier: MIT
// Verbs for scenario tests: a simulated run, its members' calls, and what must hold for all of
// them.
//
// Every call belongs to a `step`, the test's own number for "these members' calls belong together":
// inputs are a function of (node, step), so a result over the wrong calls or members has the wrong
// bytes. At scenario_end every call ever made is checked: bytes against a scalar reference over the
// members its reply names, buffers of failed calls untouched, nobody with OK where another got an
// error, no reply missing, no actor's check failed, and every actor replays to the same effects
// with all tensor memory inaccessible.
#ifndef HAWSER_TESTS_SUPPORT_SCENARIO_H
#define HAWSER_TESTS_SUPPORT_SCENARIO_H

#include <hawser/types.h>

#include "tests/support/arena.h"
#include "tests/support/expect.h"
#include "tools/trainer/trainer.h"
#include "transport/sim/sim.h"

enum { SCENARIO_CALLS_MAX = 8192, SCENARIO_NODES_MAX = 64 };

// A call as a test wants it; zero fields mean f32, sum, 10 s.
struct call {
    uint32_t step;
    uint8_t kind; // enum hwi_kind; 0 = all-reduce
    uint8_t dtype, redop, retry, plan, in_place;
    uint8_t misalign;         // bytes that the buffers are off
    uint8_t unequal;          // all-gather: `count` is what gathered_count makes each member's of
    uint32_t root;            // broadcast: the node
    uint64_t room;            // elements that the output has room for; 0 = enough
    uint8_t strategy, verify; // of a sync
    uint64_t tag, count, value;
    uint64_t timeout_ms;
};

struct made_call {
    struct call call;
    uint32_t node;
    uint64_t request;
    void *input, *output;
};

struct state {
    unsigned char *bytes; // NULL = none
    uint64_t length;
};

struct scenario {
    struct hwi_sim *sim;
    struct arena arena;
    uint32_t nodes;                      // ever started
    uint64_t peers[SCENARIO_NODES_MAX];  // by node; 0 = never became a member
    uint32_t groups[SCENARIO_NODES_MAX]; // by node
    bool frozen[SCENARIO_NODES_MAX];     // a frozen member owes no reply
    bool out[SCENARIO_NODES_MAX];        // was told that its incarnation is finished
    struct state states[SCENARIO_NODES_MAX];
    struct made_call calls[SCENARIO_CALLS_MAX];
    uint32_t call_count;
    char title[160]; // printed before the transcript if something fails; may be empty
};

// The settings of most scenarios: 5 ms to the master, 1 ms between members, two stripes, heartbeats
// every 500 ms, dead after 5 s.
extern const struct hwi_sim_config scenario_config;

// A run with `members` members in its first view; with 0, nobody yet, and the first_members of the
// config. Returns owned.
struct scenario *scenario_start(uint32_t members);
struct scenario *scenario_start_with(const struct hwi_sim_config *config, uint32_t members);
// As scenario_start, with groups 0, 1, ..: of that many members each, node by node (0, 1, 0, 1, ..
// with two groups).
struct scenario *scenario_start_groups(uint32_t groups, uint32_t members_each);
// A run that wants two members, of which node 1 has died: node 0 has acknowledged that.
struct scenario *scenario_below_min_members(void);
// Checks everything above and frees (takes).
void scenario_end(struct scenario *scenario);

// ---- members

uint32_t start_member(struct scenario *scenario);
uint32_t start_member_with(struct scenario *scenario, uint32_t min_members);
uint32_t start_member_at(struct scenario *scenario, const struct hwi_sim_place *place);
// Waits until the opening of `node` was answered, with `status`.
void expect_open(struct scenario *scenario, uint32_t node, hws_status status);
void freeze(struct scenario *scenario, uint32_t node);
void thaw(struct scenario *scenario, uint32_t node);
void run_ms(struct scenario *scenario, uint64_t ms);

// ---- calls; each returns the request number

uint64_t all_reduce(struct scenario *scenario, uint32_t node, uint32_t step, uint64_t count);
uint64_t agree(struct scenario *scenario, uint32_t node, uint32_t step, uint64_t value);
uint64_t admit(struct scenario *scenario, uint32_t node);
uint64_t sync_state(struct scenario *scenario, uint32_t node, uint32_t step, uint64_t revision);
uint64_t make_call(struct scenario *scenario, uint32_t node, const struct call *call);

// ---- replies

// Waits for the reply (collecting it) and returns it; fails if none comes by the deadline and
// grace.
const struct hwi_msg_reply *reply_of(struct scenario *scenario, uint32_t node, uint64_t request);
const struct hwi_msg_reply *expect_status(struct scenario *scenario, uint32_t node,
                                          uint64_t request, hws_status status);
// hws_view, which must succeed.
const struct hwi_msg_reply *acknowledge(struct scenario *scenario, uint32_t node);
// The member set of a reply is exactly these nodes.
void expect_members(struct scenario *scenario, const struct hwi_msg_reply *reply, uint32_t count,
                    const uint32_t *nodes);

// ---- everybody

// Living, thawed members 0..nodes-1 all make the call and get OK.
void everybody(struct scenario *scenario, const struct call *call);
void everybody_all_reduces(struct scenario *scenario, uint32_t step, uint64_t count);
void everybody_acknowledges(struct scenario *scenario);
void everybody_admits(struct scenario *scenario);
// Alive, not frozen, and a member as far as it knows.
bool is_up(const struct scenario *scenario, uint32_t node);

// ---- shared state

// One tensor of `bytes` bytes, filled from `seed`.
void give_state(struct scenario *scenario, uint32_t node, uint64_t bytes, uint32_t seed);
void fill_state(struct scenario *scenario, uint32_t node, uint32_t seed);
// It holds what `fill_state(seed)` writes.
void expect_state(const struct scenario *scenario, uint32_t node, uint32_t seed);
// All living members hold what `fill_state(seed)` writes.
void expect_states(struct scenario *scenario, uint32_t seed);

// ---- transcript

// Everything since start or hwi_sim_mark, exactly.
void expect_transcript(struct scenario *scenario, const char *expected);

// check.c: what scenario_end checks of calls; also good at any time before.
void check_calls(struct scenario *scenario);
// tensors.c: the value of element `index` of a node's input, of f32 or f64.
double input_value(uint32_t node, uint32_t step, uint64_t index);
// The input of a member to an all-gather whose counts differ.
uint64_t gathered_count(uint64_t count, uint32_t node);

#endif
