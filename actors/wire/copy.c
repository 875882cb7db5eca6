// SPDX-License-Identifier: MIT
#include <string.h>

#include "actors/wire/copy.h"

static uint32_t list_count(const struct hwi_field *field, const unsigned char *base)
{
    uint32_t count;
    memcpy(&count, base + field->count_offset, sizeof count);
    return count;
}

static unsigned char *list_items(const struct hwi_field *field, const unsigned char *base)
{
    unsigned char *items;
    memcpy(&items, base + field->offset, sizeof items);
    return items;
}

static size_t lists_bytes(const struct hwi_layout *layout, const unsigned char *base)
{
    size_t bytes = 0;
    for (const struct hwi_field *field = layout->fields; field->kind; field++) {
        if (field->kind == HWI_FIELD_REC) {
            bytes += lists_bytes(field->record, base + field->offset);
        } else if (field->kind == HWI_FIELD_LIST) {
            uint32_t count = list_count(field, base);
            const unsigned char *items = list_items(field, base);
            bytes += hwi_list_bytes(field->record, count);
            for (uint32_t i = 0; i < count; i++) {
                bytes += lists_bytes(field->record, items + (size_t)i * field->record->bytes);
            }
        }
    }
    return bytes;
}

// Moves the lists of `base`, a flat copy of the original, to *memory, and *memory past them.
static void copy_lists(const struct hwi_layout *layout, unsigned char *base, unsigned char **memory)
{
    for (const struct hwi_field *field = layout->fields; field->kind; field++) {
        if (field->kind == HWI_FIELD_REC) {
            copy_lists(field->record, base + field->offset, memory);
        } else if (field->kind == HWI_FIELD_LIST) {
            uint32_t count = list_count(field, base);
            const unsigned char *items = list_items(field, base);
            unsigned char *own = count ? *memory : NULL;
            memcpy(base + field->offset, &own, sizeof own);
            if (count == 0) {
                continue; // there may be no memory at all
            }
            memcpy(own, items, (size_t)count * field->record->bytes);
            *memory += hwi_list_bytes(field->record, count);
            for (uint32_t i = 0; i < count; i++) {
                copy_lists(field->record, own + (size_t)i * field->record->bytes, memory);
            }
        }
    }
}

size_t hwi_msg_lists_bytes(const struct hwi_msg *msg)
{
    const struct hwi_layout *layout = hwi_layout_of(msg->type);
    return layout != NULL && layout->lists ? lists_bytes(layout, (const unsigned char *)&msg->u)
                                           : 0;
}

void hwi_msg_copy(const struct hwi_msg *from, struct hwi_msg *to, void *memory)
{
    const struct hwi_layout *layout = hwi_layout_of(from->type);
    unsigned char *cursor = memory;
    to->type = from->type;
    if (layout == NULL) {
        return;
    }
    memcpy(&to->u, &from->u, layout->bytes);
    if (layout->lists) {
        copy_lists(layout, (unsigned char *)&to->u, &cursor);
    }
}
