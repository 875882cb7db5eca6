// SPDX-License-Identifier: MIT
// Checkpoints through the public calls: what is saved comes back, what does not fit is refused by
// name.
#include <float.h>
#include <math.h>
#include <sys/stat.h>

#include "snapshot/checkpoint/block.h"
#include "snapshot/manifest.h"
#include "tests/unit/checkpoint_scene.h"

static void expect_sentence(const char *part)
{
    if (strstr(hws_last_error(), part) == NULL) {
        fail_msg("no \"%s\" in: %s", part, hws_last_error());
    }
}

// ---- blocks ------------------------------------------------------------------------------------

static void round_trip(struct hwi_coder *coder, const void *bytes, uint32_t length, uint32_t width,
                       bool compress, int encoding)
{
    struct hwi_checkpoint_block block;
    unsigned char *back = malloc(length);
    const void *stored = hwi_coder_pack(coder, bytes, length, width, compress, &block);
    void *copy = malloc(block.stored_bytes);
    memcpy(copy, stored, block.stored_bytes);
    memcpy(hwi_coder_room(coder, &block, back), copy, block.stored_bytes);
    assert_true(hwi_coder_unpack(coder, &block, back, length, width));
    assert_memory_equal(back, bytes, length);
    assert_true(encoding < 0 || block.encoding == encoding);
    assert_true(block.stored_bytes <= length);
    free(copy);
    free(back);
}

static void fill_block(void *bytes, uint32_t length, int like, uint64_t *seed)
{
    float *floats = bytes;
    memset(bytes, 0, length);
    for (uint32_t i = 0; like == 1 && i < length / 4; i++) {
        floats[i] = 1.0f + (float)(scene_random(seed) >> 41) / (float)(1 << 23);
    }
    for (uint32_t i = 0; like == 2 && i + 8 <= length; i += 8) {
        uint64_t word = scene_random(seed);
        memcpy((char *)bytes + i, &word, 8);
    }
}

static void blocks_come_back_in_every_encoding(void **state)
{
    static const uint32_t lengths[] = {8, 16, 24, 1000, 4096, 40000, 1 << 20, (1 << 20) - 8};
    static const int encodings[] = {HWI_CHECKPOINT_LZ4, HWI_CHECKPOINT_PLANES, HWI_CHECKPOINT_RAW};
    struct hwi_coder *coder = hwi_coder_create();
    void *bytes = malloc(1 << 20);
    uint64_t seed = 1;
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (int like = 0; like < 3; like++) {
            for (uint32_t width = 1; width <= 8; width *= 2) {
                bool sure =
                    lengths[i] >= 1000 && (like != 1 || width == 4) && (like != 0 || width == 1);
                fill_block(bytes, lengths[i], like, &seed);
                round_trip(coder, bytes, lengths[i], width, true, sure ? encodings[like] : -1);
                round_trip(coder, bytes, lengths[i], width, false, HWI_CHECKPOINT_RAW);
            }
        }
    }
    free(bytes);
    hwi_coder_destroy(coder);
}

// ---- saving and loading ------------------------------------------------------------------------

static void a_saved_state_comes_back(void **state)
{
    struct scene *scene = *state;
    static struct tensors before, after;
    hws_checkpoint_info saved = HWS_CHECKPOINT_INFO_INIT, loaded = HWS_CHECKPOINT_INFO_INIT;
    scene_fill(&before, 1);
    scene_fill(&after, 2);
    hws_state *from = scene_state(&before, 41), *to = scene_state(&after, 7);
    assert_int_equal(hws_checkpoint_save(from, scene->path, NULL, &saved), HWS_OK);
    assert_int_equal(hws_checkpoint_load(to, scene->path, &loaded), HWS_OK);
    assert_memory_equal(&before, &after, sizeof before);
    assert_int_equal(hws_state_revision(to), 41);
    assert_memory_equal(&saved, &loaded, sizeof saved);
    assert_int_equal(saved.revision, 41);
    assert_int_equal(saved.tensors, SCENE_TENSORS);
    assert_int_equal(saved.blocks, SCENE_TENSORS);
    assert_int_equal(saved.blocks_compressed, 3);
    assert_int_equal(saved.bytes, 2400 + 800 + 160 + 800 + 4);
    assert_true(saved.file_bytes < saved.bytes);
    assert_true(saved.time_ms > UINT64_C(1600000000000));
    struct stat about;
    assert_int_equal(stat(scene->path, &about), 0);
    assert_int_equal(about.st_size, saved.file_bytes);
    assert_int_equal(scene_files(scene, false), 1);
    hws_state_destroy(from);
    hws_state_destroy(to);
}

static void uncompressed_on_request(void **state)
{
    struct scene *scene = *state;
    static struct tensors tensors, after;
    hws_checkpoint_options options = HWS_CHECKPOINT_OPTIONS_INIT;
    hws_checkpoint_info info = HWS_CHECKPOINT_INFO_INIT;
    scene_fill(&tensors, 1);
    hws_state *from = scene_state(&tensors, 1), *to = scene_state(&after, 0);
    options.compression = HWS_COMPRESSION_NONE;
    assert_int_equal(hws_checkpoint_save(from, scene->path, &options, &info), HWS_OK);
    assert_int_equal(info.blocks_compressed, 0);
    assert_true(info.file_bytes > info.bytes);
    assert_int_equal(hws_checkpoint_load(to, scene->path, NULL), HWS_OK);
    assert_memory_equal(&tensors, &after, sizeof tensors);
    hws_state_destroy(from);
    hws_state_destroy(to);
}

// Several blocks, the last one short; every bit pattern of floats comes back as it was.
static void large_and_strange_tensors_come_back(void **state)
{
    struct scene *scene = *state;
    enum { COUNT = 3 * 262144 + 77 };
    float *before = calloc(COUNT, sizeof *before), *after = calloc(COUNT, sizeof *after);
    uint64_t seed = 5;
    for (size_t i = 0; i < COUNT; i++) {
        before[i] = (float)((double)scene_random(&seed) / 1e19 - 0.5);
    }
    before[3] = -0.0f, before[4] = (float)INFINITY, before[5] = (float)NAN, before[6] = FLT_MIN / 8;
    hws_state *from, *to;
    assert_int_equal(hws_state_create(&from), HWS_OK);
    assert_int_equal(hws_state_create(&to), HWS_OK);
    assert_int_equal(hws_state_add(from, "big", HWS_F32, before, COUNT), HWS_OK);
    assert_int_equal(hws_state_add(to, "big", HWS_F32, after, COUNT), HWS_OK);
    hws_checkpoint_info info = HWS_CHECKPOINT_INFO_INIT;
    assert_int_equal(hws_checkpoint_save(from, scene->path, NULL, &info), HWS_OK);
    assert_int_equal(info.blocks, 4);
    assert_int_equal(hws_checkpoint_load(to, scene->path, NULL), HWS_OK);
    assert_memory_equal(before, after, COUNT * sizeof *before);
    hws_state_destroy(from);
    hws_state_destroy(to);
    free(before);
    free(after);
}

static void a_state_of_nothing_comes_back(void **state)
{
    struct scene *scene = *state;
    hws_state *empty;
    assert_int_equal(hws_state_create(&empty), HWS_OK);
    hws_state_set_revision(empty, 9);
    assert_int_equal(hws_checkpoint_save(empty, scene->path, NULL, NULL), HWS_OK);
    hws_state_set_revision(empty, 0);
    assert_int_equal(hws_checkpoint_load(empty, scene->path, NULL), HWS_OK);
    assert_int_equal(hws_state_revision(empty), 9);
    hws_state_destroy(empty);
}

static void a_link_is_replaced_and_a_mode_follows_the_umask(void **state)
{
    struct scene *scene = *state;
    char target[SCENE_PATH_BYTES];
    struct stat about;
    snprintf(target, sizeof target, "%s/target", scene->directory);
    scene_write(target, "mine", 4);
    assert_int_equal(symlink(target, scene->path), 0);
    mode_t before = umask(027);
    scene_save(scene->path, 1, 1);
    umask(before);
    assert_int_equal(lstat(scene->path, &about), 0);
    assert_true(S_ISREG(about.st_mode));
    assert_int_equal(about.st_mode & 0777, 0640);
    assert_int_equal(stat(target, &about), 0);
    assert_int_equal(about.st_size, 4);
}

// The errors of a sync for the same tensors, be they empty or each member's own.
static void the_root_is_a_syncs(void **state)
{
    struct scene *scene = *state;
    enum { COUNT = 600000 };
    float *values = calloc(COUNT, sizeof *values);
    uint8_t seed[5] = {1, 2, 3, 4, 5};
    hws_checkpoint_info info = HWS_CHECKPOINT_INFO_INIT;
    hws_state *one;
    assert_int_equal(hws_state_create(&one), HWS_OK);
    assert_int_equal(hws_state_add(one, "w", HWS_F32, values, COUNT), HWS_OK);
    assert_int_equal(hws_state_add(one, "none", HWS_I64, values, 0), HWS_OK);
    assert_int_equal(hws_state_add(one, "own", HWS_U8, seed, 5), HWS_OK);
    assert_int_equal(hws_state_may_differ(one, "own"), HWS_OK);
    assert_int_equal(hws_checkpoint_save(one, scene->path, NULL, &info), HWS_OK);
    assert_int_equal(info.blocks, 4);

    const struct hwi_tensor tensors[] = {
        {.name = "w", .dtype = HWS_F32, .bytes = 4 * COUNT},
        {.name = "none", .dtype = HWS_I64},
        {.name = "own", .dtype = HWS_U8, .bytes = 5, .may_differ = 1}};
    struct hwi_manifest manifest;
    struct hwi_hash hashes[3];
    hwi_manifest_init(&manifest, &hwi_alloc_libc, tensors, 3);
    assert_int_equal(manifest.block_count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        struct hwi_piece piece = hwi_manifest_piece(&manifest, i);
        hashes[i] = hwi_checkpoint_hash((char *)values + piece.offset, piece.bytes);
    }
    struct hwi_hash root = hwi_manifest_root(&manifest, &hwi_alloc_libc, hashes);
    assert_int_equal(info.root[0], root.lo);
    assert_int_equal(info.root[1], root.hi);

    memset(seed, 9, sizeof seed); // what may differ is in the file all the same
    assert_int_equal(hws_checkpoint_load(one, scene->path, &info), HWS_OK);
    assert_int_equal(seed[4], 5);
    assert_int_equal(info.root[0], root.lo);
    hwi_manifest_fini(&manifest, &hwi_alloc_libc);
    hws_state_destroy(one);
    free(values);
}

// ---- refused -----------------------------------------------------------------------------------

struct shape {
    const char *name;
    hws_dtype dtype;
    size_t count;
};

static void try_layout(const struct scene *scene, const struct shape *shapes, size_t count,
                       const char *part)
{
    static unsigned char memory[8][16384];
    static unsigned char zeros[sizeof memory];
    hws_state *state;
    assert_int_equal(hws_state_create(&state), HWS_OK);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(
            hws_state_add(state, shapes[i].name, shapes[i].dtype, memory[i], shapes[i].count),
            HWS_OK);
    }
    hws_state_set_revision(state, 3);
    assert_int_equal(hws_checkpoint_load(state, scene->path, NULL), HWS_E_LAYOUT);
    expect_sentence(part);
    assert_int_equal(hws_state_revision(state), 3);
    assert_memory_equal(memory, zeros, sizeof memory);
    hws_state_destroy(state);
}

static void another_layout_is_refused_by_name(void **state)
{
    struct scene *scene = *state;
    const struct shape same[] = {{"weights", HWS_F32, 600}, {"zeros", HWS_U8, 800},
                                 {"noise", HWS_U64, 20},    {"halves", HWS_BF16, 400},
                                 {"steps", HWS_I32, 1},     {"extra", HWS_F64, 3}};
    struct shape other[6];
    scene_save(scene->path, 1, 1);
    try_layout(scene, same, 4,
               "it has 5 tensors and the state 4: \"steps\" i32 x 1 is not in the state");
    try_layout(scene, same, 6, "it has 5 tensors and the state 6: \"extra\" f64 x 3 is not in it");
    memcpy(other, same, sizeof same);
    other[1].count = 799;
    try_layout(scene, other, 5,
               "tensor 1 is \"zeros\" u8 x 800 in it, and \"zeros\" u8 x 799 in the state");
    memcpy(other, same, sizeof same);
    other[3].dtype = HWS_F16;
    try_layout(scene, other, 5, "\"halves\" bf16 x 400 in it, and \"halves\" f16 x 400");
    memcpy(other, same, sizeof same);
    other[0].name = "w";
    try_layout(scene, other, 5, "tensor 0 is \"weights\" f32 x 600 in it, and \"w\" f32 x 600");
}

static void bad_arguments_are_named(void **state)
{
    struct scene *scene = *state;
    static struct tensors tensors;
    hws_checkpoint_options options = HWS_CHECKPOINT_OPTIONS_INIT;
    hws_checkpoint_info info = HWS_CHECKPOINT_INFO_INIT;
    char path[8];
    hws_state *one = scene_state(&tensors, 1);
    assert_int_equal(hws_checkpoint_save(NULL, scene->path, NULL, NULL), HWS_E_INVALID);
    expect_sentence("hws_checkpoint_save: state is NULL");
    assert_int_equal(hws_checkpoint_save(one, NULL, NULL, NULL), HWS_E_INVALID);
    expect_sentence("path is NULL");
    assert_int_equal(hws_checkpoint_load(NULL, scene->path, NULL), HWS_E_INVALID);
    assert_int_equal(hws_checkpoint_load(one, NULL, NULL), HWS_E_INVALID);
    assert_int_equal(hws_checkpoint_save(one, "", NULL, NULL), HWS_E_INVALID);
    assert_int_equal(hws_checkpoint_save(one, scene->directory, NULL, NULL), HWS_E_INVALID);
    expect_sentence("no plain file");
    options.compression = (hws_compression)7;
    assert_int_equal(hws_checkpoint_save(one, scene->path, &options, NULL), HWS_E_INVALID);
    expect_sentence("compression 7");
    options.compression = HWS_COMPRESSION_NONE;
    options.reserved = 5;
    assert_int_equal(hws_checkpoint_save(one, scene->path, &options, NULL), HWS_E_INVALID);
    expect_sentence("reserved of hws_checkpoint_options is 5");
    options.bytes_of_struct = 0;
    assert_int_equal(hws_checkpoint_save(one, scene->path, &options, NULL), HWS_E_INVALID);
    info.bytes_of_struct = 0;
    assert_int_equal(hws_checkpoint_save(one, scene->path, NULL, &info), HWS_E_INVALID);
    expect_sentence("HWS_CHECKPOINT_INFO_INIT");
    assert_int_equal(hws_checkpoint_newest(NULL, path, sizeof path, NULL), HWS_E_INVALID);
    assert_int_equal(hws_checkpoint_newest("/tmp", NULL, 1, NULL), HWS_E_INVALID);
    assert_int_equal(hws_checkpoint_newest("/tmp", path, 0, NULL), HWS_E_INVALID);
    assert_int_equal(scene_files(scene, false), 0);
    hws_state_destroy(one);
}

static void errors_of_the_system_are_reported(void **state)
{
    struct scene *scene = *state;
    static struct tensors tensors;
    char path[SCENE_PATH_BYTES + 8], found[64];
    hws_state *one = scene_state(&tensors, 1);
    assert_int_equal(hws_checkpoint_load(one, scene->path, NULL), HWS_E_SYSTEM);
    expect_sentence("No such file");
    assert_int_equal(hws_checkpoint_load(one, scene->directory, NULL), HWS_E_DAMAGED);
    expect_sentence("no plain file");
    snprintf(path, sizeof path, "%s/none/state.hwc", scene->directory);
    assert_int_equal(hws_checkpoint_save(one, path, NULL, NULL), HWS_E_SYSTEM);
    expect_sentence("No such file");
    assert_int_equal(hws_checkpoint_newest(path, found, sizeof found, NULL), HWS_E_SYSTEM);
    assert_int_equal(found[0], 0);
    hws_state_destroy(one);
}

// ---- newest ------------------------------------------------------------------------------------

static const char *in_directory(const struct scene *scene, const char *name)
{
    static char path[SCENE_PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", scene->directory, name);
    return path;
}

static void spoil(const char *path, long offset)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, offset, offset < 0 ? SEEK_END : SEEK_SET), 0);
    int byte = fgetc(file);
    assert_int_equal(fseek(file, offset, offset < 0 ? SEEK_END : SEEK_SET), 0);
    assert_int_equal(fputc(byte ^ 0x10, file), byte ^ 0x10);
    assert_int_equal(fclose(file), 0);
}

static void expect_newest(const struct scene *scene, const char *name, uint64_t revision,
                          uint32_t skipped)
{
    char path[SCENE_PATH_BYTES] = "x";
    hws_checkpoint_info info = HWS_CHECKPOINT_INFO_INIT;
    if (hws_checkpoint_newest(scene->directory, path, sizeof path, &info) != HWS_OK) {
        fail_msg("%s", hws_last_error());
    }
    assert_string_equal(path, name != NULL ? in_directory(scene, name) : "");
    assert_int_equal(info.revision, revision);
    assert_int_equal(info.skipped, skipped);
    assert_int_equal(info.skipped_why[0] != '\0', skipped > 0);
}

static void the_newest_whole_one_is_found(void **state)
{
    struct scene *scene = *state;
    char path[SCENE_PATH_BYTES], shorter[8] = "x";
    expect_newest(scene, NULL, 0, 0);
    scene_save(in_directory(scene, "b.hwc"), 1, 10);
    scene_save(in_directory(scene, "a.hwc"), 2, 30);
    scene_save(in_directory(scene, "c.checkpoint"), 3, 20); // known by its first bytes
    scene_write(in_directory(scene, "notes.txt"), "10 30 20", 8);
    scene_write(in_directory(scene, "z.hwc.saving-0"), "half", 4);
    expect_newest(scene, "a.hwc", 30, 0);
    spoil(in_directory(scene, "a.hwc"), -1); // in the last block
    expect_newest(scene, "c.checkpoint", 20, 1);
    scene_write(in_directory(scene, "empty.hwc"), "", 0);
    expect_newest(scene, "c.checkpoint", 20, 2);
    spoil(in_directory(scene, "c.checkpoint"), 70); // in the tables
    expect_newest(scene, "b.hwc", 10, 3);
    assert_int_equal(hws_checkpoint_newest(scene->directory, shorter, sizeof shorter, NULL),
                     HWS_E_LIMIT);
    assert_string_equal(shorter, "");
    spoil(in_directory(scene, "b.hwc"), 30); // in the head
    assert_int_equal(hws_checkpoint_newest(scene->directory, path, sizeof path, NULL),
                     HWS_E_DAMAGED);
    expect_sentence("no whole checkpoint; of 4 that are not");
    assert_string_equal(path, "");
}

// More files than are kept in mind, made in no order.
static void the_newest_of_many_is_found(void **state)
{
    struct scene *scene = *state;
    static struct tensors tensors;
    char name[32];
    hws_state *one = scene_state(&tensors, 0);
    for (uint64_t i = 0; i < 150; i++) {
        uint64_t revision = i * 67 % 150 + 1;
        hws_state_set_revision(one, revision);
        snprintf(name, sizeof name, "%llu.hwc", (unsigned long long)revision);
        assert_int_equal(hws_checkpoint_save(one, in_directory(scene, name), NULL, NULL), HWS_OK);
    }
    expect_newest(scene, "150.hwc", 150, 0);
    for (uint64_t revision = 150; revision > 87; revision--) { // all but one of the 64 newest
        snprintf(name, sizeof name, "%llu.hwc", (unsigned long long)revision);
        spoil(in_directory(scene, name), -1);
    }
    expect_newest(scene, "87.hwc", 87, 63);
    spoil(in_directory(scene, "87.hwc"), -1);
    char path[SCENE_PATH_BYTES];
    assert_int_equal(hws_checkpoint_newest(scene->directory, path, sizeof path, NULL),
                     HWS_E_DAMAGED);
    hws_state_destroy(one);
}

static void among_equal_revisions_the_latest_is_newest(void **state)
{
    struct scene *scene = *state;
    uint64_t first = 0, later = 0;
    static struct tensors tensors;
    hws_state *one = scene_state(&tensors, 5);
    hws_checkpoint_info info = HWS_CHECKPOINT_INFO_INIT;
    assert_int_equal(hws_checkpoint_save(one, in_directory(scene, "z.hwc"), NULL, &info), HWS_OK);
    for (first = later = info.time_ms; later <= first; later = info.time_ms) {
        assert_int_equal(hws_checkpoint_save(one, in_directory(scene, "a.hwc"), NULL, &info),
                         HWS_OK);
    }
    expect_newest(scene, "a.hwc", 5, 0);
    hws_state_destroy(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_come_back_in_every_encoding),
        cmocka_unit_test_setup_teardown(a_saved_state_comes_back, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(uncompressed_on_request, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(large_and_strange_tensors_come_back, scene_open,
                                        scene_close),
        cmocka_unit_test_setup_teardown(a_state_of_nothing_comes_back, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(the_root_is_a_syncs, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(a_link_is_replaced_and_a_mode_follows_the_umask, scene_open,
                                        scene_close),
        cmocka_unit_test_setup_teardown(another_layout_is_refused_by_name, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(bad_arguments_are_named, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(errors_of_the_system_are_reported, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(the_newest_whole_one_is_found, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(the_newest_of_many_is_found, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(among_equal_revisions_the_latest_is_newest, scene_open,
                                        scene_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
