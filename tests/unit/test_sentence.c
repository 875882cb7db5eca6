// SPDX-License-Identifier: MIT
// The sentence of hws_last_error for each failure: what happened, to whom, what to do.
#include "tests/unit/played_host.h"

static void test_opening_can_fail(void **state)
{
    (void)state;
    static const struct {
        hws_status status;
        const char *sentence;
    } cases[] = {
        {HWS_E_UNREACHABLE, "no answer from the master at h:4000 within 50 ms: is `hawser master` "
                            "running there?"},
        {HWS_E_NOT_ADMITTED, "registered with the master at h:4000, but not admitted within 50 ms"},
        {HWS_E_REFUSED, "the master at h:4000 refused this member"},
    };
    hws_config config = HWS_CONFIG_INIT;
    hws_comm *failed = NULL;
    config.master = "h:4000";
    config.open_ms = 50;
    for (size_t i = 0; i < HWI_COUNT(cases); i++) {
        memset(&scene, 0, sizeof scene);
        scene.open_status = cases[i].status;
        assert_int_equal(hws_open(&config, &failed), cases[i].status);
        assert_memory_equal(hws_last_error(), cases[i].sentence, strlen(cases[i].sentence));
        assert_null(failed);
        assert_null(scene.host);
    }
    scene.create_status = HWS_E_SYSTEM;
    assert_int_equal(hws_open(&config, &failed), HWS_E_SYSTEM);
    assert_string_equal(hws_last_error(), "127.0.0.1:1 cannot be bound: permission denied");
    scene.create_status = 0;
    scene.submit_status = HWS_E_NO_MEMORY;
    assert_int_equal(hws_open(&config, &failed), HWS_E_NO_MEMORY);
    assert_null(scene.host);
}

static void assert_sentence(hws_status status, const char *sentence)
{
    scene.reply.status = status;
    assert_int_equal(reduce(7, NULL), status);
    assert_string_equal(hws_last_error(), sentence);
}

static void test_mismatch_names_both_sides(void **state)
{
    (void)state;
    struct hwi_fault *fault = &scene.reply.fault;
    *fault = (struct hwi_fault){.peer_a = 3, .peer_b = 1, .tag = 7};
    fault->signature_a = (struct hwi_signature){HWI_KIND_ALL_REDUCE, HWS_F32, HWS_SUM, 100, 0};
    fault->signature_b = (struct hwi_signature){HWI_KIND_ALL_REDUCE, HWS_F32, HWS_SUM, 120, 0};
    assert_sentence(HWS_E_MISMATCH,
                    "member 3 called all_reduce f32 x 100, member 1 f32 x 120, tag 7: "
                    "make the same call on all members");
    fault->signature_b = (struct hwi_signature){HWI_KIND_ALL_REDUCE, HWS_F64, HWS_AVG, 100, 0};
    assert_sentence(HWS_E_MISMATCH,
                    "member 3 called all_reduce f32 x 100 sum, member 1 f64 x 100 avg, "
                    "tag 7: make the same call on all members");
    fault->signature_b = (struct hwi_signature){HWI_KIND_ALL_REDUCE, HWS_F32, HWS_SUM, 100, 2};
    assert_sentence(HWS_E_MISMATCH,
                    "member 3 called all_reduce f32 x 100 with its plan chosen by "
                    "size, member 1 f32 x 100 with its plan direct, tag 7: make the "
                    "same call on all members");
    fault->signature_a = (struct hwi_signature){.kind = HWI_KIND_AGREE, .redop = HWI_AGREE_AND};
    fault->signature_b = (struct hwi_signature){.kind = HWI_KIND_AGREE, .redop = HWI_AGREE_MIN};
    assert_sentence(HWS_E_MISMATCH,
                    "member 3 called agree AND, member 1 MIN, tag 7: make the same call "
                    "on all members");
    fault->signature_b = (struct hwi_signature){.kind = HWI_KIND_BARRIER_RUN, .redop = 3};
    assert_sentence(HWS_E_MISMATCH,
                    "member 3 called agree AND, member 1 run-wide barrier, tag 7: make the "
                    "same call on all members");
    // calls that never met: the master knows their kinds
    fault->signature_a = (struct hwi_signature){.kind = HWI_KIND_SYNC};
    fault->signature_b = (struct hwi_signature){.kind = HWI_KIND_ALL_REDUCE};
    assert_sentence(HWS_E_MISMATCH,
                    "member 3 called sync, member 1 all_reduce, tag 7: make the same "
                    "call on all members");
    fault->kind = HWI_KIND_SYNC;
    assert_sentence(HWS_E_MISMATCH,
                    "member 3 called sync, member 1 all_reduce: make the same call on all members");
    *fault = (struct hwi_fault){.peer_a = 3, .peer_b = 1, .tag = 7};
    assert_sentence(HWS_E_MISMATCH, "members made different calls on all_reduce tag 7: make the "
                                    "same call on all members");
}

static void test_each_operation_names_what_is_its_own(void **state)
{
    (void)state;
    struct hwi_fault *fault = &scene.reply.fault;
    *fault = (struct hwi_fault){.peer_a = 1, .peer_b = 3, .tag = 7};
    fault->signature_a = (struct hwi_signature){
        .kind = HWI_KIND_ALL_REDUCE, .dtype = HWS_F32, .redop = HWS_SUM, .count = 120};
    fault->signature_b = (struct hwi_signature){
        .kind = HWI_KIND_BROADCAST, .dtype = HWS_F32, .count = 100, .root = 2};
    assert_sentence(HWS_E_MISMATCH,
                    "member 1 called all_reduce f32 x 120 sum, member 3 broadcast f32 "
                    "x 100 from member 2, tag 7: make the same call on all members");
    fault->signature_a = fault->signature_b;
    fault->signature_a.root = 1;
    assert_sentence(HWS_E_MISMATCH,
                    "member 1 called broadcast f32 x 100 from member 1, member 3 f32 x "
                    "100 from member 2, tag 7: make the same call on all members");
    fault->signature_a = fault->signature_b =
        (struct hwi_signature){.kind = HWI_KIND_ALL_GATHER, .dtype = HWS_U8, .count = 5};
    fault->signature_b.unequal = 1;
    assert_sentence(
        HWS_E_MISMATCH,
        "member 1 called all_gather u8 x 5 with equal counts, member 3 u8 x 5 with counts "
        "that differ, tag 7: make the same call on all members");
}

static void test_too_little_room_names_both_numbers(void **state)
{
    (void)state;
    scene.reply.fault = (struct hwi_fault){.status = HWS_E_INVALID, .peer_a = 3, .tag = 7};
    scene.reply.fault.signature_a = scene.reply.fault.signature_b =
        (struct hwi_signature){.kind = HWI_KIND_ALL_GATHER, .dtype = HWS_F32, .count = 100};
    scene.reply.fault.signature_b.count = 120;
    assert_sentence(HWS_E_INVALID, "all_reduce tag 7: member 3 has room for 100 elements and needs "
                                   "room for 120: give its output more room");
    scene.reply.fault.status = HWS_E_LIMIT;
    assert_sentence(HWS_E_LIMIT, "all_reduce tag 7: at least 120 elements of f32 in all are more "
                                 "than 2^40 bytes");
}

static void test_a_root_that_is_none(void **state)
{
    (void)state;
    float memory[4] = {0};
    scene.reply.status = HWS_E_MEMBER_LOST;
    scene.reply.fault = (struct hwi_fault){.status = HWS_E_MEMBER_LOST, .peer_a = 9};
    assert_int_equal(hws_broadcast(comm, memory, memory, 4, HWS_F32, (hws_peer_id){9}, NULL, NULL),
                     HWS_E_MEMBER_LOST);
    assert_string_equal(hws_last_error(),
                        "member 9, the root of broadcast tag 0, is not a member of "
                        "view 4: acknowledge with hws_view and call again");
}

static void test_membership_sentences(void **state)
{
    (void)state;
    struct hwi_id lost[12];
    for (uint64_t i = 0; i < HWI_COUNT(lost); i++) {
        lost[i].value = i + 2;
    }
    scene.reply.lost = lost;
    scene.reply.lost_count = 1;
    assert_sentence(HWS_E_MEMBER_LOST,
                    "lost member 2 during all_reduce tag 7 in view 4: acknowledge "
                    "with hws_view and call again");
    scene.reply.lost_count = 12;
    assert_sentence(
        HWS_E_MEMBER_LOST,
        "lost members 2, 3, 4, 5, 6, 7, 8, 9 and 4 more during all_reduce tag 7 in view "
        "4: acknowledge with hws_view and call again");
    scene.reply.lost_count = 0;
    assert_sentence(HWS_E_VIEW, "the view changed before all_reduce tag 7: acknowledge with "
                                "hws_view and call again");
    assert_sentence(HWS_E_TIMEOUT, "all_reduce tag 7 was not finished by all members within 2000 "
                                   "ms: acknowledge with hws_view and call again");
    scene.reply.members_count = 1;
    scene.reply.members = lost;
    scene.reply.min_members = 2;
    assert_sentence(HWS_E_TOO_FEW,
                    "all_reduce tag 7 needs 2 members and view 4 has 1: "
                    "acknowledge with hws_view, admit newcomers with hws_admit and call again");
    scene.reply.fault.peer_a = 3;
    scene.reply.fault.status = HWS_E_TIMEOUT;
    assert_sentence(HWS_E_WITHDRAWN,
                    "member 3 withdrew from all_reduce tag 7 in view 4 (the deadline "
                    "passed): acknowledge with hws_view and call again");
    scene.reply.fault.peer_a = 0;
    assert_sentence(HWS_E_WITHDRAWN,
                    "the view changed during all_reduce tag 7 (view 4): a connection between "
                    "members broke, or another call was withdrawn: acknowledge with hws_view and "
                    "call again");
}

static void test_the_absent_are_named(void **state)
{
    (void)state;
    scene.reply.fault = (struct hwi_fault){
        .status = HWS_E_TIMEOUT, .peer_a = 1, .waited_ms = 1049, .absent = 3, .absent_in_all = 5};
    assert_sentence(HWS_E_TIMEOUT,
                    "member 3 (and 4 more) had not called all_reduce tag 7 after 1.0 s: "
                    "acknowledge with hws_view and make the same call again");
    scene.reply.fault.other_kind = HWI_KIND_BARRIER_RUN;
    scene.reply.fault.other_tag = 5;
    assert_sentence(HWS_E_TIMEOUT,
                    "member 3 waits in run-wide barrier tag 5 while member 1 waits in all_reduce "
                    "tag 7: acknowledge with hws_view and make the same call again");
    scene.reply.fault.other_kind = HWI_KIND_NONE;
    scene.reply.fault.absent_in_all = 1;
    assert_sentence(
        HWS_E_WITHDRAWN,
        "member 1 withdrew from all_reduce tag 7 in view 4 (the deadline passed): member "
        "3 had not called all_reduce tag 7 after 1.0 s: acknowledge with hws_view and "
        "call again");
}

static void test_sentences_of_the_end(void **state)
{
    (void)state;
    assert_sentence(HWS_E_OUTCOME_UNKNOWN,
                    "no decision on all_reduce tag 7 from the master at 127.0.0.1:4000 within 2000 "
                    "ms and 15000 ms of grace: close, open again and sync");
    snprintf(scene.reply.trouble, HWI_TEXT_BYTES_MAX, "cannot write its state file f: no room");
    assert_sentence(HWS_E_OUTCOME_UNKNOWN,
                    "no decision on all_reduce tag 7 from the master at 127.0.0.1:4000 within 2000 "
                    "ms and 15000 ms of grace: close, open again and sync; the master cannot write "
                    "its state file f: no room, so the view cannot change");
    scene.reply.trouble[0] = '\0';
    scene.reply.attempts = 0; // a call made afterwards
    snprintf(scene.reply.reason, HWI_TEXT_BYTES_MAX, "the master gave no decision in time");
    assert_sentence(HWS_E_OUTCOME_UNKNOWN,
                    "all_reduce tag 7: the master's decision is unknown (the master gave no "
                    "decision in time): close, open again and sync");
    snprintf(scene.reply.reason, HWI_TEXT_BYTES_MAX, "not heard for 5000 ms");
    assert_sentence(HWS_E_EVICTED,
                    "all_reduce tag 7: this member was removed from the run (not heard "
                    "for 5000 ms): close, open again and sync");
    scene.reply.reason[0] = '\0';
    assert_sentence(HWS_E_LIMIT, "all_reduce tag 7: a view has 4096 tags, in all groups together, "
                                 "and this would be one more: use tags again, one for each "
                                 "sequence of calls and not one for each step");
    assert_sentence(HWS_E_NOT_SYNCED, "all_reduce tag 7: the shared state is not synced: call "
                                      "hws_sync first");
    scene.host->config.ops->check_failed(scene.host->config.user, "reducer", "a < b", "x.c", 12);
    scene.host->config.ops->check_failed(scene.host->config.user, "peer", "c < d", "y.c", 13);
    assert_sentence(HWS_E_INTERNAL,
                    "an internal check failed (reducer: a < b at x.c:12) during all_reduce tag 7: "
                    "close, open again and sync");
}

static void test_every_status_has_a_sentence(void **state)
{
    (void)state;
#define STATUS(name, value, klass, text) HWS_##name,
    static const hws_status statuses[] = {HWS_STATUS_MAP(STATUS)};
#undef STATUS
    hws_result result = HWS_RESULT_INIT;
    for (size_t i = 1; i < HWI_COUNT(statuses); i++) {
        scene.reply.status = statuses[i];
        assert_int_equal(hws_admit(comm, &result), statuses[i]);
        assert_int_equal(result.status, statuses[i]);
        assert_true(strlen(hws_last_error()) > 15);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opening_can_fail),
        TEST(test_mismatch_names_both_sides),
        TEST(test_each_operation_names_what_is_its_own),
        TEST(test_too_little_room_names_both_numbers),
        TEST(test_a_root_that_is_none),
        TEST(test_membership_sentences),
        TEST(test_the_absent_are_named),
        TEST(test_sentences_of_the_end),
        TEST(test_every_status_has_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
