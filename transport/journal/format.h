// SPDX-License-Identifier: MIT
// The bytes of a journal: record headers, the chain, numbers, event payloads, file names.
#ifndef HAWSER_TRANSPORT_JOURNAL_FORMAT_H
#define HAWSER_TRANSPORT_JOURNAL_FORMAT_H

#include <string.h>

#include "transport/journal/journal.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "journals are written as the machine has its numbers: little-endian"
#endif

enum {
    HWI_JOURNAL_PATH_MAX = 4096,
    HWI_JOURNAL_VARINT_MAX = 10,
    HWI_JOURNAL_PAYLOAD_MAX = (256 << 20) + 64,           // an image and its count
    HWI_JOURNAL_END_BYTES = HWI_JOURNAL_HEADER_BYTES + 8, // an END or LOST, whole
};

// The rest of a record's header, after the chain.
struct hwi_journal_header {
    uint32_t bytes; // of the payload, without its padding
    uint8_t kind;
    uint8_t role;
};

static inline uint64_t hwi_journal_get_u64(const unsigned char *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline void hwi_journal_put_u64(unsigned char *at, uint64_t value)
{
    memcpy(at, &value, sizeof value);
}

static inline size_t hwi_journal_padded(size_t bytes)
{
    return (bytes + 7) & ~(size_t)7;
}

// The header's eight bytes after the chain; never 0. `offset` is the record's in its file.
uint64_t hwi_journal_header_pack(struct hwi_journal_header header, uint64_t offset);
// False if these are not such bytes.
bool hwi_journal_header_unpack(uint64_t word, uint64_t offset, struct hwi_journal_header *header);

// The chain after a record, never 0: of the chain before it and of what follows the chain in the
// record: header word, payload, padding (`bytes` of them).
uint64_t hwi_journal_chain(uint64_t before, const unsigned char *words, size_t bytes);

// Seven bits a byte, least first. Returns what follows, or NULL if it does not end before `end`.
unsigned char *hwi_journal_put_varint(unsigned char *at, uint64_t value);
const unsigned char *hwi_journal_get_varint(const unsigned char *at, const unsigned char *end,
                                            uint64_t *value);

// An EVENT's payload:
//   u8 flags, u8 role of the sender, varint ns since the event before in this segment (or since 0),
//   u64 id of the sender if flagged, varint number of effects, the effects, the encoded message.
// An effect: u8 role of the addressee and flag 0x80 for an id, u8 type, u32 hash, u64 id if
// flagged. If an actor had to give up without an event there is no message.
enum { HWI_JOURNAL_FAILED = 1, HWI_JOURNAL_FROM_ID = 2, HWI_JOURNAL_NO_MESSAGE = 4 };
enum { HWI_JOURNAL_TO_ID = 0x80 };
enum {
    HWI_JOURNAL_EVENT_FIXED_MAX = 2 + 2 * HWI_JOURNAL_VARINT_MAX + 8,
    HWI_JOURNAL_EFFECT_MAX = 14,
    HWI_JOURNAL_EFFECT_MIN = 6,
};

// Writes the payload into `bytes` of `capacity`; `before_ns` is the time of the event before.
// HWI_CODEC_OK and *length, HWI_CODEC_ROOM, or what else hwi_encode_public_into says.
int hwi_journal_event_pack(const struct hwi_event *event, const struct hwi_effects *effects,
                           bool failed, uint64_t before_ns, unsigned char *bytes, size_t capacity,
                           size_t *length);

// Where an event is read to; kept between reads for its memory.
struct hwi_journal_room {
    struct hwi_msg msg;
    void *block; // of msg's lists
    struct hwi_journal_effect *effects;
    uint32_t capacity;
};
void hwi_journal_room_fini(struct hwi_journal_room *room);

// Reads hostile bytes; *event borrows from `room`. False if they are no event's payload or there is
// no memory. `role` and `number` are left to the caller.
bool hwi_journal_event_unpack(const unsigned char *bytes, size_t length, uint64_t before_ns,
                              struct hwi_journal_room *room, struct hwi_journal_event *event);

// "DIRECTORY/NAME.000007.hwj", with ".new" behind it until the segment before has its end. False if
// it is too long.
bool hwi_journal_path(char path[HWI_JOURNAL_PATH_MAX], const char *directory, const char *name,
                      uint32_t segment, bool fresh);
// [a-z0-9-], 1 to HWI_JOURNAL_NAME_MAX - 1 of them.
bool hwi_journal_name_valid(const char *name);
// Splits a file's name; false if it is no segment's.
bool hwi_journal_path_parse(const char *file, char name[HWI_JOURNAL_NAME_MAX], uint32_t *segment);

#endif
