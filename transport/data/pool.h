// SPDX-License-Identifier: MIT
// Buffers for payloads. Large ones are kept for reuse, because fresh pages cost more than the copy
// into them: about 15 ms for 64 MiB.
#ifndef HAWSER_TRANSPORT_DATA_POOL_H
#define HAWSER_TRANSPORT_DATA_POOL_H

#include "actors/base/base.h"

enum {
    HWI_POOL_BUFFERS_MAX = 64,            // kept for reuse; the one kept longest goes first
    HWI_POOL_BUFFER_BYTES_MIN = 64 << 10, // smaller ones are left to the allocator
};

// Kept for reuse, all together: the saved copies of a large in-place tensor that is reduced again
// and again. Never keeps more than was in flight at once.
#define HWI_POOL_BYTES_MAX (UINT64_C(2) << 30)

struct hwi_pool_buffer;

struct hwi_pool {
    const struct hwi_alloc *alloc;
    struct hwi_pool_buffer *kept; // newest first
    uint64_t bytes;               // capacity of those kept
    uint32_t count;
};

// `alloc` is borrowed until fini.
void hwi_pool_init(struct hwi_pool *pool, const struct hwi_alloc *alloc);
void hwi_pool_fini(struct hwi_pool *pool); // what was taken must have been given back

// Returns owned memory, not initialised, aligned as malloc's; NULL if memory is short. bytes > 0.
void *hwi_pool_take(struct hwi_pool *pool, uint64_t bytes);
// Takes `memory` (NULL allowed).
void hwi_pool_give(struct hwi_pool *pool, void *memory);

#endif
