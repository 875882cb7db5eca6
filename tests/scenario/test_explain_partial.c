// SPDX-License-Identifier: MIT
// What `hawser explain` says where it sees a part of a run only, and of members that stood still or
// left: it does not blame whom it cannot see.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hawser/types.h>

#include "tests/support/scenario.h"
#include "tests/support/story.h"

static void one_ring_does_not_show_the_others_votes(void **state)
{
    (void)state;
    struct story *story = story_begin(3);
    story_call(story, 0, HWI_KIND_AGREE, 4, 0, 60000);
    story_call(story, 2, HWI_KIND_AGREE, 4, 0, 60000);
    story_run(story, 3);
    story_explain_some(story, 1, false);
    story_expect_first(story,
                       "tag 4 (agree, number 0 of view 1) waits: member 1 made the call, and these "
                       "rings do not say whether the others did");
    story_explain_some(story, 1 | STORY_MASTER, false);
    story_expect_first(
        story, "tag 4 (agree, number 0 of view 1) waits for member 2, which has not made the "
               "call");
    story_end(story);
}

static void one_ring_knows_that_the_master_is_gone(void **state)
{
    (void)state;
    struct story *story = story_begin(3);
    story_reduce_all(story, 7, 2);
    hwi_sim_kill(story->sim, HWI_SIM_MASTER);
    for (uint32_t node = 0; node < 3; node++) {
        story_reduce(story, node, 7, 100);
    }
    story_run(story, 4);
    story_explain_some(story, 1, false);
    story_expect_begins(story, "the master has not answered for 4.0 s: member 1 speaks to it");
    assert_int_equal(story->report.count, 1);
    story_end(story);
}

static void the_master_alone_sees_no_reductions(void **state)
{
    (void)state;
    struct story *story = story_begin(3);
    story_reduce_all(story, 7, 2);
    story_reduce(story, 0, 7, 100);
    story_reduce(story, 1, 7, 100);
    story_run(story, 3);
    story_explain_some(story, STORY_MASTER, false);
    story_expect_begins(story, "nothing waits, as far as the master alone can tell: 2 operations");
    story_end(story);
}

static void the_master_stood_still(void **state)
{
    (void)state;
    struct hwi_sim_config config = scenario_config;
    struct story *story = story_begin_with(&config, 3);
    story_reduce_all(story, 7, 2);
    hwi_sim_freeze(story->sim, HWI_SIM_MASTER);
    for (uint32_t node = 0; node < 3; node++) {
        story_call(story, node, HWI_KIND_ALL_REDUCE, 7, 100, 2000);
    }
    story_run(story, 14); // how often heartbeats come is known though many are missing
    hwi_sim_thaw(story->sim, HWI_SIM_MASTER);
    story_run(story, 0.5);
    story_explain_some(story, STORY_MASTER, true);
    story_expect_begins(story, "the master's process stood still for 14.");
    for (uint32_t i = 0; i < story->report.count; i++) {
        assert_null(strstr(story->report.findings[i].sentence, "had not made the call"));
    }
    story_end(story);
}

static void a_member_stood_still_too_long(void **state)
{
    (void)state;
    struct story *story = story_begin(3);
    story_reduce_all(story, 7, 2);
    story_run(story, 1);
    hwi_sim_freeze(story->sim, 2);
    for (uint32_t node = 0; node < 2; node++) {
        story_call(story, node, HWI_KIND_ALL_REDUCE, 7, 100, 2000);
    }
    story_run(story, 3);
    hwi_sim_thaw(story->sim, 2);
    story_run(story, 0.5);
    story_explain_begins(story, "the process of member 3 stood still for 3.");
    story_expect_line(story, 0, "member 1 withdrew from tag 7 (all-reduce, number 2 of view 1)");
    story_end(story);
}

static void a_removed_member_knows_it(void **state)
{
    (void)state;
    struct story *story = story_begin(3);
    story_reduce_all(story, 7, 2);
    hwi_sim_freeze(story->sim, 0);
    story_reduce(story, 1, 7, 100);
    story_reduce(story, 2, 7, 100);
    story_run(story, 8);
    hwi_sim_thaw(story->sim, 0);
    story_run(story, 1);
    story_explain_some(story, 1, false);
    story_expect_begins(story, "the master removed member 1 ");
    // With all rings it is the silence that was first, not the stripes that were closed after it.
    story_explain_begins(story, "member 1 stopped speaking ");
    story_end(story);
}

static void a_member_leaves_in_an_operation(void **state)
{
    (void)state;
    struct story *story = story_begin(3);
    story_reduce_all(story, 7, 2);
    uint64_t cut = story_reduce(story, 0, 7, 100);
    story_reduce(story, 1, 7, 100);
    story_run(story, 0.5);
    trainer_close(story->sim, 2);
    story_run(story, 1);
    assert_int_equal(hwi_sim_reply(story->sim, 0, cut)->status, HWS_E_MEMBER_LOST);
    story_explain_begins(story, "member 3 left the run ");
    story_explain_some(story, 3, false); // the others cannot know
    story_expect_begins(story, "member 3 is gone: ");
    assert_non_null(strstr(story->report.findings[0].hint, "or left"));
    story_end(story);
}

static void three_wait_on_three_tags(void **state)
{
    (void)state;
    struct story *story = story_begin(3);
    for (uint32_t node = 0; node < 3; node++) {
        story_reduce(story, node, 7 + node, 100);
    }
    story_run(story, 3);
    story_explain(story,
                  "member 1 waits in tag 7 (all-reduce, number 0 of view 1) for members 2 and "
                  "3, of which member 2 waits in tag 8 (all-reduce, number 0 of view 1) for "
                  "members 1 and 3");
    story_end(story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_ring_does_not_show_the_others_votes),
        cmocka_unit_test(one_ring_knows_that_the_master_is_gone),
        cmocka_unit_test(the_master_alone_sees_no_reductions),
        cmocka_unit_test(the_master_stood_still),
        cmocka_unit_test(a_member_stood_still_too_long),
        cmocka_unit_test(a_removed_member_knows_it),
        cmocka_unit_test(a_member_leaves_in_an_operation),
        cmocka_unit_test(three_wait_on_three_tags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
