// SPDX-License-Identifier: MIT
// The actor contract: step(state, event) -> ordered effects. Events and effects are messages.
#ifndef HAWSER_ACTORS_LOOP_STEP_H
#define HAWSER_ACTORS_LOOP_STEP_H

#include "actors/wire/msg.h"

// One event: borrowed until step returns. The only time an actor knows is now_ns.
struct hwi_event {
    uint64_t now_ns; // monotonic, of the host or the simulator; never goes back for one actor
    struct hwi_addr from;
    const struct hwi_msg *msg;
};

enum { HWI_EFFECTS_MAX = 1 << 17 };

// The effects of one step, in order, and the arena their lists live in.
struct hwi_effects {
    const struct hwi_alloc *alloc;
    struct hwi_envelope *items; // `from` is filled in by the drain
    uint32_t count;
    uint32_t capacity;
    struct hwi_arena_block *arena;
};

void hwi_effects_init(struct hwi_effects *effects, const struct hwi_alloc *alloc);
void hwi_effects_reset(struct hwi_effects *effects);
void hwi_effects_fini(struct hwi_effects *effects);

// Appends an effect to `to` of type `type` and returns its zeroed message to fill in. The pointer
// is good until the next emit. Passing HWI_EFFECTS_MAX is a failed check.
struct hwi_msg *hwi_emit(struct hwi_effects *effects, struct hwi_addr to, uint16_t type);

// Zeroed memory for a list of an effect; good until hwi_effects_reset. Elements are shared freely
// between effects of the same step. NULL for bytes == 0.
void *hwi_effects_memory(struct hwi_effects *effects, size_t bytes);

// As hwi_effects_memory, holding a copy of `from` (borrowed until return; NULL allowed for bytes ==
// 0).
void *hwi_effects_copy(struct hwi_effects *effects, const void *from, size_t bytes);

// hwi_emit with the union member: struct hwi_msg_done *m = HWI_EMIT(effects, to, done);
#define HWI_EMIT(effects, to, name) (&hwi_emit((effects), (to), HWI_MSG_##name)->u.name)

struct hwi_image;

struct hwi_actor_ops {
    const char *name; // "master", "peer", ...
    uint8_t role;     // enum hwi_role
    // Returns owned state; `alloc` is borrowed until destroy. Everything else comes as events.
    void *(*create)(const struct hwi_alloc *alloc);
    // One event in, effects out. Owner thread. Never blocks, never calls out. A failed HWI_CHECK
    // unwinds to the drain, which drops this step's effects and calls `failed`.
    void (*step)(void *state, const struct hwi_event *event, struct hwi_effects *effects);
    // After a failed check: give up; all that wait get HWS_E_INTERNAL. Must not check again.
    void (*failed)(void *state, uint64_t now_ns, struct hwi_effects *effects);
    void (*destroy)(void *state); // takes
    // Lists the state's fields for saving, loading (into a state just created) and printing; see
    // image.h. A loaded state continues exactly as the saved one would. NULL in test doubles only.
    void (*image)(struct hwi_image *image, void *state);
};

extern const struct hwi_actor_ops hwi_master_ops;
extern const struct hwi_actor_ops hwi_peer_ops;
extern const struct hwi_actor_ops hwi_reducer_ops;
extern const struct hwi_actor_ops hwi_snapshot_ops;

#endif
