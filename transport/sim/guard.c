// SPDX-License-Identifier: MIT
// Real actors, watched: a guard counts the events its actor is about to handle and lets the process
// die just before the one that hwi_sim_kill_at or hwi_sim_kill_on chose.
#include "transport/sim/world.h"

struct guard {
    struct hwi_sim_process *process;
    const struct hwi_actor_ops *ops;
    void *state;
};

const struct hwi_actor_ops *hwi_sim_actor(const struct hwi_sim *sim, uint8_t role)
{
    static const struct hwi_actor_ops *const real[HWI_ROLE_MAX] = {
        [HWI_ROLE_MASTER] = &hwi_master_ops,
        [HWI_ROLE_PEER] = &hwi_peer_ops,
        [HWI_ROLE_REDUCER] = &hwi_reducer_ops,
        [HWI_ROLE_SNAPSHOT] = &hwi_snapshot_ops,
    };
    return sim->config.actors[role] != NULL ? sim->config.actors[role] : real[role];
}

static void *create(const struct hwi_alloc *alloc, uint8_t role)
{
    struct guard *guard = hwi_new(alloc, sizeof *guard);
    guard->process = alloc->user;
    guard->ops = hwi_sim_actor(guard->process->sim, role);
    guard->state = guard->ops->create(alloc);
    return guard;
}

static void *create_master(const struct hwi_alloc *alloc)
{
    return create(alloc, HWI_ROLE_MASTER);
}

static void *create_peer(const struct hwi_alloc *alloc)
{
    return create(alloc, HWI_ROLE_PEER);
}

static void *create_reducer(const struct hwi_alloc *alloc)
{
    return create(alloc, HWI_ROLE_REDUCER);
}

static void *create_snapshot(const struct hwi_alloc *alloc)
{
    return create(alloc, HWI_ROLE_SNAPSHOT);
}

const void *hwi_sim_guarded(const void *state)
{
    return ((const struct guard *)state)->state;
}

// Counts the event; true if it is the process's last moment.
static bool fatal(struct hwi_sim_process *process, uint8_t role, uint16_t type)
{
    const struct hwi_sim_fate *fate = &process->fate;
    uint32_t events = ++process->events_seen[role];
    uint32_t types = type < HWI_MSG_TYPE_MAX ? ++process->types_seen[type] : 0;
    return (fate->role_count > 0 && fate->role == role && fate->role_count == events) ||
           (fate->type_count > 0 && fate->type == type && fate->type_count == types);
}

static void step(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct guard *guard = state;
    struct hwi_sim_process *process = guard->process;
    if (process->dying || fatal(process, (uint8_t)guard->ops->role, event->msg->type)) {
        process->dying = true;
        return;
    }
    guard->ops->step(guard->state, event, effects);
}

static void failed(void *state, uint64_t now_ns, struct hwi_effects *effects)
{
    struct guard *guard = state;
    guard->ops->failed(guard->state, now_ns, effects);
}

static void destroy(void *state)
{
    struct guard *guard = state;
    guard->ops->destroy(guard->state);
    hwi_free(&guard->process->alloc, guard);
}

// The real actor's image: what it saves loads without a guard, too.
static void image(struct hwi_image *to, void *state)
{
    struct guard *guard = state;
    if (guard->ops->image != NULL) {
        guard->ops->image(to, guard->state);
    }
}

const struct hwi_actor_ops hwi_sim_guards[HWI_ROLE_MAX] = {
    [HWI_ROLE_MASTER] = {"master", HWI_ROLE_MASTER, create_master, step, failed, destroy, image},
    [HWI_ROLE_PEER] = {"peer", HWI_ROLE_PEER, create_peer, step, failed, destroy, image},
    [HWI_ROLE_REDUCER] = {"reducer", HWI_ROLE_REDUCER, create_reducer, step, failed, destroy,
                          image},
    [HWI_ROLE_SNAPSHOT] = {"snapshot", HWI_ROLE_SNAPSHOT, create_snapshot, step, failed, destroy,
                           image},
};
