// SPDX-License-Identifier: MIT
// Trainers under random faults: each seed draws how many members there are, how slow their links,
// and what happens to them. First everything may happen, then everything is healed, and those who
// are left must get on. SEED=n [SEEDS=k] in the environment runs other seeds.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/support/storm.h"
#include "tests/support/trainer.h"

enum { SEEDS = 8, ROUNDS = 12, PROCESSES_MAX = 12, STEPS_AFTER = 5, RESTARTS_MAX = 4 };

static struct scenario *start(struct storm *storm, uint64_t seed, uint32_t *members)
{
    *storm = (struct storm){.random = seed};
    struct hwi_sim_config config = storm_config(storm);
    *members = 1 + (uint32_t)storm_draw(storm, 4);
    struct scenario *s = scenario_start_with(&config, *members);
    snprintf(s->title, sizeof(s->title), "seed %llu", (unsigned long long)seed);
    storm->scenario = s;
    return s;
}

// Now and then trainers are in a hurry: deadlines pass where nothing is broken.
static uint64_t timeout_ms(struct storm *storm)
{
    return storm_draw(storm, 4) == 0 ? 50 + storm_draw(storm, 1000) : 0;
}

static uint64_t pause_ms(struct storm *storm)
{
    return 1 + storm_draw(storm, storm_draw(storm, 3) == 0 ? 8000 : 300);
}

// ---- who syncs after every change, and admits newcomers

static void enrol(struct storm *storm, struct school *school)
{
    if (school->scenario->nodes < PROCESSES_MAX && storm_draw(storm, 6) == 0) {
        uint32_t node = school_enrol(school);
        if (storm_draw(storm, 5) == 0) {
            hwi_sim_unreachable(school->scenario->sim, node);
        }
    }
}

// What the trainers must do in bounded time once nothing disturbs them. With fewer left than the
// run needs to begin again, as many come as it needs.
static void expect_training(struct school *school, uint32_t members)
{
    school_run(school, 40000);
    for (uint32_t i = 0; i < RESTARTS_MAX && school_alive(school) < members; i++) {
        for (uint32_t j = 0; j < members; j++) {
            school_enrol(school);
        }
        school_run(school, 10000);
    }
    for (uint32_t node = 0; node < school->scenario->nodes; node++) {
        school->trainers[node].reduced = 0;
    }
    school_run(school, 5000);
    expect(school_least_reduced(school) >= STEPS_AFTER, "a trainer reduced only %u steps",
           school_least_reduced(school));
}

static void train_in_a_storm(uint64_t seed)
{
    struct storm storm;
    uint32_t members;
    struct scenario *s = start(&storm, seed, &members);
    struct school school = {
        .scenario = s,
        .state_bytes = 1 + storm_draw(&storm, storm_draw(&storm, 4) == 0 ? 2 * HWI_BLOCK_BYTES
                                                                         : 50000),
        .count = 1 + storm_draw(&storm, storm_draw(&storm, 2) == 0 ? 60000 : 1000),
        .pace_ms = 100 + storm_draw(&storm, 300),
    };
    school_open(&school);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        school.timeout_ms = timeout_ms(&storm);
        school_run(&school, pause_ms(&storm));
        storm_strike(&storm);
        enrol(&storm, &school);
    }
    storm_heal(&storm);
    school.timeout_ms = 0;
    expect_training(&school, members);
    scenario_end(s);
}

static void trainers_that_are_left_get_on(void **unused)
{
    (void)unused;
    storm_seeds(SEEDS, train_in_a_storm);
}

// ---- who leaves it all to `retry`, with several operations in flight

enum { TAGS = 3 };

struct retrier {
    uint64_t requests[TAGS];
    uint32_t steps[TAGS];
    bool failed[TAGS];   // ended with an error, to be made again
    bool viewing, over;
    uint64_t view;
};

struct crew {
    struct scenario *scenario;
    struct retrier retriers[SCENARIO_NODES_MAX];
    uint64_t count;
    uint64_t pace_ms, timeout_ms;
};

static void call_next(struct crew *crew, uint32_t node, uint32_t tag)
{
    struct retrier *retrier = &crew->retriers[node];
    retrier->failed[tag] = false;
    retrier->requests[tag] =
        make_call(crew->scenario, node,
                  &(struct call){.step = 100000 * tag + retrier->steps[tag], .tag = tag, .retry = 1,
                                 .in_place = tag == 1, .count = crew->count / (tag + 1) + 1,
                                 .timeout_ms = crew->timeout_ms});
}

// An operation was answered.
static void hear(struct crew *crew, uint32_t node, uint32_t tag, hws_status status)
{
    struct retrier *retrier = &crew->retriers[node];
    if (status == HWS_OK) {
        retrier->steps[tag]++;
        call_next(crew, node, tag);
    } else if (hws_status_class(status) == HWS_CLASS_VIEW) {
        retrier->failed[tag] = true;
    } else {
        expect(hws_status_class(status) == HWS_CLASS_RUN, "member %u: a retrier got %s", node,
               hws_status_name(status));
        crew->scenario->out[node] = true;
        retrier->over = true;
        hwi_sim_leave(crew->scenario->sim, node);
    }
}

static void look_at_calls(struct crew *crew, uint32_t node)
{
    struct retrier *retrier = &crew->retriers[node];
    uint32_t failed = 0;
    for (uint32_t tag = 0; tag < TAGS && !retrier->over; tag++) {
        const struct hwi_msg_reply *reply =
            hwi_sim_reply(crew->scenario->sim, node, retrier->requests[tag]);
        if (reply != NULL && !retrier->failed[tag]) {
            hear(crew, node, tag, (hws_status)reply->status);
        }
        failed += retrier->failed[tag];
    }
    if (failed > 0 && !retrier->over) {
        retrier->viewing = true;
        retrier->view = hwi_sim_view(crew->scenario->sim, node);
    }
}

static void look_at_view(struct crew *crew, uint32_t node)
{
    struct retrier *retrier = &crew->retriers[node];
    const struct hwi_msg_reply *reply = hwi_sim_reply(crew->scenario->sim, node, retrier->view);
    if (reply == NULL) {
        return;
    }
    retrier->viewing = false;
    if (reply->status == HWS_E_BUSY) {
        return; // others that failed by the same change were not collected yet
    }
    retrier->over = reply->status != HWS_OK;
    for (uint32_t tag = 0; tag < TAGS && !retrier->over; tag++) {
        if (retrier->failed[tag]) {
            call_next(crew, node, tag);
        }
    }
}

static void crew_run(struct crew *crew, uint64_t ms)
{
    for (uint64_t at = 0; at < ms; at += crew->pace_ms) {
        run_ms(crew->scenario, crew->pace_ms);
        for (uint32_t node = 0; node < crew->scenario->nodes; node++) {
            struct retrier *retrier = &crew->retriers[node];
            retrier->over |= !hwi_sim_alive(crew->scenario->sim, node);
            if (retrier->over || crew->scenario->frozen[node]) {
                continue;
            }
            if (retrier->viewing) {
                look_at_view(crew, node);
            } else {
                look_at_calls(crew, node);
            }
        }
    }
}

static uint32_t least_steps(const struct crew *crew)
{
    uint32_t least = UINT32_MAX;
    for (uint32_t node = 0; node < crew->scenario->nodes; node++) {
        for (uint32_t tag = 0; tag < TAGS && !crew->retriers[node].over; tag++) {
            least = HWI_MIN(least, crew->retriers[node].steps[tag]);
        }
    }
    return least;
}

static void retry_in_a_storm(uint64_t seed)
{
    struct storm storm;
    uint32_t members;
    struct scenario *s = start(&storm, seed, &members);
    struct crew crew = {.scenario = s, .count = 1 + storm_draw(&storm, 40000),
                        .pace_ms = 200 + storm_draw(&storm, 300)};
    for (uint32_t node = 0; node < members; node++) {
        for (uint32_t tag = 0; tag < TAGS; tag++) {
            call_next(&crew, node, tag);
        }
    }
    for (uint32_t round = 0; round < ROUNDS; round++) {
        crew.timeout_ms = timeout_ms(&storm);
        crew_run(&crew, pause_ms(&storm));
        storm_strike(&storm);
    }
    storm_heal(&storm);
    crew.timeout_ms = 0;
    crew_run(&crew, 40000);
    uint32_t before = least_steps(&crew);
    crew_run(&crew, 10000);
    uint32_t after = least_steps(&crew);
    expect(after == UINT32_MAX || after >= before + STEPS_AFTER, "a retrier took only %u steps",
           after - before);
    scenario_end(s);
}

static void retriers_that_are_left_get_on(void **unused)
{
    (void)unused;
    storm_seeds(SEEDS, retry_in_a_storm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trainers_that_are_left_get_on),
        cmocka_unit_test(retriers_that_are_left_get_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
