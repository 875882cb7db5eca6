// SPDX-License-Identifier: MIT
// Several snapshot actors with symbolic memories: a block is one number, its hash is made of that
// number. The fleet plays their peers and data ports and the links between them, in virtual time.
#ifndef HAWSER_TESTS_SUPPORT_SNAPSHOT_FLEET_H
#define HAWSER_TESTS_SUPPORT_SNAPSHOT_FLEET_H

#include "actors/loop/step.h"

enum { FLEET_NODES_MAX = 80 };

// The damage that a source does to the manifest pages it sends.
enum fleet_lie {
    FLEET_HONEST = 0,
    FLEET_WRONG_HASH,
    FLEET_WRONG_TOTAL,
    FLEET_SHORT_PAGE,
    FLEET_LONG_PAGE,
    FLEET_ODD_FIRST,
    FLEET_FAR_FIRST,
    FLEET_OTHER_OP, // ignored by the receiver
    FLEET_TWICE,    // each page twice: harmless
};

struct fleet_row { // a block_place
    uint64_t from;
    uint32_t block;
};

struct fleet_node {
    void *state;
    uint64_t peer;
    uint64_t *blocks; // what its memory holds
    // How it behaves.
    uint64_t block_ticks; // to send a block; blocks leave one after the other
    enum fleet_lie lie;
    uint32_t corrupt; // the number of blocks it sends next that are wrong
    bool frozen;      // its data port sends no blocks
    // The outcome.
    uint64_t busy_until;
    struct fleet_row *rows;
    uint32_t row_count;
    uint32_t pages_sent, blocks_sent, blocks_received, wants_sent;
    uint32_t hashes_open, hashes_open_most, hashed, quiesces;
    uint32_t in_flight_most; // blocks asked of one source and not here
    uint32_t told_hashed, told_done, told_fault, told_ended;
    struct hwi_msg_state_hashed hashed_last;
    struct hwi_msg_op_fault fault_last;
    struct hwi_msg_op_ended ended_last;
};

struct fleet_post {
    uint64_t due, order;
    uint32_t to;
    struct hwi_addr from;
    struct hwi_msg msg;
    void *block;
};

struct fleet {
    struct fleet_node nodes[FLEET_NODES_MAX];
    uint32_t node_count;
    uint32_t block_count;
    uint64_t now, order;
    struct fleet_post *posts;
    uint32_t post_count, post_capacity;
    struct hwi_op op;
    uint64_t revision; // of all
    bool verify;       // hash only where that is needed
    struct hwi_effects effects;
};

// `nodes` actors with peer ids 10, 11, ... in view 1, tensors of `bytes[0..tensors)`, memories all
// alike.
void fleet_init(struct fleet *fleet, uint32_t nodes, const uint64_t *bytes, uint32_t tensors);
void fleet_fini(struct fleet *fleet);

// Node n's block b: another content than everybody's.
void fleet_spoil(struct fleet *fleet, uint32_t node, uint32_t block);
void fleet_spoil_all(struct fleet *fleet, uint32_t node);

// Posts to a node's actor, to be delivered now.
void fleet_tell(struct fleet *fleet, uint32_t node, struct hwi_addr from,
                const struct hwi_msg *msg);
// Delivers until nothing is left, or until `ticks` have gone by.
void fleet_run(struct fleet *fleet);
void fleet_run_for(struct fleet *fleet, uint64_t ticks);

// The peers' part. Each message goes to one node, or to all of them.
void fleet_view(struct fleet *fleet, uint64_t view);
void fleet_start(
    struct fleet *fleet); // sync_start to all, and runs; again for the same op is allowed
void fleet_go(struct fleet *fleet, uint32_t node, uint32_t elected);
void fleet_go_all(struct fleet *fleet, uint32_t elected); // and runs
void fleet_end(struct fleet *fleet, uint32_t node, bool committed);
void fleet_end_all(struct fleet *fleet, bool committed); // and runs; the next op follows

// All nodes said Done once and hold the same bytes.
void fleet_check_equal(const struct fleet *fleet);

#endif
