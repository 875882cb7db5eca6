// SPDX-License-Identifier: MIT
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
    if (heap->refuse_from && bytes >= heap->refuse_from)
        return NULL;
    heap->live += pointer == NULL;
    return realloc(pointer, bytes);
}

// ---- actors whose behaviour each test gives -----------------------------------------------------

typedef void behaviour(enum hwi_role role, const struct hwi_event *event, struct hwi_effects *effects);

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
    vsnprintf(transcript + length, sizeof(transcript) - length, format, arguments);
    va_end(arguments);
}

static void note_message(const char *verb, struct hwi_addr from, struct hwi_addr to,
                         const struct hwi_msg *msg)
{
    char text_from[32];
    char text_to[32];
    char line[256];
    hwi_addr_print(from, text_from, sizeof(text_from));
    hwi_addr_print(to, text_to, sizeof(text_to));
    hwi_msg_print(msg, line, sizeof(line));
    note("%s %s>%s %s\n", verb, text_from, text_to, line);
}

static void step_of(enum hwi_role role, const struct hwi_event *event, struct hwi_effects *effects)
{
    note_message("step", event->from, hwi_addr_of(role, 0), event->msg);
    if (behave != NULL)
        behave(role, event, effects);
}

static void failed_of(enum hwi_role role, uint64_t now_ns, struct hwi_effects *effects)
{
    const struct hwi_event event = {.now_ns = now_ns};
    note("failed role %d\n", role);
    if (behave_failed != NULL)
        behave_failed(role, &event, effects);
}

struct actor_state {
    const struct hwi_alloc *alloc;
};

static void *create_actor(const struct hwi_alloc *alloc)
{
    struct actor_state *state = hwi_new(alloc, sizeof(*state));
    state->alloc = alloc;
    return state;
}

static void destroy_actor(void *state)
{
    hwi_free(((struct actor_state *)state)->alloc, state);
}

#define ACTOR(name_, role_)                                                                        \
    static void step_##name_(void *state, const struct hwi_event *event, struct hwi_effects *effects)   \
    {                                                                                              \
        (void)state;                                                                               \
        step_of(role_, event, effects);                                                                 \
    }                                                                                              \
    static void failed_##name_(void *state, uint64_t now_ns, struct hwi_effects *effects)               \
    {                                                                                              \
        (void)state;                                                                               \
        failed_of(role_, now_ns, effects);                                                              \
    }                                                                                              \
    static const struct hwi_actor_ops name_##_ops = {                                              \
        #name_, role_, create_actor, step_##name_, failed_##name_, destroy_actor};

ACTOR(peer, HWI_ROLE_PEER)
ACTOR(reducer, HWI_ROLE_REDUCER)
ACTOR(snapshot, HWI_ROLE_SNAPSHOT)

static void carry(void *world, const struct hwi_envelope *envelope)
{
    struct bench *bench = world;
    note_message("carry", envelope->from, envelope->to, &envelope->msg);
    if (bench->answer_at_once)
        hwi_drain_post(bench->drain, envelope->to, envelope->from,
                       &(struct hwi_msg){.type = HWI_MSG_probe});
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
    for (uint32_t i = 0; i < effects->count; i++)
        assert_int_equal(effects->items[i].from.role, actor->role);
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

static void pass_on(enum hwi_role role, const struct hwi_event *event, struct hwi_effects *effects)
{
    if (role != HWI_ROLE_PEER)
        return;
    emit_number(effects, HWI_ROLE_REDUCER, 0, 10 * number_of(event));
    emit_number(effects, HWI_ROLE_REDUCER, 9, 10 * number_of(event) + 1);
    emit_number(effects, HWI_ROLE_PEER, 0x3f2a, 10 * number_of(event) + 2);
    emit_number(effects, HWI_ROLE_MASTER, 0, 10 * number_of(event) + 3);
}

static void messages_are_heard_in_the_order_they_were_said(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench, &quiet_world);
    behave = pass_on;
    assert_false(hwi_drain_pending(bench.drain));
    post_number(&bench, HWI_ROLE_PEER, 1);
    post_number(&bench, HWI_ROLE_SNAPSHOT, 2);
    post_number(&bench, HWI_ROLE_REDUCER, 3);
    assert_true(hwi_drain_pending(bench.drain));
    assert_int_equal(hwi_drain_run(bench.drain, 100), 4);
    assert_false(hwi_drain_pending(bench.drain));
    assert_transcript("step trainer>peer edge_up{peer=1}\n"
                      "carry peer>reducer:9 edge_up{peer=11}\n"
                      "carry peer>peer:3f2a edge_up{peer=12}\n"
                      "carry peer>master edge_up{peer=13}\n"
                      "step trainer>snapshot edge_up{peer=2}\n"
                      "step trainer>reducer edge_up{peer=3}\n"
                      "step peer>reducer edge_up{peer=10}\n");
    end(&bench);
}

static void tell_master(enum hwi_role role, const struct hwi_event *event,
                        struct hwi_effects *effects)
{
    (void)role;
    if (event->msg->type == HWI_MSG_edge_up) {
        emit_number(effects, HWI_ROLE_MASTER, 0, 1);
        emit_number(effects, HWI_ROLE_MASTER, 0, 2);
    }
}

static void answers_given_while_carrying_are_heard_in_the_same_run(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench, &recorded_world);
    behave = tell_master;
    bench.answer_at_once = true;
    post_number(&bench, HWI_ROLE_PEER, 7);
    assert_int_equal(hwi_drain_run(bench.drain, 5), 3);
    assert_transcript("step trainer>peer edge_up{peer=7}\n"
                      "record peer at 5: edge_up, 2 effects\n"
                      "carry peer>master edge_up{peer=1}\n"
                      "carry peer>master edge_up{peer=2}\n"
                      "step master>peer probe{}\n"
                      "record peer at 5: probe, 0 effects\n"
                      "step master>peer probe{}\n"
                      "record peer at 5: probe, 0 effects\n");
    end(&bench);
}

static void many_waiting_messages_keep_their_order(void **state)
{
    (void)state;
    struct bench bench;
    uint64_t said = 0;
    uint64_t heard = 0;
    begin(&bench, &quiet_world);
    for (unsigned round = 0; round < 60; round++) { // the ring wraps and grows at every fill
        for (unsigned i = 0; i < 7; i++)
            post_number(&bench, HWI_ROLE_PEER, ++said);
        for (unsigned i = 0; i < 4; i++) {
            char expected[64];
            snprintf(expected, sizeof(expected), "step trainer>peer edge_up{peer=%u}\n",
                     (unsigned)++heard);
            assert_true(hwi_drain_step(bench.drain, 1));
            assert_transcript(expected);
        }
    }
    transcript[0] = '\0';
    assert_int_equal(hwi_drain_run(bench.drain, 1), said - heard);
    assert_false(hwi_drain_step(bench.drain, 1));
    end(&bench);
}

// ---- the clock ----------------------------------------------------------------------------------

static void wake_as_told(enum hwi_role role, const struct hwi_event *event,
                         struct hwi_effects *effects)
{
    (void)role;
    if (number_of(event))
        emit_wake(effects, number_of(event));
}

static void due_wakes_come_after_the_mailbox_in_actor_order(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench, &recorded_world);
    behave = wake_as_told;
    assert_true(hwi_drain_next_wake(bench.drain) == HWI_NEVER);
    post_number(&bench, HWI_ROLE_SNAPSHOT, 20);
    post_number(&bench, HWI_ROLE_REDUCER, 30);
    post_number(&bench, HWI_ROLE_PEER, 25);
    hwi_drain_run(bench.drain, 10);
    assert_int_equal(hwi_drain_next_wake(bench.drain), 20);
    assert_false(hwi_drain_pending(bench.drain));
    assert_int_equal(hwi_drain_run(bench.drain, 19), 0);

    transcript[0] = '\0';
    post_number(&bench, HWI_ROLE_REDUCER, 0);
    assert_int_equal(hwi_drain_run(bench.drain, 25), 3);
    assert_transcript("step trainer>reducer edge_up{}\n"
                      "record reducer at 25: edge_up, 0 effects\n"
                      "step clock>peer woken{}\n"
                      "record peer at 25: woken, 0 effects\n"
                      "step clock>snapshot woken{}\n"
                      "record snapshot at 25: woken, 0 effects\n");
    assert_int_equal(hwi_drain_next_wake(bench.drain), 30);
    end(&bench);
}

static void the_last_asked_wake_counts(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench, &quiet_world);
    behave = wake_as_told;
    post_number(&bench, HWI_ROLE_PEER, 20);
    post_number(&bench, HWI_ROLE_PEER, 40);
    hwi_drain_run(bench.drain, 10);
    assert_int_equal(hwi_drain_next_wake(bench.drain), 40);
    struct hwi_msg never = {.type = HWI_MSG_edge_up, .u.edge_up.peer = HWI_NEVER};
    hwi_drain_post(bench.drain, hwi_addr_of(HWI_ROLE_TRAINER, 0), hwi_addr_of(HWI_ROLE_PEER, 0),
                   &never);
    hwi_drain_run(bench.drain, 10);
    assert_true(hwi_drain_next_wake(bench.drain) == HWI_NEVER);
    transcript[0] = '\0';
    assert_int_equal(hwi_drain_run(bench.drain, HWI_NEVER), 0);
    end(&bench);
}

static void rearm_twice(enum hwi_role role, const struct hwi_event *event,
                        struct hwi_effects *effects)
{
    static unsigned left;
    (void)role;
    if (event->msg->type != HWI_MSG_woken)
        left = 2;
    if (left-- > 0)
        emit_wake(effects, event->now_ns);
    else
        left = 0;
}

static void a_wake_asked_for_now_comes_in_the_same_run(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench, &quiet_world);
    behave = rearm_twice;
    post_number(&bench, HWI_ROLE_PEER, 1);
    assert_int_equal(hwi_drain_run(bench.drain, 10), 3);
    assert_true(hwi_drain_next_wake(bench.drain) == HWI_NEVER);
    end(&bench);
}

static void wake_for_ever(enum hwi_role role, const struct hwi_event *event,
                          struct hwi_effects *effects)
{
    (void)role;
    transcript[0] = '\0';
    emit_wake(effects, event->now_ns);
}

static void a_run_ends_although_its_actors_do_not_rest(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench, &quiet_world);
    behave = wake_for_ever;
    post_number(&bench, HWI_ROLE_PEER, 1);
    assert_int_equal(hwi_drain_run(bench.drain, 10), HWI_DRAIN_EVENTS_MAX);
    assert_int_equal(hwi_drain_next_wake(bench.drain), 10);
    end(&bench);
}

// ---- failed checks ------------------------------------------------------------------------------

static void fail_on_13(enum hwi_role role, const struct hwi_event *event,
                       struct hwi_effects *effects)
{
    if (role == HWI_ROLE_PEER) {
        emit_number(effects, HWI_ROLE_MASTER, 0, 1);
        emit_wake(effects, 1000);
        HWI_CHECK(number_of(event) != 13);
    }
}

static void give_up_politely(enum hwi_role role, const struct hwi_event *event,
                             struct hwi_effects *effects)
{
    (void)role;
    emit_number(effects, HWI_ROLE_TRAINER, 0, event->now_ns);
    emit_number(effects, HWI_ROLE_REDUCER, 0, 99);
    emit_wake(effects, 2000);
}

static void a_failed_check_is_contained(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench, &recorded_world);
    behave = fail_on_13;
    behave_failed = give_up_politely;
    post_number(&bench, HWI_ROLE_PEER, 13);
    post_number(&bench, HWI_ROLE_PEER, 14);
    post_number(&bench, HWI_ROLE_SNAPSHOT, 15);
    assert_int_equal(hwi_drain_run(bench.drain, 50), 3);
    assert_transcript("step trainer>peer edge_up{peer=13}\n"
                      "check failed in peer: number_of(event) != 13\n"
                      "failed role 2\n"
                      "record peer at 50: edge_up, 3 effects\n"
                      "carry peer>trainer edge_up{peer=50}\n"
                      "step trainer>snapshot edge_up{peer=15}\n"
                      "record snapshot at 50: edge_up, 0 effects\n"
                      "step peer>reducer edge_up{peer=99}\n"
                      "record reducer at 50: edge_up, 0 effects\n");
    post_number(&bench, HWI_ROLE_PEER, 16);
    assert_false(hwi_drain_pending(bench.drain));
    assert_true(hwi_drain_next_wake(bench.drain) == HWI_NEVER);
    assert_int_equal(hwi_drain_run(bench.drain, HWI_NEVER - 1), 0);
    assert_transcript("");
    end(&bench);
}

static void fail_again(enum hwi_role role, const struct hwi_event *event,
                       struct hwi_effects *effects)
{
    (void)role;
    emit_number(effects, HWI_ROLE_TRAINER, 0, event->now_ns);
    HWI_CHECK(!"even now");
}

static void a_check_that_fails_while_giving_up_is_contained_too(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench, &quiet_world);
    behave = fail_on_13;
    behave_failed = fail_again;
    post_number(&bench, HWI_ROLE_PEER, 13);
    post_number(&bench, HWI_ROLE_REDUCER, 1);
    hwi_drain_run(bench.drain, 50);
    assert_transcript("step trainer>peer edge_up{peer=13}\n"
                      "check failed in peer: number_of(event) != 13\n"
                      "failed role 2\n"
                      "check failed in peer: !\"even now\"\n"
                      "step trainer>reducer edge_up{peer=1}\n");
    end(&bench);
}

static void say_nonsense_to_the_clock(enum hwi_role role, const struct hwi_event *event,
                                      struct hwi_effects *effects)
{
    (void)role, (void)event;
    emit_number(effects, HWI_ROLE_CLOCK, 0, 1);
}

static void only_wake_at_may_be_said_to_the_clock(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench, &quiet_world);
    behave = say_nonsense_to_the_clock;
    post_number(&bench, HWI_ROLE_PEER, 1);
    hwi_drain_run(bench.drain, 1);
    assert_non_null(strstr(transcript, "check failed in peer"));
    end(&bench);
}

static void who_cannot_be_told_fails(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench, &recorded_world);
    behave_failed = give_up_politely;
    post_number(&bench, HWI_ROLE_PEER, 1);
    hwi_drain_run(bench.drain, 1);
    transcript[0] = '\0';
    struct hwi_id ids[1000] = {{0}};
    struct hwi_msg msg = {.type = HWI_MSG_ready, .u.ready = {.broken = ids, .broken_count = 1000}};
    bench.heap.refuse_from = sizeof(ids);
    hwi_drain_post(bench.drain, hwi_addr_of(HWI_ROLE_DATA, 0), hwi_addr_of(HWI_ROLE_PEER, 0), &msg);
    bench.heap.refuse_from = 0;
    assert_true(hwi_drain_pending(bench.drain));
    hwi_drain_run(bench.drain, 8);
    assert_transcript("check failed in peer: memory != NULL || bytes == 0\n"
                      "failed role 2\n"
                      "record peer at 8: nothing, 3 effects\n"
                      "carry peer>trainer edge_up{peer=8}\n"
                      "step peer>reducer edge_up{peer=99}\nrecord reducer at 8: edge_up, 0 effects\n");
    end(&bench);
}

// ---- memory -------------------------------------------------------------------------------------

static void send_list(enum hwi_role role, const struct hwi_event *event,
                      struct hwi_effects *effects)
{
    if (role != HWI_ROLE_PEER)
        return;
    struct hwi_id *ids = hwi_effects_memory(effects, 2 * sizeof(*ids));
    ids[0].value = number_of(event);
    ids[1].value = 5;
    for (unsigned i = 0; i < 2; i++) {
        struct hwi_msg_sync_go *go = HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_REDUCER, 0), sync_go);
        go->sources = ids;
        go->sources_count = 2;
    }
}

static void lists_are_copied_where_they_wait(void **state)
{
    (void)state;
    struct bench bench;
    struct hwi_tally tallies[] = {{.kind = 1, .tag = 3}};
    struct hwi_past past[] = {{.view = 4, .tallies = tallies, .tallies_count = 1}};
    struct hwi_msg msg = {.type = HWI_MSG_announce, .u.announce = {.past = past, .past_count = 1}};
    begin(&bench, &quiet_world);
    behave = send_list;
    hwi_drain_post(bench.drain, hwi_addr_of(HWI_ROLE_MASTER, 0), hwi_addr_of(HWI_ROLE_SNAPSHOT, 0),
                   &msg);
    memset(past, 0xff, sizeof(past));
    memset(tallies, 0xff, sizeof(tallies));
    post_number(&bench, HWI_ROLE_PEER, 4);
    post_number(&bench, HWI_ROLE_PEER, 6);
    hwi_drain_run(bench.drain, 1);
    assert_transcript("step master>snapshot announce{past=[{view=4 tallies=[{kind=1 tag=3}]}]}\n"
                      "step trainer>peer edge_up{peer=4}\n"
                      "step trainer>peer edge_up{peer=6}\n"
                      "step peer>reducer sync_go{sources=[4 5]}\n"
                      "step peer>reducer sync_go{sources=[4 5]}\n"
                      "step peer>reducer sync_go{sources=[6 5]}\n"
                      "step peer>reducer sync_go{sources=[6 5]}\n");
    struct hwi_id id = {1};
    msg = (struct hwi_msg){.type = HWI_MSG_ready, .u.ready = {.broken = &id, .broken_count = 1}};
    hwi_drain_post(bench.drain, hwi_addr_of(HWI_ROLE_MASTER, 0), hwi_addr_of(HWI_ROLE_SNAPSHOT, 0),
                   &msg);
    end(&bench); // with a letter that still waits
}

static void play(enum hwi_role role, const struct hwi_event *event, struct hwi_effects *effects)
{
    transcript[0] = '\0';
    enum hwi_role other = role == HWI_ROLE_PEER ? HWI_ROLE_REDUCER : HWI_ROLE_PEER;
    if (number_of(event))
        emit_number(effects, other, 0, number_of(event) - 1);
}

static void messages_without_lists_allocate_nothing(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench, &quiet_world);
    behave = play;
    post_number(&bench, HWI_ROLE_PEER, 10);
    hwi_drain_run(bench.drain, 1);
    uint64_t before = bench.heap.calls;
    post_number(&bench, HWI_ROLE_PEER, 1000);
    assert_int_equal(hwi_drain_run(bench.drain, 1), 1001);
    assert_int_equal(bench.heap.calls, before);
    end(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_heard_in_the_order_they_were_said),
        cmocka_unit_test(answers_given_while_carrying_are_heard_in_the_same_run),
        cmocka_unit_test(many_waiting_messages_keep_their_order),
        cmocka_unit_test(due_wakes_come_after_the_mailbox_in_actor_order),
        cmocka_unit_test(the_last_asked_wake_counts),
        cmocka_unit_test(a_wake_asked_for_now_comes_in_the_same_run),
        cmocka_unit_test(a_run_ends_although_its_actors_do_not_rest),
        cmocka_unit_test(a_failed_check_is_contained),
        cmocka_unit_test(a_check_that_fails_while_giving_up_is_contained_too),
        cmocka_unit_test(only_wake_at_may_be_said_to_the_clock),
        cmocka_unit_test(who_cannot_be_told_fails),
        cmocka_unit_test(lists_are_copied_where_they_wait),
        cmocka_unit_test(messages_without_lists_allocate_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
