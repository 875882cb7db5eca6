// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include <msgpack.h>

#include "actors/wire/check.h"
#include "actors/wire/codec.h"
#include "actors/wire/copy.h"

// ---- first pass over the unpacked values: shape and limits, and the room that the lists need ----

static int check_fields(const struct hwi_layout *layout, const msgpack_object_array *values,
                        size_t *bytes);

static int check_unsigned(const msgpack_object *value, uint64_t limit)
{
    if (value->type != MSGPACK_OBJECT_POSITIVE_INTEGER) {
        return HWI_CODEC_MALFORMED;
    }
    return value->via.u64 <= limit ? HWI_CODEC_OK : HWI_CODEC_LIMIT;
}

static int check_signed(const msgpack_object *value)
{
    if (value->type == MSGPACK_OBJECT_POSITIVE_INTEGER) {
        return value->via.u64 <= INT32_MAX ? HWI_CODEC_OK : HWI_CODEC_LIMIT;
    }
    if (value->type != MSGPACK_OBJECT_NEGATIVE_INTEGER) {
        return HWI_CODEC_MALFORMED;
    }
    return value->via.i64 >= INT32_MIN ? HWI_CODEC_OK : HWI_CODEC_LIMIT;
}

static int check_hash(const msgpack_object *value)
{
    bool right = value->type == MSGPACK_OBJECT_BIN && value->via.bin.size == 16;
    return right ? HWI_CODEC_OK : HWI_CODEC_MALFORMED;
}

static int check_string(const msgpack_object *value, uint64_t bytes)
{
    if (value->type != MSGPACK_OBJECT_STR) {
        return HWI_CODEC_MALFORMED;
    }
    if (value->via.str.size >= bytes) {
        return HWI_CODEC_LIMIT;
    }
    bool inside = value->via.str.size && memchr(value->via.str.ptr, 0, value->via.str.size) != NULL;
    return inside ? HWI_CODEC_LIMIT : HWI_CODEC_OK;
}

static int check_record(const struct hwi_layout *layout, const msgpack_object *value, size_t *bytes)
{
    if (value->type != MSGPACK_OBJECT_ARRAY) {
        return HWI_CODEC_MALFORMED;
    }
    return check_fields(layout, &value->via.array, bytes);
}

static int check_list(const struct hwi_field *field, const msgpack_object *value, size_t *bytes)
{
    if (value->type != MSGPACK_OBJECT_ARRAY) {
        return HWI_CODEC_MALFORMED;
    }
    if (value->via.array.size > field->limit) {
        return HWI_CODEC_LIMIT;
    }
    *bytes += hwi_list_bytes(field->record, value->via.array.size);
    for (uint32_t i = 0; i < value->via.array.size; i++) {
        int error = check_record(field->record, &value->via.array.ptr[i], bytes);
        if (error) {
            return error;
        }
    }
    return HWI_CODEC_OK;
}

static int check_field(const struct hwi_field *field, const msgpack_object *value, size_t *bytes)
{
    switch ((enum hwi_field_kind)field->kind) {
    case HWI_FIELD_U8:
    case HWI_FIELD_U32:
    case HWI_FIELD_U64:
        return check_unsigned(value, field->limit);
    case HWI_FIELD_I32:
        return check_signed(value);
    case HWI_FIELD_HASH:
        return check_hash(value);
    case HWI_FIELD_STR:
        return check_string(value, field->limit);
    case HWI_FIELD_REC:
        return check_record(field->record, value, bytes);
    case HWI_FIELD_LIST:
        return check_list(field, value, bytes);
    }
    return HWI_CODEC_MALFORMED;
}

// Values beyond the layout's fields come from a newer build and are not looked at.
static int check_fields(const struct hwi_layout *layout, const msgpack_object_array *values,
                        size_t *bytes)
{
    uint32_t count = HWI_MIN(values->size, layout->field_count);
    for (uint32_t i = 0; i < count; i++) {
        int error = check_field(&layout->fields[i], &values->ptr[i], bytes);
        if (error) {
            return error;
        }
    }
    return HWI_CODEC_OK;
}

// ---- second pass: into zeroed structs; nothing can fail any more ------------------------------

static void fill_fields(const struct hwi_layout *layout, const msgpack_object_array *values,
                        unsigned char *base, unsigned char **memory);

static void fill_hash(const msgpack_object *value, struct hwi_hash *hash)
{
    for (unsigned i = 0; i < 8; i++) {
        hash->lo |= (uint64_t)(unsigned char)value->via.bin.ptr[i] << (8 * i);
        hash->hi |= (uint64_t)(unsigned char)value->via.bin.ptr[8 + i] << (8 * i);
    }
}

static void fill_list(const struct hwi_field *field, const msgpack_object_array *values,
                      unsigned char *base, unsigned char **memory)
{
    if (values->size == 0) {
        return; // there may be no memory at all
    }
    unsigned char *items = *memory;
    memcpy(base + field->offset, &items, sizeof items);
    memcpy(base + field->count_offset, &values->size, sizeof values->size);
    *memory += hwi_list_bytes(field->record, values->size);
    for (uint32_t i = 0; i < values->size; i++) {
        fill_fields(field->record, &values->ptr[i].via.array,
                    items + (size_t)i * field->record->bytes, memory);
    }
}

static void fill_field(const struct hwi_field *field, const msgpack_object *value,
                       unsigned char *base, unsigned char **memory)
{
    void *at = base + field->offset;
    switch ((enum hwi_field_kind)field->kind) {
    case HWI_FIELD_U8:
        *(uint8_t *)at = (uint8_t)value->via.u64;
        break;
    case HWI_FIELD_U32:
        *(uint32_t *)at = (uint32_t)value->via.u64;
        break;
    case HWI_FIELD_U64:
        *(uint64_t *)at = value->via.u64;
        break;
    case HWI_FIELD_I32:
        *(int32_t *)at = (int32_t)value->via.i64;
        break;
    case HWI_FIELD_HASH:
        fill_hash(value, at);
        break;
    case HWI_FIELD_STR:
        if (value->via.str.size) {
            memcpy(at, value->via.str.ptr, value->via.str.size);
        }
        break;
    case HWI_FIELD_REC:
        fill_fields(field->record, &value->via.array, at, memory);
        break;
    case HWI_FIELD_LIST:
        fill_list(field, &value->via.array, base, memory);
        break;
    }
}

static void fill_fields(const struct hwi_layout *layout, const msgpack_object_array *values,
                        unsigned char *base, unsigned char **memory)
{
    uint32_t count = HWI_MIN(values->size, layout->field_count);
    for (uint32_t i = 0; i < count; i++) {
        fill_field(&layout->fields[i], &values->ptr[i], base, memory);
    }
}

// ---- the message -------------------------------------------------------------------------------

static int convert(const msgpack_object *value, struct hwi_msg *msg, void **block)
{
    if (value->type != MSGPACK_OBJECT_ARRAY || value->via.array.size == 0) {
        return HWI_CODEC_MALFORMED;
    }
    const msgpack_object *type = &value->via.array.ptr[0];
    if (type->type != MSGPACK_OBJECT_POSITIVE_INTEGER) {
        return HWI_CODEC_MALFORMED;
    }
    uint16_t known = (uint16_t)HWI_MIN(type->via.u64, (uint64_t)UINT16_MAX);
    const struct hwi_layout *layout = hwi_layout_of(known);
    if (layout == NULL) {
        return HWI_CODEC_UNKNOWN;
    }

    msgpack_object_array fields = {value->via.array.size - 1, value->via.array.ptr + 1};
    size_t bytes = 0;
    int error = check_fields(layout, &fields, &bytes);
    if (error) {
        return error;
    }
    unsigned char *memory = bytes ? calloc(1, bytes) : NULL;
    if (bytes && memory == NULL) {
        return HWI_CODEC_MEMORY;
    }
    memset(msg, 0, sizeof *msg);
    msg->type = known;
    *block = memory;
    fill_fields(layout, &fields, (unsigned char *)&msg->u, &memory);
    return HWI_CODEC_OK;
}

int hwi_decode(const unsigned char *bytes, size_t length, struct hwi_msg *msg, void **block)
{
    *block = NULL;
    if (length > HWI_MESSAGE_BYTES_MAX) {
        return HWI_CODEC_LIMIT;
    }
    int error = hwi_msgpack_check(bytes, length);
    if (error) {
        return error;
    }

    msgpack_unpacked unpacked;
    size_t offset = 0;
    msgpack_unpacked_init(&unpacked);
    switch (msgpack_unpack_next(&unpacked, (const char *)bytes, length, &offset)) {
    case MSGPACK_UNPACK_SUCCESS:
        error = convert(&unpacked.data, msg, block);
        break;
    case MSGPACK_UNPACK_NOMEM_ERROR:
        error = HWI_CODEC_MEMORY;
        break;
    default:
        error = HWI_CODEC_MALFORMED;
    }
    msgpack_unpacked_destroy(&unpacked);
    return error;
}
