// SPDX-License-Identifier: MIT
// The errors of a sync that is impossible, the state that it leaves alone, and syncs without
// hashes. test_sync_rules.c tests who wins.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <hawser/state.h>

#include "tests/support/scenario.h"

enum { MEMBERS = 3, SMALL = 3 * HWI_BLOCK_BYTES / 2 };

static struct call sync_call(uint32_t step, uint64_t revision, uint8_t strategy, uint8_t verify)
{
    return (struct call){.kind = HWI_KIND_SYNC,
                         .step = step,
                         .value = revision,
                         .strategy = strategy,
                         .verify = verify,
                         .timeout_ms = 30000};
}

static uint64_t make_sync(struct scenario *s, uint32_t node, uint32_t step, uint64_t revision,
                          uint8_t strategy)
{
    struct call call = sync_call(step, revision, strategy, HWS_VERIFY_ALWAYS);
    return make_call(s, node, &call);
}

// ---- conflicts

static void two_that_only_send_are_both_named_and_the_run_continues(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(MEMBERS);
    uint64_t requests[MEMBERS];
    for (uint32_t node = 0; node < MEMBERS; node++) {
        give_state(s, node, SMALL, node);
        requests[node] =
            make_sync(s, node, 1, 5, node == 1 ? HWS_SYNC_ENFORCE : HWS_SYNC_SEND_ONLY);
    }
    for (uint32_t node = 0; node < MEMBERS; node++) {
        const struct hwi_msg_reply *reply = expect_status(s, node, requests[node], HWS_E_CONFLICT);
        assert_int_equal(reply->fault.peer_a, s->peers[0]);
        assert_int_equal(reply->fault.peer_b, s->peers[2]);
        assert_int_equal(reply->bytes_received, 0);
        expect_state(s, node, node);
    }
    everybody_acknowledges(s);
    for (uint32_t node = 0; node < MEMBERS; node++) {
        requests[node] =
            make_sync(s, node, 2, 5, node == 2 ? HWS_SYNC_SEND_ONLY : HWS_SYNC_ENFORCE);
    }
    for (uint32_t node = 0; node < MEMBERS; node++) {
        expect_status(s, node, requests[node], HWS_OK);
    }
    expect_states(s, 2);
    everybody_all_reduces(s, 3, 1000);
    scenario_end(s);
}

// The view changes for all; the other group's sync runs again.
static void a_conflict_of_one_group_is_not_the_others(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start_groups(2, 2); // nodes 0, 2 and 1, 3
    uint64_t requests[4];
    for (uint32_t node = 0; node < 4; node++) {
        struct call call = sync_call(1, 5, HWS_SYNC_SEND_ONLY, HWS_VERIFY_ALWAYS);
        call.retry = 1;
        call.strategy = node == 3 ? HWS_SYNC_RECEIVE_ONLY : HWS_SYNC_SEND_ONLY;
        give_state(s, node, SMALL, node);
        requests[node] = make_call(s, node, &call);
    }
    for (uint32_t node = 0; node < 4; node++) {
        hws_status wanted = node % 2 == 0 ? HWS_E_CONFLICT : HWS_OK;
        const struct hwi_msg_reply *reply = expect_status(s, node, requests[node], wanted);
        assert_int_equal(reply->members_count, 2);
        expect_state(s, node, node == 3 ? 1 : node);
    }
    scenario_end(s);
}

// ---- tensors

struct given {
    const char *name;
    uint8_t dtype, may_differ;
    uint64_t bytes;
};

// Gives a member tensors one behind the other, filled from `seed`.
static void give_tensors(struct scenario *s, uint32_t node, const struct given *given,
                         uint32_t count, uint32_t seed)
{
    struct hwi_tensor tensors[8] = {{{0}, 0, 0, 0}};
    void *memory[8];
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        snprintf(tensors[i].name, sizeof tensors[i].name, "%s", given[i].name);
        tensors[i].dtype = given[i].dtype;
        tensors[i].bytes = given[i].bytes;
        tensors[i].may_differ = given[i].may_differ;
        bytes += given[i].bytes;
    }
    s->states[node] = (struct state){arena_take(&s->arena, bytes, 0), bytes};
    fill_state(s, node, seed);
    bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        memory[i] = given[i].bytes > 0 ? s->states[node].bytes + bytes : NULL;
        bytes += given[i].bytes;
    }
    hwi_sim_state(s->sim, node, tensors, memory, count);
}

static void empty_tensors_and_those_that_may_differ_are_left_alone(void **unused)
{
    (void)unused;
    static const struct given given[] = {{"none", HWS_F32, 0, 0},
                                         {"weights", HWS_U8, 0, SMALL},
                                         {"random", HWS_U64, 1, 4096},
                                         {"none, too", HWS_F32, 0, 0},
                                         {"step", HWS_U64, 0, 8}};
    struct scenario *s = scenario_start(2);
    uint64_t requests[2];
    for (uint32_t node = 0; node < 2; node++) {
        give_tensors(s, node, given, HWI_COUNT(given), node);
        requests[node] = make_sync(s, node, 1, 1 - node, HWS_SYNC_ENFORCE);
    }
    unsigned char *own = s->states[1].bytes + SMALL, *theirs = s->states[0].bytes + SMALL,
                  was[4096];
    memcpy(was, own, sizeof was);
    expect_status(s, 0, requests[0], HWS_OK);
    const struct hwi_msg_reply *reply = expect_status(s, 1, requests[1], HWS_OK);
    assert_in_range(reply->bytes_received, SMALL, SMALL + 8);
    assert_memory_equal(own, was, sizeof was);
    assert_memory_not_equal(own, theirs, sizeof was);
    assert_memory_equal(s->states[0].bytes, s->states[1].bytes, SMALL);
    assert_memory_equal(own + sizeof was, theirs + sizeof was, 8);
    everybody(s, &(struct call){.kind = HWI_KIND_SYNC, .step = 2, .value = 1}); // now equal
    scenario_end(s);
}

static void nothing_but_empty_tensors_can_be_synced(void **unused)
{
    (void)unused;
    static const struct given given[] = {{"none", HWS_F32, 0, 0}, {"own", HWS_F32, 1, 64}};
    struct scenario *s = scenario_start(2);
    for (uint32_t node = 0; node < 2; node++) {
        give_tensors(s, node, given, HWI_COUNT(given), node);
    }
    everybody(s, &(struct call){.kind = HWI_KIND_SYNC, .step = 1, .value = 1});
    everybody_all_reduces(s, 2, 10);
    expect_state(s, 0, 0);
    expect_state(s, 1, 1);
    scenario_end(s);
}

static void another_layout_is_named_by_its_first_tensor_that_differs(void **unused)
{
    (void)unused;
    static const struct given run[] = {
        {"w1", HWS_F32, 0, 400}, {"w2", HWS_F32, 0, 360}, {"b", HWS_F32, 0, 40}};
    static const struct {
        struct given odd[4];
        uint32_t count;
        const char *reason;
    } cases[] = {
        {{{"w1", HWS_F32, 0, 400}, {"w2", HWS_F32, 0, 400}, {"b", HWS_F32, 0, 40}},
         3,
         "tensor 1 is \"w2\" f32 x 100 here, \"w2\" f32 x 90 on member 1"},
        {{{"w1", HWS_F32, 0, 400}, {"w2", HWS_F32, 0, 360}, {"bias", HWS_BF16, 0, 40}},
         3,
         "tensor 2 is \"bias\" bf16 x 20 here, \"b\" f32 x 10 on member 1"},
        {{{"w1", HWS_F32, 0, 400}, {"w2", HWS_F32, 0, 360}},
         2,
         "tensor 2 is none here, \"b\" f32 x 10 on member 1"},
        {{{"w1", HWS_F32, 0, 400},
          {"w2", HWS_F32, 0, 360},
          {"b", HWS_F32, 0, 40},
          {"a name that is too long to be shown", HWS_U8, 0, 1}},
         4,
         "tensor 3 is \"a name that is too l..\" u8 x 1 here, none on member 1"},
        {{{"w1", HWS_F32, 0, 400}, {"w2", HWS_F32, 1, 360}, {"b", HWS_F32, 0, 40}},
         3,
         "tensor 1 is \"w2\" f32 x 90 (may differ) here, \"w2\" f32 x 90 on member 1"},
    };
    for (size_t i = 0; i < HWI_COUNT(cases); i++) {
        for (int newcomer = 0; newcomer < 2; newcomer++) {
            struct scenario *s = scenario_start(newcomer ? 2 : 3);
            for (uint32_t node = 0; node < 2; node++) {
                give_tensors(s, node, run, HWI_COUNT(run), 0);
            }
            if (newcomer) {
                everybody(s, &(struct call){.kind = HWI_KIND_SYNC, .step = 1, .value = 1});
                start_member(s);
                run_ms(s, 100);
                everybody_admits(s);
                expect_open(s, 2, HWS_OK);
            }
            give_tensors(s, 2, cases[i].odd, cases[i].count, 0);
            uint64_t a = make_sync(s, 0, 2, 1, 0), b = make_sync(s, 1, 2, 1, 0);
            const struct hwi_msg_reply *reply =
                expect_status(s, 2, make_sync(s, 2, 2, 1, 0), HWS_E_LAYOUT);
            assert_string_equal(reply->reason, cases[i].reason);
            s->out[2] = true;
            expect_status(s, 0, a, HWS_E_MEMBER_LOST);
            expect_status(s, 1, b, HWS_E_MEMBER_LOST);
            scenario_end(s);
        }
    }
}

// ---- without hashes

static bool has_root(const struct hwi_msg_reply *reply)
{
    return !hwi_hash_equal(reply->root, (struct hwi_hash){0, 0});
}

// All sync at these revisions; those of `always` hash. True if the result names a root.
static bool sync_all(struct scenario *s, uint32_t step, const uint64_t revisions[MEMBERS],
                     uint32_t always)
{
    uint64_t requests[MEMBERS];
    uint32_t roots = 0;
    for (uint32_t node = 0; node < MEMBERS; node++) {
        bool lazy = (always >> node & 1) == 0;
        struct call call = sync_call(step, revisions[node], HWS_SYNC_ENFORCE, lazy);
        requests[node] = make_call(s, node, &call);
    }
    for (uint32_t node = 0; node < MEMBERS; node++) {
        roots += has_root(expect_status(s, node, requests[node], HWS_OK));
    }
    assert_true(roots == 0 || roots == MEMBERS);
    return roots > 0;
}

static bool sync_at(struct scenario *s, uint32_t step, uint64_t revision, uint32_t always)
{
    const uint64_t revisions[MEMBERS] = {revision, revision, revision};
    return sync_all(s, step, revisions, always);
}

static struct scenario *start_synced(uint64_t edge_bytes_per_s)
{
    struct hwi_sim_config config = scenario_config;
    config.edge_bytes_per_s = edge_bytes_per_s;
    struct scenario *s = scenario_start_with(&config, MEMBERS);
    for (uint32_t node = 0; node < MEMBERS; node++) {
        give_state(s, node, SMALL, 1);
    }
    assert_true(sync_at(s, 1, 7, 0)); // the first is always hashed
    return s;
}

static void equal_steps_are_taken_on_trust(void **unused)
{
    (void)unused;
    struct scenario *s = start_synced(0);
    assert_false(sync_at(s, 2, 7, 0));
    assert_false(sync_at(s, 3, 8, 0));
    everybody_all_reduces(s, 4, 1000); // moves no view
    assert_false(sync_at(s, 5, 9, 0));
    s->states[1].bytes[5] ^= 1; // a stray write: unseen ...
    assert_false(sync_at(s, 6, 10, 0));
    assert_true(sync_at(s, 7, 10, 1)); // ... until one hashes, then all do
    expect_states(s, 1);
    assert_false(sync_at(s, 8, 11, 0));
    assert_true(sync_at(s, 9, 13, 0)); // two steps
    const uint64_t apart[MEMBERS] = {13, 14, 13};
    fill_state(s, 1, 2);
    assert_true(sync_all(s, 10, apart, 0)); // one went on
    expect_states(s, 2);
    scenario_end(s);
}

static void a_new_view_is_hashed(void **unused)
{
    (void)unused;
    struct scenario *s = start_synced(0);
    start_member(s);
    give_state(s, MEMBERS, SMALL, 3);
    run_ms(s, 100);
    everybody_admits(s);
    expect_open(s, MEMBERS, HWS_OK);
    struct call call = sync_call(2, 7, HWS_SYNC_ENFORCE, HWS_VERIFY_WHEN_CHANGED);
    everybody(s, &call);
    expect_states(s, 1);
    hwi_sim_kill(s->sim, MEMBERS);
    run_ms(s, 10000);
    everybody_acknowledges(s);
    assert_true(sync_at(s, 3, 8, 0));
    assert_false(sync_at(s, 4, 9, 0));
    scenario_end(s);
}

// The master's question, or the answer to it, is lost on the way at any moment.
static void asking_for_hashes_survives_a_lost_connection(void **unused)
{
    (void)unused;
    for (uint64_t at_us = 0; at_us < 30000; at_us += 1000) {
        struct scenario *s = start_synced(20000000);
        uint64_t requests[MEMBERS];
        snprintf(s->title, sizeof s->title, "lost after %llu us", (unsigned long long)at_us);
        s->states[1].bytes[5] ^= 1;
        for (uint32_t node = 0; node < MEMBERS; node++) {
            struct call call = sync_call(2, 8, HWS_SYNC_ENFORCE, node != 0);
            requests[node] = make_call(s, node, &call);
        }
        hwi_sim_run(s->sim, at_us * 1000);
        hwi_sim_control_lose(s->sim, 1, 50 * HWI_NS_PER_MS);
        for (uint32_t node = 0; node < MEMBERS; node++) {
            assert_true(has_root(expect_status(s, node, requests[node], HWS_OK)));
        }
        expect_states(s, 1);
        scenario_end(s);
    }
}

// ---- deaths

// Node 0 only sends, 1 enforces, 2 only receives, 3 enforces and has joined just now; all hold
// something else.
enum { MIXED = 4, EVENTS_MAX = 200 };

static const uint8_t mixed[MIXED] = {HWS_SYNC_SEND_ONLY, HWS_SYNC_ENFORCE, HWS_SYNC_RECEIVE_ONLY,
                                     HWS_SYNC_ENFORCE};

static struct scenario *start_mixed(void)
{
    struct hwi_sim_config config = scenario_config;
    config.edge_bytes_per_s = 50000000;
    struct scenario *s = scenario_start_with(&config, MIXED - 1);
    for (uint32_t node = 0; node < MIXED - 1; node++) {
        give_state(s, node, SMALL, 1);
    }
    everybody(s, &(struct call){.kind = HWI_KIND_SYNC, .step = 1, .value = 1});
    start_member(s);
    give_state(s, MIXED - 1, SMALL, 4);
    run_ms(s, 100);
    everybody_admits(s);
    expect_open(s, MIXED - 1, HWS_OK);
    fill_state(s, 1, 2);
    fill_state(s, 2, 3);
    return s;
}

// Of those that are left; all got it.
static hws_status same_status(struct scenario *s, const uint64_t *requests, uint32_t count)
{
    hws_status first = HWS_E_PENDING;
    for (uint32_t node = 0; node < count; node++) {
        if (is_up(s, node)) {
            hwi_sim_until(s->sim, node, requests[node], 10 * HWI_NS_PER_S);
        }
        if (!is_up(s, node)) {
            continue;
        }
        hws_status status = reply_of(s, node, requests[node])->status;
        first = first == HWS_E_PENDING ? status : first;
        assert_int_equal(status, first);
    }
    return first;
}

// The survivors have the sender's state, or got the same error and can sync again; the sender and
// its state were never touched. False once the moment lies behind the sync.
static bool dies_mixed(uint32_t victim, enum hwi_role role, uint32_t events)
{
    struct scenario *s = start_mixed();
    uint64_t requests[MIXED];
    snprintf(s->title, sizeof s->title, "member %u, role %d, event %u", victim, role, events);
    uint32_t before = hwi_sim_events(s->sim, victim, role);
    hwi_sim_kill_at(s->sim, victim, role, before + events + 1);
    for (uint32_t node = 0; node < MIXED; node++) {
        requests[node] = make_sync(s, node, 2, node == 3 ? 0 : 1, mixed[node]);
    }
    hws_status first = same_status(s, requests, MIXED);
    bool died = !hwi_sim_alive(s->sim, victim);
    assert_true(first == HWS_OK || (died && first == HWS_E_MEMBER_LOST));
    hwi_sim_kill_at(s->sim, victim, role, 0);
    expect_state(s, 0, 1);
    if (first == HWS_OK) {
        expect_states(s, 1);
    }
    run_ms(s, 10000);
    everybody_acknowledges(s);
    // Without the sender member 1's state is the run's: 2 may not send, 3 is a newcomer, and of 1
    // it is only known if it is whole.
    bool sender = victim != 0 || !died;
    for (uint32_t node = 0; node < MIXED; node++) {
        if (is_up(s, node)) {
            requests[node] = make_sync(s, node, 3, node == 3 ? 0 : 1, mixed[node]);
        }
    }
    first = same_status(s, requests, MIXED);
    assert_true(first == HWS_OK ||
                (!sender && (first == HWS_E_STATE_LOST || first == HWS_E_CONFLICT)));
    if (sender) {
        expect_states(s, 1);
    }
    scenario_end(s);
    return died;
}

typedef bool (*dies_fn)(uint32_t victim, enum hwi_role role, uint32_t events);

static void deaths_before_every_event(dies_fn dies, uint32_t members, enum hwi_role role)
{
    for (uint32_t victim = 0; victim < members; victim++) {
        uint32_t events = 0;
        while (dies(victim, role, events) && ++events < EVENTS_MAX) {
            if (role == HWI_ROLE_PEER && events > 14) {
                break; // nothing but heartbeats comes after that
            }
        }
        assert_in_range(events, 3, EVENTS_MAX - 1);
    }
}

static void a_death_at_any_event_of_the_peer(void **unused)
{
    (void)unused;
    deaths_before_every_event(dies_mixed, MIXED, HWI_ROLE_PEER);
}

static void a_death_at_any_event_of_the_snapshot(void **unused)
{
    (void)unused;
    deaths_before_every_event(dies_mixed, MIXED, HWI_ROLE_SNAPSHOT);
}

// All went on by one step, member 1 with a stray write; those of `always` hash. The survivors
// agree, and after a death the next sync is hashed and repairs the rest.
static bool dies_unhashed(uint32_t victim, enum hwi_role role, uint32_t events, uint32_t always)
{
    struct scenario *s = start_synced(20000000);
    uint64_t requests[MEMBERS];
    snprintf(s->title, sizeof s->title, "unhashed but %x: member %u, role %d, event %u", always,
             victim, role, events);
    s->states[1].bytes[5] ^= 1;
    uint32_t before = hwi_sim_events(s->sim, victim, role);
    hwi_sim_kill_at(s->sim, victim, role, before + events + 1);
    for (uint32_t node = 0; node < MEMBERS; node++) {
        struct call call = sync_call(2, 8, HWS_SYNC_ENFORCE, (always >> node & 1) == 0);
        requests[node] = make_call(s, node, &call);
    }
    hws_status status = same_status(s, requests, MEMBERS);
    bool died = !hwi_sim_alive(s->sim, victim);
    assert_true(status == HWS_OK || (died && status == HWS_E_MEMBER_LOST));
    hwi_sim_kill_at(s->sim, victim, role, 0);
    run_ms(s, 10000);
    everybody_acknowledges(s);
    struct call call = sync_call(3, 9, HWS_SYNC_ENFORCE, HWS_VERIFY_WHEN_CHANGED);
    for (uint32_t node = 0; node < MEMBERS; node++) {
        requests[node] = is_up(s, node) ? make_call(s, node, &call) : 0;
    }
    assert_int_equal(same_status(s, requests, MEMBERS), HWS_OK);
    uint32_t first = died && victim == 0 ? 1 : 0;
    for (uint32_t node = first; node < MEMBERS; node++) {
        if (is_up(s, node) && (died || always != 0)) { // some sync was hashed
            assert_memory_equal(s->states[node].bytes, s->states[first].bytes, SMALL);
        }
    }
    scenario_end(s);
    return died;
}

static bool dies_all_unhashed(uint32_t victim, enum hwi_role role, uint32_t events)
{
    return dies_unhashed(victim, role, events, 0);
}

static bool dies_asked_to_hash(uint32_t victim, enum hwi_role role, uint32_t events)
{
    return dies_unhashed(victim, role, events, 4);
}

static void a_death_at_any_event_without_hashes(void **unused)
{
    (void)unused;
    deaths_before_every_event(dies_all_unhashed, MEMBERS, HWI_ROLE_PEER);
    deaths_before_every_event(dies_all_unhashed, MEMBERS, HWI_ROLE_SNAPSHOT);
    deaths_before_every_event(dies_asked_to_hash, MEMBERS, HWI_ROLE_PEER);
    deaths_before_every_event(dies_asked_to_hash, MEMBERS, HWI_ROLE_SNAPSHOT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_that_only_send_are_both_named_and_the_run_continues),
        cmocka_unit_test(a_conflict_of_one_group_is_not_the_others),
        cmocka_unit_test(empty_tensors_and_those_that_may_differ_are_left_alone),
        cmocka_unit_test(nothing_but_empty_tensors_can_be_synced),
        cmocka_unit_test(another_layout_is_named_by_its_first_tensor_that_differs),
        cmocka_unit_test(equal_steps_are_taken_on_trust),
        cmocka_unit_test(a_new_view_is_hashed),
        cmocka_unit_test(asking_for_hashes_survives_a_lost_connection),
        cmocka_unit_test(a_death_at_any_event_of_the_peer),
        cmocka_unit_test(a_death_at_any_event_of_the_snapshot),
        cmocka_unit_test(a_death_at_any_event_without_hashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
