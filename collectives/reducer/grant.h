// SPDX-License-Identifier: MIT
// What other members may send, and what became of it.
#ifndef HAWSER_COLLECTIVES_REDUCER_GRANT_H
#define HAWSER_COLLECTIVES_REDUCER_GRANT_H

#include "collectives/reducer/collective.h"

// Tells all that send in a phase how much of their run may come.
void hwi_grant_tell(const struct hwi_reducer *reducer, const struct hwi_collective *collective,
                    uint32_t phase, uint32_t granted, struct hwi_effects *effects);
// Tells the first grants of phases behind the first one, whose own is in the call; `late`: calls
// went out before it was laid out, and it is told now.
void hwi_grant_first(const struct hwi_reducer *reducer, const struct hwi_collective *collective,
                     bool late, struct hwi_effects *effects);
// Grants again what the stage's complete chunks have freed.
void hwi_grant_more(const struct hwi_reducer *reducer, struct hwi_collective *collective,
                    uint32_t stage, struct hwi_effects *effects);

#endif
