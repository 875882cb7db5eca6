// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdio.h>

#include <hawser/types.h>

#include "tools/hawser/checkpoint/checkpoint.h"

static double share(uint64_t stored, uint64_t bytes)
{
    return bytes ? 100 * (double)stored / (double)bytes : 100;
}

static void print_json(const struct hwi_checkpoint *file, const char *path, int code,
                       const char *problem)
{
    json_t *object = checkpoint_describe(file, path), *tensors = json_array();
    for (uint32_t i = 0; i < file->head.tensor_count; i++) {
        const struct hwi_checkpoint_tensor *tensor = &file->tensors[i];
        json_array_append_new(tensors, json_pack("{s:o, s:s, s:I, s:I, s:I, s:b}", "name",
                                                 checkpoint_text(tensor->name), "type",
                                                 hws_dtype_name((hws_dtype)tensor->dtype), "count",
                                                 (json_int_t)checkpoint_count(tensor), "bytes",
                                                 (json_int_t)tensor->bytes, "stored_bytes",
                                                 (json_int_t)checkpoint_stored(file, i),
                                                 "may_differ", tensor->may_differ));
    }
    json_object_set_new(object, "verdict", json_string(checkpoint_verdict(code)));
    if (code != CHECKPOINT_OK) {
        json_object_set_new(object, "problem", checkpoint_text(problem));
    }
    json_object_set_new(object, "tensors", tensors);
    checkpoint_print(object);
}

static void print_text(const struct hwi_checkpoint *file, const char *path)
{
    char text[CHECKPOINT_TIME_BYTES], name[CHECKPOINT_NAME_BYTES];
    printf("%s: revision %" PRIu64 ", saved %s, %" PRIu32 " tensors, %" PRIu64
           " bytes in a file of %" PRIu64 " (%.1f %%), %" PRIu32 " of %" PRIu32
           " blocks compressed, root %016" PRIx64 "%016" PRIx64 "\n",
           path, file->head.revision, checkpoint_time(file->head.time_ms, text),
           file->head.tensor_count, file->sum.bytes, file->sum.file_bytes,
           share(file->sum.file_bytes, file->sum.bytes), file->sum.packed_blocks, file->sum.blocks,
           file->sum.root.hi, file->sum.root.lo);
    printf("  %-24s %-5s %14s %16s %16s %7s\n", "tensor", "type", "count", "bytes", "stored",
           "share");
    for (uint32_t i = 0; i < file->head.tensor_count; i++) {
        const struct hwi_checkpoint_tensor *tensor = &file->tensors[i];
        uint64_t stored = checkpoint_stored(file, i);
        printf("  %-24s %-5s %14" PRIu64 " %16" PRIu64 " %16" PRIu64 " %6.1f%%%s\n",
               checkpoint_name(tensor, name), hws_dtype_name((hws_dtype)tensor->dtype),
               checkpoint_count(tensor), tensor->bytes, stored, share(stored, tensor->bytes),
               tensor->may_differ ? " may differ" : "");
    }
}

int checkpoint_ls(const char *path, bool json)
{
    struct hwi_checkpoint file;
    char error[HWI_CHECKPOINT_ERROR_BYTES] = "";
    int code = checkpoint_open(&file, path, json);
    if (code != CHECKPOINT_OK) {
        return code;
    }
    code = checkpoint_code(hwi_checkpoint_check_end(&file, error));
    if (json) {
        print_json(&file, path, code, error);
    } else {
        print_text(&file, path);
    }
    if (code != CHECKPOINT_OK) {
        complain("checkpoint", "%s %s", path, error);
    }
    hwi_checkpoint_close(&file);
    return code;
}
