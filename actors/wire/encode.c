// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#define XXH_STATIC_LINKING_ONLY // for a state on the stack
#include <xxhash.h>

#include "actors/wire/check.h"
#include "actors/wire/codec.h"

enum {
    BUFFER_BYTES_FIRST = 512,
    HASHED_BYTES = 1024, // of a message that is hashed in one go; more than any one value takes
    NUMBER_BYTES_MAX = 9,
    HEAD_BYTES_MAX = 5, // of an array or a string
    HASH_BYTES = 18,
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
    unsigned char buffer[HASHED_BYTES];
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
    return bytes <= HASHED_BYTES;
}

static inline bool has_room(struct sink *sink, size_t bytes)
{
    return (size_t)(sink->end - sink->at) >= bytes || sink->make_room(sink, bytes);
}

// ---- msgpack, each value in its shortest form --------------------------------------------------

static inline unsigned char *put_big_endian(unsigned char *at, unsigned char first, uint64_t value,
                                            unsigned bytes)
{
    *at++ = first;
    for (unsigned shift = 8 * bytes; shift > 0; shift -= 8)
        *at++ = (unsigned char)(value >> (shift - 8));
    return at;
}

static inline unsigned char *put_unsigned(unsigned char *at, uint64_t value)
{
    if (value < 0x80) {
        *at = (unsigned char)value;
        return at + 1;
    }
    if (value <= UINT8_MAX)
        return put_big_endian(at, 0xcc, value, 1);
    if (value <= UINT16_MAX)
        return put_big_endian(at, 0xcd, value, 2);
    if (value <= UINT32_MAX)
        return put_big_endian(at, 0xce, value, 4);
    return put_big_endian(at, 0xcf, value, 8);
}

static unsigned char *put_signed(unsigned char *at, int32_t value)
{
    if (value >= -32)
        return value < 0 ? put_big_endian(at, (unsigned char)value, 0, 0)
                         : put_unsigned(at, (uint64_t)value);
    if (value >= INT8_MIN)
        return put_big_endian(at, 0xd0, (uint8_t)value, 1);
    if (value >= INT16_MIN)
        return put_big_endian(at, 0xd1, (uint16_t)value, 2);
    return put_big_endian(at, 0xd2, (uint32_t)value, 4);
}

static inline unsigned char *put_array(unsigned char *at, uint32_t count)
{
    if (count < 16)
        return put_big_endian(at, (unsigned char)(0x90 | count), 0, 0);
    if (count <= UINT16_MAX)
        return put_big_endian(at, 0xdc, count, 2);
    return put_big_endian(at, 0xdd, count, 4);
}

static unsigned char *put_string_head(unsigned char *at, size_t length)
{
    if (length < 32)
        return put_big_endian(at, (unsigned char)(0xa0 | length), 0, 0);
    if (length <= UINT8_MAX)
        return put_big_endian(at, 0xd9, length, 1);
    if (length <= UINT16_MAX)
        return put_big_endian(at, 0xda, length, 2);
    return put_big_endian(at, 0xdb, length, 4);
}

// ---- by the layout -----------------------------------------------------------------------------

static inline void pack_unsigned(struct sink *sink, uint64_t value, uint64_t limit)
{
    if (value > limit)
        refuse(sink, HWI_CODEC_LIMIT);
    if (has_room(sink, NUMBER_BYTES_MAX))
        sink->at = put_unsigned(sink->at, value);
}

static void pack_signed(struct sink *sink, int32_t value)
{
    if (has_room(sink, NUMBER_BYTES_MAX))
        sink->at = put_signed(sink->at, value);
}

static inline void pack_array(struct sink *sink, uint32_t count)
{
    if (has_room(sink, HEAD_BYTES_MAX))
        sink->at = put_array(sink->at, count);
}

static void pack_hash(struct sink *sink, const struct hwi_hash *hash)
{
    if (!has_room(sink, HASH_BYTES))
        return;
    unsigned char *at = sink->at;
    at[0] = 0xc4;
    at[1] = 16;
    for (unsigned i = 0; i < 8; i++) {
        at[2 + i] = (unsigned char)(hash->lo >> (8 * i));
        at[10 + i] = (unsigned char)(hash->hi >> (8 * i));
    }
    sink->at += HASH_BYTES;
}

static void pack_string(struct sink *sink, const char *text, size_t size)
{
    const char *end = memchr(text, 0, size);
    size_t length = end ? (size_t)(end - text) : size;
    if (!end)
        refuse(sink, HWI_CODEC_LIMIT);
    if (!has_room(sink, HEAD_BYTES_MAX + length))
        return;
    sink->at = put_string_head(sink->at, length);
    memcpy(sink->at, text, length);
    sink->at += length;
}

static void pack_fields(struct sink *sink, const struct hwi_layout *layout,
                        const unsigned char *base);

static void pack_record(struct sink *sink, const struct hwi_layout *layout,
                        const unsigned char *base)
{
    pack_array(sink, layout->field_count);
    pack_fields(sink, layout, base);
}

static void pack_list(struct sink *sink, const struct hwi_field *field, const unsigned char *base)
{
    uint32_t count;
    const unsigned char *items;
    memcpy(&count, base + field->count_offset, sizeof(count));
    memcpy(&items, base + field->offset, sizeof(items));
    if (count > field->limit)
        refuse(sink, HWI_CODEC_LIMIT);
    pack_array(sink, count);
    sink->values += count;
    for (uint32_t i = 0; i < count; i++)
        pack_record(sink, field->record, items + (size_t)i * field->record->bytes);
}

static void pack_fields(struct sink *sink, const struct hwi_layout *layout,
                        const unsigned char *base)
{
    const struct hwi_field *field = layout->fields;
    sink->values += layout->field_count;
    for (uint32_t i = 0; i < layout->field_count; i++, field++) {
        const void *at = base + field->offset;
        switch ((enum hwi_field_kind)field->kind) {
        case HWI_FIELD_U8:
            pack_unsigned(sink, *(const uint8_t *)at, field->limit);
            break;
        case HWI_FIELD_U32:
            pack_unsigned(sink, *(const uint32_t *)at, field->limit);
            break;
        case HWI_FIELD_U64:
            pack_unsigned(sink, *(const uint64_t *)at, field->limit);
            break;
        case HWI_FIELD_I32:
            pack_signed(sink, *(const int32_t *)at);
            break;
        case HWI_FIELD_HASH:
            pack_hash(sink, at);
            break;
        case HWI_FIELD_STR:
            pack_string(sink, at, field->limit);
            break;
        case HWI_FIELD_REC:
            pack_record(sink, field->record, at);
            break;
        case HWI_FIELD_LIST:
            pack_list(sink, field, base);
            break;
        }
    }
}

static void pack_message(struct sink *sink, const struct hwi_msg *msg)
{
    const struct hwi_layout *layout = hwi_layout_of(msg->type);
    if (!layout) {
        refuse(sink, HWI_CODEC_UNKNOWN);
        return;
    }
    pack_array(sink, 1 + layout->field_count);
    pack_unsigned(sink, msg->type, UINT16_MAX);
    sink->values += 2; // the array itself and the type
    pack_fields(sink, layout, (const unsigned char *)&msg->u);
    if (sink->values > HWI_CODEC_VALUES_MAX)
        refuse(sink, HWI_CODEC_LIMIT);
}

// ---- the message -------------------------------------------------------------------------------

int hwi_encode(const struct hwi_msg *msg, unsigned char **bytes, size_t *length)
{
    struct sink sink = {.make_room = grow};
    pack_message(&sink, msg);
    if (sink.at - sink.bytes > HWI_MESSAGE_BYTES_MAX)
        refuse(&sink, HWI_CODEC_LIMIT);
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
    if (sink.at - sink.bytes > HWI_MESSAGE_BYTES_MAX)
        refuse(&sink, HWI_CODEC_LIMIT);
    if (sink.error)
        return sink.error;
    *length = (size_t)(sink.at - sink.bytes);
    return HWI_CODEC_OK;
}

uint64_t hwi_msg_hash(const struct hwi_msg *msg)
{
    struct hashing hashing;
    unsigned char *buffer = hashing.buffer;
    hashing.sink = (struct sink){buffer, buffer, buffer + HASHED_BYTES, hash_and_rewind, NULL, 0, 0};
    pack_message(&hashing.sink, msg);
    size_t left = (size_t)(hashing.sink.at - buffer);
    if (!hashing.sink.hash)
        return XXH3_64bits(buffer, left);
    XXH3_64bits_update(hashing.sink.hash, buffer, left);
    return XXH3_64bits_digest(hashing.sink.hash);
}
