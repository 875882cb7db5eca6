// SPDX-License-Identifier: MIT
// The one drain: runs a process's actors over their mailbox, under host, simulator and replay.
#ifndef HAWSER_ACTORS_LOOP_DRAIN_H
#define HAWSER_ACTORS_LOOP_DRAIN_H

#include "actors/loop/ring.h"
#include "actors/loop/step.h"

enum {
    HWI_ACTORS_MAX = 8,        // actors of one process
    HWI_MAILBOX_MAX = 1 << 20, // messages waiting in one process; passing it is a failed check
};

// The world outside the actors. Each call borrows the message until it returns.
struct hwi_world_ops {
    // Every effect that is not for an actor of this drain and not for its clock: control link,
    // stripes, data port, disk, trainer. Answers come back through hwi_drain_post.
    void (*carry)(void *world, const struct hwi_envelope *envelope);
    // Optional: sees each step before its effects are carried out; `effects->items[i].from` is set.
    // Of a step whose check failed, the effects are those of the actor's `failed`. An event whose
    // message has type NONE: the actor could not receive a message and had to give up.
    void (*record)(void *world, const struct hwi_actor_ops *actor, const struct hwi_event *event,
                   const struct hwi_effects *effects);
    // Optional: a check failed in `actor` (file, line, condition); the process lives.
    void (*check_failed)(void *world, const struct hwi_actor_ops *actor,
                         const struct hwi_trap *trap);
    // Optional: the ring's clock, read about once a step; without it ticks are now_ns.
    uint64_t (*ticks)(void *world);
};

struct hwi_drain;

// Returns owned. `world_ops`, `world` and `alloc` are borrowed until destroy.
struct hwi_drain *hwi_drain_create(const struct hwi_alloc *alloc,
                                   const struct hwi_world_ops *world_ops, void *world);
void hwi_drain_destroy(struct hwi_drain *drain); // takes

// Adds an actor; its role must be new. The drain owns its state.
void hwi_drain_add(struct hwi_drain *drain, const struct hwi_actor_ops *ops);

// From now on what actors hear, and what they say to others than themselves and their clock, is
// written to `ring` (borrowed until destroy; NULL = nowhere).
void hwi_drain_trace(struct hwi_drain *drain, struct hwi_ring *ring);

// Puts a message into an actor's mailbox: `to.role` must be one of the drain's actors. Copies it.
// If it cannot be kept (HWI_MAILBOX_MAX, memory), that is a failed check of the actor it is for.
void hwi_drain_post(struct hwi_drain *drain, struct hwi_addr from, struct hwi_addr to,
                    const struct hwi_msg *msg);

// Delivers one event: what waits in the mailbox first, then due wake-ups by the order of
// hwi_drain_add. False if there was none. The step sees `now_ns`.
bool hwi_drain_step(struct hwi_drain *drain, uint64_t now_ns);

// Delivers one wake-up that is due, before what waits in the mailbox; false if none is. For a host
// whose actors have long work: its letters must not hold back what is due.
bool hwi_drain_due(struct hwi_drain *drain, uint64_t now_ns);

// True while something waits in the mailbox.
bool hwi_drain_pending(const struct hwi_drain *drain);

// The next time an actor asked to be woken; HWI_NEVER if none did.
uint64_t hwi_drain_next_wake(const struct hwi_drain *drain);

// The actor's state, for images: borrowed until the next call on the drain.
const void *hwi_drain_state(const struct hwi_drain *drain, enum hwi_role role);

// Replaces the actor's state (taken; made by its ops with the drain's allocator): it continues from
// there, and is woken at `wake_ns` (HWI_NEVER = not).
void hwi_drain_restore(struct hwi_drain *drain, enum hwi_role role, void *state, uint64_t wake_ns);

// The actor is woken at `wake_ns` (HWI_NEVER = not), as if it had asked for that.
void hwi_drain_wake(struct hwi_drain *drain, enum hwi_role role, uint64_t wake_ns);

// Hands one recorded event to an actor, past the mailbox: nothing is carried out, `record` is not
// called. A message of type NONE is not an event: the actor must give up, as it did when it was
// recorded. Returns the effects, borrowed until the next call on the drain; none from an actor in
// which a check has failed before.
const struct hwi_effects *hwi_drain_replay(struct hwi_drain *drain, enum hwi_role role,
                                           const struct hwi_event *event);

#endif
