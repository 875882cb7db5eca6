// SPDX-License-Identifier: MIT
// Where an operation's chunks lie in its whole. Chunks are counted through all regions; each region
// begins its own grid.
#include "transport/data/grid.h"

#include "actors/base/rows.h"

static uint64_t divide_up(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

static void check_regions(const struct hwi_grid *grid, const struct hwi_amount *regions,
                          uint32_t count)
{
    uint64_t left = grid->bytes;

    for (uint32_t i = 0; i < count; i++) {
        HWI_CHECK(regions[i].value <= left);
        left -= regions[i].value;
    }
    HWI_CHECK(left == 0);
}

void hwi_grid_init(struct hwi_grid *grid, const struct hwi_alloc *alloc,
                   const struct hwi_amount *regions, uint32_t count)
{
    struct hwi_region at = {0};

    HWI_CHECK(grid->chunk_bytes > 0);
    HWI_CHECK(grid->bytes / grid->chunk_bytes + count < UINT32_MAX / 2);
    if (count == 0) {
        grid->chunks = (uint32_t)divide_up(grid->bytes, grid->chunk_bytes);
        return;
    }
    check_regions(grid, regions, count);
    grid->regions = count;
    grid->region = hwi_new(alloc, (count + (size_t)1) * sizeof *grid->region);
    for (uint32_t i = 0; i < count; i++) {
        grid->region[i] = at;
        at.begin += regions[i].value;
        at.first += (uint32_t)divide_up(regions[i].value, grid->chunk_bytes);
    }
    grid->region[count] = at;
    grid->chunks = at.first;
}

void hwi_grid_fini(struct hwi_grid *grid, const struct hwi_alloc *alloc)
{
    hwi_free(alloc, grid->region);
}

struct point {
    uint64_t byte;
    uint32_t chunk;
};

// Never the same: a region that begins by the byte, and by the chunk, comes before.
static int compare_begin(const void *item, const void *wanted)
{
    const struct hwi_region *region = item;
    const struct point *point = wanted;
    return region->begin > point->byte || region->first > point->chunk ? 1 : -1;
}

// The last region that does not begin behind the chunk, or behind the byte: never an empty one.
static const struct hwi_region *region_of(const struct hwi_grid *grid, uint64_t byte,
                                          uint32_t chunk)
{
    struct point point = {.byte = byte, .chunk = chunk};
    uint32_t behind =
        hwi_rows_place(grid->region, grid->regions, sizeof *grid->region, compare_begin, &point);
    return &grid->region[behind - 1]; // the first one begins at 0
}

uint64_t hwi_grid_offset(const struct hwi_grid *grid, uint32_t chunk)
{
    HWI_CHECK(chunk < grid->chunks);
    if (grid->regions == 0) {
        return (uint64_t)chunk * grid->chunk_bytes;
    }
    const struct hwi_region *region = region_of(grid, UINT64_MAX, chunk);
    return region->begin + (uint64_t)(chunk - region->first) * grid->chunk_bytes;
}

uint32_t hwi_grid_size(const struct hwi_grid *grid, uint32_t chunk)
{
    uint64_t offset = hwi_grid_offset(grid, chunk), end = grid->bytes;

    if (grid->regions > 0) {
        end = region_of(grid, UINT64_MAX, chunk)[1].begin;
    }
    return (uint32_t)HWI_MIN(grid->chunk_bytes, end - offset);
}

uint32_t hwi_grid_at(const struct hwi_grid *grid, uint64_t offset)
{
    if (grid->regions == 0) {
        return (uint32_t)(offset / grid->chunk_bytes);
    }
    const struct hwi_region *region = region_of(grid, offset, UINT32_MAX);
    return region->first + (uint32_t)((offset - region->begin) / grid->chunk_bytes);
}

bool hwi_grid_find(const struct hwi_grid *grid, uint64_t offset, uint32_t bytes, uint32_t *chunk)
{
    if (offset >= grid->bytes) {
        return false;
    }
    *chunk = hwi_grid_at(grid, offset);
    return hwi_grid_offset(grid, *chunk) == offset && hwi_grid_size(grid, *chunk) == bytes;
}
