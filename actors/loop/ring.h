// SPDX-License-Identifier: MIT
// The ring: one bounded row of fixed-size records that says what each actor of a process heard and
// said, always on. One writer (the drain), any number of readers that map the memory read-only and
// copy; the writer never waits for them and never learns of them. It is flight recorder and trace
// source at once. Memory is handed in: a memfd under the host, plain memory in the simulator.
#ifndef HAWSER_ACTORS_LOOP_RING_H
#define HAWSER_ACTORS_LOOP_RING_H

#include "actors/wire/msg.h"

enum {
    HWI_RING_FORMAT = 1,
    HWI_RING_RECORDS = 1 << 15, // of a host's ring: 2 MiB
    HWI_RING_NAME_MAX = 32,
};

#define HWI_RING_MAGIC UINT64_C(0x31474e5252535748) // "HWSRRNG1"

// One message, handled by an actor or said by one to the outside of its process.
// 64 bytes: a cache line. Written whole, `number` last.
struct hwi_ring_record {
    uint64_t number;  // from 1, without gaps
    uint64_t arrived; // ticks: when it was put into the mailbox (SENT: when it was said)
    uint64_t handled; // ticks: when its step began (SENT: the same)
    uint64_t view;    // of the message, or of its operation; 0 = it has none
    uint64_t tag;     // of its operation or channel
    uint64_t key;     // the field that tells it from others of its type (count, chunk, request, ...)
    uint64_t other;   // id of who said it (SENT: of whom it is said to); 0 = in this process
    uint32_t seq;     // of its operation
    uint16_t type;    // enum hwi_msg_type
    uint8_t roles;    // low four bits: the actor's role; high four: the other's
    uint8_t kind;     // enum hwi_kind of its operation or channel; HWI_RING_SENT
};

enum { HWI_RING_SENT = 0x80 };

// `key` by type. A pair is HWI_RING_PAIR(low, high); a signature HWI_RING_SIGNATURE; the rest is one
// field. `explain` reads these; other types have their most telling field.
//   welcome, edge_open, edge_close, edge_up, edge_down, edge_lost: the peer    lane_view: self
//   refused, evicted: the status       propose, announce: members_count    ready: broken_count
//   done, commit: count                heartbeat, pong: sent               grant: granted
//   call, op_start: the signature      op_end: committed                   registration: ready_view
//   withdraw, op_fault: PAIR(fault.status, fault.peer_a)   (their seq, kind and tag: the operation's)
//   request: request                   reply: request; seq is its status; kind and tag its fault's
//   chunk: PAIR(chunk, from)           block_placed: PAIR(block, from)     send: PAIR(first, to)
//   sync_offer, sync_plan, state_hashed, sync_start: revision
#define HWI_RING_PAIR(low, high) ((uint64_t)(uint32_t)(low) | (uint64_t)(uint32_t)(high) << 32)
// Elements (below 2^41), type, operation, plan.
#define HWI_RING_SIGNATURE(s)                                                                      \
    ((s).count | (uint64_t)(s).dtype << 44 | (uint64_t)(s).redop << 52 | (uint64_t)(s).plan << 60)

// At the beginning of the memory; the records follow. Constant but for `next` and what is told later.
struct hwi_ring_head {
    uint64_t magic;
    uint32_t format;
    uint32_t capacity;    // records: a power of two
    uint64_t schema;      // hwi_schema_hash(): another one names other types
    uint64_t next;        // number of the next record: atomic, written after the record
    uint64_t ticks_zero;  // ticks and monotonic ns at one moment, ...
    uint64_t ns_zero;
    double ns_per_tick;   // ... and the rate: ns = ns_zero + (ticks - ticks_zero) * ns_per_tick
    uint64_t realtime_ns; // CLOCK_REALTIME at ns_zero, for the people
    uint64_t pid;
    uint64_t incarnation; // 0 = a master
    uint64_t peer;        // own peer id; 0 = a master, or not known yet
    uint64_t run;         // 0 = not known yet
    char name[HWI_RING_NAME_MAX]; // "master", "member"
    uint64_t reserved[2];
};

// Bytes of a ring of `capacity` records.
size_t hwi_ring_bytes(uint32_t capacity);

struct hwi_ring;

#endif
