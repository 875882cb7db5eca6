// SPDX-License-Identifier: MIT
// Messages as C structs, made from msg.def. Lists are pointer + `<field>_count`.
// Ownership of what lists point to: an event's borrows until step returns; an effect's lives in the
// effects' arena until the effects are reset; a decoded or cloned message owns it (see codec.h).
#ifndef HAWSER_ACTORS_WIRE_MSG_H
#define HAWSER_ACTORS_WIRE_MSG_H

#include <stdint.h>

#include "actors/base/base.h"
#include "actors/base/limits.h"

// Raised when a message changes in a way that older builds would misread.
#define HWI_PROTOCOL 4u

// The kind of a call. Calls of one channel kind (below) and tag form a channel; its operations are
// numbered in call order.
enum hwi_kind {
    HWI_KIND_NONE = 0, // a request only: hws_view
    HWI_KIND_ALL_REDUCE = 1,
    HWI_KIND_AGREE = 2, // voting: the master holds the result
    HWI_KIND_ADMIT = 3, // voting
    HWI_KIND_SYNC = 4,
    HWI_KIND_CLOSE = 5, // a request only: leave the run; replied when the master has said evicted,
                        // or after a second
    HWI_KIND_REDUCE_SCATTER = 6,
    HWI_KIND_ALL_GATHER = 7,
    HWI_KIND_BROADCAST = 8,
    HWI_KIND_BARRIER = 9,      // voting
    HWI_KIND_AGREE_RUN = 10,   // voting; of all groups together, as admit
    HWI_KIND_BARRIER_RUN = 11, // voting; of all groups together
    HWI_KIND_MAX = 32,
};

// How votes combine. A barrier is a vote without a value, and so differs from any agree.
enum hwi_agree { HWI_AGREE_AND = 1, HWI_AGREE_MIN = 2, HWI_AGREE_BARRIER = 3 };
// Plans by number and name, numbered without gaps; AUTO chooses by size.
#define HWI_PLANS(X)                                                                               \
    X(AUTO, 0, "auto")                                                                             \
    X(ONE_SHOT, 1, "one_shot")                                                                     \
    X(DIRECT, 2, "direct")
#define HWI_PLAN_ENUM(name, value, text) HWI_PLAN_##name = value,
enum hwi_plan { HWI_PLANS(HWI_PLAN_ENUM) HWI_PLAN_COUNT };
// A chunk's phase: what it means says the operation's plan. 0 is none.
enum { HWI_PHASES_MAX = 255 };
// Where a chunk lies at a member.
enum hwi_place {
    HWI_PLACE_INPUT = 0,   // the caller's input
    HWI_PLACE_OUTPUT = 1,  // the caller's output
    HWI_PLACE_SCRATCH = 2, // what came from a member in a phase, or was made in its place
    HWI_PLACE_KEPT = 3,    // the input, as it was before a result came over it
    HWI_PLACE_MAX = 3,
};

#define HWI_OPERAND_SELF UINT64_C(0) // the caller's input

#define RECORD(name) struct hwi_##name {
#define END_RECORD(name)                                                                           \
    }                                                                                              \
    ;
#define MESSAGE(name, ...) struct hwi_msg_##name {
#define END_MESSAGE(name)                                                                          \
    uint8_t end_;                                                                                  \
    }                                                                                              \
    ;
#define U8(owner, field, ...) uint8_t field;
#define U32(owner, field, ...) uint32_t field;
#define U64(owner, field, ...) uint64_t field;
#define I32(owner, field, ...) int32_t field;
#define HASH(owner, field, ...) struct hwi_hash field;
#define STR(owner, field, bytes, ...) char field[bytes];
#define REC(owner, kind, field, ...) struct hwi_##kind field;
#define LIST(owner, kind, field, ...)                                                              \
    struct hwi_##kind *field;                                                                      \
    uint32_t field##_count;
#include "actors/wire/msg_rows.h"

enum hwi_msg_type {
    HWI_MSG_NONE = 0,
#define MESSAGE(name, id, ...) HWI_MSG_##name = id,
#include "actors/wire/msg_rows.h"
    HWI_MSG_TYPE_MAX = 128, // ids are below
};

struct hwi_msg {
    uint16_t type; // enum hwi_msg_type
    union {
#define MESSAGE(name, ...) struct hwi_msg_##name name;
#include "actors/wire/msg_rows.h"
    } u;
};

// The sender or the receiver of a message. id 0 = in this process. Remote: a PEER or TOOL is named
// by its session (a peer's incarnation), a REDUCER or SNAPSHOT by its peer id, the MASTER by 0.
enum hwi_role {
    HWI_ROLE_NONE = 0,
    HWI_ROLE_MASTER,
    HWI_ROLE_PEER,
    HWI_ROLE_REDUCER,
    HWI_ROLE_SNAPSHOT,
    HWI_ROLE_TRAINER, // the caller of the public API
    HWI_ROLE_DATA,    // the data port
    HWI_ROLE_CLOCK,
    HWI_ROLE_DISK,
    HWI_ROLE_TOOL, // the status command, a trace
    HWI_ROLE_RING, // what relays this process's ring to a tool
    HWI_ROLE_MAX,
};

// The roles that a word in msg.def stands for: X(role, argument) of each.
#define HWI_ROLES_NOBODY(X, argument)
#define HWI_ROLES_MASTER(X, argument) X(MASTER, argument)
#define HWI_ROLES_PEER(X, argument) X(PEER, argument)
#define HWI_ROLES_REDUCER(X, argument) X(REDUCER, argument)
#define HWI_ROLES_SNAPSHOT(X, argument) X(SNAPSHOT, argument)
#define HWI_ROLES_TRAINER(X, argument) X(TRAINER, argument)
#define HWI_ROLES_DATA(X, argument) X(DATA, argument)
#define HWI_ROLES_CLOCK(X, argument) X(CLOCK, argument)
#define HWI_ROLES_DISK(X, argument) X(DISK, argument)
#define HWI_ROLES_TOOL(X, argument) X(TOOL, argument)
#define HWI_ROLES_LANES(X, argument) X(REDUCER, argument) X(SNAPSHOT, argument)
#define HWI_ROLES_OWNERS(X, argument) X(MASTER, argument) X(PEER, argument)
#define HWI_ROLES_TIMED(X, argument) X(MASTER, argument) X(PEER, argument) X(REDUCER, argument)
#define HWI_ROLES_HOSTS(X, argument) X(MASTER, argument) X(PEER, argument)
#define HWI_ROLES_KEEPERS(X, argument) X(MASTER, argument) X(DISK, argument)

// HWI_SAYS_commit, HWI_HEARS_commit: sets of roles, as bits 1 << role.
enum hwi_msg_roles {
#define HWI_ROLE_BIT(role, argument) | 1u << HWI_ROLE_##role
#define MESSAGE(name, id, says, hears, ...)                                                        \
    HWI_SAYS_##name = 0 HWI_ROLES_##says(HWI_ROLE_BIT, 0),                                         \
    HWI_HEARS_##name = 0 HWI_ROLES_##hears(HWI_ROLE_BIT, 0),
#include "actors/wire/msg_rows.h"
#undef HWI_ROLE_BIT
};

// How a message travels from its sender to its receiver.
enum hwi_msg_link {
    HWI_LINK_INSIDE,  // one process; what comes from another one is never such a message
    HWI_LINK_CONTROL, // between a member, or a tool, and the master
    HWI_LINK_STRIPES, // between members
    HWI_LINK_STORED,  // it is kept in a file
};

struct hwi_addr {
    uint8_t role; // enum hwi_role
    uint64_t id;
};

struct hwi_envelope {
    struct hwi_addr from;
    struct hwi_addr to;
    struct hwi_msg msg;
};

static inline struct hwi_addr hwi_addr_of(enum hwi_role role, uint64_t id)
{
    return (struct hwi_addr){.role = (uint8_t)role, .id = id};
}

// The kind that names the channel of a call of this kind: what moves data, and what votes in one
// scope, share one sequence per tag, so that calls which do not match meet.
static inline uint8_t hwi_channel_kind(uint8_t kind)
{
    switch (kind) {
    case HWI_KIND_REDUCE_SCATTER:
    case HWI_KIND_ALL_GATHER:
    case HWI_KIND_BROADCAST:
        return HWI_KIND_ALL_REDUCE;
    case HWI_KIND_BARRIER:
        return HWI_KIND_AGREE;
    case HWI_KIND_BARRIER_RUN:
        return HWI_KIND_AGREE_RUN;
    default:
        return kind;
    }
}

// It moves tensors between the members.
static inline bool hwi_kind_is_collective(uint8_t kind)
{
    return hwi_channel_kind(kind) == HWI_KIND_ALL_REDUCE;
}

// Its channel spans the run and not one group.
static inline bool hwi_kind_is_run_wide(uint8_t kind)
{
    return kind == HWI_KIND_ADMIT || hwi_channel_kind(kind) == HWI_KIND_AGREE_RUN;
}

// Agree and barrier, of either scope: Done is a vote, and only the master has the result.
static inline bool hwi_kind_is_agreement(uint8_t kind)
{
    uint8_t channel = hwi_channel_kind(kind);
    return channel == HWI_KIND_AGREE || channel == HWI_KIND_AGREE_RUN;
}

// Admit and sync are alone: nothing else of that member's is in flight with them, whatever its tag.
static inline bool hwi_kind_is_alone(uint8_t kind)
{
    return kind == HWI_KIND_ADMIT || kind == HWI_KIND_SYNC;
}

// The same operation: its own kind is additional information.
static inline bool hwi_op_equal(struct hwi_op a, struct hwi_op b)
{
    return a.view == b.view && a.tag == b.tag && a.seq == b.seq &&
           hwi_channel_kind(a.kind) == hwi_channel_kind(b.kind);
}

#endif
