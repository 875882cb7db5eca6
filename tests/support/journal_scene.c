// SPDX-License-Identifier: MIT
#include "tests/support/journal_scene.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <hawser/types.h>

#include "actors/loop/image.h"
#include "actors/wire/codec.h"
#include "tests/support/random_msg.h"

enum { NOW_NS = 1000 };

// ---- a process that keeps a journal ------------------------------------------------------------

static void counter_fields(struct hwi_image *image, void *state)
{
    struct journal_counter *counter = state;
    hwi_image_u64(image, "heard", &counter->heard);
    for (uint64_t i = 0; image->mode == HWI_IMAGE_SAVE && i < counter->padding; i += 8) {
        hwi_image_u64(image, "padding", &counter->padding);
    }
}

const struct hwi_actor_ops journal_peer = {
    .name = "peer", .role = HWI_ROLE_PEER, .image = counter_fields};
static const struct hwi_actor_ops reducer = {
    .name = "reducer", .role = HWI_ROLE_REDUCER, .image = counter_fields};
static const struct hwi_actor_ops *const actors[] = {&journal_peer, &reducer};

static const void *state_of(void *user, const struct hwi_actor_ops *actor)
{
    struct journal_scene *scene = user;
    return &scene->states[actor == &reducer];
}

int journal_setup(void **state)
{
    struct journal_scene *scene = calloc(1, sizeof *scene);
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"; // many small writes
    snprintf(scene->directory, sizeof scene->directory, "%s/hawser-journal-XXXXXX", base);
    if (mkdtemp(scene->directory) == NULL) {
        return -1;
    }
    hwi_effects_init(&scene->arena, &hwi_alloc_libc);
    hwi_effects_init(&scene->effects, &hwi_alloc_libc);
    scene->config = (struct hwi_journal_config){
        .directory = scene->directory,
        .name = "member-1f",
        .segment_bytes = JOURNAL_SEGMENT_BYTES,
        .incarnation = 0x1f,
        .actors = actors,
        .actor_count = HWI_COUNT(actors),
        .state_of = state_of,
        .user = scene,
    };
    scene->seed = 1;
    *state = scene;
    return 0;
}

void journal_segment_path(const struct journal_scene *scene, uint32_t number,
                          char path[JOURNAL_PATH_BYTES])
{
    snprintf(path, JOURNAL_PATH_BYTES, "%s/member-1f.%06u.hwj", scene->directory, number);
}

int journal_teardown(void **state)
{
    struct journal_scene *scene = *state;
    char command[JOURNAL_PATH_BYTES];
    hwi_journal_close(scene->journal);
    hwi_effects_fini(&scene->arena);
    hwi_effects_fini(&scene->effects);
    snprintf(command, sizeof command, "rm -r '%s'", scene->directory);
    int result = system(command);
    free(scene);
    return result;
}

void journal_begin(struct journal_scene *scene)
{
    char error[256] = "";
    int status = hwi_journal_create(&scene->config, &scene->journal, error, sizeof error);
    if (status != HWS_OK) {
        fail_msg("%s", error);
    }
}

void journal_end(struct journal_scene *scene)
{
    hwi_journal_close(scene->journal);
    scene->journal = NULL;
}

// The n-th event of a scene and its effects, always the same for the same n: of every type in turn.
static void make_step(struct journal_scene *scene, uint64_t n, struct hwi_event *event,
                      struct hwi_msg *msg)
{
    static const uint16_t types[] = {HWI_MSG_chunk, HWI_MSG_commit,   HWI_MSG_woken,
                                     HWI_MSG_call,  HWI_MSG_announce, HWI_MSG_edge_down};
    uint64_t seed = n + 1;
    hwi_effects_reset(&scene->arena);
    hwi_effects_reset(&scene->effects);
    random_msg(&seed, types[n % HWI_COUNT(types)], 3, &scene->arena, msg);
    *event = (struct hwi_event){NOW_NS + 10 * n,
                                hwi_addr_of(HWI_ROLE_DATA, n % 4 == 1 ? UINT64_MAX - n : 0), msg};
    for (uint64_t i = 0; i < n % 4; i++) {
        random_msg(&seed, types[(n + i) % HWI_COUNT(types)], 3, &scene->arena,
                   hwi_emit(&scene->effects, hwi_addr_of(HWI_ROLE_REDUCER, i % 2 ? n : 0),
                            types[(n + i) % HWI_COUNT(types)]));
    }
}

static const struct hwi_actor_ops *actor_of(uint64_t n)
{
    return actors[n % 3 == 2];
}

void journal_steps(struct journal_scene *scene, uint64_t count)
{
    struct hwi_event event;
    struct hwi_msg msg;
    for (uint64_t i = 0; i < count; i++, scene->events++) {
        const struct hwi_actor_ops *actor = actor_of(scene->events);
        make_step(scene, scene->events, &event, &msg);
        scene->states[actor == &reducer].heard++;
        hwi_journal_step(scene->journal, actor, &event, &scene->effects, scene->events % 7 == 6);
    }
}

// ---- reading it --------------------------------------------------------------------------------

static void check_event(struct journal_scene *scene, uint64_t n,
                        const struct hwi_journal_event *found)
{
    struct hwi_event event;
    struct hwi_msg msg;
    make_step(scene, n, &event, &msg);
    assert_int_equal(found->role, actor_of(n)->role);
    assert_int_equal(found->failed, n % 7 == 6);
    assert_int_equal(found->event.now_ns, event.now_ns);
    assert_int_equal(found->event.from.role, event.from.role);
    assert_int_equal(found->event.from.id, event.from.id);
    assert_int_equal(hwi_msg_hash(found->event.msg), hwi_msg_hash(&msg));
    assert_int_equal(found->effect_count, scene->effects.count);
    for (uint32_t i = 0; i < found->effect_count; i++) {
        const struct hwi_envelope *effect = &scene->effects.items[i];
        assert_int_equal(found->effects[i].to.role, effect->to.role);
        assert_int_equal(found->effects[i].to.id, effect->to.id);
        assert_int_equal(found->effects[i].type, effect->msg.type);
        assert_int_equal(found->effects[i].hash, (uint32_t)hwi_msg_hash(&effect->msg));
    }
}

static void check_image(struct journal_scene *scene, const struct hwi_journal_image *image)
{
    const struct hwi_actor_ops *actor = image->role == HWI_ROLE_PEER ? &journal_peer : &reducer;
    struct journal_counter counter = {.heard = image->events,
                                      .padding = scene->states[actor == &reducer].padding};
    size_t length;
    unsigned char *expected = hwi_image_save(actor, &counter, &hwi_alloc_libc, &length);
    assert_int_equal(image->length, length);
    assert_memory_equal(image->bytes, expected, length);
    hwi_free(&hwi_alloc_libc, expected);
}

static void tally_record(struct journal_scene *scene, struct journal_tally *tally)
{
    const struct hwi_journal_record *record = &tally->last;
    uint64_t n = tally->first + tally->lost + tally->events;
    if (tally->verdict == HWI_JOURNAL_FOUND_HEAD) {
        if (tally->heads++ == 0) {
            tally->first = n = record->head->events;
        }
        // The number of lost records is only known behind the head.
        assert_true(tally->first + tally->events + tally->lost <= record->head->events);
    } else if (tally->verdict == HWI_JOURNAL_FOUND_LOST) {
        tally->lost += record->lost;
    } else if (tally->verdict == HWI_JOURNAL_FOUND_IMAGE) {
        check_image(scene, &record->image);
        tally->images++;
    } else {
        check_event(scene, n, &record->event);
        tally->events++;
    }
}

static struct journal_tally read_with(struct journal_scene *scene, bool checked)
{
    struct journal_tally tally = {0};
    struct hwi_journal_reader *reader;
    char error[256] = "";
    if (hwi_journal_open(scene->directory, "member-1f", &reader, error, sizeof error) != HWS_OK) {
        fail_msg("%s", error);
    }
    while ((tally.verdict = hwi_journal_read(reader, &tally.last)) <= HWI_JOURNAL_FOUND_LOST) {
        if (checked) {
            tally_record(scene, &tally);
        }
    }
    snprintf(tally.file, sizeof tally.file, "%s", tally.last.file);
    assert_int_equal(hwi_journal_read(reader, &tally.last), tally.verdict);
    hwi_journal_reader_close(reader);
    return tally;
}

struct journal_tally journal_read_all(struct journal_scene *scene)
{
    return read_with(scene, true);
}

struct journal_tally journal_find_verdict(struct journal_scene *scene)
{
    return read_with(scene, false);
}

// ---- files, as they were or not ----------------------------------------------------------------

struct journal_file journal_load(const char *path)
{
    struct journal_file file = {0};
    struct stat about;
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0 && fstat(fd, &about) == 0);
    file.length = (size_t)about.st_size;
    file.bytes = malloc(file.length + 1);
    assert_int_equal(read(fd, file.bytes, file.length), file.length);
    close(fd);
    return file;
}

void journal_store(const char *path, const unsigned char *bytes, size_t length)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, length), length);
    close(fd);
}

uint32_t journal_segments(const struct journal_scene *scene)
{
    char path[JOURNAL_PATH_BYTES];
    for (uint32_t number = 1;; number++) {
        journal_segment_path(scene, number, path);
        if (access(path, F_OK) != 0) {
            return number - 1;
        }
    }
}

// The files that a kill leaves: a copy of them as they are now.
void journal_abandon(struct journal_scene *scene)
{
    char path[JOURNAL_PATH_BYTES];
    uint32_t last = journal_segments(scene);
    journal_segment_path(scene, last, path);
    struct journal_file file = journal_load(path);
    journal_end(scene);
    journal_store(path, file.bytes, file.length);
    free(file.bytes);
}
