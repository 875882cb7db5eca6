// SPDX-License-Identifier: MIT
// Images: an actor's state as bytes or as text. Each actor lists its fields once, in one function
// that is given an image to save to, to load from or to print to; so the three cannot differ.
// Bytes are little-endian and carry no names: only a build with the same hwi_decision_hash may load
// them.
#ifndef HAWSER_ACTORS_LOOP_IMAGE_H
#define HAWSER_ACTORS_LOOP_IMAGE_H

#include "actors/loop/step.h"

enum {
    HWI_IMAGE_BYTES_MAX = 256 << 20, // of one actor's image; passing it is a failed check
    HWI_IMAGE_DEPTH_MAX = 8,
};

enum hwi_image_mode { HWI_IMAGE_SAVE, HWI_IMAGE_LOAD, HWI_IMAGE_PRINT };

struct hwi_image {
    enum hwi_image_mode mode;
    const struct hwi_alloc *alloc; // of the lists that are loaded, of the bytes that are saved
    unsigned char *bytes;          // SAVE and PRINT: owned, grows; LOAD: borrowed
    size_t length, capacity, at;
    uint32_t depth;
    bool failed; // LOAD: the bytes are no image of this state
};

// Returns the actor's state as owned bytes (hwi_free with `alloc`), *length of them.
unsigned char *hwi_image_save(const struct hwi_actor_ops *ops, const void *state,
                              const struct hwi_alloc *alloc, size_t *length);
// Returns a new state (owned; ops->destroy) as it was when `bytes` (borrowed until return) were
// saved, or NULL if they are not whole or not an image of this actor. Never trusts the bytes.
void *hwi_image_load(const struct hwi_actor_ops *ops, const unsigned char *bytes, size_t length,
                     const struct hwi_alloc *alloc);
// Returns the state as readable text, one field a line, NUL-terminated, owned (hwi_free with
// `alloc`).
char *hwi_image_print(const struct hwi_actor_ops *ops, const void *state,
                      const struct hwi_alloc *alloc);

// ---- for the actors' own lists of fields
// ---------------------------------------------------------

void hwi_image_bool(struct hwi_image *image, const char *name, bool *value);
void hwi_image_u8(struct hwi_image *image, const char *name, uint8_t *value);
void hwi_image_u16(struct hwi_image *image, const char *name, uint16_t *value);
void hwi_image_u32(struct hwi_image *image, const char *name, uint32_t *value);
void hwi_image_u64(struct hwi_image *image, const char *name, uint64_t *value);
void hwi_image_i32(struct hwi_image *image, const char *name, int32_t *value);
void hwi_image_hash(struct hwi_image *image, const char *name, struct hwi_hash *value);
void hwi_image_text(struct hwi_image *image, const char *name, char *text, size_t bytes);
// A struct whose fields `fields` lists; printed indented under its name.
void hwi_image_struct(struct hwi_image *image, const char *name, void *item,
                      void (*fields)(struct hwi_image *image, void *item));
// Enums: `value` is an int lvalue of any enum type.
#define HWI_IMAGE_ENUM(image, name, value)                                                         \
    do {                                                                                           \
        int32_t number_ = (int32_t)(value);                                                        \
        hwi_image_i32((image), (name), &number_);                                                  \
        (value) = number_;                                                                         \
    } while (0)
// An owned array of *count items of `bytes` each; loading allocates exactly them (NULL for none)
// and fails beyond `most`. `fields` lists one item's fields.
void hwi_image_list(struct hwi_image *image, const char *name, void **items, uint32_t *count,
                    size_t bytes, uint32_t most, void (*fields)(struct hwi_image *image, void *item));

#endif
