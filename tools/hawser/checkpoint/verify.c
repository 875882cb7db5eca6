// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <hawser/types.h>

#include "tools/hawser/checkpoint/checkpoint.h"

struct verdict {
    int code;
    uint32_t bad_blocks;
    char first[HWI_CHECKPOINT_ERROR_BYTES]; // sentence of the first damage
    const char *tensor;                     // where it is; NULL = not in one
    uint64_t offset;
};

static void judge(struct verdict *verdict, int status, const char *sentence)
{
    int code = checkpoint_code(status);
    if (verdict->code == CHECKPOINT_OK) {
        snprintf(verdict->first, sizeof verdict->first, "%s", sentence);
    }
    if (code > verdict->code) {
        verdict->code = code;
    }
}

static void verify_tensor(struct hwi_checkpoint *file, uint32_t index, struct verdict *verdict,
                          struct checkpoint_progress *progress)
{
    const struct hwi_checkpoint_tensor *tensor = &file->tensors[index];
    char error[HWI_CHECKPOINT_ERROR_BYTES];
    for (uint32_t i = 0; i < hwi_checkpoint_blocks_of(tensor); i++) {
        int status = hwi_checkpoint_read(file, index, i, NULL, error);
        checkpoint_progress(progress, file->blocks[tensor->first_block + i].stored_bytes);
        if (status == HWS_OK) {
            continue;
        }
        if (verdict->code == CHECKPOINT_OK) {
            verdict->tensor = tensor->name;
            verdict->offset = (uint64_t)i * HWI_BLOCK_BYTES;
        }
        judge(verdict, status, error);
        verdict->bad_blocks++;
    }
}

static void print_json(const struct hwi_checkpoint *file, const char *path,
                       const struct verdict *verdict)
{
    json_t *object = checkpoint_describe(file, path);
    json_object_set_new(object, "verdict", json_string(checkpoint_verdict(verdict->code)));
    json_object_set_new(object, "bad_blocks", json_integer(verdict->bad_blocks));
    if (verdict->code != CHECKPOINT_OK) {
        json_object_set_new(object, "problem", checkpoint_text(verdict->first));
    }
    if (verdict->tensor != NULL) {
        json_object_set_new(object, "tensor", checkpoint_text(verdict->tensor));
        json_object_set_new(object, "offset", json_integer((json_int_t)verdict->offset));
    }
    checkpoint_print(object);
}

static void print_text(const struct hwi_checkpoint *file, const char *path,
                       const struct verdict *verdict)
{
    if (verdict->code == CHECKPOINT_OK) {
        printf("%s: whole, revision %" PRIu64 ", %" PRIu32 " tensors, %" PRIu32 " blocks\n", path,
               file->head.revision, file->head.tensor_count, file->head.block_count);
    } else {
        printf("%s: %s, %" PRIu32 " of %" PRIu32 " blocks are bad; first: %s\n", path,
               checkpoint_verdict(verdict->code), verdict->bad_blocks, file->head.block_count,
               verdict->first);
    }
}

int checkpoint_verify(const char *path, bool json)
{
    struct hwi_checkpoint file;
    char error[HWI_CHECKPOINT_ERROR_BYTES];
    struct verdict verdict = {.code = checkpoint_open(&file, path, json)};
    if (verdict.code != CHECKPOINT_OK) {
        return verdict.code;
    }
    struct checkpoint_progress progress = {.what = path, .total = file.file_bytes};
    for (uint32_t i = 0; i < file.head.tensor_count; i++) {
        verify_tensor(&file, i, &verdict, &progress);
    }
    checkpoint_progress_end(&progress);
    int status = hwi_checkpoint_check_end(&file, error);
    if (status != HWS_OK) {
        judge(&verdict, status, error);
    }
    if (json) {
        print_json(&file, path, &verdict);
    } else {
        print_text(&file, path, &verdict);
    }
    hwi_checkpoint_close(&file);
    return verdict.code;
}
