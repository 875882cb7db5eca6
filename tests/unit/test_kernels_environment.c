// SPDX-License-Identifier: MIT
// A trainer that rounds upward and takes subnormals for zero gets the same bits as any other.
#include <fenv.h>

#include <hawser/types.h>

#include "tests/unit/run.h"

#if defined(__x86_64__)
#include <xmmintrin.h>

static void flush_subnormals(void)
{
    _mm_setcsr(_mm_getcsr() | 0x8040);
}
#elif defined(__aarch64__)
static void flush_subnormals(void)
{
    uint64_t fpcr;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    __asm__ volatile("msr fpcr, %0" : : "r"(fpcr | UINT64_C(1) << 24));
}
#else
static void flush_subnormals(void)
{
}
#endif

static struct run run;

static void reduce(struct member *member)
{
    // least subnormals; 1 and what is lost beside it; thirds
    static const uint32_t inputs[] = {0x00000001, 0x3f800000, 0x3f800000};
    static const uint32_t others[] = {0x00000001, 0x30000000, 0x40000000};
    static const uint32_t sums[] = {0x00000002, 0x3f800000, 0x40400000};
    uint32_t got[3];
    hws_result result = HWS_RESULT_INIT;
    EXPECT(member, hws_view(member->comm, &result) == HWS_OK);
    EXPECT(member, hws_all_reduce(member->comm, result.rank == 0 ? inputs : others, got, 3, HWS_F32,
                                  HWS_SUM, NULL, NULL) == HWS_OK);
    EXPECT(member, memcmp(got, sums, sizeof got) == 0);
}

static int teardown(void **state)
{
    (void)state;
    fesetenv(FE_DFL_ENV);
    run_close(&run);
    return 0;
}

static void test_results_do_not_depend_on_the_trainers_environment(void **state)
{
    (void)state;
    fesetround(FE_UPWARD);
    flush_subnormals();
    run_open(&run, 2);
    run_together(&run, 0, 2, reduce);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_results_do_not_depend_on_the_trainers_environment, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
