// SPDX-License-Identifier: MIT
// All-reduces that nothing disturbs: the messages of one, and bits of every size, plan and
// alignment.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/scenario.h"

static void two_members_become_a_view(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(2);
    expect_transcript(
        s, "[       5.000] process 0 > master: registration{protocol=4 incarnation=1000 add"
           "ress=\"sim:0\"}\n"
           "[       5.000] process 1 > master: registration{protocol=4 incarnation=1001 add"
           "ress=\"sim:1\"}\n"
           "[      10.000] master > process 0: welcome{run=1 master=1 peer=1 heartbeat_ms=5"
           "00 min_members=1}\n"
           "[      10.000] master > process 1: welcome{run=1 master=1 peer=2 heartbeat_ms=5"
           "00 min_members=1}\n"
           "[      10.000] master > process 0: propose{view=1 incarnation=1000 timeout_ms=5"
           "000 members=[{peer=1 incarnation=1000 address=\"sim:0\"} {peer=2 incarnation=1"
           "001 address=\"sim:1\"}]}\n"
           "[      10.000] master > process 1: propose{view=1 incarnation=1001 timeout_ms=5"
           "000 members=[{peer=1 incarnation=1000 address=\"sim:0\"} {peer=2 incarnation=1"
           "001 address=\"sim:1\"}]}\n"
           "[      17.000] process 0 > master: ready{view=1}\n"
           "[      17.000] process 1 > master: ready{view=1}\n"
           "[      22.000] master > process 0: announce{view=1 incarnation=1000 membe"
           "rs=[{peer=1} {peer=2}] groups=1 largest=2}\n"
           "[      22.000] process 0: reply{view=1 members=[1 2] group_count=1 "
           "group_largest=2 run_members=2}\n"
           "[      22.000] master > process 1: announce{view=1 incarnation=1001 membe"
           "rs=[{peer=1} {peer=2}] groups=1 largest=2}\n"
           "[      22.000] process 1: reply{view=1 rank=1 members=[1 2] group_count=1 "
           "group_largest=2 run_members=2}\n");
    scenario_end(s);
}

static void two_members_commit_one_all_reduce(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(2);
    run_ms(s, 100);
    hwi_sim_mark(s->sim);
    everybody_all_reduces(s, 1, 100);
    expect_transcript(
        s, "[     123.125] process 0 > process 1: call{op=all_reduce/0#0@v1 "
           "signature={kind=1 dtype=11 redop=1 count=100} granted=1}\n"
           "[     123.125] process 1 > process 0: call{op=all_reduce/0#0@v1 "
           "signature={kind=1 dtype=11 redop=1 count=100} granted=1}\n"
           "[     128.125] process 1 > master: done{view=1 kind=1 count=1}\n"
           "[     128.125] process 0 > master: done{view=1 kind=1 count=1}\n"
           "[     133.125] master > process 0: commit{view=1 kind=1 count=1}\n"
           "[     133.125] process 0: reply{request=1 view=1 attempts=1 bytes_sent=400 "
           "bytes_received=400 members=[1 2] group_count=1 group_largest=2 run_members=2 "
           "count=100 members_us=1125 commit_us=10000}\n"
           "[     133.125] master > process 1: commit{view=1 kind=1 count=1}\n"
           "[     133.125] process 1: reply{request=1 view=1 rank=1 attempts=1 bytes_sent=400 "
           "bytes_received=400 members=[1 2] group_count=1 group_largest=2 run_members=2 "
           "count=100 members_us=1125 commit_us=10000}\n");
    scenario_end(s);
}

static void every_size_plan_and_alignment_gives_the_reference_bits(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(3);
    for (uint32_t count = 1; count <= 257; count++) {
        everybody(s, &(struct call){.step = 2 * count,
                                    .count = count,
                                    .plan = HWI_PLAN_ONE_SHOT,
                                    .misalign = (unsigned char)(count % 7),
                                    .in_place = count % 2});
        everybody(s, &(struct call){.step = 2 * count + 1,
                                    .count = count,
                                    .plan = HWI_PLAN_DIRECT,
                                    .misalign = (unsigned char)(count % 5),
                                    .in_place = count % 3 == 0});
    }
    scenario_end(s);
}

static void large_tensors_of_both_types_sum_and_average(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(3);
    uint32_t step = 0;
    for (uint8_t dtype = HWS_F32; dtype <= HWS_F64; dtype++) {
        for (uint8_t redop = HWS_SUM; redop <= HWS_AVG; redop++) {
            everybody(s, &(struct call){.step = ++step,
                                        .count = 300001,
                                        .dtype = dtype,
                                        .redop = redop,
                                        .misalign = 1});
            everybody(s, &(struct call){.step = ++step,
                                        .count = 300001,
                                        .dtype = dtype,
                                        .redop = redop,
                                        .in_place = 1});
        }
    }
    scenario_end(s);
}

// Shares of more chunks than an owner has scratch for: grants follow what is reduced.
static void a_tensor_larger_than_the_scratch_moves_in_a_window(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(3);
    everybody(s, &(struct call){.step = 1, .count = 5000001});
    everybody(s, &(struct call){.step = 2, .count = 5000001, .in_place = 1});
    scenario_end(s);
}

static void many_operations_fly_at_once_on_many_tags(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(4);
    for (uint32_t i = 0; i < 40; i++) {
        for (uint32_t node = 0; node < 4; node++) {
            make_call(s, node, &(struct call){.step = i, .tag = i % 8, .count = 1 + 977 * i});
        }
    }
    for (uint32_t i = 0; i < s->call_count; i++) {
        expect_status(s, s->calls[i].node, s->calls[i].request, HWS_OK);
    }
    scenario_end(s);
}

static void members_may_call_their_tags_in_different_orders(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(3);
    for (uint32_t node = 0; node < 3; node++) {
        for (uint32_t i = 0; i < 6; i++) {
            uint32_t tag = (i * (node + 1) + node) % 7 % 6;
            make_call(s, node, &(struct call){.step = tag, .tag = tag, .count = 70000 - tag});
        }
    }
    run_ms(s, 1000);
    scenario_end(s);
}

static void a_view_of_one_reduces_to_itself(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(1);
    everybody_all_reduces(s, 1, 1);
    everybody(s, &(struct call){.step = 2, .count = 100000, .in_place = 1});
    everybody(s, &(struct call){.step = 3, .count = 5, .redop = HWS_AVG, .dtype = HWS_F64});
    everybody(
        s, &(struct call){.kind = HWI_KIND_AGREE, .step = 4, .redop = HWI_AGREE_AND, .value = 6});
    scenario_end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_members_become_a_view),
        cmocka_unit_test(two_members_commit_one_all_reduce),
        cmocka_unit_test(every_size_plan_and_alignment_gives_the_reference_bits),
        cmocka_unit_test(large_tensors_of_both_types_sum_and_average),
        cmocka_unit_test(a_tensor_larger_than_the_scratch_moves_in_a_window),
        cmocka_unit_test(many_operations_fly_at_once_on_many_tags),
        cmocka_unit_test(members_may_call_their_tags_in_different_orders),
        cmocka_unit_test(a_view_of_one_reduces_to_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
