// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <time.h>

#include "actors/base/dtype.h"
#include "snapshot/checkpoint/block.h"
#include "snapshot/checkpoint/checkpoint.h"
#include "snapshot/checkpoint/problem.h"
#include "snapshot/checkpoint/temporary.h"

struct saving {
    const struct hwi_checkpoint_source *source;
    struct hwi_temporary file;
    struct hwi_coder *coder;
    unsigned char *copy;                 // HWI_BLOCK_BYTES, of memory that is not reached directly
    struct hwi_checkpoint_block *blocks; // of all tensors
    unsigned char *tables;               // room for the head and both tables
    size_t tables_bytes;                 // head included
    struct hwi_checkpoint_head head;
    struct hwi_checkpoint_sum sum;
    char *error;
};

static uint64_t time_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int say_no_memory(struct saving *saving)
{
    snprintf(saving->error, HWI_CHECKPOINT_ERROR_BYTES, "out of memory");
    return HWS_E_NO_MEMORY;
}

static int complain_write(struct saving *saving)
{
    return hwi_problem_system(saving->error, HWI_CHECKPOINT_ERROR_BYTES,
                              "cannot be written (an older file of this name is unchanged)");
}

// The bytes read so far may be of two moments.
static bool is_overtaken(const struct saving *saving)
{
    return hwi_writes_look(saving->source->writes) != saving->source->looked;
}

static int say_overtaken(struct saving *saving)
{
    snprintf(saving->error, HWI_CHECKPOINT_ERROR_BYTES,
             "is not written (an older file of this name is unchanged): a step, a sync or a load "
             "changed the state meanwhile; save again when nothing changes it");
    return HWS_E_BUSY;
}

// A block as plain bytes. NULL: out of memory.
static const void *plain_bytes(struct saving *saving, struct hwi_location at, uint32_t length)
{
    const void *direct = hwi_location_direct(at, length);
    if (direct != NULL) {
        return direct;
    }
    if (saving->copy == NULL) {
        saving->copy = malloc(HWI_BLOCK_BYTES);
    }
    if (saving->copy != NULL) {
        hwi_location_copy_out(at, saving->copy, length);
    }
    return saving->copy;
}

static int put_tensor(struct saving *saving, uint32_t index)
{
    const struct hwi_checkpoint_tensor *tensor = &saving->source->tensors[index];
    struct hwi_location at = saving->source->memory[index];
    struct hwi_checkpoint_block *block = &saving->blocks[tensor->first_block];
    uint32_t width = hwi_dtype_unit(tensor->dtype);
    for (uint32_t i = 0; i < hwi_checkpoint_blocks_of(tensor); i++, block++) {
        uint32_t length = hwi_checkpoint_block_bytes(tensor, i);
        const void *bytes = plain_bytes(saving, at, length);
        if (bytes == NULL) {
            return say_no_memory(saving);
        }
        const void *stored =
            hwi_coder_pack(saving->coder, bytes, length, width, !saving->source->raw, block);
        if (is_overtaken(saving)) {
            return say_overtaken(saving);
        }
        if (!hwi_temporary_put(&saving->file, saving->sum.file_bytes, stored,
                               block->stored_bytes)) {
            return complain_write(saving);
        }
        saving->sum.file_bytes += block->stored_bytes;
        saving->sum.packed_blocks += block->encoding != HWI_CHECKPOINT_RAW;
        saving->sum.bytes += length;
        at = hwi_location_add(at, length);
    }
    return HWS_OK;
}

// Last of all: what is cut before it has no magic.
static int put_tables(struct saving *saving)
{
    unsigned char *tables = saving->tables + HWI_CHECKPOINT_HEAD_BYTES;
    size_t bytes = saving->tables_bytes - HWI_CHECKPOINT_HEAD_BYTES;
    hwi_checkpoint_tables_pack(saving->source->tensors, saving->head.tensor_count, saving->blocks,
                               saving->head.block_count, tables);
    saving->head.tables = hwi_checkpoint_hash(tables, bytes);
    hwi_checkpoint_head_pack(&saving->head, saving->tables);
    if (!hwi_checkpoint_root(saving->source->tensors, saving->source->count, saving->blocks,
                             &saving->sum.root)) {
        return say_no_memory(saving);
    }
    if (!hwi_temporary_put(&saving->file, 0, saving->tables, saving->tables_bytes)) {
        return complain_write(saving);
    }
    return HWS_OK;
}

static int put_all(struct saving *saving)
{
    int status = HWS_OK;
    saving->sum.file_bytes = saving->tables_bytes;
    for (uint32_t i = 0; i < saving->source->count && status == HWS_OK; i++) {
        status = put_tensor(saving, i);
    }
    // From here on the tensors are not read any more.
    if (status == HWS_OK && is_overtaken(saving)) {
        status = say_overtaken(saving);
    }
    return status == HWS_OK ? put_tables(saving) : status;
}

static int prepare(struct saving *saving)
{
    bool fits;
    const struct hwi_checkpoint_source *source = saving->source;
    uint32_t blocks = source->count <= HWI_TENSORS_MAX
                          ? hwi_checkpoint_number(source->tensors, source->count, &fits)
                          : (fits = false, 0u);
    if (!fits) {
        snprintf(saving->error, HWI_CHECKPOINT_ERROR_BYTES,
                 "the state has more than %d tensors or 2^40 bytes", HWI_TENSORS_MAX);
        return HWS_E_LIMIT;
    }
    saving->head = (struct hwi_checkpoint_head){.tensor_count = source->count,
                                                .block_count = blocks,
                                                .revision = source->revision,
                                                .time_ms = time_ms()};
    saving->sum = (struct hwi_checkpoint_sum){.time_ms = saving->head.time_ms, .blocks = blocks};
    saving->tables_bytes =
        HWI_CHECKPOINT_HEAD_BYTES + hwi_checkpoint_tables_bytes(source->count, blocks);
    saving->coder = hwi_coder_create();
    saving->blocks = malloc((blocks + 1) * sizeof *saving->blocks);
    saving->tables = malloc(saving->tables_bytes);
    if (saving->coder != NULL && saving->blocks != NULL && saving->tables != NULL) {
        return HWS_OK;
    }
    return say_no_memory(saving);
}

static int save(struct saving *saving, const char *path)
{
    int status = prepare(saving);
    if (status == HWS_OK) {
        status = hwi_temporary_open(&saving->file, path, saving->error, HWI_CHECKPOINT_ERROR_BYTES);
    }
    if (status != HWS_OK) {
        return status;
    }
    status = put_all(saving);
    if (status == HWS_OK) {
        return hwi_temporary_commit(&saving->file, saving->error, HWI_CHECKPOINT_ERROR_BYTES);
    }
    hwi_temporary_discard(&saving->file);
    return status;
}

int hwi_checkpoint_save(const struct hwi_checkpoint_source *source, const char *path,
                        struct hwi_checkpoint_sum *sum, char *error)
{
    struct saving *saving = calloc(1, sizeof *saving); // too much for a small thread's stack
    if (saving == NULL) {
        snprintf(error, HWI_CHECKPOINT_ERROR_BYTES, "out of memory");
        return HWS_E_NO_MEMORY;
    }
    saving->source = source;
    saving->error = error;
    int status = save(saving, path);
    if (status == HWS_OK) {
        *sum = saving->sum;
    }
    hwi_coder_destroy(saving->coder);
    free(saving->copy);
    free(saving->blocks);
    free(saving->tables);
    free(saving);
    return status;
}
