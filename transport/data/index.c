// SPDX-License-Identifier: MIT
#include "transport/data/index.h"

static struct hwi_link **bucket_of(const struct hwi_index *index, uint64_t hash)
{
    return &index->buckets[hash & (index->bucket_count - 1)];
}

static void insert(struct hwi_index *index, struct hwi_link *link)
{
    struct hwi_link **bucket = bucket_of(index, link->hash);

    link->chain = *bucket;
    *bucket = link;
}

static void free_buckets(struct hwi_index *index, struct hwi_link **buckets)
{
    hwi_free(index->alloc, buckets != index->few ? buckets : NULL);
}

// Without memory the old buckets stay: the chains in them get longer.
static void grow(struct hwi_index *index)
{
    struct hwi_link **old = index->buckets;
    uint32_t old_count = index->bucket_count;
    struct hwi_link **buckets = hwi_try_new(index->alloc, sizeof *old * old_count * 2);

    if (buckets == NULL) {
        return;
    }
    index->buckets = buckets;
    index->bucket_count = old_count * 2;
    for (uint32_t i = 0; i < old_count; i++) {
        for (struct hwi_link *link = old[i], *chain; link != NULL; link = chain) {
            chain = link->chain;
            insert(index, link);
        }
    }
    free_buckets(index, old);
}

void hwi_index_init(struct hwi_index *index, const struct hwi_alloc *alloc, uint32_t max)
{
    *index = (struct hwi_index){.alloc = alloc, .bucket_count = HWI_INDEX_FEW, .max = max};
    index->buckets = index->few;
}

void hwi_index_fini(struct hwi_index *index)
{
    free_buckets(index, index->buckets);
}

void hwi_index_add(struct hwi_index *index, struct hwi_link *link, uint64_t hash)
{
    HWI_CHECK(index->count < index->max);
    if (index->count >= index->bucket_count) {
        grow(index);
    }
    link->hash = hash;
    insert(index, link);
    index->count++;
}

void hwi_index_remove(struct hwi_index *index, struct hwi_link *link)
{
    struct hwi_link **at = bucket_of(index, link->hash);

    while (*at != link) {
        at = &(*at)->chain;
    }
    *at = link->chain;
    index->count--;
}

static struct hwi_link *first_with(struct hwi_link *link, uint64_t hash)
{
    while (link != NULL && link->hash != hash) {
        link = link->chain;
    }
    return link;
}

struct hwi_link *hwi_index_find(const struct hwi_index *index, uint64_t hash)
{
    return first_with(*bucket_of(index, hash), hash);
}

struct hwi_link *hwi_index_same(const struct hwi_link *link)
{
    return first_with(link->chain, link->hash);
}

struct hwi_link *hwi_index_next(const struct hwi_index *index, const struct hwi_link *link)
{
    uint32_t bucket = 0;

    if (link != NULL) {
        if (link->chain != NULL) {
            return link->chain;
        }
        bucket = (uint32_t)(link->hash & (index->bucket_count - 1)) + 1;
    }
    while (bucket < index->bucket_count && index->buckets[bucket] == NULL) {
        bucket++;
    }
    return bucket < index->bucket_count ? index->buckets[bucket] : NULL;
}
