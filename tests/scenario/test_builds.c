// SPDX-License-Identifier: MIT
// Several builds of Hawser in one run: those of one protocol work together, a process of another
// protocol is refused and disturbs nobody.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/scenario.h"

static void update(struct scenario *s, uint32_t node)
{
    hwi_sim_build(s->sim, node, HWI_SIM_BUILD_NEWER);
}

// The life of a run from its first view to a late joiner's sync.
static void work(struct scenario *s, uint32_t members)
{
    for (uint32_t node = 0; node < members; node++) {
        give_state(s, node, 100000, node + 1);
    }
    everybody(s, &(struct call){.kind = HWI_KIND_SYNC, .step = 1, .value = 3});
    expect_states(s, 1);
    everybody_all_reduces(s, 2, 1000);
    uint32_t newcomer = start_member(s);
    give_state(s, newcomer, 100000, 9);
    run_ms(s, 500);
    everybody_admits(s);
    expect_open(s, newcomer, HWS_OK);
    everybody(s, &(struct call){.kind = HWI_KIND_SYNC, .step = 4, .value = 3});
    expect_states(s, 1);
    everybody(s, &(struct call){.kind = HWI_KIND_AGREE, .redop = HWI_AGREE_MIN, .step = 5});
    everybody_all_reduces(s, 6, 1000);
}

static void members_are_updated_one_after_the_other(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(2);
    update(s, 1);
    work(s, 2);
    scenario_end(s);
}

static void the_master_is_updated_first(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(2);
    update(s, HWI_SIM_MASTER);
    work(s, 2);
    scenario_end(s);
}

static void a_process_of_another_protocol_is_refused_and_disturbs_nobody(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(2);
    uint32_t foreign = start_member(s);
    hwi_sim_build(s->sim, foreign, HWI_SIM_BUILD_FOREIGN);
    expect_open(s, foreign, HWS_E_REFUSED);
    const char *reason = hwi_sim_peek(s->sim, foreign, 0)->reason;
    expect(strstr(reason, "another version of the protocol") != NULL, "it was told \"%s\"", reason);
    everybody_all_reduces(s, 1, 1000);
    const struct hwi_msg_reply *view = acknowledge(s, 0);
    assert_int_equal(view->view, 1);
    assert_int_equal(view->pending, 0);
    scenario_end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_updated_one_after_the_other),
        cmocka_unit_test(the_master_is_updated_first),
        cmocka_unit_test(a_process_of_another_protocol_is_refused_and_disturbs_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
