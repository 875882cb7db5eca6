// SPDX-License-Identifier: MIT
// Which member differs, which is slow, whose state drifted: what `hawser explain` says of members
// that are alive and do something else than the others.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hawser/types.h>

#include "tests/support/scenario.h"
#include "tests/support/story.h"

// With as many on either side nobody is blamed.
static void two_members_wait_for_each_other(void **state)
{
    (void)state;
    struct story *story = story_begin(2);
    story_call(story, 0, HWI_KIND_ALL_REDUCE, 1, 100, 5000);
    story_call(story, 1, HWI_KIND_AGREE, 2, 0, 4000);
    story_run(story, 5);
    story_explain(
        story, "members made different calls: member 2 waited in tag 2 (agree, number 0 of view "
               "1), member 1 in tag 1 (all-reduce, number 0 of view 1); the deadline of member 2 "
               "ended it 995 ms ago");
    assert_non_null(strstr(story->report.findings[0].hint, "see where member 2"));
    story_end(story);
}

// Whichever rings are missing, the one that differs is never said to be waited for by itself, and
// those that do not differ are never blamed.
static void missing_rings_blame_nobody(void **state)
{
    (void)state;
    struct story *story = story_begin(3);
    story_reduce_all(story, 1, 3);
    story_call(story, 0, HWI_KIND_ALL_REDUCE, 1, 100, 5000);
    story_call(story, 1, HWI_KIND_AGREE, 2, 0, 4000);
    story_call(story, 2, HWI_KIND_ALL_REDUCE, 1, 100, 5000);
    for (uint32_t round = 0; round < 2; round++) {
        story_run(story, round == 0 ? 3 : 2);
        for (uint32_t some = 1; some < 16; some++) {
            uint32_t nodes = (some & 7) | (some & 8 ? STORY_MASTER : 0);
            story_explain_some(story, nodes, false);
            for (uint32_t i = 0; i < story->report.count; i++) {
                const char *hint = story->report.findings[i].hint;
                bool blames = strstr(hint, "trainer of member 1") != NULL ||
                              strstr(hint, "trainer of member 3") != NULL ||
                              strstr(hint, "how member 1") != NULL ||
                              strstr(hint, "how member 3") != NULL;
                if (blames) {
                    story_print(story);
                    fail_msg("round %u, rings %x", round, some);
                }
            }
        }
    }
    story_end(story);
}

// One member needs 200 ms between its calls, the others 20.
static void slow_steps(struct story *story, uint32_t steps)
{
    for (uint32_t step = 0; step < steps; step++) {
        uint64_t requests[3];
        story_run(story, 0.02);
        requests[0] = story_reduce(story, 0, 7, 100);
        requests[1] = story_reduce(story, 1, 7, 100);
        story_run(story, 0.18);
        requests[2] = story_reduce(story, 2, 7, 100);
        for (uint32_t node = 0; node < 3; node++) {
            assert_true(hwi_sim_until(story->sim, node, requests[node], HWI_NS_PER_S));
        }
    }
}

static void a_member_is_slow(void **state)
{
    (void)state;
    struct story *story = story_begin(3);
    slow_steps(story, 20);
    story_explain(story,
                  "member 3 is slow: in 20 of the last 20 operations on tag 7 (all-reduce) it made "
                  "its call last, 180 ms after all others, which wait for it 85 % of the time");
    story_explain_some(story, 1, false); // one that waits knows it too
    story_expect_begins(story, "member 3 is slow: in ");
    story_reduce(story, 0, 7, 100); // what stops the run comes first
    story_reduce(story, 1, 7, 100);
    story_run(story, 2);
    story_explain_begins(story, "tag 7 (all-reduce, number 20 of view 1) waits for member 3");
    story_end(story);
}

// At the end of a run the members leave one after another: the journals still show that it was
// slow.
static void a_member_was_slow(void **state)
{
    (void)state;
    struct story *story = story_begin(3);
    slow_steps(story, 20);
    for (uint32_t node = 0; node < 3; node++) {
        trainer_close(story->sim, node);
        story_run(story, 0.1);
    }
    story_explain(
        story, "member 3 was slow: in 20 of the last 20 operations on tag 7 (all-reduce) it made "
               "its call last, 180 ms after all others, which waited for it 85 % of the time");
    story_end(story);
}

// Each is last in turn, or all are quick: no member is slow.
static void no_member_is_slow(void **state)
{
    (void)state;
    struct story *story = story_begin(3);
    for (uint32_t step = 0; step < 30; step++) {
        uint64_t requests[3];
        for (uint32_t i = 0; i < 3; i++) {
            uint32_t node = (step + i) % 3;
            requests[node] = story_reduce(story, node, 7, 100);
            story_run(story, 0.09);
        }
        for (uint32_t node = 0; node < 3; node++) {
            assert_true(hwi_sim_until(story->sim, node, requests[node], HWI_NS_PER_S));
        }
    }
    story_explain_begins(story, "nothing waits: ");
    story_end(story);
}

// One member is last in every second operation only: that is no steady pace.
static void now_and_then_is_not_slow(void **state)
{
    (void)state;
    struct story *story = story_begin(3);
    for (uint32_t step = 0; step < 30; step++) {
        uint32_t last = step % 2 == 0 ? 1 : 2;
        uint64_t requests[3];
        for (uint32_t node = 0; node < 3; node++) {
            requests[node] = node != last ? story_reduce(story, node, 7, 100) : 0;
        }
        story_run(story, last == 2 ? 0.2 : 0.02);
        requests[last] = story_reduce(story, last, 7, 100);
        for (uint32_t node = 0; node < 3; node++) {
            assert_true(hwi_sim_until(story->sim, node, requests[node], HWI_NS_PER_S));
        }
    }
    story_explain_begins(story, "nothing waits: ");
    story_end(story);
}

static void sync_all(struct story *story, uint64_t revision)
{
    uint64_t requests[3];
    for (uint32_t node = 0; node < 3; node++) {
        struct trainer_call made = {.kind = HWI_KIND_SYNC, .value = revision, .timeout_ms = 60000};
        requests[node] = trainer_call(story->sim, node, &made);
    }
    for (uint32_t node = 0; node < 3; node++) {
        assert_true(hwi_sim_until(story->sim, node, requests[node], 20 * HWI_NS_PER_S));
        assert_int_equal(hwi_sim_reply(story->sim, node, requests[node])->status, HWS_OK);
    }
}

// A byte that changed by itself: the sync puts it right, and is not the end of the matter. That the
// states of members differ before their first sync is no drift.
static void a_state_drifted(void **state)
{
    (void)state;
    struct story *story = story_begin(3);
    for (uint32_t node = 0; node < 3; node++) {
        story_hold_state(story, node, (int)node);
    }
    sync_all(story, 0);
    sync_all(story, 0);
    story_explain_begins(story, "nothing waits: ");
    story->states[1][5000000] ^= 1;
    sync_all(story, 0);
    story_run(story, 1);
    story_explain_begins(
        story, "the state of member 2 had drifted: at revision 0, 1 of its blocks differed "
               "from the elected state; the sync (number 2 of view 1) repaired it ");
    story_end(story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_members_wait_for_each_other),
        cmocka_unit_test(missing_rings_blame_nobody),
        cmocka_unit_test(a_member_is_slow),
        cmocka_unit_test(a_member_was_slow),
        cmocka_unit_test(no_member_is_slow),
        cmocka_unit_test(now_and_then_is_not_slow),
        cmocka_unit_test(a_state_drifted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
