// SPDX-License-Identifier: MIT
// Shared by the tests of checkpoints: a directory, and states of a few small tensors that are
// stored in every way there is.
#ifndef HAWSER_TESTS_UNIT_CHECKPOINT_SCENE_H
#define HAWSER_TESTS_UNIT_CHECKPOINT_SCENE_H

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <hawser/hawser.h>

enum { SCENE_PATH_BYTES = 128, SCENE_TENSORS = 5 };

struct scene {
    char directory[48], path[SCENE_PATH_BYTES];
};

// Tensors: planes pay, LZ4 pays, nothing pays, 2-byte planes, a small one.
struct tensors {
    float weights[600];
    uint8_t zeros[800];
    uint64_t noise[20];
    uint16_t halves[400]; // bf16
    int32_t steps[1];
};

static inline uint64_t scene_random(uint64_t *seed)
{
    uint64_t x = (*seed += UINT64_C(0x9e3779b97f4a7c15));
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

// Padding included, so that whole structs can be compared.
static inline void scene_fill(struct tensors *tensors, uint64_t seed)
{
    memset(tensors, 0, sizeof *tensors);
    for (size_t i = 0; i < 600; i++) { // about 1.5: signs and exponents hardly vary
        tensors->weights[i] = 1.0f + (float)(scene_random(&seed) >> 41) / (float)(1 << 23);
    }
    for (size_t i = 0; i < 20; i++) {
        tensors->noise[i] = scene_random(&seed);
    }
    for (size_t i = 0; i < 400; i++) {
        tensors->halves[i] = (uint16_t)(0x3f00 | (scene_random(&seed) & 0xff));
    }
    tensors->zeros[7] = (uint8_t)seed;
    tensors->steps[0] = (int32_t)seed;
}

static inline hws_state *scene_state(struct tensors *tensors, uint64_t revision)
{
    hws_state *state;
    assert_int_equal(hws_state_create(&state), HWS_OK);
    assert_int_equal(hws_state_add(state, "weights", HWS_F32, tensors->weights, 600), HWS_OK);
    assert_int_equal(hws_state_add(state, "zeros", HWS_U8, tensors->zeros, 800), HWS_OK);
    assert_int_equal(hws_state_add(state, "noise", HWS_U64, tensors->noise, 20), HWS_OK);
    assert_int_equal(hws_state_add(state, "halves", HWS_BF16, tensors->halves, 400), HWS_OK);
    assert_int_equal(hws_state_add(state, "steps", HWS_I32, tensors->steps, 1), HWS_OK);
    assert_int_equal(hws_state_set_revision(state, revision), HWS_OK);
    return state;
}

// Saves what seed and revision make.
static inline void scene_save(const char *path, uint64_t seed, uint64_t revision)
{
    static struct tensors tensors;
    scene_fill(&tensors, seed);
    hws_state *state = scene_state(&tensors, revision);
    if (hws_checkpoint_save(state, path, NULL, NULL) != HWS_OK) {
        fail_msg("%s", hws_last_error());
    }
    hws_state_destroy(state);
}

static inline int scene_open(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    snprintf(scene->directory, sizeof scene->directory, "/tmp/hawser-checkpoint-XXXXXX");
    if (mkdtemp(scene->directory) == NULL) {
        return -1;
    }
    snprintf(scene->path, sizeof scene->path, "%s/state.hwc", scene->directory);
    *state = scene;
    return 0;
}

// How many files the directory holds; with `remove` afterwards none.
static inline int scene_files(const struct scene *scene, bool remove)
{
    int count = 0;
    DIR *open = opendir(scene->directory);
    for (struct dirent *entry; open != NULL && (entry = readdir(open)) != NULL;) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        count++;
        if (remove) {
            unlinkat(dirfd(open), entry->d_name, 0);
        }
    }
    if (open != NULL) {
        closedir(open);
    }
    return count;
}

static inline int scene_close(void **state)
{
    struct scene *scene = *state;
    scene_files(scene, true);
    int result = rmdir(scene->directory);
    free(scene);
    return result;
}

static inline void *scene_read(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *length = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(*length + 1);
    assert_int_equal(fread(bytes, 1, *length, file), *length);
    fclose(file);
    return bytes;
}

// In place: file systems flush what is written behind a truncation to nothing.
static inline void scene_write(const char *path, const void *bytes, size_t length)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, length, 0), length);
    assert_int_equal(ftruncate(fd, (off_t)length), 0);
    assert_int_equal(close(fd), 0);
}

#endif
