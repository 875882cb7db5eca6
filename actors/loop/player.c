// SPDX-License-Identifier: MIT
#include "actors/loop/player.h"

struct hwi_player {
    const struct hwi_actor_ops *ops;
    const struct hwi_alloc *alloc;
    struct hwi_drain *drain;
    struct hwi_trap trap; // of the first check that failed in this step
    bool failed;
};

static void note_failure(void *world, const struct hwi_actor_ops *actor,
                         const struct hwi_trap *trap)
{
    struct hwi_player *player = world;
    (void)actor;
    if (player->failed) {
        return; // a check in the actor's giving up: the first one is the reason
    }
    player->trap = (struct hwi_trap){.file = trap->file, .what = trap->what, .line = trap->line};
    player->failed = true;
}

struct hwi_player *hwi_player_create(const struct hwi_actor_ops *ops, const struct hwi_alloc *alloc)
{
    static const struct hwi_world_ops world = {.check_failed = note_failure};
    struct hwi_player *player = hwi_new(alloc, sizeof *player);
    player->ops = ops;
    player->alloc = alloc;
    player->drain = hwi_drain_create(alloc, &world, player);
    hwi_drain_add(player->drain, ops);
    return player;
}

void hwi_player_destroy(struct hwi_player *player)
{
    if (player == NULL) {
        return;
    }
    hwi_drain_destroy(player->drain);
    hwi_free(player->alloc, player);
}

bool hwi_player_load(struct hwi_player *player, const unsigned char *bytes, size_t length)
{
    void *state = hwi_image_load(player->ops, bytes, length, player->alloc);
    if (state != NULL) {
        hwi_drain_restore(player->drain, player->ops->role, state, HWI_NEVER);
    }
    return state != NULL;
}

const struct hwi_effects *hwi_player_step(struct hwi_player *player, const struct hwi_event *event,
                                          const struct hwi_trap **failed)
{
    player->failed = false;
    const struct hwi_effects *effects = hwi_drain_replay(player->drain, player->ops->role, event);
    if (failed != NULL) {
        *failed = player->failed ? &player->trap : NULL;
    }
    return effects;
}

const void *hwi_player_state(const struct hwi_player *player)
{
    return hwi_drain_state(player->drain, player->ops->role);
}
