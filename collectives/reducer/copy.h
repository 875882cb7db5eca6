// SPDX-License-Identifier: MIT
// Copies the parts of a member's own input that are in its result unchanged.
#ifndef HAWSER_COLLECTIVES_REDUCER_COPY_H
#define HAWSER_COLLECTIVES_REDUCER_COPY_H

#include "collectives/reducer/collective.h"

// Nothing until it is laid out.
struct hwi_run hwi_collective_copied(const struct hwi_collective *collective);
// Copies the next chunks and asks to be woken for the rest.
void hwi_collective_copy(struct hwi_collective *collective, uint64_t now_ns,
                         struct hwi_effects *effects);

#endif
