// SPDX-License-Identifier: MIT
#include "actors/loop/ring_shape.h"

#include "actors/loop/ring.h"

static const struct hwi_ring_place nowhere = {1, 56};

// A field of a message: its own, or one of a REC that it has. `field` NULL = there is none.
struct found {
    const struct hwi_field *record; // the REC; NULL = it is the message's own
    const struct hwi_field *field;
};

static const struct hwi_field *flagged(const struct hwi_layout *layout, unsigned flag)
{
    for (uint32_t i = 0; i < layout->field_count; i++) {
        if ((layout->fields[i].flags & flag) != 0) {
            return &layout->fields[i];
        }
    }
    return NULL;
}

static const struct hwi_field *named(const struct hwi_layout *layout, const char *name)
{
    for (uint32_t i = 0; i < layout->field_count; i++) {
        if (strcmp(layout->fields[i].name, name) == 0) {
            return &layout->fields[i];
        }
    }
    return NULL;
}

void hwi_ring_kept(uint16_t type, struct hwi_ring_kept *kept)
{
    const struct hwi_layout *layout = hwi_layout_of(type);
    *kept = (struct hwi_ring_kept){0};
    if (layout == NULL) {
        return;
    }
    kept->extra = flagged(layout, HWI_FLAG_EXTRA);
    kept->key = flagged(layout, HWI_FLAG_KEY);
    if (kept->key != NULL && kept->key->kind == HWI_FIELD_REC) {
        kept->record = kept->key;
        layout = kept->record->record;
        kept->signature = strcmp(layout->name, "signature") == 0;
        kept->key = flagged(layout, HWI_FLAG_KEY);
    }
    kept->high = flagged(layout, HWI_FLAG_HIGH);
}

// Bits of the field that a record keeps: a hash's lower half, a list's count; 0 = none.
static uint16_t bits_of(const struct hwi_field *field)
{
    switch (field->kind) {
    case HWI_FIELD_U8:
        return 8;
    case HWI_FIELD_U32:
    case HWI_FIELD_I32:
    case HWI_FIELD_LIST:
        return 32;
    case HWI_FIELD_U64:
    case HWI_FIELD_HASH:
        return 64;
    default:
        return 0;
    }
}

static bool is_secret(const struct hwi_field *field)
{
    return field != NULL && (field->flags & HWI_FLAG_SECRET) != 0;
}

static size_t offset_of(struct found found)
{
    return offsetof(struct hwi_msg, u) + (found.record != NULL ? found.record->offset : 0) +
           (found.field->kind == HWI_FIELD_LIST ? found.field->count_offset : found.field->offset);
}

// Where the field is, cut to `bits_max`; nowhere if there is none, it is not a number, or nobody
// else may know it.
static struct hwi_ring_place place(struct found found, uint16_t bits_max)
{
    if (found.field == NULL || bits_of(found.field) == 0 || is_secret(found.record) ||
        is_secret(found.field)) {
        return nowhere;
    }
    size_t offset = offset_of(found);
    HWI_CHECK(offset + sizeof(uint64_t) <= sizeof(struct hwi_msg));
    uint16_t bits = HWI_MIN(bits_of(found.field), bits_max);
    return (struct hwi_ring_place){(uint16_t)offset, (uint16_t)(64 - bits)};
}

// A field of the message's operation, or its own, or of its fault.
static struct found find_own(const struct hwi_layout *layout, const char *name)
{
    static const char *const records[] = {"op", NULL, "fault"};
    struct found found = {0};
    for (uint32_t i = 0; i < HWI_COUNT(records) && found.field == NULL; i++) {
        found.record = records[i] != NULL ? named(layout, records[i]) : NULL;
        if (records[i] == NULL) {
            found.field = named(layout, name);
        } else if (found.record != NULL && found.record->kind == HWI_FIELD_REC) {
            found.field = named(found.record->record, name);
        }
    }
    return found;
}

// The seq of the operation, unless something is kept in its place.
static struct found find_seq(const struct hwi_layout *layout, const struct hwi_ring_kept *kept)
{
    const struct hwi_field *op = named(layout, "op");
    if (kept->extra != NULL || op == NULL || op->kind != HWI_FIELD_REC) {
        return (struct found){NULL, kept->extra};
    }
    return (struct found){op, named(op->record, "seq")};
}

static uint16_t place_signature(const struct hwi_ring_kept *kept)
{
    const struct hwi_field *record = kept->record;
    bool told =
        kept->signature && !is_secret(record) && flagged(record->record, HWI_FLAG_SECRET) == NULL;
    return told ? (uint16_t)(offsetof(struct hwi_msg, u) + record->offset) : 0;
}

void hwi_ring_shape(uint16_t type, struct hwi_ring_shape *shape)
{
    const struct hwi_layout *layout = hwi_layout_of(type);
    struct hwi_ring_kept kept;
    *shape = (struct hwi_ring_shape){nowhere, nowhere, nowhere, nowhere, nowhere, nowhere, 0};
    if (layout == NULL) {
        return;
    }
    hwi_ring_kept(type, &kept);
    shape->view = place(find_own(layout, "view"), 64);
    shape->tag = place(find_own(layout, "tag"), 64);
    shape->kind = place(find_own(layout, "kind"), 8);
    shape->key = place((struct found){kept.record, kept.key}, kept.high != NULL ? 32 : 64);
    shape->high = place((struct found){kept.record, kept.high}, 32);
    shape->seq = place(find_seq(layout, &kept), 32);
    shape->signature = place_signature(&kept);
}
