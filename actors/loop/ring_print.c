// SPDX-License-Identifier: MIT
// What a record says.
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "actors/loop/ring.h"
#include "actors/wire/codec.h"

enum { PART_BYTES = 96 };

uint64_t hwi_ring_ns(const struct hwi_ring_clock *clock, uint64_t ticks)
{
    double passed = (double)(int64_t)(ticks - clock->ticks_zero) * clock->ns_per_tick;
    return clock->ns_zero + (uint64_t)(int64_t)passed;
}

static uint8_t kind_of(const struct hwi_ring_record *record)
{
    return (uint8_t)(record->kind & ~HWI_RING_SENT);
}

static bool has_op(const struct hwi_layout *layout)
{
    return layout != NULL && layout->field_count && strcmp(layout->fields[0].name, "op") == 0;
}

bool hwi_ring_op(const struct hwi_ring_record *record, struct hwi_op *op)
{
    if (!has_op(hwi_layout_of(record->type))) {
        return false;
    }
    *op = (struct hwi_op){
        .view = record->view, .kind = kind_of(record), .tag = record->tag, .seq = record->seq};
    return op->view || op->kind || op->tag || op->seq;
}

struct text {
    char *at;
    size_t bytes, length;
    const char *between;
};

static void put(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct text *text, const char *format, ...)
{
    char part[PART_BYTES];
    va_list values;
    va_start(values, format);
    int length = vsnprintf(part, sizeof part, format, values);
    va_end(values);
    for (int i = 0; i < length && part[i]; i++, text->length++) {
        if (text->length + 1 < text->bytes) {
            text->at[text->length] = part[i];
        }
    }
}

static void put_field(struct text *text, const char *name, uint64_t value)
{
    const char *dot = memchr(name, '.', strlen(name));
    const char *leaf = dot != NULL ? dot + 1 : name;
    if (!value) {
        return;
    }
    if (strcmp(leaf, "status") == 0) {
        put(text, "%s%s=%" PRId32, text->between, name, (int32_t)value);
    } else if (strcmp(leaf, "run") == 0 || strcmp(leaf, "incarnation") == 0) {
        put(text, "%s%s=%016" PRIx64, text->between, name, value);
    } else {
        put(text, "%s%s=%" PRIu64, text->between, name, value);
    }
    text->between = " ";
}

static void put_key(struct text *text, const struct hwi_ring_record *record)
{
    const char *low = hwi_ring_key_name(record->type), *high = hwi_ring_high_name(record->type);
    if (low != NULL && strcmp(low, "signature") == 0) {
        struct hwi_signature signature = hwi_ring_signature(record->key);
        put(text, "%scount=%" PRIu64 " dtype=%u redop=%u", text->between, signature.count,
            signature.dtype, signature.redop);
        if (signature.root) {
            put(text, " root=%" PRIu64, signature.root);
        }
        text->between = " ";
    } else if (high != NULL) {
        put_field(text, low, (uint32_t)record->key);
        put_field(text, high, record->key >> 32);
    } else if (low != NULL) {
        put_field(text, low, record->key);
    }
}

static void put_channel(struct text *text, const struct hwi_ring_record *record)
{
    put_field(text, "view", record->view);
    if (kind_of(record)) {
        put(text, "%skind=%s", text->between, hwi_kind_name(kind_of(record)));
        text->between = " ";
    }
    put_field(text, "tag", record->tag);
}

size_t hwi_ring_print(const struct hwi_ring_record *record, char *line, size_t bytes)
{
    const struct hwi_layout *layout = hwi_layout_of(record->type);
    const char *extra = hwi_ring_extra_name(record->type);
    struct text text = {line, bytes, 0, ""};
    struct hwi_op op;
    put(&text, "%s{", layout != NULL ? layout->name : "?");
    if (hwi_ring_op(record, &op)) {
        put(&text, "op=%s/%" PRIu64 "#%" PRIu32 "@v%" PRIu64, hwi_kind_name(op.kind), op.tag,
            op.seq, op.view);
        text.between = " ";
    } else if (!has_op(layout)) {
        put_channel(&text, record);
    }
    put_key(&text, record);
    if (extra != NULL) {
        put_field(&text, extra, record->seq);
    }
    put(&text, "}");
    if (bytes) {
        line[HWI_MIN(text.length, bytes - 1)] = '\0';
    }
    return text.length;
}
