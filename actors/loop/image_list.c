// SPDX-License-Identifier: MIT
// The fields that are more than one value: structs, records, lists, rows.
#include <inttypes.h>
#include <string.h>

#include "actors/loop/image_bytes.h"

enum {
    ITEMS_FIRST = 8,    // room that a list is given at first when it is loaded
    HASHES_PRINTED = 4, // of a row of hashes
};

static void deeper(struct hwi_image *image)
{
    HWI_CHECK(image->depth < 2 * HWI_IMAGE_DEPTH_MAX);
    image->depth++;
}

void hwi_image_struct(struct hwi_image *image, const char *name, void *item,
                      hwi_image_fields_fn fields)
{
    size_t before = image->length;
    bool bullet = image->bullet;
    if (image->mode == HWI_IMAGE_PRINT) {
        hwi_image_line(image, NULL);
        hwi_image_printf(image, "%s:\n", name);
    }
    size_t headed = image->length;
    deeper(image);
    fields(image, item);
    image->depth--;
    if (image->mode == HWI_IMAGE_PRINT && image->length == headed) {
        image->length = before;
        image->bullet = bullet;
    }
}

// ---- lists --------------------------------------------------------------------------------------

void hwi_image_list_begin(struct hwi_image *image, const char *name, uint32_t *count, uint32_t most)
{
    if (image->mode == HWI_IMAGE_SAVE) {
        hwi_image_put(image, *count, sizeof *count);
    }
    if (image->mode == HWI_IMAGE_LOAD) {
        *count = (uint32_t)hwi_image_get(image, sizeof *count);
        // Each item takes a byte at least.
        hwi_image_require(image, *count <= most && *count <= hwi_image_left(image));
        *count = image->failed ? 0 : *count;
    }
    if (image->mode == HWI_IMAGE_PRINT && *count > 0) {
        hwi_image_line(image, NULL);
        hwi_image_printf(image, "%s:\n", name);
    }
    deeper(image);
}

void hwi_image_list_end(struct hwi_image *image)
{
    image->depth--;
}

void hwi_image_item_begin(struct hwi_image *image)
{
    deeper(image);
    image->bullet = true;
}

void hwi_image_item_end(struct hwi_image *image)
{
    if (image->mode == HWI_IMAGE_PRINT && image->bullet) {
        hwi_image_line(image, NULL);
        hwi_image_printf(image, "{}\n");
    }
    image->bullet = false;
    image->depth--;
}

static void visit_item(struct hwi_image *image, void *item, hwi_image_fields_fn fields,
                       const struct hwi_layout *layout)
{
    hwi_image_item_begin(image);
    if (layout != NULL) {
        hwi_image_record(image, NULL, layout, item);
    } else {
        fields(image, item);
    }
    hwi_image_item_end(image);
}

static void *pointer_at(const void *array)
{
    void *pointer;
    memcpy(&pointer, array, sizeof pointer);
    return pointer;
}

// Room for the items as they come, so that a count that lies allocates nothing.
static void load_items(struct hwi_image *image, const struct hwi_image_list *list, uint32_t *count,
                       hwi_image_fields_fn fields, const struct hwi_layout *layout)
{
    uint32_t items = *count, capacity = list->array != NULL ? 0 : items;
    unsigned char *memory = list->memory;
    *count = 0;
    while (*count < items && !image->failed) {
        if (*count == capacity) {
            capacity = HWI_MIN(items, HWI_MAX(2 * capacity, (uint32_t)ITEMS_FIRST));
            memory = hwi_resize(image->alloc, memory, capacity * list->bytes);
            memcpy(list->array, &memory, sizeof memory);
        }
        unsigned char *item = memory + (*count)++ * list->bytes;
        memset(item, 0, list->bytes);
        visit_item(image, item, fields, layout);
    }
}

// Ids, digests and the like: a line for all.
static void print_values(struct hwi_image *image, const char *name, const unsigned char *items,
                         size_t bytes, uint32_t count, const struct hwi_layout *layout)
{
    for (uint32_t i = 0; i < count; i++) {
        char text[64];
        hwi_record_print(layout, items + i * bytes, text, sizeof text);
        if (i == 0) {
            hwi_image_line(image, name);
        }
        hwi_image_printf(image, "%s%s", text, i + 1 < count ? " " : "\n");
    }
}

void hwi_image_list(struct hwi_image *image, const char *name, struct hwi_image_list list,
                    uint32_t *count, hwi_image_fields_fn fields, const struct hwi_layout *layout)
{
    if (image->mode == HWI_IMAGE_PRINT && layout != NULL && layout->field_count == 1) {
        const unsigned char *items = list.array != NULL ? pointer_at(list.array) : list.memory;
        HWI_CHECK(items != NULL || *count == 0);
        print_values(image, name, items, list.bytes, *count, layout);
        return;
    }
    hwi_image_list_begin(image, name, count, list.most);
    if (image->mode == HWI_IMAGE_LOAD) {
        load_items(image, &list, count, fields, layout);
    } else {
        unsigned char *items = list.array != NULL ? pointer_at(list.array) : list.memory;
        HWI_CHECK(items != NULL || *count == 0); // not so after a step that was broken off
        for (uint32_t i = 0; i < *count; i++) {
            visit_item(image, items + i * list.bytes, fields, layout);
        }
    }
    hwi_image_list_end(image);
}

// ---- records of msg.def -------------------------------------------------------------------------

static void visit_limited(struct hwi_image *image, const struct hwi_field *field, void *at)
{
    uint64_t value;
    if (field->kind == HWI_FIELD_U8) {
        hwi_image_u8(image, field->name, at);
        value = *(const uint8_t *)at;
    } else if (field->kind == HWI_FIELD_U32) {
        hwi_image_u32(image, field->name, at);
        value = *(const uint32_t *)at;
    } else {
        hwi_image_u64(image, field->name, at);
        value = *(const uint64_t *)at;
    }
    hwi_image_require(image, value <= field->limit);
}

static void visit_field(struct hwi_image *image, const struct hwi_field *field, unsigned char *base)
{
    void *at = base + field->offset;
    switch ((enum hwi_field_kind)field->kind) {
    case HWI_FIELD_U8:
    case HWI_FIELD_U32:
    case HWI_FIELD_U64:
        visit_limited(image, field, at);
        break;
    case HWI_FIELD_I32:
        hwi_image_u32(image, field->name, at);
        break;
    case HWI_FIELD_HASH:
        hwi_image_hash(image, field->name, at);
        break;
    case HWI_FIELD_STR:
        hwi_image_text(image, field->name, at, field->limit);
        break;
    case HWI_FIELD_REC:
        hwi_image_record(image, field->name, field->record, at);
        break;
    case HWI_FIELD_LIST:
        hwi_image_list(image, field->name,
                       (struct hwi_image_list){.array = at,
                                               .bytes = field->record->bytes,
                                               .most = (uint32_t)field->limit},
                       (uint32_t *)(void *)(base + field->count_offset), NULL, field->record);
        break;
    }
}

static void print_record(struct hwi_image *image, const char *name, const struct hwi_layout *layout,
                         const void *record)
{
    if (name != NULL && hwi_record_is_zero(layout, record)) {
        return;
    }
    size_t length = hwi_record_print(layout, record, NULL, 0);
    hwi_image_line(image, name);
    hwi_record_print(layout, record, (char *)hwi_image_grow(image, length + 1), length + 1);
    image->bytes[image->length - 1] = '\n';
}

void hwi_image_record(struct hwi_image *image, const char *name, const struct hwi_layout *layout,
                      void *record)
{
    if (image->mode == HWI_IMAGE_PRINT) {
        print_record(image, name, layout, record);
        return;
    }
    for (uint32_t i = 0; i < layout->field_count; i++) {
        if ((layout->fields[i].flags & HWI_FLAG_SECRET) == 0) {
            visit_field(image, &layout->fields[i], record);
        }
    }
}

// ---- rows ---------------------------------------------------------------------------------------

static uint64_t number_of(const unsigned char *item, size_t bytes)
{
    uint32_t word;
    uint64_t number;
    if (bytes == 1) {
        return *item;
    }
    if (bytes == sizeof word) {
        memcpy(&word, item, sizeof word);
        return word;
    }
    memcpy(&number, item, sizeof number);
    return number;
}

static void set_number(unsigned char *item, size_t bytes, uint64_t number)
{
    uint32_t word = (uint32_t)number;
    if (bytes == 1) {
        *item = (unsigned char)number;
    } else if (bytes == sizeof word) {
        memcpy(item, &word, sizeof word);
    } else {
        memcpy(item, &number, sizeof number);
    }
}

static void print_hashes(struct hwi_image *image, const char *name, const unsigned char *items,
                         uint32_t count)
{
    hwi_image_line(image, name);
    for (uint32_t i = 0; i < HWI_MIN(count, (uint32_t)HASHES_PRINTED); i++) {
        struct hwi_hash hash;
        memcpy(&hash, items + i * sizeof hash, sizeof hash);
        hwi_image_printf(image, "%s%016" PRIx64 "%016" PRIx64, i ? " " : "", hash.hi, hash.lo);
    }
    if (count > HASHES_PRINTED) {
        hwi_image_printf(image, " .. (%" PRIu32 ")", count);
    }
    hwi_image_printf(image, "\n");
}

static void print_numbers(struct hwi_image *image, const char *name, const unsigned char *items,
                          size_t bytes, uint32_t count)
{
    hwi_image_line(image, name);
    for (uint32_t i = 0, run; i < count; i += run) {
        uint64_t number = number_of(items + i * bytes, bytes);
        for (run = 1; i + run < count; run++) {
            if (number_of(items + (i + run) * bytes, bytes) != number) {
                break;
            }
        }
        hwi_image_printf(image, "%s%" PRIu64, i ? " " : "", number);
        if (run > 1) {
            hwi_image_printf(image, " (x%" PRIu32 ")", run);
        }
    }
    hwi_image_printf(image, "\n");
}

static void print_row(struct hwi_image *image, const char *name, const unsigned char *items,
                      size_t bytes, uint32_t count)
{
    bool zero = true;
    for (size_t i = 0; zero && i < bytes * count; i++) {
        zero = items[i] == 0;
    }
    if (zero) {
        return;
    }
    if (bytes == sizeof(struct hwi_hash)) {
        print_hashes(image, name, items, count);
    } else {
        print_numbers(image, name, items, bytes, count);
    }
}

void hwi_image_row_in(struct hwi_image *image, const char *name, void *memory, size_t bytes,
                      uint32_t count)
{
    unsigned char *items = memory;
    HWI_CHECK(items != NULL || count == 0);          // not so after a step that was broken off
    size_t width = HWI_MIN(bytes, sizeof(uint64_t)); // a hash is two numbers
    if (image->mode == HWI_IMAGE_PRINT) {
        print_row(image, name, items, bytes, count);
        return;
    }
    for (size_t at = 0; at < bytes * count && !image->failed; at += width) {
        if (image->mode == HWI_IMAGE_SAVE) {
            hwi_image_put(image, number_of(items + at, width), width);
        } else {
            set_number(items + at, width, hwi_image_get(image, width));
        }
    }
}

void hwi_image_row(struct hwi_image *image, const char *name, void *items, size_t bytes,
                   uint32_t count)
{
    void *memory = pointer_at(items);
    if (image->mode == HWI_IMAGE_LOAD) {
        hwi_image_require(image, count <= hwi_image_left(image) / bytes);
        if (image->failed || count == 0) {
            return;
        }
        memory = hwi_new(image->alloc, bytes * count);
        memcpy(items, &memory, sizeof memory);
    }
    hwi_image_row_in(image, name, memory, bytes, count);
}
