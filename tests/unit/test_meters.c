// SPDX-License-Identifier: MIT
// Meters of the bytes that stripes carried, and how fast, read while they run.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "transport/host/edge/meters.h"

enum { EDGES_MAX = 8, MS = 1000000 };

static hws_edge_stats told[EDGES_MAX];
static uint32_t told_count;

static void tell(void *user, const hws_edge_stats *edge)
{
    assert_ptr_equal(user, told);
    told[told_count++] = *edge;
}

static const hws_edge_stats *read_at(struct hwi_meters *meters, uint64_t now_ns)
{
    told_count = 0;
    hwi_meters_read(meters, now_ns, tell, told);
    return told;
}

static void members_are_listed_in_order(void **state)
{
    (void)state;
    struct hwi_meters meters = {0};
    const uint64_t peers[] = {5, 2, 9, 3};
    struct hwi_edge_meter *edges[HWI_COUNT(peers)];
    hwi_meters_init(&meters);
    for (size_t i = 0; i < HWI_COUNT(peers); i++) {
        edges[i] = hwi_meters_add(&meters, peers[i], 2, 0);
    }
    hwi_meters_remove(&meters, edges[3]);
    hwi_meters_remove(&meters, NULL);
    read_at(&meters, MS);
    assert_int_equal(told_count, 3);
    assert_int_equal(told[0].peer.value, 2);
    assert_int_equal(told[1].peer.value, 5);
    assert_int_equal(told[2].peer.value, 9);
    assert_int_equal(told[0].stripe_count, 2);
    for (size_t i = 0; i < 3; i++) {
        hwi_meters_remove(&meters, edges[i]);
    }
    read_at(&meters, MS);
    assert_int_equal(told_count, 0);
    hwi_meters_fini(&meters);
}

static void both_lanes_are_in_the_sum(void **state)
{
    (void)state;
    struct hwi_meters meters = {0};
    hwi_meters_init(&meters);
    struct hwi_edge_meter *edge = hwi_meters_add(&meters, 1, 2, 0);
    hwi_meter_set(&edge->meters[HWI_LANE_REDUCER][0].sent, 100, 10 * MS);
    hwi_meter_set(&edge->meters[HWI_LANE_REDUCER][1].sent, 20, 10 * MS);
    hwi_meter_set(&edge->meters[HWI_LANE_SNAPSHOT][1].sent, 3, 10 * MS);
    hwi_meter_set(&edge->meters[HWI_LANE_REDUCER][1].received, 7, 10 * MS);
    const hws_edge_stats *stats = read_at(&meters, 20 * MS);
    assert_int_equal(stats->bytes_sent, 123);
    assert_int_equal(stats->bytes_received, 7);
    assert_int_equal(stats->stripes[0].bytes_sent, 100);
    assert_int_equal(stats->stripes[1].bytes_sent, 20);
    assert_int_equal(stats->stripes[1].bytes_received, 7);
    assert_int_equal(stats->sent_per_s, 123 * 50);
    hwi_meters_remove(&meters, edge);
    hwi_meters_fini(&meters);
}

// 1000 bytes each ms for two seconds, then nothing.
static void rates_are_of_lately(void **state)
{
    (void)state;
    struct hwi_meters meters = {0};
    uint64_t bytes = 0, ms = 1;
    hwi_meters_init(&meters);
    struct hwi_edge_meter *edge = hwi_meters_add(&meters, 1, 1, 0);
    struct hwi_meter *meter = &edge->meters[HWI_LANE_REDUCER][0].sent;
    assert_int_equal(read_at(&meters, 0)->sent_per_s, 0);
    for (; ms <= 2000; ms++) {
        hwi_meter_set(meter, bytes += 1000, ms * MS);
        uint64_t rate = read_at(&meters, ms * MS)->sent_per_s;
        assert_in_range(rate, 990000, 1010000);
    }
    assert_in_range(read_at(&meters, 4000 * UINT64_C(1000000))->sent_per_s, 0, 600000);
    assert_in_range(read_at(&meters, 1000000 * UINT64_C(1000000))->sent_per_s, 0, 2000);
    hwi_meter_set(meter, bytes + 5000, 1000000 * UINT64_C(1000000)); // a new window begins
    assert_in_range(read_at(&meters, 1000500 * UINT64_C(1000000))->sent_per_s, 9000, 11000);
    hwi_meters_remove(&meters, edge);
    hwi_meters_fini(&meters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_listed_in_order),
        cmocka_unit_test(both_lanes_are_in_the_sum),
        cmocka_unit_test(rates_are_of_lately),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
