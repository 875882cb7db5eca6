// SPDX-License-Identifier: MIT
// A host's drain while an actor never comes to rest: what is due gets its turn.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "actors/loop/drain.h"

// The peer asks for a wake-up with each probe it hears; the snapshot says a probe to itself for
// ever.
static uint32_t woken, said;

static void *create(const struct hwi_alloc *alloc)
{
    return hwi_new(alloc, 1);
}

static void destroy(void *state)
{
    hwi_free(&hwi_alloc_libc, state);
}

static void failed(void *state, uint64_t now_ns, struct hwi_effects *effects)
{
    (void)state;
    (void)now_ns;
    (void)effects;
}

static void step_peer(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    (void)state;
    woken += event->msg->type == HWI_MSG_woken;
    HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_CLOCK, 0), wake_at)->at_ns = event->now_ns + 10;
}

static void step_snapshot(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    (void)state;
    (void)event;
    said++;
    hwi_emit(effects, hwi_addr_of(HWI_ROLE_SNAPSHOT, 0), HWI_MSG_probe);
}

static void carry(void *world, const struct hwi_envelope *envelope)
{
    (void)world;
    (void)envelope;
}

static void due_wakes_need_not_wait_for_the_last_letter(void **unused)
{
    (void)unused;
    static const struct hwi_world_ops world = {.carry = carry};
    static const struct hwi_actor_ops peer = {"peer", HWI_ROLE_PEER, create, step_peer,
                                              failed, destroy,       NULL};
    static const struct hwi_actor_ops snapshot = {
        "snapshot", HWI_ROLE_SNAPSHOT, create, step_snapshot, failed, destroy, NULL};
    struct hwi_drain *drain = hwi_drain_create(&hwi_alloc_libc, &world, NULL);
    struct hwi_msg probe = {.type = HWI_MSG_probe};
    hwi_drain_add(drain, &peer);
    hwi_drain_add(drain, &snapshot);
    hwi_drain_post(drain, hwi_addr_of(HWI_ROLE_TRAINER, 0), hwi_addr_of(HWI_ROLE_PEER, 0), &probe);
    hwi_drain_post(drain, hwi_addr_of(HWI_ROLE_TRAINER, 0), hwi_addr_of(HWI_ROLE_SNAPSHOT, 0),
                   &probe);
    for (uint64_t now_ns = 1; now_ns <= 100; now_ns++) {
        assert_true(hwi_drain_step(drain, now_ns));
    }
    assert_int_equal(woken, 0); // letters go first, and there always is one
    assert_int_equal(said, 99);
    assert_false(hwi_drain_due(drain, 10));
    assert_true(hwi_drain_due(drain, 11));
    assert_false(hwi_drain_due(drain, 11)); // it asked for a later one
    assert_int_equal(woken, 1);
    assert_true(hwi_drain_pending(drain));
    hwi_drain_destroy(drain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(due_wakes_need_not_wait_for_the_last_letter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
