// SPDX-License-Identifier: MIT
// Saving where things go wrong: a disk that is full at any byte, files that killed processes left,
// many who save to one path at once. In every case the path holds a whole file.
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "snapshot/checkpoint/temporary.h"
#include "tests/unit/checkpoint_scene.h"

// The path holds, whole, what seed and revision make.
static void expect_holds(const char *path, uint64_t seed, uint64_t revision)
{
    static struct tensors wanted, got;
    hws_state *state = scene_state(&got, 0);
    scene_fill(&wanted, seed);
    scene_fill(&got, 77);
    if (hws_checkpoint_load(state, path, NULL) != HWS_OK) {
        fail_msg("%s", hws_last_error());
    }
    assert_memory_equal(&got, &wanted, sizeof wanted);
    assert_int_equal(hws_state_revision(state), revision);
    hws_state_destroy(state);
}

// ---- full disks --------------------------------------------------------------------------------

static void a_disk_full_at_any_byte_leaves_the_old_file(void **state)
{
    struct scene *scene = *state;
    static struct tensors tensors;
    struct rlimit unlimited, limit;
    hws_checkpoint_info info = HWS_CHECKPOINT_INFO_INIT;
    scene_save(scene->path, 1, 10);
    scene_fill(&tensors, 2);
    hws_state *newer = scene_state(&tensors, 11);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
    limit = unlimited;
    for (limit.rlim_cur = 0;; limit.rlim_cur += 31) {
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        hws_status status = hws_checkpoint_save(newer, scene->path, NULL, &info);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
        if (status == HWS_OK) {
            break;
        }
        assert_int_equal(status, HWS_E_SYSTEM);
        assert_non_null(strstr(hws_last_error(), "File too large"));
        assert_int_equal(scene_files(scene, false), 1);
        expect_holds(scene->path, 1, 10);
    }
    assert_true(limit.rlim_cur >= info.file_bytes);
    assert_true(info.file_bytes > 31 * 20);
    expect_holds(scene->path, 2, 11);
    hws_state_destroy(newer);
}

// ---- leftovers ---------------------------------------------------------------------------------

static void name_leftover(const struct scene *scene, unsigned slot,
                          char path[SCENE_PATH_BYTES + 16])
{
    snprintf(path, SCENE_PATH_BYTES + 16, "%s.saving-%u", scene->path, slot);
}

static void files_of_killed_savers_are_removed(void **state)
{
    struct scene *scene = *state;
    char path[SCENE_PATH_BYTES + 16];
    for (unsigned slot = 0; slot < HWI_TEMPORARY_SAVERS_MAX; slot++) {
        name_leftover(scene, slot, path);
        scene_write(path, "half of something", 17);
    }
    scene_save(scene->path, 1, 1);
    assert_int_equal(scene_files(scene, false), 1);
    expect_holds(scene->path, 1, 1);
}

static void a_file_being_written_is_left_alone(void **state)
{
    struct scene *scene = *state;
    static struct tensors tensors;
    char path[SCENE_PATH_BYTES + 16];
    int fds[HWI_TEMPORARY_SAVERS_MAX];
    for (unsigned slot = 0; slot < HWI_TEMPORARY_SAVERS_MAX; slot++) {
        if (slot == HWI_TEMPORARY_SAVERS_MAX - 1) {
            scene_save(scene->path, 1, 1); // there is one place left
        }
        name_leftover(scene, slot, path);
        scene_write(path, "busy", 4);
        fds[slot] = open(path, O_RDWR | O_CLOEXEC);
        assert_int_equal(flock(fds[slot], LOCK_EX | LOCK_NB), 0);
    }
    hws_state *one = scene_state(&tensors, 2);
    assert_int_equal(hws_checkpoint_save(one, scene->path, NULL, NULL), HWS_E_BUSY);
    assert_int_equal(scene_files(scene, false), 1 + HWI_TEMPORARY_SAVERS_MAX);
    for (unsigned slot = 0; slot < HWI_TEMPORARY_SAVERS_MAX; slot++) {
        close(fds[slot]);
    }
    assert_int_equal(hws_checkpoint_save(one, scene->path, NULL, NULL), HWS_OK);
    assert_int_equal(scene_files(scene, false), 1);
    hws_state_destroy(one);
}

static void other_peoples_files_are_not_followed(void **state)
{
    struct scene *scene = *state;
    char path[SCENE_PATH_BYTES + 16], target[SCENE_PATH_BYTES];
    snprintf(target, sizeof target, "%s/target", scene->directory);
    scene_write(target, "precious", 8);
    name_leftover(scene, 0, path);
    assert_int_equal(symlink(target, path), 0);
    name_leftover(scene, 1, path);
    assert_int_equal(mkfifo(path, 0600), 0);
    scene_save(scene->path, 1, 1);
    expect_holds(scene->path, 1, 1);
    size_t length;
    char *bytes = scene_read(target, &length);
    assert_int_equal(length, 8);
    assert_memory_equal(bytes, "precious", 8);
    free(bytes);
}

// ---- many at once ------------------------------------------------------------------------------

enum { SAVERS = 6, SAVES = 30 };

struct saver {
    pthread_t thread;
    const char *path;
    uint64_t seed;
    hws_status wrong;
};

static hws_state *make_state(struct tensors *tensors, uint64_t seed)
{
    scene_fill(tensors, seed);
    return scene_state(tensors, seed);
}

static void *save_often(void *user)
{
    struct saver *saver = user;
    struct tensors *tensors = malloc(sizeof *tensors);
    hws_state *state = make_state(tensors, saver->seed);
    for (int i = 0; i < SAVES && saver->wrong == HWS_OK; i++) {
        saver->wrong = hws_checkpoint_save(state, saver->path, NULL, NULL);
    }
    hws_state_destroy(state);
    free(tensors);
    return NULL;
}

// Loads until told otherwise; every file that stands there must be whole and of one of the savers.
static void read_meanwhile(const struct scene *scene, int rounds)
{
    static struct tensors got, wanted;
    hws_state *state = scene_state(&got, 0);
    for (int i = 0; i < rounds; i++) {
        if (hws_checkpoint_load(state, scene->path, NULL) != HWS_OK) {
            fail_msg("%s", hws_last_error());
        }
        uint64_t revision = hws_state_revision(state);
        assert_in_range(revision, 1, 2 * SAVERS);
        scene_fill(&wanted, revision);
        assert_memory_equal(&got, &wanted, sizeof wanted);
    }
    hws_state_destroy(state);
}

static void many_threads_save_to_one_path(void **state)
{
    struct scene *scene = *state;
    struct saver savers[SAVERS];
    scene_save(scene->path, 1, 1);
    for (int i = 0; i < SAVERS; i++) {
        savers[i] = (struct saver){.path = scene->path, .seed = (uint64_t)i + 1};
        assert_int_equal(pthread_create(&savers[i].thread, NULL, save_often, &savers[i]), 0);
    }
    read_meanwhile(scene, 50);
    for (int i = 0; i < SAVERS; i++) {
        pthread_join(savers[i].thread, NULL);
        assert_int_equal(savers[i].wrong, HWS_OK);
    }
    read_meanwhile(scene, 1);
    assert_int_equal(scene_files(scene, false), 1);
}

static void many_processes_save_to_one_path(void **state)
{
    struct scene *scene = *state;
    pid_t children[SAVERS];
    scene_save(scene->path, 1, 1);
    for (int i = 0; i < SAVERS; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            struct saver saver = {.path = scene->path, .seed = (uint64_t)i + 1};
            save_often(&saver);
            _exit(saver.wrong == HWS_OK ? 0 : 1);
        }
    }
    read_meanwhile(scene, 50);
    for (int i = 0; i < SAVERS; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    read_meanwhile(scene, 1);
    assert_int_equal(scene_files(scene, false), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_disk_full_at_any_byte_leaves_the_old_file, scene_open,
                                        scene_close),
        cmocka_unit_test_setup_teardown(files_of_killed_savers_are_removed, scene_open,
                                        scene_close),
        cmocka_unit_test_setup_teardown(a_file_being_written_is_left_alone, scene_open,
                                        scene_close),
        cmocka_unit_test_setup_teardown(other_peoples_files_are_not_followed, scene_open,
                                        scene_close),
        cmocka_unit_test_setup_teardown(many_threads_save_to_one_path, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(many_processes_save_to_one_path, scene_open, scene_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
