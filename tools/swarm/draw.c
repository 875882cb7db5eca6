// SPDX-License-Identifier: MIT
#include "tools/swarm/draw.h"

#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)

static uint64_t finish(uint64_t z)
{
    struct swarm_draw draw = {z - GOLDEN};
    return swarm_next(&draw);
}

uint64_t swarm_mix(uint64_t a, uint64_t b)
{
    return finish(finish(a + GOLDEN) ^ (b * GOLDEN));
}

struct swarm_draw swarm_stream(uint64_t seed, uint64_t what, uint64_t which)
{
    return (struct swarm_draw){swarm_mix(swarm_mix(seed, what), which)};
}

uint64_t swarm_below(struct swarm_draw *draw, uint64_t below)
{
    return swarm_next(draw) % below;
}

uint64_t swarm_between(struct swarm_draw *draw, uint64_t least, uint64_t most)
{
    return least + swarm_below(draw, most - least + 1);
}

bool swarm_chance(struct swarm_draw *draw, uint32_t in_thousand)
{
    return swarm_below(draw, 1000) < in_thousand;
}
