// SPDX-License-Identifier: MIT
#include "tests/support/drain_all.h"
#include "tests/unit/drain_bench.h"

static void pass_on(enum hwi_role role, const struct hwi_event *event, struct hwi_effects *effects)
{
    if (role != HWI_ROLE_PEER) {
        return;
    }
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
    assert_int_equal(drain_all(bench.drain, 100), 4);
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
    assert_int_equal(drain_all(bench.drain, 5), 3);
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
        for (unsigned i = 0; i < 7; i++) {
            post_number(&bench, HWI_ROLE_PEER, ++said);
        }
        for (unsigned i = 0; i < 4; i++) {
            char expected[64];
            snprintf(expected, sizeof expected, "step trainer>peer edge_up{peer=%u}\n",
                     (unsigned)++heard);
            assert_true(hwi_drain_step(bench.drain, 1));
            assert_transcript(expected);
        }
    }
    transcript[0] = '\0';
    assert_int_equal(drain_all(bench.drain, 1), said - heard);
    assert_false(hwi_drain_step(bench.drain, 1));
    end(&bench);
}

// ---- the clock ----------------------------------------------------------------------------------

static void wake_as_told(enum hwi_role role, const struct hwi_event *event,
                         struct hwi_effects *effects)
{
    (void)role;
    if (number_of(event)) {
        emit_wake(effects, number_of(event));
    }
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
    drain_all(bench.drain, 10);
    assert_int_equal(hwi_drain_next_wake(bench.drain), 20);
    assert_false(hwi_drain_pending(bench.drain));
    assert_int_equal(drain_all(bench.drain, 19), 0);

    transcript[0] = '\0';
    post_number(&bench, HWI_ROLE_REDUCER, 0);
    assert_int_equal(drain_all(bench.drain, 25), 3);
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
    drain_all(bench.drain, 10);
    assert_int_equal(hwi_drain_next_wake(bench.drain), 40);
    struct hwi_msg never = {.type = HWI_MSG_edge_up, .u.edge_up.peer = HWI_NEVER};
    hwi_drain_post(bench.drain, hwi_addr_of(HWI_ROLE_TRAINER, 0), hwi_addr_of(HWI_ROLE_PEER, 0),
                   &never);
    drain_all(bench.drain, 10);
    assert_true(hwi_drain_next_wake(bench.drain) == HWI_NEVER);
    transcript[0] = '\0';
    assert_int_equal(drain_all(bench.drain, HWI_NEVER), 0);
    end(&bench);
}

static void rearm_twice(enum hwi_role role, const struct hwi_event *event,
                        struct hwi_effects *effects)
{
    static unsigned left;
    (void)role;
    if (event->msg->type != HWI_MSG_woken) {
        left = 2;
    }
    if (left-- > 0) {
        emit_wake(effects, event->now_ns);
    } else {
        left = 0;
    }
}

static void a_wake_asked_for_now_comes_in_the_same_run(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench, &quiet_world);
    behave = rearm_twice;
    post_number(&bench, HWI_ROLE_PEER, 1);
    assert_int_equal(drain_all(bench.drain, 10), 3);
    assert_true(hwi_drain_next_wake(bench.drain) == HWI_NEVER);
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
    assert_int_equal(drain_all(bench.drain, 50), 3);
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
    assert_int_equal(drain_all(bench.drain, HWI_NEVER - 1), 0);
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
    drain_all(bench.drain, 50);
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
    drain_all(bench.drain, 1);
    assert_non_null(strstr(transcript, "check failed in peer"));
    end(&bench);
}

static void a_member_that_the_master_cannot_reach_fails(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench, &recorded_world);
    behave_failed = give_up_politely;
    post_number(&bench, HWI_ROLE_PEER, 1);
    drain_all(bench.drain, 1);
    transcript[0] = '\0';
    struct hwi_id ids[1000] = {{0}};
    struct hwi_msg msg = {.type = HWI_MSG_ready, .u.ready = {.broken = ids, .broken_count = 1000}};
    bench.heap.refuse_from = sizeof ids;
    hwi_drain_post(bench.drain, hwi_addr_of(HWI_ROLE_DATA, 0), hwi_addr_of(HWI_ROLE_PEER, 0), &msg);
    bench.heap.refuse_from = 0;
    assert_true(hwi_drain_pending(bench.drain));
    drain_all(bench.drain, 8);
    assert_transcript(
        "check failed in peer: out of memory\n"
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
    if (role != HWI_ROLE_PEER) {
        return;
    }
    struct hwi_id *ids = hwi_effects_memory(effects, 2 * sizeof *ids);
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
    memset(past, 0xff, sizeof past);
    memset(tallies, 0xff, sizeof tallies);
    post_number(&bench, HWI_ROLE_PEER, 4);
    post_number(&bench, HWI_ROLE_PEER, 6);
    drain_all(bench.drain, 1);
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
    if (number_of(event)) {
        emit_number(effects, other, 0, number_of(event) - 1);
    }
}

static void messages_without_lists_allocate_nothing(void **state)
{
    (void)state;
    struct bench bench;
    begin(&bench, &quiet_world);
    behave = play;
    post_number(&bench, HWI_ROLE_PEER, 10);
    drain_all(bench.drain, 1);
    uint64_t before = bench.heap.calls;
    post_number(&bench, HWI_ROLE_PEER, 1000);
    assert_int_equal(drain_all(bench.drain, 1), 1001);
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
        cmocka_unit_test(a_failed_check_is_contained),
        cmocka_unit_test(a_check_that_fails_while_giving_up_is_contained_too),
        cmocka_unit_test(only_wake_at_may_be_said_to_the_clock),
        cmocka_unit_test(a_member_that_the_master_cannot_reach_fails),
        cmocka_unit_test(lists_are_copied_where_they_wait),
        cmocka_unit_test(messages_without_lists_allocate_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
