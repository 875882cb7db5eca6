// SPDX-License-Identifier: MIT
#include "actors/base/rows.h"

#include <string.h>

enum { CAPACITY_MIN = 8 };

void *hwi_rows_grow(const struct hwi_alloc *alloc, void *items, uint32_t count, uint32_t *capacity,
                    uint32_t max, size_t bytes)
{
    HWI_CHECK(count < max && count <= *capacity);
    if (count < *capacity) {
        return items;
    }
    uint32_t doubled = *capacity > max / 2 ? max : *capacity * 2;
    uint32_t wanted = HWI_MIN(max, HWI_MAX(doubled, CAPACITY_MIN));
    items = hwi_resize(alloc, items, wanted * bytes);
    *capacity = wanted;
    return items;
}

void *hwi_rows_open(void *items, uint32_t *count, size_t bytes, uint32_t at)
{
    HWI_CHECK(at <= *count);
    char *item = (char *)items + at * bytes;
    memmove(item + bytes, item, (*count - at) * bytes);
    memset(item, 0, bytes);
    (*count)++;
    return item;
}

void hwi_rows_remove(void *items, uint32_t *count, size_t bytes, uint32_t at)
{
    HWI_CHECK(at < *count);
    char *item = (char *)items + at * bytes;
    (*count)--;
    memmove(item, item + bytes, (*count - at) * bytes);
}
