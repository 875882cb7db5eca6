// SPDX-License-Identifier: MIT
// A sharded trainer's loop (examples/sharded.c) under deaths, lost connections and slow links: its
// shards take the same steps, over the same units, and members of a group hold the same.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/scenario.h"

enum { GROUPS = 2, UNITS = 3, STEPS = 40, SEEDS = 20, PLACES = GROUPS * UNITS, TURNS_MAX = 20000 };
enum { REDUCE_TAG = 1, COMMIT_TAG = 2, COUNT = 300 };
enum stage { OPENING, SYNCING, REDUCING, VOTING, ADMITTING, VIEWING, DONE, OUT };

// The state that the trainer keeps, and hws_sync moves.
struct shard {
    uint64_t step, model;
};

struct trainer {
    uint32_t node, group, unit;
    enum stage stage;
    uint64_t request, reduced;
    bool synced;
    uint64_t view;  // acknowledged
    uint32_t syncs; // called in it
};

// How a step was taken: the same for all, the model within a group.
struct taken {
    uint64_t view;
    uint32_t units;
    uint64_t models[GROUPS];
};

struct game {
    struct scenario *s;
    struct trainer trainers[PLACES]; // by unit, then group
    struct taken taken[STEPS + 1];
    uint64_t seed;
    uint32_t deaths;
};

static uint64_t draw(struct game *game, uint64_t below)
{
    game->seed = game->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (game->seed >> 33) % below;
}

static struct shard *shard_of(const struct game *game, const struct trainer *t)
{
    return (struct shard *)game->s->states[t->node].bytes;
}

static void start_process(struct game *game, struct trainer *t)
{
    const char name[] = {(char)('a' + t->unit), '\0'};
    struct hwi_sim_place place = {.group = t->group, .unit = name, .unit_size = GROUPS};
    *t = (struct trainer){.group = t->group, .unit = t->unit, .node = game->s->nodes};
    assert_int_equal(start_member_at(game->s, &place), t->node);
    give_state(game->s, t->node, sizeof(struct shard), 0);
    *shard_of(game, t) = (struct shard){0};
}

// ---- one trainer

static void call(struct game *game, struct trainer *t, enum stage stage, const struct call *call)
{
    t->stage = stage;
    t->request = make_call(game->s, t->node, call);
}

static void go_on(struct game *game, struct trainer *t)
{
    struct shard *shard = shard_of(game, t);
    uint32_t step = (uint32_t)shard->step;
    if (!t->synced) {
        call(game, t, SYNCING,
             &(struct call){.kind = HWI_KIND_SYNC,
                            .step = (uint32_t)(1000 + 100 * t->view) + t->syncs++,
                            .value = shard->step});
    } else if (step == STEPS) {
        t->stage = DONE;
    } else {
        call(game, t, REDUCING, &(struct call){.step = step, .tag = REDUCE_TAG, .count = COUNT});
    }
}

// The first that takes a step says how; all others must say the same.
static void take_step(struct game *game, struct trainer *t, const struct hwi_msg_reply *vote)
{
    struct shard *shard = shard_of(game, t);
    struct taken *taken = &game->taken[++shard->step];
    shard->model = (shard->model ^ t->reduced) * UINT64_C(0x9e3779b97f4a7c15);
    taken->view = taken->view == 0 ? vote->view : taken->view;
    taken->units = taken->units == 0 ? vote->members_count : taken->units;
    uint64_t *model = &taken->models[t->group];
    *model = *model == 0 ? shard->model : *model;
    expect(taken->view == vote->view && taken->units == vote->members_count,
           "step %llu was taken in views %llu and %llu", (unsigned long long)shard->step,
           (unsigned long long)taken->view, (unsigned long long)vote->view);
    expect(*model == shard->model, "step %llu: member %u's shard differs from its group's",
           (unsigned long long)shard->step, t->node);
}

static void acknowledged(struct trainer *t, const struct hwi_msg_reply *reply)
{
    t->syncs = t->view == reply->view ? t->syncs : 0;
    t->view = reply->view;
}

static void answered(struct game *game, struct trainer *t, const struct hwi_msg_reply *reply)
{
    enum stage stage = t->stage;
    if (hws_status_class((hws_status)reply->status) == HWS_CLASS_RUN) {
        t->stage = OUT;
    } else if (stage == OPENING || stage == VIEWING) {
        if (stage == OPENING) {
            expect_open(game->s, t->node, HWS_OK);
        }
        acknowledged(t, reply);
        go_on(game, t);
    } else if (reply->status != HWS_OK) {
        expect(reply->status != HWS_E_MISMATCH, "member %u was told of a mismatch", t->node);
        t->synced &= stage != SYNCING && stage != ADMITTING;
        t->stage = VIEWING;
        t->request = trainer_view(game->s->sim, t->node);
    } else if (stage == REDUCING) {
        const struct made_call *made = &game->s->calls[game->s->call_count - 1];
        while (made->node != t->node || made->request != t->request) {
            made--;
        }
        memcpy(&t->reduced, made->output, sizeof t->reduced);
        struct call vote = {.kind = HWI_KIND_AGREE_RUN, .redop = HWI_AGREE_MIN, .tag = COMMIT_TAG};
        vote.step = (uint32_t)shard_of(game, t)->step;
        vote.value = shard_of(game, t)->step + 1;
        call(game, t, VOTING, &vote);
    } else if (stage == VOTING) {
        assert_int_equal(reply->value, shard_of(game, t)->step + 1);
        take_step(game, t, reply);
        if (reply->pending > 0) {
            call(game, t, ADMITTING, &(struct call){.kind = HWI_KIND_ADMIT});
        } else {
            go_on(game, t);
        }
    } else { // synced, or admitted: then with the newcomers
        acknowledged(t, reply);
        t->synced = stage == SYNCING;
        go_on(game, t);
    }
}

// ---- the run

static void strike(struct game *game)
{
    struct trainer *t = &game->trainers[draw(game, PLACES)];
    if (draw(game, 3) == 0) {
        hwi_sim_control_lose(game->s->sim, t->node, draw(game, 800) * HWI_NS_PER_MS);
        return;
    }
    uint32_t up = 0;
    for (uint32_t i = 0; i < PLACES; i++) {
        up += game->trainers[i].stage != OPENING && game->trainers[i].stage != OUT &&
              hwi_sim_alive(game->s->sim, game->trainers[i].node);
    }
    if (up == PLACES && game->deaths < 6) { // somebody must be left who holds the state
        game->deaths++;
        hwi_sim_kill(game->s->sim, t->node);
    }
}

// A process that is out is started again, sooner or later: perhaps before the master knows that it
// is.
static void restart_processes(struct game *game)
{
    for (uint32_t i = 0; i < PLACES; i++) {
        struct trainer *t = &game->trainers[i];
        bool out = t->stage == OUT || !hwi_sim_alive(game->s->sim, t->node);
        if (out && game->s->nodes < SCENARIO_NODES_MAX && draw(game, 30) == 0) {
            start_process(game, t);
        }
    }
}

static bool turn(struct game *game)
{
    uint32_t done = 0;
    run_ms(game->s, 10);
    for (uint32_t i = 0; i < PLACES; i++) {
        struct trainer *t = &game->trainers[i];
        bool waits = t->stage != DONE && t->stage != OUT && hwi_sim_alive(game->s->sim, t->node);
        if (waits && hwi_sim_peek(game->s->sim, t->node, t->request) != NULL) {
            answered(game, t, reply_of(game->s, t->node, t->request));
        }
        done += t->stage == DONE;
    }
    if (draw(game, 60) == 0) {
        strike(game);
    }
    restart_processes(game);
    return done > 0;
}

// Returns how many died.
static uint32_t play(uint64_t seed)
{
    struct game game = {.seed = seed};
    struct hwi_sim_config config = scenario_config;
    config.first_members = PLACES;
    config.dead_ms = 2000;
    config.seed = seed;
    game.s = scenario_start_with(&config, 0);
    for (uint32_t i = 0; i < PLACES; i++) {
        game.trainers[i].group = i % GROUPS;
        game.trainers[i].unit = i / GROUPS;
        start_process(&game, &game.trainers[i]);
    }
    bool done = false;
    for (uint32_t i = 0; !done; i++) {
        expect(i < TURNS_MAX, "seed %llu: the trainers do not get on", (unsigned long long)seed);
        done = turn(&game);
    }
    scenario_end(game.s);
    return game.deaths;
}

static void shards_take_the_same_steps(void **unused)
{
    (void)unused;
    uint32_t deaths = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        deaths += play(seed);
    }
    expect(deaths > SEEDS, "only %u died", deaths);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shards_take_the_same_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
