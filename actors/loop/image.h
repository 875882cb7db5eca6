// SPDX-License-Identifier: MIT
// Images: an actor's state as bytes or as text. Each actor lists its fields once, in one function
// that is given an image to save to, to load from or to print to; so the three cannot differ.
// Bytes are little-endian and carry no names: only a build with the same hwi_decision_hash may load
// them. They may be anybody's: whatever they are, loading gives NULL or a state that breaks no rule
// of its lists' lengths and indexes, because the actors' functions require them.
#ifndef HAWSER_ACTORS_LOOP_IMAGE_H
#define HAWSER_ACTORS_LOOP_IMAGE_H

#include "actors/loop/step.h"
#include "actors/wire/codec.h"

enum {
    HWI_IMAGE_BYTES_MAX = 256 << 20, // of one actor's image or text; what is larger is not made
    HWI_IMAGE_DEPTH_MAX = 8,         // of structs in structs; passing it is a failed check
};

enum hwi_image_mode { HWI_IMAGE_SAVE, HWI_IMAGE_LOAD, HWI_IMAGE_PRINT };

struct hwi_image {
    enum hwi_image_mode mode;
    const struct hwi_alloc *alloc; // of the lists that are loaded, of the bytes that are saved
    unsigned char *bytes;          // SAVE and PRINT: owned, grows
    const unsigned char *from;     // LOAD: borrowed
    size_t length, capacity, at;
    uint32_t depth;
    bool bullet; // PRINT: the next line is the first of a list's item
    bool failed; // LOAD: the bytes are no image of this state
    void *actor; // for the actor's own functions: its whole state
};

// Returns the actor's state as owned bytes (hwi_free with `alloc`), *length of them; NULL if they
// would pass HWI_IMAGE_BYTES_MAX, if there is no memory, or if a failed check broke off a step and
// left no whole state.
unsigned char *hwi_image_save(const struct hwi_actor_ops *ops, const void *state,
                              const struct hwi_alloc *alloc, size_t *length);
// Returns a new state (owned; ops->destroy) as it was when `bytes` (borrowed until return) were
// saved, or NULL if they are not whole or not an image of this actor. Never trusts the bytes: what
// it allocates is in proportion to them.
void *hwi_image_load(const struct hwi_actor_ops *ops, const unsigned char *bytes, size_t length,
                     const struct hwi_alloc *alloc);
// Returns the state as readable text: a line `field: value` for each field that is not zero,
// indented by structs and lists; NUL-terminated, owned (hwi_free with `alloc`); NULL as in save.
char *hwi_image_print(const struct hwi_actor_ops *ops, const void *state,
                      const struct hwi_alloc *alloc);

// ---- for the actors' own lists of fields --------------------------------------------------------
// All `name`s are static text. A failed load continues with zeros, so callers need not check in
// between. Code that follows a loaded index must require it first and check `failed`.

void hwi_image_bool(struct hwi_image *image, const char *name, bool *value);
void hwi_image_u8(struct hwi_image *image, const char *name, uint8_t *value);
void hwi_image_u16(struct hwi_image *image, const char *name, uint16_t *value);
void hwi_image_u32(struct hwi_image *image, const char *name, uint32_t *value);
void hwi_image_u64(struct hwi_image *image, const char *name, uint64_t *value);
void hwi_image_index(struct hwi_image *image, const char *name, uint32_t *index); // ~0 = none
void hwi_image_time(struct hwi_image *image, const char *name, uint64_t *ns);  // printed in seconds
void hwi_image_kind(struct hwi_image *image, const char *name, uint8_t *kind); // enum hwi_kind
void hwi_image_status(struct hwi_image *image, const char *name, int *status); // hws_status
void hwi_image_hash(struct hwi_image *image, const char *name, struct hwi_hash *value);
void hwi_image_text(struct hwi_image *image, const char *name, char *text, size_t bytes);
// The load fails unless `holds`.
void hwi_image_require(struct hwi_image *image, bool holds);

// Enums: `value` is an lvalue of an enum whose values are 0, 1, .. with these `names` (an array);
// others do not load.
#define HWI_IMAGE_ENUM(image, name, value, names)                                                  \
    do {                                                                                           \
        uint8_t number_ = (uint8_t)(value);                                                        \
        hwi_image_enum((image), (name), &number_, (names), HWI_COUNT(names));                      \
        (value) = number_;                                                                         \
    } while (0)
void hwi_image_enum(struct hwi_image *image, const char *name, uint8_t *value,
                    const char *const *names, uint32_t count);

// A record or message of msg.def in the state: its fields are listed there, and held to the limits
// there. Its lists are owned, each a separate allocation. Its secret fields are in no image, so
// they are zero in what is loaded: effects are compared without them.
#define HWI_IMAGE_RECORD(image, name, kind, value)                                                 \
    hwi_image_record((image), (name), &hwi_layout_##kind, (1 ? (value) : (struct hwi_##kind *)NULL))
#define HWI_IMAGE_MESSAGE(image, name, kind, value)                                                \
    hwi_image_record((image), (name), hwi_layout_of(HWI_MSG_##kind),                               \
                     (1 ? (value) : (struct hwi_msg_##kind *)NULL))
void hwi_image_record(struct hwi_image *image, const char *name, const struct hwi_layout *layout,
                      void *record);

// Lists one item's fields.
typedef void (*hwi_image_fields_fn)(struct hwi_image *image, void *item);

// A struct whose fields `fields` lists.
void hwi_image_struct(struct hwi_image *image, const char *name, void *item,
                      hwi_image_fields_fn fields);

// A list: an array and the count of its items. `items` is an lvalue of the owned array, `count` of
// uint32_t. Loading allocates as the items come (NULL for none) and fails beyond `limit`. The
// capacity, where there is one, is set by the caller afterwards.
#define HWI_IMAGE_LIST(image, name, items, count, limit, fields)                                   \
    hwi_image_list((image), (name), HWI_IMAGE_OWNED((items), (limit)), &(count), (fields), NULL)
// The same, of records or messages.
#define HWI_IMAGE_RECORDS(image, name, items, count, limit, layout)                                \
    hwi_image_list((image), (name), HWI_IMAGE_OWNED((items), (limit)), &(count), NULL, (layout))
// The same two, in memory that is there already, for `limit` items.
#define HWI_IMAGE_LIST_IN(image, name, items, count, limit, fields)                                \
    hwi_image_list((image), (name), HWI_IMAGE_HERE((items), (limit)), &(count), (fields), NULL)
#define HWI_IMAGE_RECORDS_IN(image, name, items, count, limit, layout)                             \
    hwi_image_list((image), (name), HWI_IMAGE_HERE((items), (limit)), &(count), NULL, (layout))
#define HWI_IMAGE_OWNED(items, limit)                                                              \
    ((struct hwi_image_list){.array = &(items), .bytes = sizeof(*(items)), .most = (limit)})
#define HWI_IMAGE_HERE(items, limit)                                                               \
    ((struct hwi_image_list){.memory = (items), .bytes = sizeof(*(items)), .most = (limit)})
struct hwi_image_list {
    void *array;  // address of the owned pointer to the items, or NULL: then they are in ...
    void *memory; // ... this memory
    size_t bytes; // of an item
    uint32_t most;
};
void hwi_image_list(struct hwi_image *image, const char *name, struct hwi_image_list list,
                    uint32_t *count, hwi_image_fields_fn fields, const struct hwi_layout *layout);

// `count` (known already: a field before, or derived from some) unsigned numbers of 1, 4 or 8 bytes
// or hashes in a row. `items` is an lvalue of the owned array; loading allocates it (NULL for
// none).
#define HWI_IMAGE_ROW(image, name, items, count)                                                   \
    hwi_image_row((image), (name), &(items), sizeof(*(items)), (count))
void hwi_image_row(struct hwi_image *image, const char *name, void *items, size_t bytes,
                   uint32_t count);
// The same, in memory that is there already.
void hwi_image_row_in(struct hwi_image *image, const char *name, void *memory, size_t bytes,
                      uint32_t count);

// For state that fits none of the above. Bytes that a load may still read (SIZE_MAX otherwise): to
// judge a size before it is allocated.
size_t hwi_image_left(const struct hwi_image *image);
// A list of *count items whose memory the caller makes: begin, then each item's fields between its
// begin and end, then end.
void hwi_image_list_begin(struct hwi_image *image, const char *name, uint32_t *count,
                          uint32_t most);
void hwi_image_item_begin(struct hwi_image *image);
void hwi_image_item_end(struct hwi_image *image);
void hwi_image_list_end(struct hwi_image *image);

#endif
