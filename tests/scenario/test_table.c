// SPDX-License-Identifier: MIT
// Every type x reduction x plan x {in place, out of place} x {1, 2, 3, 5 members} of the calls that
// reduce, and every type x plan x place x members of those that move: each result is compared, byte
// by byte, with a scalar reference of its own (tests/support/kernel_oracle.c).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "actors/base/dtype.h"
#include "tests/support/scenario.h"

static const uint32_t worlds[] = {1, 2, 3, 5};

// One row of the table: odd lengths, so that vectors have remainders, and shares differ.
static void row(struct scenario *s, struct call call, uint32_t *rows)
{
    static const uint64_t counts[] = {67, 641, 5003};
    for (uint8_t plan = HWI_PLAN_AUTO + 1; plan < HWI_PLAN_COUNT; plan++) {
        for (uint8_t in_place = 0; in_place <= 1; in_place++) {
            call.step = ++*rows;
            call.plan = plan;
            call.in_place = in_place;
            call.misalign = (uint8_t)(*rows % 8);
            call.count = counts[*rows % HWI_COUNT(counts)];
            if (call.redop == 0) { // members' parts begin at whole bytes
                call.count = hwi_dtype_count(call.dtype, hwi_dtype_bytes(call.dtype, call.count));
            }
            call.root = *rows % s->nodes;
            everybody(s, &call);
        }
    }
}

static void table(const uint8_t *kinds, uint32_t kind_count, uint8_t redop_least,
                  uint8_t redop_most)
{
    uint32_t rows = 0;
    for (uint32_t w = 0; w < HWI_COUNT(worlds); w++) {
        struct scenario *s = scenario_start(worlds[w]);
        for (uint32_t k = 0; k < kind_count; k++) {
            for (uint8_t dtype = 1; dtype <= hwi_dtype_last(); dtype++) {
                for (uint8_t redop = redop_least; redop <= redop_most; redop++) {
                    row(s, (struct call){.kind = kinds[k], .dtype = dtype, .redop = redop}, &rows);
                }
            }
        }
        scenario_end(s);
    }
    print_message("%u rows\n", rows);
}

static void calls_that_reduce(void **unused)
{
    (void)unused;
    static const uint8_t kinds[] = {HWI_KIND_ALL_REDUCE, HWI_KIND_REDUCE_SCATTER};
    table(kinds, HWI_COUNT(kinds), HWS_SUM, HWS_MIN);
}

static void calls_that_move(void **unused)
{
    (void)unused;
    static const uint8_t kinds[] = {HWI_KIND_ALL_GATHER, HWI_KIND_BROADCAST};
    table(kinds, HWI_COUNT(kinds), 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_that_reduce),
        cmocka_unit_test(calls_that_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
