// SPDX-License-Identifier: MIT
// Programs compiled against other versions of the headers: their structs are shorter, or longer. A
// shorter one lies at the end of a page behind which there is no memory, so that reading or writing
// beyond it ends the test.
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/config.h"
#include "tests/unit/run.h"

enum { FILLED = 0xa5, MORE_BYTES = 64 };

// What 0.1.0 had, in its order.
enum {
    OPTIONS_0_1 = 32,
    CONFIG_0_1 = 80,
    MASTER_CONFIG_0_1 = 72,
    RESULT_0_1 = 4192,
    STATS_0_1 = 64,
};

static struct run run;
static uint8_t *pages; // some that may be used, and one that may not
static size_t page_bytes, usable_bytes;

static int setup(void **state)
{
    (void)state;
    void *memory;
    page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    usable_bytes = (sizeof(hws_result) / page_bytes + 1) * page_bytes;
    assert_int_equal(posix_memalign(&memory, page_bytes, usable_bytes + page_bytes), 0);
    pages = memory;
    assert_int_equal(mprotect(pages + usable_bytes, page_bytes, PROT_NONE), 0);
    run_open(&run, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    run_close(&run);
    assert_int_equal(mprotect(pages + usable_bytes, page_bytes, PROT_READ | PROT_WRITE), 0);
    free(pages);
    return 0;
}

// The struct's first `bytes` at the very end of memory, as a caller of that version has it.
static void *cut(const void *whole, size_t bytes)
{
    uint8_t *place = pages + usable_bytes - bytes;
    memset(pages, FILLED, usable_bytes);
    memcpy(place, whole, bytes);
    memcpy(place, &bytes, sizeof bytes);
    return place;
}

// The struct with more behind it that this library does not know.
static void *grown(uint8_t *room, const void *whole, size_t bytes)
{
    size_t given = bytes + MORE_BYTES;
    memset(room, FILLED, given);
    memcpy(room, whole, bytes);
    memcpy(room, &given, sizeof given);
    return room;
}

static void assert_untouched_behind(const uint8_t *room, size_t bytes)
{
    for (size_t i = bytes; i < bytes + MORE_BYTES; i++) {
        assert_int_equal(room[i], FILLED);
    }
}

static void test_structs_have_grown_at_their_end(void **state)
{
    (void)state;
    assert_int_equal(offsetof(hws_options, plan), 24);
    assert_true(offsetof(hws_options, scope) >= OPTIONS_0_1);
    assert_int_equal(offsetof(hws_config, flight), CONFIG_0_1 - 8);
    assert_true(offsetof(hws_config, group) >= CONFIG_0_1);
    assert_int_equal(offsetof(hws_master_config, flight), MASTER_CONFIG_0_1 - 8);
    assert_int_equal(offsetof(hws_result, lost), RESULT_0_1 - sizeof(((hws_result *)0)->lost));
    assert_true(offsetof(hws_result, group) >= RESULT_0_1);
    assert_int_equal(offsetof(hws_stats, reduce_bytes), STATS_0_1 - 8);
}

static void test_shorter_options(void **state)
{
    (void)state;
    hws_options options = HWS_OPTIONS_INIT;
    uint64_t agreed;
    options.timeout_ms = 30000;
    for (size_t bytes = sizeof(size_t); bytes <= sizeof options; bytes += 8) {
        agreed = 0;
        options.tag = bytes;
        assert_int_equal(hws_agree(run.members[0].comm, bytes, HWS_AGREE_MIN, cut(&options, bytes),
                                   &agreed, NULL),
                         HWS_OK);
        assert_int_equal(agreed, bytes);
    }
}

// Bytes that were padding for an older program may hold anything.
static void test_padding_of_older_options_is_not_read(void **state)
{
    (void)state;
    hws_options options = HWS_OPTIONS_INIT;
    uint64_t agreed;
    memset(&options.plan + 1, FILLED,
           OPTIONS_0_1 - offsetof(hws_options, plan) - sizeof options.plan);
    assert_int_equal(
        hws_agree(run.members[0].comm, 1, HWS_AGREE_MIN, cut(&options, OPTIONS_0_1), &agreed, NULL),
        HWS_OK);
}

static void test_shorter_and_longer_results(void **state)
{
    (void)state;
    static uint8_t room[sizeof(hws_result) + MORE_BYTES];
    hws_result whole = HWS_RESULT_INIT;
    assert_int_equal(hws_view(run.members[0].comm, &whole), HWS_OK);
    for (size_t bytes = sizeof(size_t); bytes <= sizeof whole; bytes += 8) {
        uint8_t *result = cut(&whole, bytes);
        memset(result + sizeof(size_t), FILLED, bytes - sizeof(size_t));
        assert_int_equal(hws_view(run.members[0].comm, (hws_result *)(void *)result), HWS_OK);
        assert_memory_equal(result, &bytes, sizeof bytes);
        assert_memory_equal(result + sizeof(size_t), (uint8_t *)&whole + sizeof(size_t),
                            bytes - sizeof(size_t));
    }
    hws_result *longer = grown(room, &whole, sizeof whole);
    assert_int_equal(hws_view(run.members[0].comm, longer), HWS_OK);
    assert_int_equal(longer->bytes_of_struct, sizeof room);
    assert_int_equal(longer->member_count, 1);
    assert_untouched_behind(room, sizeof whole);
}

static void test_shorter_and_longer_stats(void **state)
{
    (void)state;
    static uint8_t room[sizeof(hws_stats) + MORE_BYTES];
    hws_stats whole = HWS_STATS_INIT;
    for (size_t bytes = sizeof(size_t); bytes <= sizeof whole; bytes += 8) {
        hws_stats *stats = cut(&whole, bytes);
        assert_int_equal(hws_stats_get(run.members[0].comm, stats), HWS_OK);
        assert_int_equal(stats->bytes_of_struct, bytes);
    }
    hws_stats *longer = grown(room, &whole, sizeof whole);
    assert_int_equal(hws_stats_get(run.members[0].comm, longer), HWS_OK);
    assert_untouched_behind(room, sizeof whole);
}

// Each size, from that of 0.1.0 on and below: what is not given has its default.
static void test_shorter_configs(void **state)
{
    (void)state;
    hws_config member = HWS_CONFIG_INIT, config;
    hws_master_config master = HWS_MASTER_CONFIG_INIT, master_config;
    member.master = "127.0.0.1:4000";
    member.stripes = 9;
    for (size_t bytes = 16; bytes <= sizeof member; bytes += 8) {
        assert_int_equal(hwi_config_read(cut(&member, bytes), &config), HWS_OK);
        assert_int_equal(config.stripes, bytes > offsetof(hws_config, stripes) ? 9 : 4);
        assert_int_equal(config.group, 0);
    }
    for (size_t bytes = sizeof(size_t); bytes <= sizeof master; bytes += 8) {
        assert_int_equal(hwi_master_config_read(cut(&master, bytes), &master_config), HWS_OK);
        assert_int_equal(master_config.dead_ms, 5000);
    }
}

static void test_a_master_and_a_member_of_0_1(void **state)
{
    (void)state;
    hws_master_config master_config = HWS_MASTER_CONFIG_INIT;
    hws_config config = HWS_CONFIG_INIT;
    hws_master *master = NULL;
    hws_comm *comm = NULL;
    char address[64];
    assert_int_equal(hws_master_start(cut(&master_config, MASTER_CONFIG_0_1), &master), HWS_OK);
    assert_int_equal(hws_master_address(master, address, sizeof address), HWS_OK);
    config.master = address;
    config.open_ms = 30000;
    assert_int_equal(hws_open(cut(&config, CONFIG_0_1), &comm), HWS_OK);
    assert_int_equal(hws_close(comm), HWS_OK);
    assert_int_equal(hws_master_stop(master), HWS_OK);
}

static void test_longer_structs_of_newer_programs(void **state)
{
    (void)state;
    uint8_t room[sizeof(hws_config) + MORE_BYTES];
    hws_options options = HWS_OPTIONS_INIT;
    hws_config member = HWS_CONFIG_INIT, config;
    uint64_t agreed = 0;
    member.master = "127.0.0.1:4000";
    assert_int_equal(hwi_config_read((hws_config *)grown(room, &member, sizeof member), &config),
                     HWS_OK);
    assert_int_equal(config.bytes_of_struct, sizeof config);
    assert_int_equal(hws_agree(run.members[0].comm, 3, HWS_AGREE_AND,
                               grown(room, &options, sizeof options), &agreed, NULL),
                     HWS_OK);
    assert_int_equal(agreed, 3);
}

// An operation whose options are those of 0.1.0, which end it; in an array the first says how long
// all are.
static void test_older_operations_in_a_batch(void **state)
{
    (void)state;
    enum { COUNT = 3, OP_BYTES = offsetof(hws_op, options) + OPTIONS_0_1 };
    static uint8_t ops[COUNT * OP_BYTES], results[COUNT * RESULT_0_1 + MORE_BYTES];
    float values[COUNT] = {1, 2, 3}, sums[COUNT] = {0};
    memset(results, FILLED, sizeof results);
    for (size_t i = 0; i < COUNT; i++) {
        hws_op op = HWS_OP_INIT;
        size_t op_bytes = OP_BYTES, result_bytes = RESULT_0_1;
        op.bytes_of_struct = op_bytes;
        op.options.bytes_of_struct = OPTIONS_0_1;
        op.what = HWS_ALL_REDUCE;
        op.input = &values[i];
        op.output = &sums[i];
        op.count = 1;
        op.dtype = HWS_F32;
        op.redop = HWS_SUM;
        memcpy(ops + i * OP_BYTES, &op, OP_BYTES);
        memcpy(results + i * RESULT_0_1, &result_bytes, sizeof result_bytes);
    }
    assert_int_equal(hws_batch(run.members[0].comm, (const hws_op *)(const void *)ops, COUNT, 2, 0,
                               NULL, (hws_result *)(void *)results),
                     HWS_OK);
    assert_memory_equal(values, sums, sizeof values);
    for (size_t i = 0; i < COUNT; i++) {
        hws_result result = HWS_RESULT_INIT;
        memcpy(&result, results + i * RESULT_0_1, RESULT_0_1);
        assert_int_equal(result.bytes_of_struct, RESULT_0_1);
        assert_int_equal(result.status, HWS_OK);
        assert_int_equal(result.member_count, 1);
    }
    assert_untouched_behind(results, COUNT * RESULT_0_1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_structs_have_grown_at_their_end),
        cmocka_unit_test(test_shorter_options),
        cmocka_unit_test(test_padding_of_older_options_is_not_read),
        cmocka_unit_test(test_shorter_and_longer_results),
        cmocka_unit_test(test_shorter_and_longer_stats),
        cmocka_unit_test(test_shorter_configs),
        cmocka_unit_test(test_a_master_and_a_member_of_0_1),
        cmocka_unit_test(test_longer_structs_of_newer_programs),
        cmocka_unit_test(test_older_operations_in_a_batch),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
