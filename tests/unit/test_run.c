// SPDX-License-Identifier: MIT
// Whole runs by the public API: members in threads of one process, over real sockets.
#include "tests/unit/run.h"

static struct run run;

enum { BIG = (5 << 20) / sizeof(float) + 3, COUNTS_MAX = 1000, TAGS = 64 };

static int teardown(void **state)
{
    (void)state;
    run_close(&run);
    return 0;
}

// ---- reductions ----

// A member's input: awkward numbers, so that another order of adding gives other bits.
static double input_of(uint32_t rank, size_t i)
{
    uint64_t x = (i * 2654435761u + rank * 40503u + 12345u) % 1000003u;
    return (double)x / 1009.0 - 300.0;
}

static void fill(void *to, size_t count, hws_dtype dtype, uint32_t rank)
{
    for (size_t i = 0; i < count; i++) {
        double d = input_of(rank, i);
        float f = (float)d;
        memcpy((char *)to + i * hws_dtype_bytes(dtype), dtype == HWS_F32 ? (void *)&f : (void *)&d,
               hws_dtype_bytes(dtype));
    }
}

static float reduced_f32(uint32_t members, size_t i, hws_redop redop)
{
    float sum = (float)input_of(0, i);
    for (uint32_t rank = 1; rank < members; rank++) {
        sum += (float)input_of(rank, i);
    }
    return redop == HWS_AVG ? sum / (float)members : sum;
}

static double reduced_f64(uint32_t members, size_t i, hws_redop redop)
{
    double sum = input_of(0, i);
    for (uint32_t rank = 1; rank < members; rank++) {
        sum += input_of(rank, i);
    }
    return redop == HWS_AVG ? sum / (double)members : sum;
}

// The first element that is not the reduction in rank order, bit for bit; `count` if all are.
static size_t first_wrong(const void *got, size_t count, hws_dtype dtype, hws_redop redop,
                          uint32_t members)
{
    size_t bytes = hws_dtype_bytes(dtype);
    for (size_t i = 0; i < count; i++) {
        float f = reduced_f32(members, i, redop);
        double d = reduced_f64(members, i, redop);
        if (memcmp((const char *)got + i * bytes, dtype == HWS_F32 ? (void *)&f : (void *)&d,
                   bytes) != 0) {
            return i;
        }
    }
    return count;
}

// One call with everything checked; the buffers begin `shift` bytes off any alignment.
static bool reduces(struct member *member, size_t count, hws_dtype dtype, hws_redop redop,
                    bool in_place, size_t shift, uint32_t plan)
{
    hws_options options = HWS_OPTIONS_INIT;
    hws_result result = HWS_RESULT_INIT;
    size_t bytes = count * hws_dtype_bytes(dtype);
    char *memory = malloc(2 * (bytes + shift));
    char *input = memory + shift, *output = in_place ? input : memory + bytes + 2 * shift;
    hws_view(member->comm, &result);
    options.plan = plan;
    fill(input, count, dtype, result.rank);
    bool right = hws_all_reduce(member->comm, input, output, count, dtype, redop, &options,
                                &result) == HWS_OK &&
                 first_wrong(output, count, dtype, redop, result.member_count) == count;
    free(memory);
    return right;
}

static void all_counts(struct member *member)
{
    for (size_t count = 1; count <= COUNTS_MAX; count++) {
        hws_dtype dtype = count & 1 ? HWS_F32 : HWS_F64;
        hws_redop redop = count & 2 ? HWS_SUM : HWS_AVG;
        EXPECT(member,
               reduces(member, count, dtype, redop, count & 4, count % 8, (uint32_t)(count % 3)));
    }
}

static void all_kinds(struct member *member)
{
    for (uint32_t kind = 0; kind < 24; kind++) {
        hws_dtype dtype = kind & 1 ? HWS_F32 : HWS_F64;
        hws_redop redop = kind & 2 ? HWS_SUM : HWS_AVG;
        EXPECT(member, reduces(member, 70001, dtype, redop, kind & 4, kind % 7, kind / 8));
    }
}

static void big_ones(struct member *member)
{
    EXPECT(member, reduces(member, BIG, HWS_F32, HWS_AVG, false, 0, 0));
    EXPECT(member, reduces(member, BIG, HWS_F32, HWS_SUM, true, 1, 0));
}

static void test_reductions_of_two(void **state)
{
    (void)state;
    run_open(&run, 2);
    run_together(&run, 0, 2, all_counts);
    run_together(&run, 0, 2, all_kinds);
    run_together(&run, 0, 2, big_ones);
}

static void test_reductions_of_three(void **state)
{
    (void)state;
    run_open(&run, 3);
    run_together(&run, 0, 3, all_kinds);
    run_together(&run, 0, 3, big_ones);
}

static void test_reductions_of_four(void **state)
{
    (void)state;
    run_open(&run, 4);
    run_together(&run, 0, 4, all_counts);
    run_together(&run, 0, 4, big_ones);
}

// ---- results ----

static void look_at_results(struct member *member)
{
    static float input[3][100000];
    hws_result view = HWS_RESULT_INIT, result = HWS_RESULT_INIT;
    hws_stats stats = HWS_STATS_INIT;
    float output[1];
    EXPECT(member, hws_view(member->comm, &view) == HWS_OK);
    EXPECT(member, view.member_count == 3 && view.rank < 3);
    EXPECT(member, view.members[0].value < view.members[1].value);
    EXPECT(member, view.members[1].value < view.members[2].value);
    EXPECT(member, hws_all_reduce(member->comm, input[member->index], output, 1, HWS_F32, HWS_SUM,
                                  NULL, &result) == HWS_OK);
    EXPECT(member, result.view.value == view.view.value && result.rank == view.rank);
    EXPECT(member, result.attempts == 1 && result.lost_count == 0 && result.pending == 0);
    EXPECT(member, result.bytes_sent == 2 * sizeof(float)); // one-shot: to two others
    EXPECT(member, result.bytes_received == 2 * sizeof(float));
    EXPECT(member, hws_all_reduce(member->comm, input[member->index], input[member->index], 100000,
                                  HWS_F32, HWS_SUM, NULL, &result) == HWS_OK);
    EXPECT(member, result.bytes_sent > 400000 && result.bytes_sent < 700000); // direct: 4/3 of it
    EXPECT(member, hws_stats_get(member->comm, &stats) == HWS_OK);
    EXPECT(member, stats.committed == 2 && stats.aborted == 0 && stats.views == 1);
    EXPECT(member, stats.bytes_sent == result.bytes_sent + 2 * sizeof(float));
}

static void test_results(void **state)
{
    (void)state;
    run_open(&run, 3);
    run_together(&run, 0, 3, look_at_results);
}

// ---- votes ----

static void agree(struct member *member)
{
    hws_options options = HWS_OPTIONS_INIT;
    hws_result result = HWS_RESULT_INIT;
    uint64_t agreed = 0;
    for (uint64_t round = 0; round < 20; round++) {
        options.tag = round % 3;
        EXPECT(member, hws_agree(member->comm, 100 + member->index + round, HWS_AGREE_MIN, &options,
                                 &agreed, &result) == HWS_OK);
        EXPECT(member, agreed == 100 + round && result.value == agreed);
        EXPECT(member, hws_agree(member->comm, ~(UINT64_C(1) << member->index), HWS_AGREE_AND,
                                 &options, &agreed, NULL) == HWS_OK);
        EXPECT(member, agreed == ~UINT64_C(7));
    }
}

static void test_agree(void **state)
{
    (void)state;
    run_open(&run, 3);
    run_together(&run, 0, 3, agree);
}

// ---- many in flight ----

static void many_tags(struct member *member)
{
    static float buffers[3][TAGS][500];
    hws_request *requests[TAGS];
    hws_options options = HWS_OPTIONS_INIT;
    hws_result result = HWS_RESULT_INIT;
    hws_view(member->comm, &result);
    for (uint32_t i = 0; i < TAGS; i++) { // each member in an order of its own
        options.tag = (i * (2 * member->index + 1)) % TAGS;
        float *buffer = buffers[member->index][options.tag];
        fill(buffer, 500, HWS_F32, result.rank);
        EXPECT(member, hws_all_reduce_async(member->comm, buffer, buffer, 500, HWS_F32, HWS_SUM,
                                            &options, &requests[options.tag]) == HWS_OK);
    }
    for (uint32_t tag = 0; tag < TAGS; tag++) {
        EXPECT(member, hws_wait(requests[tag], UINT32_MAX, NULL) == HWS_OK);
        EXPECT(member, first_wrong(buffers[member->index][tag], 500, HWS_F32, HWS_SUM, 3) == 500);
    }
}

static void one_tag_in_order(struct member *member)
{
    static float values[2][TAGS];
    hws_request *requests[TAGS];
    for (uint32_t i = 0; i < TAGS; i++) {
        values[member->index][i] = (float)(i + 1);
        EXPECT(member, hws_all_reduce_async(member->comm, &values[member->index][i],
                                            &values[member->index][i], 1, HWS_F32, HWS_SUM, NULL,
                                            &requests[i]) == HWS_OK);
    }
    for (uint32_t i = TAGS; i-- > 0;) {
        EXPECT(member, hws_wait(requests[i], UINT32_MAX, NULL) == HWS_OK);
        EXPECT(member, values[member->index][i] == 2 * (float)(i + 1));
    }
}

static void test_many_tags_in_flight(void **state)
{
    (void)state;
    run_open(&run, 3);
    run_together(&run, 0, 3, many_tags);
}

static void test_one_tag_keeps_its_order(void **state)
{
    (void)state;
    run_open(&run, 2);
    run_together(&run, 0, 2, one_tag_in_order);
}

// ---- mistakes ----

static void call_differently(struct member *member)
{
    float buffer[120], before[120];
    hws_options options = HWS_OPTIONS_INIT;
    options.tag = 7;
    fill(buffer, 120, HWS_F32, member->index);
    memcpy(before, buffer, sizeof buffer);
    hws_status status = hws_all_reduce(member->comm, buffer, buffer, member->index == 0 ? 100 : 120,
                                       HWS_F32, HWS_SUM, &options, NULL);
    EXPECT(member, status == HWS_E_MISMATCH);
    EXPECT(member, strstr(hws_last_error(), "f32 x 100") != NULL);
    EXPECT(member, strstr(hws_last_error(), "f32 x 120") != NULL);
    EXPECT(member, strstr(hws_last_error(), "tag 7") != NULL);
    EXPECT(member, memcmp(buffer, before, sizeof buffer) == 0);
    EXPECT(member, hws_view(member->comm, NULL) == HWS_OK);
    EXPECT(member, reduces(member, 10, HWS_F32, HWS_SUM, true, 0, 0));
}

static void test_mismatch(void **state)
{
    (void)state;
    run_open(&run, 2);
    run_together(&run, 0, 2, call_differently);
}

// Each makes a call that the other does not; the first deadline ends both.
static void call_alone(struct member *member)
{
    float buffer[50], before[50];
    hws_options options = HWS_OPTIONS_INIT;
    options.tag = member->index;
    options.timeout_ms = member->index == 0 ? 200 : 0;
    fill(buffer, 50, HWS_F32, member->index);
    memcpy(before, buffer, sizeof buffer);
    hws_status status =
        hws_all_reduce(member->comm, buffer, buffer, 50, HWS_F32, HWS_SUM, &options, NULL);
    EXPECT(member, status == (member->index == 0 ? HWS_E_TIMEOUT : HWS_E_WITHDRAWN));
    EXPECT(member, strstr(hws_last_error(), member->index == 0 ? "all_reduce tag 0" : "tag 1"));
    EXPECT(member, memcmp(buffer, before, sizeof buffer) == 0);
    EXPECT(member, hws_all_reduce(member->comm, buffer, buffer, 50, HWS_F32, HWS_SUM, NULL, NULL) ==
                       HWS_E_VIEW);
    EXPECT(member, hws_view(member->comm, NULL) == HWS_OK);
    EXPECT(member, reduces(member, 10, HWS_F32, HWS_SUM, true, 0, 0));
}

static void test_deadline(void **state)
{
    (void)state;
    run_open(&run, 2);
    run_together(&run, 0, 2, call_alone);
}

// ---- coming and going ----

static void leave_or_stay(struct member *member)
{
    hws_result result = HWS_RESULT_INIT;
    float value = 1;
    if (member->index == 2) {
        member_close(member);
        return;
    }
    hws_options options = HWS_OPTIONS_INIT;
    options.retry = 1;
    EXPECT(member, hws_all_reduce(member->comm, &value, &value, 1, HWS_F32, HWS_SUM, &options,
                                  &result) == HWS_OK);
    EXPECT(member, result.member_count == 2 && value == 2);
    EXPECT(member, reduces(member, 1000, HWS_F64, HWS_AVG, true, 0, 0));
}

static void test_one_leaves(void **state)
{
    (void)state;
    run_open(&run, 3);
    run_together(&run, 0, 3, leave_or_stay);
}

static void *join_late(void *user)
{
    struct member *late = user;
    late->run = &run;
    late->index = 2;
    member_open(late);
    if (late->wrong[0] == '\0' && !reduces(late, 100, HWS_F32, HWS_SUM, true, 0, 0)) {
        snprintf(late->wrong, RUN_TEXT_BYTES, "the newcomer: %s", hws_last_error());
    }
    return NULL;
}

// Works until a newcomer is seen, at the same operation by all; then admits it.
static void admit_a_newcomer(struct member *member)
{
    hws_result result = HWS_RESULT_INIT;
    uint32_t pending = 0, steps = 0;
    while (pending == 0 && steps++ < 1000000) {
        float value = 1;
        EXPECT(member, hws_all_reduce(member->comm, &value, &value, 1, HWS_F32, HWS_SUM, NULL,
                                      &result) == HWS_OK);
        EXPECT(member, hws_pending(member->comm, &pending) == HWS_OK);
        EXPECT(member, pending == result.pending);
    }
    EXPECT(member, hws_admit(member->comm, &result) == HWS_OK);
    EXPECT(member, result.member_count == 3);
    EXPECT(member, reduces(member, 100, HWS_F32, HWS_SUM, true, 0, 0));
}

static void test_a_newcomer_is_admitted(void **state)
{
    (void)state;
    pthread_t late;
    run_open(&run, 2);
    assert_int_equal(pthread_create(&late, NULL, join_late, &run.members[2]), 0);
    run_together(&run, 0, 2, admit_a_newcomer);
    pthread_join(late, NULL);
    if (run.members[2].wrong[0] != '\0') {
        fail_msg("%s", run.members[2].wrong);
    }
}

static void admit_nobody(struct member *member)
{
    hws_result result = HWS_RESULT_INIT;
    EXPECT(member, hws_admit(member->comm, &result) == HWS_OK);
    EXPECT(member, result.member_count == 2);
}

static void test_admitting_nobody(void **state)
{
    (void)state;
    run_open(&run, 2);
    run_together(&run, 0, 2, admit_nobody);
}

static void close_with_work_in_flight(struct member *member)
{
    static float buffers[2][4][100];
    hws_request *requests[4];
    if (member->index == 1) {
        return; // never calls: what member 0 starts stays in flight
    }
    for (uint32_t i = 0; i < 4; i++) {
        fill(buffers[0][i], 100, HWS_F32, i);
        fill(buffers[1][i], 100, HWS_F32, i);
        hws_options options = HWS_OPTIONS_INIT;
        options.tag = i;
        EXPECT(member, hws_all_reduce_async(member->comm, buffers[0][i], buffers[0][i], 100,
                                            HWS_F32, HWS_SUM, &options, &requests[i]) == HWS_OK);
    }
    EXPECT(member, hws_wait(requests[3], 0, NULL) == HWS_E_PENDING);
    EXPECT(member, hws_close(member->comm) == HWS_OK);
    member->comm = NULL;
    EXPECT(member, memcmp(buffers[0], buffers[1], sizeof buffers[0]) == 0);
    for (uint32_t i = 0; i < 4; i++) {
        EXPECT(member, hws_wait(requests[i], UINT32_MAX, NULL) == HWS_E_CLOSED);
    }
}

static void test_closing_with_work_in_flight(void **state)
{
    (void)state;
    run_open(&run, 2);
    run_together(&run, 0, 2, close_with_work_in_flight);
}

// ---- shared state ----

enum { WEIGHTS = 3 * (1 << 20) / 4 + 5, BIASES = 11 };
static float weights[3][WEIGHTS];
static double biases[3][BIASES];

static void differ(struct member *member)
{
    uint32_t m = member->index;
    hws_result result = HWS_RESULT_INIT;
    for (size_t i = 0; i < WEIGHTS; i++) {
        weights[m][i] = (float)i + (m == 1 && i % 500000 == 0 ? 0.5f : 0);
    }
    for (size_t i = 0; i < BIASES; i++) {
        biases[m][i] = m == 1 ? -(double)i : 1;
    }
    EXPECT(member, hws_state_create(&member->state) == HWS_OK);
    EXPECT(member, hws_state_add(member->state, "weights", HWS_F32, weights[m], WEIGHTS) == HWS_OK);
    EXPECT(member, hws_state_add(member->state, "biases", HWS_F64, biases[m], BIASES) == HWS_OK);
    hws_state_set_revision(member->state, m == 1 ? 5 : 4); // member 1 is ahead
    EXPECT(member,
           hws_sync(member->comm, member->state, HWS_SYNC_ENFORCE, NULL, &result) == HWS_OK);
    EXPECT(member, result.value == 5 && hws_state_revision(member->state) == 5);
    EXPECT(member, m == 1 ? result.bytes_received == 0 : result.bytes_received > 0);
    EXPECT(member, m == 1 ? result.sources == 0 : result.sources == 1);
    for (size_t i = 0; i < WEIGHTS; i++) {
        EXPECT(member, weights[m][i] == (float)i + (i % 500000 == 0 ? 0.5f : 0));
    }
    EXPECT(member, biases[m][BIASES - 1] == -(double)(BIASES - 1));
    uint64_t root[2] = {result.root[0], result.root[1]};
    EXPECT(member,
           hws_sync(member->comm, member->state, HWS_SYNC_ENFORCE, NULL, &result) == HWS_OK);
    EXPECT(member, result.bytes_received == 0 && result.bytes_sent == 0); // equal: hashes only
    EXPECT(member, result.root[0] == root[0] && result.root[1] == root[1]);
    EXPECT(member, reduces(member, 1000, HWS_F32, HWS_SUM, true, 0, 0));
}

static void test_sync(void **state)
{
    (void)state;
    run_open(&run, 3);
    run_together(&run, 0, 3, differ);
}

// Members 0 and 1 agree with each other: the majority wins among equal revisions, and one copy is
// taken.
static void majority(struct member *member)
{
    uint32_t m = member->index;
    hws_result result = HWS_RESULT_INIT;
    for (size_t i = 0; i < WEIGHTS; i++) {
        weights[m][i] = m == 2 ? -1 : 2;
    }
    EXPECT(member, hws_state_create(&member->state) == HWS_OK);
    EXPECT(member, hws_state_add(member->state, "weights", HWS_F32, weights[m], WEIGHTS) == HWS_OK);
    EXPECT(member,
           hws_sync(member->comm, member->state, HWS_SYNC_ENFORCE, NULL, &result) == HWS_OK);
    EXPECT(member, weights[m][0] == 2 && weights[m][WEIGHTS - 1] == 2);
    EXPECT(member, result.sources == (m == 2 ? 2 : 0));
}

static void test_the_majority_wins(void **state)
{
    (void)state;
    run_open(&run, 3);
    run_together(&run, 0, 3, majority);
}

static void wrong_layout(struct member *member)
{
    uint32_t m = member->index;
    EXPECT(member, hws_state_create(&member->state) == HWS_OK);
    EXPECT(member, hws_state_add(member->state, m == 2 ? "w" : "weights", HWS_F32, weights[m],
                                 100) == HWS_OK);
    hws_options options = HWS_OPTIONS_INIT;
    options.retry = 1;
    hws_status status = hws_sync(member->comm, member->state, HWS_SYNC_ENFORCE, &options, NULL);
    EXPECT(member, status == (m == 2 ? HWS_E_LAYOUT : HWS_OK));
}

static void test_another_layout_is_put_out(void **state)
{
    (void)state;
    run_open(&run, 3);
    run_together(&run, 0, 3, wrong_layout);
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reductions_of_two),
        TEST(test_reductions_of_three),
        TEST(test_reductions_of_four),
        TEST(test_results),
        TEST(test_agree),
        TEST(test_many_tags_in_flight),
        TEST(test_one_tag_keeps_its_order),
        TEST(test_mismatch),
        TEST(test_deadline),
        TEST(test_one_leaves),
        TEST(test_a_newcomer_is_admitted),
        TEST(test_admitting_nobody),
        TEST(test_closing_with_work_in_flight),
        TEST(test_sync),
        TEST(test_the_majority_wins),
        TEST(test_another_layout_is_put_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
