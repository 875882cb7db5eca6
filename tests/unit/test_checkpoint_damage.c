// SPDX-License-Identifier: MIT
// Files that are not what was saved: every byte changed, every length, bytes that a malicious
// writer made. Nothing of them may get into a state, and nothing may be read or written out of
// bounds.
#include <xxhash.h>

#include "snapshot/checkpoint/checkpoint.h"
#include "tests/unit/checkpoint_scene.h"

// A good file in memory, and a state that its changed copies are loaded into.
struct patient {
    unsigned char *bytes;
    size_t length;
    struct hwi_checkpoint_head head;
    size_t blocks_at, data_at; // table of blocks, first block
    hws_state *state;
    hws_checkpoint_info info;
};

static struct tensors memory, untouched;

static void admit(struct patient *patient, const struct scene *scene)
{
    uint32_t format;
    scene_save(scene->path, 1, 41);
    patient->bytes = scene_read(scene->path, &patient->length);
    assert_int_equal(hwi_checkpoint_head_unpack(patient->bytes, &patient->head, &format),
                     HWI_CHECKPOINT_IS_GOOD);
    patient->blocks_at =
        HWI_CHECKPOINT_HEAD_BYTES + patient->head.tensor_count * HWI_CHECKPOINT_TENSOR_BYTES;
    patient->data_at = patient->blocks_at + patient->head.block_count * HWI_CHECKPOINT_BLOCK_BYTES;
    scene_fill(&memory, 99);
    untouched = memory;
    patient->state = scene_state(&memory, 3);
    patient->info = (hws_checkpoint_info)HWS_CHECKPOINT_INFO_INIT;
}

static void dismiss(struct patient *patient)
{
    hws_state_destroy(patient->state);
    free(patient->bytes);
}

static void expect_untouched(const struct patient *patient)
{
    if (memcmp(&memory, &untouched, sizeof memory) != 0) {
        fail_msg("something of a damaged file was loaded");
    }
    assert_int_equal(hws_state_revision(patient->state), 3);
}

static int load(struct patient *patient, const char *path)
{
    return hws_checkpoint_load(patient->state, path, &patient->info);
}

// ---- accidents ---------------------------------------------------------------------------------

static void every_byte_counts(void **state)
{
    static const unsigned char changes[] = {0x01, 0x80, 0xff};
    struct scene *scene = *state;
    struct patient patient;
    admit(&patient, scene);
    for (size_t i = 0; i < patient.length; i++) {
        for (size_t k = 0; k < sizeof changes; k++) {
            patient.bytes[i] ^= changes[k];
            scene_write(scene->path, patient.bytes, patient.length);
            patient.bytes[i] ^= changes[k];
            if (load(&patient, scene->path) != HWS_E_DAMAGED) {
                fail_msg("byte %zu changed by %02x: %s", i, changes[k], hws_last_error());
            }
            expect_untouched(&patient);
            assert_int_equal(patient.info.damaged_tensor[0] != '\0', i >= patient.data_at);
        }
    }
    scene_write(scene->path, patient.bytes, patient.length);
    assert_int_equal(load(&patient, scene->path), HWS_OK);
    dismiss(&patient);
}

static void every_length_counts(void **state)
{
    struct scene *scene = *state;
    struct patient patient;
    admit(&patient, scene);
    for (size_t length = 0; length < patient.length; length++) {
        scene_write(scene->path, patient.bytes, length);
        if (load(&patient, scene->path) != HWS_E_DAMAGED) {
            fail_msg("cut to %zu bytes: %s", length, hws_last_error());
        }
        expect_untouched(&patient);
    }
    patient.bytes[patient.length] = 0; // there is room for one more
    scene_write(scene->path, patient.bytes, patient.length + 1);
    assert_int_equal(load(&patient, scene->path), HWS_E_DAMAGED);
    assert_non_null(strstr(hws_last_error(), "has bytes behind its last block"));
    expect_untouched(&patient);
    dismiss(&patient);
}

static void damage_is_named_by_tensor_and_bytes(void **state)
{
    struct scene *scene = *state;
    enum { COUNT = 5 * 262144 };
    float *memory_of_all = calloc(COUNT, sizeof *memory_of_all);
    hws_checkpoint_info info = HWS_CHECKPOINT_INFO_INIT;
    hws_checkpoint_options options = {sizeof options, HWS_COMPRESSION_NONE, 0};
    hws_state *one;
    assert_int_equal(hws_state_create(&one), HWS_OK);
    assert_int_equal(hws_state_add(one, "w0", HWS_F32, memory_of_all, 10), HWS_OK);
    assert_int_equal(hws_state_add(one, "w1", HWS_F32, memory_of_all, COUNT), HWS_OK);
    assert_int_equal(hws_checkpoint_save(one, scene->path, &options, NULL), HWS_OK);
    FILE *file = fopen(scene->path, "r+b");
    long data = HWI_CHECKPOINT_HEAD_BYTES + 2 * HWI_CHECKPOINT_TENSOR_BYTES +
                6 * HWI_CHECKPOINT_BLOCK_BYTES;
    fseek(file, data + 40 + (3 << 20) + 12345, SEEK_SET);
    fputc(1, file);
    fclose(file);
    assert_int_equal(hws_checkpoint_load(one, scene->path, &info), HWS_E_DAMAGED);
    if (strstr(hws_last_error(),
               "block 3 of \"w1\" (bytes 3145728 to 4194303) does not match its hash") == NULL) {
        fail_msg("%s", hws_last_error());
    }
    assert_string_equal(info.damaged_tensor, "w1");
    assert_int_equal(info.damaged_offset, 3145728);
    assert_int_equal(truncate(scene->path, data + 40 + (2 << 20) + 1), 0);
    assert_int_equal(hws_checkpoint_load(one, scene->path, &info), HWS_E_DAMAGED);
    if (strstr(hws_last_error(), "block 2 of \"w1\" (bytes 2097152 to 3145727) is not whole") ==
        NULL) {
        fail_msg("%s", hws_last_error());
    }
    hws_state_destroy(one);
    free(memory_of_all);
}

// ---- malice ------------------------------------------------------------------------------------

// Makes checksums right again after the tables were changed.
static void reseal(struct patient *patient, unsigned char *bytes)
{
    struct hwi_checkpoint_head head = patient->head;
    head.tables = hwi_checkpoint_hash(bytes + HWI_CHECKPOINT_HEAD_BYTES,
                                      patient->data_at - HWI_CHECKPOINT_HEAD_BYTES);
    hwi_checkpoint_head_pack(&head, bytes);
}

// A file whose checksums hold may be of other tensors, but never gives a state other bytes than its
// hashes say.
static void judge(struct patient *patient, const char *path, uint64_t seed)
{
    static struct tensors saved;
    int status = load(patient, path);
    if (status == HWS_OK) {
        scene_fill(&saved, 1);
        assert_memory_equal(&memory, &saved, sizeof saved);
        memory = untouched;
        hws_state_set_revision(patient->state, 3);
    } else if (status != HWS_E_DAMAGED && status != HWS_E_LAYOUT) {
        fail_msg("seed %llu: %s", (unsigned long long)seed, hws_last_error());
    }
    expect_untouched(patient);
}

static void tables_of_malice(void **state)
{
    struct scene *scene = *state;
    struct patient patient;
    uint64_t seed = 1;
    admit(&patient, scene);
    unsigned char *bytes = malloc(patient.length);
    for (int round = 0; round < 1500; round++) {
        memcpy(bytes, patient.bytes, patient.length);
        for (uint64_t n = 1 + scene_random(&seed) % 4; n > 0; n--) {
            size_t span = patient.data_at - HWI_CHECKPOINT_HEAD_BYTES;
            size_t at = HWI_CHECKPOINT_HEAD_BYTES + scene_random(&seed) % span;
            uint64_t r = scene_random(&seed);
            bytes[at] = r % 3 == 0 ? 0xff : r % 3 == 1 ? 0 : (unsigned char)(r >> 8);
        }
        reseal(&patient, bytes);
        scene_write(scene->path, bytes, patient.length);
        judge(&patient, scene->path, seed);
    }
    free(bytes);
    dismiss(&patient);
}

// Counts that promise more than there is: nothing may be allocated on their word.
static void heads_of_malice(void **state)
{
    static const uint64_t counts[][2] = {{0, 0},
                                         {0, 1},
                                         {1, 0},
                                         {5, 6},
                                         {6, 5},
                                         {4096, 5},
                                         {4097, 5},
                                         {5, 1 << 20},
                                         {5, ~0u},
                                         {~0u, ~0u},
                                         {~0u, 0},
                                         {5, 1060000},
                                         {4096, HWI_CHECKPOINT_BLOCKS_MAX}};
    struct scene *scene = *state;
    struct patient patient;
    admit(&patient, scene);
    for (size_t i = 0; i < HWI_COUNT(counts); i++) {
        struct hwi_checkpoint_head head = patient.head;
        head.tensor_count = (uint32_t)counts[i][0];
        head.block_count = (uint32_t)counts[i][1];
        hwi_checkpoint_head_pack(&head, patient.bytes);
        scene_write(scene->path, patient.bytes, patient.length);
        assert_int_equal(load(&patient, scene->path), HWS_E_DAMAGED);
        expect_untouched(&patient);
    }
    dismiss(&patient);
}

static void put_u64(unsigned char *at, uint64_t value)
{
    for (int i = 0; i < 8; i++) {
        at[i] = (unsigned char)(value >> (8 * i));
    }
}

// Compressed bytes of anybody's making, their checksum right: the decompressor gets to see them.
static void compressed_malice(void **state)
{
    struct scene *scene = *state;
    struct patient patient;
    struct hwi_checkpoint file;
    char error[HWI_CHECKPOINT_ERROR_BYTES];
    uint64_t seed = 2;
    admit(&patient, scene);
    assert_int_equal(hwi_checkpoint_open(&file, scene->path, error), HWS_OK);
    unsigned char *bytes = malloc(patient.length);
    for (int round = 0; round < 1500; round++) {
        uint32_t block = scene_random(&seed) % 2 ? 0 : scene_random(&seed) % 2 ? 1 : 3;
        uint64_t at = file.blocks[block].offset;
        uint32_t length = file.blocks[block].stored_bytes;
        assert_int_not_equal(file.blocks[block].encoding, HWI_CHECKPOINT_RAW);
        memcpy(bytes, patient.bytes, patient.length);
        for (uint64_t n = 1 + scene_random(&seed) % 8; n > 0; n--) {
            bytes[at + scene_random(&seed) % length] = (unsigned char)scene_random(&seed);
        }
        put_u64(bytes + patient.blocks_at + block * HWI_CHECKPOINT_BLOCK_BYTES + 16,
                XXH3_64bits(bytes + at, length));
        reseal(&patient, bytes);
        scene_write(scene->path, bytes, patient.length);
        judge(&patient, scene->path, seed);
    }
    hwi_checkpoint_close(&file);
    free(bytes);
    dismiss(&patient);
}

static void random_bytes_everywhere(void **state)
{
    struct scene *scene = *state;
    struct patient patient;
    uint64_t seed = 3;
    admit(&patient, scene);
    unsigned char *bytes = malloc(patient.length);
    for (int round = 0; round < 1000; round++) {
        memcpy(bytes, patient.bytes, patient.length);
        size_t from = scene_random(&seed) % patient.length;
        size_t length = 1 + scene_random(&seed) % HWI_MIN(patient.length - from, (size_t)200);
        for (size_t i = from; i < from + length; i++) {
            bytes[i] = (unsigned char)scene_random(&seed);
        }
        scene_write(scene->path, bytes,
                    scene_random(&seed) % 4 ? patient.length
                                            : scene_random(&seed) % patient.length);
        if (load(&patient, scene->path) != HWS_E_DAMAGED) {
            fail_msg("round %d: %s", round, hws_last_error());
        }
        expect_untouched(&patient);
    }
    free(bytes);
    dismiss(&patient);
}

static void another_format_is_distinguished_from_damage(void **state)
{
    struct scene *scene = *state;
    struct patient patient;
    admit(&patient, scene);
    patient.bytes[8] = 2;
    put_u64(patient.bytes + 56, XXH3_64bits(patient.bytes, 56));
    scene_write(scene->path, patient.bytes, patient.length);
    assert_int_equal(load(&patient, scene->path), HWS_E_UNSUPPORTED);
    assert_non_null(strstr(hws_last_error(), "has format 2, and this version reads format 1"));
    expect_untouched(&patient);
    dismiss(&patient);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_byte_counts, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(every_length_counts, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(damage_is_named_by_tensor_and_bytes, scene_open,
                                        scene_close),
        cmocka_unit_test_setup_teardown(tables_of_malice, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(heads_of_malice, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(compressed_malice, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(random_bytes_everywhere, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(another_format_is_distinguished_from_damage, scene_open,
                                        scene_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
