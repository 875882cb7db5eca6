// SPDX-License-Identifier: MIT
// Alone in its file: a program that has another plan than the library's links its own.
#include "tools/swarm/crew.h"

uint32_t swarm_order(const struct trainer_call *asked, uint64_t index, uint32_t *order, uint32_t n)
{
    (void)asked;
    (void)index;
    for (uint32_t rank = 0; rank < n; rank++) {
        order[rank] = rank;
    }
    return 0;
}
