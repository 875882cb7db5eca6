// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#define XXH_STATIC_LINKING_ONLY // for a state on the stack
#include <xxhash.h>

#include "actors/wire/check.h"
#include "actors/wire/codec.h"

enum {
    BUFFER_BYTES_FIRST = 2048,
    NUMBER_U8 = 2, // encoded, at most
    NUMBER_U32 = 5,
    NUMBER_U64 = 9,
    HASH_BYTES = 18,
    HEAD_BYTES = 5, // of an array or a string
};

// Where encoded bytes go, and the first error. An error of a field does not end the walk: a hash
// covers also what may not be sent.
struct sink {
    unsigned char *bytes, *at, *end;
    bool (*make_room)(struct sink *sink, size_t bytes); // false: nothing more is taken
    XXH3_state_t *hash;                                 // NULL until the buffer was full once
    uint32_t values;
    int error;
};

static void refuse(struct sink *sink, int error)
{
    if (!sink->error)
        sink->error = error;
}

// ---- room: a buffer that grows, one that does not, one that is hashed and used again -----------

static bool grow(struct sink *sink, size_t bytes)
{
    size_t length = (size_t)(sink->at - sink->bytes);
    size_t capacity = HWI_MAX(2 * (size_t)(sink->end - sink->bytes), (size_t)BUFFER_BYTES_FIRST);
    if (length > HWI_MESSAGE_BYTES_MAX)
        refuse(sink, HWI_CODEC_LIMIT);
    if (sink->error)
        return false;
    while (capacity < length + bytes)
        capacity *= 2;
    unsigned char *grown = realloc(sink->bytes, capacity);
    if (!grown) {
        refuse(sink, HWI_CODEC_MEMORY);
        return false;
    }
    sink->bytes = grown;
    sink->at = grown + length;
    sink->end = grown + capacity;
    return true;
}

static bool stay_within(struct sink *sink, size_t bytes)
{
    (void)bytes;
    refuse(sink, HWI_CODEC_ROOM);
    return false;
}

struct hashing {
    struct sink sink; // first: make_room is given it
    XXH3_state_t state;
    unsigned char buffer[HWI_ENCODE_SLACK];
};

static bool hash_and_rewind(struct sink *sink, size_t bytes)
{
    struct hashing *hashing = (struct hashing *)sink;
    if (!sink->hash) {
        sink->hash = &hashing->state;
        XXH3_64bits_reset(sink->hash);
    }
    XXH3_64bits_update(sink->hash, sink->bytes, (size_t)(sink->at - sink->bytes));
    sink->at = sink->bytes;
    return bytes <= HWI_ENCODE_SLACK;
}

// Room for `bytes` at or instead of `at`; NULL if there is none.
static inline unsigned char *room_at(struct sink *sink, unsigned char *at, size_t bytes)
{
    if ((size_t)(sink->end - at) >= bytes)
        return at;
    sink->at = at;
    return sink->make_room(sink, bytes) ? sink->at : NULL;
}

// ---- msgpack, each value in its shortest form --------------------------------------------------

static inline unsigned char *put_1(unsigned char *at, unsigned first, uint64_t value)
{
    at[0] = (unsigned char)first;
    at[1] = (unsigned char)value;
    return at + 2;
}

static inline unsigned char *put_2(unsigned char *at, unsigned first, uint64_t value)
{
    at[0] = (unsigned char)first;
    at[1] = (unsigned char)(value >> 8);
    at[2] = (unsigned char)value;
    return at + 3;
}

static inline unsigned char *put_4(unsigned char *at, unsigned first, uint64_t value)
{
    at[0] = (unsigned char)first;
    at[1] = (unsigned char)(value >> 24);
    at[2] = (unsigned char)(value >> 16);
    at[3] = (unsigned char)(value >> 8);
    at[4] = (unsigned char)value;
    return at + 5;
}

static inline unsigned char *put_8(unsigned char *at, unsigned first, uint64_t value)
{
    at[0] = (unsigned char)first;
    at[1] = (unsigned char)(value >> 56);
    at[2] = (unsigned char)(value >> 48);
    at[3] = (unsigned char)(value >> 40);
    at[4] = (unsigned char)(value >> 32);
    at[5] = (unsigned char)(value >> 24);
    at[6] = (unsigned char)(value >> 16);
    at[7] = (unsigned char)(value >> 8);
    at[8] = (unsigned char)value;
    return at + 9;
}

static unsigned char *put_large(unsigned char *at, uint64_t value)
{
    if (value <= UINT8_MAX)
        return put_1(at, 0xcc, value);
    if (value <= UINT16_MAX)
        return put_2(at, 0xcd, value);
    if (value <= UINT32_MAX)
        return put_4(at, 0xce, value);
    return put_8(at, 0xcf, value);
}

static inline unsigned char *put_unsigned(unsigned char *at, uint64_t value)
{
    if (value >= 0x80)
        return put_large(at, value);
    *at = (unsigned char)value;
    return at + 1;
}

static unsigned char *put_signed(unsigned char *at, int32_t value)
{
    if (value >= 0)
        return put_unsigned(at, (uint64_t)value);
    if (value < INT16_MIN)
        return put_4(at, 0xd2, (uint32_t)value);
    if (value < INT8_MIN)
        return put_2(at, 0xd1, (uint16_t)value);
    if (value < -32)
        return put_1(at, 0xd0, (uint8_t)value);
    *at = (unsigned char)value;
    return at + 1;
}

static inline unsigned char *put_array(unsigned char *at, uint32_t count)
{
    if (count > UINT16_MAX)
        return put_4(at, 0xdd, count);
    if (count >= 16)
        return put_2(at, 0xdc, count);
    *at = (unsigned char)(0x90 | count);
    return at + 1;
}

static unsigned char *put_string_head(unsigned char *at, size_t length)
{
    if (length > UINT16_MAX)
        return put_4(at, 0xdb, length);
    if (length > UINT8_MAX)
        return put_2(at, 0xda, length);
    if (length >= 32)
        return put_1(at, 0xd9, length);
    *at = (unsigned char)(0xa0 | length);
    return at + 1;
}

static inline unsigned char *put_limited(struct sink *sink, unsigned char *at, uint64_t value,
                                         uint64_t limit)
{
    if (value > limit)
        refuse(sink, HWI_CODEC_LIMIT);
    return put_unsigned(at, value);
}

static inline unsigned char *put_hash(unsigned char *at, const struct hwi_hash *hash)
{
    *at++ = 0xc4;
    *at++ = 16;
    for (unsigned i = 0; i < 8; i++) {
        at[i] = (unsigned char)(hash->lo >> (8 * i));
        at[8 + i] = (unsigned char)(hash->hi >> (8 * i));
    }
    return at + 16;
}

static unsigned char *put_string(struct sink *sink, unsigned char *at, const char *text,
                                 size_t size)
{
    const char *end = memchr(text, 0, size);
    size_t length = end ? (size_t)(end - text) : size;
    if (!end)
        refuse(sink, HWI_CODEC_LIMIT);
    at = put_string_head(at, length);
    memcpy(at, text, length);
    return at + length;
}

// ---- the table, unrolled: records and messages without what is in their lists ------------------

// ROOM: bytes at most. VALUES: how many. FIELDS: how many are the record's own.
#define RECORD(name) enum { ROOM_##name = HEAD_BYTES
#define END_RECORD(name)                                                                           \
    }                                                                                              \
    ;                                                                                              \
    _Static_assert((int)ROOM_##name <= (int)HWI_ENCODE_SLACK, #name);
#define MESSAGE(name, id, route, doc) enum { ROOM_##name = HEAD_BYTES + NUMBER_U8
#define END_MESSAGE(name) END_RECORD(name)
#define U8(owner, field, limit, doc) +NUMBER_U8
#define U32(owner, field, limit, doc) +NUMBER_U32
#define U64(owner, field, limit, doc) +NUMBER_U64
#define I32(owner, field, doc) +NUMBER_U32
#define HASH(owner, field, doc) +HASH_BYTES
#define STR(owner, field, bytes, doc) +HEAD_BYTES + (bytes)
#define REC(owner, kind, field, doc) +ROOM_##kind
#define LIST(owner, kind, field, most, doc) +HEAD_BYTES
#include "actors/wire/msg.def"
#include "actors/wire/msg_undef.h"

#define RECORD(name) enum { VALUES_##name = 0
#define END_RECORD(name)                                                                           \
    }                                                                                              \
    ;
#define MESSAGE(name, id, route, doc) RECORD(name)
#define END_MESSAGE(name) END_RECORD(name)
#define U8(owner, field, limit, doc) +1
#define U32(owner, field, limit, doc) +1
#define U64(owner, field, limit, doc) +1
#define I32(owner, field, doc) +1
#define HASH(owner, field, doc) +1
#define STR(owner, field, bytes, doc) +1
#define REC(owner, kind, field, doc) +1 + VALUES_##kind
#define LIST(owner, kind, field, most, doc) +1
#include "actors/wire/msg.def"

#undef REC
#undef RECORD
#define RECORD(name) enum { FIELDS_##name = 0
#define REC(owner, kind, field, doc) +1
#include "actors/wire/msg.def"
#include "actors/wire/msg_undef.h"

// Each takes ROOM bytes at `at` for granted and returns what follows, or NULL when nothing more is
// taken. Behind a list the room is asked for again.
#define RECORD(name)                                                                               \
    static unsigned char *pack_##name(struct sink *sink, unsigned char *at,                        \
                                      const struct hwi_##name *from)                               \
    {                                                                                              \
        enum { ROOM = ROOM_##name };                                                               \
        at = put_array(at, FIELDS_##name);
#define END_RECORD(name)                                                                           \
    (void)sink;                                                                                    \
    return at;                                                                                     \
    }
#define MESSAGE(name, id, route, doc)                                                              \
    static unsigned char *pack_##name(struct sink *sink, unsigned char *at,                        \
                                      const struct hwi_msg_##name *from)                           \
    {                                                                                              \
        enum { ROOM = ROOM_##name };                                                               \
        at = put_array(at, 1 + FIELDS_##name);                                                     \
        at = put_unsigned(at, id);                                                                 \
        sink->values += 2 + VALUES_##name;
#define END_MESSAGE(name)                                                                          \
    (void)from;                                                                                    \
    END_RECORD(name)
#define U8(owner, field, limit, doc) at = put_limited(sink, at, from->field, limit);
#define U32(owner, field, limit, doc) at = put_limited(sink, at, from->field, limit);
#define U64(owner, field, limit, doc) at = put_limited(sink, at, from->field, limit);
#define I32(owner, field, doc) at = put_signed(at, from->field);
#define HASH(owner, field, doc) at = put_hash(at, &from->field);
#define STR(owner, field, bytes, doc) at = put_string(sink, at, from->field, bytes);
#define REC(owner, kind, field, doc)                                                               \
    at = pack_##kind(sink, at, &from->field);                                                      \
    if (!at)                                                                                       \
        return NULL;
#define LIST(owner, kind, field, most, doc)                                                        \
    if (from->field##_count > (most))                                                              \
        refuse(sink, HWI_CODEC_LIMIT);                                                             \
    sink->values += from->field##_count * (1 + VALUES_##kind);                                     \
    at = put_array(at, from->field##_count);                                                       \
    for (uint32_t i = 0; i < from->field##_count; i++)                                             \
        if (!(at = room_at(sink, at, ROOM_##kind)) ||                                              \
            !(at = pack_##kind(sink, at, &from->field[i])))                                        \
            return NULL;                                                                           \
    at = room_at(sink, at, ROOM);                                                                  \
    if (!at)                                                                                       \
        return NULL;
#include "actors/wire/msg.def"
#include "actors/wire/msg_undef.h"

static unsigned char *pack_typed(struct sink *sink, unsigned char *at, const struct hwi_msg *msg)
{
    switch (msg->type) {
#define RECORD(name)
#define END_RECORD(name)
#define MESSAGE(name, id, route, doc)                                                              \
    case id:                                                                                       \
        return (at = room_at(sink, at, ROOM_##name)) ? pack_##name(sink, at, &msg->u.name) : NULL;
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
#include "actors/wire/msg_undef.h"
    default:
        refuse(sink, HWI_CODEC_UNKNOWN);
        return NULL;
    }
}

// Leaves sink->at behind the message.
static void pack_message(struct sink *sink, const struct hwi_msg *msg)
{
    unsigned char *at = pack_typed(sink, sink->at, msg);
    if (at)
        sink->at = at;
    if (sink->values > HWI_CODEC_VALUES_MAX || sink->at - sink->bytes > HWI_MESSAGE_BYTES_MAX)
        refuse(sink, HWI_CODEC_LIMIT);
}

// ---- the message -------------------------------------------------------------------------------

int hwi_encode(const struct hwi_msg *msg, unsigned char **bytes, size_t *length)
{
    struct sink sink = {.make_room = grow};
    pack_message(&sink, msg);
    if (sink.error) {
        free(sink.bytes);
        return sink.error;
    }
    *bytes = sink.bytes;
    *length = (size_t)(sink.at - sink.bytes);
    return HWI_CODEC_OK;
}

int hwi_encode_into(const struct hwi_msg *msg, unsigned char *bytes, size_t capacity,
                    size_t *length)
{
    struct sink sink = {bytes, bytes, bytes + capacity, stay_within, NULL, 0, 0};
    pack_message(&sink, msg);
    if (sink.error)
        return sink.error;
    *length = (size_t)(sink.at - sink.bytes);
    return HWI_CODEC_OK;
}

uint64_t hwi_msg_hash(const struct hwi_msg *msg)
{
    struct hashing hashing;
    unsigned char *buffer = hashing.buffer;
    hashing.sink =
        (struct sink){buffer, buffer, buffer + HWI_ENCODE_SLACK, hash_and_rewind, NULL, 0, 0};
    pack_message(&hashing.sink, msg);
    size_t left = (size_t)(hashing.sink.at - buffer);
    if (!hashing.sink.hash)
        return XXH3_64bits(buffer, left);
    XXH3_64bits_update(hashing.sink.hash, buffer, left);
    return XXH3_64bits_digest(hashing.sink.hash);
}
