// SPDX-License-Identifier: MIT
// Where a key is, or would be, in an array that is ordered by it.
#ifndef HAWSER_ACTORS_BASE_PLACE_H
#define HAWSER_ACTORS_BASE_PLACE_H

#include <stddef.h>
#include <stdint.h>

// Index of the first of `count` items, `bytes` each, whose uint64_t at `offset` is not below
// `wanted`; `count` if all are. The items (NULL for none) are in ascending order of it.
static inline uint32_t hwi_place(const void *items, uint32_t count, size_t bytes, size_t offset,
                                 uint64_t wanted)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const uint64_t *key = (const void *)((const char *)items + middle * bytes + offset);
        if (*key < wanted) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

// By a field of the items.
#define HWI_PLACE(type, field, items, count, wanted)                                               \
    hwi_place((1 ? (items) : (const type *)NULL), (count), sizeof(type), offsetof(type, field),    \
              (wanted))

#endif
