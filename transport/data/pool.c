// SPDX-License-Identifier: MIT
#include "transport/data/pool.h"

#include <stdalign.h>

// Lies before the memory that is handed out.
struct hwi_pool_buffer {
    alignas(max_align_t) struct hwi_pool_buffer *next;
    uint64_t capacity;
};

enum { PAGE = 4096 };

static void release(struct hwi_pool *pool, struct hwi_pool_buffer **at)
{
    struct hwi_pool_buffer *buffer = *at;

    *at = buffer->next;
    pool->bytes -= buffer->capacity;
    pool->count--;
    hwi_free(pool->alloc, buffer);
}

static void drop_oldest(struct hwi_pool *pool)
{
    struct hwi_pool_buffer **at = &pool->kept;

    while ((*at)->next != NULL) {
        at = &(*at)->next;
    }
    release(pool, at);
}

void hwi_pool_init(struct hwi_pool *pool, const struct hwi_alloc *alloc)
{
    *pool = (struct hwi_pool){.alloc = alloc};
}

void hwi_pool_fini(struct hwi_pool *pool)
{
    while (pool->kept != NULL) {
        release(pool, &pool->kept);
    }
}

// The smallest one kept that fits and is not more than twice too large.
static struct hwi_pool_buffer *reuse(struct hwi_pool *pool, uint64_t bytes)
{
    struct hwi_pool_buffer **best = NULL;

    for (struct hwi_pool_buffer **at = &pool->kept; *at; at = &(*at)->next) {
        if ((*at)->capacity >= bytes && (*at)->capacity / 2 <= bytes &&
            (best == NULL || (*at)->capacity < (*best)->capacity)) {
            best = at;
        }
    }
    if (best == NULL) {
        return NULL;
    }
    struct hwi_pool_buffer *buffer = *best;
    *best = buffer->next;
    pool->bytes -= buffer->capacity;
    pool->count--;
    return buffer;
}

void *hwi_pool_take(struct hwi_pool *pool, uint64_t bytes)
{
    struct hwi_pool_buffer *buffer = NULL;

    if (bytes > SIZE_MAX - PAGE - sizeof *buffer) {
        return NULL;
    }
    if (bytes >= HWI_POOL_BUFFER_BYTES_MIN) {
        bytes = (bytes + PAGE - 1) / PAGE * PAGE;
        buffer = reuse(pool, bytes);
    }
    if (buffer == NULL) {
        // Not hwi_new: a peer's frame may ask for it, and that must not be a failed check.
        buffer = pool->alloc->resize(pool->alloc->user, NULL, sizeof *buffer + (size_t)bytes);
        if (buffer == NULL) {
            return NULL;
        }
        buffer->capacity = bytes;
    }
    return buffer + 1;
}

void hwi_pool_give(struct hwi_pool *pool, void *memory)
{
    if (memory == NULL) {
        return;
    }
    struct hwi_pool_buffer *buffer = (struct hwi_pool_buffer *)memory - 1;
    if (buffer->capacity < HWI_POOL_BUFFER_BYTES_MIN || buffer->capacity > HWI_POOL_BYTES_MAX) {
        hwi_free(pool->alloc, buffer);
        return;
    }
    while (pool->count == HWI_POOL_BUFFERS_MAX ||
           pool->bytes + buffer->capacity > HWI_POOL_BYTES_MAX) {
        drop_oldest(pool);
    }
    buffer->next = pool->kept;
    pool->kept = buffer;
    pool->bytes += buffer->capacity;
    pool->count++;
}
