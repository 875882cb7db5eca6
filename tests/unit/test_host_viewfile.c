// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <hawser/types.h>

#include "actors/wire/codec.h"
#include "tests/support/expect.h"
#include "tests/support/relay.h"
#include "transport/host/viewfile.h"

enum { PATH_BYTES = 64 };

struct scene {
    char directory[32], path[PATH_BYTES];
};

static int make_directory(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    snprintf(scene->directory, sizeof scene->directory, "/tmp/hawser-view-XXXXXX");
    if (mkdtemp(scene->directory) == NULL) {
        return -1;
    }
    snprintf(scene->path, sizeof scene->path, "%s/view", scene->directory);
    *state = scene;
    return 0;
}

static int remove_directory(void **state)
{
    struct scene *scene = *state;
    static const char *const endings[] = {"", ".lock", ".new"};
    for (size_t i = 0; i < HWI_COUNT(endings); i++) {
        char path[PATH_BYTES + 8];
        snprintf(path, sizeof path, "%s%s", scene->path, endings[i]);
        unlink(path);
    }
    int result = rmdir(scene->directory);
    free(scene);
    return result;
}

static struct hwi_msg sample(void)
{
    struct hwi_msg msg = {.type = HWI_MSG_view_file};
    msg.u.view_file =
        (struct hwi_msg_view_file){.run = 5, .master = 6, .highest = 9, .next_peer = 7};
    return msg;
}

static void store_sample(struct scene *scene)
{
    struct hwi_viewfile file;
    struct hwi_msg msg = sample();
    char error[HWI_ERROR_BYTES_MAX] = "";
    int status = hwi_viewfile_open(&file, scene->path, error);
    expect(status == HWS_OK, "open: %s", error);
    assert_int_equal(hwi_viewfile_store(&file, &msg, error), HWS_OK);
    hwi_viewfile_close(&file);
}

// The sentence goes to the members: it fits a message however long the path is, and says what the
// system said.
static void a_file_that_cannot_be_written_is_named_with_the_reason(void **state)
{
    struct scene *scene = *state;
    struct hwi_viewfile file;
    struct hwi_msg msg = sample();
    char reason[HWI_TEXT_BYTES_MAX] = "";
    assert_int_equal(hwi_viewfile_open(&file, scene->path, reason), HWS_OK);
    snprintf(file.path, sizeof file.path, "%.*s/run.state", 1000, "/nowhere");
    assert_int_equal(hwi_viewfile_store(&file, &msg, reason), HWS_E_SYSTEM);
    assert_string_equal(
        reason, "cannot write its state file /nowhere/run.state: No such file or directory");
    memset(file.path, 'x', sizeof file.path - 8);
    snprintf(file.path + sizeof file.path - 8, 8, "end.hws");
    assert_int_equal(hwi_viewfile_store(&file, &msg, reason), HWS_E_SYSTEM);
    assert_non_null(strstr(reason, "xxend.hws: File name too long"));
    hwi_viewfile_close(&file);
}

static int load(struct scene *scene, uint64_t *hash, char *error)
{
    struct hwi_viewfile file;
    struct hwi_msg msg;
    void *block = NULL;
    assert_int_equal(hwi_viewfile_open(&file, scene->path, error), HWS_OK);
    int status = hwi_viewfile_load(&file, &msg, &block, error);
    if (status == HWS_OK) {
        *hash = hwi_msg_hash(&msg);
        free(block);
    }
    hwi_viewfile_close(&file);
    return status;
}

static void what_is_stored_is_loaded(void **state)
{
    struct scene *scene = *state;
    struct hwi_msg msg = sample();
    char error[HWI_ERROR_BYTES_MAX] = "";
    uint64_t hash = 0;
    store_sample(scene);
    store_sample(scene); // replaces
    assert_int_equal(load(scene, &hash, error), HWS_OK);
    assert_true(hash == hwi_msg_hash(&msg));
}

// Changes the byte at `at` (from the end if negative), or cuts the file there.
static void damage(struct scene *scene, long at, bool cut)
{
    FILE *file = fopen(scene->path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, at < 0 ? SEEK_END : SEEK_SET), 0);
    if (cut) {
        assert_int_equal(ftruncate(fileno(file), ftell(file)), 0);
    } else {
        int byte = fgetc(file);
        fseek(file, -1, SEEK_CUR);
        fputc(byte ^ 1, file);
    }
    fclose(file);
}

static void damage_is_seen(void **state)
{
    static const struct {
        long at;
        bool cut;
    } cases[] = {{0, false}, {9, false}, {16, false}, {-1, false},
                 {-1, true}, {15, true}, {0, true}};
    struct scene *scene = *state;
    char error[HWI_ERROR_BYTES_MAX];
    uint64_t hash = 0;
    for (size_t i = 0; i < HWI_COUNT(cases); i++) {
        store_sample(scene);
        damage(scene, cases[i].at, cases[i].cut);
        int status = load(scene, &hash, error);
        expect(status == HWS_E_INVALID, "case %zu: status %d", i, status);
        expect(strstr(error, "damaged") != NULL && strstr(error, scene->path) != NULL,
               "case %zu: %s", i, error);
    }
}

static void a_missing_file_begins_a_run(void **state)
{
    struct scene *scene = *state;
    char error[HWI_ERROR_BYTES_MAX] = "", nowhere[HWI_PATH_BYTES_MAX + 16];
    int status;
    relay_destroy(relay_master("127.0.0.1:0", scene->path, false));
    snprintf(nowhere, sizeof nowhere, "%s.none/run.state", scene->path);
    assert_null(relay_master_try("127.0.0.1:0", nowhere, false, &status, error));
    assert_int_equal(status, HWS_E_SYSTEM);
    expect(strstr(error, nowhere) != NULL, "%s", error);
}

static void a_master_finds_what_it_stored(void **state)
{
    struct scene *scene = *state;
    struct hwi_msg msg = sample(), none;
    struct relay *first = relay_master("127.0.0.1:0", scene->path, true);
    relay_say(first, HWI_ROLE_MASTER, &msg);
    assert_int_equal(relay_hear(first, HWI_MSG_stored).u.stored.status, HWS_OK);
    relay_destroy(first);

    struct relay *second = relay_master("127.0.0.1:0", scene->path, false);
    struct hwi_msg loaded = relay_hear(second, HWI_MSG_view_file);
    assert_true(hwi_msg_hash(&loaded) == hwi_msg_hash(&msg));
    relay_destroy(second);

    struct relay *third = relay_master("127.0.0.1:0", scene->path, true);
    relay_say(third, HWI_ROLE_MASTER, &msg);
    relay_hear(third, HWI_MSG_stored);
    expect(!relay_hear_within(third, HWI_MSG_view_file, 0, &none), "a new run heard the old file");
    relay_destroy(third);
}

static void two_masters_cannot_share_a_file(void **state)
{
    struct scene *scene = *state;
    char error[HWI_ERROR_BYTES_MAX] = "";
    int status;
    struct relay *first = relay_master("127.0.0.1:0", scene->path, true);
    struct relay *second = relay_master_try("127.0.0.1:0", scene->path, true, &status, error);
    assert_null(second);
    assert_int_equal(status, HWS_E_SYSTEM);
    expect(strstr(error, "in use") != NULL && strstr(error, scene->path) != NULL, "%s", error);
    relay_destroy(first);
    relay_destroy(relay_master("127.0.0.1:0", scene->path, true));
}

static void a_store_that_fails_is_reported(void **state)
{
    struct scene *scene = *state;
    struct hwi_msg msg = sample();
    char obstacle[PATH_BYTES + 8];
    struct relay *relay = relay_master("127.0.0.1:0", scene->path, true);
    snprintf(obstacle, sizeof obstacle, "%s.new/x", scene->path);
    *strrchr(obstacle, '/') = '\0';
    assert_int_equal(symlink("/nowhere/at/all", obstacle), 0);
    relay_say(relay, HWI_ROLE_MASTER, &msg);
    assert_int_equal(relay_hear(relay, HWI_MSG_stored).u.stored.status, HWS_E_SYSTEM);
    relay_destroy(relay);
}

static void an_endless_path_is_refused(void **state)
{
    struct hwi_viewfile file;
    char path[2 * HWI_PATH_BYTES_MAX], error[HWI_ERROR_BYTES_MAX];
    (void)state;
    memset(path, 'p', sizeof path);
    path[sizeof path - 1] = '\0';
    assert_int_equal(hwi_viewfile_open(&file, path, error), HWS_E_INVALID);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_is_stored_is_loaded),
        CASE(damage_is_seen),
        CASE(a_file_that_cannot_be_written_is_named_with_the_reason),
        CASE(a_missing_file_begins_a_run),
        CASE(a_master_finds_what_it_stored),
        CASE(two_masters_cannot_share_a_file),
        CASE(a_store_that_fails_is_reported),
        CASE(an_endless_path_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
