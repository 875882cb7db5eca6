// SPDX-License-Identifier: MIT
// Another kind of edges than TCP: whole runs in this process whose stripes are socket pairs. The
// table of calls passes over them.
#include "tests/unit/run.h"

#include "tests/support/pair_edge.h"
#include "tests/support/table_sample.h"

static void make_calls(struct member *member)
{
    char error[TABLE_SAMPLE_BYTES] = "";
    bool right = table_sample(member->comm, error);
    if (!right && member->wrong[0] == '\0') {
        snprintf(member->wrong, RUN_TEXT_BYTES, "member %u: %.500s", member->index, error);
    }
}

// Each edge's stripes are metered, whatever its kind.
static void look_at_meters(struct member *member)
{
    hws_edge_stats edges[RUN_MEMBERS_MAX];
    hws_result view = HWS_RESULT_INIT;
    size_t count = 0;
    for (uint32_t i = 0; i < RUN_MEMBERS_MAX; i++) {
        edges[i] = (hws_edge_stats)HWS_EDGE_STATS_INIT;
    }
    EXPECT(member, hws_view(member->comm, &view) == HWS_OK);
    EXPECT(member, hws_stats_edges(member->comm, edges, RUN_MEMBERS_MAX, &count) == HWS_OK);
    EXPECT(member, count == view.member_count - 1);
    for (size_t i = 0; i < count; i++) {
        EXPECT(member, edges[i].bytes_sent > 0 && edges[i].bytes_received > 0);
    }
}

// All members' calls; returns how many ends of edges came up on socket pairs.
static uint64_t pass_table(uint32_t members, hwi_edge_make_fn kind)
{
    struct run run;
    struct pair_edge_counts before = pair_edge_counts();
    hwi_host_edge_kind(kind);
    run_open(&run, members);
    hwi_host_edge_kind(NULL);
    run_together(&run, 0, members, make_calls);
    run_together(&run, 0, members, look_at_meters);
    run_close(&run);
    struct pair_edge_counts after = pair_edge_counts();
    assert_true(after.ups == before.ups || after.bytes > before.bytes);
    return after.ups - before.ups;
}

static void the_table_passes_over_socket_pairs(void **state)
{
    static const uint32_t worlds[] = {1, 2, 3, 5};
    (void)state;
    for (uint32_t i = 0; i < sizeof worlds / sizeof worlds[0]; i++) {
        uint64_t ups = pass_table(worlds[i], pair_edge_all);
        assert_int_equal(ups, worlds[i] * (worlds[i] - 1)); // no edge is TCP's
    }
}

// An encrypted kind would do so.
static void the_table_passes_over_sealed_streams(void **state)
{
    (void)state;
    assert_int_equal(pass_table(3, pair_edge_sealed), 3 * 2);
}

// Of members 1 to 4 the pairs with an odd sum have socket pairs, the others TCP.
static void kinds_are_chosen_for_each_peer(void **state)
{
    (void)state;
    assert_int_equal(pass_table(4, pair_edge_odd), 2 * 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_passes_over_socket_pairs),
        cmocka_unit_test(the_table_passes_over_sealed_streams),
        cmocka_unit_test(kinds_are_chosen_for_each_peer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
