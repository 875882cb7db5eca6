// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/base/dtype.h"
#include "snapshot/checkpoint/block.h"
#include "snapshot/checkpoint/checkpoint.h"
#include "snapshot/checkpoint/problem.h"

enum { NAMED_BYTES = 160 };

__attribute__((format(printf, 2, 3))) static int say_damaged(char *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, HWI_CHECKPOINT_ERROR_BYTES, format, arguments);
    va_end(arguments);
    return HWS_E_DAMAGED;
}

static int say_no_memory(char *error)
{
    snprintf(error, HWI_CHECKPOINT_ERROR_BYTES, "out of memory");
    return HWS_E_NO_MEMORY;
}

// Reads up to `length` bytes at an offset: fewer at the file's end. False with errno.
static bool read_at(int fd, uint64_t offset, void *into, size_t length, size_t *got)
{
    for (*got = 0; *got < length;) {
        ssize_t part =
            pread(fd, (unsigned char *)into + *got, length - *got, (off_t)(offset + *got));
        if (part == 0) {
            break;
        }
        if (part < 0 && errno != EINTR) {
            return false;
        }
        *got += part > 0 ? (size_t)part : 0;
    }
    return true;
}

// ---- opening -----------------------------------------------------------------------------------

static int open_file(struct hwi_checkpoint *c, const char *path, char *error)
{
    struct stat about;
    c->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a pipe would wait for its writer
    if (c->fd < 0 || fstat(c->fd, &about) != 0) {
        return hwi_problem_system(error, HWI_CHECKPOINT_ERROR_BYTES, "cannot be opened");
    }
    if (!S_ISREG(about.st_mode)) {
        return say_damaged(error, "is no plain file");
    }
    c->found_bytes = (uint64_t)about.st_size;
    return HWS_OK;
}

static int read_head(struct hwi_checkpoint *c, char *error)
{
    unsigned char bytes[HWI_CHECKPOINT_HEAD_BYTES];
    uint32_t format;
    size_t got;
    if (!read_at(c->fd, 0, bytes, sizeof bytes, &got)) {
        return hwi_problem_system(error, HWI_CHECKPOINT_ERROR_BYTES, "cannot be read");
    }
    if (got < sizeof bytes) {
        return say_damaged(error, "ends within its head, at byte %zu", got);
    }
    switch (hwi_checkpoint_head_unpack(bytes, &c->head, &format)) {
    case HWI_CHECKPOINT_IS_NONE:
        return say_damaged(error, "is not a checkpoint, or its first 8 bytes are damaged");
    case HWI_CHECKPOINT_IS_DAMAGED:
        return say_damaged(error, "has a damaged head (bytes 0 to 63)");
    case HWI_CHECKPOINT_IS_OTHER:
        snprintf(error, HWI_CHECKPOINT_ERROR_BYTES,
                 "has format %" PRIu32 ", and this version reads format %d", format,
                 HWI_CHECKPOINT_FORMAT);
        return HWS_E_UNSUPPORTED;
    default:
        return HWS_OK;
    }
}

static int allocate(struct hwi_checkpoint *c, unsigned char **tables, size_t bytes, char *error)
{
    *tables = malloc(bytes + 1);
    c->tensors = malloc((c->head.tensor_count + 1) * sizeof *c->tensors);
    c->blocks = malloc((c->head.block_count + 1) * sizeof *c->blocks);
    c->coder = hwi_coder_create();
    c->scratch = malloc(HWI_BLOCK_BYTES);
    if (*tables != NULL && c->tensors != NULL && c->blocks != NULL && c->coder != NULL &&
        c->scratch != NULL) {
        return HWS_OK;
    }
    return say_no_memory(error);
}

static int take_tables(struct hwi_checkpoint *c, unsigned char *tables, size_t bytes, char *error)
{
    size_t got;
    if (!read_at(c->fd, HWI_CHECKPOINT_HEAD_BYTES, tables, bytes, &got)) {
        return hwi_problem_system(error, HWI_CHECKPOINT_ERROR_BYTES, "cannot be read");
    }
    if (got < bytes || !hwi_hash_equal(hwi_checkpoint_hash(tables, bytes), c->head.tables) ||
        !hwi_checkpoint_tables_unpack(tables, &c->head, c->tensors, c->blocks)) {
        return say_damaged(error, "has damaged tables (bytes %d to %zu)", HWI_CHECKPOINT_HEAD_BYTES,
                           HWI_CHECKPOINT_HEAD_BYTES + bytes - 1);
    }
    return HWS_OK;
}

static int add_up(struct hwi_checkpoint *c, size_t tables, char *error)
{
    c->file_bytes = HWI_CHECKPOINT_HEAD_BYTES + tables;
    c->sum = (struct hwi_checkpoint_sum){.time_ms = c->head.time_ms, .blocks = c->head.block_count};
    for (uint32_t i = 0; i < c->head.block_count; i++) {
        c->file_bytes += c->blocks[i].stored_bytes;
        c->sum.packed_blocks += c->blocks[i].encoding != HWI_CHECKPOINT_RAW;
    }
    for (uint32_t i = 0; i < c->head.tensor_count; i++) {
        c->sum.bytes += c->tensors[i].bytes;
    }
    c->sum.file_bytes = c->file_bytes;
    if (hwi_checkpoint_root(c->tensors, c->head.tensor_count, c->blocks, &c->sum.root)) {
        return HWS_OK;
    }
    return say_no_memory(error);
}

static int read_tables(struct hwi_checkpoint *c, char *error)
{
    unsigned char *tables = NULL;
    size_t bytes = hwi_checkpoint_tables_bytes(c->head.tensor_count, c->head.block_count);
    // Before anything is allocated on the word of a head.
    if (c->found_bytes < HWI_CHECKPOINT_HEAD_BYTES + bytes) {
        return say_damaged(error, "ends within its tables, at byte %" PRIu64, c->found_bytes);
    }
    int status = allocate(c, &tables, bytes, error);
    if (status == HWS_OK) {
        status = take_tables(c, tables, bytes, error);
    }
    if (status == HWS_OK) {
        status = add_up(c, bytes, error);
    }
    free(tables);
    return status;
}

int hwi_checkpoint_open(struct hwi_checkpoint *checkpoint, const char *path, char *error)
{
    *checkpoint = (struct hwi_checkpoint){.fd = -1};
    int status = open_file(checkpoint, path, error);
    if (status == HWS_OK) {
        status = read_head(checkpoint, error);
    }
    if (status == HWS_OK) {
        status = read_tables(checkpoint, error);
    }
    if (status != HWS_OK) {
        hwi_checkpoint_close(checkpoint);
    }
    return status;
}

void hwi_checkpoint_close(struct hwi_checkpoint *checkpoint)
{
    if (checkpoint->fd >= 0) {
        close(checkpoint->fd);
    }
    free(checkpoint->tensors);
    free(checkpoint->blocks);
    free(checkpoint->scratch);
    hwi_coder_destroy(checkpoint->coder);
    *checkpoint = (struct hwi_checkpoint){.fd = -1};
}

// ---- blocks ------------------------------------------------------------------------------------

// block 3 of "w1" (bytes 3145728 to 4194303)
static const char *name_block(const struct hwi_checkpoint *c, uint32_t tensor, uint32_t block,
                              char text[NAMED_BYTES])
{
    uint64_t first = (uint64_t)block * HWI_BLOCK_BYTES;
    snprintf(text, NAMED_BYTES, "block %" PRIu32 " of \"%s\" (bytes %" PRIu64 " to %" PRIu64 ")",
             block, c->tensors[tensor].name, first,
             first + hwi_checkpoint_block_bytes(&c->tensors[tensor], block) - 1);
    for (char *at = text; *at; at++) {
        if (*at < ' ' || *at > '~') {
            *at = '?'; // a file's names go to a terminal
        }
    }
    return text;
}

int hwi_checkpoint_read(struct hwi_checkpoint *checkpoint, uint32_t tensor, uint32_t block,
                        void *into, char *error)
{
    const struct hwi_checkpoint_tensor *owner = &checkpoint->tensors[tensor];
    const struct hwi_checkpoint_block *stored = &checkpoint->blocks[owner->first_block + block];
    void *plain = into != NULL ? into : checkpoint->scratch;
    void *room = hwi_coder_room(checkpoint->coder, stored, plain);
    char named[NAMED_BYTES];
    size_t got;
    if (!read_at(checkpoint->fd, stored->offset, room, stored->stored_bytes, &got)) {
        return hwi_problem_system(error, HWI_CHECKPOINT_ERROR_BYTES,
                                  name_block(checkpoint, tensor, block, named));
    }
    if (got < stored->stored_bytes) {
        return say_damaged(error, "%s is not whole: the file ends before",
                           name_block(checkpoint, tensor, block, named));
    }
    if (!hwi_coder_unpack(checkpoint->coder, stored, plain,
                          hwi_checkpoint_block_bytes(owner, block), hwi_dtype_unit(owner->dtype))) {
        return say_damaged(error, "%s does not match its hash",
                           name_block(checkpoint, tensor, block, named));
    }
    return HWS_OK;
}

int hwi_checkpoint_check_end(const struct hwi_checkpoint *checkpoint, char *error)
{
    if (checkpoint->found_bytes < checkpoint->file_bytes) {
        return say_damaged(error, "ends at byte %" PRIu64 " of %" PRIu64, checkpoint->found_bytes,
                           checkpoint->file_bytes);
    }
    if (checkpoint->found_bytes > checkpoint->file_bytes) {
        return say_damaged(error, "has bytes behind its last block, from byte %" PRIu64,
                           checkpoint->file_bytes);
    }
    return HWS_OK;
}

// ---- all of it ---------------------------------------------------------------------------------

// To where it belongs, straight if that can be; nowhere: it is only looked at.
static int read_block(struct hwi_checkpoint *c, uint32_t tensor, uint32_t block,
                      struct hwi_location into, char *error)
{
    uint32_t length = hwi_checkpoint_block_bytes(&c->tensors[tensor], block);
    void *direct = hwi_location_exists(into) ? hwi_location_direct(into, length) : NULL;
    int status = hwi_checkpoint_read(c, tensor, block, direct, error);
    if (status == HWS_OK && hwi_location_exists(into) && direct == NULL) {
        hwi_location_copy_in(into, c->scratch, length);
    }
    return status;
}

static int read_tensor(struct hwi_checkpoint *c, uint32_t tensor, struct hwi_location into,
                       struct hwi_checkpoint_place *place, char *error)
{
    int status = HWS_OK;
    for (uint32_t i = 0; i < hwi_checkpoint_blocks_of(&c->tensors[tensor]); i++) {
        uint64_t offset = (uint64_t)i * HWI_BLOCK_BYTES;
        *place = (struct hwi_checkpoint_place){.tensor = tensor, .offset = offset};
        status = read_block(c, tensor, i, hwi_location_add(into, offset), error);
        if (status != HWS_OK) {
            return status;
        }
    }
    return status;
}

static int read_all(struct hwi_checkpoint *c, const struct hwi_location *memory,
                    struct hwi_checkpoint_place *place, char *error)
{
    struct hwi_location nowhere = {0};
    for (uint32_t i = 0; i < c->head.tensor_count; i++) {
        int status = read_tensor(c, i, memory != NULL ? memory[i] : nowhere, place, error);
        if (status != HWS_OK) {
            return status;
        }
    }
    *place = (struct hwi_checkpoint_place){.tensor = UINT32_MAX};
    return hwi_checkpoint_check_end(c, error);
}

int hwi_checkpoint_verify(struct hwi_checkpoint *checkpoint, struct hwi_checkpoint_place *place,
                          char *error)
{
    return read_all(checkpoint, NULL, place, error);
}

int hwi_checkpoint_load(struct hwi_checkpoint *checkpoint, const struct hwi_location *memory,
                        struct hwi_checkpoint_place *place, char *error)
{
    return read_all(checkpoint, memory, place, error);
}
