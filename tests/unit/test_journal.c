// SPDX-License-Identifier: MIT
// Journals on disk: what is written is read, within the bounds, also when the disk is full.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <hawser/types.h>

#include "actors/wire/codec.h"
#include "tests/support/journal_scene.h"
#include "transport/journal/format.h"

// ---- the whole journal -------------------------------------------------------------------------

static void events_come_back_as_they_were(void **state)
{
    struct journal_scene *scene = *state;
    journal_begin(scene);
    journal_steps(scene, 1000);
    journal_end(scene);
    struct journal_tally tally = journal_read_all(scene);
    assert_int_equal(tally.verdict, HWI_JOURNAL_FOUND_CLOSED);
    assert_int_equal(tally.events, 1000);
    assert_true(tally.heads > 3);
    assert_int_equal(tally.images, 2 * (tally.heads - 1));
}

static void an_open_journal_reads_to_its_end(void **state)
{
    struct journal_scene *scene = *state;
    journal_begin(scene);
    for (uint64_t events = 0; events < 300; events += 3) {
        struct journal_tally tally = journal_read_all(scene);
        assert_int_equal(tally.verdict, HWI_JOURNAL_FOUND_OPEN_END);
        assert_int_equal(tally.events, events);
        journal_steps(scene, 3);
    }
}

static void a_giving_up_without_event_is_on_record(void **state)
{
    static const struct hwi_msg nothing = {.type = HWI_MSG_NONE};
    struct journal_scene *scene = *state;
    struct hwi_event event = {.now_ns = 77, .msg = &nothing};
    struct hwi_journal_reader *reader;
    struct hwi_journal_record record;
    char error[256];
    journal_begin(scene);
    hwi_journal_step(scene->journal, &journal_peer, &event, &scene->effects, true);
    journal_end(scene);
    assert_int_equal(hwi_journal_open(scene->directory, "member-1f", &reader, error, sizeof error),
                     HWS_OK);
    assert_int_equal(hwi_journal_read(reader, &record), HWI_JOURNAL_FOUND_HEAD);
    assert_int_equal(hwi_journal_read(reader, &record), HWI_JOURNAL_FOUND_EVENT);
    assert_int_equal(record.event.event.msg->type, HWI_MSG_NONE);
    assert_int_equal(record.event.event.now_ns, 77);
    assert_true(record.event.failed);
    assert_int_equal(hwi_journal_read(reader, &record), HWI_JOURNAL_FOUND_CLOSED);
    hwi_journal_reader_close(reader);
}

static void an_event_larger_than_a_segment_is_kept_whole(void **state)
{
    struct journal_scene *scene = *state;
    static struct hwi_member members[1000];
    struct hwi_msg msg = {.type = HWI_MSG_announce};
    struct hwi_event event = {.now_ns = 1, .msg = &msg};
    struct hwi_journal_reader *reader;
    struct hwi_journal_record record;
    enum hwi_journal_found found;
    char error[256];
    uint32_t whole = 0;
    msg.u.announce.members = members;
    msg.u.announce.members_count = HWI_COUNT(members);
    journal_begin(scene);
    for (uint32_t i = 0; i < 4; i++) {
        hwi_journal_step(scene->journal, &journal_peer, &event, &scene->effects, false);
    }
    scene->states[0].heard = 4;
    journal_end(scene);
    assert_int_equal(hwi_journal_open(scene->directory, "member-1f", &reader, error, sizeof error),
                     HWS_OK);
    while ((found = hwi_journal_read(reader, &record)) <= HWI_JOURNAL_FOUND_LOST) {
        if (found == HWI_JOURNAL_FOUND_EVENT) {
            assert_int_equal(hwi_msg_hash(record.event.event.msg), hwi_msg_hash(&msg));
            assert_int_equal(record.event.number, ++whole);
        }
    }
    assert_int_equal(found, HWI_JOURNAL_FOUND_CLOSED);
    assert_int_equal(whole, 4);
    hwi_journal_reader_close(reader);
}

static void images_larger_than_a_segment_make_it_larger(void **state)
{
    struct journal_scene *scene = *state;
    scene->states[1].padding = 3 * JOURNAL_SEGMENT_BYTES;
    journal_begin(scene);
    journal_steps(scene, 3000);
    journal_end(scene);
    struct journal_tally tally = journal_read_all(scene);
    assert_int_equal(tally.verdict, HWI_JOURNAL_FOUND_CLOSED);
    assert_int_equal(tally.events, 3000);
    assert_true(tally.heads > 2 && tally.heads < 20);
}

static void names_are_listed_once_and_sorted(void **state)
{
    struct journal_scene *scene = *state;
    struct hwi_journal *other;
    char error[256], **names;
    uint32_t count;
    journal_begin(scene);
    journal_steps(scene, 500);
    struct hwi_journal_config config = scene->config;
    config.name = "master-7";
    assert_int_equal(hwi_journal_create(&config, &other, error, sizeof error), HWS_OK);
    assert_int_equal(hwi_journal_names(scene->directory, &names, &count, error, sizeof error),
                     HWS_OK);
    assert_int_equal(count, 2);
    assert_string_equal(names[0], "master-7");
    assert_string_equal(names[1], "member-1f");
    free(names[0]);
    free(names[1]);
    free(names);
    hwi_journal_close(other);
}

static void a_directory_that_cannot_be_used_is_named(void **state)
{
    struct journal_scene *scene = *state;
    char error[256] = "", path[JOURNAL_PATH_BYTES];
    snprintf(path, sizeof path, "%s/no/such", scene->directory);
    scene->config.directory = path;
    assert_int_equal(hwi_journal_create(&scene->config, &scene->journal, error, sizeof error),
                     HWS_E_SYSTEM);
    assert_non_null(strstr(error, path));
    scene->config.directory = "/dev/null";
    assert_int_equal(hwi_journal_create(&scene->config, &scene->journal, error, sizeof error),
                     HWS_E_SYSTEM);
    assert_non_null(strstr(error, "/dev/null"));
    scene->journal = NULL;
}

// ---- bounds ------------------------------------------------------------------------------------

static uint64_t bytes_on_disk(const struct journal_scene *scene, uint32_t *count)
{
    uint64_t bytes = 0;
    *count = 0;
    for (uint32_t number = 1; number < 10000; number++) {
        char path[JOURNAL_PATH_BYTES];
        struct stat about;
        journal_segment_path(scene, number, path);
        if (stat(path, &about) != 0) {
            continue;
        }
        bytes += (uint64_t)about.st_size;
        ++*count;
    }
    return bytes;
}

static void the_oldest_segments_go_beyond_the_bytes(void **state)
{
    struct journal_scene *scene = *state;
    uint32_t count;
    scene->config.bytes_max = 5 * JOURNAL_SEGMENT_BYTES;
    journal_begin(scene);
    for (uint32_t i = 0; i < 40; i++) {
        journal_steps(scene, 100);
        assert_true(bytes_on_disk(scene, &count) <= 5 * JOURNAL_SEGMENT_BYTES);
    }
    assert_int_equal(count, 5);
    journal_end(scene);
    struct journal_tally tally = journal_read_all(scene);
    assert_int_equal(tally.verdict, HWI_JOURNAL_FOUND_CLOSED);
    assert_true(tally.first > 0);
    assert_int_equal(tally.first + tally.events, 4000);
    assert_int_equal(tally.images, 2 * tally.heads);
}

static void one_more_missing_than_were_removed_is_reported(void **state)
{
    struct journal_scene *scene = *state;
    char path[JOURNAL_PATH_BYTES];
    uint32_t number = 1;
    scene->config.bytes_max = 4 * JOURNAL_SEGMENT_BYTES;
    journal_begin(scene);
    journal_steps(scene, 2000);
    journal_end(scene);
    for (journal_segment_path(scene, number, path); access(path, F_OK) != 0;) {
        journal_segment_path(scene, ++number, path);
    }
    assert_int_equal(unlink(path), 0);
    struct journal_tally tally = journal_read_all(scene);
    assert_int_equal(tally.verdict, HWI_JOURNAL_FOUND_DAMAGED);
    assert_string_equal(tally.file, path);
}

static void old_segments_go(void **state)
{
    struct journal_scene *scene = *state;
    uint32_t count;
    scene->config.age_max_ms = 1; // an event is 10 ns: 100000 of them
    scene->config.segment_bytes = 1 << 20;
    journal_begin(scene);
    for (uint32_t i = 0; i < 5; i++) {
        journal_steps(scene, 60000);
    }
    bytes_on_disk(scene, &count);
    assert_true(count >= 2);
    journal_end(scene);
    struct journal_tally tally = journal_read_all(scene);
    assert_int_equal(tally.verdict, HWI_JOURNAL_FOUND_CLOSED);
    assert_true(tally.first > 0);
    assert_true(tally.events >= 100000 && tally.events < 300000);
}

// ---- a full disk -------------------------------------------------------------------------------

// No file of this process may be larger: a full disk, as far as a segment is concerned.
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes == RLIM_INFINITY ? limit.rlim_max : bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void what_a_full_disk_refused_is_counted(void **state)
{
    struct journal_scene *scene = *state;
    journal_begin(scene);
    journal_steps(scene, 50);
    limit_files(JOURNAL_SEGMENT_BYTES - 1);
    journal_steps(scene, 600);
    uint64_t lost = hwi_journal_lost(scene->journal);
    limit_files(RLIM_INFINITY);
    assert_true(lost > 100 && lost < 600);
    struct journal_tally tally = journal_read_all(scene);
    assert_int_equal(tally.verdict, HWI_JOURNAL_FOUND_OPEN_END);
    assert_int_equal(tally.events, 650 - lost);

    scene->events = 100000000 / 10 + 1000; // later than the next try
    journal_steps(scene, 1);
    assert_int_equal(hwi_journal_lost(scene->journal), lost + 1);
    journal_end(scene);
    tally = journal_read_all(scene);
    assert_int_equal(tally.verdict, HWI_JOURNAL_FOUND_CLOSED);
    assert_int_equal(tally.lost, lost + 1);
    assert_int_equal(tally.images, 2 * (tally.heads - 1));
}

// Without a handler the signal that the kernel sends would end the process.
static void a_limit_on_file_sizes_ends_nothing(void **state)
{
    struct journal_scene *scene = *state;
    struct rlimit before, low;
    char error[256] = "";
    void (*handler)(int) = signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    low = before;
    low.rlim_cur = JOURNAL_SEGMENT_BYTES;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    scene->config.segment_bytes = 2 * JOURNAL_SEGMENT_BYTES;
    int status = hwi_journal_create(&scene->config, &scene->journal, error, sizeof error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    assert_int_equal(status, HWS_E_SYSTEM);
    assert_non_null(strstr(error, "File too large"));
}

static void a_journal_closed_on_a_full_disk_says_what_it_lost(void **state)
{
    struct journal_scene *scene = *state;
    journal_begin(scene);
    limit_files(JOURNAL_SEGMENT_BYTES - 1);
    journal_steps(scene, 600);
    uint64_t lost = hwi_journal_lost(scene->journal);
    journal_end(scene);
    limit_files(RLIM_INFINITY);
    struct journal_tally tally = journal_read_all(scene);
    assert_int_equal(tally.verdict, HWI_JOURNAL_FOUND_CLOSED);
    assert_int_equal(tally.lost, lost);
    assert_int_equal(tally.events, 600 - lost);
}

// ---- other builds ------------------------------------------------------------------------------

static struct journal_tally read_with_head(struct journal_scene *scene, uint32_t format,
                                           uint64_t schema)
{
    char path[JOURNAL_PATH_BYTES];
    struct hwi_msg msg = {.type = HWI_MSG_journal_head};
    unsigned char scratch[1024];
    struct journal_file file;
    struct hwi_journal_header header = {.kind = HWI_JOURNAL_HEAD};
    size_t length;
    journal_begin(scene);
    journal_end(scene);
    journal_segment_path(scene, 1, path);
    file = journal_load(path);
    msg.u.journal_head = (struct hwi_msg_journal_head){
        .format = format, .schema = schema, .segment = 1, .name = "member-1f", .build = "9.9"};
    assert_int_equal(hwi_encode_into(&msg, scratch + 16, sizeof scratch - 16, &length),
                     HWI_CODEC_OK);
    header.bytes = (uint32_t)length;
    memset(scratch + 16 + length, 0, 8);
    length = hwi_journal_padded(length);
    hwi_journal_put_u64(scratch + 8, hwi_journal_header_pack(header, 0));
    hwi_journal_put_u64(scratch, hwi_journal_chain(0, scratch + 8, 8 + length));
    journal_store(path, scratch, 16 + length);
    free(file.bytes);
    return journal_read_all(scene);
}

static void another_format_is_named(void **state)
{
    struct journal_tally tally = read_with_head(*state, 7, hwi_schema_hash());
    assert_int_equal(tally.verdict, HWI_JOURNAL_FOUND_OTHER);
    assert_non_null(strstr(tally.last.error, "format is 7"));
}

static void another_schema_is_named(void **state)
{
    struct journal_tally tally = read_with_head(*state, HWI_JOURNAL_FORMAT, 0x1234);
    assert_int_equal(tally.verdict, HWI_JOURNAL_FOUND_OTHER);
    assert_non_null(strstr(tally.last.error, "9.9"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, journal_setup, journal_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(events_come_back_as_they_were),
        TEST(an_open_journal_reads_to_its_end),
        TEST(a_giving_up_without_event_is_on_record),
        TEST(an_event_larger_than_a_segment_is_kept_whole),
        TEST(images_larger_than_a_segment_make_it_larger),
        TEST(names_are_listed_once_and_sorted),
        TEST(a_directory_that_cannot_be_used_is_named),
        TEST(the_oldest_segments_go_beyond_the_bytes),
        TEST(one_more_missing_than_were_removed_is_reported),
        TEST(old_segments_go),
        TEST(what_a_full_disk_refused_is_counted),
        TEST(a_limit_on_file_sizes_ends_nothing),
        TEST(a_journal_closed_on_a_full_disk_says_what_it_lost),
        TEST(another_format_is_named),
        TEST(another_schema_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
