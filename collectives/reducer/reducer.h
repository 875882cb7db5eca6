// SPDX-License-Identifier: MIT
// The reducer actor's state. One per communicator. It runs collectives. Their plans
// (collectives/plans/plan.h) say which data goes where and how it is combined; the reducer commands
// the data port at the right moment and ensures that no member sends more than there is room for.
#ifndef HAWSER_COLLECTIVES_REDUCER_REDUCER_H
#define HAWSER_COLLECTIVES_REDUCER_REDUCER_H

#include "actors/loop/step.h"
#include "collectives/reducer/early.h"

struct hwi_collective;
struct hwi_image;

struct hwi_reducer {
    const struct hwi_alloc *alloc;
    uint64_t now_ns;
    uint64_t view;         // in force; 0 = none
    uint64_t *members;     // [world] peer ids by rank, ascending; owned
    uint32_t *ahead_bytes; // [world] sent to a member before its call, in this view; owned
    uint32_t world;
    uint32_t self; // own rank
    uint32_t collective_count;
    struct hwi_collective *collectives[HWI_OPS_MAX]; // owned, in the order they started
    struct hwi_early early;
};

// The rank of another member, in *rank; false for strangers and for ourselves.
bool hwi_reducer_rank(const struct hwi_reducer *reducer, uint64_t peer, uint32_t *rank);
// The i-th other member, counted from the own rank up and round, so that members do not all begin
// with the same one.
uint32_t hwi_reducer_other(const struct hwi_reducer *reducer, uint32_t i);

// state.c: its fields.
void hwi_reducer_image(struct hwi_image *image, void *state);

// ---- addressees ---------------------------------------------------------------------------------

static inline struct hwi_addr hwi_to_peer(void)
{
    return hwi_addr_of(HWI_ROLE_PEER, 0);
}

static inline struct hwi_addr hwi_to_data(void)
{
    return hwi_addr_of(HWI_ROLE_DATA, 0);
}

static inline struct hwi_addr hwi_to_clock(void)
{
    return hwi_addr_of(HWI_ROLE_CLOCK, 0);
}

static inline struct hwi_addr hwi_to_reducer(uint64_t peer)
{
    return hwi_addr_of(HWI_ROLE_REDUCER, peer);
}

#endif
