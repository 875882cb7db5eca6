// SPDX-License-Identifier: MIT
// What of the own input is in the result as it is.
#ifndef HAWSER_COLLECTIVES_REDUCER_COPY_H
#define HAWSER_COLLECTIVES_REDUCER_COPY_H

#include "collectives/reducer/collective.h"

// Nothing until it is laid out.
struct hwi_run hwi_collective_copied(const struct hwi_collective *collective);
// Copies the next chunks and asks to be woken for the rest.
void hwi_collective_copy(struct hwi_collective *collective, uint64_t now_ns,
                         struct hwi_effects *effects);

#endif
