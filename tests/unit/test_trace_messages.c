// SPDX-License-Identifier: MIT
// Master and peer pass on a tool's request for the whole run's trace, and nothing
// else changes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "actors/loop/player.h"

static struct hwi_player *player;
static uint64_t now_ns;

static const struct hwi_effects *hear(enum hwi_role role, uint64_t id, const struct hwi_msg *msg)
{
    struct hwi_event event = {now_ns += HWI_NS_PER_MS, hwi_addr_of(role, id), msg};
    const struct hwi_trap *failed;
    const struct hwi_effects *effects = hwi_player_step(player, &event, &failed);
    assert_null(failed);
    return effects;
}

static void register_peer(uint64_t incarnation)
{
    struct hwi_msg msg = {.type = HWI_MSG_registration};
    msg.u.registration.protocol = HWI_PROTOCOL;
    msg.u.registration.incarnation = incarnation;
    snprintf(msg.u.registration.address, HWI_ADDRESS_BYTES_MAX, "127.0.0.1:%u", 1);
    hear(HWI_ROLE_PEER, incarnation, &msg);
}

static void start_master(void)
{
    struct hwi_msg msg = {.type = HWI_MSG_master_start};
    player = hwi_player_create(&hwi_master_ops, &hwi_alloc_libc);
    msg.u.master_start = (struct hwi_msg_master_start){.run = 5,
                                                       .master = 6,
                                                       .min_members = 9,
                                                       .heartbeat_ms = 500,
                                                       .dead_ms = 5000,
                                                       .propose_ms = 5000};
    hear(HWI_ROLE_TRAINER, 0, &msg);
}

static uint32_t count_relays(const struct hwi_effects *effects, enum hwi_role role, uint64_t tool,
                             uint32_t bytes_per_s)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < effects->count; i++) {
        const struct hwi_envelope *e = &effects->items[i];
        if (e->msg.type != HWI_MSG_trace_relay || e->to.role != role) {
            continue;
        }
        count++;
        assert_int_equal(e->msg.u.trace_relay.tool, tool);
        assert_int_equal(e->msg.u.trace_relay.timeout_ms, 2500);
        assert_int_equal(e->msg.u.trace_relay.history, 77);
        assert_int_equal(e->msg.u.trace_relay.bytes_per_s, bytes_per_s);
    }
    return count;
}

static struct hwi_msg want(uint32_t bytes_per_s)
{
    struct hwi_msg msg = {.type = HWI_MSG_trace_want};
    msg.u.trace_want =
        (struct hwi_msg_trace_want){.timeout_ms = 2500, .bytes_per_s = bytes_per_s, .history = 77};
    return msg;
}

static void the_master_asks_all_and_shares_the_rate(void **state)
{
    (void)state;
    start_master();
    register_peer(100);
    register_peer(200);
    struct hwi_msg msg = want(900000);
    const struct hwi_effects *effects = hear(HWI_ROLE_TOOL, 42, &msg);
    assert_int_equal(count_relays(effects, HWI_ROLE_PEER, 42, 300000), 2);
    assert_int_equal(count_relays(effects, HWI_ROLE_RING, 42, 300000), 1);
    uint32_t told = 0;
    for (uint32_t i = 0; i < effects->count; i++) {
        const struct hwi_envelope *e = &effects->items[i];
        if (e->msg.type == HWI_MSG_trace_told && e->to.role == HWI_ROLE_TOOL && e->to.id == 42) {
            told = e->msg.u.trace_told.rings;
        }
    }
    assert_int_equal(told, 3);
    msg = want(100); // each may send a little
    effects = hear(HWI_ROLE_TOOL, 42, &msg);
    assert_int_equal(count_relays(effects, HWI_ROLE_PEER, 42, 2048), 2);
    hwi_player_destroy(player);
}

// They count as what the master said, so that a member notices when one is lost.
static void relays_are_counted_messages(void **state)
{
    (void)state;
    start_master();
    register_peer(100);
    struct hwi_msg msg = want(900000), beat = {.type = HWI_MSG_heartbeat};
    hear(HWI_ROLE_TOOL, 42, &msg);
    const struct hwi_effects *effects = hear(HWI_ROLE_PEER, 100, &beat);
    bool answered = false;
    for (uint32_t i = 0; i < effects->count; i++) {
        if (effects->items[i].msg.type == HWI_MSG_pong) {
            answered = true;
            assert_int_equal(effects->items[i].msg.u.pong.sent, 2); // welcome, trace_relay
        }
    }
    assert_true(answered);
    hwi_player_destroy(player);
}

static void a_peer_passes_it_to_its_ring(void **state)
{
    (void)state;
    struct hwi_msg open = {.type = HWI_MSG_open}, msg = {.type = HWI_MSG_trace_relay};
    open.u.open = (struct hwi_msg_open){
        .incarnation = 100, .request = 1, .timeout_ns = HWI_NS_PER_S, .min_members = 1};
    msg.u.trace_relay = (struct hwi_msg_trace_relay){
        .tool = 42, .timeout_ms = 2500, .bytes_per_s = 1000, .history = 77};
    player = hwi_player_create(&hwi_peer_ops, &hwi_alloc_libc);
    hear(HWI_ROLE_TRAINER, 0, &open);
    const struct hwi_effects *effects = hear(HWI_ROLE_MASTER, 0, &msg);
    assert_int_equal(count_relays(effects, HWI_ROLE_RING, 42, 1000), 1);
    hwi_player_destroy(player);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_master_asks_all_and_shares_the_rate),
        cmocka_unit_test(relays_are_counted_messages),
        cmocka_unit_test(a_peer_passes_it_to_its_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
