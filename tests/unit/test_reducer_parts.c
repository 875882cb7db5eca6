// SPDX-License-Identifier: MIT
// The reducer's two books, the ledger of chunks in work and the calls that came early; and an image
// that no reducer saved.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include <hawser/types.h>

#include "actors/loop/image.h"
#include "collectives/reducer/collective.h"
#include "collectives/reducer/early.h"
#include "collectives/reducer/layout.h"
#include "collectives/reducer/ledger.h"
#include "collectives/reducer/reducer.h"

static uint32_t memory[64];

static void test_the_last_operand_ends_a_chunk(void **state)
{
    (void)state;
    struct hwi_ledger ledger = {.count = 9, .window = 2, .due = 4};
    assert_true(hwi_ledger_bytes(2) <= sizeof memory);
    hwi_ledger_init(&ledger, memory);
    for (uint32_t i = 0; i < 3; i++) {
        assert_false(hwi_ledger_arrive(&ledger, 0));
        assert_false(hwi_ledger_arrive(&ledger, 1));
    }
    assert_true(hwi_ledger_arrive(&ledger, 1));
    assert_false(hwi_ledger_advance(&ledger));
    assert_int_equal(ledger.low, 0);
    assert_true(hwi_ledger_arrive(&ledger, 0));
    assert_true(hwi_ledger_advance(&ledger));
    assert_int_equal(ledger.low, 2);
    assert_false(hwi_ledger_arrive(&ledger, 2)); // in the place of chunk 0
}

static void finish_chunk(struct hwi_ledger *ledger, uint32_t chunk)
{
    assert_true(hwi_ledger_arrive(ledger, chunk));
}

// Chunks end out of order; what is granted follows the lowest that is not final, in lots.
static void test_grants_follow_the_lowest(void **state)
{
    (void)state;
    struct hwi_ledger ledger = {.count = 19, .window = 8, .due = 1};
    hwi_ledger_init(&ledger, memory);
    assert_int_equal(ledger.granted, 8);
    finish_chunk(&ledger, 1);
    finish_chunk(&ledger, 2);
    assert_false(hwi_ledger_advance(&ledger));
    finish_chunk(&ledger, 0);
    assert_true(hwi_ledger_advance(&ledger));
    assert_int_equal(ledger.granted, 11);
    finish_chunk(&ledger, 3);
    assert_false(hwi_ledger_advance(&ledger)); // one of eight is not worth a message
    for (uint32_t chunk = 4; chunk < 11; chunk++) {
        finish_chunk(&ledger, chunk);
    }
    assert_true(hwi_ledger_advance(&ledger));
    assert_int_equal(ledger.granted, 19); // all of it, at the end also in a small lot
    for (uint32_t chunk = 11; chunk < 19; chunk++) {
        finish_chunk(&ledger, chunk);
    }
    assert_false(hwi_ledger_advance(&ledger));
    assert_int_equal(ledger.low, 19);
}

// A part that is sent from scratch holds its slot until all of it has left.
static void test_a_leaving_chunk_holds_its_slot(void **state)
{
    (void)state;
    struct hwi_ledger ledger = {.count = 5, .window = 2, .due = 2, .out = 3};
    hwi_ledger_init(&ledger, memory);
    assert_false(hwi_ledger_arrive(&ledger, 0));
    assert_false(hwi_ledger_complete(&ledger, 0));
    assert_true(hwi_ledger_arrive(&ledger, 0));
    assert_true(hwi_ledger_complete(&ledger, 0));
    hwi_ledger_leave(&ledger, 0);
    hwi_ledger_leave(&ledger, 0);
    assert_false(hwi_ledger_advance(&ledger));
    hwi_ledger_leave(&ledger, 0);
    assert_true(hwi_ledger_advance(&ledger));
    assert_int_equal(ledger.low, 1);
    assert_int_equal(ledger.granted, 3);
    assert_true(hwi_ledger_complete(&ledger, 0));
    assert_false(hwi_ledger_complete(&ledger, 2)); // in the place of chunk 0
    assert_false(hwi_ledger_arrive(&ledger, 2));
}

static bool checks(struct hwi_ledger *ledger, uint32_t chunk)
{
    struct hwi_trap trap;
    hwi_trap_enter(&trap);
    if (setjmp(trap.landing)) {
        return true;
    }
    hwi_ledger_arrive(ledger, chunk);
    hwi_trap_leave(&trap);
    return false;
}

static void test_impossible_arrivals(void **state)
{
    (void)state;
    struct hwi_ledger ledger = {.count = 5, .window = 2, .due = 1};
    hwi_ledger_init(&ledger, memory);
    assert_true(checks(&ledger, 2)); // not granted
    finish_chunk(&ledger, 0);
    assert_true(checks(&ledger, 0)); // one too many
    hwi_ledger_advance(&ledger);
    assert_true(checks(&ledger, 0)); // over
    assert_false(checks(&ledger, 2));
}

static struct hwi_msg_call call_of(uint64_t view, uint32_t seq, uint32_t granted)
{
    return (struct hwi_msg_call){.op = {.view = view, .kind = HWI_KIND_ALL_REDUCE, .seq = seq},
                                 .granted = granted};
}

static void keep(struct hwi_early *early, uint64_t peer, uint64_t view, uint32_t seq,
                 uint32_t granted)
{
    struct hwi_msg_call call = call_of(view, seq, granted);
    hwi_early_keep(early, &hwi_alloc_libc, peer, &call);
}

// The grant of the kept call; 0 if none was kept.
static uint32_t take(struct hwi_early *early, uint64_t peer, uint64_t view, uint32_t seq)
{
    struct hwi_msg_call call;
    return hwi_early_take(early, peer, call_of(view, seq, 0).op, &call) ? call.granted : 0;
}

static void test_early_calls_are_kept_once(void **state)
{
    (void)state;
    struct hwi_early early = {0};
    for (uint64_t peer = 40; peer > 0; peer--) {
        keep(&early, peer, 5, 0, (uint32_t)peer);
    }
    keep(&early, 7, 5, 0, 99);
    keep(&early, 7, 5, 1, 98);
    assert_int_equal(early.count, 40);
    assert_int_equal(take(&early, 7, 5, 0), 7);
    assert_int_equal(take(&early, 7, 5, 0), 0);
    assert_int_equal(take(&early, 7, 5, 1), 98);
    assert_int_equal(take(&early, 41, 5, 0), 0);
    for (uint64_t peer = 40; peer > 7; peer--) {
        assert_int_equal(take(&early, peer, 5, 0), peer);
    }
    hwi_early_fini(&early, &hwi_alloc_libc);
}

static void test_early_calls_of_newer_views_win(void **state)
{
    (void)state;
    struct hwi_early early = {0};
    keep(&early, 1, 5, 0, 50);
    keep(&early, 1, 6, 0, 60);
    keep(&early, 1, 5, 1, 51);
    assert_int_equal(take(&early, 1, 5, 0), 0);
    assert_int_equal(take(&early, 1, 5, 1), 0);
    assert_int_equal(take(&early, 1, 6, 0), 60);
    hwi_early_fini(&early, &hwi_alloc_libc);
}

static void test_early_calls_at_a_view_change(void **state)
{
    (void)state;
    static const uint64_t members[] = {2, 4, 6};
    struct hwi_early early = {0};
    keep(&early, 2, 5, 0, 1); // older
    keep(&early, 3, 6, 0, 2); // of this view, by a stranger
    keep(&early, 4, 6, 0, 3); // stays
    keep(&early, 5, 7, 0, 4); // may be a member of the next
    keep(&early, 8, 6, 0, 5); // a stranger
    hwi_early_forget(&early, &hwi_alloc_libc, 6, members, 3);
    assert_int_equal(early.count, 2);
    assert_int_equal(take(&early, 4, 6, 0), 3);
    assert_int_equal(take(&early, 5, 7, 0), 4);
    hwi_early_fini(&early, &hwi_alloc_libc);
}

// Senders and calls of each are bounded; what is beyond is ignored.
static void test_early_bounds(void **state)
{
    (void)state;
    struct hwi_early early = {0};
    for (uint32_t seq = 0; seq <= HWI_OPS_MAX; seq++) {
        keep(&early, 1, 5, seq, seq + 1);
    }
    assert_int_equal(early.peers[0].count, HWI_OPS_MAX);
    for (uint64_t peer = 2; peer <= HWI_MEMBERS_MAX + 1; peer++) {
        keep(&early, peer, 5, 0, 1);
    }
    assert_int_equal(early.count, HWI_MEMBERS_MAX);
    assert_int_equal(take(&early, HWI_MEMBERS_MAX, 5, 0), 1);
    assert_int_equal(take(&early, HWI_MEMBERS_MAX + 1, 5, 0), 0);
    hwi_early_fini(&early, &hwi_alloc_libc);
}

// ---- images -------------------------------------------------------------------------------------

// A member alone, in an all-reduce that is laid out.
static struct hwi_reducer *reducer_alone(struct hwi_effects *effects)
{
    struct hwi_reducer *reducer = hwi_reducer_ops.create(&hwi_alloc_libc);
    const struct hwi_msg_op_start start = {
        .op = {.view = 1, .kind = HWI_KIND_ALL_REDUCE, .tag = 1},
        .signature = {.kind = HWI_KIND_ALL_REDUCE, .dtype = HWS_F32, .redop = HWS_SUM, .count = 4},
        .request = 1,
        .room = 4};
    reducer->view = 1;
    reducer->world = 1;
    reducer->members = hwi_new(&hwi_alloc_libc, sizeof *reducer->members);
    reducer->members[0] = 7;
    reducer->ahead_bytes = hwi_new(&hwi_alloc_libc, sizeof *reducer->ahead_bytes);
    hwi_layout_make(reducer, hwi_collective_open(reducer, &start), false, effects);
    return reducer;
}

static bool loads_again(const struct hwi_reducer *reducer)
{
    size_t length;
    unsigned char *bytes = hwi_image_save(&hwi_reducer_ops, reducer, &hwi_alloc_libc, &length);
    void *loaded = hwi_image_load(&hwi_reducer_ops, bytes, length, &hwi_alloc_libc);
    if (loaded != NULL) {
        hwi_reducer_ops.destroy(loaded);
    }
    hwi_free(&hwi_alloc_libc, bytes);
    return loaded != NULL;
}

// There are grants for as many phases as a plan may have, and no more.
static void test_an_image_has_no_more_phases_than_a_plan(void **state)
{
    (void)state;
    struct hwi_effects effects;
    hwi_effects_init(&effects, &hwi_alloc_libc);
    struct hwi_reducer *reducer = reducer_alone(&effects);
    struct hwi_collective *collective = reducer->collectives[0];
    assert_true(loads_again(reducer));
    uint32_t phases = hwi_plan_phases_max(1) + 1;
    size_t bytes = phases * sizeof *collective->stages;
    collective->stages = hwi_resize(&hwi_alloc_libc, collective->stages, bytes);
    memset(collective->stages + 1, 0, bytes - sizeof *collective->stages);
    collective->stage_count = collective->shape.phases = phases;
    assert_false(loads_again(reducer));
    hwi_reducer_ops.destroy(reducer);
    hwi_effects_fini(&effects);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_last_operand_ends_a_chunk),
        cmocka_unit_test(test_grants_follow_the_lowest),
        cmocka_unit_test(test_a_leaving_chunk_holds_its_slot),
        cmocka_unit_test(test_impossible_arrivals),
        cmocka_unit_test(test_early_calls_are_kept_once),
        cmocka_unit_test(test_early_calls_of_newer_views_win),
        cmocka_unit_test(test_early_calls_at_a_view_change),
        cmocka_unit_test(test_early_bounds),
        cmocka_unit_test(test_an_image_has_no_more_phases_than_a_plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
