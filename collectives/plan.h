// SPDX-License-Identifier: MIT
// How a tensor is cut and who owns which chunks. Pure arithmetic; all members compute the same.
#ifndef HAWSER_COLLECTIVES_PLAN_H
#define HAWSER_COLLECTIVES_PLAN_H

#include "actors/wire/msg.h"

struct hwi_plan_shape {
    uint8_t plan;         // enum hwi_plan, never AUTO
    uint32_t chunk_bytes; // the grid: a multiple of the element size and of 64, or the whole tensor
    uint32_t chunks;      // ceil(bytes / chunk_bytes)
    uint32_t world;       // members
};

// `plan` is enum hwi_plan (AUTO chooses by size); bytes > 0; world >= 1. A direct plan cuts so that
// each member owns about the same bytes: chunk k belongs to rank k * world / chunks (rounded down)
// when chunks >= world, to rank k otherwise (later ranks own nothing). One-shot has one chunk, so
// what is larger than HWI_CHUNK_BYTES_MAX is direct, whatever was asked for; alone (world 1), all
// that fits one chunk is one-shot.
struct hwi_plan_shape hwi_plan_make(uint8_t plan, uint64_t bytes, uint32_t element_bytes,
                                    uint32_t world);
// First chunk of `rank`'s share; the share ends where that of rank + 1 begins (may be empty).
// rank = world gives `chunks`.
uint32_t hwi_plan_share(const struct hwi_plan_shape *shape, uint32_t rank);

#endif
