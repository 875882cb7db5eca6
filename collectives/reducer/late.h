// SPDX-License-Identifier: MIT
// Collectives whose sizes are known only when all members have called.
#ifndef HAWSER_COLLECTIVES_REDUCER_LATE_H
#define HAWSER_COLLECTIVES_REDUCER_LATE_H

#include "collectives/reducer/collective.h"

// If every member has called by now, begins what could not be laid out before.
void hwi_late_begin(struct hwi_reducer *reducer, struct hwi_collective *collective,
                    struct hwi_effects *effects);

#endif
