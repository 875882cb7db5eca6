// SPDX-License-Identifier: MIT
// The members of the view, by rank.
#include "collectives/reducer/reducer.h"

#include "actors/base/rows.h"

bool hwi_reducer_rank(const struct hwi_reducer *reducer, uint64_t peer, uint32_t *rank)
{
    uint32_t at =
        hwi_rows_place_key(reducer->members, reducer->world, sizeof *reducer->members, 0, peer);
    if (at == reducer->world || reducer->members[at] != peer || at == reducer->self) {
        return false;
    }
    *rank = at;
    return true;
}

uint32_t hwi_reducer_other(const struct hwi_reducer *reducer, uint32_t i)
{
    return (reducer->self + 1 + i) % reducer->world;
}
