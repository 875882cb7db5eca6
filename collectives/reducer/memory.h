// SPDX-License-Identifier: MIT
// What the data port is told of a collective that is laid out: its memory, and what comes where.
#ifndef HAWSER_COLLECTIVES_REDUCER_MEMORY_H
#define HAWSER_COLLECTIVES_REDUCER_MEMORY_H

#include "collectives/reducer/collective.h"

void hwi_memory_tell(const struct hwi_reducer *reducer, const struct hwi_collective *collective,
                     struct hwi_effects *effects);

#endif
