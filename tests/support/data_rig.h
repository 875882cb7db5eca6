// SPDX-License-Identifier: MIT
// A few data ports joined by memory, for tests: no actors, commands are given by hand.
#ifndef HAWSER_TESTS_SUPPORT_DATA_RIG_H
#define HAWSER_TESTS_SUPPORT_DATA_RIG_H

#include "tests/support/phases.h"
#include "transport/data/data.h"

enum { RIG_NODES_MAX = 4, RIG_EVENTS_MAX = 4096 };

struct rig_event {
    struct hwi_addr from, to;
    struct hwi_msg msg;
};

struct rig_node {
    struct hwi_data *data;
    uint64_t peer; // 1, 2, ...
    struct rig_event *events;
    uint32_t event_count;
    void **blocks; // behind the events' lists, one for each event delivered
    uint32_t block_count;
    uint32_t kicks;
    uint32_t broken; // calls of the broken callback, and verdicts in rig_pump
    const char *why; // of the last one
};

struct rig {
    struct rig_node nodes[RIG_NODES_MAX];
    uint32_t count;
};

// Opens `count` ports with an edge between each two, all in view 1.
void rig_open(struct rig *rig, uint32_t count);
void rig_close(struct rig *rig);

// Runs one command of the data port: rig_do(&node, send, .op = op, .to = 2).
#define RIG_DO(node, name, ...)                                                                    \
    rig_command((node), &(struct hwi_msg){.type = HWI_MSG_##name, .u.name = {__VA_ARGS__}})
void rig_command(struct rig_node *node, const struct hwi_msg *msg);
// The same, expecting a failed check.
bool rig_command_fails(struct rig_node *node, const struct hwi_msg *msg);
#define RIG_FAILS(node, name, ...)                                                                 \
    rig_command_fails((node), &(struct hwi_msg){.type = HWI_MSG_##name, .u.name = {__VA_ARGS__}})
// Operands of a reduce.
#define RIG_ONE(a) .operands = (struct hwi_id[]){{a}}, .operands_count = 1
#define RIG_TWO(a, b) .operands = (struct hwi_id[]){{a}, {b}}, .operands_count = 2
void rig_say(struct rig_node *node, enum hwi_role role, uint64_t to, const struct hwi_msg *msg);

// Takes the first event of this type out of what was delivered; false if there is none. Lists stay
// valid until rig_close.
bool rig_take(struct rig_node *node, uint16_t type, struct rig_event *event);
uint32_t rig_count(const struct rig_node *node, uint16_t type);

// Moves every waiting frame between all nodes until nothing waits.
void rig_pump(struct rig *rig);

// One frame under way, to be stopped in the middle.
struct rig_transfer {
    struct rig_node *from, *to;
    struct hwi_frame_out out;
    struct hwi_frame_in in;
    uint32_t moved;
    enum hwi_verdict verdict;
    const char *why;
};

// Takes the next frame and shows its header to the receiver; false if none waits.
bool rig_begin(struct rig *rig, struct rig_transfer *transfer, uint32_t from, uint32_t to,
               enum hwi_lane lane);
// Moves up to `bytes` of the payload, as a driver must: zeros or nowhere if that is what is left.
void rig_move(struct rig_transfer *transfer, uint32_t bytes);
// Moves the rest and the trailer, and gives both sides their frame back.
enum hwi_verdict rig_end(struct rig_transfer *transfer);
// The stripe breaks: both sides get their frame back unfinished.
void rig_break(struct rig_transfer *transfer);

// A frame made by hand goes to `to` as if `peer` had sent it. `trailer` 0 = the right one.
enum hwi_verdict rig_forge(struct rig_node *to, uint64_t peer, enum hwi_lane lane,
                           const struct hwi_frame *frame, const void *payload, uint64_t trailer,
                           const char **why);

struct hwi_op rig_op(uint64_t view, uint8_t kind, uint64_t tag, uint32_t seq);

// The next number of a fixed sequence; the same in every run.
uint64_t rig_random(void);
void rig_fill(void *memory, size_t bytes);

#endif
