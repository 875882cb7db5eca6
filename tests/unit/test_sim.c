// SPDX-License-Identifier: MIT
// The simulator itself, with tiny actors: who hears what and when, edges, faults, digest and
// replay.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>
#include <unistd.h>

#include <cmocka.h>

#include "actors/loop/ring.h"
#include "tests/support/tiny.h"
#include "transport/journal/journal.h"

// ---- the tests

static void messages_arrive_after_the_delay_in_order(void **unused)
{
    (void)unused;
    struct hwi_sim *sim = tiny_start(2);
    tiny_run_ms(sim, 100);
    assert_string_equal(
        hwi_sim_transcript(sim),
        "[       5.000] process 0 > master: registration{incarnation=1000 address=\"sim:0\"}\n"
        "[       5.000] process 1 > master: registration{incarnation=1001 address=\"sim:1\"}\n"
        "[      10.000] master > process 0: welcome{peer=1}\n"
        "[      10.000] master > process 1: welcome{peer=2}\n"
        "[      10.000] master > process 0: propose{view=1 incarnation=1000 members=["
        "{peer=1 incarnation=1000 address=\"sim:0\"} "
        "{peer=2 incarnation=1001 address=\"sim:1\"}]}\n"
        "[      10.000] master > process 1: propose{view=1 incarnation=1001 members=["
        "{peer=1 incarnation=1000 address=\"sim:0\"} "
        "{peer=2 incarnation=1001 address=\"sim:1\"}]}\n"
        "[      12.000] process 1: reply{value=1}\n"
        "[      12.000] process 0: reply{value=1}\n");
    assert_int_equal(hwi_sim_now(sim), 100 * HWI_NS_PER_MS);
    tiny_finish(sim);
}

static void a_broken_edge_is_noticed_by_both(void **unused)
{
    (void)unused;
    struct hwi_sim *sim = tiny_start(2);
    tiny_run_ms(sim, 100);
    hwi_sim_mark(sim);
    hwi_sim_cut_edge(sim, 0, 1, false);
    tiny_run_ms(sim, 100);
    const char *lines = hwi_sim_transcript(sim);
    assert_non_null(strstr(lines, "[     106.000] process 0 > master: edge_lost{peer=2}"));
    assert_non_null(strstr(lines, "[     106.000] process 1 > master: edge_lost{peer=1}"));
    tiny_finish(sim);
}

static void a_dead_process_refuses_and_the_unreachable_hangs(void **unused)
{
    (void)unused;
    struct hwi_sim *sim = tiny_start(3);
    hwi_sim_unreachable(sim, 2);
    tiny_run_ms(sim, 7);
    hwi_sim_kill(sim, 0);
    tiny_run_ms(sim, 100);
    assert_int_equal(tiny_opened(sim, 1), UINT64_MAX);
    tiny_run_ms(sim, 5000);
    assert_int_equal(tiny_opened(sim, 2), 0);
    assert_false(hwi_sim_alive(sim, 0));
    assert_null(strstr(hwi_sim_transcript(sim), "> process 0"));
    tiny_finish(sim);
}

static void a_death_breaks_edges_and_the_control_link(void **unused)
{
    (void)unused;
    struct hwi_sim *sim = tiny_start(3);
    tiny_run_ms(sim, 100);
    hwi_sim_mark(sim);
    hwi_sim_kill(sim, 2);
    tiny_run_ms(sim, 100);
    const char *lines = hwi_sim_transcript(sim);
    assert_non_null(strstr(lines, "[     106.000] process 0 > master: edge_lost{peer=3}"));
    assert_non_null(strstr(lines, "[     106.000] process 1 > master: edge_lost{peer=3}"));
    assert_non_null(strstr(lines, "[     111.000] master > process 0: probe"));
    tiny_finish(sim);
}

static void a_frozen_process_hears_everything_after_the_thaw(void **unused)
{
    (void)unused;
    struct hwi_sim *sim = tiny_start(2);
    tiny_run_ms(sim, 7);
    hwi_sim_freeze(sim, 1);
    tiny_run_ms(sim, 93);
    assert_int_equal(tiny_opened(sim, 0), UINT64_MAX);
    assert_null(strstr(hwi_sim_transcript(sim), "> process 1"));
    hwi_sim_thaw(sim, 1);
    tiny_run_ms(sim, 100);
    assert_int_equal(tiny_opened(sim, 0), 1);
    assert_int_equal(tiny_opened(sim, 1), 1);
    tiny_finish(sim);
}

static void a_control_link_that_is_down_loses_messages(void **unused)
{
    (void)unused;
    struct hwi_sim *sim = tiny_start(2);
    hwi_sim_control(sim, 1, false);
    tiny_run_ms(sim, 100);
    assert_int_equal(tiny_opened(sim, 0), UINT64_MAX);
    hwi_sim_control(sim, 1, true);
    uint64_t call = tiny_call(sim, 1, 0, 1, 0);
    tiny_run_ms(sim, 100);
    assert_non_null(hwi_sim_reply(sim, 1, call));
    assert_null(strstr(hwi_sim_transcript(sim), "registration{incarnation=1001"));
    tiny_finish(sim);
}

static void a_member_dies_just_before_the_chosen_event(void **unused)
{
    (void)unused;
    struct hwi_sim *sim = tiny_start(1);
    hwi_sim_kill_on(sim, 0, HWI_MSG_request, 2);
    uint64_t first = tiny_call(sim, 0, 0, 1, 0);
    uint64_t second = tiny_call(sim, 0, 0, 1, 0);
    tiny_run_ms(sim, 100);
    assert_non_null(hwi_sim_reply(sim, 0, first));
    assert_null(hwi_sim_reply(sim, 0, second));
    assert_false(hwi_sim_alive(sim, 0));
    tiny_finish(sim);

    sim = tiny_start(1);
    hwi_sim_kill_at(sim, 0, HWI_ROLE_PEER, 2);
    tiny_run_ms(sim, 100);
    assert_false(hwi_sim_alive(sim, 0));
    assert_non_null(strstr(hwi_sim_transcript(sim), "registration"));
    tiny_finish(sim);
}

static void a_failed_check_is_kept_and_the_process_lives(void **unused)
{
    (void)unused;
    struct hwi_sim *sim = tiny_start(1);
    tiny_run_ms(sim, 100);
    assert_null(hwi_sim_check_failure(sim));
    tiny_call(sim, 0, 0, 13, 0);
    tiny_run_ms(sim, 100);
    assert_non_null(strstr(hwi_sim_check_failure(sim), "process 0's peer"));
    assert_true(hwi_sim_alive(sim, 0));
    tiny_finish(sim);
}

static uint64_t digest_of_a_run(uint64_t value)
{
    struct hwi_sim *sim = tiny_start(3);
    tiny_call(sim, 1, 0, value, 0);
    tiny_run_ms(sim, 100);
    uint64_t digest = hwi_sim_digest(sim);
    tiny_finish(sim);
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
    tiny_peer.step(state, event, effects);
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
                   [HWI_ROLE_REDUCER] = &tiny_reducer,
                   [HWI_ROLE_SNAPSHOT] = &tiny_snapshot},
    };
    struct hwi_sim *sim = hwi_sim_create(&config);
    hwi_sim_member(sim, 1);
    tiny_run_ms(sim, 1);
    assert_false(hwi_sim_replay(sim, error, sizeof error));
    assert_non_null(strstr(error, "process 0's peer, event 1 (open{"));
    assert_non_null(strstr(error, "expected to master heartbeat{sent=1}"));
    hwi_sim_destroy(sim);
}

static void each_process_has_a_ring(void **unused)
{
    (void)unused;
    struct hwi_sim_config config = tiny_config(2);
    struct hwi_ring_reader reader;
    struct hwi_ring_record records[64];
    config.rings = 64;
    struct hwi_sim *sim = tiny_start_with(&config, 2);
    tiny_run_ms(sim, 100);
    assert_true(hwi_ring_attach(&reader, hwi_sim_ring(sim, 1), hwi_ring_bytes(64)));
    uint32_t count = hwi_ring_read(&reader, records, 64);
    assert_true(count > 4);
    assert_int_equal(records[0].type, HWI_MSG_open);
    assert_int_equal(records[1].type, HWI_MSG_registration);
    assert_int_equal(records[2].type, HWI_MSG_welcome);
    assert_int_equal(records[2].handled, 10 * HWI_NS_PER_MS);
    assert_int_equal(hwi_sim_ring(sim, 1)->owner.peer, 2);
    tiny_finish(sim);
}

static void virtual_edges_come_into_being_with_the_first_frame(void **unused)
{
    (void)unused;
    struct hwi_sim_config config = tiny_config(100);
    config.virtual_edges = 1;
    struct hwi_sim *sim = tiny_start_with(&config, 100);
    tiny_run_ms(sim, 100);
    for (uint32_t node = 0; node < 100; node++) {
        assert_int_equal(tiny_opened(sim, node), 99);
    }
    hwi_sim_mark(sim);
    tiny_call(sim, 7, 91, 77, 0);
    tiny_run_ms(sim, 100);
    assert_non_null(strstr(hwi_sim_transcript(sim), "process 7 > process 90: grant{granted=77}"));
    hwi_sim_kill(sim, 7); // 90 hears it from its stripes, the others without
    tiny_run_ms(sim, 100);
    const char *lines = hwi_sim_transcript(sim);
    assert_non_null(strstr(lines, "[     206.000] process 90 > master: edge_lost{peer=8}"));
    assert_non_null(strstr(lines, "[     206.000] process 50 > master: edge_lost{peer=8}"));
    tiny_finish(sim);
}

static void read_journal(const char *directory, const char *name, uint32_t events,
                         enum hwi_journal_found end)
{
    struct hwi_journal_reader *reader;
    struct hwi_journal_record record;
    enum hwi_journal_found found;
    char error[256] = "";
    uint32_t count = 0;
    assert_int_equal(hwi_journal_open(directory, name, &reader, error, sizeof error), 0);
    while ((found = hwi_journal_read(reader, &record)) <= HWI_JOURNAL_FOUND_LOST) {
        count += found == HWI_JOURNAL_FOUND_EVENT;
    }
    assert_int_equal(found, end);
    assert_true(count >= events);
    hwi_journal_reader_close(reader);
}

static void remove_journals(const char *directory)
{
    char path[512];
    DIR *open = opendir(directory);
    for (struct dirent *entry; open != NULL && (entry = readdir(open)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        unlink(path);
    }
    closedir(open);
    assert_int_equal(rmdir(directory), 0);
}

static void each_process_writes_a_journal(void **unused)
{
    (void)unused;
    char directory[] = "/tmp/hawser-test-sim-XXXXXX";
    struct hwi_sim_config config = tiny_config(2);
    config.journal = mkdtemp(directory);
    assert_non_null(config.journal);
    struct hwi_sim *sim = tiny_start_with(&config, 2);
    tiny_run_ms(sim, 100);
    hwi_sim_kill(sim, 1);
    tiny_run_ms(sim, 100);
    tiny_finish(sim);
    read_journal(directory, "master-1", 3, HWI_JOURNAL_FOUND_CLOSED);
    read_journal(directory, "member-3e8", 3, HWI_JOURNAL_FOUND_CLOSED);
    read_journal(directory, "member-3e9", 3, HWI_JOURNAL_FOUND_OPEN_END);
    remove_journals(directory);
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
        cmocka_unit_test(virtual_edges_come_into_being_with_the_first_frame),
        cmocka_unit_test(each_process_has_a_ring),
        cmocka_unit_test(each_process_writes_a_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
