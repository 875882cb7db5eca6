// SPDX-License-Identifier: MIT
// Rows: an array in ascending order of its items' keys. Finds where a key is or would be, makes
// room for an item there, takes one out. Owner thread of the array only.
#ifndef HAWSER_ACTORS_BASE_ROWS_H
#define HAWSER_ACTORS_BASE_ROWS_H

#include "actors/base/base.h"

// Compares an item with what is wanted: below 0 if it comes before, 0 if it is that, above 0 if it
// comes behind. Both are borrowed until return.
typedef int (*hwi_rows_compare_fn)(const void *item, const void *wanted);

// ---- where -------------------------------------------------------------------------------------

// Index of the first of `count` items, `bytes` each, that does not come before `wanted`; `count` if
// all do. `items` (NULL allowed for none) and `wanted` are borrowed until return.
static inline uint32_t hwi_rows_place(const void *items, uint32_t count, size_t bytes,
                                      hwi_rows_compare_fn compare, const void *wanted)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare((const char *)items + middle * bytes, wanted) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

// The first item that compares equal to `wanted`, good until the rows change; NULL = none.
static inline void *hwi_rows_find(const void *items, uint32_t count, size_t bytes,
                                  hwi_rows_compare_fn compare, const void *wanted)
{
    uint32_t at = hwi_rows_place(items, count, bytes, compare, wanted);
    const char *item = at < count ? (const char *)items + at * bytes : NULL;
    return item != NULL && compare(item, wanted) == 0 ? (void *)item : NULL;
}

// The same for items that are ordered by a uint64_t at `offset`.
static inline uint32_t hwi_rows_place_key(const void *items, uint32_t count, size_t bytes,
                                          size_t offset, uint64_t key)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const uint64_t *at = (const void *)((const char *)items + middle * bytes + offset);
        if (*at < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static inline void *hwi_rows_find_key(const void *items, uint32_t count, size_t bytes,
                                      size_t offset, uint64_t key)
{
    uint32_t at = hwi_rows_place_key(items, count, bytes, offset, key);
    const char *item = at < count ? (const char *)items + at * bytes : NULL;
    return item != NULL && *(const uint64_t *)(const void *)(item + offset) == key ? (void *)item
                                                                                   : NULL;
}

// By a field of the items. One that is no uint64_t does not compile.
#define HWI_ROWS_OFFSET(type, field)                                                               \
    _Generic(&((type *)NULL)->field, uint64_t *: offsetof(type, field))
#define HWI_ROWS_PLACE(type, field, items, count, key)                                             \
    hwi_rows_place_key((1 ? (items) : (const type *)NULL), (count), sizeof(type),                  \
                       HWI_ROWS_OFFSET(type, field), (key))
#define HWI_ROWS_FIND(type, field, items, count, key)                                              \
    ((type *)hwi_rows_find_key((1 ? (items) : (const type *)NULL), (count), sizeof(type),          \
                               HWI_ROWS_OFFSET(type, field), (key)))

// ---- room for one more, one less ---------------------------------------------------------------

// Takes an array of `*capacity` items (NULL for none) that holds `count`, and returns it, owned,
// with room for one more: the capacity is doubled, up to `max`. More than `max` is a failed check.
// The room is not initialised.
void *hwi_rows_grow(const struct hwi_alloc *alloc, void *items, uint32_t count, uint32_t *capacity,
                    uint32_t max, size_t bytes);

// Moves the items from index `at` (at most *count) on up by one, counts one more, and returns what
// is at `at` now: zeroed, good until the rows change. The array must have room for it.
void *hwi_rows_open(void *items, uint32_t *count, size_t bytes, uint32_t at);

// Removes the item at `at`; the items after it move down. The caller frees what the item owns.
void hwi_rows_remove(void *items, uint32_t *count, size_t bytes, uint32_t at);

// Of typed arrays; `items`, `count` and `capacity` are pointers to the variables that change.
// The zeroed item at `at` of an array that grows:
//     struct seat *seat = HWI_ROWS_INSERT(alloc, &seats, &count, &capacity, SEATS_MAX, at);
#define HWI_ROWS_INSERT(alloc, items, count, capacity, max, at)                                    \
    (*(items) = hwi_rows_grow((alloc), *(items), *(count), (capacity), (max), sizeof **(items)),   \
     hwi_rows_open(*(items), (count), sizeof **(items), (at)))
// Of an array that has the room; `items` is the array itself here.
#define HWI_ROWS_OPEN(items, count, at) hwi_rows_open((items), (count), sizeof *(items), (at))
#define HWI_ROWS_REMOVE(items, count, at) hwi_rows_remove((items), (count), sizeof *(items), (at))

#endif
