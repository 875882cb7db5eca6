// SPDX-License-Identifier: MIT
// Of two processes, the one that came first dials: members dial a newcomer.
#ifndef HAWSER_ACTORS_BASE_DIALS_H
#define HAWSER_ACTORS_BASE_DIALS_H

#include <stdbool.h>
#include <stdint.h>

// The stripes between the two are connections that `self` opens.
static inline bool hwi_dials(uint64_t self, uint64_t other)
{
    return self < other;
}

#endif
