// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include <msgpack.h>
#define XXH_STATIC_LINKING_ONLY // for a state on the stack
#include <xxhash.h>

#include "actors/wire/check.h"
#include "actors/wire/codec.h"

enum { BUFFER_BYTES_FIRST = 512 };

// Where packed bytes go, and the first error. An error does not end the walk: a hash covers also
// what may not be sent.
struct sink {
    unsigned char *bytes;
    size_t length;
    size_t capacity;
    XXH3_state_t *hash;          // instead of a buffer
    bool fixed;                  // the buffer is the caller's and stays as it is
    bool is_public;              // secret fields are written as zero
    struct hwi_encoder *encoder; // remembers long lists; NULL = nobody does
    uint32_t depth;              // records and lists around what is written
    uint32_t values;
    int error;
};

static void refuse(struct sink *sink, int error)
{
    if (!sink->error) {
        sink->error = error;
    }
}

static bool make_room(struct sink *sink, size_t bytes)
{
    size_t capacity = sink->capacity ? 2 * sink->capacity : BUFFER_BYTES_FIRST;
    while (capacity < sink->length + bytes) {
        capacity *= 2;
    }
    unsigned char *grown = realloc(sink->bytes, capacity);
    if (grown == NULL) {
        return false;
    }
    sink->bytes = grown;
    sink->capacity = capacity;
    return true;
}

static int write_bytes(void *user, const char *bytes, size_t length)
{
    struct sink *sink = user;
    if (sink->hash != NULL) {
        XXH3_64bits_update(sink->hash, bytes, length);
        return 0;
    }
    if (sink->error) {
        return -1;
    }
    if (length > HWI_MESSAGE_BYTES_MAX - sink->length) {
        refuse(sink, HWI_CODEC_LIMIT);
        return -1;
    }
    if (length > sink->capacity - sink->length && sink->fixed) {
        refuse(sink, HWI_CODEC_ROOM);
        return -1;
    }
    if (length > sink->capacity - sink->length && !make_room(sink, length)) {
        refuse(sink, HWI_CODEC_MEMORY);
        return -1;
    }
    memcpy(sink->bytes + sink->length, bytes, length);
    sink->length += length;
    return 0;
}

static void pack_unsigned(msgpack_packer *packer, struct sink *sink, uint64_t value, uint64_t limit)
{
    if (value > limit) {
        refuse(sink, HWI_CODEC_LIMIT);
    }
    msgpack_pack_uint64(packer, value);
}

static void pack_hash(msgpack_packer *packer, const struct hwi_hash *hash)
{
    unsigned char bytes[16];
    for (unsigned i = 0; i < 8; i++) {
        bytes[i] = (unsigned char)(hash->lo >> (8 * i));
        bytes[8 + i] = (unsigned char)(hash->hi >> (8 * i));
    }
    msgpack_pack_bin(packer, sizeof bytes);
    msgpack_pack_bin_body(packer, bytes, sizeof bytes);
}

static void pack_string(msgpack_packer *packer, struct sink *sink, const char *text, size_t size)
{
    const char *end = memchr(text, 0, size);
    size_t length = end != NULL ? (size_t)(end - text) : size;
    if (end == NULL) {
        refuse(sink, HWI_CODEC_LIMIT);
    }
    msgpack_pack_str(packer, length);
    msgpack_pack_str_body(packer, text, length);
}

// A field's zero, for any type.
static void pack_zero(msgpack_packer *packer, struct sink *sink, const struct hwi_field *field)
{
    switch ((enum hwi_field_kind)field->kind) {
    case HWI_FIELD_U8:
    case HWI_FIELD_U32:
    case HWI_FIELD_U64:
    case HWI_FIELD_I32:
        msgpack_pack_uint64(packer, 0);
        break;
    case HWI_FIELD_HASH:
        pack_hash(packer, &(struct hwi_hash){0});
        break;
    case HWI_FIELD_STR:
        msgpack_pack_str(packer, 0);
        break;
    case HWI_FIELD_REC:
        msgpack_pack_array(packer, field->record->field_count);
        sink->values += field->record->field_count;
        for (uint32_t i = 0; i < field->record->field_count; i++) {
            pack_zero(packer, sink, &field->record->fields[i]);
        }
        break;
    case HWI_FIELD_LIST:
        msgpack_pack_array(packer, 0);
        break;
    }
}

static void pack_fields(msgpack_packer *packer, struct sink *sink, const struct hwi_layout *layout,
                        const unsigned char *base);

static void pack_record(msgpack_packer *packer, struct sink *sink, const struct hwi_layout *layout,
                        const unsigned char *base)
{
    msgpack_pack_array(packer, layout->field_count);
    sink->depth++;
    pack_fields(packer, sink, layout, base);
    sink->depth--;
}

// A list as it stands in a message's struct.
struct list {
    const struct hwi_layout *record;
    const unsigned char *items;
    uint32_t count;
};

static const struct hwi_encoded_list *remembered(const struct hwi_encoder *encoder,
                                                 const struct list *list)
{
    for (uint32_t i = 0; i < encoder->list_count; i++) {
        const struct hwi_encoded_list *known = &encoder->lists[i];
        if (known->items == list->items && known->count == list->count &&
            known->record == list->record) {
            return known;
        }
    }
    return NULL;
}

// Without memory, or with enough lists remembered, the list is written anew each time.
static void remember(struct sink *sink, const struct list *list, size_t start, uint32_t values)
{
    struct hwi_encoder *encoder = sink->encoder;
    size_t length = sink->length - start;
    unsigned char *bytes =
        encoder->list_count < HWI_ENCODED_LISTS_MAX && !sink->error ? malloc(length) : NULL;
    if (bytes == NULL) {
        return;
    }
    memcpy(bytes, sink->bytes + start, length);
    encoder->lists[encoder->list_count++] = (struct hwi_encoded_list){
        list->items, list->record, list->count, sink->values - values, length, bytes};
}

static void pack_items(msgpack_packer *packer, struct sink *sink, const struct list *list)
{
    msgpack_pack_array(packer, list->count);
    sink->values += list->count;
    for (uint32_t i = 0; i < list->count; i++) {
        pack_record(packer, sink, list->record, list->items + (size_t)i * list->record->bytes);
    }
}

static void pack_long_list(msgpack_packer *packer, struct sink *sink, const struct list *list)
{
    const struct hwi_encoded_list *known = remembered(sink->encoder, list);
    size_t start = sink->length;
    uint32_t values = sink->values;
    if (known != NULL) {
        write_bytes(sink, (const char *)known->bytes, known->length);
        sink->values += known->values;
    } else {
        pack_items(packer, sink, list);
        remember(sink, list, start, values);
    }
}

static void pack_list(msgpack_packer *packer, struct sink *sink, const struct hwi_field *field,
                      const unsigned char *base)
{
    struct list list = {.record = field->record};
    memcpy(&list.count, base + field->count_offset, sizeof list.count);
    memcpy(&list.items, base + field->offset, sizeof list.items);
    if (list.count > field->limit) {
        refuse(sink, HWI_CODEC_LIMIT);
    }
    if (sink->encoder != NULL && sink->depth == 0 && list.count >= HWI_ENCODED_LIST_LONG) {
        pack_long_list(packer, sink, &list);
    } else {
        pack_items(packer, sink, &list);
    }
}

static void pack_field(msgpack_packer *packer, struct sink *sink, const struct hwi_field *field,
                       const unsigned char *base)
{
    const void *at = base + field->offset;
    switch ((enum hwi_field_kind)field->kind) {
    case HWI_FIELD_U8:
        pack_unsigned(packer, sink, *(const uint8_t *)at, field->limit);
        break;
    case HWI_FIELD_U32:
        pack_unsigned(packer, sink, *(const uint32_t *)at, field->limit);
        break;
    case HWI_FIELD_U64:
        pack_unsigned(packer, sink, *(const uint64_t *)at, field->limit);
        break;
    case HWI_FIELD_I32:
        msgpack_pack_int32(packer, *(const int32_t *)at);
        break;
    case HWI_FIELD_HASH:
        pack_hash(packer, at);
        break;
    case HWI_FIELD_STR:
        pack_string(packer, sink, at, field->limit);
        break;
    case HWI_FIELD_REC:
        pack_record(packer, sink, field->record, at);
        break;
    case HWI_FIELD_LIST:
        pack_list(packer, sink, field, base);
        break;
    }
}

static void pack_fields(msgpack_packer *packer, struct sink *sink, const struct hwi_layout *layout,
                        const unsigned char *base)
{
    sink->values += layout->field_count;
    for (uint32_t i = 0; i < layout->field_count; i++) {
        const struct hwi_field *field = &layout->fields[i];
        if (sink->is_public && (field->flags & HWI_FLAG_SECRET) != 0) {
            pack_zero(packer, sink, field);
        } else {
            pack_field(packer, sink, field, base);
        }
    }
}

static void pack_message(struct sink *sink, const struct hwi_msg *msg)
{
    const struct hwi_layout *layout = hwi_layout_of(msg->type);
    msgpack_packer packer;
    if (layout == NULL) {
        refuse(sink, HWI_CODEC_UNKNOWN);
        return;
    }
    msgpack_packer_init(&packer, sink, write_bytes);
    msgpack_pack_array(&packer, 1 + (size_t)layout->field_count);
    msgpack_pack_uint16(&packer, msg->type);
    sink->values += 2; // the array itself and the type
    pack_fields(&packer, sink, layout, (const unsigned char *)&msg->u);
    if (sink->values > HWI_CODEC_VALUES_MAX) {
        refuse(sink, HWI_CODEC_LIMIT);
    }
}

int hwi_encode(const struct hwi_msg *msg, unsigned char **bytes, size_t *length)
{
    struct sink sink = {0};
    pack_message(&sink, msg);
    if (sink.error) {
        free(sink.bytes);
        return sink.error;
    }
    *bytes = sink.bytes;
    *length = sink.length;
    return HWI_CODEC_OK;
}

int hwi_encoder_encode(struct hwi_encoder *encoder, const struct hwi_msg *msg,
                       const unsigned char **bytes, size_t *length)
{
    struct sink sink = {.bytes = encoder->bytes, .capacity = encoder->capacity, .encoder = encoder};
    pack_message(&sink, msg);
    encoder->bytes = sink.bytes;
    encoder->capacity = sink.capacity;
    *bytes = sink.bytes;
    *length = sink.length;
    return sink.error;
}

void hwi_encoder_forget(struct hwi_encoder *encoder)
{
    while (encoder->list_count > 0) {
        free(encoder->lists[--encoder->list_count].bytes);
    }
}

void hwi_encoder_fini(struct hwi_encoder *encoder)
{
    hwi_encoder_forget(encoder);
    free(encoder->bytes);
    *encoder = (struct hwi_encoder){0};
}

int hwi_encode_into(const struct hwi_msg *msg, unsigned char *bytes, size_t capacity,
                    size_t *length)
{
    struct sink sink = {.bytes = bytes, .capacity = capacity, .fixed = true};
    pack_message(&sink, msg);
    *length = sink.length;
    return sink.error;
}

int hwi_encode_public_into(const struct hwi_msg *msg, unsigned char *bytes, size_t capacity,
                           size_t *length)
{
    struct sink sink = {.bytes = bytes, .capacity = capacity, .fixed = true, .is_public = true};
    pack_message(&sink, msg);
    *length = sink.length;
    return sink.error;
}

uint64_t hwi_msg_hash(const struct hwi_msg *msg)
{
    XXH3_state_t state;
    struct sink sink = {.hash = &state, .is_public = true};
    XXH3_64bits_reset(&state);
    pack_message(&sink, msg);
    return XXH3_64bits_digest(&state);
}
