// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hawser/types.h>

#include "snapshot/fetch.h"
#include "tests/support/snapshot_fleet.h"

#define MIB ((uint64_t)HWI_BLOCK_BYTES)

static const uint64_t thirty = 30 * MIB;

// `nodes` members of which node 0 is the receiver, with all blocks wrong.
static void one_receiver(struct fleet *fleet, uint32_t nodes, uint64_t bytes)
{
    fleet_init(fleet, nodes, &bytes, 1);
    fleet_spoil_all(fleet, 0);
}

static void nothing_moves_when_hashes_agree(void **unused)
{
    (void)unused;
    struct fleet fleet;
    fleet_init(&fleet, 3, &thirty, 1);
    fleet_start(&fleet);
    fleet_go_all(&fleet, 1);
    fleet_check_equal(&fleet);
    fleet_end_all(&fleet, true);
    for (uint32_t n = 0; n < 3; n++) {
        assert_int_equal(fleet.nodes[n].pages_sent, 0);
        assert_int_equal(fleet.nodes[n].blocks_sent, 0);
        assert_int_equal(fleet.nodes[n].told_ended, 1);
        assert_int_equal(fleet.nodes[n].ended_last.sources, 0);
    }
    fleet_fini(&fleet);
}

static void three_sources_serve_a_third_each(void **unused)
{
    (void)unused;
    struct fleet fleet;
    one_receiver(&fleet, 4, thirty);
    fleet_start(&fleet);
    fleet_go_all(&fleet, 1);
    fleet_check_equal(&fleet);
    fleet_end_all(&fleet, true);
    for (uint32_t n = 1; n < 4; n++) {
        assert_in_range(fleet.nodes[n].blocks_sent, 9, 11);
    }
    assert_int_equal(fleet.nodes[0].blocks_received, 30);
    assert_int_equal(fleet.nodes[0].ended_last.sources, 3);
    assert_int_equal(fleet.nodes[0].ended_last.bytes_received, 30);
    assert_int_equal(fleet.nodes[2].ended_last.sources, 0);
    fleet_fini(&fleet);
}

static void only_blocks_that_differ_are_fetched(void **unused)
{
    (void)unused;
    struct fleet fleet;
    fleet_init(&fleet, 3, &thirty, 1);
    fleet_spoil(&fleet, 0, 3);
    fleet_spoil(&fleet, 0, 29);
    fleet_start(&fleet);
    fleet_go_all(&fleet, 1);
    fleet_check_equal(&fleet);
    assert_int_equal(fleet.nodes[0].blocks_received, 2);
    assert_int_equal(fleet.nodes[1].blocks_sent, 1);
    assert_int_equal(fleet.nodes[2].blocks_sent, 1);
    fleet_fini(&fleet);
}

static void fetch_all_of(const uint64_t *bytes, uint32_t tensors, uint32_t blocks)
{
    struct fleet fleet;
    fleet_init(&fleet, 3, bytes, tensors);
    assert_int_equal(fleet.block_count, blocks);
    fleet_spoil_all(&fleet, 0);
    fleet_start(&fleet);
    fleet_go_all(&fleet, 1);
    fleet_check_equal(&fleet);
    assert_int_equal(fleet.nodes[0].blocks_received, blocks);
    fleet_fini(&fleet);
}

static void tensors_of_all_sizes_are_fetched(void **unused)
{
    (void)unused;
    const uint64_t byte = 1, block = MIB, block_and_byte = MIB + 1;
    const uint64_t several[] = {1, MIB, MIB + 1, 5 * MIB - 1, 4};
    fetch_all_of(&byte, 1, 1);
    fetch_all_of(&block, 1, 1);
    fetch_all_of(&block_and_byte, 1, 2);
    fetch_all_of(several, 5, 10);
}

static void manifest_of_several_pages_is_fetched_with_a_window(void **unused)
{
    (void)unused;
    const uint64_t pages = 12;
    struct fleet fleet;
    fleet_init(&fleet, 2, &(uint64_t){(pages * HWI_MANIFEST_PAGE_MAX - 7) * MIB}, 1);
    fleet_spoil(&fleet, 0, 5);
    fleet_spoil(&fleet, 0, 11 * HWI_MANIFEST_PAGE_MAX + 3);
    fleet_start(&fleet);
    uint64_t before = fleet.now;
    fleet.nodes[1].block_ticks = 0;
    fleet_go_all(&fleet, 1);
    fleet_check_equal(&fleet);
    assert_int_equal(fleet.nodes[1].pages_sent, pages);
    assert_int_equal(fleet.nodes[0].blocks_received, 2);
    // One page alone, eight and three in flight together, then the blocks.
    assert_in_range(fleet.now - before, 1, 2 + 4 + 2 + 2);
    fleet_fini(&fleet);
}

static void slow_source_is_relieved_by_the_others(void **unused)
{
    (void)unused;
    struct fleet fleet;
    one_receiver(&fleet, 4, 300 * MIB);
    fleet.nodes[2].block_ticks = 200;
    fleet_start(&fleet);
    uint64_t before = fleet.now;
    fleet_go_all(&fleet, 1);
    fleet_check_equal(&fleet);
    // Alone with its third it would take 20000 ticks; two fast ones need 1500 for all of it.
    assert_in_range(fleet.now - before, 1400, 2400);
    assert_in_range(fleet.nodes[2].blocks_sent, 4, 12);
    assert_in_range(fleet.nodes[1].blocks_sent, 130, 160);
    assert_in_range(fleet.nodes[3].blocks_sent, 130, 160);
    fleet_fini(&fleet);
}

static void frozen_source_keeps_only_its_window(void **unused)
{
    (void)unused;
    struct fleet fleet;
    one_receiver(&fleet, 3, thirty);
    fleet.nodes[2].frozen = true;
    fleet_start(&fleet);
    fleet_go_all(&fleet, 1);
    assert_int_equal(fleet.nodes[0].told_done, 0);
    assert_int_equal(fleet.nodes[0].blocks_received, 30 - HWI_FETCH_WINDOW);
    fleet_end_all(&fleet, false);
    assert_int_equal(fleet.nodes[0].told_ended, 1);
    assert_int_equal(fleet.nodes[0].ended_last.sources, 1);
    fleet_fini(&fleet);
}

static void window_per_source_is_kept(void **unused)
{
    (void)unused;
    struct fleet fleet;
    one_receiver(&fleet, 4, 100 * MIB);
    fleet.nodes[1].corrupt = UINT32_MAX;
    fleet.nodes[2].block_ticks = 50;
    fleet_start(&fleet);
    fleet_go_all(&fleet, 2);
    fleet_check_equal(&fleet);
    assert_int_equal(fleet.nodes[0].in_flight_most, HWI_FETCH_WINDOW);
    fleet_fini(&fleet);
}

static void receivers_begin_at_different_sources(void **unused)
{
    (void)unused;
    struct fleet fleet;
    fleet_init(&fleet, 6, &thirty, 1);
    for (uint32_t n = 0; n < 3; n++) {
        fleet_spoil_all(&fleet, n); // all three alike
    }
    fleet_start(&fleet);
    fleet_go_all(&fleet, 5);
    fleet_check_equal(&fleet);
    for (uint32_t n = 3; n < 6; n++) {
        assert_int_equal(fleet.nodes[n].pages_sent, 1);
        assert_in_range(fleet.nodes[n].blocks_sent, 27, 33);
    }
    fleet_fini(&fleet);
}

static void number_of_sources_used_is_bounded(void **unused)
{
    (void)unused;
    struct fleet fleet;
    one_receiver(&fleet, FLEET_NODES_MAX, 400 * MIB);
    fleet_start(&fleet);
    fleet_go_all(&fleet, 1);
    fleet_check_equal(&fleet);
    fleet_end_all(&fleet, true);
    assert_int_equal(fleet.nodes[0].ended_last.sources, HWI_FETCH_SOURCES_MAX);
    fleet_fini(&fleet);
}

static void more_sources_than_blocks(void **unused)
{
    (void)unused;
    struct fleet fleet;
    one_receiver(&fleet, 8, 3 * MIB);
    fleet_start(&fleet);
    fleet_go_all(&fleet, 1);
    fleet_check_equal(&fleet);
    for (uint32_t n = 1; n < 8; n++) {
        assert_in_range(fleet.nodes[n].blocks_sent, 0, 1);
    }
    fleet_fini(&fleet);
}

// ---- sources that lie ---------------------------------------------------------------------------

// Node 0 (peer 10) of three begins at sources[10 % 2], which is node 1.
static void lying_source_is_left_for_the_next(void **unused)
{
    (void)unused;
    const enum fleet_lie lies[] = {FLEET_WRONG_HASH, FLEET_WRONG_TOTAL, FLEET_SHORT_PAGE,
                                   FLEET_LONG_PAGE,  FLEET_ODD_FIRST,   FLEET_FAR_FIRST};
    for (uint32_t i = 0; i < HWI_COUNT(lies); i++) {
        struct fleet fleet;
        one_receiver(&fleet, 3, thirty);
        fleet.nodes[1].lie = lies[i];
        fleet_start(&fleet);
        fleet_go_all(&fleet, 1);
        fleet_check_equal(&fleet);
        assert_int_equal(fleet.nodes[1].pages_sent, 1);
        assert_int_equal(fleet.nodes[2].pages_sent, 1);
        fleet_fini(&fleet);
    }
}

static void fault_when_all_manifests_are_wrong(void **unused)
{
    (void)unused;
    struct fleet fleet;
    one_receiver(&fleet, 3, 2000 * MIB);
    fleet.nodes[1].lie = FLEET_WRONG_HASH;
    fleet.nodes[2].lie = FLEET_SHORT_PAGE;
    fleet_start(&fleet);
    fleet_go_all(&fleet, 1);
    assert_int_equal(fleet.nodes[0].told_done, 0);
    assert_int_equal(fleet.nodes[0].told_fault, 1);
    assert_int_equal(fleet.nodes[0].fault_last.fault.status, HWS_E_WITHDRAWN);
    assert_int_equal(fleet.nodes[0].fault_last.fault.kind, HWI_KIND_SYNC);
    assert_int_equal(fleet.nodes[0].fault_last.fault.peer_a, fleet.nodes[2].peer);
    assert_int_equal(fleet.nodes[0].wants_sent, 0);
    fleet_end_all(&fleet, false);
    assert_int_equal(fleet.nodes[0].told_ended, 1);
    fleet_fini(&fleet);
}

static void pages_that_come_twice_or_for_another_sync_are_ignored(void **unused)
{
    (void)unused;
    struct fleet fleet;
    one_receiver(&fleet, 2, 3000 * MIB);
    fleet.nodes[1].lie = FLEET_TWICE;
    fleet.nodes[1].block_ticks = 1;
    fleet_start(&fleet);
    fleet_go_all(&fleet, 1);
    fleet_check_equal(&fleet);
    fleet_fini(&fleet);

    one_receiver(&fleet, 2, thirty);
    fleet.nodes[1].lie = FLEET_OTHER_OP;
    fleet_start(&fleet);
    fleet_go_all(&fleet, 1);
    assert_int_equal(fleet.nodes[0].told_fault + fleet.nodes[0].told_done, 0);
    fleet_fini(&fleet);
}

static void page_from_another_than_the_one_asked_is_ignored(void **unused)
{
    (void)unused;
    struct fleet fleet;
    one_receiver(&fleet, 3, thirty);
    fleet_start(&fleet);
    fleet_go(&fleet, 0, 1);
    fleet_run(&fleet); // the sources have not heard the plan
    struct hwi_digest bad[30] = {0};
    struct hwi_msg msg = {.type = HWI_MSG_manifest};
    msg.u.manifest =
        (struct hwi_msg_manifest){.op = fleet.op, .total = 30, .hashes = bad, .hashes_count = 30};
    fleet_tell(&fleet, 0, hwi_addr_of(HWI_ROLE_SNAPSHOT, fleet.nodes[2].peer), &msg);
    fleet_tell(&fleet, 0, hwi_addr_of(HWI_ROLE_SNAPSHOT, 999), &msg);
    fleet_go(&fleet, 1, 1);
    fleet_go(&fleet, 2, 1);
    fleet_run(&fleet);
    fleet_check_equal(&fleet);
    assert_int_equal(fleet.nodes[1].pages_sent, 1);
    assert_int_equal(fleet.nodes[2].pages_sent, 0);
    fleet_fini(&fleet);
}

static void wrong_block_comes_right_from_another_source(void **unused)
{
    (void)unused;
    struct fleet fleet;
    one_receiver(&fleet, 4, thirty);
    fleet.nodes[2].corrupt = 1;
    fleet_start(&fleet);
    fleet_go_all(&fleet, 1);
    fleet_check_equal(&fleet);
    assert_int_equal(fleet.nodes[0].blocks_received, 31);
    fleet_fini(&fleet);
}

static void block_meets_every_source_before_it_is_given_up(void **unused)
{
    (void)unused;
    struct fleet fleet;
    one_receiver(&fleet, 5, MIB);
    for (uint32_t n = 1; n < 4; n++) {
        fleet.nodes[n].corrupt = 1;
    }
    fleet_start(&fleet);
    fleet_go_all(&fleet, 1);
    fleet_check_equal(&fleet);
    for (uint32_t n = 1; n < 5; n++) {
        assert_in_range(fleet.nodes[n].blocks_sent, 0, 1);
    }
    fleet_fini(&fleet);
}

static void source_that_corrupts_all_is_made_good_by_the_others(void **unused)
{
    (void)unused;
    struct fleet fleet;
    one_receiver(&fleet, 4, 100 * MIB);
    fleet.nodes[3].corrupt = UINT32_MAX;
    fleet_start(&fleet);
    fleet_go_all(&fleet, 1);
    fleet_check_equal(&fleet);
    fleet_end_all(&fleet, true);
    assert_int_equal(fleet.nodes[0].ended_last.sources, 2);
    assert_int_equal(fleet.nodes[1].blocks_sent + fleet.nodes[2].blocks_sent, 100);
    fleet_fini(&fleet);
}

static void fault_when_a_block_is_wrong_from_all(void **unused)
{
    (void)unused;
    struct fleet fleet;
    one_receiver(&fleet, 3, thirty);
    fleet.nodes[1].corrupt = UINT32_MAX;
    fleet.nodes[2].corrupt = UINT32_MAX;
    fleet_start(&fleet);
    fleet_go_all(&fleet, 1);
    assert_int_equal(fleet.nodes[0].told_done, 0);
    assert_int_equal(fleet.nodes[0].told_fault, 1);
    assert_int_equal(fleet.nodes[0].fault_last.fault.status, HWS_E_WITHDRAWN);
    assert_int_not_equal(fleet.nodes[0].fault_last.fault.peer_a, 0);
    fleet_end_all(&fleet, false);
    assert_int_equal(fleet.nodes[0].told_ended, 1);
    assert_int_equal(fleet.nodes[0].ended_last.sources, 0);
    fleet_fini(&fleet);
}

// ---- what is cut --------------------------------------------------------------------------------

static void aborted_sync_keeps_what_came(void **unused)
{
    (void)unused;
    struct fleet fleet;
    one_receiver(&fleet, 4, thirty);
    fleet_start(&fleet);
    for (uint32_t n = 0; n < 4; n++) {
        fleet_go(&fleet, n, 1);
    }
    fleet_run_for(&fleet, 45);
    uint32_t before = fleet.nodes[0].blocks_received;
    assert_in_range(before, 6, 24);
    fleet_end_all(&fleet, false);
    assert_int_equal(fleet.nodes[0].told_ended, 1);
    assert_int_equal(fleet.nodes[0].told_done + fleet.nodes[0].told_fault, 0);
    assert_int_equal(fleet.nodes[0].blocks_received, before); // the rest found no rows

    for (uint32_t n = 0; n < 4; n++) {
        fleet.nodes[n].told_done = 0;
    }
    fleet_start(&fleet);
    fleet_go_all(&fleet, 1);
    fleet_check_equal(&fleet);
    assert_int_equal(fleet.nodes[0].blocks_received, 30);
    fleet_fini(&fleet);
}

static void gone_view_stops_the_fetch(void **unused)
{
    (void)unused;
    struct fleet fleet;
    one_receiver(&fleet, 3, thirty);
    fleet_start(&fleet);
    for (uint32_t n = 0; n < 3; n++) {
        fleet_go(&fleet, n, 1);
    }
    fleet_run_for(&fleet, 25);
    uint32_t wants = fleet.nodes[0].wants_sent;
    fleet_view(&fleet, 2);
    fleet_run(&fleet);
    assert_int_equal(fleet.nodes[0].wants_sent, wants);
    assert_int_equal(fleet.nodes[0].told_done + fleet.nodes[0].told_fault, 0);
    fleet_end_all(&fleet, false);
    assert_int_equal(fleet.nodes[0].told_ended, 1);

    fleet.op = (struct hwi_op){.view = 2, .kind = HWI_KIND_SYNC};
    for (uint32_t n = 0; n < 3; n++) {
        fleet.nodes[n].told_done = 0;
    }
    fleet_start(&fleet);
    fleet_go_all(&fleet, 1);
    fleet_check_equal(&fleet);
    fleet_fini(&fleet);
}

static void no_usable_source_is_a_fault(void **unused)
{
    (void)unused;
    struct fleet fleet;
    one_receiver(&fleet, 2, thirty);
    fleet_start(&fleet);
    struct hwi_id ids[] = {{fleet.nodes[0].peer}, {999}}; // itself, and nobody
    struct hwi_msg msg = {.type = HWI_MSG_sync_go};
    msg.u.sync_go = (struct hwi_msg_sync_go){
        .op = fleet.op, .root = {1, 1}, .sources = ids, .sources_count = 2};
    fleet_tell(&fleet, 0, hwi_addr_of(HWI_ROLE_PEER, 0), &msg);
    msg.u.sync_go.sources_count = 0;
    fleet_tell(&fleet, 1, hwi_addr_of(HWI_ROLE_PEER, 0), &msg);
    fleet_run(&fleet);
    assert_int_equal(fleet.nodes[0].told_fault, 1);
    assert_int_equal(fleet.nodes[1].told_fault, 1);
    assert_int_equal(fleet.nodes[0].fault_last.fault.status, HWS_E_WITHDRAWN);
    fleet_fini(&fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_moves_when_hashes_agree),
        cmocka_unit_test(three_sources_serve_a_third_each),
        cmocka_unit_test(only_blocks_that_differ_are_fetched),
        cmocka_unit_test(tensors_of_all_sizes_are_fetched),
        cmocka_unit_test(manifest_of_several_pages_is_fetched_with_a_window),
        cmocka_unit_test(slow_source_is_relieved_by_the_others),
        cmocka_unit_test(frozen_source_keeps_only_its_window),
        cmocka_unit_test(window_per_source_is_kept),
        cmocka_unit_test(receivers_begin_at_different_sources),
        cmocka_unit_test(number_of_sources_used_is_bounded),
        cmocka_unit_test(more_sources_than_blocks),
        cmocka_unit_test(lying_source_is_left_for_the_next),
        cmocka_unit_test(fault_when_all_manifests_are_wrong),
        cmocka_unit_test(pages_that_come_twice_or_for_another_sync_are_ignored),
        cmocka_unit_test(page_from_another_than_the_one_asked_is_ignored),
        cmocka_unit_test(wrong_block_comes_right_from_another_source),
        cmocka_unit_test(block_meets_every_source_before_it_is_given_up),
        cmocka_unit_test(source_that_corrupts_all_is_made_good_by_the_others),
        cmocka_unit_test(fault_when_a_block_is_wrong_from_all),
        cmocka_unit_test(aborted_sync_keeps_what_came),
        cmocka_unit_test(gone_view_stops_the_fetch),
        cmocka_unit_test(no_usable_source_is_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
