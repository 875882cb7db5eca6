// SPDX-License-Identifier: MIT
// Random numbers from seeds: integers only, the same on every machine.
#ifndef HAWSER_TOOLS_SWARM_DRAW_H
#define HAWSER_TOOLS_SWARM_DRAW_H

#include <stdbool.h>
#include <stdint.h>

struct swarm_draw {
    uint64_t state;
};

// The next number (splitmix64).
static inline uint64_t swarm_next(struct swarm_draw *draw)
{
    draw->state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = draw->state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

// As if `count` numbers had been taken.
static inline void swarm_pass(struct swarm_draw *draw, uint64_t count)
{
    draw->state += UINT64_C(0x9e3779b97f4a7c15) * count;
}

// One number for two: streams and values that depend on both and on nothing else.
uint64_t swarm_mix(uint64_t a, uint64_t b);
// A separate stream for each (seed, what, which): draws from one stream never shift another.
struct swarm_draw swarm_stream(uint64_t seed, uint64_t what, uint64_t which);
uint64_t swarm_below(struct swarm_draw *draw, uint64_t below);                  // below > 0
uint64_t swarm_between(struct swarm_draw *draw, uint64_t least, uint64_t most); // both included
bool swarm_chance(struct swarm_draw *draw, uint32_t in_thousand);

#endif
