// SPDX-License-Identifier: MIT
// The shared state: what moves, what does not, and what happens when it is cut short.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/scenario.h"

// From a late joiner's sync until about half of the state has moved.
enum { MIDDLE_MS = 60 };

#define STATE_BYTES (UINT64_C(5) * HWI_BLOCK_BYTES + 12345)

// 20 MB/s per lane: a block takes about 50 ms, so there is a middle of a transfer.
static struct scenario *start_slow(uint32_t members)
{
    struct hwi_sim_config config = scenario_config;
    config.edge_bytes_per_s = 20000000;
    return scenario_start_with(&config, members);
}

static void everybody_syncs(struct scenario *s, uint32_t step, uint64_t revision)
{
    everybody(s, &(struct call){
                     .kind = HWI_KIND_SYNC, .step = step, .value = revision, .timeout_ms = 30000});
}

static void equal_states_move_nothing(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(3);
    for (uint32_t node = 0; node < 3; node++) {
        give_state(s, node, STATE_BYTES, 1);
    }
    for (uint32_t step = 1; step <= 2; step++) {
        uint64_t requests[3];
        for (uint32_t node = 0; node < 3; node++) {
            requests[node] = sync_state(s, node, step, step);
        }
        for (uint32_t node = 0; node < 3; node++) {
            const struct hwi_msg_reply *reply = expect_status(s, node, requests[node], HWS_OK);
            assert_int_equal(reply->bytes_sent + reply->bytes_received, 0);
            assert_int_equal(reply->sources, 0);
            assert_int_equal(reply->value, step);
        }
        everybody_all_reduces(s, step, 100);
    }
    expect_states(s, 1);
    scenario_end(s);
}

static void the_newest_revision_wins_and_comes_from_all_who_hold_it(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(3);
    uint64_t requests[3];
    for (uint32_t node = 0; node < 3; node++) {
        give_state(s, node, STATE_BYTES, node == 1 ? 1 : 2);
        requests[node] = sync_state(s, node, 1, node == 1 ? 4 : 5);
    }
    for (uint32_t node = 0; node < 3; node++) {
        const struct hwi_msg_reply *reply = expect_status(s, node, requests[node], HWS_OK);
        assert_int_equal(reply->value, 5);
        assert_int_equal(reply->sources, node == 1 ? 2 : 0);
        if (node == 1) {
            assert_in_range(reply->bytes_received, STATE_BYTES / 2, STATE_BYTES);
        }
    }
    expect_states(s, 2);
    scenario_end(s);
}

// Links of equal speed: each source carries about a third.
static void three_sources_share_a_large_state(void **unused)
{
    (void)unused;
    struct hwi_sim_config config = scenario_config;
    config.edge_bytes_per_s = 200000000;
    struct scenario *s = scenario_start_with(&config, 4);
    uint64_t requests[4], state_bytes = 64 * (uint64_t)HWI_BLOCK_BYTES;
    for (uint32_t node = 0; node < 4; node++) {
        give_state(s, node, state_bytes, node == 3 ? 2 : 1);
        requests[node] = sync_state(s, node, 1, node == 3 ? 0 : 1);
    }
    uint64_t sent = 0;
    for (uint32_t node = 0; node < 3; node++) {
        const struct hwi_msg_reply *reply = expect_status(s, node, requests[node], HWS_OK);
        assert_in_range(reply->bytes_sent, state_bytes / 5, state_bytes / 2);
        sent += reply->bytes_sent;
    }
    assert_int_equal(expect_status(s, 3, requests[3], HWS_OK)->bytes_received, sent);
    expect_states(s, 1);
    scenario_end(s);
}

static void only_blocks_that_differ_travel(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(3);
    for (uint32_t node = 0; node < 3; node++) {
        give_state(s, node, STATE_BYTES, 1);
    }
    s->states[2].bytes[HWI_BLOCK_BYTES + 7] ^= 1;
    uint64_t requests[3];
    for (uint32_t node = 0; node < 3; node++) {
        requests[node] = sync_state(s, node, 1, 1);
    }
    const struct hwi_msg_reply *reply = expect_status(s, 2, requests[2], HWS_OK);
    assert_in_range(reply->bytes_received, 1, HWI_BLOCK_BYTES);
    expect_status(s, 0, requests[0], HWS_OK);
    expect_status(s, 1, requests[1], HWS_OK);
    expect_states(s, 1);
    scenario_end(s);
}

// Somebody with another content is admitted; returns its node.
static uint32_t join_with_state(struct scenario *s, uint32_t seed)
{
    uint32_t newcomer = start_member(s);
    give_state(s, newcomer, STATE_BYTES, seed);
    run_ms(s, 100);
    everybody_admits(s);
    expect_open(s, newcomer, HWS_OK);
    return newcomer;
}

static void a_newcomer_never_outvotes_members(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(2);
    give_state(s, 0, STATE_BYTES, 1);
    give_state(s, 1, STATE_BYTES, 1);
    everybody_syncs(s, 1, 1);
    uint32_t newcomer = join_with_state(s, 3);
    uint64_t early = all_reduce(s, newcomer, 2, 10);
    (void)early;
    uint64_t a = all_reduce(s, 0, 2, 10), b = all_reduce(s, 1, 2, 10);
    expect_status(s, 0, a, HWS_OK);
    expect_status(s, 1, b, HWS_OK);
    everybody_syncs(s, 3, 2);
    expect_states(s, 1);
    scenario_end(s);
}

static void a_newer_state_is_sent_away_not_overwritten(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(2);
    give_state(s, 0, STATE_BYTES, 1);
    give_state(s, 1, STATE_BYTES, 1);
    everybody_syncs(s, 1, 1);
    uint32_t newcomer = join_with_state(s, 3);
    uint64_t a = sync_state(s, 0, 2, 2), b = sync_state(s, 1, 2, 2);
    expect_status(s, newcomer, sync_state(s, newcomer, 2, 9), HWS_E_AHEAD);
    s->out[newcomer] = true;
    expect_status(s, 0, a, HWS_E_MEMBER_LOST);
    expect_status(s, 1, b, HWS_E_MEMBER_LOST);
    expect_state(s, newcomer, 3);
    everybody_acknowledges(s);
    everybody_syncs(s, 3, 2);
    scenario_end(s);
}

// Members 0..2 hold the state; member 3 has just joined and holds nothing of it.
static struct scenario *start_with_late_joiner(void)
{
    struct scenario *s = start_slow(3);
    for (uint32_t node = 0; node < 3; node++) {
        give_state(s, node, STATE_BYTES, 1);
    }
    everybody_syncs(s, 1, 1);
    join_with_state(s, 2);
    return s;
}

static void begin_sync(struct scenario *s, uint32_t step, uint64_t requests[4])
{
    for (uint32_t node = 0; node < 4; node++) {
        requests[node] = make_call(s, node,
                                   &(struct call){.kind = HWI_KIND_SYNC,
                                                  .step = step,
                                                  .value = node == 3 ? 0 : 1,
                                                  .timeout_ms = 30000});
    }
}

static void a_late_joiners_source_dies(void **unused)
{
    (void)unused;
    struct scenario *s = start_with_late_joiner();
    uint64_t requests[4];
    begin_sync(s, 2, requests);
    run_ms(s, MIDDLE_MS);
    hwi_sim_kill(s->sim, 0);
    for (uint32_t node = 1; node < 4; node++) {
        expect_status(s, node, requests[node], HWS_E_MEMBER_LOST);
    }
    everybody_acknowledges(s);
    expect_status(s, 3, all_reduce(s, 3, 3, 10), HWS_E_NOT_SYNCED);
    everybody_acknowledges(s);
    begin_sync(s, 4, requests);
    for (uint32_t node = 1; node < 4; node++) {
        expect_status(s, node, requests[node], HWS_OK);
    }
    expect_states(s, 1);
    everybody_all_reduces(s, 5, 1000);
    scenario_end(s);
}

static void all_that_hold_the_state_die(void **unused)
{
    (void)unused;
    struct scenario *s = start_with_late_joiner();
    uint64_t requests[4];
    begin_sync(s, 2, requests);
    run_ms(s, MIDDLE_MS);
    for (uint32_t node = 0; node < 3; node++) {
        hwi_sim_kill(s->sim, node);
    }
    expect_status(s, 3, requests[3], HWS_E_MEMBER_LOST);
    acknowledge(s, 3);
    expect_status(s, 3, sync_state(s, 3, 4, 0), HWS_E_STATE_LOST);
    // It is finished; the run begins again with whoever comes.
    expect_status(s, 3, all_reduce(s, 3, 5, 10), HWS_E_STATE_LOST);
    s->out[3] = true;
    uint64_t begun[7];
    for (uint32_t node = 4; node < 7; node++) {
        start_member(s);
        give_state(s, node, 1 << 20, node);
    }
    for (uint32_t node = 4; node < 7; node++) {
        expect_open(s, node, HWS_OK);
        begun[node] = sync_state(s, node, 6, node);
    }
    for (uint32_t node = 4; node < 7; node++) {
        expect_status(s, node, begun[node], HWS_OK);
        expect_state(s, node, 6);
    }
    scenario_end(s);
}

static void a_member_leaves_during_a_sync(void **unused)
{
    (void)unused;
    struct scenario *s = start_with_late_joiner();
    uint64_t requests[4];
    begin_sync(s, 2, requests);
    run_ms(s, MIDDLE_MS);
    trainer_close(s->sim, 1);
    expect_status(s, 1, requests[1], HWS_E_CLOSED);
    for (uint32_t node = 0; node < 4; node++) {
        if (node != 1) {
            expect_status(s, node, requests[node], HWS_E_MEMBER_LOST);
        }
    }
    everybody_acknowledges(s);
    everybody_syncs(s, 4, 1);
    expect_states(s, 1);
    scenario_end(s);
}

static void the_receiver_dies_during_a_sync(void **unused)
{
    (void)unused;
    struct scenario *s = start_with_late_joiner();
    uint64_t requests[4];
    begin_sync(s, 2, requests);
    run_ms(s, MIDDLE_MS);
    hwi_sim_kill(s->sim, 3);
    for (uint32_t node = 0; node < 3; node++) {
        hws_status status = reply_of(s, node, requests[node])->status;
        assert_true(status == HWS_OK || status == HWS_E_MEMBER_LOST);
    }
    everybody_acknowledges(s);
    everybody_syncs(s, 4, 1);
    expect_states(s, 1);
    scenario_end(s);
}

static void a_state_with_other_tensors_is_removed(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(3);
    give_state(s, 0, STATE_BYTES, 1);
    give_state(s, 1, STATE_BYTES, 1);
    give_state(s, 2, STATE_BYTES + 1, 1);
    uint64_t odd = sync_state(s, 2, 1, 1);
    uint64_t a = sync_state(s, 0, 1, 1), b = sync_state(s, 1, 1, 1);
    expect_status(s, 2, odd, HWS_E_LAYOUT);
    s->out[2] = true;
    expect_status(s, 0, a, HWS_E_MEMBER_LOST);
    expect_status(s, 1, b, HWS_E_MEMBER_LOST);
    everybody_acknowledges(s);
    everybody_syncs(s, 2, 1);
    scenario_end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_states_move_nothing),
        cmocka_unit_test(the_newest_revision_wins_and_comes_from_all_who_hold_it),
        cmocka_unit_test(three_sources_share_a_large_state),
        cmocka_unit_test(only_blocks_that_differ_travel),
        cmocka_unit_test(a_newcomer_never_outvotes_members),
        cmocka_unit_test(a_newer_state_is_sent_away_not_overwritten),
        cmocka_unit_test(a_late_joiners_source_dies),
        cmocka_unit_test(all_that_hold_the_state_die),
        cmocka_unit_test(a_member_leaves_during_a_sync),
        cmocka_unit_test(the_receiver_dies_during_a_sync),
        cmocka_unit_test(a_state_with_other_tensors_is_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
