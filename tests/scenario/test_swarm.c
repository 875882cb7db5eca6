// SPDX-License-Identifier: MIT
// Trainers under random faults: each seed draws how many members there are, how slow their links, and what
// happens to them. First everything may happen, then everything is healed, and those who are left must get on.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/trainer.h"

enum { SEEDS = 40, ROUNDS = 12, PROCESSES_MAX = 12, STEPS_AFTER = 5 };

struct storm {
    struct school school;
    uint64_t random;
    uint32_t min_members;
    bool unplugged[HWI_SIM_NODES_MAX];
};

static uint64_t draw(struct storm *storm, uint64_t below)
{
    storm->random += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = storm->random;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % below;
}

static void set_control(struct storm *storm, uint32_t node, bool up)
{
    storm->unplugged[node] = !up;
    hwi_sim_control(storm->school.scenario->sim, node, up);
}

static void enrol(struct storm *storm)
{
    struct scenario *s = storm->school.scenario;
    if (s->nodes < PROCESSES_MAX) {
        uint32_t node = school_enrol(&storm->school);
        if (draw(storm, 5) == 0) {
            hwi_sim_unreachable(s->sim, node);
        }
    }
}

// With fewer left than the run needs to begin again, as many come as it needs.
static void enrol_again(struct storm *storm)
{
    bool few = school_alive(&storm->school) < storm->min_members;
    for (uint32_t i = 0; few && i < storm->min_members; i++) {
        school_enrol(&storm->school);
    }
}

static void strike(struct storm *storm)
{
    struct scenario *s = storm->school.scenario;
    uint32_t node = (uint32_t)draw(storm, s->nodes), other = (uint32_t)draw(storm, s->nodes);
    switch (draw(storm, 10)) {
    case 0:
        if (school_alive(&storm->school) > 1) {
            hwi_sim_kill(s->sim, node);
        }
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
            hwi_sim_cut_edge(s->sim, node, other, draw(storm, 4) == 0);
        }
        break;
    case 5:
        set_control(storm, node, false);
        break;
    case 6:
    case 7:
        set_control(storm, node, true);
        break;
    case 8:
        if (school_alive(&storm->school) > 2 && draw(storm, 3) == 0) {
            hwi_sim_leave(s->sim, node);
        }
        break;
    default:
        enrol(storm);
        break;
    }
}

static void heal(struct storm *storm)
{
    struct scenario *s = storm->school.scenario;
    for (uint32_t node = 0; node < s->nodes; node++) {
        thaw(s, node);
        set_control(storm, node, true);
        for (uint32_t other = 0; other < node; other++) {
            hwi_sim_cut_edge(s->sim, node, other, false);
        }
    }
}

// What the trainers must do in bounded time once nothing disturbs them.
static void expect_progress(struct storm *storm)
{
    struct school *school = &storm->school;
    school_run(school, 40000);
    enrol_again(storm);
    school_run(school, 10000);
    for (uint32_t node = 0; node < school->scenario->nodes; node++) {
        school->trainers[node].reduced = 0;
    }
    school_run(school, 5000);
    expect(school_least_reduced(school) >= STEPS_AFTER, "a trainer reduced only %u steps",
           school_least_reduced(school));
}

static void weather(uint64_t seed)
{
    struct storm storm = {.random = seed};
    struct hwi_sim_config config = scenario_config;
    config.control_ns = (1 + draw(&storm, 40)) * HWI_NS_PER_MS;
    config.edge_ns = (1 + draw(&storm, 40)) * HWI_NS_PER_MS;
    config.edge_bytes_per_s = 1000000 + draw(&storm, 20000000);
    config.stripes = 1 + (uint32_t)draw(&storm, 4);
    storm.min_members = 1 + (uint32_t)draw(&storm, 4);
    struct scenario *s = scenario_start_with(&config, storm.min_members);
    snprintf(s->title, sizeof(s->title), "seed %llu", (unsigned long long)seed);
    storm.school = (struct school){
        .scenario = s,
        .state_bytes = 1 + draw(&storm, draw(&storm, 4) == 0 ? 2 * HWI_BLOCK_BYTES : 50000),
        .count = 1 + draw(&storm, draw(&storm, 2) == 0 ? 60000 : 1000),
        .pace_ms = 100 + draw(&storm, 300),
    };
    school_open(&storm.school);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        school_run(&storm.school, 1 + draw(&storm, draw(&storm, 3) == 0 ? 8000 : 300));
        strike(&storm);
    }
    heal(&storm);
    expect_progress(&storm);
    scenario_end(s);
}

static void whatever_happens_who_is_left_gets_on(void **unused)
{
    (void)unused;
    const char *chosen = getenv("SEED");
    uint64_t first = chosen != NULL ? strtoull(chosen, NULL, 10) : 1;
    const char *many = getenv("SEEDS");
    uint64_t last = many != NULL ? first + strtoull(many, NULL, 10) - 1
                    : chosen != NULL ? first : SEEDS;
    for (uint64_t seed = first; seed <= last; seed++) {
        weather(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_happens_who_is_left_gets_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
