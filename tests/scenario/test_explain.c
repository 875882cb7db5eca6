// SPDX-License-Identifier: MIT
// Runs that go wrong in one way each, and the first sentence that `hawser explain` has for them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hawser/types.h>

#include "tests/support/scenario.h"
#include "tests/support/story.h"

// ---- stories ------------------------------------------------------------------------------------

static void nothing_waits(void **state)
{
    (void)state;
    struct story *story = story_begin(3);
    story_reduce_all(story, 0, 5);
    story_run(story, 2);
    story_explain(story,
                  "nothing waits: 5 operations were committed, the last 2.0 s ago; view 1 has 3 "
                  "members");
    assert_false(story->report.trouble);
    assert_string_equal(story->report.caveat, "");
    story_end(story);
}

static void a_member_does_not_make_the_call(void **state)
{
    (void)state;
    struct story *story = story_begin(3);
    story_reduce_all(story, 7, 3);
    story_reduce(story, 0, 7, 100);
    story_reduce(story, 1, 7, 100);
    story_run(story, 12);
    const char *sentence =
        "tag 7 (all-reduce, number 3 of view 1) waits for member 3, which has not "
        "made the call; its reducer has been idle for 12.0 s";
    story_explain(story, sentence);
    assert_true(story->report.trouble);
    story_expect_line(story, 0, "member 1 made the call");
    story_expect_line(story, 0, "the last call of member 3's trainer: all-reduce, tag 7");
    // One that waits knows as much; the one that is waited for, and the master's status too.
    story_explain_some(story, 1, false);
    story_expect_first(story,
                       "tag 7 (all-reduce, number 3 of view 1) waits for member 3, which has not "
                       "made the call");
    story_explain_some(story, 4, false);
    story_expect_first(story, sentence);
    story_explain_some(story, STORY_MASTER, true);
    story_expect_first(story,
                       "tag 7 (all-reduce, number 3 of view 1) waits for member 3, which has not "
                       "made the call");
    story_end(story);
}

static void members_wait_for_each_other(void **state)
{
    (void)state;
    struct story *story = story_begin(3);
    story_call(story, 0, HWI_KIND_ALL_REDUCE, 1, 100, 5000);
    story_call(story, 1, HWI_KIND_AGREE, 2, 0, 4000);
    story_call(story, 2, HWI_KIND_ALL_REDUCE, 1, 100, 5000);
    story_run(story, 3);
    story_explain(story,
                  "members 1 and 3 wait in tag 1 (all-reduce, number 0 of view 1) for member 2, "
                  "which waits in tag 2 (agree, number 0 of view 1) for them");
    assert_int_equal(story->report.count, 1);
    story_run(story, 2);
    story_explain(story,
                  "member 2 made another call than the others: it waited in tag 2 (agree, number "
                  "0 of view 1) while members 1 and 3 waited in tag 1 (all-reduce, number 0 of "
                  "view 1) for it; the deadline of member 2 ended it 995 ms ago");
    story_end(story);
}

static void a_member_waits_elsewhere(void **state)
{
    (void)state;
    struct story *story = story_begin(3);
    for (uint32_t node = 0; node < 2; node++) {
        story_reduce(story, node, 1, 100);
    }
    for (uint32_t node = 0; node < 3; node++) {
        if (node != 1) {
            story_reduce(story, node, 2, 100);
        }
    }
    story_run(story, 3);
    story_explain(story,
                  "members 1 and 2 wait in tag 1 (all-reduce, number 0 of view 1) for member 3, "
                  "which waits in tag 2 (all-reduce, number 0 of view 1) for member 2");
    story_end(story);
}

static void a_member_does_not_vote(void **state)
{
    (void)state;
    struct story *story = story_begin(3);
    story_call(story, 0, HWI_KIND_AGREE, 4, 0, 60000);
    story_call(story, 2, HWI_KIND_AGREE, 4, 0, 60000);
    story_run(story, 5);
    story_explain(story,
                  "tag 4 (agree, number 0 of view 1) waits for member 2, which has not made the "
                  "call");
    story_end(story);
}

static void a_deadline_passed(void **state)
{
    (void)state;
    struct story *story = story_begin(3);
    story_reduce_all(story, 7, 1);
    story_call(story, 0, HWI_KIND_ALL_REDUCE, 7, 100, 2000);
    story_call(story, 2, HWI_KIND_ALL_REDUCE, 7, 100, 3000);
    story_run(story, 2.5);
    story_explain(story, "tag 7 (all-reduce, number 1 of view 1) was given up 495 ms ago at the "
                         "deadline of member 1: member 2 had not made the call");
    story_end(story);
}

static void a_member_is_frozen(void **state)
{
    (void)state;
    struct story *story = story_begin(3);
    story_reduce_all(story, 7, 3);
    hwi_sim_freeze(story->sim, 1);
    story_reduce(story, 0, 7, 100);
    story_reduce(story, 2, 7, 100);
    story_run(story, 3);
    story_explain(story,
                  "member 2 stopped speaking 3.0 s ago: its last message was done; the master has "
                  "not removed it yet");
    assert_int_equal(story->report.count, 1); // what waits for it is no finding of its own
    story_run(story, 3);
    story_explain(story,
                  "member 2 stopped speaking 6.0 s ago: its last message was done; the master "
                  "removed it in view 2");
    story_end(story);
}

static void a_member_is_killed(void **state)
{
    (void)state;
    struct story *story = story_begin(3);
    story_reduce_all(story, 7, 3);
    uint64_t cut[3] = {story_reduce(story, 0, 7, 100), 0, story_reduce(story, 2, 7, 100)};
    story_run(story, 0.5);
    hwi_sim_kill(story->sim, 1);
    story_run(story, 1);
    story_explain(
        story, "member 2 is gone: its connections to members 1 and 3 and to the master broke 999 "
               "ms ago; the master removed it in view 3");
    for (uint32_t node = 0; node < 3; node += 2) {
        assert_int_equal(hwi_sim_reply(story->sim, node, cut[node])->status, HWS_E_MEMBER_LOST);
        uint64_t request = trainer_view(story->sim, node);
        assert_true(hwi_sim_until(story->sim, node, request, HWI_NS_PER_S));
        assert_int_equal(hwi_sim_reply(story->sim, node, request)->status, HWS_OK);
    }
    story_reduce_all(story, 7, 1); // the rest continues
    story_run(story, 1);
    story_explain(story,
                  "nothing waits: 4 operations were committed, the last 1.0 s ago; view 3 has 2 "
                  "members");
    assert_false(story->report.trouble);
    assert_true(story->report.findings[1].over);
    story_end(story);
}

static void a_member_is_killed_seen_by_one(void **state)
{
    (void)state;
    struct story *story = story_begin(3);
    story_reduce_all(story, 7, 3);
    story_reduce(story, 0, 7, 100);
    story_reduce(story, 2, 7, 100);
    story_run(story, 0.5);
    hwi_sim_kill(story->sim, 1);
    story_run(story, 1);
    story_explain_some(story, 1, false);
    story_expect_first(story,
                       "member 2 is gone: its connection to member 1 broke 999 ms ago; view 3 is "
                       "without it");
    story_end(story);
}

static void leaving_is_no_trouble(void **state)
{
    (void)state;
    struct story *story = story_begin(3);
    story_reduce_all(story, 7, 3);
    trainer_close(story->sim, 1);
    story_run(story, 2);
    story_explain(story,
                  "nothing waits: 3 operations were committed, the last 2.0 s ago; view 2 has 2 "
                  "members");
    assert_int_equal(story->report.count, 1);
    story_explain_some(story, 1, false);
    story_expect_first(story,
                       "nothing waits: 3 operations were committed, the last 2.0 s ago; view 2 has "
                       "2 members");
    story_end(story);
}

static void the_master_starts_again(void **state)
{
    (void)state;
    struct hwi_sim_config config = scenario_config;
    config.durable = 1;
    struct story *story = story_begin_with(&config, 3);
    story_reduce_all(story, 7, 3);
    hwi_sim_restart(story->sim, HWI_SIM_MASTER, 3);
    story_run(story, 4);
    for (uint32_t node = 0; node < 3; node++) {
        story_reduce(story, node, 7, 100);
    }
    story_run(story, 1);
    story_explain(story, "the master was started again 5.0 s ago and removed members 1, 2 and 3");
    assert_int_equal(story->report.count, 1);
    story_end(story);
}

static void an_opening_waits(void **state)
{
    (void)state;
    struct story *story = story_begin(2);
    hwi_sim_member(story->sim, 1);
    story->nodes++;
    story_run(story, 3);
    story_explain_some(story, 4, false);
    story_expect_first(
        story, "hws_open of process 0 has waited for 3.0 s: it is registered as member 3 and "
               "not admitted yet");
    story_end(story);
}

static void a_call_waits_for_members(void **state)
{
    (void)state;
    struct hwi_sim_config config = scenario_config;
    config.min_members = 2;
    struct story *story = story_begin_with(&config, 2);
    story_run(story, 2);
    trainer_close(story->sim, 1);
    story_run(story, 1);
    trainer_view(story->sim, 0);
    struct trainer_call made = {
        .kind = HWI_KIND_AGREE, .redop = HWI_AGREE_AND, .tag = 6, .retry = 1, .timeout_ms = 60000};
    trainer_call(story->sim, 0, &made);
    story_run(story, 2);
    story_explain(story,
                  "a call of member 1 on tag 6 has waited to begin for 2.0 s: view 2 has 1 member");
    story_end(story);
}

static void calls_do_not_match(void **state)
{
    (void)state;
    struct story *story = story_begin(3);
    story_reduce(story, 0, 7, 100);
    story_reduce(story, 1, 7, 100);
    story_reduce(story, 2, 7, 120);
    story_run(story, 1);
    story_explain(story,
                  "member 3 called something else than the others on tag 7 (all-reduce, number 0 "
                  "of view 1): member 3 f32 x 120 sum, members 1 and 2 f32 x 100 sum");
    story_end(story);
}

// Other operations, and counts that differ as they may.
static void operations_do_not_match(void **state)
{
    (void)state;
    struct story *story = story_begin(3);
    story_reduce(story, 0, 7, 100);
    story_call(story, 1, HWI_KIND_REDUCE_SCATTER, 7, 100, 60000);
    story_reduce(story, 2, 7, 100);
    story_run(story, 1);
    story_explain(story,
                  "member 2 called something else than the others on tag 7 (all-reduce, number 0 "
                  "of view 1): member 2 reduce-scatter f32 x 100 sum, members 1 and 3 all-reduce "
                  "f32 x 100 sum");
    story_end(story);
}

// Counts that may differ are no mismatch.
static void counts_may_differ(void **state)
{
    (void)state;
    struct story *story = story_begin(3);
    float *memory = calloc(1000, sizeof(float));
    for (uint32_t node = 0; node < 2; node++) {
        struct trainer_call made = {.kind = HWI_KIND_ALL_GATHER,
                                    .dtype = HWS_F32,
                                    .tag = 7,
                                    .unequal = 1,
                                    .count = 10 + node,
                                    .room = 500,
                                    .input = memory,
                                    .output = memory + 500,
                                    .timeout_ms = 60000};
        trainer_call(story->sim, node, &made);
    }
    story_run(story, 1);
    story_explain(story, "tag 7 (all-gather, number 0 of view 1) waits for member 3, which has not "
                         "made the call; its reducer has been idle for 999 ms");
    story_end(story);
    free(memory);
}

static void a_link_is_cut(void **state)
{
    (void)state;
    struct story *story = story_begin(4);
    story_reduce_all(story, 7, 2);
    for (uint32_t node = 0; node < 3; node++) {
        story_reduce(story, node, 7, 100);
    }
    story_run(story, 0.5);
    hwi_sim_cut_edge(story->sim, 0, 3, false);
    story_run(story, 0.5);
    story_explain(story,
                  "the stripes between member 1 and member 4 broke 499 ms ago; the operations in "
                  "flight ended with view 2, which has both again");
    story_end(story);
}

static void a_link_stays_cut(void **state)
{
    (void)state;
    struct story *story = story_begin(4);
    story_reduce_all(story, 7, 2);
    hwi_sim_cut_edge(story->sim, 0, 3, true);
    story_run(story, 12);
    story_explain_begins(story,
                         "the stripes between member 1 and member 4 broke 12.0 s ago; member ");
    story_end(story);
}

static void the_master_is_gone(void **state)
{
    (void)state;
    struct story *story = story_begin(3);
    story_reduce_all(story, 7, 2);
    hwi_sim_kill(story->sim, HWI_SIM_MASTER);
    for (uint32_t node = 0; node < 3; node++) {
        story_call(story, node, HWI_KIND_ALL_REDUCE, 7, 100, 3000);
    }
    story_run(story, 12);
    story_explain(story,
                  "the master has not answered for 12.0 s: members 1, 2 and 3 speak to it and hear "
                  "nothing");
    story_run(story, 8);
    story_explain_some(story, 7, false);
    if (strstr(story->report.findings[0].sentence, "returned OUTCOME_UNKNOWN") == NULL) {
        story_print(story);
    }
    assert_non_null(strstr(story->report.findings[0].sentence, "returned OUTCOME_UNKNOWN"));
    story_end(story);
}

static void one_does_not_hear_the_master(void **state)
{
    (void)state;
    struct story *story = story_begin(3);
    story_reduce_all(story, 7, 2);
    story_run(story, 2);
    hwi_sim_control(story->sim, 1, false);
    story_run(story, 4);
    story_explain_begins(story, "member 2 has not heard the master for ");
    story_end(story);
}

static void a_sync_is_slow(void **state)
{
    (void)state;
    struct hwi_sim_config config = scenario_config;
    config.edge_bytes_per_s = 1 << 20;
    struct story *story = story_begin_with(&config, 3);
    for (uint32_t node = 0; node < 3; node++) {
        story_hold_state(story, node, node == 2 ? 9 : 1);
        struct trainer_call made = {
            .kind = HWI_KIND_SYNC, .value = node == 2 ? 1 : 2, .timeout_ms = 60000};
        trainer_call(story->sim, node, &made);
    }
    story_run(story, 2.5);
    story_explain_begins(
        story, "the sync (number 0 of view 1) waits for member 3, which fetches the state: ");
    story_end(story);
}

static void the_first_view_waits(void **state)
{
    (void)state;
    struct hwi_sim_config config = scenario_config;
    struct story *story = story_begin_with(&config, 0);
    story_end(story);
    config.rings = STORY_RECORDS;
    config.first_members = 3;
    story = calloc(1, sizeof *story);
    story->sim = hwi_sim_create(&config);
    story->nodes = 2;
    hwi_sim_member(story->sim, 1);
    hwi_sim_member(story->sim, 1);
    story_run(story, 5);
    story_explain(story,
                  "the run has no view yet: 2 members have registered, and the first view waits "
                  "for 3");
    story_end(story);
}

static void a_newcomer_is_not_ready(void **state)
{
    (void)state;
    struct story *story = story_begin(2);
    hwi_sim_member(story->sim, 1);
    story->nodes++;
    story_run(story, 3);
    story_explain(story, "member 3 waits to be admitted: the members have not called hws_admit");
    uint32_t newcomer = hwi_sim_member(story->sim, 1);
    story->nodes++;
    hwi_sim_block(story->sim, 0, newcomer, true);
    story_run(story, 1.2);
    story_explain(story, "view 3, proposed 1.2 s ago, waits for members 1 and 4 to be ready; the "
                         "stripes of member 1 to member 4 are not open");
    story_explain_some(story, 1, false); // one of them knows
    story_expect_begins(story, "view 3, proposed 1.2 s ago, waits for member 1 to be ready; the "
                               "stripes of member 1 to member 4 are not open");
    // Long after the time that the master gives a proposal, rings that do not say what became of it
    // do not make it a view that waits.
    story_explain_later(story, 1, 30);
    assert_null(strstr(story->report.findings[0].sentence, "proposed"));
    hwi_sim_freeze(story->sim, newcomer);
    story_run(story, 3);
    story_explain(story, "member 3 waits to be admitted: the members have not called hws_admit");
    assert_string_equal(story->report.findings[1].sentence,
                        "member 4 stopped speaking 3.0 s ago: its last message was heartbeat; the "
                        "master removed it");
    story_end(story);
}

static void lost_records_are_reported(void **state)
{
    (void)state;
    struct story *story = story_begin(2);
    story_reduce_all(story, 7, 2);
    const struct hwi_ring_head *head = hwi_sim_ring(story->sim, 0);
    struct hwi_ring_record *records = calloc(STORY_RECORDS, sizeof *records);
    struct explain_ring ring = {
        .owner = head->owner, .records = records, .count = story_read_ring(head, records)};
    memmove(records + 10, records + 13, (ring.count - 13) * sizeof *records);
    ring.count -= 3;
    struct explain_input input = {.rings = &ring, .count = 1};
    explain_analyse(&input, &story->report);
    assert_string_equal(
        story->report.caveat,
        "3 records of 1 ring were lost; the ring of member 2 is not here; the master's ring is "
        "not here");
    free(records);
    story_end(story);
}

// Rings may come from others: whatever is in them, there is a report.
static void any_records_are_survived(void **state)
{
    (void)state;
    struct explain_report *report = calloc(1, sizeof *report);
    struct hwi_ring_record *records = calloc(512, sizeof *records);
    uint64_t seed = 1;
    for (uint32_t round = 0; round < 300; round++) {
        unsigned char *bytes = (unsigned char *)records;
        struct explain_ring rings[2] = {{.records = records, .count = 256},
                                        {.records = records + 256, .count = 256}};
        for (size_t i = 0; i < 512 * sizeof *records; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
            bytes[i] = (unsigned char)(seed >> 56);
        }
        for (uint32_t i = 0; i < 512; i++) {
            records[i].number = i + 1;
            records[i].type %= HWI_MSG_TYPE_MAX;
            records[i].view %= 4;
            records[i].tag %= 4;
            records[i].other %= 4;
            records[i].key %= 5;
            if (round % 2) {
                records[i].arrived = records[i].handled %= UINT64_C(1) << 40;
            }
            records[i].roles = (uint8_t)(records[i].roles % 6 | (records[i].roles >> 4) % 6 << 4);
        }
        struct explain_input input = {.rings = rings, .count = 2};
        explain_analyse(&input, report);
        assert_true(report->count > 0 && report->findings[0].sentence[0]);
    }
    free(records);
    free(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_waits),
        cmocka_unit_test(a_member_does_not_make_the_call),
        cmocka_unit_test(members_wait_for_each_other),
        cmocka_unit_test(a_member_waits_elsewhere),
        cmocka_unit_test(a_member_does_not_vote),
        cmocka_unit_test(a_deadline_passed),
        cmocka_unit_test(a_member_is_frozen),
        cmocka_unit_test(a_member_is_killed),
        cmocka_unit_test(a_member_is_killed_seen_by_one),
        cmocka_unit_test(leaving_is_no_trouble),
        cmocka_unit_test(the_master_starts_again),
        cmocka_unit_test(an_opening_waits),
        cmocka_unit_test(a_call_waits_for_members),
        cmocka_unit_test(calls_do_not_match),
        cmocka_unit_test(operations_do_not_match),
        cmocka_unit_test(counts_may_differ),
        cmocka_unit_test(a_link_is_cut),
        cmocka_unit_test(a_link_stays_cut),
        cmocka_unit_test(the_master_is_gone),
        cmocka_unit_test(one_does_not_hear_the_master),
        cmocka_unit_test(a_sync_is_slow),
        cmocka_unit_test(the_first_view_waits),
        cmocka_unit_test(a_newcomer_is_not_ready),
        cmocka_unit_test(lost_records_are_reported),
        cmocka_unit_test(any_records_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
