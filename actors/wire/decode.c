// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "actors/wire/check.h"
#include "actors/wire/codec.h"
#include "actors/wire/copy.h"

// The bytes have been checked to be one whole msgpack value: nothing here can run past their end.
struct reader {
    const unsigned char *at;
    unsigned char *memory; // for lists; NULL while they are measured
    size_t bytes;          // that lists take
};

union any_record {
#define RECORD(name) struct hwi_##name name;
#define END_RECORD(name)
#define MESSAGE(name, id, route, doc)
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
};

enum kind { UNSIGNED, NEGATIVE, STRING, BINARY, ARRAY, OTHER };

struct value {
    enum kind kind;
    uint64_t number;              // NEGATIVE: as two's complement; else the value, bytes or items
    const unsigned char *content; // of a STRING or BINARY
};

// ---- msgpack values ----------------------------------------------------------------------------

static uint64_t take_number(struct reader *reader, unsigned bytes)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < bytes; i++)
        number = number << 8 | *reader->at++;
    return number;
}

static struct value take_signed(struct reader *reader, unsigned bytes)
{
    uint64_t number = take_number(reader, bytes), sign = UINT64_C(1) << (8 * bytes - 1);
    number = (number ^ sign) - sign;
    return (struct value){number >> 63 ? NEGATIVE : UNSIGNED, number, NULL};
}

static struct value take_content(struct reader *reader, enum kind kind, uint64_t bytes)
{
    struct value value = {kind, bytes, reader->at};
    reader->at += bytes;
    return value;
}

// Scalars that no field takes, and what comes with a type of its own.
static struct value skip_other(struct reader *reader, unsigned first)
{
    static const uint8_t floats[] = {4, 8};
    if (first == 0xca || first == 0xcb)
        reader->at += floats[first - 0xca];
    else if (first >= 0xc7 && first <= 0xc9)
        reader->at += 1 + take_number(reader, 1u << (first - 0xc7));
    else if (first >= 0xd4 && first <= 0xd8)
        reader->at += 1 + (UINT64_C(1) << (first - 0xd4));
    return (struct value){OTHER, 0, NULL};
}

static struct value take_long(struct reader *reader, unsigned first)
{
    if (first >= 0xcc && first <= 0xcf)
        return (struct value){UNSIGNED, take_number(reader, 1u << (first - 0xcc)), NULL};
    if (first >= 0xd0 && first <= 0xd3)
        return take_signed(reader, 1u << (first - 0xd0));
    if (first >= 0xd9 && first <= 0xdb)
        return take_content(reader, STRING, take_number(reader, 1u << (first - 0xd9)));
    if (first >= 0xc4 && first <= 0xc6)
        return take_content(reader, BINARY, take_number(reader, 1u << (first - 0xc4)));
    if (first == 0xdc || first == 0xdd)
        return (struct value){ARRAY, take_number(reader, 2u << (first - 0xdc)), NULL};
    return skip_other(reader, first);
}

// The next value; of an ARRAY its head only. A map is OTHER, and its pairs follow: where a field
// should be that is an error at once.
static inline struct value take_value(struct reader *reader)
{
    unsigned first = *reader->at++;
    if (first < 0x80)
        return (struct value){UNSIGNED, first, NULL};
    if (first >= 0xe0)
        return (struct value){NEGATIVE, (uint64_t)(int64_t)(int8_t)first, NULL};
    if (first >= 0xc0)
        return take_long(reader, first);
    if (first >= 0xa0)
        return take_content(reader, STRING, first & 0x1f);
    if (first >= 0x90)
        return (struct value){ARRAY, first & 0x0f, NULL};
    return (struct value){OTHER, 0, NULL};
}

// Passes `count` values and all in them.
static void skip_values(struct reader *reader, uint64_t count)
{
    for (; count > 0; count--) {
        unsigned first = *reader->at;
        struct value value = take_value(reader);
        if (value.kind == ARRAY)
            count += value.number;
        else if ((first & 0xf0) == 0x80)
            count += 2 * (uint64_t)(first & 0x0f);
        else if (first == 0xde || first == 0xdf)
            count += 2 * take_number(reader, 2u << (first - 0xde));
    }
}

// ---- fields ------------------------------------------------------------------------------------

static int take_record(struct reader *reader, const struct hwi_layout *layout, unsigned char *base);

static inline int take_unsigned(struct reader *reader, uint64_t limit, uint64_t *number)
{
    struct value value = take_value(reader);
    *number = value.number;
    if (value.kind != UNSIGNED)
        return HWI_CODEC_MALFORMED;
    return value.number <= limit ? HWI_CODEC_OK : HWI_CODEC_LIMIT;
}

static int take_int(struct reader *reader, int32_t *to)
{
    struct value value = take_value(reader);
    if (value.kind != UNSIGNED && value.kind != NEGATIVE)
        return HWI_CODEC_MALFORMED;
    if (value.kind == UNSIGNED ? value.number > INT32_MAX
                               : value.number < (uint64_t)(int64_t)INT32_MIN)
        return HWI_CODEC_LIMIT;
    *to = (int32_t)value.number;
    return HWI_CODEC_OK;
}

static int take_hash(struct reader *reader, struct hwi_hash *hash)
{
    struct value value = take_value(reader);
    if (value.kind != BINARY || value.number != 16)
        return HWI_CODEC_MALFORMED;
    *hash = (struct hwi_hash){0, 0};
    for (unsigned i = 0; i < 8; i++) {
        hash->lo |= (uint64_t)value.content[i] << (8 * i);
        hash->hi |= (uint64_t)value.content[8 + i] << (8 * i);
    }
    return HWI_CODEC_OK;
}

static int take_string(struct reader *reader, char *text, uint64_t bytes)
{
    struct value value = take_value(reader);
    if (value.kind != STRING)
        return HWI_CODEC_MALFORMED;
    if (value.number >= bytes || memchr(value.content, 0, value.number))
        return HWI_CODEC_LIMIT;
    memcpy(text, value.content, value.number);
    return HWI_CODEC_OK;
}

// While lists are measured, their items go into one of them that nobody looks at.
static int take_list(struct reader *reader, const struct hwi_field *field, unsigned char *base)
{
    union any_record unseen;
    struct value value = take_value(reader);
    if (value.kind != ARRAY)
        return HWI_CODEC_MALFORMED;
    if (value.number > field->limit)
        return HWI_CODEC_LIMIT;
    uint32_t count = (uint32_t)value.number;
    unsigned char *items = count ? reader->memory : NULL;
    size_t bytes = hwi_list_bytes(field->record, count);
    int error = HWI_CODEC_OK;
    memcpy(base + field->offset, &items, sizeof(items));
    memcpy(base + field->count_offset, &count, sizeof(count));
    reader->bytes += bytes;
    if (reader->memory)
        reader->memory += bytes;
    for (uint32_t i = 0; i < count && !error; i++)
        error = take_record(reader, field->record,
                            items ? items + (size_t)i * field->record->bytes
                                  : (unsigned char *)&unseen);
    return error;
}

static int take_field(struct reader *reader, const struct hwi_field *field, unsigned char *base)
{
    void *at = base + field->offset;
    uint64_t number;
    int error;
    switch ((enum hwi_field_kind)field->kind) {
    case HWI_FIELD_U8:
        error = take_unsigned(reader, field->limit, &number);
        *(uint8_t *)at = (uint8_t)number;
        return error;
    case HWI_FIELD_U32:
        error = take_unsigned(reader, field->limit, &number);
        *(uint32_t *)at = (uint32_t)number;
        return error;
    case HWI_FIELD_U64:
        return take_unsigned(reader, field->limit, at);
    case HWI_FIELD_I32:
        return take_int(reader, at);
    case HWI_FIELD_HASH:
        return take_hash(reader, at);
    case HWI_FIELD_STR:
        return take_string(reader, at, field->limit);
    case HWI_FIELD_REC:
        return take_record(reader, field->record, at);
    case HWI_FIELD_LIST:
        return take_list(reader, field, base);
    }
    return HWI_CODEC_MALFORMED;
}

// `count` values into a zeroed struct; those beyond the layout's fields come from a newer build and
// are not looked at.
static int take_fields(struct reader *reader, const struct hwi_layout *layout, uint64_t count,
                       unsigned char *base)
{
    uint64_t known = HWI_MIN(count, (uint64_t)layout->field_count);
    for (uint64_t i = 0; i < known; i++) {
        int error = take_field(reader, &layout->fields[i], base);
        if (error)
            return error;
    }
    skip_values(reader, count - known);
    return HWI_CODEC_OK;
}

static int take_record(struct reader *reader, const struct hwi_layout *layout, unsigned char *base)
{
    struct value value = take_value(reader);
    if (value.kind != ARRAY)
        return HWI_CODEC_MALFORMED;
    return take_fields(reader, layout, value.number, base);
}

// ---- the message -------------------------------------------------------------------------------

// The fields of a message with lists: once to measure them, once more into their block.
static int take_with_lists(struct reader *reader, const struct hwi_layout *layout, uint64_t count,
                           struct hwi_msg *msg, void **block)
{
    const unsigned char *fields = reader->at;
    int error = take_fields(reader, layout, count, (unsigned char *)&msg->u);
    if (error || reader->bytes == 0)
        return error;
    reader->memory = calloc(1, reader->bytes);
    if (!reader->memory)
        return HWI_CODEC_MEMORY;
    *block = reader->memory;
    reader->at = fields;
    return take_fields(reader, layout, count, (unsigned char *)&msg->u);
}

int hwi_decode(const unsigned char *bytes, size_t length, struct hwi_msg *msg, void **block)
{
    struct reader reader = {.at = bytes};
    *block = NULL;
    if (length > HWI_MESSAGE_BYTES_MAX)
        return HWI_CODEC_LIMIT;
    int error = hwi_msgpack_check(bytes, length);
    if (error)
        return error;
    struct value array = take_value(&reader);
    if (array.kind != ARRAY || array.number == 0)
        return HWI_CODEC_MALFORMED;
    struct value type = take_value(&reader);
    if (type.kind != UNSIGNED)
        return HWI_CODEC_MALFORMED;
    uint16_t known = (uint16_t)HWI_MIN(type.number, (uint64_t)UINT16_MAX);
    const struct hwi_layout *layout = hwi_layout_of(known);
    if (!layout)
        return HWI_CODEC_UNKNOWN;
    msg->type = known;
    memset(&msg->u, 0, layout->bytes);
    if (layout->lists)
        return take_with_lists(&reader, layout, array.number - 1, msg, block);
    return take_fields(&reader, layout, array.number - 1, (unsigned char *)&msg->u);
}
