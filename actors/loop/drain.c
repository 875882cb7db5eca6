// SPDX-License-Identifier: MIT
#include "actors/loop/drain.h"
#include "actors/loop/mailbox.h"

enum standing {
    LIVE,
    FAILING, // a check failed; the actor does not know yet
    FAILED,  // the actor knows, and receives nothing more
};

struct actor {
    const struct hwi_actor_ops *ops;
    void *state;
    uint64_t wake_ns; // HWI_NEVER: not at all; nor if it is not LIVE
    enum standing standing;
};

struct hwi_drain {
    const struct hwi_alloc *alloc;
    const struct hwi_world_ops *world_ops;
    void *world;
    struct actor actors[HWI_ACTORS_MAX];
    uint32_t actor_count;
    struct hwi_mailbox mailbox;
    struct hwi_effects effects;
    void *delivering;      // owned lists of the message that an actor hears; NULL = none
    struct hwi_ring *ring; // borrowed; NULL = none
    uint64_t now_ns;       // of the last step
    uint64_t step_ticks; // when the step that is being carried out began: its messages arrive then
};

struct hwi_drain *hwi_drain_create(const struct hwi_alloc *alloc,
                                   const struct hwi_world_ops *world_ops, void *world)
{
    struct hwi_drain *drain = hwi_new(alloc, sizeof *drain);
    drain->alloc = alloc;
    drain->world_ops = world_ops;
    drain->world = world;
    hwi_mailbox_init(&drain->mailbox, alloc);
    hwi_effects_init(&drain->effects, alloc);
    return drain;
}

void hwi_drain_destroy(struct hwi_drain *drain)
{
    for (uint32_t i = 0; i < drain->actor_count; i++) {
        drain->actors[i].ops->destroy(drain->actors[i].state);
    }
    hwi_free(drain->alloc, drain->delivering);
    hwi_mailbox_fini(&drain->mailbox);
    hwi_effects_fini(&drain->effects);
    hwi_free(drain->alloc, drain);
}

static struct actor *find_actor(struct hwi_drain *drain, uint8_t role)
{
    for (uint32_t i = 0; i < drain->actor_count; i++) {
        if (drain->actors[i].ops->role == role) {
            return &drain->actors[i];
        }
    }
    return NULL;
}

void hwi_drain_add(struct hwi_drain *drain, const struct hwi_actor_ops *ops)
{
    HWI_CHECK(drain->actor_count < HWI_ACTORS_MAX);
    HWI_CHECK(find_actor(drain, ops->role) == NULL);
    struct actor *actor = &drain->actors[drain->actor_count];
    *actor = (struct actor){.ops = ops, .state = ops->create(drain->alloc), .wake_ns = HWI_NEVER};
    drain->actor_count++;
}

static void report(struct hwi_drain *drain, const struct actor *actor, const struct hwi_trap *trap)
{
    if (drain->world_ops->check_failed != NULL) {
        drain->world_ops->check_failed(drain->world, actor->ops, trap);
    }
}

void hwi_drain_trace(struct hwi_drain *drain, struct hwi_ring *ring)
{
    drain->ring = ring;
}

static uint64_t read_ticks(const struct hwi_drain *drain)
{
    return drain->world_ops->ticks != NULL ? drain->world_ops->ticks(drain->world) : drain->now_ns;
}

// A message that cannot be kept (no memory, mailbox full) is the failure of the actor it is for:
// it would otherwise continue without having received it.
static void post(struct hwi_drain *drain, struct actor *actor, struct hwi_addr from,
                 struct hwi_addr to, const struct hwi_msg *msg, uint64_t arrived)
{
    struct hwi_trap trap;
    if (actor->standing != LIVE) {
        return;
    }
    hwi_trap_enter(&trap);
    if (setjmp(trap.landing) == 0) {
        hwi_mailbox_push(&drain->mailbox, from, to, msg, arrived);
        hwi_trap_leave(&trap);
        return;
    }
    actor->standing = FAILING;
    report(drain, actor, &trap);
}

void hwi_drain_post(struct hwi_drain *drain, struct hwi_addr from, struct hwi_addr to,
                    const struct hwi_msg *msg)
{
    struct actor *actor = find_actor(drain, to.role);
    HWI_CHECK(actor != NULL);
    post(drain, actor, from, to, msg, drain->ring != NULL ? read_ticks(drain) : 0);
}

// Names the sender in every effect, and checks, while the step's trap is still set, those that the
// drain itself carries out.
static void seal(struct hwi_effects *effects, const struct actor *actor)
{
    for (uint32_t i = 0; i < effects->count; i++) {
        struct hwi_envelope *envelope = &effects->items[i];
        envelope->from = hwi_addr_of(actor->ops->role, 0);
        HWI_CHECK(envelope->to.role != HWI_ROLE_CLOCK || envelope->msg.type == HWI_MSG_wake_at);
    }
}

// Runs the step, or for no event the actor's giving up, under a trap. False if a check failed: then
// there are no effects.
static bool run_trapped(struct hwi_drain *drain, struct actor *actor, uint64_t now_ns,
                        const struct hwi_event *event)
{
    struct hwi_trap trap;
    hwi_effects_reset(&drain->effects);
    hwi_trap_enter(&trap);
    if (setjmp(trap.landing) == 0) {
        if (event != NULL) {
            actor->ops->step(actor->state, event, &drain->effects);
        } else {
            actor->ops->failed(actor->state, now_ns, &drain->effects);
        }
        seal(&drain->effects, actor);
        hwi_trap_leave(&trap);
        return true;
    }
    hwi_effects_reset(&drain->effects);
    report(drain, actor, &trap);
    return false;
}

static void give_up(struct hwi_drain *drain, struct actor *actor, uint64_t now_ns)
{
    actor->standing = FAILED;
    run_trapped(drain, actor, now_ns, NULL);
}

// An event without a message stands for the failure of an actor that could not receive a message.
static void run_or_give_up(struct hwi_drain *drain, struct actor *actor,
                           const struct hwi_event *event)
{
    bool heard = event->msg->type != HWI_MSG_NONE;
    if (!heard || !run_trapped(drain, actor, event->now_ns, event)) {
        give_up(drain, actor, event->now_ns);
    }
}

static void record(struct hwi_drain *drain, const struct actor *actor,
                   const struct hwi_event *event)
{
    if (drain->world_ops->record != NULL) {
        drain->world_ops->record(drain->world, actor->ops, event, &drain->effects);
    }
}

static void carry_out(struct hwi_drain *drain, const struct actor *sender,
                      const struct hwi_envelope *envelope)
{
    if (drain->ring != NULL) {
        hwi_ring_said(drain->ring, sender->ops->role, envelope->to, &envelope->msg,
                      drain->step_ticks);
    }
    drain->world_ops->carry(drain->world, envelope);
}

static void route(struct hwi_drain *drain, struct actor *sender)
{
    const struct hwi_effects *effects = &drain->effects;
    for (uint32_t i = 0; i < effects->count; i++) {
        const struct hwi_envelope *envelope = &effects->items[i];
        struct actor *actor = envelope->to.id ? NULL : find_actor(drain, envelope->to.role);
        if (actor != NULL) {
            post(drain, actor, envelope->from, envelope->to, &envelope->msg, drain->step_ticks);
        } else if (envelope->to.role != HWI_ROLE_CLOCK) {
            carry_out(drain, sender, envelope);
        } else {
            sender->wake_ns = envelope->msg.u.wake_at.at_ns;
        }
    }
    drain->step_ticks = 0;
    hwi_effects_reset(&drain->effects); // what a large step took is not kept until the next one
}

static void begin(struct hwi_drain *drain, uint64_t now_ns)
{
    drain->now_ns = now_ns;
    if (drain->ring != NULL) {
        drain->step_ticks = read_ticks(drain);
    }
}

// Written before the step: what it dies of is then on record.
static void note(struct hwi_drain *drain, const struct actor *actor, const struct hwi_event *event,
                 uint64_t arrived)
{
    begin(drain, event->now_ns);
    if (drain->ring != NULL) {
        hwi_ring_heard(drain->ring, actor->ops->role, event->from, event->msg,
                       arrived ? arrived : drain->step_ticks, drain->step_ticks);
    }
}

static void deliver(struct hwi_drain *drain, struct actor *actor, const struct hwi_event *event,
                    uint64_t arrived)
{
    note(drain, actor, event, arrived);
    run_or_give_up(drain, actor, event);
    record(drain, actor, event);
    route(drain, actor);
}

static bool deliver_failure(struct hwi_drain *drain, uint64_t now_ns)
{
    static const struct hwi_msg nothing = {.type = HWI_MSG_NONE};
    struct hwi_event event = {.now_ns = now_ns, .msg = &nothing};
    for (uint32_t i = 0; i < drain->actor_count; i++) {
        struct actor *actor = &drain->actors[i];
        if (actor->standing == FAILING) {
            begin(drain, now_ns);
            give_up(drain, actor, now_ns);
            record(drain, actor, &event);
            route(drain, actor);
            return true;
        }
    }
    return false;
}

static bool deliver_letter(struct hwi_drain *drain, uint64_t now_ns)
{
    struct hwi_letter letter;
    while (hwi_mailbox_pop(&drain->mailbox, &letter)) {
        struct actor *actor = find_actor(drain, letter.envelope.to.role);
        bool live = actor->standing == LIVE;
        drain->delivering = letter.block;
        if (live) {
            struct hwi_event event = {now_ns, letter.envelope.from, &letter.envelope.msg};
            deliver(drain, actor, &event, letter.arrived);
        }
        drain->delivering = NULL;
        hwi_free(drain->alloc, letter.block);
        if (live) {
            return true;
        }
    }
    return false;
}

static bool deliver_wake(struct hwi_drain *drain, uint64_t now_ns)
{
    static const struct hwi_msg woken = {.type = HWI_MSG_woken};
    for (uint32_t i = 0; i < drain->actor_count; i++) {
        struct actor *actor = &drain->actors[i];
        if (actor->standing == LIVE && actor->wake_ns != HWI_NEVER && actor->wake_ns <= now_ns) {
            struct hwi_event event = {now_ns, hwi_addr_of(HWI_ROLE_CLOCK, 0), &woken};
            actor->wake_ns = HWI_NEVER;
            deliver(drain, actor, &event, 0);
            return true;
        }
    }
    return false;
}

bool hwi_drain_due(struct hwi_drain *drain, uint64_t now_ns)
{
    return deliver_wake(drain, now_ns);
}

bool hwi_drain_step(struct hwi_drain *drain, uint64_t now_ns)
{
    return deliver_failure(drain, now_ns) || deliver_letter(drain, now_ns) ||
           deliver_wake(drain, now_ns);
}

bool hwi_drain_pending(const struct hwi_drain *drain)
{
    bool failing = false;
    for (uint32_t i = 0; i < drain->actor_count; i++) {
        failing = failing || drain->actors[i].standing == FAILING;
    }
    return failing || drain->mailbox.count > 0;
}

uint64_t hwi_drain_next_wake(const struct hwi_drain *drain)
{
    uint64_t next_ns = HWI_NEVER;
    for (uint32_t i = 0; i < drain->actor_count; i++) {
        if (drain->actors[i].standing == LIVE) {
            next_ns = HWI_MIN(next_ns, drain->actors[i].wake_ns);
        }
    }
    return next_ns;
}

const void *hwi_drain_state(const struct hwi_drain *drain, enum hwi_role role)
{
    for (uint32_t i = 0; i < drain->actor_count; i++) {
        if (drain->actors[i].ops->role == role) {
            return drain->actors[i].state;
        }
    }
    return NULL;
}

void hwi_drain_restore(struct hwi_drain *drain, enum hwi_role role, void *state, uint64_t wake_ns)
{
    struct actor *actor = find_actor(drain, (uint8_t)role);
    HWI_CHECK(actor != NULL);
    actor->ops->destroy(actor->state);
    actor->state = state;
    actor->wake_ns = wake_ns;
    actor->standing = LIVE;
}

void hwi_drain_wake(struct hwi_drain *drain, enum hwi_role role, uint64_t wake_ns)
{
    struct actor *actor = find_actor(drain, (uint8_t)role);
    HWI_CHECK(actor != NULL);
    actor->wake_ns = wake_ns;
}

const struct hwi_effects *hwi_drain_replay(struct hwi_drain *drain, enum hwi_role role,
                                           const struct hwi_event *event)
{
    struct actor *actor = find_actor(drain, (uint8_t)role);
    HWI_CHECK(actor != NULL);
    if (actor->standing != LIVE) {
        hwi_effects_reset(&drain->effects);
    } else {
        run_or_give_up(drain, actor, event);
    }
    return &drain->effects;
}
