// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "actors/loop/step.h"

static const struct hwi_addr to = {.role = HWI_ROLE_PEER};

static void effects_keep_order_and_their_arena(void **state)
{
    (void)state;
    struct hwi_effects effects;
    hwi_effects_init(&effects, &hwi_alloc_libc);
    for (unsigned round = 0; round < 3; round++) {
        unsigned char *first = hwi_effects_memory(&effects, 3);
        assert_null(hwi_effects_memory(&effects, 0));
        for (uint32_t i = 0; i < 2000; i++) {
            unsigned char *memory = hwi_effects_memory(&effects, 1 + i);
            assert_int_equal((uintptr_t)memory % 8, 0);
            assert_int_equal(memory[0] | memory[i], 0);
            memset(memory, 0xaa, 1 + i);
            HWI_EMIT(&effects, to, edge_up)->peer = i;
        }
        assert_int_equal(first[0] | first[2], 0);
        assert_int_equal(effects.count, 2000);
        for (uint32_t i = 0; i < 2000; i++) {
            assert_int_equal(effects.items[i].msg.u.edge_up.peer, i);
        }
        hwi_effects_reset(&effects);
        assert_int_equal(effects.count, 0);
    }
    hwi_effects_fini(&effects);
}

static void too_many_effects_are_a_failed_check(void **state)
{
    (void)state;
    struct hwi_effects effects;
    struct hwi_trap trap;
    volatile uint32_t emitted = 0;
    hwi_effects_init(&effects, &hwi_alloc_libc);
    hwi_trap_enter(&trap);
    if (setjmp(trap.landing) == 0) {
        for (;;) {
            hwi_emit(&effects, to, HWI_MSG_probe);
            emitted++;
        }
    }
    assert_int_equal(emitted, HWI_EFFECTS_MAX);
    hwi_effects_fini(&effects);

    hwi_effects_init(&effects, &hwi_alloc_libc);
    hwi_trap_enter(&trap);
    emitted = 0;
    if (setjmp(trap.landing) == 0) {
        for (; emitted < 100; emitted++) {
            hwi_effects_memory(&effects, 1 << 20);
        }
    }
    assert_int_equal(emitted, 64);
    hwi_effects_fini(&effects);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(effects_keep_order_and_their_arena),
        cmocka_unit_test(too_many_effects_are_a_failed_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
