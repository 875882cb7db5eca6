// SPDX-License-Identifier: MIT
// The ring: one bounded row of fixed-size records that says what each actor of a process heard and
// said, always on. One writer (the drain), any number of readers that map the memory read-only and
// copy; the writer never waits for them and never learns of them. It is flight recorder and trace
// source at once. Memory is handed in: a memfd under the host, plain memory in the simulator.
#ifndef HAWSER_ACTORS_LOOP_RING_H
#define HAWSER_ACTORS_LOOP_RING_H

#include "actors/wire/codec.h"

enum {
    HWI_RING_FORMAT = 1,
    HWI_RING_RECORDS = 1 << 15,     // of a host's ring: 2 MiB
    HWI_RING_RECORDS_MAX = 1 << 24, // of any ring
    HWI_RING_NAME_MAX = 32,
};

#define HWI_RING_MAGIC UINT64_C(0x31474e5252535748) // "HWSRRNG1"

// One message, handled by an actor or said by one to the outside of its process. A
// message between two actors of one process is recorded once: as handled.
// 64 bytes: a cache line. Little-endian in memory; `number` is written last.
struct hwi_ring_record {
    uint64_t number;  // from 1, without gaps
    uint64_t arrived; // ticks: when it was put into the mailbox (SENT: when its step began)
    uint64_t handled; // ticks: when its step began
    uint64_t view;    // of the message, or of its operation; 0 = it has none
    uint64_t tag;     // of its operation or channel
    uint64_t key;     // what tells it from others of its type: see below
    uint64_t other;   // id of the sender (SENT: of the receiver); 0 = in this process
    uint32_t seq;     // of its operation; in some types without one another field
    uint16_t type;    // enum hwi_msg_type
    uint8_t roles;    // low four bits: the actor's role; high four: the other's
    uint8_t kind;     // enum hwi_kind of its operation or channel, | HWI_RING_SENT
};

enum { HWI_RING_SENT = 0x80 };

// `key` is the field that msg.def flags KEY in the message's row; with another one, flagged HIGH,
// as its upper half; or a signature. hwi_ring_kept tells which. `kind` and `tag` are those of the
// message's operation, else its own, else those of its fault; `seq` is the operation's, unless a
// field is flagged EXTRA.
//
// A signature as a key: elements (at most 2^40; 0 where counts may differ), type, operation, plan,
// whether counts may differ, kind, and the low bits of the root's peer id.
#define HWI_RING_SIGNATURE(s)                                                                      \
    (((s).unequal ? 0 : (s).count) | (uint64_t)((s).dtype & 15) << 41 |                            \
     (uint64_t)((s).redop & 7) << 45 | (uint64_t)((s).plan & 3) << 48 |                            \
     (uint64_t)((s).unequal & 1) << 50 | (uint64_t)((s).kind & 15) << 51 |                         \
     (uint64_t)((s).root & HWI_RING_ROOT) << 55)
#define HWI_RING_ROOT 511u
// The part that the ring keeps of it.
static inline struct hwi_signature hwi_ring_signature(uint64_t key)
{
    return (struct hwi_signature){.count = key & ((UINT64_C(1) << 41) - 1),
                                  .dtype = key >> 41 & 15,
                                  .redop = key >> 45 & 7,
                                  .plan = key >> 48 & 3,
                                  .unequal = key >> 50 & 1,
                                  .kind = key >> 51 & 15,
                                  .root = key >> 55};
}

// Ticks and nanoseconds: ns = ns_zero + (ticks - ticks_zero) * ns_per_tick.
struct hwi_ring_clock {
    uint64_t ticks_zero;  // ticks ...
    uint64_t ns_zero;     // ... and CLOCK_MONOTONIC at one moment; all 0: ticks are nanoseconds
    double ns_per_tick;   // the rate
    uint64_t realtime_ns; // CLOCK_REALTIME at ns_zero, for the people
};

// Facts about the writer that become known late.
struct hwi_ring_owner {
    uint64_t pid;
    uint64_t incarnation;         // a member's; 0 = a master
    uint64_t peer;                // own peer id; 0 = a master, or not known yet
    uint64_t run;                 // 0 = not known yet
    char name[HWI_RING_NAME_MAX]; // "master", "member"
    char address[HWI_ADDRESS_BYTES_MAX];
};

// At the beginning of the memory; the records follow.
struct hwi_ring_head {
    uint64_t magic;
    uint32_t format;
    uint32_t capacity; // records: a power of two
    uint64_t schema;   // hwi_schema_hash(): another one names other types
    uint64_t next;     // number of the next record, written after the record
    uint64_t version;  // of clock and owner: odd while they are written
    struct hwi_ring_clock clock;
    struct hwi_ring_owner owner;
    uint64_t taken; // ticks, in a copy that was written out: when that was; 0 in a live ring
    uint64_t reserved[6];
};

// ---- the writer: owner thread -------------------------------------------------------------------

struct hwi_ring;

// Bytes of a ring of `capacity` records.
size_t hwi_ring_bytes(uint32_t capacity);
// Returns owned. `memory` is zeroed, hwi_ring_bytes(capacity) bytes at a multiple of 64, borrowed
// until destroy; `capacity` is a power of two up to HWI_RING_RECORDS_MAX.
struct hwi_ring *hwi_ring_create(const struct hwi_alloc *alloc, void *memory, uint32_t capacity);
void hwi_ring_destroy(struct hwi_ring *ring); // takes; what is in the memory stays
// Replaces what the head says of clock and owner.
void hwi_ring_tell(struct hwi_ring *ring, const struct hwi_ring_clock *clock,
                   const struct hwi_ring_owner *owner);
// A message that `actor` (role) hears: `other` is who said it.
void hwi_ring_heard(struct hwi_ring *ring, uint8_t actor, struct hwi_addr other,
                    const struct hwi_msg *msg, uint64_t arrived, uint64_t handled);
// A message that `actor` (role) says: `other` is to whom.
void hwi_ring_said(struct hwi_ring *ring, uint8_t actor, struct hwi_addr other,
                   const struct hwi_msg *msg, uint64_t ticks);

// ---- readers: any thread, any process, read-only memory -----------------------------------------

struct hwi_ring_reader {
    const unsigned char *memory; // borrowed for as long as it reads
    uint32_t capacity;
    uint64_t next; // number of the record it reads next
    uint64_t lost; // records that were overwritten before they could be read
};

// Begins at the oldest record that is still there; for news only set `next` to hwi_ring_next. False
// if the memory is no ring of this build's format and schema; it need not be trusted.
bool hwi_ring_attach(struct hwi_ring_reader *reader, const void *memory, size_t bytes);
// Copies up to `max` records in order of number; 0: there are no news. Each record is either handed
// out once or counted as lost.
uint32_t hwi_ring_read(struct hwi_ring_reader *reader, struct hwi_ring_record *records,
                       uint32_t max);
// Number of the record that will be written next.
uint64_t hwi_ring_next(const struct hwi_ring_reader *reader);
// A copy of the head, of one moment. False if the writer died while it wrote it.
bool hwi_ring_head(const struct hwi_ring_reader *reader, struct hwi_ring_head *head);

// ---- records ------------------------------------------------------------------------------------

// The record of one message as the writer would make it, but for its number; `sent`: `actor` said
// it.
void hwi_ring_record_of(uint8_t actor, bool sent, struct hwi_addr other, const struct hwi_msg *msg,
                        uint64_t arrived, uint64_t handled, struct hwi_ring_record *record);

uint64_t hwi_ring_ns(const struct hwi_ring_clock *clock, uint64_t ticks);

static inline bool hwi_ring_is_sent(const struct hwi_ring_record *record)
{
    return record->kind & HWI_RING_SENT;
}
static inline uint8_t hwi_ring_actor(const struct hwi_ring_record *record)
{
    return record->roles & 15;
}
// The other end: its sender, or its receiver.
static inline struct hwi_addr hwi_ring_other(const struct hwi_ring_record *record)
{
    return hwi_addr_of((enum hwi_role)(record->roles >> 4), record->other);
}
// True if the message names an operation, whose name is then *op.
bool hwi_ring_op(const struct hwi_ring_record *record, struct hwi_op *op);
// The fields that a record of this type keeps besides view, kind, tag and seq, as msg.def flags
// them; NULL for a field that does not exist. Static memory.
struct hwi_ring_kept {
    const struct hwi_field
        *record;    // the REC that key and high are fields of; NULL = the message's own
    bool signature; // the key is all of `record`, packed
    const struct hwi_field *key;
    const struct hwi_field *high;
    const struct hwi_field *extra; // in place of seq
};
void hwi_ring_kept(uint16_t type, struct hwi_ring_kept *kept);
// `chunk{op=all_reduce/7#3@v2 chunk=4}`, as hwi_msg_print, of the fields that a record keeps.
// Returns the length the whole text would have; cut to `bytes` with a NUL.
size_t hwi_ring_print(const struct hwi_ring_record *record, char *text, size_t bytes);

#endif
