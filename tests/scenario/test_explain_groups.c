// SPDX-License-Identifier: MIT
// What `hawser explain` makes of runs with groups, and of members that waited for each other in
// different calls.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hawser/types.h>

#include "tests/support/scenario.h"
#include "tests/support/story.h"

// Peers 1 and 3 are group 0; 2 and 4 group 1.
static struct story *begin_groups(void)
{
    struct hwi_sim_config config = scenario_config;
    config.first_members = 4;
    struct story *story = story_begin_with(&config, 0);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(hwi_sim_member_at(story->sim, 1, &(struct hwi_sim_place){.group = i % 2}),
                         story->nodes++);
    }
    story_run(story, 1);
    return story;
}

static void a_member_is_waited_for_by_its_group(void **state)
{
    (void)state;
    struct story *story = begin_groups();
    story_reduce_all(story, 7, 3);
    story_reduce(story, 0, 7, 100);
    story_run(story, 12);
    const char *sentence =
        "tag 7 (all-reduce, number 3 of view 1) waits for member 3, which has not "
        "made the call; its reducer has been idle for 12.0 s";
    story_explain(story, sentence);
    story_explain_some(story, 1 << 2, false); // its own ring
    story_expect_first(story, sentence);
    story_explain_some(story, STORY_MASTER, true);
    story_expect_first(story,
                       "tag 7 (all-reduce, number 3 of view 1) waits for member 3, which has not "
                       "made the call");
    story_explain_some(story, 1 << 1 | 1 << 3, false); // group 1 waits for nobody
    assert_false(story->report.trouble);
    story_end(story);
}

static void groups_are_counted_apart(void **state)
{
    (void)state;
    struct story *story = begin_groups();
    uint64_t calls[2] = {story_reduce(story, 1, 7, 100), story_reduce(story, 3, 7, 100)};
    for (uint32_t i = 0; i < 2; i++) {
        assert_true(hwi_sim_until(story->sim, 2 * i + 1, calls[i], HWI_NS_PER_S));
    }
    story_run(story, 2);
    story_explain(story,
                  "nothing waits: 1 operations were committed, the last 2.0 s ago; view 1 has 4 "
                  "members");
    story_end(story);
}

static void a_vote_of_the_run_waits_for_all_groups(void **state)
{
    (void)state;
    struct story *story = begin_groups();
    story_call(story, 0, HWI_KIND_AGREE_RUN, 4, 0, 60000);
    story_call(story, 3, HWI_KIND_AGREE_RUN, 4, 0, 60000);
    story_run(story, 5);
    story_explain(story,
                  "tag 4 (agree of the run, number 0 of view 1) waits for members 2 and 3, which "
                  "have not made the call");
    story_end(story);
}

static void members_that_were_in_different_calls(void **state)
{
    (void)state;
    struct story *story = story_begin(3);
    story_call(story, 0, HWI_KIND_AGREE, 7, 0, 60000);
    story_call(story, 1, HWI_KIND_AGREE, 7, 0, 60000);
    story_reduce(story, 2, 7, 100);
    story_run(story, 2);
    story_explain_some(story, STORY_ALL, true);
    story_expect_begins(
        story,
        "member 3 called something else than the others in view 1: member 3 all-reduce on tag 7, "
        "member");
    story_expect_line(story, 0, "member 2's agree failed: members made different calls");
    story_expect_line(story, 0, "member 3's all-reduce failed: members made different calls");
    story_end(story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_member_is_waited_for_by_its_group),
        cmocka_unit_test(groups_are_counted_apart),
        cmocka_unit_test(a_vote_of_the_run_waits_for_all_groups),
        cmocka_unit_test(members_that_were_in_different_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
