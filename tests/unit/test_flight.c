// SPDX-License-Identifier: MIT
// The flight recorder by itself: when it writes, what, how many files stay.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "transport/host/flight.h"

enum { CAPACITY = 1 << 8 };

struct bench {
    char directory[64];
    struct hwi_flight flight;
    struct hwi_ring *ring;
    void *memory;
    uint64_t now_ns;
};

static int setup(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    size_t bytes = hwi_ring_bytes(CAPACITY);
    snprintf(bench->directory, sizeof bench->directory, "/tmp/hawser-flight-XXXXXX");
    if (mkdtemp(bench->directory) == NULL) {
        return -1;
    }
    bench->memory = aligned_alloc(64, bytes);
    memset(bench->memory, 0, bytes);
    bench->ring = hwi_ring_create(&hwi_alloc_libc, bench->memory, CAPACITY);
    bench->now_ns = 5 * HWI_NS_PER_S;
    hwi_flight_init(&bench->flight, bench->directory, "member-1f", bench->memory, bytes);
    *state = bench;
    return 0;
}

static uint32_t list(const struct bench *bench, bool remove)
{
    uint32_t count = 0;
    DIR *directory = opendir(bench->directory);
    for (struct dirent *entry; directory != NULL && ((entry = readdir(directory)) != NULL);) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        count++;
        if (remove) {
            unlinkat(dirfd(directory), entry->d_name, 0);
        }
    }
    if (directory != NULL) {
        closedir(directory);
    }
    return count;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    hwi_flight_fini(&bench->flight);
    list(bench, true);
    rmdir(bench->directory);
    hwi_ring_destroy(bench->ring);
    free(bench->memory);
    free(bench);
    return 0;
}

static void say(struct bench *bench, uint32_t count)
{
    struct hwi_msg msg = {.type = HWI_MSG_pong};
    for (uint32_t i = 0; i < count; i++) {
        hwi_ring_heard(bench->ring, HWI_ROLE_PEER, hwi_addr_of(HWI_ROLE_MASTER, 0), &msg, 1, 1);
    }
}

static bool exists(const struct bench *bench, uint32_t number)
{
    char path[128];
    struct stat found;
    snprintf(path, sizeof path, "%s/member-1f.%06u.flight", bench->directory, number);
    return stat(path, &found) == 0 && found.st_size == (off_t)hwi_ring_bytes(CAPACITY) &&
           (found.st_mode & 0777) == 0600;
}

// The records that a file holds.
static uint32_t load(const struct bench *bench, uint32_t number, struct hwi_ring_head *head)
{
    char path[128];
    struct hwi_ring_reader reader;
    struct hwi_ring_record records[CAPACITY];
    size_t bytes = hwi_ring_bytes(CAPACITY);
    void *memory = aligned_alloc(64, bytes);
    snprintf(path, sizeof path, "%s/member-1f.%06u.flight", bench->directory, number);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(memory, 1, bytes, file), bytes);
    fclose(file);
    assert_true(hwi_ring_attach(&reader, memory, bytes));
    assert_true(hwi_ring_head(&reader, head));
    uint32_t count = hwi_ring_read(&reader, records, CAPACITY);
    free(memory);
    return count;
}

static void a_file_holds_the_ring(void **state)
{
    struct bench *bench = *state;
    struct hwi_ring_head head;
    say(bench, 100);
    hwi_flight_want(&bench->flight, bench->now_ns);
    assert_int_equal(list(bench, false), 1);
    assert_true(exists(bench, 1));
    assert_int_equal(load(bench, 1, &head), 100);
    assert_true(head.taken != 0);
    say(bench, 1000);
    hwi_flight_want(&bench->flight, bench->now_ns + 2 * HWI_NS_PER_S);
    assert_int_equal(load(bench, 2, &head), CAPACITY);
    assert_int_equal(head.next, 1101);
}

static void one_a_second_and_none_is_forgotten(void **state)
{
    struct bench *bench = *state;
    for (uint32_t i = 0; i < 500; i++) {
        hwi_flight_want(&bench->flight, bench->now_ns + i * HWI_NS_PER_MS);
    }
    assert_int_equal(list(bench, false), 1);
    assert_int_equal(bench->flight.due_ns, bench->now_ns + HWI_NS_PER_S);
    hwi_flight_turn(&bench->flight, bench->flight.due_ns);
    assert_int_equal(list(bench, false), 2);
    assert_true(bench->flight.due_ns == HWI_NEVER);
}

static void what_is_due_at_the_end_is_written(void **state)
{
    struct bench *bench = *state;
    hwi_flight_want(&bench->flight, bench->now_ns);
    hwi_flight_want(&bench->flight, bench->now_ns + 1);
    hwi_flight_fini(&bench->flight);
    assert_int_equal(list(bench, false), 2);
}

static void the_first_and_the_newest_stay(void **state)
{
    struct bench *bench = *state;
    for (uint32_t i = 0; i < 50; i++) {
        hwi_flight_want(&bench->flight, bench->now_ns + 2 * i * HWI_NS_PER_S);
    }
    assert_int_equal(list(bench, false), HWI_FLIGHT_OWN_MAX);
    assert_true(exists(bench, 1));
    assert_false(exists(bench, 2));
    for (uint32_t number = 50; number > 50 - HWI_FLIGHT_OWN_MAX + 1; number--) {
        assert_true(exists(bench, number));
    }
}

static void a_directory_is_bounded(void **state)
{
    struct bench *bench = *state;
    for (uint32_t i = 0; i < 3 * HWI_FLIGHT_DIRECTORY_MAX; i++) {
        struct hwi_flight other;
        char name[32];
        snprintf(name, sizeof name, "member-a%u", i);
        hwi_flight_init(&other, bench->directory, name, bench->memory, hwi_ring_bytes(CAPACITY));
        hwi_flight_want(&other, bench->now_ns);
        hwi_flight_fini(&other);
    }
    assert_int_equal(list(bench, false), HWI_FLIGHT_DIRECTORY_MAX);
}

static void what_cannot_be_written_is_counted(void **state)
{
    struct bench *bench = *state;
    struct hwi_flight nowhere;
    hwi_flight_init(&nowhere, "/proc/no/such/place", "member-1", bench->memory,
                    hwi_ring_bytes(CAPACITY));
    hwi_flight_want(&nowhere, bench->now_ns);
    assert_int_equal(nowhere.failures, 1);
    hwi_flight_fini(&nowhere);
    hwi_flight_init(&nowhere, NULL, "member-1", bench->memory, hwi_ring_bytes(CAPACITY));
    hwi_flight_want(&nowhere, bench->now_ns);
    assert_true(nowhere.due_ns == HWI_NEVER);
    assert_int_equal(nowhere.failures, 0);
    hwi_flight_fini(&nowhere);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_holds_the_ring),
        TEST(one_a_second_and_none_is_forgotten),
        TEST(what_is_due_at_the_end_is_written),
        TEST(the_first_and_the_newest_stay),
        TEST(a_directory_is_bounded),
        TEST(what_cannot_be_written_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
