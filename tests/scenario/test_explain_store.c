// SPDX-License-Identifier: MIT
// A master that cannot write its state file: what `hawser explain` says while it lasts, and after.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hawser/types.h>

#include "tests/support/scenario.h"
#include "tests/support/story.h"

// A member dies while the disk is full, so it cannot be removed.
static struct story *begin_full(uint64_t calls[2])
{
    struct hwi_sim_config config = scenario_config;
    config.durable = 1;
    struct story *story = story_begin_with(&config, 3);
    story_reduce_all(story, 7, 3);
    hwi_sim_disk_full(story->sim, true);
    hwi_sim_kill(story->sim, 2);
    calls[0] = story_reduce(story, 0, 7, 100);
    calls[1] = story_reduce(story, 1, 7, 100);
    story_run(story, 12);
    return story;
}

static void a_full_disk_comes_first(void **state)
{
    (void)state;
    uint64_t calls[2];
    struct story *story = begin_full(calls);
    story_explain(story, "for 12.0 s no view could change: the master cannot write its state file");
    story_expect_line(story, 0, "the first of 12 writes that failed");
    assert_true(story->report.trouble);
    story_explain_some(story, 1, true); // a live master says why; its ring is not needed
    story_expect_begins(story, "no view can change: the master cannot write its "
                               "state file: no room (simulated)");
    story_explain_some(story, STORY_ALL, true);
    story_expect_first(story, "for 12.0 s no view could change: the master cannot write its "
                              "state file: no room (simulated)");
    story_end(story);
}

static void reply_is(struct story *story, uint32_t node, uint64_t request, hws_status status)
{
    assert_true(hwi_sim_until(story->sim, node, request, HWI_NS_PER_S));
    assert_int_equal(hwi_sim_reply(story->sim, node, request)->status, status);
}

static void a_full_disk_that_got_room_is_over(void **state)
{
    (void)state;
    uint64_t calls[2];
    struct story *story = begin_full(calls);
    hwi_sim_disk_full(story->sim, false);
    story_run(story, 4);
    for (uint32_t node = 0; node < 2; node++) {
        reply_is(story, node, calls[node], HWS_E_MEMBER_LOST);
        reply_is(story, node, trainer_view(story->sim, node), HWS_OK);
    }
    story_reduce_all(story, 7, 1);
    story_explain_some(story, STORY_ALL, true);
    story_expect_begins(story, "nothing waits: ");
    bool found = false;
    for (uint32_t i = 0; i < story->report.count; i++) {
        const struct explain_finding *finding = &story->report.findings[i];
        if (strcmp(finding->rule, "store") == 0) {
            found = true;
            assert_true(finding->over);
            assert_string_equal(finding->sentence,
                                "no view could change for 12.0 s, until 4.0 s ago: the master "
                                "cannot write its state file");
        }
    }
    assert_true(found);
    story_end(story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_disk_comes_first),
        cmocka_unit_test(a_full_disk_that_got_room_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
