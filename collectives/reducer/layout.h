// SPDX-License-Identifier: MIT
// A collective's sizes: how it is cut, what it needs, what may come at first.
#ifndef HAWSER_COLLECTIVES_REDUCER_LAYOUT_H
#define HAWSER_COLLECTIVES_REDUCER_LAYOUT_H

#include "collectives/reducer/collective.h"

// Lays it out and tells the data port, once the sizes are known: at its call, or, where members
// give unequal counts, when all have called. `final`: all have. A failure is then told the peer.
void hwi_layout_make(const struct hwi_reducer *reducer, struct hwi_collective *collective,
                     bool final, struct hwi_effects *effects);
// How much of a phase's run may come by now: nothing until it is laid out.
uint32_t hwi_layout_granted(const struct hwi_collective *collective, uint32_t phase);
// The most chunks of a run that a member grants at first, for such a phase.
uint32_t hwi_layout_window(const struct hwi_collective *collective,
                           const struct hwi_plan_phase *phase, uint32_t chunks);
// The bytes of the run's first chunks.
uint64_t hwi_layout_bytes(const struct hwi_collective *collective, struct hwi_run run,
                          uint32_t chunks);

#endif
