// SPDX-License-Identifier: MIT
// Carries the bytes of the simulator's stripes through socket pairs of this process. The kernel
// holds what fits, in pieces of any size; the rest waits before it.
#ifndef HAWSER_TESTS_SUPPORT_PAIR_WIRE_H
#define HAWSER_TESTS_SUPPORT_PAIR_WIRE_H

#include "transport/sim/sim.h"

extern const struct hwi_sim_wire_ops pair_wire_ops;

// Since the process began.
struct pair_wire_counts {
    uint64_t wires;
    uint64_t bytes; // taken out of the kernel
};
extern struct pair_wire_counts pair_wire_counts;

#endif
