// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "snapshot/fetch.h"
#include "tests/support/snapshot_fleet.h"

#define MIB ((uint64_t)HWI_BLOCK_BYTES)

static const uint64_t thirty = 30 * MIB;

// Three members, all hashed; node 0 holds other bytes than the two others.
static void begin(struct fleet *fleet)
{
    fleet_init(fleet, 3, &thirty, 1);
    fleet_spoil_all(fleet, 0);
    fleet_start(fleet);
}

static void want_page(struct fleet *fleet, uint32_t node, uint64_t from, uint32_t first)
{
    struct hwi_msg msg = {.type = HWI_MSG_manifest_want};
    msg.u.manifest_want.op = fleet->op;
    msg.u.manifest_want.first = first;
    fleet_tell(fleet, node, hwi_addr_of(HWI_ROLE_SNAPSHOT, from), &msg);
}

static void want_blocks(struct fleet *fleet, uint32_t node, uint64_t from, struct hwi_block *blocks,
                        uint32_t count)
{
    struct hwi_msg msg = {.type = HWI_MSG_blocks_want};
    msg.u.blocks_want.op = fleet->op;
    msg.u.blocks_want.blocks = blocks;
    msg.u.blocks_want.blocks_count = count;
    fleet_tell(fleet, node, hwi_addr_of(HWI_ROLE_SNAPSHOT, from), &msg);
}

static void manifest_wanted_before_sync_go_is_served_then(void **unused)
{
    (void)unused;
    struct fleet fleet;
    begin(&fleet);
    fleet_go(&fleet, 0, 1);
    fleet_run(&fleet);
    assert_int_equal(fleet.nodes[1].pages_sent, 0);
    fleet_go(&fleet, 1, 1);
    fleet_run(&fleet);
    assert_int_equal(fleet.nodes[1].pages_sent, 1);
    assert_int_equal(fleet.nodes[1].blocks_sent, 30 - HWI_FETCH_WINDOW);
    assert_int_equal(fleet.nodes[2].blocks_sent, 0); // its window was asked before it knew
    fleet_go(&fleet, 2, 1);
    fleet_run(&fleet);
    assert_int_equal(fleet.nodes[2].blocks_sent, HWI_FETCH_WINDOW);
    fleet_check_equal(&fleet);
    fleet_fini(&fleet);
}

static void early_reader_of_a_long_manifest_gets_all_pages(void **unused)
{
    (void)unused;
    struct fleet fleet;
    fleet_init(&fleet, 2, &(uint64_t){UINT64_C(5) * HWI_MANIFEST_PAGE_MAX * MIB}, 1);
    fleet_spoil(&fleet, 0, 4321);
    fleet_start(&fleet);
    fleet_go(&fleet, 0, 1);
    fleet_run(&fleet);
    fleet_go(&fleet, 1, 1);
    fleet_run(&fleet);
    fleet_check_equal(&fleet);
    assert_int_equal(fleet.nodes[1].pages_sent, 5);
    fleet_fini(&fleet);
}

static void many_early_readers_are_all_served(void **unused)
{
    (void)unused;
    struct fleet fleet;
    fleet_init(&fleet, 40, &thirty, 1);
    for (uint32_t n = 0; n < 39; n++) {
        fleet_spoil(&fleet, n, n % 30);
    }
    fleet_start(&fleet);
    for (uint32_t n = 0; n < 39; n++) {
        fleet_go(&fleet, n, 39);
    }
    fleet_run(&fleet);
    fleet_go(&fleet, 39, 39);
    fleet_run(&fleet);
    fleet_check_equal(&fleet);
    assert_int_equal(fleet.nodes[39].pages_sent, 39);
    fleet_fini(&fleet);
}

static void a_member_without_the_elected_state_serves_nothing(void **unused)
{
    (void)unused;
    struct fleet fleet;
    begin(&fleet);
    want_page(&fleet, 0, 11, 0); // early
    want_blocks(&fleet, 0, 11, &(struct hwi_block){3}, 1);
    fleet.nodes[1].frozen = fleet.nodes[2].frozen = true;
    fleet_go(&fleet, 0, 1);
    fleet_run(&fleet);
    want_page(&fleet, 0, 11, 0); // while it asks for the manifest
    fleet_go(&fleet, 1, 1);
    fleet_go(&fleet, 2, 1);
    fleet_run(&fleet);
    want_page(&fleet, 0, 12, 0); // while it fetches
    want_blocks(&fleet, 0, 12, &(struct hwi_block){3}, 1);
    fleet_run(&fleet);
    assert_int_equal(fleet.nodes[0].pages_sent, 0);
    assert_int_equal(fleet.nodes[0].blocks_sent, 0);
    fleet_fini(&fleet);
}

static void want_for_other_operations(struct fleet *fleet)
{
    struct hwi_op op = fleet->op;
    const struct hwi_op others[] = {
        {.view = op.view - 1, .kind = op.kind, .seq = op.seq},
        {.view = op.view + 1, .kind = op.kind, .seq = op.seq},
        {.view = op.view, .kind = HWI_KIND_ALL_REDUCE, .seq = op.seq},
        {.view = op.view, .kind = op.kind, .tag = 1, .seq = op.seq},
        {.view = op.view, .kind = op.kind, .seq = op.seq - 1},
        {.view = op.view, .kind = op.kind, .seq = op.seq + 1},
    };
    for (uint32_t i = 0; i < HWI_COUNT(others); i++) {
        fleet->op = others[i];
        want_page(fleet, 1, 10, 0);
        want_blocks(fleet, 1, 10, &(struct hwi_block){3}, 1);
    }
    fleet->op = op;
}

static void only_the_open_sync_is_served(void **unused)
{
    (void)unused;
    struct fleet fleet;
    begin(&fleet);
    fleet_end_all(&fleet, false);
    fleet_start(&fleet);
    want_for_other_operations(&fleet);
    fleet_go(&fleet, 1, 1);
    fleet_run(&fleet);
    want_for_other_operations(&fleet);
    fleet_run(&fleet);
    assert_int_equal(fleet.nodes[1].told_done, 1);
    assert_int_equal(fleet.nodes[1].pages_sent, 0);
    assert_int_equal(fleet.nodes[1].blocks_sent, 0);
    fleet_fini(&fleet);
}

static void nothing_is_served_after_the_end(void **unused)
{
    (void)unused;
    struct fleet fleet;
    begin(&fleet);
    fleet_go(&fleet, 1, 1);
    fleet_end(&fleet, 1, true);
    want_page(&fleet, 1, 10, 0);
    want_blocks(&fleet, 1, 10, &(struct hwi_block){3}, 1);
    fleet_run(&fleet);
    want_page(&fleet, 1, 10, 0);
    want_blocks(&fleet, 1, 10, &(struct hwi_block){3}, 1);
    fleet_run(&fleet);
    assert_int_equal(fleet.nodes[1].told_ended, 1);
    assert_int_equal(fleet.nodes[1].pages_sent + fleet.nodes[1].blocks_sent, 0);
    fleet_fini(&fleet);
}

static void early_wants_of_a_gone_view_are_dropped(void **unused)
{
    (void)unused;
    struct fleet fleet;
    begin(&fleet);
    want_page(&fleet, 1, 10, 0);
    want_blocks(&fleet, 1, 10, &(struct hwi_block){3}, 1);
    fleet_view(&fleet, 2);
    fleet_end_all(&fleet, false);
    fleet.op = (struct hwi_op){.view = 2, .kind = HWI_KIND_SYNC};
    fleet_start(&fleet);
    fleet_go(&fleet, 1, 1);
    fleet_run(&fleet);
    assert_int_equal(fleet.nodes[1].pages_sent + fleet.nodes[1].blocks_sent, 0);
    fleet_fini(&fleet);
}

// ---- hostile members ----------------------------------------------------------------------------

static void strangers_are_not_served(void **unused)
{
    (void)unused;
    struct fleet fleet;
    begin(&fleet);
    want_page(&fleet, 1, 999, 0);
    fleet_go(&fleet, 1, 1);
    fleet_run(&fleet);
    want_page(&fleet, 1, 999, 0);
    want_blocks(&fleet, 1, 999, &(struct hwi_block){3}, 1);
    fleet_run(&fleet);
    assert_int_equal(fleet.nodes[1].pages_sent + fleet.nodes[1].blocks_sent, 0);
    fleet_fini(&fleet);
}

static void blocks_and_pages_that_do_not_exist_are_ignored(void **unused)
{
    (void)unused;
    struct fleet fleet;
    begin(&fleet);
    struct hwi_block blocks[] = {{UINT32_MAX}, {30}, {31}, {29}};
    want_page(&fleet, 1, 12, 1); // early
    want_blocks(&fleet, 1, 12, blocks, 3);
    fleet_go(&fleet, 1, 1);
    fleet_run(&fleet);
    want_page(&fleet, 1, 12, 1);
    want_page(&fleet, 1, 12, 30);
    want_page(&fleet, 1, 12, HWI_MANIFEST_PAGE_MAX);
    want_page(&fleet, 1, 12, UINT32_MAX);
    want_blocks(&fleet, 1, 12, blocks, 4);
    want_blocks(&fleet, 1, 12, NULL, 0);
    fleet_run(&fleet);
    assert_int_equal(fleet.nodes[1].pages_sent, 0);
    assert_int_equal(fleet.nodes[1].blocks_sent, 1);
    fleet_fini(&fleet);
}

static void greedy_reader_gets_the_state_once(void **unused)
{
    (void)unused;
    struct fleet fleet;
    begin(&fleet);
    struct hwi_block blocks[HWI_BLOCKS_WANTED_MAX] = {{7}};
    for (uint32_t i = 0; i < 100; i++) { // early
        want_page(&fleet, 1, 12, 0);
        want_blocks(&fleet, 1, 12, blocks, HWI_COUNT(blocks));
    }
    fleet_go(&fleet, 1, 1);
    fleet_run(&fleet);
    assert_int_equal(fleet.nodes[1].pages_sent, 1);
    assert_int_equal(fleet.nodes[1].blocks_sent, HWI_FETCH_WINDOW);
    for (uint32_t i = 0; i < 100; i++) {
        want_page(&fleet, 1, 12, 0);
        want_blocks(&fleet, 1, 12, blocks, HWI_COUNT(blocks));
    }
    fleet_run(&fleet);
    assert_int_equal(fleet.nodes[1].pages_sent, 1);
    assert_int_equal(fleet.nodes[1].blocks_sent, 30);
    want_page(&fleet, 1, 10, 0); // the others are served all the same
    want_blocks(&fleet, 1, 10, blocks, 1);
    fleet_run(&fleet);
    assert_int_equal(fleet.nodes[1].pages_sent, 2);
    assert_int_equal(fleet.nodes[1].blocks_sent, 31);
    fleet_fini(&fleet);
}

// Messages that only the own peer, trainer or data port may say, said by a member and by the wrong
// ones.
static void wrong_speakers_are_not_heard(void **unused)
{
    (void)unused;
    struct fleet fleet;
    begin(&fleet);
    fleet_go(&fleet, 1, 1);
    fleet_run(&fleet);
    const uint16_t types[] = {HWI_MSG_state_layout, HWI_MSG_lane_view,    HWI_MSG_sync_start,
                              HWI_MSG_sync_go,      HWI_MSG_op_end,       HWI_MSG_quiesced,
                              HWI_MSG_block_hashed, HWI_MSG_block_placed, HWI_MSG_call,
                              HWI_MSG_commit,       HWI_MSG_NONE,         UINT16_MAX};
    for (uint32_t i = 0; i < HWI_COUNT(types); i++) {
        struct hwi_msg msg = {.type = types[i]};
        struct hwi_event event = {.from = hwi_addr_of(HWI_ROLE_SNAPSHOT, 12), .msg = &msg};
        hwi_snapshot_ops.step(fleet.nodes[1].state, &event, &fleet.effects);
        event.from = hwi_addr_of(HWI_ROLE_MASTER, 0);
        hwi_snapshot_ops.step(fleet.nodes[1].state, &event, &fleet.effects);
    }
    assert_int_equal(fleet.effects.count, 0);
    fleet_go(&fleet, 0, 1);
    fleet_go(&fleet, 2, 1);
    fleet_run(&fleet);
    fleet_check_equal(&fleet);
    fleet_fini(&fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(manifest_wanted_before_sync_go_is_served_then),
        cmocka_unit_test(early_reader_of_a_long_manifest_gets_all_pages),
        cmocka_unit_test(many_early_readers_are_all_served),
        cmocka_unit_test(a_member_without_the_elected_state_serves_nothing),
        cmocka_unit_test(only_the_open_sync_is_served),
        cmocka_unit_test(nothing_is_served_after_the_end),
        cmocka_unit_test(early_wants_of_a_gone_view_are_dropped),
        cmocka_unit_test(strangers_are_not_served),
        cmocka_unit_test(blocks_and_pages_that_do_not_exist_are_ignored),
        cmocka_unit_test(greedy_reader_gets_the_state_once),
        cmocka_unit_test(wrong_speakers_are_not_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
