// SPDX-License-Identifier: MIT
// Journals that are not as they were written: changed, cut short, incomplete, or their writer
// killed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <hawser/types.h>

#include "actors/wire/codec.h"
#include "tests/support/journal_scene.h"
#include "tests/support/random_msg.h"
#include "transport/journal/format.h"

static void change_byte(const char *path, size_t offset, unsigned char change)
{
    unsigned char byte = 0;
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0 && pread(fd, &byte, 1, (off_t)offset) == 1);
    byte ^= change;
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
    close(fd);
}

// Where the records of a segment end.
static size_t end_of_records(const struct journal_file *file)
{
    struct hwi_journal_header header;
    size_t at = 0;
    while (at + HWI_JOURNAL_HEADER_BYTES <= file->length && hwi_journal_get_u64(file->bytes + at)) {
        assert_true(
            hwi_journal_header_unpack(hwi_journal_get_u64(file->bytes + at + 8), at, &header));
        at += HWI_JOURNAL_HEADER_BYTES + hwi_journal_padded(header.bytes);
    }
    return at;
}

static size_t start_of_last_record(const struct journal_file *file)
{
    struct hwi_journal_header header;
    size_t at = 0, last = 0, end = end_of_records(file);
    while (at < end) {
        assert_true(
            hwi_journal_header_unpack(hwi_journal_get_u64(file->bytes + at + 8), at, &header));
        last = at;
        at += HWI_JOURNAL_HEADER_BYTES + hwi_journal_padded(header.bytes);
    }
    return last;
}

// ---- damage ------------------------------------------------------------------------------------

// Changes each byte of each file, one at a time: the reader must name the file, and an offset that
// is not behind the change.
static void change_every_byte(struct journal_scene *scene)
{
    char path[JOURNAL_PATH_BYTES];
    for (uint32_t number = 1, last = journal_segments(scene); number <= last; number++) {
        journal_segment_path(scene, number, path);
        struct journal_file file = journal_load(path);
        for (size_t i = 0; i < file.length; i++) {
            unsigned char change = (unsigned char)(1u << random_next(&scene->seed) % 8);
            change_byte(path, i, i % 3 ? change : 0xff);
            struct journal_tally tally = journal_find_verdict(scene);
            if (tally.verdict != HWI_JOURNAL_FOUND_DAMAGED || strcmp(tally.file, path) != 0 ||
                tally.last.offset > i) {
                fail_msg("byte %zu of %s: verdict %d, %s at %llu: %s", i, path, tally.verdict,
                         tally.file, (unsigned long long)tally.last.offset, tally.last.error);
            }
            change_byte(path, i, i % 3 ? change : 0xff);
        }
        free(file.bytes);
    }
}

static void every_changed_byte_is_reported(void **state)
{
    struct journal_scene *scene = *state;
    scene->config.segment_bytes = 4096;
    journal_begin(scene);
    journal_steps(scene, 100);
    journal_end(scene);
    assert_true(journal_segments(scene) >= 2);
    change_every_byte(scene);
    assert_int_equal(journal_read_all(scene).verdict, HWI_JOURNAL_FOUND_CLOSED);
}

static void every_changed_byte_of_an_open_journal_is_reported(void **state)
{
    struct journal_scene *scene = *state;
    scene->config.segment_bytes = 4096;
    journal_begin(scene);
    while (journal_segments(scene) < 2) {
        journal_steps(scene, 1);
    }
    journal_steps(scene, 5);
    journal_abandon(scene);
    change_every_byte(scene);
    assert_int_equal(journal_read_all(scene).verdict, HWI_JOURNAL_FOUND_OPEN_END);
}

static void every_length_but_the_whole_is_reported(void **state)
{
    struct journal_scene *scene = *state;
    char path[JOURNAL_PATH_BYTES];
    scene->config.segment_bytes = 4096;
    journal_begin(scene);
    journal_steps(scene, 100);
    journal_end(scene);
    for (uint32_t number = 1, last = journal_segments(scene); number <= last; number++) {
        journal_segment_path(scene, number, path);
        struct journal_file file = journal_load(path);
        for (size_t length = 0; length < file.length; length++) {
            journal_store(path, file.bytes, length);
            struct journal_tally tally = journal_find_verdict(scene);
            assert_int_equal(tally.verdict, HWI_JOURNAL_FOUND_DAMAGED);
            assert_string_equal(tally.file, path);
        }
        journal_store(path, file.bytes, file.length);
        free(file.bytes);
    }
    assert_int_equal(journal_find_verdict(scene).verdict, HWI_JOURNAL_FOUND_CLOSED);
}

static void an_open_journal_cut_short_is_reported(void **state)
{
    struct journal_scene *scene = *state;
    char path[JOURNAL_PATH_BYTES];
    journal_begin(scene);
    journal_steps(scene, 20);
    journal_abandon(scene);
    journal_segment_path(scene, 1, path);
    struct journal_file file = journal_load(path);
    for (size_t length = 0; length < file.length; length++) {
        journal_store(path, file.bytes, length);
        struct journal_tally tally = journal_find_verdict(scene);
        bool nothing_lost = length % 4096 == 0 && length > end_of_records(&file);
        assert_int_equal(tally.verdict,
                         nothing_lost ? HWI_JOURNAL_FOUND_OPEN_END : HWI_JOURNAL_FOUND_DAMAGED);
    }
    free(file.bytes);
}

static void a_missing_segment_is_named(void **state)
{
    struct journal_scene *scene = *state;
    char path[JOURNAL_PATH_BYTES];
    journal_begin(scene);
    journal_steps(scene, 1000);
    journal_end(scene);
    uint32_t last = journal_segments(scene);
    assert_true(last > 3);
    for (uint32_t number = 1; number <= last; number++) {
        journal_segment_path(scene, number, path);
        struct journal_file file = journal_load(path);
        unlink(path);
        struct journal_tally tally = journal_read_all(scene);
        assert_int_equal(tally.verdict, HWI_JOURNAL_FOUND_DAMAGED);
        assert_string_equal(tally.file, path);
        journal_store(path, file.bytes, file.length);
        free(file.bytes);
    }
    assert_int_equal(journal_read_all(scene).verdict, HWI_JOURNAL_FOUND_CLOSED);
}

static void a_segment_in_anothers_place_is_reported(void **state)
{
    struct journal_scene *scene = *state;
    char second[JOURNAL_PATH_BYTES], third[JOURNAL_PATH_BYTES];
    journal_begin(scene);
    journal_steps(scene, 600);
    journal_end(scene);
    journal_segment_path(scene, 2, second);
    journal_segment_path(scene, 3, third);
    struct journal_file file = journal_load(third);
    journal_store(second, file.bytes, file.length);
    struct journal_tally tally = journal_read_all(scene);
    assert_int_equal(tally.verdict, HWI_JOURNAL_FOUND_DAMAGED);
    assert_string_equal(tally.file, second);
    free(file.bytes);
}

// Payloads that are not what they should be, under a chain that is right.
static void hostile_payloads_are_no_events(void **state)
{
    struct journal_scene *scene = *state;
    char path[JOURNAL_PATH_BYTES];
    journal_begin(scene);
    journal_steps(scene, 60);
    journal_abandon(scene);
    journal_segment_path(scene, 1, path);
    struct journal_file file = journal_load(path);
    unsigned char *changed = malloc(file.length);
    for (uint32_t round = 0; round < 1000; round++) {
        struct hwi_journal_reader *reader;
        struct hwi_journal_record record;
        struct hwi_journal_header header;
        char error[256];
        uint64_t chain = 0;
        size_t end = end_of_records(&file);
        memcpy(changed, file.bytes, file.length);
        for (size_t at = 0; at < end;) {
            assert_true(
                hwi_journal_header_unpack(hwi_journal_get_u64(changed + at + 8), at, &header));
            size_t padded = hwi_journal_padded(header.bytes);
            if (header.bytes && random_next(&scene->seed) % 16 == 0) {
                changed[at + 16 + random_next(&scene->seed) % header.bytes] =
                    (unsigned char)random_next(&scene->seed);
            }
            if (random_next(&scene->seed) % 64 == 0) {
                header.kind = (uint8_t)(random_next(&scene->seed) % 7);
                header.role = (uint8_t)(random_next(&scene->seed) % 16);
                hwi_journal_put_u64(changed + at + 8, hwi_journal_header_pack(header, at));
            }
            chain = hwi_journal_chain(chain, changed + at + 8, 8 + padded);
            hwi_journal_put_u64(changed + at, chain);
            at += HWI_JOURNAL_HEADER_BYTES + padded;
        }
        journal_store(path, changed, file.length);
        assert_int_equal(
            hwi_journal_open(scene->directory, "member-1f", &reader, error, sizeof error), HWS_OK);
        while (hwi_journal_read(reader, &record) <= HWI_JOURNAL_FOUND_LOST)
            ;
        hwi_journal_reader_close(reader);
    }
    free(changed);
    free(file.bytes);
}

// The first record is a message of any kind, under a chain that is right.
static void another_message_is_no_head(void **state)
{
    struct journal_scene *scene = *state;
    char path[JOURNAL_PATH_BYTES];
    journal_begin(scene);
    journal_end(scene);
    journal_segment_path(scene, 1, path);
    for (uint16_t type = 1; type < HWI_MSG_TYPE_MAX; type++) {
        struct hwi_msg msg;
        unsigned char bytes[1 << 15] = {0};
        size_t length, room = sizeof bytes - HWI_JOURNAL_HEADER_BYTES;
        if (type == HWI_MSG_journal_head || hwi_layout_of(type) == NULL) {
            continue;
        }
        hwi_effects_reset(&scene->arena);
        random_msg(&scene->seed, type, 4, &scene->arena, &msg);
        assert_int_equal(hwi_encode_into(&msg, bytes + HWI_JOURNAL_HEADER_BYTES, room, &length), 0);
        struct hwi_journal_header header = {(uint32_t)length, HWI_JOURNAL_HEAD, 0};
        size_t padded = hwi_journal_padded(length);
        hwi_journal_put_u64(bytes + 8, hwi_journal_header_pack(header, 0));
        hwi_journal_put_u64(bytes, hwi_journal_chain(0, bytes + 8, 8 + padded));
        journal_store(path, bytes, HWI_JOURNAL_HEADER_BYTES + padded);
        struct journal_tally tally = journal_find_verdict(scene);
        assert_int_equal(tally.verdict, HWI_JOURNAL_FOUND_DAMAGED);
        assert_null(tally.last.head);
    }
}

// Opening a pipe would wait for its writer.
static void what_is_no_file_is_said(void **state)
{
    struct journal_scene *scene = *state;
    char path[JOURNAL_PATH_BYTES];
    journal_segment_path(scene, 1, path);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(round == 0   ? mkfifo(path, 0600)
                         : round == 1 ? mkdir(path, 0700)
                                      : symlink("/dev/zero", path),
                         0);
        struct journal_tally tally = journal_find_verdict(scene);
        assert_int_equal(tally.verdict, HWI_JOURNAL_FOUND_DAMAGED);
        assert_non_null(strstr(tally.last.error, "no regular file"));
        assert_int_equal(remove(path), 0);
    }
}

// ---- killed ------------------------------------------------------------------------------------

static void a_record_without_chain_was_being_written(void **state)
{
    struct journal_scene *scene = *state;
    char path[JOURNAL_PATH_BYTES];
    journal_begin(scene);
    journal_steps(scene, 20);
    journal_abandon(scene);
    journal_segment_path(scene, 1, path);
    struct journal_file file = journal_load(path);
    size_t at = start_of_last_record(&file), end = end_of_records(&file);
    memset(file.bytes + at, 0, 8);
    for (size_t written = end; written >= at + 16; written--) {
        memset(file.bytes + written, 0, end - written);
        journal_store(path, file.bytes, file.length);
        struct journal_tally tally = journal_read_all(scene);
        assert_int_equal(tally.verdict, HWI_JOURNAL_FOUND_TORN);
        assert_int_equal(tally.events, 19);
        assert_int_equal(tally.last.offset, at);
    }
    for (size_t i = 8; i < 16; i++) { // what says how long it would be is kept by its check
        file.bytes[at + i] ^= 4;
        journal_store(path, file.bytes, file.length);
        assert_int_equal(journal_read_all(scene).verdict, HWI_JOURNAL_FOUND_DAMAGED);
        file.bytes[at + i] ^= 4;
    }
    free(file.bytes);
}

static void a_kill_between_two_segments_loses_nothing(void **state)
{
    struct journal_scene *scene = *state;
    char path[JOURNAL_PATH_BYTES], fresh[JOURNAL_PATH_BYTES + 8];
    journal_begin(scene);
    while (journal_segments(scene) < 2) {
        journal_steps(scene, 1);
    }
    uint64_t events = scene->events;
    journal_abandon(scene);
    journal_segment_path(scene, 2, path);
    snprintf(fresh, sizeof fresh, "%s.new", path);
    assert_int_equal(rename(path, fresh), 0);
    struct journal_tally tally = journal_read_all(scene);
    assert_int_equal(tally.verdict, HWI_JOURNAL_FOUND_OPEN_END);
    assert_int_equal(tally.events, events);
    struct journal_file file = journal_load(fresh);
    memset(file.bytes, 0, file.length);
    journal_store(fresh, file.bytes, file.length);
    tally = journal_read_all(scene);
    assert_int_equal(tally.verdict, HWI_JOURNAL_FOUND_OPEN_END);
    assert_int_equal(tally.events, events);
    free(file.bytes);
}

static void a_killed_process_leaves_whole_records(void **state)
{
    struct journal_scene *scene = *state;
    char command[JOURNAL_PATH_BYTES];
    for (uint32_t round = 0; round < 40; round++) {
        int started[2];
        char go;
        assert_int_equal(pipe(started), 0);
        pid_t pid = fork();
        if (pid == 0) {
            journal_begin(scene);
            journal_steps(scene, 1);
            if (write(started[1], "", 1) == 1) {
                for (;;) {
                    journal_steps(scene, 100);
                }
            }
        }
        assert_int_equal(read(started[0], &go, 1), 1);
        close(started[0]);
        close(started[1]);
        for (uint64_t spins = random_next(&scene->seed) % 3000000; spins > 0; spins--) {
            atomic_signal_fence(memory_order_seq_cst);
        }
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        struct journal_tally tally = journal_read_all(scene);
        assert_true(tally.verdict == HWI_JOURNAL_FOUND_TORN ||
                    tally.verdict == HWI_JOURNAL_FOUND_OPEN_END);
        assert_true(tally.events > 0);
        snprintf(command, sizeof command, "rm -f %s/*", scene->directory);
        assert_int_equal(system(command), 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, journal_setup, journal_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_changed_byte_is_reported),
        TEST(every_changed_byte_of_an_open_journal_is_reported),
        TEST(every_length_but_the_whole_is_reported),
        TEST(an_open_journal_cut_short_is_reported),
        TEST(a_missing_segment_is_named),
        TEST(a_segment_in_anothers_place_is_reported),
        TEST(hostile_payloads_are_no_events),
        TEST(another_message_is_no_head),
        TEST(what_is_no_file_is_said),
        TEST(a_record_without_chain_was_being_written),
        TEST(a_kill_between_two_segments_loses_nothing),
        TEST(a_killed_process_leaves_whole_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
