// SPDX-License-Identifier: MIT
// Actors under a drain whose behaviour a test sets, a heap that counts, and what they heard and
// said as text.
#ifndef HAWSER_TESTS_UNIT_DRAIN_BENCH_H
#define HAWSER_TESTS_UNIT_DRAIN_BENCH_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "actors/loop/drain.h"
#include "actors/wire/codec.h"

// ---- an allocator that counts, and refuses when told --------------------------------------------

struct heap {
    uint64_t calls;
    int64_t live;
    size_t refuse_from; // requests of this size or more fail; 0 = none
};

static void *heap_resize(void *user, void *pointer, size_t bytes)
{
    struct heap *heap = user;
    heap->calls++;
    if (!bytes) {
        heap->live -= pointer != NULL;
        free(pointer);
        return NULL;
    }
    if (heap->refuse_from && bytes >= heap->refuse_from) {
        return NULL;
    }
    heap->live += pointer == NULL;
    return realloc(pointer, bytes);
}

// ---- actors whose behaviour each test gives -----------------------------------------------------

typedef void behaviour(enum hwi_role role, const struct hwi_event *event,
                       struct hwi_effects *effects);

static behaviour *behave;
static behaviour *behave_failed;

struct bench {
    struct heap heap;
    struct hwi_alloc alloc;
    struct hwi_drain *drain;
    bool answer_at_once; // carry posts a probe back to the sender
};

static char transcript[1 << 14];

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...)
{
    size_t length = strlen(transcript);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(transcript + length, sizeof transcript - length, format, arguments);
    va_end(arguments);
}

static void note_message(const char *verb, struct hwi_addr from, struct hwi_addr to,
                         const struct hwi_msg *msg)
{
    char text_from[32];
    char text_to[32];
    char line[256];
    hwi_addr_print(from, text_from, sizeof text_from);
    hwi_addr_print(to, text_to, sizeof text_to);
    hwi_msg_print(msg, line, sizeof line);
    note("%s %s>%s %s\n", verb, text_from, text_to, line);
}

static void step_of(enum hwi_role role, const struct hwi_event *event, struct hwi_effects *effects)
{
    note_message("step", event->from, hwi_addr_of(role, 0), event->msg);
    if (behave != NULL) {
        behave(role, event, effects);
    }
}

static void failed_of(enum hwi_role role, uint64_t now_ns, struct hwi_effects *effects)
{
    const struct hwi_event event = {.now_ns = now_ns};
    note("failed role %d\n", role);
    if (behave_failed != NULL) {
        behave_failed(role, &event, effects);
    }
}

struct actor_state {
    const struct hwi_alloc *alloc;
};

static void *create_actor(const struct hwi_alloc *alloc)
{
    struct actor_state *state = hwi_new(alloc, sizeof *state);
    state->alloc = alloc;
    return state;
}

static void destroy_actor(void *state)
{
    hwi_free(((struct actor_state *)state)->alloc, state);
}

#define ACTOR(name_, role_)                                                                        \
    static void step_##name_(void *state, const struct hwi_event *event,                           \
                             struct hwi_effects *effects)                                          \
    {                                                                                              \
        (void)state;                                                                               \
        step_of(role_, event, effects);                                                            \
    }                                                                                              \
    static void failed_##name_(void *state, uint64_t now_ns, struct hwi_effects *effects)          \
    {                                                                                              \
        (void)state;                                                                               \
        failed_of(role_, now_ns, effects);                                                         \
    }                                                                                              \
    static const struct hwi_actor_ops name_##_ops = {#name_,       role_,          create_actor,   \
                                                     step_##name_, failed_##name_, destroy_actor};

ACTOR(peer, HWI_ROLE_PEER)
ACTOR(reducer, HWI_ROLE_REDUCER)
ACTOR(snapshot, HWI_ROLE_SNAPSHOT)

static void carry(void *world, const struct hwi_envelope *envelope)
{
    struct bench *bench = world;
    note_message("carry", envelope->from, envelope->to, &envelope->msg);
    if (bench->answer_at_once) {
        hwi_drain_post(bench->drain, envelope->to, envelope->from,
                       &(struct hwi_msg){.type = HWI_MSG_probe});
    }
}

static void check_failed(void *world, const struct hwi_actor_ops *actor,
                         const struct hwi_trap *trap)
{
    (void)world;
    assert_non_null(trap->file);
    assert_true(trap->line > 0);
    note("check failed in %s: %s\n", actor->name, trap->what);
}

static void record(void *world, const struct hwi_actor_ops *actor, const struct hwi_event *event,
                   const struct hwi_effects *effects)
{
    (void)world;
    note("record %s at %u: %s, %u effects\n", actor->name, (unsigned)event->now_ns,
         event->msg->type ? hwi_layout_of(event->msg->type)->name : "nothing", effects->count);
    for (uint32_t i = 0; i < effects->count; i++) {
        assert_int_equal(effects->items[i].from.role, actor->role);
    }
}

static const struct hwi_world_ops quiet_world = {.carry = carry, .check_failed = check_failed};
static const struct hwi_world_ops recorded_world = {carry, record, check_failed};

static void begin(struct bench *bench, const struct hwi_world_ops *world_ops)
{
    *bench = (struct bench){.alloc = {.resize = heap_resize}};
    bench->alloc.user = &bench->heap;
    transcript[0] = '\0';
    behave = NULL;
    behave_failed = NULL;
    bench->drain = hwi_drain_create(&bench->alloc, world_ops, bench);
    hwi_drain_add(bench->drain, &peer_ops);
    hwi_drain_add(bench->drain, &reducer_ops);
    hwi_drain_add(bench->drain, &snapshot_ops);
}

static void end(struct bench *bench)
{
    hwi_drain_destroy(bench->drain);
    assert_int_equal(bench->heap.live, 0);
}

// The tests' messages: edge_up{peer=n}, because it is small.
static void post_number(struct bench *bench, enum hwi_role to, uint64_t number)
{
    struct hwi_msg msg = {.type = HWI_MSG_edge_up, .u.edge_up.peer = number};
    hwi_drain_post(bench->drain, hwi_addr_of(HWI_ROLE_TRAINER, 0), hwi_addr_of(to, 0), &msg);
}

static void emit_number(struct hwi_effects *effects, enum hwi_role to, uint64_t id, uint64_t number)
{
    HWI_EMIT(effects, hwi_addr_of(to, id), edge_up)->peer = number;
}

static void emit_wake(struct hwi_effects *effects, uint64_t at_ns)
{
    HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_CLOCK, 0), wake_at)->at_ns = at_ns;
}

static uint64_t number_of(const struct hwi_event *event)
{
    return event->msg->type == HWI_MSG_edge_up ? event->msg->u.edge_up.peer : 0;
}

static void assert_transcript(const char *expected)
{
    assert_string_equal(transcript, expected);
    transcript[0] = '\0';
}

// ---- order and routing --------------------------------------------------------------------------

#endif
