// SPDX-License-Identifier: MIT
// Prints the text of a record.
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

static void put_number(struct text *text, const char *of, const char *name, uint64_t value)
{
    const char *dot = of[0] != '\0' ? "." : "";
    if (!value) {
        return;
    }
    put(text, "%s%s%s%s=", text->between, of, dot, name);
    if (strcmp(name, "status") == 0) {
        put(text, "%" PRId32, (int32_t)value);
    } else if (strcmp(name, "run") == 0 || strcmp(name, "incarnation") == 0) {
        put(text, "%016" PRIx64, value);
    } else {
        put(text, "%" PRIu64, value);
    }
    text->between = " ";
}

static void put_key(struct text *text, const struct hwi_ring_record *record,
                    const struct hwi_ring_kept *kept)
{
    const char *of = kept->record != NULL ? kept->record->name : "";
    if (kept->signature) {
        struct hwi_signature signature = hwi_ring_signature(record->key);
        put(text, "%scount=%" PRIu64 " dtype=%u redop=%u", text->between, signature.count,
            signature.dtype, signature.redop);
        if (signature.root) {
            put(text, " root=%" PRIu64, signature.root);
        }
        text->between = " ";
    } else if (kept->high != NULL) {
        put_number(text, of, kept->key->name, (uint32_t)record->key);
        put_number(text, of, kept->high->name, record->key >> 32);
    } else if (kept->key != NULL) {
        put_number(text, of, kept->key->name, record->key);
    }
}

static void put_channel(struct text *text, const struct hwi_ring_record *record)
{
    put_number(text, "", "view", record->view);
    if (kind_of(record)) {
        put(text, "%skind=%s", text->between, hwi_kind_name(kind_of(record)));
        text->between = " ";
    }
    put_number(text, "", "tag", record->tag);
}

size_t hwi_ring_print(const struct hwi_ring_record *record, char *line, size_t bytes)
{
    const struct hwi_layout *layout = hwi_layout_of(record->type);
    struct hwi_ring_kept kept;
    struct text text = {line, bytes, 0, ""};
    struct hwi_op op;
    hwi_ring_kept(record->type, &kept);
    put(&text, "%s{", layout != NULL ? layout->name : "?");
    if (hwi_ring_op(record, &op)) {
        put(&text, "op=%s/%" PRIu64 "#%" PRIu32 "@v%" PRIu64, hwi_kind_name(op.kind), op.tag,
            op.seq, op.view);
        text.between = " ";
    } else if (!has_op(layout)) {
        put_channel(&text, record);
    }
    put_key(&text, record, &kept);
    if (kept.extra != NULL) {
        put_number(&text, "", kept.extra->name, record->seq);
    }
    put(&text, "}");
    if (bytes) {
        line[HWI_MIN(text.length, bytes - 1)] = '\0';
    }
    return text.length;
}
