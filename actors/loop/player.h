// SPDX-License-Identifier: MIT
// Plays recorded events to one actor, by the same drain that ran it, and hands out the effects of
// each. Nothing is carried out. Used by replay, by the simulator's proof and by forks.
#ifndef HAWSER_ACTORS_LOOP_PLAYER_H
#define HAWSER_ACTORS_LOOP_PLAYER_H

#include "actors/loop/drain.h"
#include "actors/loop/image.h"

struct hwi_player;

// Returns owned; `ops` is borrowed until destroy, `alloc` too.
struct hwi_player *hwi_player_create(const struct hwi_actor_ops *ops,
                                     const struct hwi_alloc *alloc);
void hwi_player_destroy(struct hwi_player *player); // takes; NULL allowed
// Replaces the state by an image (borrowed until return); false, and nothing changed, if it is
// none.
bool hwi_player_load(struct hwi_player *player, const unsigned char *bytes, size_t length);
// One event in. The effects are borrowed until the next call; their `from` is set. After a failed
// check they are those of the actor's `failed`, *failed says where (borrowed until the next call;
// else it is NULL; `failed` itself may be NULL), and the actor hears nothing more: no effects.
const struct hwi_effects *hwi_player_step(struct hwi_player *player, const struct hwi_event *event,
                                          const struct hwi_trap **failed);
// For images of it: borrowed until the next call.
const void *hwi_player_state(const struct hwi_player *player);

#endif
