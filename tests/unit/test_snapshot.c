// SPDX-License-Identifier: MIT
// The life of a sync in one snapshot actor: hashing, the messages to the peer, the end, failed
// checks.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <hawser/types.h>

#include "snapshot/snapshot.h"
#include "tests/support/snapshot_fleet.h"

#define MIB ((uint64_t)HWI_BLOCK_BYTES)

static const uint64_t thirty = 30 * MIB;

static void state_is_hashed_with_a_window(void **unused)
{
    (void)unused;
    struct fleet fleet;
    fleet_init(&fleet, 2, &thirty, 1);
    fleet_spoil(&fleet, 0, 29);
    fleet_start(&fleet);
    for (uint32_t n = 0; n < 2; n++) {
        assert_int_equal(fleet.nodes[n].hashed, 30);
        assert_int_equal(fleet.nodes[n].hashes_open_most, HWI_HASH_WINDOW);
        assert_int_equal(fleet.nodes[n].told_hashed, 1);
        assert_true(hwi_op_equal(fleet.nodes[n].hashed_last.op, fleet.op));
    }
    const struct hwi_msg_state_hashed *a = &fleet.nodes[0].hashed_last;
    const struct hwi_msg_state_hashed *b = &fleet.nodes[1].hashed_last;
    assert_false(hwi_hash_equal(a->root, b->root));
    assert_true(hwi_hash_equal(a->layout, b->layout));
    fleet_fini(&fleet);
}

static void every_sync_hashes_again(void **unused)
{
    (void)unused;
    struct fleet fleet;
    fleet_init(&fleet, 2, &thirty, 1);
    fleet_start(&fleet);
    struct hwi_hash root = fleet.nodes[0].hashed_last.root;
    fleet_go_all(&fleet, 1);
    fleet_end_all(&fleet, true);
    fleet_spoil(&fleet, 0, 4);
    fleet_start(&fleet);
    assert_false(hwi_hash_equal(fleet.nodes[0].hashed_last.root, root));
    assert_true(hwi_hash_equal(fleet.nodes[1].hashed_last.root, root));
    fleet_fini(&fleet);
}

static void received_state_has_the_elected_root(void **unused)
{
    (void)unused;
    struct fleet fleet;
    fleet_init(&fleet, 2, &thirty, 1);
    fleet_spoil_all(&fleet, 0);
    fleet_start(&fleet);
    fleet_go_all(&fleet, 1);
    fleet_end_all(&fleet, true);
    fleet_start(&fleet);
    assert_true(hwi_hash_equal(fleet.nodes[0].hashed_last.root, fleet.nodes[1].hashed_last.root));
    fleet_fini(&fleet);
}

static void end_waits_for_hashes_under_way(void **unused)
{
    (void)unused;
    struct fleet fleet;
    fleet_init(&fleet, 1, &thirty, 1);
    struct hwi_msg msg = {.type = HWI_MSG_sync_start};
    msg.u.sync_start.op = fleet.op;
    fleet_tell(&fleet, 0, hwi_addr_of(HWI_ROLE_PEER, 0), &msg);
    fleet_run_for(&fleet, 0);
    assert_int_equal(fleet.nodes[0].hashes_open, HWI_HASH_WINDOW);
    fleet_end(&fleet, 0, false);
    fleet_run_for(&fleet, 0);
    assert_int_equal(fleet.nodes[0].quiesces, 0);
    fleet_run(&fleet); // quiesce checks that none is open
    assert_int_equal(fleet.nodes[0].hashed, HWI_HASH_WINDOW);
    assert_int_equal(fleet.nodes[0].told_hashed, 0);
    assert_int_equal(fleet.nodes[0].told_ended, 1);

    fleet.op.seq++;
    fleet_start(&fleet);
    assert_int_equal(fleet.nodes[0].told_hashed, 1);
    assert_int_equal(fleet.nodes[0].hashed, HWI_HASH_WINDOW + 30);
    fleet_fini(&fleet);
}

static void layout_of_another_source_never_gives_the_root(void **unused)
{
    (void)unused;
    struct fleet fleet, other;
    const uint64_t two[] = {MIB, MIB}, one = 2 * MIB; // two blocks both ways
    fleet_init(&fleet, 2, &one, 1);
    fleet_init(&other, 1, two, 2);
    void *mine = fleet.nodes[0].state; // member 0 has the other layout
    fleet.nodes[0].state = other.nodes[0].state;
    other.nodes[0].state = mine;
    fleet_view(&fleet, 1);
    fleet_start(&fleet);
    assert_false(
        hwi_hash_equal(fleet.nodes[0].hashed_last.layout, fleet.nodes[1].hashed_last.layout));
    fleet_go_all(&fleet, 1);
    assert_int_equal(fleet.nodes[0].told_done, 0);
    assert_int_equal(fleet.nodes[0].told_fault, 1);
    assert_int_equal(fleet.nodes[0].wants_sent, 0);
    fleet_fini(&fleet);
    fleet_fini(&other);
}

// ---- going without hashes

// Starts a sync with `verify`, goes and commits; true if all went without hashing.
static bool sync_unhashed(struct fleet *fleet, uint64_t revision)
{
    uint32_t hashed = fleet->nodes[0].hashed, unhashed = 0;
    fleet->verify = true;
    fleet->revision = revision;
    fleet_start(fleet);
    for (uint32_t n = 0; n < fleet->node_count; n++) {
        unhashed += fleet->nodes[n].hashed_last.unhashed;
    }
    assert_true(unhashed == 0 || unhashed == fleet->node_count);
    assert_int_equal(fleet->nodes[0].hashed - hashed, unhashed == 0 ? 30 : 0);
    fleet_go_all(fleet, 0);
    fleet_end_all(fleet, true);
    return unhashed > 0;
}

static void an_unchanged_state_is_not_hashed(void **unused)
{
    (void)unused;
    struct fleet fleet;
    fleet_init(&fleet, 2, &thirty, 1);
    assert_false(sync_unhashed(&fleet, 7)); // none before it
    struct hwi_hash root = fleet.nodes[0].hashed_last.root;
    assert_int_equal(fleet.nodes[0].hashed_last.tensors_count, 1);
    assert_true(sync_unhashed(&fleet, 7));
    assert_true(sync_unhashed(&fleet, 8)); // one step
    assert_true(sync_unhashed(&fleet, 9)); // and one more
    assert_true(hwi_hash_equal(fleet.nodes[1].hashed_last.root, root));
    assert_int_equal(fleet.nodes[1].hashed_last.tensors_count, 0); // the run's layout is known
    assert_false(sync_unhashed(&fleet, 11));
    assert_false(sync_unhashed(&fleet, 10)); // not on, but back
    assert_true(sync_unhashed(&fleet, 10));
    fleet_view(&fleet, 2);
    fleet.op = (struct hwi_op){.view = 2, .kind = HWI_KIND_SYNC};
    assert_false(sync_unhashed(&fleet, 10));
    assert_true(sync_unhashed(&fleet, 11));
    fleet_fini(&fleet);
}

static void a_sync_that_was_aborted_proves_nothing(void **unused)
{
    (void)unused;
    struct fleet fleet;
    fleet_init(&fleet, 2, &thirty, 1);
    assert_false(sync_unhashed(&fleet, 7));
    fleet.revision = 8;
    fleet_start(&fleet);
    fleet_go_all(&fleet, 0);
    fleet_end_all(&fleet, false);
    assert_false(sync_unhashed(&fleet, 9)); // the last one committed was 7
    fleet_fini(&fleet);
}

static void hashes_come_after_all_if_they_are_asked_for(void **unused)
{
    (void)unused;
    struct fleet fleet;
    fleet_init(&fleet, 2, &thirty, 1);
    assert_false(sync_unhashed(&fleet, 7));
    fleet_spoil(&fleet, 1, 3); // which the revision does not tell
    fleet.verify = true;
    fleet_start(&fleet);
    assert_true(fleet.nodes[1].hashed_last.unhashed);
    fleet.verify = false;
    fleet_start(&fleet);
    assert_int_equal(fleet.nodes[1].told_hashed, 3);
    assert_false(fleet.nodes[1].hashed_last.unhashed);
    fleet_go_all(&fleet, 0);
    assert_int_equal(fleet.nodes[1].blocks_received, 1);
    fleet_end_all(&fleet, true);
    assert_int_equal(fleet.nodes[1].told_fault, 0);
    fleet_fini(&fleet);
}

static void a_state_without_blocks_is_synced(void **unused)
{
    (void)unused;
    struct fleet fleet;
    const uint64_t none = 0;
    fleet_init(&fleet, 2, &none, 1);
    fleet_start(&fleet);
    assert_true(hwi_hash_equal(fleet.nodes[0].hashed_last.root, fleet.nodes[1].hashed_last.root));
    fleet_go_all(&fleet, 0);
    fleet_end_all(&fleet, true);
    for (uint32_t n = 0; n < 2; n++) {
        assert_int_equal(fleet.nodes[n].hashed, 0);
        assert_int_equal(fleet.nodes[n].told_done, 1);
        assert_int_equal(fleet.nodes[n].told_ended, 1);
    }
    fleet_fini(&fleet);
}

static void moving_is_timed_where_something_was_missing(void **unused)
{
    (void)unused;
    struct fleet fleet;
    fleet_init(&fleet, 2, &thirty, 1);
    fleet.nodes[1].block_ticks = 10000; // ns
    fleet_spoil_all(&fleet, 0);
    fleet_start(&fleet);
    fleet_go_all(&fleet, 1);
    fleet_end_all(&fleet, true);
    assert_in_range(fleet.nodes[0].ended_last.move_us, 30 * 10, 31 * 10);
    assert_int_equal(fleet.nodes[1].ended_last.move_us, 0);
    fleet_fini(&fleet);
}

// ---- failed checks ------------------------------------------------------------------------------

// Steps with what a drain would have done; true if a check failed.
static bool step_fails(struct fleet *fleet, struct hwi_addr from, const struct hwi_msg *msg)
{
    struct hwi_event event = {.from = from, .msg = msg};
    struct hwi_trap trap;
    hwi_effects_reset(&fleet->effects);
    hwi_trap_enter(&trap);
    if (setjmp(trap.landing) != 0) {
        hwi_trap_leave(&trap);
        hwi_effects_reset(&fleet->effects);
        hwi_snapshot_ops.failed(fleet->nodes[0].state, 0, &fleet->effects);
        return true;
    }
    hwi_snapshot_ops.step(fleet->nodes[0].state, &event, &fleet->effects);
    hwi_trap_leave(&trap);
    return false;
}

static void check_internal_fault(const struct fleet *fleet)
{
    assert_int_equal(fleet->effects.count, 1);
    const struct hwi_envelope *e = &fleet->effects.items[0];
    assert_int_equal(e->to.role, HWI_ROLE_PEER);
    assert_int_equal(e->msg.type, HWI_MSG_op_fault);
    assert_true(hwi_op_equal(e->msg.u.op_fault.op, fleet->op));
    assert_int_equal(e->msg.u.op_fault.fault.status, HWS_E_INTERNAL);
}

static void second_sync_at_once_is_a_failed_check(void **unused)
{
    (void)unused;
    struct fleet fleet;
    fleet_init(&fleet, 1, &thirty, 1);
    fleet_start(&fleet);
    struct hwi_msg msg = {.type = HWI_MSG_sync_start};
    msg.u.sync_start.op = fleet.op;
    msg.u.sync_start.op.seq++;
    assert_true(step_fails(&fleet, hwi_addr_of(HWI_ROLE_PEER, 0), &msg));
    check_internal_fault(&fleet);
    hwi_effects_reset(&fleet.effects);
    fleet_go(&fleet, 0, 0); // not Done any more
    fleet_run(&fleet);
    assert_int_equal(fleet.nodes[0].told_done, 0);
    fleet_end_all(&fleet, false);
    assert_int_equal(fleet.nodes[0].told_ended, 1);
    fleet_fini(&fleet);
}

static void failed_check_without_a_sync_says_nothing(void **unused)
{
    (void)unused;
    struct fleet fleet;
    fleet_init(&fleet, 1, &thirty, 1);
    struct hwi_msg msg = {.type = HWI_MSG_op_end};
    assert_true(step_fails(&fleet, hwi_addr_of(HWI_ROLE_PEER, 0), &msg));
    assert_int_equal(fleet.effects.count, 0);
    msg = (struct hwi_msg){.type = HWI_MSG_state_layout}; // no tensors
    assert_true(step_fails(&fleet, hwi_addr_of(HWI_ROLE_TRAINER, 0), &msg));
    assert_int_equal(fleet.effects.count, 0);
    msg = (struct hwi_msg){.type = HWI_MSG_sync_start}; // nothing to sync
    msg.u.sync_start.op = fleet.op;
    assert_true(step_fails(&fleet, hwi_addr_of(HWI_ROLE_PEER, 0), &msg));
    check_internal_fault(&fleet);
    hwi_effects_reset(&fleet.effects);
    fleet_fini(&fleet);
}

// A failed step's requests are dropped: with `lost`, no answer to what was asked will ever come.
static void fail_while_hashing(bool lost)
{
    struct fleet fleet;
    fleet_init(&fleet, 1, &thirty, 1);
    struct hwi_msg msg = {.type = HWI_MSG_sync_start};
    msg.u.sync_start.op = fleet.op;
    fleet_tell(&fleet, 0, hwi_addr_of(HWI_ROLE_PEER, 0), &msg);
    fleet_run_for(&fleet, 0);
    struct hwi_msg bad = {.type = HWI_MSG_block_hashed};
    bad.u.block_hashed.block = 30;
    assert_true(step_fails(&fleet, hwi_addr_of(HWI_ROLE_DATA, 0), &bad));
    check_internal_fault(&fleet);
    hwi_effects_reset(&fleet.effects);
    if (lost) {
        fleet.post_count = fleet.nodes[0].hashes_open = 0; // they own no lists
    }
    fleet_run(&fleet);
    fleet_end_all(&fleet, false);
    assert_int_equal(fleet.nodes[0].told_hashed, 0);
    assert_int_equal(fleet.nodes[0].told_ended, 1);
    fleet_fini(&fleet);
}

static void failed_check_while_hashing_ends_in_order(void **unused)
{
    (void)unused;
    fail_while_hashing(false);
    fail_while_hashing(true);
}

static void block_nobody_was_asked_for_is_a_failed_check(void **unused)
{
    (void)unused;
    struct fleet fleet;
    fleet_init(&fleet, 2, &thirty, 1);
    fleet_spoil_all(&fleet, 0);
    fleet.nodes[1].frozen = true;
    fleet_start(&fleet);
    fleet_go_all(&fleet, 1);
    struct hwi_msg msg = {.type = HWI_MSG_block_placed};
    msg.u.block_placed.op = fleet.op;
    msg.u.block_placed.from = fleet.nodes[1].peer;
    msg.u.block_placed.block = 29; // wanted, not asked yet
    assert_true(step_fails(&fleet, hwi_addr_of(HWI_ROLE_DATA, 0), &msg));
    check_internal_fault(&fleet);
    hwi_effects_reset(&fleet.effects);
    fleet_fini(&fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(state_is_hashed_with_a_window),
        cmocka_unit_test(every_sync_hashes_again),
        cmocka_unit_test(received_state_has_the_elected_root),
        cmocka_unit_test(end_waits_for_hashes_under_way),
        cmocka_unit_test(layout_of_another_source_never_gives_the_root),
        cmocka_unit_test(an_unchanged_state_is_not_hashed),
        cmocka_unit_test(a_sync_that_was_aborted_proves_nothing),
        cmocka_unit_test(hashes_come_after_all_if_they_are_asked_for),
        cmocka_unit_test(a_state_without_blocks_is_synced),
        cmocka_unit_test(moving_is_timed_where_something_was_missing),
        cmocka_unit_test(second_sync_at_once_is_a_failed_check),
        cmocka_unit_test(failed_check_without_a_sync_says_nothing),
        cmocka_unit_test(failed_check_while_hashing_ends_in_order),
        cmocka_unit_test(block_nobody_was_asked_for_is_a_failed_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
