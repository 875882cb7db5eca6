// SPDX-License-Identifier: MIT
// The player: events in, effects out, nothing carried out.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "actors/loop/player.h"

// ---- an actor that counts what it hears, says it to itself, its clock and another one, and fails
// at 13
// --------------------------------------------------------------------------------------------

struct counting {
    const struct hwi_alloc *alloc;
    uint64_t heard;
    bool gave_up;
};

static void *create(const struct hwi_alloc *alloc)
{
    struct counting *c = hwi_new(alloc, sizeof *c);
    c->alloc = alloc;
    return c;
}

static void step(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct counting *c = state;
    c->heard += event->msg->u.edge_up.peer;
    HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_PEER, 0), edge_up)->peer = c->heard;
    HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_CLOCK, 0), wake_at)->at_ns = event->now_ns;
    HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_MASTER, 0), heartbeat)->view = c->heard;
    HWI_CHECK(event->msg->u.edge_up.peer != 13);
}

static void failed(void *state, uint64_t now_ns, struct hwi_effects *effects)
{
    struct counting *c = state;
    c->gave_up = true;
    HWI_EMIT(effects, hwi_addr_of(HWI_ROLE_TRAINER, 0), reply)->request = now_ns;
}

static void destroy(void *state)
{
    struct counting *c = state;
    hwi_free(c->alloc, c);
}

static void visit(struct hwi_image *image, void *state)
{
    struct counting *c = state;
    hwi_image_u64(image, "heard", &c->heard);
    hwi_image_bool(image, "gave_up", &c->gave_up);
}

static const struct hwi_actor_ops counting_ops = {"counting", HWI_ROLE_PEER, create, step,
                                                  failed,     destroy,       visit};

static const struct hwi_effects *hear(struct hwi_player *player, uint64_t number,
                                      const struct hwi_trap **trap)
{
    struct hwi_msg msg = {.type = HWI_MSG_edge_up, .u.edge_up.peer = number};
    struct hwi_event event = {100 + number, hwi_addr_of(HWI_ROLE_DATA, 0), &msg};
    return hwi_player_step(player, &event, trap);
}

static void effects_come_out_and_nothing_comes_back(void **unused)
{
    (void)unused;
    struct hwi_player *player = hwi_player_create(&counting_ops, &hwi_alloc_libc);
    for (uint64_t i = 1; i <= 3; i++) {
        const struct hwi_trap *trap = (const struct hwi_trap *)player;
        const struct hwi_effects *effects = hear(player, i, &trap);
        assert_null(trap);
        assert_int_equal(effects->count, 3);
        // Neither what it says to itself nor its wake-up was heard in between.
        assert_int_equal(effects->items[0].msg.u.edge_up.peer, i * (i + 1) / 2);
        assert_int_equal(effects->items[0].from.role, HWI_ROLE_PEER);
        assert_int_equal(effects->items[1].msg.u.wake_at.at_ns, 100 + i);
        assert_int_equal(effects->items[2].to.role, HWI_ROLE_MASTER);
    }
    hwi_player_destroy(player);
}

static void after_a_failed_check_nothing_is_heard(void **unused)
{
    (void)unused;
    struct hwi_player *player = hwi_player_create(&counting_ops, &hwi_alloc_libc);
    const struct hwi_trap *trap = NULL;
    const struct hwi_effects *effects = hear(player, 13, &trap);
    assert_non_null(trap);
    assert_string_equal(trap->what, "event->msg->u.edge_up.peer != 13");
    assert_string_equal(trap->file, __FILE__);
    assert_int_equal(effects->count, 1);
    assert_int_equal(effects->items[0].msg.type, HWI_MSG_reply);
    assert_int_equal(effects->items[0].msg.u.reply.request, 113);
    effects = hear(player, 1, &trap);
    assert_null(trap);
    assert_int_equal(effects->count, 0);
    const struct counting *c = hwi_player_state(player);
    assert_int_equal(c->heard, 13);
    assert_true(c->gave_up);
    assert_int_equal(hear(player, 2, NULL)->count, 0); // nobody asks
    hwi_player_destroy(player);
}

static void an_image_continues_where_it_was_saved(void **unused)
{
    (void)unused;
    struct hwi_player *first = hwi_player_create(&counting_ops, &hwi_alloc_libc);
    hear(first, 5, NULL);
    size_t length;
    unsigned char *bytes =
        hwi_image_save(&counting_ops, hwi_player_state(first), &hwi_alloc_libc, &length);
    struct hwi_player *second = hwi_player_create(&counting_ops, &hwi_alloc_libc);
    hear(second, 13, NULL); // and is forgotten
    assert_true(hwi_player_load(second, bytes, length));
    assert_int_equal(hear(second, 2, NULL)->items[0].msg.u.edge_up.peer, 7);
    assert_false(hwi_player_load(second, bytes, length - 1));
    assert_int_equal(hear(second, 2, NULL)->items[0].msg.u.edge_up.peer, 9);
    free(bytes);
    hwi_player_destroy(first);
    hwi_player_destroy(second);
    hwi_player_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(effects_come_out_and_nothing_comes_back),
        cmocka_unit_test(after_a_failed_check_nothing_is_heard),
        cmocka_unit_test(an_image_continues_where_it_was_saved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
