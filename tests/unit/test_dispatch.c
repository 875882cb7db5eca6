// SPDX-License-Identifier: MIT
// One dispatch for all actors: who is heard, who is ignored, and what is a failed check.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "actors/loop/dispatch.h"
#include "actors/wire/codec.h"

struct ear {
    uint32_t heard; // events
    uint16_t type;  // of the last one
};

static void hear(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct ear *ear = state;
    (void)effects;
    ear->heard++;
    ear->type = event->msg->type;
}

static const struct hwi_handlers tables[HWI_ROLE_MAX] = {
    [HWI_ROLE_MASTER] =
        {
#define HEARD_BY_MASTER(message) HWI_HANDLES(message, hear)
#include "actors/loop/handlers.h"
        },
    [HWI_ROLE_PEER] =
        {
#define HEARD_BY_PEER(message) HWI_HANDLES(message, hear)
#include "actors/loop/handlers.h"
        },
    [HWI_ROLE_REDUCER] =
        {
#define HEARD_BY_REDUCER(message) HWI_HANDLES(message, hear)
#include "actors/loop/handlers.h"
        },
    [HWI_ROLE_SNAPSHOT] =
        {
#define HEARD_BY_SNAPSHOT(message) HWI_HANDLES(message, hear)
#include "actors/loop/handlers.h"
        },
};

enum outcome { HEARD, IGNORED, FAILED };

static enum outcome say(uint8_t actor, uint8_t from, uint64_t id, uint16_t type)
{
    struct ear ear = {0};
    struct hwi_msg msg = {.type = type};
    struct hwi_event event = {.from = {.role = from, .id = id}, .msg = &msg};
    struct hwi_trap trap;
    hwi_trap_enter(&trap);
    if (setjmp(trap.landing) != 0) {
        assert_int_equal(ear.heard, 0);
        return FAILED;
    }
    hwi_dispatch(&tables[actor], &ear, &event, NULL);
    hwi_trap_leave(&trap);
    assert_true(ear.heard == 0 || ear.type == type);
    return ear.heard == 1 ? HEARD : IGNORED;
}

// The table of messages, read the other way: the layouts.
static enum outcome expected(uint8_t actor, uint8_t from, uint64_t id, uint16_t type)
{
    const struct hwi_layout *layout = hwi_layout_of(type);
    if (layout != NULL && from < HWI_ROLE_MAX && (layout->hears & 1u << actor) != 0 &&
        (layout->says & 1u << from) != 0) {
        return HEARD;
    }
    return id != 0 || from == HWI_ROLE_MASTER ? IGNORED : FAILED;
}

static void every_message_from_everybody(void **state)
{
    static const uint8_t actors[] = {HWI_ROLE_MASTER, HWI_ROLE_PEER, HWI_ROLE_REDUCER,
                                     HWI_ROLE_SNAPSHOT};
    uint32_t counts[FAILED + 1] = {0};
    (void)state;
    for (uint32_t i = 0; i < HWI_COUNT(actors); i++) {
        for (uint16_t type = 0; type < HWI_MSG_TYPE_MAX + 2; type++) {
            for (uint8_t from = 0; from < HWI_ROLE_MAX + 2; from++) {
                for (uint64_t id = 0; id < 2; id++) {
                    enum outcome got = say(actors[i], from, id, type);
                    assert_int_equal(got, expected(actors[i], from, id, type));
                    counts[got]++;
                }
            }
        }
    }
    assert_true(counts[HEARD] > 80 && counts[IGNORED] > 1000 && counts[FAILED] > 1000);
}

static void senders_are_accepted_as_the_table_says(void **state)
{
    (void)state;
    assert_int_equal(say(HWI_ROLE_PEER, HWI_ROLE_MASTER, 0, HWI_MSG_commit), HEARD);
    assert_int_equal(say(HWI_ROLE_MASTER, HWI_ROLE_PEER, 7, HWI_MSG_done), HEARD);
    assert_int_equal(say(HWI_ROLE_MASTER, HWI_ROLE_TOOL, 7, HWI_MSG_done), IGNORED);
    assert_int_equal(say(HWI_ROLE_MASTER, HWI_ROLE_TOOL, 7, HWI_MSG_unreachable), IGNORED);
    assert_int_equal(say(HWI_ROLE_MASTER, HWI_ROLE_DISK, 0, HWI_MSG_view_file), HEARD);
    assert_int_equal(say(HWI_ROLE_PEER, HWI_ROLE_REDUCER, 0, HWI_MSG_op_done), HEARD);
    assert_int_equal(say(HWI_ROLE_PEER, HWI_ROLE_SNAPSHOT, 0, HWI_MSG_op_done), HEARD);
    assert_int_equal(say(HWI_ROLE_PEER, HWI_ROLE_DATA, 0, HWI_MSG_op_done), FAILED);
    assert_int_equal(say(HWI_ROLE_REDUCER, HWI_ROLE_REDUCER, 3, HWI_MSG_call), HEARD);
    assert_int_equal(say(HWI_ROLE_REDUCER, HWI_ROLE_REDUCER, 3, HWI_MSG_op_end), IGNORED);
    assert_int_equal(say(HWI_ROLE_REDUCER, HWI_ROLE_CLOCK, 0, HWI_MSG_woken), HEARD);
    assert_int_equal(say(HWI_ROLE_SNAPSHOT, HWI_ROLE_CLOCK, 0, HWI_MSG_woken), FAILED);
}

// Messages that may come from another process: none that stays inside a process.
static void links_are_as_the_table_says(void **state)
{
    (void)state;
    assert_true(hwi_msg_may_come(HWI_MSG_commit, HWI_LINK_CONTROL, HWI_ROLE_MASTER, HWI_ROLE_PEER));
    assert_false(
        hwi_msg_may_come(HWI_MSG_commit, HWI_LINK_CONTROL, HWI_ROLE_PEER, HWI_ROLE_MASTER));
    assert_false(
        hwi_msg_may_come(HWI_MSG_commit, HWI_LINK_STRIPES, HWI_ROLE_MASTER, HWI_ROLE_PEER));
    assert_false(
        hwi_msg_may_come(HWI_MSG_unreachable, HWI_LINK_CONTROL, HWI_ROLE_PEER, HWI_ROLE_MASTER));
    assert_false(
        hwi_msg_may_come(HWI_MSG_view_file, HWI_LINK_CONTROL, HWI_ROLE_MASTER, HWI_ROLE_MASTER));
    assert_true(
        hwi_msg_may_come(HWI_MSG_call, HWI_LINK_STRIPES, HWI_ROLE_REDUCER, HWI_ROLE_REDUCER));
    assert_false(
        hwi_msg_may_come(HWI_MSG_call, HWI_LINK_STRIPES, HWI_ROLE_SNAPSHOT, HWI_ROLE_SNAPSHOT));
    assert_false(
        hwi_msg_may_come(HWI_MSG_TYPE_MAX, HWI_LINK_CONTROL, HWI_ROLE_PEER, HWI_ROLE_MASTER));
    assert_false(hwi_msg_may_come(HWI_MSG_commit, HWI_LINK_CONTROL, 33, HWI_ROLE_PEER));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_from_everybody),
        cmocka_unit_test(senders_are_accepted_as_the_table_says),
        cmocka_unit_test(links_are_as_the_table_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
