// SPDX-License-Identifier: MIT
// How a tensor is cut and who owns which chunks. Pure arithmetic; all members compute the same.
#ifndef HAWSER_COLLECTIVES_PLAN_H
#define HAWSER_COLLECTIVES_PLAN_H

#include "actors/wire/msg.h"

struct hwi_plan_shape {
    uint8_t plan;         // enum hwi_plan, never AUTO
    uint32_t chunk_bytes; // the grid: a multiple of the element size and of 64, or a whole region
    uint32_t chunks;
    uint32_t world; // members
};

// One region: all-reduce and broadcast. `plan` is enum hwi_plan (AUTO chooses by size); bytes > 0;
// `owners` >= 1 share the chunks. A direct plan cuts so that each of them owns about the same
// bytes: chunk k belongs to the k * owners / chunks-th (rounded down) when chunks >= owners, to the
// k-th otherwise (later ones own nothing). One-shot has one chunk, so what is larger than
// HWI_CHUNK_BYTES_MAX is direct, whatever was asked for; in a `world` of 1 all that fits one chunk
// is one-shot.
struct hwi_plan_shape hwi_plan_make(uint8_t plan, uint64_t bytes, uint32_t element_bytes,
                                    uint32_t world, uint32_t owners);
// First chunk of the share of owner `index`; the share ends where that of index + 1 begins (may be
// empty). index = owners gives `chunks`.
uint32_t hwi_plan_share(const struct hwi_plan_shape *shape, uint32_t owners, uint32_t index);

// A region for each rank: reduce-scatter and all-gather. begin[0..world], in bytes, are given, not
// all the same; fills first[0..world], the regions' first chunks. One-shot cuts no region that fits
// one chunk.
struct hwi_plan_shape hwi_plan_cut(uint8_t plan, const uint64_t *begin, uint32_t *first,
                                   uint32_t world);
// The first element of `rank`'s part of `count`, cut as evenly as it goes; rank = world gives
// count.
uint64_t hwi_plan_part(uint64_t count, uint32_t world, uint32_t rank);

#endif
