// SPDX-License-Identifier: MIT
// Where an operation's chunks lie in its whole.
#ifndef HAWSER_TRANSPORT_DATA_GRID_H
#define HAWSER_TRANSPORT_DATA_GRID_H

#include "actors/base/base.h"
#include "actors/wire/msg.h"

// How an operation's whole is cut: in regions that follow one another, each in chunks.
struct hwi_grid {
    uint64_t bytes;
    uint32_t chunk_bytes;
    uint32_t chunks;
    uint32_t regions;          // 0 = one, and `region` is NULL
    struct hwi_region *region; // [regions + 1], the last one is the end
};

struct hwi_region {
    uint64_t begin; // byte
    uint32_t first; // chunk
};

// `grid` has its bytes and chunk_bytes; takes the regions' sizes (borrowed until return).
void hwi_grid_init(struct hwi_grid *grid, const struct hwi_alloc *alloc,
                   const struct hwi_amount *regions, uint32_t count);
void hwi_grid_fini(struct hwi_grid *grid, const struct hwi_alloc *alloc);
uint64_t hwi_grid_offset(const struct hwi_grid *grid, uint32_t chunk); // in the whole, bytes
uint32_t hwi_grid_size(const struct hwi_grid *grid, uint32_t chunk);   // of the chunk, bytes
// The chunk that begins at `offset` and has `bytes`; false if there is none.
bool hwi_grid_find(const struct hwi_grid *grid, uint64_t offset, uint32_t bytes, uint32_t *chunk);
// The chunk that holds `offset`, which is inside.
uint32_t hwi_grid_at(const struct hwi_grid *grid, uint64_t offset);

#endif
