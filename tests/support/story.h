// SPDX-License-Identifier: MIT
// Simulated runs for tests of `hawser explain`: a run whose processes have rings, its members'
// calls, and what explain makes of the rings.
#ifndef HAWSER_TESTS_SUPPORT_STORY_H
#define HAWSER_TESTS_SUPPORT_STORY_H

#include "tools/explain/explain.h"
#include "tools/trainer/trainer.h"
#include "transport/sim/sim.h"

enum {
    STORY_NODES_MAX = 8,
    STORY_RECORDS = 1 << 13,
    STORY_ELEMENTS_MAX = 1 << 20,
    STORY_STATE_BYTES = 8 << 20,
};

struct story {
    struct hwi_sim *sim;
    uint32_t nodes; // ever started
    float *buffers[STORY_NODES_MAX];
    unsigned char *states[STORY_NODES_MAX]; // owned, for whoever wants one
    struct explain_report report;           // the last one
};

// A run with `members` members in its first view; with 0, nobody yet, and the first_members of the
// config. Returns owned.
struct story *story_begin(uint32_t members);
struct story *story_begin_with(const struct hwi_sim_config *config, uint32_t members);
void story_end(struct story *story); // takes
void story_run(struct story *story, double seconds);

// ---- calls; each returns the request number

uint64_t story_call(struct story *story, uint32_t node, uint8_t kind, uint64_t tag, uint64_t count,
                    uint64_t timeout_ms);
uint64_t story_reduce(struct story *story, uint32_t node, uint64_t tag, uint64_t count);
// Node `node` has a state of STORY_STATE_BYTES, drawn from the seed.
void story_hold_state(struct story *story, uint32_t node, int seed);
// All that live make `times` all-reduces, and get OK.
void story_reduce_all(struct story *story, uint64_t tag, uint32_t times);

// ---- what is made of it

// Bit per node whose ring is looked at; the master's is the highest.
#define STORY_MASTER (UINT32_C(1) << 31)
#define STORY_ALL UINT32_MAX
void story_explain_some(struct story *story, uint32_t nodes, bool status);
// As if the rings had been read so much later, and nothing had come.
void story_explain_later(struct story *story, uint32_t nodes, uint32_t seconds);
// All rings, and this first sentence; or one that begins so.
void story_explain(struct story *story, const char *sentence);
void story_explain_begins(struct story *story, const char *begins);
void story_expect_first(struct story *story, const char *sentence);
void story_expect_begins(struct story *story, const char *begins);
// This line is among the evidence of finding number `finding`.
void story_expect_line(const struct story *story, uint32_t finding, const char *line);
void story_print(const struct story *story);
// Up to STORY_RECORDS of them.
uint32_t story_read_ring(const struct hwi_ring_head *head, struct hwi_ring_record *records);

#endif
