// SPDX-License-Identifier: MIT
// The chunks that other members may send, and their arrival.
#ifndef HAWSER_COLLECTIVES_REDUCER_GRANT_H
#define HAWSER_COLLECTIVES_REDUCER_GRANT_H

#include "collectives/reducer/collective.h"

// The first grant of phase 1 is in the call. A member gets that of later phases when its call has
// come, because before that it may not know the operation.
void hwi_grant_caller(const struct hwi_reducer *reducer, const struct hwi_collective *collective,
                      uint32_t rank, struct hwi_effects *effects);
// Calls went out, and came, before it was laid out: tells all first grants now.
void hwi_grant_late(const struct hwi_reducer *reducer, const struct hwi_collective *collective,
                    struct hwi_effects *effects);
// Grants again what the stage's complete chunks have freed.
void hwi_grant_more(const struct hwi_reducer *reducer, struct hwi_collective *collective,
                    uint32_t stage, struct hwi_effects *effects);

#endif
