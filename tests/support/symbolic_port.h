// SPDX-License-Identifier: MIT
// The inside of symbolic.h: members, ports, packets.
#ifndef HAWSER_TESTS_SUPPORT_SYMBOLIC_PORT_H
#define HAWSER_TESTS_SUPPORT_SYMBOLIC_PORT_H

#include "tests/support/symbolic.h"

// On the network: a message, or a chunk with its value.
struct packet {
    uint32_t from, to;
    bool is_chunk;
    struct hwi_msg msg;
    struct hwi_op op;
    uint8_t phase;
    uint32_t chunk;
    uint32_t payload_bytes;
    uint64_t tensor_bytes;
    struct symbolic_value value;
};

struct letter {
    struct hwi_addr from;
    struct hwi_msg msg;
    struct hwi_id ids[SYMBOLIC_MEMBERS_MAX];
};

struct member {
    void *state;
    bool failed;
    bool wants_wake;
    uint64_t view;  // of its port
    uint32_t world; // members of the last view it was told
    uint32_t rank;  // own one in it
    uint64_t stash_view[SYMBOLIC_MEMBERS_MAX];
    struct packet *stash;
    uint32_t stash_count;
    struct symbolic_op **ops;
    uint32_t op_count;
    struct letter *mail;
    uint32_t mail_first, mail_count, mail_capacity;
};

struct symbolic {
    uint64_t random;
    uint64_t now_ns;
    uint32_t member_count;
    struct member members[SYMBOLIC_MEMBERS_MAX];
    struct packet *network;
    uint32_t packet_count, packet_capacity;
    struct hwi_effects effects;
    int traced; // member, or -1
    size_t trace_length;
    char trace[SYMBOLIC_TRACE_BYTES];
};

uint32_t symbolic_who(const struct symbolic *symbolic, uint64_t peer);
struct symbolic_op *symbolic_op_of(struct symbolic *symbolic, uint32_t who, struct hwi_op op,
                                   bool make);
void symbolic_mail(struct symbolic *symbolic, uint32_t who, struct hwi_addr from,
                   const struct hwi_msg *msg);
// The region that holds a chunk.
uint32_t symbolic_region(const struct symbolic_op *op, uint32_t chunk);
void symbolic_put(struct symbolic *symbolic, const struct packet *packet);

// A command of the member's reducer to its port.
void symbolic_command(struct symbolic *symbolic, uint32_t who, const struct hwi_msg *msg);
// A chunk arrives at its port.
void symbolic_arrive(struct symbolic *symbolic, const struct packet *packet);

#endif
