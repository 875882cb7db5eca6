// SPDX-License-Identifier: MIT
// A member saves, again and again, while a sync receives into its state: each file is of one
// revision. Not for the thread sanitizer: the saves race with the sync's bytes, as they must.
#include "tests/unit/run.h"

#include <stdatomic.h>
#include <unistd.h>

enum { COUNT = 4 << 20, ROUNDS_MAX = 20, PATH_BYTES = 96 };

static struct run run;
static float bytes[2][COUNT], loaded[COUNT];
static char path[PATH_BYTES];
static atomic_bool synced, saving;
static uint32_t busy, mixed;

static void fill(float *floats, float value)
{
    for (uint32_t i = 0; i < COUNT; i++) {
        floats[i] = value;
    }
}

// Every element is the file's revision.
static bool is_of_one_step(void)
{
    hws_state *state;
    bool one = hws_state_create(&state) == HWS_OK &&
               hws_state_add(state, "w", HWS_F32, loaded, COUNT) == HWS_OK &&
               hws_checkpoint_load(state, path, NULL) == HWS_OK;
    for (uint32_t i = 0; one && i < COUNT; i++) {
        one = loaded[i] == (float)hws_state_revision(state);
    }
    hws_state_destroy(state);
    return one;
}

static void *save_often(void *user)
{
    struct member *member = user;
    hws_checkpoint_options options = HWS_CHECKPOINT_OPTIONS_INIT;
    options.compression = HWS_COMPRESSION_NONE;
    do {
        atomic_store(&saving, true);
        hws_status status = hws_checkpoint_save(member->state, path, &options, NULL);
        busy += status == HWS_E_BUSY;
        mixed += status == HWS_OK && !is_of_one_step();
    } while (!atomic_load(&synced));
    return NULL;
}

// Member 1 is behind in each round.
static void receive(struct member *member)
{
    uint32_t m = member->index;
    pthread_t thread;
    uint64_t revision = hws_state_revision(member->state) + 1;
    if (m == 0) {
        fill(bytes[0], (float)revision);
        EXPECT(member, hws_state_set_revision(member->state, revision) == HWS_OK);
    } else {
        atomic_store(&saving, false);
        atomic_store(&synced, false);
        EXPECT(member, pthread_create(&thread, NULL, save_often, member) == 0);
        while (!atomic_load(&saving)) {
        }
    }
    hws_status status = hws_sync(member->comm, member->state, HWS_SYNC_ENFORCE, NULL, NULL);
    if (m == 1) {
        atomic_store(&synced, true);
        pthread_join(thread, NULL);
    }
    EXPECT(member, status == HWS_OK);
}

static void make(struct member *member)
{
    EXPECT(member, hws_state_create(&member->state) == HWS_OK);
    EXPECT(member,
           hws_state_add(member->state, "w", HWS_F32, bytes[member->index], COUNT) == HWS_OK);
    fill(bytes[member->index], 1);
    EXPECT(member, hws_state_set_revision(member->state, 1) == HWS_OK);
}

static void no_file_is_of_two_revisions(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/hawser-receive-%d.hwc", (int)getpid());
    run_open(&run, 2);
    run_together(&run, 0, 2, make);
    for (int i = 0; i < ROUNDS_MAX && busy < 3; i++) {
        run_together(&run, 0, 2, receive);
    }
    assert_int_equal(mixed, 0);
    assert_true(busy > 0); // otherwise no save met a sync
    unlink(path);
}

static int teardown(void **state)
{
    (void)state;
    run_close(&run);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(no_file_is_of_two_revisions, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
