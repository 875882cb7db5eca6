// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "actors/wire/codec.h"

// A line being written: what does not fit is only counted.
struct line {
    char *text;
    size_t bytes;
    size_t length;
};

static void put(struct line *line, const char *text, size_t length)
{
    if (line->length < line->bytes) {
        memcpy(line->text + line->length, text, HWI_MIN(length, line->bytes - line->length));
    }
    line->length += length;
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

static void put_number(struct line *line, uint64_t number)
{
    char digits[24];
    put(line, digits, (size_t)snprintf(digits, sizeof digits, "%" PRIu64, number));
}

static size_t finish(struct line *line)
{
    if (line->bytes) {
        line->text[HWI_MIN(line->length, line->bytes - 1)] = '\0';
    }
    return line->length;
}

// Peers choose these bytes: what is not plain ASCII must not reach a terminal.
static void put_string(struct line *line, const char *text, size_t bytes)
{
    put_text(line, "\"");
    for (size_t i = 0; i < bytes && text[i]; i++) {
        unsigned char byte = (unsigned char)text[i];
        char escaped[8];
        if (byte >= ' ' && byte < 0x7f && byte != '"' && byte != '\\') {
            put(line, &text[i], 1);
        } else {
            put(line, escaped, (size_t)snprintf(escaped, sizeof escaped, "\\x%02x", byte));
        }
    }
    put_text(line, "\"");
}

const char *hwi_kind_name(uint8_t kind)
{
    static const char *const names[] = {
        [HWI_KIND_NONE] = "none",
        [HWI_KIND_ALL_REDUCE] = "all_reduce",
        [HWI_KIND_AGREE] = "agree",
        [HWI_KIND_ADMIT] = "admit",
        [HWI_KIND_SYNC] = "sync",
        [HWI_KIND_CLOSE] = "close",
        [HWI_KIND_REDUCE_SCATTER] = "reduce_scatter",
        [HWI_KIND_ALL_GATHER] = "all_gather",
        [HWI_KIND_BROADCAST] = "broadcast",
        [HWI_KIND_BARRIER] = "barrier",
        [HWI_KIND_AGREE_RUN] = "agree_run",
        [HWI_KIND_BARRIER_RUN] = "barrier_run",
    };
    return kind < HWI_COUNT(names) ? names[kind] : "?";
}

const char *hwi_role_name(uint8_t role)
{
    static const char *const names[HWI_ROLE_MAX] = {
        [HWI_ROLE_NONE] = "none",         [HWI_ROLE_MASTER] = "master",
        [HWI_ROLE_PEER] = "peer",         [HWI_ROLE_REDUCER] = "reducer",
        [HWI_ROLE_SNAPSHOT] = "snapshot", [HWI_ROLE_TRAINER] = "trainer",
        [HWI_ROLE_DATA] = "data",         [HWI_ROLE_CLOCK] = "clock",
        [HWI_ROLE_DISK] = "disk",         [HWI_ROLE_TOOL] = "tool",
        [HWI_ROLE_RING] = "ring",
    };
    return role < HWI_ROLE_MAX ? names[role] : "?";
}

// The one record with its own form, because most messages contain it: all_reduce/7#3@v2.
static void put_op(struct line *line, const struct hwi_op *op)
{
    const char *name = hwi_kind_name(op->kind);
    if (name[0] != '?') {
        put_text(line, name);
    } else {
        put_number(line, op->kind);
    }
    put_text(line, "/");
    put_number(line, op->tag);
    put_text(line, "#");
    put_number(line, op->seq);
    put_text(line, "@v");
    put_number(line, op->view);
}

static uint64_t number_of(const struct hwi_field *field, const void *at)
{
    if (field->kind == HWI_FIELD_U8) {
        return *(const uint8_t *)at;
    }
    return field->kind == HWI_FIELD_U32 ? *(const uint32_t *)at : *(const uint64_t *)at;
}

static uint32_t count_of(const struct hwi_field *field, const unsigned char *base)
{
    uint32_t count;
    memcpy(&count, base + field->count_offset, sizeof count);
    return count;
}

static bool is_zero(const struct hwi_layout *layout, const unsigned char *base);

// Secret fields are never printed, not even whether they are set.
static bool is_secret(const struct hwi_field *field)
{
    return (field->flags & HWI_FLAG_SECRET) != 0;
}

static bool is_zero_field(const struct hwi_field *field, const unsigned char *base)
{
    const void *at = base + field->offset;
    if (is_secret(field)) {
        return true;
    }
    switch ((enum hwi_field_kind)field->kind) {
    case HWI_FIELD_U8:
    case HWI_FIELD_U32:
    case HWI_FIELD_U64:
        return number_of(field, at) == 0;
    case HWI_FIELD_I32:
        return *(const int32_t *)at == 0;
    case HWI_FIELD_HASH:
        return hwi_hash_equal(*(const struct hwi_hash *)at, (struct hwi_hash){0});
    case HWI_FIELD_STR:
        return *(const char *)at == '\0';
    case HWI_FIELD_REC:
        return is_zero(field->record, at);
    case HWI_FIELD_LIST:
        return count_of(field, base) == 0;
    }
    return true;
}

static bool is_zero(const struct hwi_layout *layout, const unsigned char *base)
{
    for (uint32_t i = 0; i < layout->field_count; i++) {
        if (!is_zero_field(&layout->fields[i], base)) {
            return false;
        }
    }
    return true;
}

static void put_record(struct line *line, const struct hwi_layout *layout,
                       const unsigned char *base);

static void put_list(struct line *line, const struct hwi_field *field, const unsigned char *base)
{
    const unsigned char *items;
    memcpy(&items, base + field->offset, sizeof items);
    put_text(line, "[");
    for (uint32_t i = 0; i < count_of(field, base); i++) {
        if (i) {
            put_text(line, " ");
        }
        put_record(line, field->record, items + (size_t)i * field->record->bytes);
    }
    put_text(line, "]");
}

static void put_value(struct line *line, const struct hwi_field *field, const unsigned char *base)
{
    const void *at = base + field->offset;
    const struct hwi_hash *hash = at;
    char digits[40];
    switch ((enum hwi_field_kind)field->kind) {
    case HWI_FIELD_U8:
    case HWI_FIELD_U32:
    case HWI_FIELD_U64:
        put_number(line, number_of(field, at));
        break;
    case HWI_FIELD_I32:
        put(line, digits,
            (size_t)snprintf(digits, sizeof digits, "%" PRId32, *(const int32_t *)at));
        break;
    case HWI_FIELD_HASH:
        put(line, digits,
            (size_t)snprintf(digits, sizeof digits, "%016" PRIx64 "%016" PRIx64, hash->hi,
                             hash->lo));
        break;
    case HWI_FIELD_STR:
        put_string(line, at, field->limit);
        break;
    case HWI_FIELD_REC:
        put_record(line, field->record, at);
        break;
    case HWI_FIELD_LIST:
        put_list(line, field, base);
        break;
    }
}

static void put_fields(struct line *line, const struct hwi_layout *layout,
                       const unsigned char *base)
{
    const char *between = "";
    put_text(line, "{");
    for (uint32_t i = 0; i < layout->field_count; i++) {
        const struct hwi_field *field = &layout->fields[i];
        if (is_zero_field(field, base)) {
            continue;
        }
        put_text(line, between);
        put_text(line, field->name);
        put_text(line, "=");
        put_value(line, field, base);
        between = " ";
    }
    put_text(line, "}");
}

// Records of one field (ids, digests, blocks) are printed as that field's value.
static void put_record(struct line *line, const struct hwi_layout *layout,
                       const unsigned char *base)
{
    if (strcmp(layout->name, "op") == 0) {
        put_op(line, (const struct hwi_op *)base);
    } else if (layout->field_count == 1 && !is_secret(&layout->fields[0])) {
        put_value(line, &layout->fields[0], base);
    } else {
        put_fields(line, layout, base);
    }
}

size_t hwi_msg_print(const struct hwi_msg *msg, char *text, size_t bytes)
{
    const struct hwi_layout *layout = hwi_layout_of(msg->type);
    struct line line = {text, bytes, 0};
    if (layout != NULL) {
        put_text(&line, layout->name);
        put_fields(&line, layout, (const unsigned char *)&msg->u);
    } else {
        put_text(&line, "message ");
        put_number(&line, msg->type);
    }
    return finish(&line);
}

size_t hwi_record_print(const struct hwi_layout *layout, const void *record, char *text,
                        size_t bytes)
{
    struct line line = {text, bytes, 0};
    put_record(&line, layout, record);
    return finish(&line);
}

size_t hwi_text_print(const char *string, size_t length, char *text, size_t bytes)
{
    struct line line = {text, bytes, 0};
    put_string(&line, string, length);
    return finish(&line);
}

bool hwi_record_is_zero(const struct hwi_layout *layout, const void *record)
{
    return is_zero(layout, record);
}

size_t hwi_addr_print(struct hwi_addr addr, char *text, size_t bytes)
{
    bool decimal = addr.role == HWI_ROLE_REDUCER || addr.role == HWI_ROLE_SNAPSHOT;
    char digits[24];
    struct line line = {text, bytes, 0};
    put_text(&line, hwi_role_name(addr.role));
    if (addr.id) {
        put(&line, digits,
            (size_t)snprintf(digits, sizeof digits, decimal ? ":%" PRIu64 : ":%" PRIx64, addr.id));
    }
    return finish(&line);
}
