// SPDX-License-Identifier: MIT
// A scenario's life: start, members, states, end.
#include "tests/support/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_BYTES = 1 << 30, TENSOR_SEED_STEP = 2654435761u };

const struct hwi_sim_config scenario_config = {
    .first_members = 1,
    .dead_ms = 5000,
    .heartbeat_ms = 500,
    .propose_ms = 5000,
    .control_ns = 5 * HWI_NS_PER_MS,
    .edge_ns = 1 * HWI_NS_PER_MS,
    .stripes = 2,
};

static const char *transcript(void *user)
{
    struct scenario *scenario = user;
    const char *failure = hwi_sim_check_failure(scenario->sim);
    fprintf(stderr, "%s\n%s\n", scenario->title, failure != NULL ? failure : "");
    return hwi_sim_transcript(scenario->sim);
}

struct scenario *scenario_start_with(const struct hwi_sim_config *config, uint32_t members)
{
    struct hwi_sim_config with = *config;
    struct scenario *scenario = calloc(1, sizeof *scenario);
    expect(scenario != NULL, "out of memory");
    with.first_members = members > 0 ? members : config->first_members;
    scenario->sim = hwi_sim_create(&with);
    expect_context(transcript, scenario);
    arena_init(&scenario->arena, ARENA_BYTES);
    for (uint32_t i = 0; i < members; i++) {
        start_member(scenario);
    }
    for (uint32_t i = 0; i < members; i++) {
        expect_open(scenario, i, HWS_OK);
    }
    return scenario;
}

struct scenario *scenario_start_groups(uint32_t groups, uint32_t members_each)
{
    struct hwi_sim_config config = scenario_config;
    config.first_members = groups * members_each;
    struct scenario *scenario = scenario_start_with(&config, 0);
    for (uint32_t i = 0; i < config.first_members; i++) {
        start_member_at(scenario, &(struct hwi_sim_place){.group = i % groups});
    }
    for (uint32_t i = 0; i < config.first_members; i++) {
        expect_open(scenario, i, HWS_OK);
    }
    return scenario;
}

struct scenario *scenario_start(uint32_t members)
{
    return scenario_start_with(&scenario_config, members);
}

void scenario_end(struct scenario *scenario)
{
    char error[4096] = "";
    check_calls(scenario);
    const char *failure = hwi_sim_check_failure(scenario->sim);
    expect(failure == NULL, "a check failed: %s", failure);
    arena_lock(&scenario->arena);
    expect(hwi_sim_replay(scenario->sim, error, sizeof error), "replay differs: %s", error);
    expect_context(NULL, NULL);
    hwi_sim_destroy(scenario->sim);
    arena_fini(&scenario->arena);
    free(scenario);
}

// ---- members

uint32_t start_member_with(struct scenario *scenario, uint32_t min_members)
{
    scenario->nodes++;
    return hwi_sim_member(scenario->sim, min_members);
}

uint32_t start_member_at(struct scenario *scenario, const struct hwi_sim_place *place)
{
    scenario->groups[scenario->nodes++] = place->group;
    return hwi_sim_member_at(scenario->sim, 0, place);
}

uint32_t start_member(struct scenario *scenario)
{
    return start_member_with(scenario, 0);
}

void expect_open(struct scenario *scenario, uint32_t node, hws_status status)
{
    const struct hwi_msg_reply *reply = reply_of(scenario, node, 0);
    expect(reply->status == status, "member %u: opening gave %s, not %s", node,
           hws_status_name(reply->status), hws_status_name(status));
    if (status == HWS_OK) {
        expect(reply->rank < reply->members_count, "member %u: rank %u of %u", node, reply->rank,
               reply->members_count);
        scenario->peers[node] = reply->members[reply->rank].value;
    }
}

void freeze(struct scenario *scenario, uint32_t node)
{
    scenario->frozen[node] = true;
    hwi_sim_freeze(scenario->sim, node);
}

void thaw(struct scenario *scenario, uint32_t node)
{
    scenario->frozen[node] = false;
    hwi_sim_thaw(scenario->sim, node);
}

void run_ms(struct scenario *scenario, uint64_t ms)
{
    hwi_sim_run(scenario->sim, ms * HWI_NS_PER_MS);
}

bool is_up(const struct scenario *scenario, uint32_t node)
{
    return hwi_sim_alive(scenario->sim, node) && !scenario->frozen[node] && !scenario->out[node] &&
           scenario->peers[node] != 0;
}

// ---- shared state

// Eight bytes of a state; the last ones may be cut.
static uint64_t state_word(uint32_t seed, uint64_t index)
{
    uint64_t mixed = (index + 1) * UINT64_C(0x9e3779b97f4a7c15) + seed * TENSOR_SEED_STEP;
    return mixed ^ (mixed >> 29);
}

void fill_state(struct scenario *scenario, uint32_t node, uint32_t seed)
{
    struct state *state = &scenario->states[node];
    for (uint64_t at = 0; at < state->length; at += sizeof(uint64_t)) {
        uint64_t word = state_word(seed, at / sizeof word);
        memcpy(state->bytes + at, &word, HWI_MIN(sizeof word, state->length - at));
    }
}

void give_state(struct scenario *scenario, uint32_t node, uint64_t bytes, uint32_t seed)
{
    struct hwi_tensor tensor = {.name = "weights", .dtype = HWS_U8, .bytes = bytes};
    struct state *state = &scenario->states[node];
    *state = (struct state){arena_take(&scenario->arena, bytes, 0), bytes};
    fill_state(scenario, node, seed);
    void *memory = state->bytes;
    hwi_sim_state(scenario->sim, node, &tensor, &memory, 1);
}

void expect_state(const struct scenario *scenario, uint32_t node, uint32_t seed)
{
    const struct state *state = &scenario->states[node];
    for (uint64_t at = 0; at < state->length; at += sizeof(uint64_t)) {
        uint64_t word = state_word(seed, at / sizeof word);
        if (memcmp(state->bytes + at, &word, HWI_MIN(sizeof word, state->length - at)) != 0) {
            expect(false, "member %u: the state differs at byte %llu", node,
                   (unsigned long long)at);
        }
    }
}

void expect_states(struct scenario *scenario, uint32_t seed)
{
    for (uint32_t node = 0; node < scenario->nodes; node++) {
        if (is_up(scenario, node)) {
            expect_state(scenario, node, seed);
        }
    }
}

// ---- transcript

void expect_transcript(struct scenario *scenario, const char *expected)
{
    const char *got = hwi_sim_transcript(scenario->sim);
    uint32_t line = 1;
    while (*got != '\0' && *got == *expected) {
        line += *got == '\n';
        got++;
        expected++;
    }
    expect(*got == *expected, "transcript, line %u: expected \"%.40s...\", got \"%.40s...\"", line,
           expected, got);
}

struct scenario *scenario_below_min_members(void)
{
    struct hwi_sim_config config = scenario_config;
    config.min_members = 2;
    struct scenario *scenario = scenario_start_with(&config, 2);
    hwi_sim_kill(scenario->sim, 1);
    run_ms(scenario, 6000);
    expect_members(scenario, acknowledge(scenario, 0), 1, &(uint32_t){0});
    return scenario;
}
