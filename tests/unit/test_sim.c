// SPDX-License-Identifier: MIT
// The simulator itself, with tiny actors: who hears what and when, edges, faults, digest and
// replay.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "transport/sim/sim.h"

// ---- a master that gives peer ids, and proposes everybody to everybody at `min_members`

struct tiny_master {
    uint32_t wanted;
    uint32_t count;
    uint64_t sessions[8];
    struct hwi_member members[8];
};

static void *create_master(const struct hwi_alloc *alloc)
{
    (void)alloc;
    return hwi_new(&hwi_alloc_libc, sizeof(struct tiny_master));
}

static void propose(struct tiny_master *master, struct hwi_effects *effects)
{
    for (uint32_t i = 0; i < master->count; i++) {
        struct hwi_msg_propose *out =
            HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_PEER, master->sessions[i]), propose);
        out->view = 1;
        out->incarnation = master->sessions[i];
        out->members = hwi_effects_memory(effects, sizeof(master->members));
        out->members_count = master->count;
        memcpy(out->members, master->members, sizeof(master->members));
    }
}

static void step_master(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct tiny_master *master = state;
    if (event->msg->type == HWI_MSG_master_start) {
        master->wanted = event->msg->u.master_start.min_members;
    } else if (event->msg->type == HWI_MSG_registration) {
        struct hwi_member *member = &master->members[master->count];
        master->sessions[master->count++] = event->from.id;
        member->peer = master->count;
        member->incarnation = event->from.id;
        memcpy(member->address, event->msg->u.registration.address, sizeof(member->address));
        HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_PEER, event->from.id), welcome)->peer =
            master->count;
        if (master->count == master->wanted) {
            propose(master, effects);
        }
    } else if (event->msg->type == HWI_MSG_edge_lost) {
        uint64_t lost = event->msg->u.edge_lost.peer;
        (void)HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_PEER, master->sessions[lost - 1]), probe);
    } else if (event->msg->type == HWI_MSG_unreachable && event->from.id != master->sessions[0]) {
        (void)HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_PEER, master->sessions[0]), probe);
    }
}

// ---- a peer that registers, opens edges, and replies to its opening with how many came up

struct tiny_peer {
    uint64_t request, incarnation, self;
    uint32_t up, down, others;
    uint32_t calls;
};

static void *create_peer(const struct hwi_alloc *alloc)
{
    (void)alloc;
    return hwi_new(&hwi_alloc_libc, sizeof(struct tiny_peer));
}

static void on_open(struct tiny_peer *peer, const struct hwi_msg_open *open,
                    struct hwi_effects *effects)
{
    peer->request = open->request;
    peer->incarnation = open->incarnation;
    struct hwi_msg_registration *out =
        HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_MASTER, 0), registration);
    out->incarnation = open->incarnation;
    memcpy(out->address, open->address, sizeof(out->address));
}

static void on_propose(struct tiny_peer *peer, const struct hwi_msg_propose *proposal,
                       struct hwi_effects *effects)
{
    for (uint32_t i = 0; i < proposal->members_count; i++) {
        const struct hwi_member *member = &proposal->members[i];
        if (member->peer == peer->self) {
            continue;
        }
        struct hwi_msg_edge_open *out = HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_DATA, 0), edge_open);
        out->self = peer->self;
        out->self_incarnation = peer->incarnation;
        out->peer = member->peer;
        out->incarnation = member->incarnation;
        out->dial = peer->self > member->peer;
        out->stripes = 2;
        memcpy(out->address, member->address, sizeof(out->address));
        peer->others++;
    }
}

static void answer(struct hwi_effects *effects, uint64_t request, uint64_t value)
{
    struct hwi_msg_reply *out = HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_TRAINER, 0), reply);
    out->request = request;
    out->value = value;
}

static void on_request(struct tiny_peer *peer, const struct hwi_msg_request *request,
                       struct hwi_effects *effects)
{
    HWI_CHECK(request->value != 13);
    peer->calls++;
    answer(effects, request->request, peer->calls);
    HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_MASTER, 0), heartbeat)->sent = peer->calls;
}

static void step_peer(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct tiny_peer *peer = state;
    switch (event->msg->type) {
    case HWI_MSG_open:
        on_open(peer, &event->msg->u.open, effects);
        break;
    case HWI_MSG_welcome:
        peer->self = event->msg->u.welcome.peer;
        break;
    case HWI_MSG_propose:
        on_propose(peer, &event->msg->u.propose, effects);
        break;
    case HWI_MSG_request:
        on_request(peer, &event->msg->u.request, effects);
        break;
    case HWI_MSG_edge_up:
    case HWI_MSG_edge_down:
        peer->up += event->msg->type == HWI_MSG_edge_up;
        peer->down += event->msg->type == HWI_MSG_edge_down;
        if (peer->up + peer->down == peer->others) {
            answer(effects, peer->request, peer->up);
        } else if (peer->up + peer->down > peer->others) {
            HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_MASTER, 0), edge_lost)->peer =
                event->msg->u.edge_down.peer;
        }
        break;
    }
}

static void on_failed(void *state, uint64_t now_ns, struct hwi_effects *effects)
{
    (void)state;
    (void)now_ns;
    (void)effects;
}

static void destroy(void *state)
{
    hwi_free(&hwi_alloc_libc, state);
}

// ---- lanes with nothing to do

static void *create_idle(const struct hwi_alloc *alloc)
{
    (void)alloc;
    return hwi_new(&hwi_alloc_libc, 1);
}

static void step_idle(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    (void)state;
    (void)event;
    (void)effects;
}

static const struct hwi_actor_ops tiny_master = {"master",    HWI_ROLE_MASTER, create_master,
                                                 step_master, on_failed,       destroy};
static const struct hwi_actor_ops tiny_peer = {"peer",    HWI_ROLE_PEER, create_peer,
                                               step_peer, on_failed,     destroy};
static const struct hwi_actor_ops idle_reducer = {"reducer", HWI_ROLE_REDUCER, create_idle,
                                                  step_idle, on_failed,        destroy};
static const struct hwi_actor_ops idle_snapshot = {"snapshot", HWI_ROLE_SNAPSHOT, create_idle,
                                                   step_idle,  on_failed,         destroy};

static struct hwi_sim *start(uint32_t members)
{
    struct hwi_sim_config config = {
        .min_members = members,
        .control_ns = 5 * HWI_NS_PER_MS,
        .edge_ns = HWI_NS_PER_MS,
        .stripes = 2,
        .actors = {[HWI_ROLE_MASTER] = &tiny_master,
                   [HWI_ROLE_PEER] = &tiny_peer,
                   [HWI_ROLE_REDUCER] = &idle_reducer,
                   [HWI_ROLE_SNAPSHOT] = &idle_snapshot},
    };
    struct hwi_sim *sim = hwi_sim_create(&config);
    for (uint32_t i = 0; i < members; i++) {
        hwi_sim_member(sim, 1);
    }
    return sim;
}

static void run_ms(struct hwi_sim *sim, uint64_t ms)
{
    hwi_sim_run(sim, ms * HWI_NS_PER_MS);
}

static void finish(struct hwi_sim *sim)
{
    char error[4096] = "";
    bool equal = hwi_sim_replay(sim, error, sizeof(error));
    if (!equal) {
        fail_msg("%s", error);
    }
    hwi_sim_destroy(sim);
}

static uint64_t opened(struct hwi_sim *sim, uint32_t node)
{
    const struct hwi_msg_reply *reply = hwi_sim_reply(sim, node, 0);
    return reply != NULL ? reply->value : UINT64_MAX;
}

// ---- the tests

static void messages_arrive_after_the_delay_in_order(void **unused)
{
    (void)unused;
    struct hwi_sim *sim = start(2);
    run_ms(sim, 100);
    assert_string_equal(
        hwi_sim_transcript(sim),
        "[       5.000] member 0 > master: registration{incarnation=1000 address=\"sim:0\"}\n"
        "[       5.000] member 1 > master: registration{incarnation=1001 address=\"sim:1\"}\n"
        "[      10.000] master > member 0: welcome{peer=1}\n"
        "[      10.000] master > member 1: welcome{peer=2}\n"
        "[      10.000] master > member 0: propose{view=1 incarnation=1000 members=["
        "{peer=1 incarnation=1000 address=\"sim:0\"} "
        "{peer=2 incarnation=1001 address=\"sim:1\"}]}\n"
        "[      10.000] master > member 1: propose{view=1 incarnation=1001 members=["
        "{peer=1 incarnation=1000 address=\"sim:0\"} "
        "{peer=2 incarnation=1001 address=\"sim:1\"}]}\n"
        "[      12.000] member 1: reply{value=1}\n"
        "[      12.000] member 0: reply{value=1}\n");
    assert_int_equal(hwi_sim_now(sim), 100 * HWI_NS_PER_MS);
    finish(sim);
}

static void a_broken_edge_is_noticed_by_both(void **unused)
{
    (void)unused;
    struct hwi_sim *sim = start(2);
    run_ms(sim, 100);
    hwi_sim_mark(sim);
    hwi_sim_cut_edge(sim, 0, 1, false);
    run_ms(sim, 100);
    const char *lines = hwi_sim_transcript(sim);
    assert_non_null(strstr(lines, "[     106.000] member 0 > master: edge_lost{peer=2}"));
    assert_non_null(strstr(lines, "[     106.000] member 1 > master: edge_lost{peer=1}"));
    finish(sim);
}

static void a_dead_process_refuses_and_the_unreachable_hangs(void **unused)
{
    (void)unused;
    struct hwi_sim *sim = start(3);
    hwi_sim_unreachable(sim, 2);
    run_ms(sim, 7);
    hwi_sim_kill(sim, 0);
    run_ms(sim, 100);
    assert_int_equal(opened(sim, 1), UINT64_MAX);
    run_ms(sim, 5000);
    assert_int_equal(opened(sim, 2), 0);
    assert_false(hwi_sim_alive(sim, 0));
    assert_null(strstr(hwi_sim_transcript(sim), "> member 0"));
    finish(sim);
}

static void a_death_breaks_edges_and_the_control_link(void **unused)
{
    (void)unused;
    struct hwi_sim *sim = start(3);
    run_ms(sim, 100);
    hwi_sim_mark(sim);
    hwi_sim_kill(sim, 2);
    run_ms(sim, 100);
    const char *lines = hwi_sim_transcript(sim);
    assert_non_null(strstr(lines, "[     106.000] member 0 > master: edge_lost{peer=3}"));
    assert_non_null(strstr(lines, "[     106.000] member 1 > master: edge_lost{peer=3}"));
    assert_non_null(strstr(lines, "[     111.000] master > member 0: probe"));
    finish(sim);
}

static void a_frozen_process_hears_everything_after_the_thaw(void **unused)
{
    (void)unused;
    struct hwi_sim *sim = start(2);
    run_ms(sim, 7);
    hwi_sim_freeze(sim, 1);
    run_ms(sim, 93);
    assert_int_equal(opened(sim, 0), UINT64_MAX);
    assert_null(strstr(hwi_sim_transcript(sim), "> member 1"));
    hwi_sim_thaw(sim, 1);
    run_ms(sim, 100);
    assert_int_equal(opened(sim, 0), 1);
    assert_int_equal(opened(sim, 1), 1);
    finish(sim);
}

static void a_control_link_that_is_down_loses_messages(void **unused)
{
    (void)unused;
    struct hwi_sim *sim = start(2);
    hwi_sim_control(sim, 1, false);
    run_ms(sim, 100);
    assert_int_equal(opened(sim, 0), UINT64_MAX);
    hwi_sim_control(sim, 1, true);
    uint64_t call = hwi_sim_call(sim, 1, &(struct hwi_sim_call){.value = 1});
    run_ms(sim, 100);
    assert_non_null(hwi_sim_reply(sim, 1, call));
    assert_null(strstr(hwi_sim_transcript(sim), "registration{incarnation=1001"));
    finish(sim);
}

static void a_member_dies_just_before_the_chosen_event(void **unused)
{
    (void)unused;
    struct hwi_sim *sim = start(1);
    hwi_sim_kill_on(sim, 0, HWI_MSG_request, 2);
    uint64_t first = hwi_sim_call(sim, 0, &(struct hwi_sim_call){.value = 1});
    uint64_t second = hwi_sim_call(sim, 0, &(struct hwi_sim_call){.value = 1});
    run_ms(sim, 100);
    assert_non_null(hwi_sim_reply(sim, 0, first));
    assert_null(hwi_sim_reply(sim, 0, second));
    assert_false(hwi_sim_alive(sim, 0));
    finish(sim);

    sim = start(1);
    hwi_sim_kill_at(sim, 0, HWI_ROLE_PEER, 2);
    run_ms(sim, 100);
    assert_false(hwi_sim_alive(sim, 0));
    assert_non_null(strstr(hwi_sim_transcript(sim), "registration"));
    finish(sim);
}

static void a_failed_check_is_kept_and_the_process_lives(void **unused)
{
    (void)unused;
    struct hwi_sim *sim = start(1);
    run_ms(sim, 100);
    assert_null(hwi_sim_check_failure(sim));
    hwi_sim_call(sim, 0, &(struct hwi_sim_call){.value = 13});
    run_ms(sim, 100);
    assert_non_null(strstr(hwi_sim_check_failure(sim), "member 0's peer"));
    assert_true(hwi_sim_alive(sim, 0));
    finish(sim);
}

static uint64_t digest_of_a_run(uint64_t value)
{
    struct hwi_sim *sim = start(3);
    hwi_sim_call(sim, 1, &(struct hwi_sim_call){.value = value});
    run_ms(sim, 100);
    uint64_t digest = hwi_sim_digest(sim);
    finish(sim);
    return digest;
}

static void equal_runs_have_equal_digests(void **unused)
{
    (void)unused;
    assert_int_equal(digest_of_a_run(1), digest_of_a_run(1));
    assert_int_not_equal(digest_of_a_run(1), digest_of_a_run(2));
}

// An actor that is no function of its mailbox: every one made counts on.
static uint64_t steps_ever;

static void step_forgetful(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    step_peer(state, event, effects);
    HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_MASTER, 0), heartbeat)->sent = ++steps_ever;
}

static void replay_finds_an_actor_that_is_not_a_function(void **unused)
{
    (void)unused;
    struct hwi_actor_ops forgetful = tiny_peer;
    char error[4096] = "";
    forgetful.step = step_forgetful;
    struct hwi_sim_config config = {
        .min_members = 1,
        .actors = {[HWI_ROLE_MASTER] = &tiny_master,
                   [HWI_ROLE_PEER] = &forgetful,
                   [HWI_ROLE_REDUCER] = &idle_reducer,
                   [HWI_ROLE_SNAPSHOT] = &idle_snapshot},
    };
    struct hwi_sim *sim = hwi_sim_create(&config);
    hwi_sim_member(sim, 1);
    run_ms(sim, 1);
    assert_false(hwi_sim_replay(sim, error, sizeof(error)));
    assert_non_null(strstr(error, "member 0's peer, event 1 (open{"));
    assert_non_null(strstr(error, "expected to master heartbeat{sent=1}"));
    hwi_sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_arrive_after_the_delay_in_order),
        cmocka_unit_test(a_broken_edge_is_noticed_by_both),
        cmocka_unit_test(a_dead_process_refuses_and_the_unreachable_hangs),
        cmocka_unit_test(a_death_breaks_edges_and_the_control_link),
        cmocka_unit_test(a_frozen_process_hears_everything_after_the_thaw),
        cmocka_unit_test(a_control_link_that_is_down_loses_messages),
        cmocka_unit_test(a_member_dies_just_before_the_chosen_event),
        cmocka_unit_test(a_failed_check_is_kept_and_the_process_lives),
        cmocka_unit_test(equal_runs_have_equal_digests),
        cmocka_unit_test(replay_finds_an_actor_that_is_not_a_function),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
