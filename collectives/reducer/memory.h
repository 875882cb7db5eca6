// SPDX-License-Identifier: MIT
// Describes a collective to the data port once it is laid out: its memory, and where incoming
// chunks go.
#ifndef HAWSER_COLLECTIVES_REDUCER_MEMORY_H
#define HAWSER_COLLECTIVES_REDUCER_MEMORY_H

#include "collectives/reducer/collective.h"

void hwi_memory_tell(const struct hwi_reducer *reducer, const struct hwi_collective *collective,
                     struct hwi_effects *effects);

#endif
