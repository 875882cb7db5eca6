// SPDX-License-Identifier: MIT
#include "tests/support/storm.h"

#include <stdlib.h>

uint64_t storm_draw(struct storm *storm, uint64_t below)
{
    storm->random += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = storm->random;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % below;
}

struct hwi_sim_config storm_config(struct storm *storm)
{
    struct hwi_sim_config config = scenario_config;
    config.control_ns = (1 + storm_draw(storm, 40)) * HWI_NS_PER_MS;
    config.edge_ns = (1 + storm_draw(storm, 40)) * HWI_NS_PER_MS;
    config.edge_bytes_per_s = 1000000 + storm_draw(storm, 20000000);
    config.stripes = 1 + (uint32_t)storm_draw(storm, 4);
    config.durable = (uint8_t)storm_draw(storm, 2);
    return config;
}

static uint32_t alive(const struct scenario *s)
{
    uint32_t count = 0;
    for (uint32_t node = 0; node < s->nodes; node++) {
        count += hwi_sim_alive(s->sim, node) && !s->out[node];
    }
    return count;
}

static void take_away(struct storm *storm, uint32_t node)
{
    struct scenario *s = storm->scenario;
    if (alive(s) < 2) {
        return;
    }
    if (storm_draw(storm, 3) == 0 && !s->frozen[node]) {
        hwi_sim_leave(s->sim, node);
    } else {
        hwi_sim_kill(s->sim, node);
    }
}

void storm_strike(struct storm *storm)
{
    struct scenario *s = storm->scenario;
    uint32_t node = (uint32_t)storm_draw(storm, s->nodes);
    uint32_t other = (uint32_t)storm_draw(storm, s->nodes);
    switch (storm_draw(storm, 8)) {
    case 0:
        take_away(storm, node);
        break;
    case 1:
        freeze(s, node);
        break;
    case 2:
    case 3:
        thaw(s, node);
        break;
    case 4:
        if (node != other) {
            hwi_sim_cut_edge(s->sim, node, other, storm_draw(storm, 4) == 0);
        }
        break;
    case 5:
        hwi_sim_control(s->sim, node, false);
        break;
    default:
        hwi_sim_control(s->sim, node, true);
        break;
    }
}

void storm_heal(struct storm *storm)
{
    struct scenario *s = storm->scenario;
    for (uint32_t node = 0; node < s->nodes; node++) {
        thaw(s, node);
        hwi_sim_control(s->sim, node, true);
        for (uint32_t other = 0; other < node; other++) {
            hwi_sim_cut_edge(s->sim, node, other, false);
        }
    }
}

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

void storm_seeds(uint64_t seeds, void (*weather)(uint64_t seed))
{
    uint64_t first = number_from("SEED", 1);
    uint64_t count = number_from("SEEDS", getenv("SEED") != NULL ? 1 : seeds);
    for (uint64_t seed = first; seed < first + count; seed++) {
        weather(seed);
    }
}
