// SPDX-License-Identifier: MIT
// The member's checkpoints: its state to a file and back.
#include <inttypes.h>

#include "tests/proc/member.h"

static void answer_checkpoint(const struct member *m, hws_status status, uint64_t began_ns,
                              const hws_checkpoint_info *info, const char *path)
{
    answer(status, began_ns, NULL,
           "revision=%" PRIu64 " file_bytes=%" PRIu64 " blocks=%" PRIu32 " compressed=%" PRIu32
           " root=%016" PRIx64 "%016" PRIx64 " skipped=%" PRIu32 " damaged=%s offset=%" PRIu64
           " path=%s",
           hws_state_revision(m->state), info->file_bytes, info->blocks, info->blocks_compressed,
           info->root[1], info->root[0], info->skipped, info->damaged_tensor, info->damaged_offset,
           path);
}

void do_save(struct member *m, const struct words *words)
{
    hws_checkpoint_info info = HWS_CHECKPOINT_INFO_INIT;
    hws_checkpoint_options options = HWS_CHECKPOINT_OPTIONS_INIT;
    const char *path = words_text(words, "path");
    uint64_t began_ns = now_ns();
    options.compression = words_flag(words, "raw") ? HWS_COMPRESSION_NONE : HWS_COMPRESSION_AUTO;
    hws_status status = hws_checkpoint_save(m->state, path, &options, &info);
    answer_checkpoint(m, status, began_ns, &info, path);
}

// Saves revision after revision until it is killed; says each before it begins.
void do_save_on(struct member *m, const struct words *words)
{
    const char *path = words_text(words, "path");
    hws_status status = HWS_OK;
    while (status == HWS_OK) {
        hws_checkpoint_info info = HWS_CHECKPOINT_INFO_INIT;
        uint64_t began_ns = now_ns();
        hws_state_set_revision(m->state, hws_state_revision(m->state) + 1);
        status = hws_checkpoint_save(m->state, path, NULL, &info);
        answer_checkpoint(m, status, began_ns, &info, path);
    }
}

void do_load(struct member *m, const struct words *words)
{
    hws_checkpoint_info info = HWS_CHECKPOINT_INFO_INIT;
    const char *path = words_text(words, "path");
    uint64_t began_ns = now_ns();
    hws_status status = hws_checkpoint_load(m->state, path, &info);
    answer_checkpoint(m, status, began_ns, &info, path);
}

void do_newest(struct member *m, const struct words *words)
{
    hws_checkpoint_info info = HWS_CHECKPOINT_INFO_INIT;
    char path[512] = "";
    uint64_t began_ns = now_ns();
    hws_status status = hws_checkpoint_newest(words_text(words, "in"), path, sizeof path, &info);
    answer_checkpoint(m, status, began_ns, &info, path);
}

// Saves a state of one tensor of each floating-point type and one of integers, and to `other` the
// same with known differences.
void do_floats(struct member *m, const struct words *words)
{
    uint16_t f16[3] = {0x3c00, 0xc000, 0x7bff}, tiny[1] = {0}, bf16[3] = {0x3f80, 0x4000, 0x0000};
    float f32[3] = {1, 2, 3}, infinite[2] = {1, 2};
    double f64[2] = {1e300, -1};
    int32_t i32[2] = {5, 6};
    hws_checkpoint_info info = HWS_CHECKPOINT_INFO_INIT;
    uint64_t began_ns = now_ns();
    hws_state_create(&m->state);
    hws_state_add(m->state, "f16", HWS_F16, f16, 3);
    hws_state_add(m->state, "tiny", HWS_F16, tiny, 1);
    hws_state_add(m->state, "bf16", HWS_BF16, bf16, 3);
    hws_state_add(m->state, "f32", HWS_F32, f32, 3);
    hws_state_add(m->state, "infinite", HWS_F32, infinite, 2);
    hws_state_add(m->state, "f64", HWS_F64, f64, 2);
    hws_state_add(m->state, "i32", HWS_I32, i32, 2);
    hws_status status = hws_checkpoint_save(m->state, words_text(words, "path"), NULL, &info);
    f16[1] = 0xc200;  // -2 to -3
    tiny[0] = 0x0001; // the smallest subnormal
    bf16[0] = 0xbf80; // 1 to -1
    f32[2] = -0.25f;
    infinite[1] /= 0.0f;
    f64[0] = 2e300;
    i32[1] = 7;
    if (status == HWS_OK) {
        status = hws_checkpoint_save(m->state, words_text(words, "other"), NULL, &info);
    }
    hws_state_destroy(m->state);
    m->state = NULL;
    answer_checkpoint(m, status, began_ns, &info, "");
}
