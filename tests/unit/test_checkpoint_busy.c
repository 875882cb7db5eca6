// SPDX-License-Identifier: MIT
// Saves beside writers: a file is of one moment, or the save is refused. Run under the thread
// sanitizer, too.
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "runtime/state.h"
#include "snapshot/checkpoint/checkpoint.h"
#include "tests/unit/checkpoint_scene.h"

static void expect_busy(const struct scene *scene, const hws_state *of, const char *part)
{
    assert_int_equal(hws_checkpoint_save(of, scene->path, NULL, NULL), HWS_E_BUSY);
    if (strstr(hws_last_error(), part) == NULL) {
        fail_msg("no \"%s\" in: %s", part, hws_last_error());
    }
    assert_int_equal(scene_files(scene, false), 1); // the old file and nothing beside it
}

static void a_save_between_begin_and_end_is_busy(void **state)
{
    struct scene *scene = *state;
    static struct tensors tensors;
    hws_checkpoint_info info = HWS_CHECKPOINT_INFO_INIT;
    scene_save(scene->path, 1, 5);
    hws_state *made = scene_state(&tensors, 6);
    assert_int_equal(hws_state_begin_write(made), HWS_OK);
    assert_int_equal(hws_state_begin_write(made), HWS_OK); // they nest
    expect_busy(scene, made, "2 times");
    assert_int_equal(hws_state_end_write(made), HWS_OK);
    expect_busy(scene, made, "hws_state_end_write");
    assert_int_equal(hws_state_end_write(made), HWS_OK);
    assert_int_equal(hws_checkpoint_save(made, scene->path, NULL, &info), HWS_OK);
    assert_int_equal(info.revision, 6);
    assert_int_equal(hws_state_end_write(made), HWS_E_INVALID);
    assert_int_equal(hws_checkpoint_save(made, scene->path, NULL, NULL), HWS_OK);
    assert_int_equal(hws_state_begin_write(NULL), HWS_E_INVALID);
    assert_int_equal(hws_state_end_write(NULL), HWS_E_INVALID);
    hws_state_destroy(made);
}

static void writes_without_an_end_are_bounded(void **state)
{
    static struct tensors tensors;
    hws_state *made = scene_state(&tensors, 1);
    (void)state;
    for (uint32_t i = 0; i < HWI_WRITERS_MAX; i++) {
        assert_int_equal(hws_state_begin_write(made), HWS_OK);
    }
    assert_int_equal(hws_state_begin_write(made), HWS_E_LIMIT);
    assert_int_equal(hws_state_end_write(made), HWS_OK);
    assert_int_equal(hws_state_begin_write(made), HWS_OK);
    hws_state_destroy(made);
}

// ---- a write that began after the save did ----------------------------------------------------

static int save_since(const struct scene *scene, struct hwi_writes *writes, uint64_t looked,
                      char *error)
{
    static float weights[4];
    struct hwi_checkpoint_sum sum;
    struct hwi_checkpoint_tensor tensor = {.name = "w", .dtype = HWS_F32, .bytes = sizeof weights};
    struct hwi_location at = hwi_location_of(weights);
    const struct hwi_checkpoint_source source = {.tensors = &tensor,
                                                 .memory = &at,
                                                 .count = 1,
                                                 .revision = 9,
                                                 .writes = writes,
                                                 .looked = looked};
    return hwi_checkpoint_save(&source, scene->path, &sum, error);
}

static void expect_overtaken(const struct scene *scene, struct hwi_writes *writes, uint64_t looked)
{
    char error[HWI_CHECKPOINT_ERROR_BYTES];
    size_t before, after;
    char *old = scene_read(scene->path, &before);
    assert_int_equal(save_since(scene, writes, looked, error), HWS_E_BUSY);
    assert_non_null(strstr(error, "changed the state meanwhile"));
    char *still = scene_read(scene->path, &after);
    assert_int_equal(before, after);
    assert_memory_equal(old, still, before);
    assert_int_equal(scene_files(scene, false), 1);
    free(old);
    free(still);
}

static void a_save_that_was_overtaken_is_thrown_away(void **state)
{
    struct scene *scene = *state;
    struct hwi_writes writes = {0};
    char error[HWI_CHECKPOINT_ERROR_BYTES];
    scene_save(scene->path, 1, 5);
    uint64_t looked = hwi_writes_look(&writes);
    assert_true(hwi_writes_begin(&writes));
    expect_overtaken(scene, &writes, looked); // by a write in progress
    assert_true(hwi_writes_end(&writes));
    expect_overtaken(scene, &writes, looked); // by one that ended
    looked = hwi_writes_look(&writes);
    hwi_writes_note(&writes);
    expect_overtaken(scene, &writes, looked); // by another revision
    looked = hwi_writes_look(&writes);
    hwi_writes_receive(&writes);
    hwi_writes_received(&writes);
    expect_overtaken(scene, &writes, looked); // by a sync
    looked = hwi_writes_look(&writes);
    assert_int_equal(save_since(scene, &writes, looked, error), HWS_OK);
}

// A load writes, too; one that fails before the first byte does not.
static void a_load_is_a_write(void **state)
{
    struct scene *scene = *state;
    static struct tensors tensors;
    scene_save(scene->path, 3, 3);
    hws_state *made = scene_state(&tensors, 3);
    uint64_t before = hwi_writes_look(&made->writes);
    assert_int_equal(hws_checkpoint_load(made, "/nowhere/state.hwc", NULL), HWS_E_SYSTEM);
    assert_int_equal(hwi_writes_look(&made->writes), before);
    assert_int_equal(hws_checkpoint_load(made, scene->path, NULL), HWS_OK);
    uint64_t after = hwi_writes_look(&made->writes);
    assert_true(after != before);
    assert_int_equal(hwi_writers(after), 0);
    assert_int_equal(hws_state_set_revision(made, 3), HWS_OK); // the same: nothing changed
    assert_int_equal(hwi_writes_look(&made->writes), after);
    assert_int_equal(hws_state_set_revision(made, 4), HWS_OK);
    assert_true(hwi_writes_look(&made->writes) != after);
    hws_state_destroy(made);
}

// ---- threads ----------------------------------------------------------------------------------

enum { COUNT = 1 << 19, ENOUGH = 8 };

struct stepping {
    hws_state *state;
    uint32_t *values; // all the same between two steps: the revision
    atomic_bool stop;
    _Atomic uint32_t saved;
};

// The races on the bytes are meant, and are what the saves must find: the sanitizer looks at the
// counters only.
__attribute__((no_sanitize_thread)) static void overwrite(uint32_t *values, uint32_t value)
{
    for (uint32_t i = COUNT; i-- > 0;) {
        ((volatile uint32_t *)values)[i] = value;
    }
}

// Steps, each three times, so that saves begin within one; then waits for a save to succeed.
static void *step_often(void *user)
{
    struct stepping *stepping = user;
    uint32_t step = 1;
    while (!atomic_load(&stepping->stop)) {
        uint32_t saved = atomic_load(&stepping->saved);
        for (int i = 0; i < 3; i++) {
            hws_state_begin_write(stepping->state);
            overwrite(stepping->values, ++step);
            hws_state_set_revision(stepping->state, step);
            hws_state_end_write(stepping->state);
        }
        while (atomic_load(&stepping->saved) == saved && !atomic_load(&stepping->stop)) {
            sched_yield();
        }
    }
    return NULL;
}

static hws_state *state_of(uint32_t *values)
{
    hws_state *made;
    assert_int_equal(hws_state_create(&made), HWS_OK);
    assert_int_equal(hws_state_add(made, "values", HWS_U32, values, COUNT), HWS_OK);
    return made;
}

static void expect_one_step(const struct scene *scene)
{
    uint32_t *values = malloc(COUNT * sizeof *values);
    hws_state *made = state_of(values);
    if (hws_checkpoint_load(made, scene->path, NULL) != HWS_OK) {
        fail_msg("%s", hws_last_error());
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        if (values[i] != hws_state_revision(made)) {
            fail_msg("value %u of revision %llu is of step %u", i,
                     (unsigned long long)hws_state_revision(made), values[i]);
        }
    }
    hws_state_destroy(made);
    free(values);
}

static void no_file_mixes_two_steps(void **state)
{
    struct scene *scene = *state;
    struct stepping stepping = {.values = malloc(COUNT * sizeof(uint32_t))};
    hws_checkpoint_options options = HWS_CHECKPOINT_OPTIONS_INIT;
    pthread_t thread;
    uint32_t busy = 0;
    options.compression = HWS_COMPRESSION_NONE;
    stepping.state = state_of(stepping.values);
    overwrite(stepping.values, 1);
    hws_state_set_revision(stepping.state, 1);
    assert_int_equal(pthread_create(&thread, NULL, step_often, &stepping), 0);
    while (busy < ENOUGH || atomic_load(&stepping.saved) < ENOUGH) {
        hws_status status = hws_checkpoint_save(stepping.state, scene->path, &options, NULL);
        assert_true(status == HWS_OK || status == HWS_E_BUSY);
        busy += status == HWS_E_BUSY;
        if (status == HWS_OK) {
            expect_one_step(scene);
            atomic_fetch_add(&stepping.saved, 1);
        }
    }
    atomic_store(&stepping.stop, true);
    pthread_join(thread, NULL);
    hws_state_destroy(stepping.state);
    free(stepping.values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_save_between_begin_and_end_is_busy, scene_open,
                                        scene_close),
        cmocka_unit_test(writes_without_an_end_are_bounded),
        cmocka_unit_test_setup_teardown(a_save_that_was_overtaken_is_thrown_away, scene_open,
                                        scene_close),
        cmocka_unit_test_setup_teardown(no_file_mixes_two_steps, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(a_load_is_a_write, scene_open, scene_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
