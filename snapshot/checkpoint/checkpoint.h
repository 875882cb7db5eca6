// SPDX-License-Identifier: MIT
// Checkpoint files: saved, opened, read block by block, verified, loaded, found. Sentences in
// `error` (HWI_CHECKPOINT_ERROR_BYTES) continue from the file's name; statuses are hws_status. Any
// thread, one at a time for one struct.
#ifndef HAWSER_SNAPSHOT_CHECKPOINT_CHECKPOINT_H
#define HAWSER_SNAPSHOT_CHECKPOINT_CHECKPOINT_H

#include "snapshot/checkpoint/format.h"
#include "transport/memory/memory.h"
#include "transport/memory/writes.h"

enum {
    HWI_CHECKPOINT_ERROR_BYTES = 320,
    HWI_CHECKPOINT_PATH_MAX = 4096,
    HWI_CHECKPOINT_CANDIDATES_MAX =
        64, // newest files of a directory that are read, until one is whole
};

// ---- saving ------------------------------------------------------------------------------------

struct hwi_checkpoint_source {
    struct hwi_checkpoint_tensor *tensors; // borrowed until return; numbered by saving
    const struct hwi_location *memory;     // of each, borrowed until return
    uint32_t count;
    uint64_t revision;
    struct hwi_writes *writes; // into the tensors, counted; borrowed until return
    uint64_t looked;           // at them, before the revision was read: nobody wrote
    bool raw;                  // never compress
};

struct hwi_checkpoint_sum {
    uint64_t time_ms;
    uint64_t bytes;      // of the tensors
    uint64_t file_bytes; // of the file
    uint32_t blocks, packed_blocks;
    struct hwi_hash root; // as a sync of these tensors tells it
};

// Writes the whole file, syncs it and renames it to `path`, which holds at any moment what it held
// or the new file. A save that a write overtook gives its file up: HWS_E_BUSY. HWS_E_INVALID,
// HWS_E_LIMIT, HWS_E_BUSY (other savers, too), HWS_E_NO_MEMORY, HWS_E_SYSTEM.
int hwi_checkpoint_save(const struct hwi_checkpoint_source *source, const char *path,
                        struct hwi_checkpoint_sum *sum, char *error);

// ---- reading -----------------------------------------------------------------------------------

// An open file whose head and tables are whole. All fields are for reading.
struct hwi_checkpoint {
    int fd;
    struct hwi_checkpoint_head head;
    struct hwi_checkpoint_tensor *tensors; // head.tensor_count
    struct hwi_checkpoint_block *blocks;   // head.block_count
    uint64_t file_bytes;                   // as it should have
    uint64_t found_bytes;                  // as it had when it was opened
    struct hwi_checkpoint_sum sum;
    struct hwi_coder *coder;
    unsigned char *scratch; // HWI_BLOCK_BYTES
};

// HWS_E_SYSTEM, HWS_E_DAMAGED (also: no checkpoint at all), HWS_E_UNSUPPORTED (another format),
// HWS_E_NO_MEMORY. Close it after success only.
int hwi_checkpoint_open(struct hwi_checkpoint *checkpoint, const char *path, char *error);
void hwi_checkpoint_close(struct hwi_checkpoint *checkpoint);

// Reads block `block` of tensor `tensor` (counted within it) into `into`, which has room for it;
// NULL = the checkpoint's scratch. HWS_OK: the bytes are those that were saved. HWS_E_DAMAGED,
// HWS_E_SYSTEM: what is at `into` means nothing.
int hwi_checkpoint_read(struct hwi_checkpoint *checkpoint, uint32_t tensor, uint32_t block,
                        void *into, char *error);

// HWS_E_DAMAGED if something stands behind the last block, or if the file ends before it.
int hwi_checkpoint_check_end(const struct hwi_checkpoint *checkpoint, char *error);

// Where damage was found.
struct hwi_checkpoint_place {
    uint32_t tensor; // UINT32_MAX: not in a tensor
    uint64_t offset; // of the block in it
};

// Reads everything, up to what is damaged first. HWS_E_DAMAGED with *place, HWS_E_SYSTEM.
int hwi_checkpoint_verify(struct hwi_checkpoint *checkpoint, struct hwi_checkpoint_place *place,
                          char *error);
// Reads everything into `memory` (one per tensor, of its size). Verify it first: then it fails only
// if the file or the disk changed in between, and what is in memory means nothing.
int hwi_checkpoint_load(struct hwi_checkpoint *checkpoint, const struct hwi_location *memory,
                        struct hwi_checkpoint_place *place, char *error);

// HWS_E_LAYOUT with a sentence that names the first tensor that differs.
int hwi_checkpoint_compare(const struct hwi_checkpoint *checkpoint,
                           const struct hwi_checkpoint_tensor *tensors, uint32_t count,
                           char *error);

// The root of tensors (numbered) and their blocks. False: out of memory.
bool hwi_checkpoint_root(const struct hwi_checkpoint_tensor *tensors, uint32_t count,
                         const struct hwi_checkpoint_block *blocks, struct hwi_hash *root);

// ---- finding -----------------------------------------------------------------------------------

struct hwi_checkpoint_found {
    char path[HWI_CHECKPOINT_PATH_MAX]; // "" = there is none
    struct hwi_checkpoint_head head;
    struct hwi_checkpoint_sum sum;
    uint32_t skipped;                             // files that are damaged or could not be read
    char skipped_name[256];                       // of the first of them
    char skipped_why[HWI_CHECKPOINT_ERROR_BYTES]; // and its sentence
};

// The file with the highest revision (then the latest, then the last by name) among the whole ones
// of a directory: those that end in .hwc, or begin as a checkpoint does. HWS_OK with path "" if
// there are none; HWS_E_DAMAGED if there are some and of the newest none is whole; HWS_E_SYSTEM,
// HWS_E_INVALID (path), HWS_E_NO_MEMORY. `revision` (borrowed until return) is the only one that is
// looked for; NULL = any.
int hwi_checkpoint_find(const char *directory, const uint64_t *revision,
                        struct hwi_checkpoint_found *found, char *error);

#endif
