// SPDX-License-Identifier: MIT
// A hash index over structs whose first member is a link. It owns its buckets, not what it links.
#ifndef HAWSER_TRANSPORT_DATA_INDEX_H
#define HAWSER_TRANSPORT_DATA_INDEX_H

#include "actors/base/base.h"

struct hwi_link {
    struct hwi_link *chain;
    uint64_t hash;
};

enum { HWI_INDEX_FEW = 64 };

// Not to be moved.
struct hwi_index {
    const struct hwi_alloc *alloc;
    struct hwi_link **buckets;
    uint32_t bucket_count; // a power of two
    uint32_t count;
    uint32_t max;                        // passing it is a failed check
    struct hwi_link *few[HWI_INDEX_FEW]; // the buckets at first: a start cannot fail
};

// `alloc` is borrowed until fini.
void hwi_index_init(struct hwi_index *index, const struct hwi_alloc *alloc, uint32_t max);
void hwi_index_fini(struct hwi_index *index);

void hwi_index_add(struct hwi_index *index, struct hwi_link *link, uint64_t hash);
void hwi_index_remove(struct hwi_index *index, struct hwi_link *link);

// The first link with this hash, and the next one; NULL = no more. The caller compares keys.
struct hwi_link *hwi_index_find(const struct hwi_index *index, uint64_t hash);
struct hwi_link *hwi_index_same(const struct hwi_link *link);

// All links, in no order: NULL gives the first. Take the next before removing one.
struct hwi_link *hwi_index_next(const struct hwi_index *index, const struct hwi_link *link);

// Mixes `value` into `hash`.
static inline uint64_t hwi_mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

#endif
