// SPDX-License-Identifier: MIT
// Saving, loading and printing as a whole, and the fields that are one value.
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <hawser/types.h>

#include "actors/loop/image_bytes.h"

enum { MAGIC = 0x4d495748 }; // "HWIM"

// ---- bytes --------------------------------------------------------------------------------------

unsigned char *hwi_image_grow(struct hwi_image *image, size_t bytes)
{
    HWI_CHECK(bytes <= HWI_IMAGE_BYTES_MAX - image->length);
    if (image->bytes == NULL || image->capacity - image->length < bytes) {
        size_t capacity = HWI_MAX(2 * image->capacity, image->length + bytes + 256);
        image->bytes = hwi_resize(image->alloc, image->bytes, capacity);
        image->capacity = capacity;
    }
    image->length += bytes;
    return image->bytes + image->length - bytes;
}

void hwi_image_put(struct hwi_image *image, uint64_t value, size_t bytes)
{
    unsigned char *at = hwi_image_grow(image, bytes);
    for (size_t i = 0; i < bytes; i++) {
        at[i] = (unsigned char)(value >> (8 * i));
    }
}

const unsigned char *hwi_image_take(struct hwi_image *image, size_t bytes)
{
    image->failed = image->failed || bytes > image->length - image->at;
    if (image->failed) {
        return NULL;
    }
    image->at += bytes;
    return image->from + image->at - bytes;
}

uint64_t hwi_image_get(struct hwi_image *image, size_t bytes)
{
    const unsigned char *at = hwi_image_take(image, bytes);
    uint64_t value = 0;
    for (size_t i = 0; at != NULL && i < bytes; i++) {
        value |= (uint64_t)at[i] << (8 * i);
    }
    return value;
}

void hwi_image_printf(struct hwi_image *image, const char *format, ...)
{
    char text[128];
    va_list list;
    va_start(list, format);
    int length = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    HWI_CHECK(length >= 0 && (size_t)length < sizeof text);
    memcpy(hwi_image_grow(image, (size_t)length), text, (size_t)length);
}

void hwi_image_line(struct hwi_image *image, const char *name)
{
    size_t spaces = 2 * (size_t)image->depth - (image->bullet ? 2 : 0);
    memset(hwi_image_grow(image, spaces), ' ', spaces);
    hwi_image_printf(image, "%s%s%s", image->bullet ? "- " : "", name != NULL ? name : "",
                     name != NULL ? ": " : "");
    image->bullet = false;
}

// ---- the whole ----------------------------------------------------------------------------------

struct work {
    const struct hwi_actor_ops *ops;
    struct hwi_image image;
    void *state;
};

static void visit(struct work *work)
{
    uint32_t magic = MAGIC;
    uint8_t role = (uint8_t)work->ops->role;
    struct hwi_image *image = &work->image;
    if (image->mode != HWI_IMAGE_PRINT) {
        hwi_image_u32(image, "magic", &magic);
        hwi_image_u8(image, "role", &role);
    }
    hwi_image_require(image, magic == MAGIC && role == work->ops->role);
    if (work->state == NULL) {
        work->state = work->ops->create(image->alloc);
    }
    if (!image->failed) {
        work->ops->image(image, work->state);
    }
    if (image->mode == HWI_IMAGE_PRINT) {
        hwi_image_put(image, 0, 1); // the text's end
    }
    hwi_image_require(image, image->mode != HWI_IMAGE_LOAD || image->at == image->length);
}

// False if there was no memory, or an image would be too large.
static bool try_visit(struct work *work)
{
    struct hwi_trap trap;
    hwi_trap_enter(&trap);
    if (setjmp(trap.landing) == 0) {
        visit(work);
        hwi_trap_leave(&trap);
        return true;
    }
    return false;
}

// Saving and printing only read the state; but a field's one function may also load it.
static void *unconst(const void *pointer)
{
    void *same;
    memcpy(&same, &pointer, sizeof same);
    return same;
}

unsigned char *hwi_image_save(const struct hwi_actor_ops *ops, const void *state,
                              const struct hwi_alloc *alloc, size_t *length)
{
    struct work work = {ops, {.mode = HWI_IMAGE_SAVE, .alloc = alloc}, unconst(state)};
    if (!try_visit(&work)) {
        hwi_free(alloc, work.image.bytes);
        return NULL;
    }
    *length = work.image.length;
    return work.image.bytes;
}

void *hwi_image_load(const struct hwi_actor_ops *ops, const unsigned char *bytes, size_t length,
                     const struct hwi_alloc *alloc)
{
    struct work work = {
        ops, {.mode = HWI_IMAGE_LOAD, .alloc = alloc, .from = bytes, .length = length}, NULL};
    if (try_visit(&work) && !work.image.failed) {
        return work.state;
    }
    if (work.state != NULL) {
        ops->destroy(work.state);
    }
    return NULL;
}

char *hwi_image_print(const struct hwi_actor_ops *ops, const void *state,
                      const struct hwi_alloc *alloc)
{
    struct work work = {ops, {.mode = HWI_IMAGE_PRINT, .alloc = alloc}, unconst(state)};
    if (!try_visit(&work)) {
        hwi_free(alloc, work.image.bytes);
        return NULL;
    }
    return (char *)work.image.bytes;
}

// ---- single values ------------------------------------------------------------------------------

static uint64_t number_at(const void *value, size_t bytes)
{
    switch (bytes) {
    case 1:
        return *(const uint8_t *)value;
    case 2:
        return *(const uint16_t *)value;
    case 4:
        return *(const uint32_t *)value;
    default:
        return *(const uint64_t *)value;
    }
}

static void set_number(void *value, size_t bytes, uint64_t number)
{
    switch (bytes) {
    case 1:
        *(uint8_t *)value = (uint8_t)number;
        break;
    case 2:
        *(uint16_t *)value = (uint16_t)number;
        break;
    case 4:
        *(uint32_t *)value = (uint32_t)number;
        break;
    default:
        *(uint64_t *)value = number;
    }
}

// Saves or loads a number. For printing: true if it is not zero.
static bool move_number(struct hwi_image *image, void *value, size_t bytes)
{
    if (image->mode == HWI_IMAGE_SAVE) {
        hwi_image_put(image, number_at(value, bytes), bytes);
    } else if (image->mode == HWI_IMAGE_LOAD) {
        set_number(value, bytes, hwi_image_get(image, bytes));
    }
    return image->mode == HWI_IMAGE_PRINT && number_at(value, bytes) != 0;
}

static void visit_number(struct hwi_image *image, const char *name, void *value, size_t bytes)
{
    if (move_number(image, value, bytes)) {
        hwi_image_line(image, name);
        hwi_image_printf(image, "%" PRIu64 "\n", number_at(value, bytes));
    }
}

void hwi_image_u8(struct hwi_image *image, const char *name, uint8_t *value)
{
    visit_number(image, name, value, sizeof *value);
}

void hwi_image_u16(struct hwi_image *image, const char *name, uint16_t *value)
{
    visit_number(image, name, value, sizeof *value);
}

void hwi_image_u32(struct hwi_image *image, const char *name, uint32_t *value)
{
    visit_number(image, name, value, sizeof *value);
}

void hwi_image_u64(struct hwi_image *image, const char *name, uint64_t *value)
{
    visit_number(image, name, value, sizeof *value);
}

void hwi_image_index(struct hwi_image *image, const char *name, uint32_t *index)
{
    bool printed = image->mode == HWI_IMAGE_PRINT && *index != UINT32_MAX;
    move_number(image, index, sizeof *index);
    if (printed) {
        hwi_image_line(image, name);
        hwi_image_printf(image, "%" PRIu32 "\n", *index);
    }
}

void hwi_image_bool(struct hwi_image *image, const char *name, bool *value)
{
    uint8_t number = *value;
    if (move_number(image, &number, sizeof number)) {
        hwi_image_line(image, name);
        hwi_image_printf(image, "yes\n");
    }
    hwi_image_require(image, number <= 1);
    *value = number == 1;
}

void hwi_image_time(struct hwi_image *image, const char *name, uint64_t *ns)
{
    if (!move_number(image, ns, sizeof *ns)) {
        return;
    }
    hwi_image_line(image, name);
    if (*ns == HWI_NEVER) {
        hwi_image_printf(image, "never\n");
    } else {
        hwi_image_printf(image, "%" PRIu64 ".%09" PRIu64 " s\n", *ns / HWI_NS_PER_S,
                         *ns % HWI_NS_PER_S);
    }
}

void hwi_image_kind(struct hwi_image *image, const char *name, uint8_t *kind)
{
    if (move_number(image, kind, sizeof *kind)) {
        hwi_image_line(image, name);
        hwi_image_printf(image, "%s\n", hwi_kind_name(*kind));
    }
    hwi_image_require(image, *kind <= HWI_KIND_MAX);
}

void hwi_image_enum(struct hwi_image *image, const char *name, uint8_t *value,
                    const char *const *names, uint32_t count)
{
    move_number(image, value, sizeof *value);
    hwi_image_require(image, *value < count);
    if (image->failed) {
        *value = 0;
    }
    if (image->mode == HWI_IMAGE_PRINT) {
        hwi_image_line(image, name);
        hwi_image_printf(image, "%s\n", *value < count ? names[*value] : "?");
    }
}

void hwi_image_status(struct hwi_image *image, const char *name, int *status)
{
    uint32_t number = (uint32_t)*status;
    if (move_number(image, &number, sizeof number)) {
        hwi_image_line(image, name);
        hwi_image_printf(image, "%s\n", hws_status_name((hws_status)*status));
    }
    int32_t whole;
    memcpy(&whole, &number, sizeof whole);
    *status = whole;
}

void hwi_image_hash(struct hwi_image *image, const char *name, struct hwi_hash *value)
{
    bool low = move_number(image, &value->lo, sizeof value->lo);
    bool high = move_number(image, &value->hi, sizeof value->hi);
    if (low || high) {
        hwi_image_line(image, name);
        hwi_image_printf(image, "%016" PRIx64 "%016" PRIx64 "\n", value->hi, value->lo);
    }
}

static void load_text(struct hwi_image *image, char *text, size_t bytes)
{
    size_t length = (size_t)hwi_image_get(image, sizeof(uint16_t));
    memset(text, 0, bytes);
    hwi_image_require(image, length < bytes);
    const unsigned char *from = hwi_image_take(image, length);
    hwi_image_require(image, from != NULL && memchr(from, 0, length) == NULL);
    if (!image->failed) {
        memcpy(text, from, length);
    }
}

void hwi_image_text(struct hwi_image *image, const char *name, char *text, size_t bytes)
{
    size_t length = strnlen(text, bytes);
    HWI_CHECK(bytes <= HWI_TEXT_BYTES_MAX);
    if (image->mode == HWI_IMAGE_LOAD) {
        load_text(image, text, bytes);
    } else if (image->mode == HWI_IMAGE_SAVE) {
        hwi_image_put(image, length, sizeof(uint16_t));
        memcpy(hwi_image_grow(image, length), text, length);
    } else if (length > 0) {
        char quoted[4 * HWI_TEXT_BYTES_MAX + 3];
        size_t most = hwi_text_print(text, bytes, quoted, sizeof quoted);
        hwi_image_line(image, name);
        memcpy(hwi_image_grow(image, most), quoted, most);
        hwi_image_printf(image, "\n");
    }
}

void hwi_image_require(struct hwi_image *image, bool holds)
{
    image->failed = image->failed || (image->mode == HWI_IMAGE_LOAD && !holds);
}

size_t hwi_image_left(const struct hwi_image *image)
{
    if (image->mode != HWI_IMAGE_LOAD) {
        return SIZE_MAX;
    }
    return image->failed ? 0 : image->length - image->at;
}
