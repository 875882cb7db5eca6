// SPDX-License-Identifier: MIT
// A run that begins with states that were trained: the newest of those that come in time wins,
// whatever the order in which they come.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/scenario.h"

enum { GATHER_MS = 3000, STATE_BYTES = 3000 };

static struct scenario *start_gathering(uint32_t first_members)
{
    struct hwi_sim_config config = scenario_config;
    config.gather_ms = GATHER_MS;
    config.first_members = first_members;
    return scenario_start_with(&config, 0);
}

static uint32_t come_with(struct scenario *s, uint64_t revision)
{
    uint32_t node =
        start_member_at(s, &(struct hwi_sim_place){.revision = revision, .has_revision = true});
    give_state(s, node, STATE_BYTES, (uint32_t)revision);
    return node;
}

static uint64_t now_ms(const struct scenario *s)
{
    return hwi_sim_now(s->sim) / HWI_NS_PER_MS;
}

static void expect_opens_by(struct scenario *s, uint32_t node, uint64_t from_ms, uint64_t to_ms)
{
    expect_open(s, node, HWS_OK);
    expect(now_ms(s) >= from_ms && now_ms(s) <= to_ms, "member %u opened at %u ms, not %u to %u",
           node, (uint32_t)now_ms(s), (uint32_t)from_ms, (uint32_t)to_ms);
}

// All sync; the state of this revision wins.
static void expect_elects(struct scenario *s, const uint64_t *revisions, uint32_t count,
                          uint64_t newest)
{
    uint64_t syncs[SCENARIO_NODES_MAX];
    for (uint32_t node = 0; node < count; node++) {
        syncs[node] = sync_state(s, node, 1, revisions[node]);
    }
    for (uint32_t node = 0; node < count; node++) {
        assert_int_equal(expect_status(s, node, syncs[node], HWS_OK)->value, newest);
        expect_state(s, node, (uint32_t)newest);
    }
}

static void play_order(const uint64_t *revisions, uint32_t count, uint64_t newest)
{
    struct scenario *s = start_gathering(1);
    for (uint32_t i = 0; i < count; i++) {
        come_with(s, revisions[i]);
        run_ms(s, 500);
    }
    for (uint32_t node = 0; node < count; node++) {
        expect_opens_by(s, node, GATHER_MS, GATHER_MS + 1100);
    }
    expect_elects(s, revisions, count, newest);
    everybody_all_reduces(s, 2, 1000);
    scenario_end(s);
}

static void the_newest_wins_in_any_order(void **unused)
{
    static const uint64_t orders[][3] = {{40, 60, 0}, {60, 40, 0}, {40, 0, 60}, {60, 0, 40}};
    (void)unused;
    for (uint32_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        play_order(orders[i], 3, 60);
    }
    play_order((const uint64_t[]){40, 60}, 2, 60);
    play_order((const uint64_t[]){60, 40}, 2, 60);
}

// Nobody is made to wait for what cannot matter.
static void untrained_states_wait_for_nobody(void **unused)
{
    (void)unused;
    struct scenario *s = start_gathering(1);
    come_with(s, 0);
    expect_opens_by(s, 0, 0, 100);
    everybody_all_reduces(s, 1, 100);
    scenario_end(s);
    s = start_gathering(1);
    start_member(s); // tells nothing
    expect_opens_by(s, 0, 0, 100);
    scenario_end(s);
}

static void one_alone_waits_once(void **unused)
{
    (void)unused;
    struct scenario *s = start_gathering(1);
    come_with(s, 40);
    expect_opens_by(s, 0, GATHER_MS, GATHER_MS + 100);
    expect_elects(s, (const uint64_t[]){40}, 1, 40);
    everybody_all_reduces(s, 2, 100);
    scenario_end(s);
}

// Their number says that all are here, however soon or late.
static void a_given_number_takes_its_place(void **unused)
{
    (void)unused;
    struct scenario *s = start_gathering(2);
    come_with(s, 40);
    come_with(s, 60);
    expect_opens_by(s, 0, 0, 100);
    expect_open(s, 1, HWS_OK);
    expect_elects(s, (const uint64_t[]){40, 60}, 2, 60);
    scenario_end(s);
    s = start_gathering(2);
    come_with(s, 40);
    run_ms(s, 3 * GATHER_MS);
    assert_null(hwi_sim_reply(s->sim, 0, 0));
    come_with(s, 60);
    expect_opens_by(s, 0, 3 * GATHER_MS, 3 * GATHER_MS + 100);
    expect_open(s, 1, HWS_OK);
    expect_elects(s, (const uint64_t[]){40, 60}, 2, 60);
    scenario_end(s);
}

// Its members died: what comes then begins the run again, and gathers again.
static void a_run_that_begins_again_gathers_again(void **unused)
{
    (void)unused;
    struct scenario *s = start_gathering(1);
    come_with(s, 40);
    expect_open(s, 0, HWS_OK);
    hwi_sim_kill(s->sim, 0);
    run_ms(s, 6000);
    uint64_t from_ms = now_ms(s);
    come_with(s, 40);
    run_ms(s, 2000);
    come_with(s, 60);
    expect_opens_by(s, 1, from_ms + GATHER_MS, from_ms + GATHER_MS + 100);
    expect_open(s, 2, HWS_OK);
    uint64_t syncs[2] = {sync_state(s, 1, 1, 40), sync_state(s, 2, 1, 60)};
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(expect_status(s, i + 1, syncs[i], HWS_OK)->value, 60);
    }
    scenario_end(s);
}

// The one for whose state it waited is gone: the others do not wait for it.
static void a_leaving_member_takes_the_wait_along(void **unused)
{
    (void)unused;
    struct scenario *s = start_gathering(1);
    come_with(s, 40);
    come_with(s, 0);
    run_ms(s, 1000);
    assert_null(hwi_sim_reply(s->sim, 1, 0));
    hwi_sim_kill(s->sim, 0);
    expect_opens_by(s, 1, 1000, GATHER_MS + 5100); // by its silence at the latest
    everybody_all_reduces(s, 1, 100);
    scenario_end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_wins_in_any_order),
        cmocka_unit_test(untrained_states_wait_for_nobody),
        cmocka_unit_test(one_alone_waits_once),
        cmocka_unit_test(a_given_number_takes_its_place),
        cmocka_unit_test(a_run_that_begins_again_gathers_again),
        cmocka_unit_test(a_leaving_member_takes_the_wait_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
