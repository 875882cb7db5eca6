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
#define HWI_PROTOCOL 1u

// Calls of one kind and tag form a channel; its operations are numbered in call order.
enum hwi_kind {
    HWI_KIND_NONE = 0, // a request only: hws_view
    HWI_KIND_ALL_REDUCE = 1,
    HWI_KIND_AGREE = 2, // voting: the master holds the result
    HWI_KIND_ADMIT = 3, // voting
    HWI_KIND_SYNC = 4,
    HWI_KIND_CLOSE = 5, // a request only: leave the run; replied when the master has said evicted,
                        // or after a second
    HWI_KIND_MAX = 32,
};

enum hwi_agree { HWI_AGREE_AND = 1, HWI_AGREE_MIN = 2 };
enum hwi_plan { HWI_PLAN_AUTO = 0, HWI_PLAN_ONE_SHOT = 1, HWI_PLAN_DIRECT = 2 };
// A frame's part in its operation. SCATTER carries inputs to who reduces, GATHER carries results.
enum hwi_phase {
    HWI_PHASE_SCATTER = 1,
    HWI_PHASE_GATHER = 2,
    HWI_PHASE_BLOCK = 3,
    HWI_PHASE_MAX = 3
};

#define HWI_OPERAND_SELF UINT64_C(0)      // the caller's input (its saved copy once overwritten)
#define HWI_OPERAND_OUTPUT UINT64_MAX     // what the output holds so far
#define HWI_OPERAND_NONE (UINT64_MAX - 1) // no second operand: copy

#define RECORD(name) struct hwi_##name {
#define END_RECORD(name)                                                                           \
    }                                                                                              \
    ;
#define MESSAGE(name, id, route, doc) struct hwi_msg_##name {
#define END_MESSAGE(name)                                                                          \
    uint8_t end_;                                                                                  \
    }                                                                                              \
    ;
#define U8(owner, field, limit, doc) uint8_t field;
#define U32(owner, field, limit, doc) uint32_t field;
#define U64(owner, field, limit, doc) uint64_t field;
#define I32(owner, field, doc) int32_t field;
#define HASH(owner, field, doc) struct hwi_hash field;
#define STR(owner, field, bytes, doc) char field[bytes];
#define REC(owner, kind, field, doc) struct hwi_##kind field;
#define LIST(owner, kind, field, most, doc)                                                        \
    struct hwi_##kind *field;                                                                      \
    uint32_t field##_count;
#include "actors/wire/msg.def"
#include "actors/wire/msg_undef.h"

enum hwi_msg_type {
    HWI_MSG_NONE = 0,
#define RECORD(name)
#define END_RECORD(name)
#define MESSAGE(name, id, route, doc) HWI_MSG_##name = id,
#define END_MESSAGE(name)
#define U8(owner, field, limit, doc)
#define U32(owner, field, limit, doc)
#define U64(owner, field, limit, doc)
#define I32(owner, field, doc)
#define HASH(owner, field, doc)
#define STR(owner, field, bytes, doc)
#define REC(owner, kind, field, doc)
#define LIST(owner, kind, field, most, doc)
#include "actors/wire/msg.def"
    HWI_MSG_TYPE_MAX = 128, // ids are below
};

struct hwi_msg {
    uint16_t type; // enum hwi_msg_type
    union {
#undef MESSAGE
#define MESSAGE(name, id, route, doc) struct hwi_msg_##name name;
#include "actors/wire/msg.def"
#include "actors/wire/msg_undef.h"
    } u;
};

// Who says or hears a message. id 0 = in this process. Remote: a PEER or TOOL is named by its
// session (a peer's incarnation), a REDUCER or SNAPSHOT by its peer id, the MASTER by 0.
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

static inline bool hwi_op_equal(struct hwi_op a, struct hwi_op b)
{
    return a.view == b.view && a.kind == b.kind && a.tag == b.tag && a.seq == b.seq;
}

#endif
