// SPDX-License-Identifier: MIT
// Runs that go wrong in one way each, and the first sentence that `hawser explain` has for them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hawser/types.h>

#include "tests/support/scenario.h"
#include "tools/explain/explain.h"

enum { NODES_MAX = 8, ELEMENTS_MAX = 1 << 20, RECORDS = 1 << 13, STATE_BYTES = 8 << 20 };

// One simulated run and what explain made of it last.
struct story {
    struct hwi_sim *sim;
    uint32_t nodes;
    float *buffers[NODES_MAX];
    unsigned char *states[NODES_MAX];
    struct explain_report report;
};

static struct story *begin_with(const struct hwi_sim_config *config, uint32_t members)
{
    struct story *story = calloc(1, sizeof *story);
    struct hwi_sim_config with_rings = *config;
    with_rings.rings = RECORDS;
    with_rings.min_members = members;
    story->sim = hwi_sim_create(&with_rings);
    for (uint32_t i = 0; i < members; i++)
        assert_int_equal(hwi_sim_member(story->sim, 1), story->nodes++);
    hwi_sim_run(story->sim, HWI_NS_PER_S);
    return story;
}

static struct story *begin(uint32_t members)
{
    return begin_with(&scenario_config, members);
}

static void end(struct story *story)
{
    hwi_sim_destroy(story->sim);
    for (uint32_t i = 0; i < NODES_MAX; i++) {
        free(story->buffers[i]);
        free(story->states[i]);
    }
    free(story);
}

static void run_s(struct story *story, double seconds)
{
    hwi_sim_run(story->sim, (uint64_t)(seconds * 1e9));
}

static uint64_t call(struct story *story, uint32_t node, uint8_t kind, uint64_t tag, uint64_t count,
                     uint64_t timeout_ms)
{
    if (!story->buffers[node])
        story->buffers[node] = calloc(ELEMENTS_MAX, sizeof(float));
    struct hwi_sim_call made = {.kind = kind,
                                .dtype = HWS_F32,
                                .redop = kind == HWI_KIND_AGREE ? HWI_AGREE_AND : HWS_SUM,
                                .tag = tag,
                                .count = count,
                                .input = story->buffers[node],
                                .output = story->buffers[node],
                                .timeout_ms = timeout_ms};
    return hwi_sim_call(story->sim, node, &made);
}

static uint64_t reduce(struct story *story, uint32_t node, uint64_t tag, uint64_t count)
{
    return call(story, node, HWI_KIND_ALL_REDUCE, tag, count, 60000);
}

static void all_reduce_all(struct story *story, uint64_t tag, uint32_t times)
{
    for (uint32_t i = 0; i < times; i++) {
        uint64_t requests[NODES_MAX];
        for (uint32_t node = 0; node < story->nodes; node++)
            if (hwi_sim_alive(story->sim, node))
                requests[node] = reduce(story, node, tag, 100);
        for (uint32_t node = 0; node < story->nodes; node++)
            if (hwi_sim_alive(story->sim, node)) {
                assert_true(
                    hwi_sim_until(story->sim, node, requests[node], 10 * HWI_NS_PER_S));
                assert_int_equal(hwi_sim_reply(story->sim, node, requests[node])->status, HWS_OK);
            }
    }
}

// ---- reading the rings ---------------------------------------------------------------------------

static uint32_t read_ring(const struct hwi_ring_head *head, struct hwi_ring_record *records)
{
    struct hwi_ring_reader reader;
    assert_true(hwi_ring_attach(&reader, head, hwi_ring_bytes(head->capacity)));
    return hwi_ring_read(&reader, records, RECORDS);
}

// `nodes`: bit per node whose ring is there, HWI_SIM_MASTER's is bit 31.
#define MASTER_BIT (UINT32_C(1) << 31)
#define ALL UINT32_MAX

static void explain_some(struct story *story, uint32_t nodes, bool status)
{
    struct explain_ring rings[NODES_MAX + 1];
    struct hwi_msg_status told;
    struct explain_input input = {.rings = rings, .count = 0};
    for (uint32_t i = 0; i <= story->nodes; i++) {
        uint32_t node = i ? i - 1 : HWI_SIM_MASTER;
        if (!(nodes & (i ? UINT32_C(1) << (i - 1) : MASTER_BIT)))
            continue;
        const struct hwi_ring_head *head = hwi_sim_ring(story->sim, node);
        struct hwi_ring_record *records = calloc(RECORDS, sizeof *records);
        rings[input.count++] = (struct explain_ring){.owner = head->owner,
                                                     .records = records,
                                                     .count = read_ring(head, records),
                                                     .as_of_ns = hwi_sim_now(story->sim)};
    }
    if (status) {
        hwi_sim_status(story->sim, &told);
        input.status = &told;
    }
    explain_analyse(&input, &story->report);
    for (uint32_t i = 0; i < input.count; i++)
        free((void *)(uintptr_t)rings[i].records);
}

static void print_report(const struct story *story)
{
    for (uint32_t i = 0; i < story->report.count; i++) {
        const struct explain_finding *finding = &story->report.findings[i];
        print_message("%s %s\n", finding->open ? "open" : finding->over ? "over" : "past",
                      finding->sentence);
        for (uint32_t j = 0; j < finding->line_count; j++)
            print_message("    %.3f %s\n", (double)finding->line_ns[j] / 1e9, finding->lines[j]);
        print_message("    => %s\n", finding->hint);
    }
    print_message("note: %s\n", story->report.caveat);
}

static void expect_first(struct story *story, const char *sentence)
{
    const char *found = story->report.findings[0].sentence;
    if (strcmp(found, sentence) != 0 || getenv("VERBOSE"))
        print_report(story);
    assert_string_equal(found, sentence);
}

static void explain(struct story *story, const char *sentence)
{
    explain_some(story, ALL, false);
    expect_first(story, sentence);
}

static void expect_line(const struct story *story, uint32_t finding, const char *line)
{
    const struct explain_finding *f = &story->report.findings[finding];
    for (uint32_t i = 0; i < f->line_count; i++)
        if (strcmp(f->lines[i], line) == 0)
            return;
    print_report(story);
    fail_msg("no line \"%s\"", line);
}

// ---- stories -------------------------------------------------------------------------------------

static void nothing_waits(void **state)
{
    (void)state;
    struct story *story = begin(3);
    all_reduce_all(story, 0, 5);
    run_s(story, 2);
    explain(story, "nothing waits: 5 operations were committed, the last 2.0 s ago; view 1 has 3 "
                   "members");
    assert_false(story->report.trouble);
    assert_string_equal(story->report.caveat, "");
    end(story);
}

static void a_member_does_not_make_the_call(void **state)
{
    (void)state;
    struct story *story = begin(3);
    all_reduce_all(story, 7, 3);
    reduce(story, 0, 7, 100);
    reduce(story, 1, 7, 100);
    run_s(story, 12);
    const char *sentence = "tag 7 (all-reduce, number 3 of view 1) waits for peer 3, which has not "
                           "made the call; its reducer has been idle for 12.0 s";
    explain(story, sentence);
    assert_true(story->report.trouble);
    expect_line(story, 0, "peer 1 made the call");
    expect_line(story, 0, "the last call of peer 3's trainer: all-reduce, tag 7");
    // One that waits knows as much; the one that is waited for, and the master's status too.
    explain_some(story, 1, false);
    expect_first(story, "tag 7 (all-reduce, number 3 of view 1) waits for peer 3, which has not "
                        "made the call");
    explain_some(story, 4, false);
    expect_first(story, sentence);
    explain_some(story, MASTER_BIT, true);
    expect_first(story, "tag 7 (all-reduce, number 3 of view 1) waits for peer 3, which has not "
                        "made the call");
    end(story);
}

static void a_member_waits_elsewhere(void **state)
{
    (void)state;
    struct story *story = begin(2);
    reduce(story, 0, 1, 100);
    reduce(story, 1, 2, 100);
    run_s(story, 3);
    explain(story, "tag 1 (all-reduce, number 0 of view 1) waits for peer 2, which has not made "
                   "the call; it waits in all-reduce on tag 2 for 3.0 s");
    end(story);
}

static void a_member_does_not_vote(void **state)
{
    (void)state;
    struct story *story = begin(3);
    call(story, 0, HWI_KIND_AGREE, 4, 0, 60000);
    call(story, 2, HWI_KIND_AGREE, 4, 0, 60000);
    run_s(story, 5);
    explain(story, "tag 4 (agree, number 0 of view 1) waits for peer 2, which has not made the "
                   "call");
    end(story);
}

static void a_deadline_passed(void **state)
{
    (void)state;
    struct story *story = begin(3);
    all_reduce_all(story, 7, 1);
    call(story, 0, HWI_KIND_ALL_REDUCE, 7, 100, 2000);
    call(story, 2, HWI_KIND_ALL_REDUCE, 7, 100, 3000);
    run_s(story, 2.5);
    explain_some(story, ALL, false);
    expect_first(story, "tag 7 (all-reduce, number 1 of view 1) was given up 495 ms ago at the "
                        "deadline of peer 1: peer 2 had not made the call");
    end(story);
}

static void a_member_is_frozen(void **state)
{
    (void)state;
    struct story *story = begin(3);
    all_reduce_all(story, 7, 3);
    hwi_sim_freeze(story->sim, 1);
    reduce(story, 0, 7, 100);
    reduce(story, 2, 7, 100);
    run_s(story, 3);
    explain(story, "peer 2 stopped speaking 3.0 s ago: its last message was done; the master has "
                   "not put it out yet");
    assert_int_equal(story->report.count, 1); // what waits for it is no finding of its own
    run_s(story, 3);
    explain(story, "peer 2 stopped speaking 6.0 s ago: its last message was done; the master put "
                   "it out in view 2");
    end(story);
}

static void a_member_is_killed(void **state)
{
    (void)state;
    struct story *story = begin(3);
    all_reduce_all(story, 7, 3);
    uint64_t cut[3] = {reduce(story, 0, 7, 100), 0, reduce(story, 2, 7, 100)};
    run_s(story, 0.5);
    hwi_sim_kill(story->sim, 1);
    run_s(story, 1);
    explain(story, "peer 2 is gone: its connections to peers 1 and 3 and to the master broke 999 "
                   "ms ago; the master put it out in view 3");
    for (uint32_t node = 0; node < 3; node += 2) {
        assert_int_equal(hwi_sim_reply(story->sim, node, cut[node])->status, HWS_E_MEMBER_LOST);
        uint64_t request = hwi_sim_view(story->sim, node);
        assert_true(hwi_sim_until(story->sim, node, request, HWI_NS_PER_S));
        assert_int_equal(hwi_sim_reply(story->sim, node, request)->status, HWS_OK);
    }
    all_reduce_all(story, 7, 1); // the rest goes on
    run_s(story, 1);
    explain(story, "nothing waits: 4 operations were committed, the last 1.0 s ago; view 3 has 2 "
                   "members");
    assert_false(story->report.trouble);
    assert_true(story->report.findings[1].over);
    end(story);
}

static void a_member_is_killed_seen_by_one(void **state)
{
    (void)state;
    struct story *story = begin(3);
    all_reduce_all(story, 7, 3);
    reduce(story, 0, 7, 100);
    reduce(story, 2, 7, 100);
    run_s(story, 0.5);
    hwi_sim_kill(story->sim, 1);
    run_s(story, 1);
    explain_some(story, 1, false);
    expect_first(story, "peer 2 is gone: its connection to peer 1 broke 999 ms ago; view 3 is "
                        "without it");
    end(story);
}

static void leaving_is_no_trouble(void **state)
{
    (void)state;
    struct story *story = begin(3);
    all_reduce_all(story, 7, 3);
    hwi_sim_leave(story->sim, 1);
    run_s(story, 2);
    explain(story, "nothing waits: 3 operations were committed, the last 2.0 s ago; view 2 has 2 "
                   "members");
    assert_int_equal(story->report.count, 1);
    explain_some(story, 1, false);
    expect_first(story, "nothing waits: 3 operations were committed, the last 2.0 s ago; view 2 has "
                        "2 members");
    end(story);
}

static void the_master_starts_again(void **state)
{
    (void)state;
    struct hwi_sim_config config = scenario_config;
    config.durable = 1;
    struct story *story = begin_with(&config, 3);
    all_reduce_all(story, 7, 3);
    hwi_sim_restart(story->sim, HWI_SIM_MASTER, 3);
    run_s(story, 4);
    for (uint32_t node = 0; node < 3; node++)
        reduce(story, node, 7, 100);
    run_s(story, 1);
    explain(story, "the master was started again 5.0 s ago and put peers 1, 2 and 3 out");
    assert_int_equal(story->report.count, 1);
    end(story);
}

static void an_opening_waits(void **state)
{
    (void)state;
    struct story *story = begin(2);
    hwi_sim_member(story->sim, 1);
    story->nodes++;
    run_s(story, 3);
    explain_some(story, 4, false);
    expect_first(story, "hws_open of process 0 has waited for 3.0 s: it is registered as peer 3 and "
                        "not admitted yet");
    end(story);
}

static void a_call_waits_for_members(void **state)
{
    (void)state;
    struct hwi_sim_config config = scenario_config;
    struct story *story = begin_with(&config, 0);
    assert_int_equal(hwi_sim_member(story->sim, 2), story->nodes++);
    run_s(story, 2);
    struct hwi_sim_call made = {.kind = HWI_KIND_AGREE, .redop = HWI_AGREE_AND, .tag = 6,
                                .retry = 1, .timeout_ms = 60000};
    hwi_sim_call(story->sim, 0, &made);
    run_s(story, 2);
    explain(story, "a call of peer 1 on tag 6 has waited to begin for 2.0 s: view 1 has 1 member");
    end(story);
}

static void calls_do_not_match(void **state)
{
    (void)state;
    struct story *story = begin(3);
    reduce(story, 0, 7, 100);
    reduce(story, 1, 7, 100);
    reduce(story, 2, 7, 120);
    run_s(story, 1);
    explain(story, "members called different things on tag 7 (all-reduce, number 0 of view 1): "
                   "peer 1 f32 x 100 sum, peer 3 f32 x 120 sum");
    end(story);
}

static void a_link_is_cut(void **state)
{
    (void)state;
    struct story *story = begin(4);
    all_reduce_all(story, 7, 2);
    for (uint32_t node = 0; node < 3; node++)
        reduce(story, node, 7, 100);
    run_s(story, 0.5);
    hwi_sim_cut_edge(story->sim, 0, 3, false);
    run_s(story, 0.5);
    explain(story, "the stripes between peer 1 and peer 4 broke 499 ms ago; the operations in "
                   "flight ended with view 2, which has both again");
    end(story);
}

static void a_link_stays_cut(void **state)
{
    (void)state;
    struct story *story = begin(4);
    all_reduce_all(story, 7, 2);
    hwi_sim_cut_edge(story->sim, 0, 3, true);
    run_s(story, 12);
    explain_some(story, ALL, false);
    const char *begins = "the stripes between peer 1 and peer 4 broke 12.0 s ago; peer ";
    if (strncmp(story->report.findings[0].sentence, begins, strlen(begins)) != 0)
        print_report(story);
    assert_memory_equal(story->report.findings[0].sentence, begins, strlen(begins));
    end(story);
}

static void the_master_is_gone(void **state)
{
    (void)state;
    struct story *story = begin(3);
    all_reduce_all(story, 7, 2);
    hwi_sim_kill(story->sim, HWI_SIM_MASTER);
    for (uint32_t node = 0; node < 3; node++)
        call(story, node, HWI_KIND_ALL_REDUCE, 7, 100, 3000);
    run_s(story, 12);
    explain(story, "the master has not answered for 12.0 s: peers 1, 2 and 3 speak to it and hear "
                   "nothing");
    run_s(story, 8);
    explain_some(story, 7, false);
    if (!strstr(story->report.findings[0].sentence, "returned OUTCOME_UNKNOWN"))
        print_report(story);
    assert_non_null(strstr(story->report.findings[0].sentence, "returned OUTCOME_UNKNOWN"));
    end(story);
}

static void one_does_not_hear_the_master(void **state)
{
    (void)state;
    struct story *story = begin(3);
    all_reduce_all(story, 7, 2);
    run_s(story, 2);
    hwi_sim_control(story->sim, 1, false);
    run_s(story, 4);
    explain_some(story, ALL, false);
    const char *begins = "peer 2 has not heard the master for ";
    if (strncmp(story->report.findings[0].sentence, begins, strlen(begins)) != 0)
        print_report(story);
    assert_memory_equal(story->report.findings[0].sentence, begins, strlen(begins));
    end(story);
}

static void hold_state(struct story *story, uint32_t node, int seed)
{
    struct hwi_tensor tensor = {.dtype = HWS_U8, .bytes = STATE_BYTES};
    snprintf(tensor.name, sizeof tensor.name, "weights");
    story->states[node] = malloc(STATE_BYTES);
    uint64_t random = (uint64_t)seed;
    for (size_t i = 0; i < STATE_BYTES; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        story->states[node][i] = (unsigned char)(random >> 56);
    }
    void *memory = story->states[node];
    hwi_sim_state(story->sim, node, &tensor, &memory, 1);
}

static void a_sync_is_slow(void **state)
{
    (void)state;
    struct hwi_sim_config config = scenario_config;
    config.edge_bytes_per_s = 1 << 20;
    struct story *story = begin_with(&config, 3);
    for (uint32_t node = 0; node < 3; node++) {
        hold_state(story, node, node == 2 ? 9 : 1);
        struct hwi_sim_call made = {
            .kind = HWI_KIND_SYNC, .value = node == 2 ? 1 : 2, .timeout_ms = 60000};
        hwi_sim_call(story->sim, node, &made);
    }
    run_s(story, 2.5);
    explain_some(story, ALL, false);
    const char *begins = "the sync (number 0 of view 1) waits for peer 3, which fetches the state: ";
    if (strncmp(story->report.findings[0].sentence, begins, strlen(begins)) != 0)
        print_report(story);
    assert_memory_equal(story->report.findings[0].sentence, begins, strlen(begins));
    end(story);
}

static void the_first_view_waits(void **state)
{
    (void)state;
    struct hwi_sim_config config = scenario_config;
    struct story *story = begin_with(&config, 0);
    end(story);
    config.rings = RECORDS;
    config.min_members = 3;
    story = calloc(1, sizeof *story);
    story->sim = hwi_sim_create(&config);
    story->nodes = 2;
    hwi_sim_member(story->sim, 1);
    hwi_sim_member(story->sim, 1);
    run_s(story, 5);
    explain(story, "the run has no view yet: 2 members have registered, and the first view waits "
                   "for 3");
    end(story);
}

static void a_newcomer_is_not_ready(void **state)
{
    (void)state;
    struct story *story = begin(2);
    uint32_t newcomer = hwi_sim_member(story->sim, 1);
    story->nodes++;
    run_s(story, 3);
    explain(story, "peer 3 waits to be admitted: the members have not called hws_admit");
    hwi_sim_block(story->sim, 0, newcomer, true);
    call(story, 0, HWI_KIND_ADMIT, 0, 0, 60000);
    call(story, 1, HWI_KIND_ADMIT, 0, 0, 60000);
    run_s(story, 1.2);
    explain(story, "view 2, proposed 1.2 s ago, waits for peers 1 and 3 to be ready");
    hwi_sim_freeze(story->sim, newcomer);
    run_s(story, 3);
    explain(story, "peer 3 stopped speaking 3.0 s ago: its last message was heartbeat; the master "
                   "put it out");
    end(story);
}

static void lost_records_are_told(void **state)
{
    (void)state;
    struct story *story = begin(2);
    all_reduce_all(story, 7, 2);
    const struct hwi_ring_head *head = hwi_sim_ring(story->sim, 0);
    struct hwi_ring_record *records = calloc(RECORDS, sizeof *records);
    struct explain_ring ring = {.owner = head->owner,
                                .records = records,
                                .count = read_ring(head, records)};
    memmove(records + 10, records + 13, (ring.count - 13) * sizeof *records);
    ring.count -= 3;
    struct explain_input input = {.rings = &ring, .count = 1};
    explain_analyse(&input, &story->report);
    assert_string_equal(story->report.caveat,
                        "3 records of 1 rings were lost; the rings of 1 of the view's 2 members are "
                        "not here; the master's ring is not here");
    free(records);
    end(story);
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
            if (round % 2)
                records[i].arrived = records[i].handled %= UINT64_C(1) << 40;
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
        cmocka_unit_test(a_link_is_cut),
        cmocka_unit_test(a_link_stays_cut),
        cmocka_unit_test(the_master_is_gone),
        cmocka_unit_test(one_does_not_hear_the_master),
        cmocka_unit_test(a_sync_is_slow),
        cmocka_unit_test(the_first_view_waits),
        cmocka_unit_test(a_newcomer_is_not_ready),
        cmocka_unit_test(lost_records_are_told),
        cmocka_unit_test(any_records_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
