/* SPDX-License-Identifier: MIT */
/**
 * @file checkpoint.h
 * Checkpoints: they save a state's tensors and revision to a file and load them again. The calls
 * are local: no other member takes part, and no communicator is needed. A run whose members all
 * died restarts from checkpoints: each newcomer loads the newest that it has
 * (hws_checkpoint_newest, hws_checkpoint_load) and opens, and the first hws_sync elects the highest
 * revision.
 *
 * Every block of 1 MiB has a 128-bit hash, and the file's head and tables have checksums; together
 * they cover every byte of the file. docs/CHECKPOINTS.md describes the format. `hawser checkpoint`
 * lists, verifies and compares files.
 */
#ifndef HAWSER_CHECKPOINT_H
#define HAWSER_CHECKPOINT_H

#include <hawser/state.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The compression of blocks. */
typedef enum hws_compression {
    HWS_COMPRESSION_AUTO = 0, /**< LZ4, by byte planes if that is better, for each block that a
                                 probe finds compressible */
    HWS_COMPRESSION_NONE = 1  /**< none */
} hws_compression;

/** Options of a save. NULL means all defaults. */
typedef struct hws_checkpoint_options {
    size_t bytes_of_struct;      /**< sizeof(hws_checkpoint_options); begin with
                                    HWS_CHECKPOINT_OPTIONS_INIT */
    hws_compression compression; /**< HWS_COMPRESSION_AUTO or HWS_COMPRESSION_NONE */
    uint32_t reserved;           /**< 0 = the only value */
} hws_checkpoint_options;

/** Initial value of a hws_checkpoint_options: all defaults. */
#define HWS_CHECKPOINT_OPTIONS_INIT                                                                \
    {                                                                                              \
        sizeof(hws_checkpoint_options), HWS_COMPRESSION_AUTO, 0                                    \
    }

/**
 * The description of a file. Set `bytes_of_struct` to sizeof(hws_checkpoint_info) before the first
 * use (HWS_CHECKPOINT_INFO_INIT). Each call that takes it writes every other field; a field is zero
 * if its value is unknown.
 */
typedef struct hws_checkpoint_info {
    size_t bytes_of_struct;     /**< sizeof(hws_checkpoint_info) as the caller was compiled */
    uint64_t revision;          /**< revision of the state when it was saved */
    uint64_t time_ms;           /**< time of the save: milliseconds since 1970 */
    uint64_t bytes;             /**< bytes of the tensors */
    uint64_t file_bytes;        /**< bytes of the file */
    uint32_t tensors;           /**< tensors in it */
    uint32_t blocks;            /**< blocks in it */
    uint32_t blocks_compressed; /**< blocks of them that are compressed */
    uint32_t skipped;           /**< hws_checkpoint_newest: number of files skipped as incomplete */
    char skipped_why[256];   /**< hws_checkpoint_newest: the name of one of them and its defect */
    char damaged_tensor[64]; /**< HWS_E_DAMAGED: the tensor whose bytes are damaged; "" = the file's
                                head, tables or end */
    uint64_t root[2]; /**< 128-bit hash of the state, low half first: equal to `root` in the result
                         of a sync of the same tensors */
    uint64_t damaged_offset; /**< HWS_E_DAMAGED: offset in that tensor of the first damaged block */
} hws_checkpoint_info;

/** Initial value of a hws_checkpoint_info. */
#define HWS_CHECKPOINT_INFO_INIT                                                                   \
    {                                                                                              \
        sizeof(hws_checkpoint_info), 0, 0, 0, 0, 0, 0, 0, 0, "", "", {0, 0}, 0                     \
    }

/**
 * Saves the tensors (also those that may differ between members) and the revision to the file
 * `path`. At any moment, also after a crash or a power failure, `path` is the complete old file or
 * the complete new one: the save writes `path`.saving-N in the same directory, syncs it, renames
 * it, and syncs the directory. The next save to `path` removes such a file if a killed process left
 * one behind. The file's mode is 0666 less the umask; a link at `path` is replaced, not followed.
 * Several processes or threads may save to one path at once: the last to finish wins.
 *
 * A save may run in another thread than the trainer's. It returns HWS_E_BUSY, and the old file is
 * unchanged, if the state is written before the save has read the last byte: between
 * hws_state_begin_write and hws_state_end_write, by hws_checkpoint_load, by a hws_sync that
 * receives, or by a change of the revision. Save again then. The save cannot notice a trainer that
 * changes tensors without hws_state_begin_write; the file may then hold two steps mixed.
 *
 * `state`, `path` and `options` are borrowed until return; `options` and `info` may be NULL. Any
 * thread.
 * Errors: HWS_E_INVALID, HWS_E_NOT_SYNCED (a sync that failed in the middle left bytes of two
 * revisions: sync or load first), HWS_E_BUSY (the state is being written, or 8 other saves to this
 * path), HWS_E_SYSTEM (disk full, no permission, ...: the old file is unchanged), HWS_E_LIMIT,
 * HWS_E_NO_MEMORY.
 */
HWS_API hws_status hws_checkpoint_save(const hws_state *state, const char *path,
                                       const hws_checkpoint_options *options,
                                       hws_checkpoint_info *info);

/**
 * Loads the file `path` into the tensors of `state` and sets its revision. The state must have the
 * same tensors, in the same order: names, types and sizes are compared. The whole file is read and
 * verified before the first byte of a tensor is written, then read again into place: no byte of a
 * damaged file gets into the state, and no second copy is made. (If another process changes the
 * file in place between the two passes, or the disk fails, the content of the tensors is undefined:
 * the sentence says so, the revision is 0, and saving returns HWS_E_NOT_SYNCED until a load or sync
 * succeeds.) Call it before hws_open. On a state that is synced already it changes this member's
 * bytes, as the trainer could, and the next hws_sync decides; do not call it during a sync. `state`
 * and `path` are borrowed until return; `info` may be NULL. Any thread, one at a time for one
 * state.
 * Errors: HWS_E_DAMAGED (tensor and offset in the sentence and in `info`), HWS_E_LAYOUT (the
 * sentence names the first tensor that differs), HWS_E_UNSUPPORTED (a later version's format),
 * HWS_E_INVALID, HWS_E_SYSTEM, HWS_E_LIMIT (2^20 writes have begun), HWS_E_NO_MEMORY.
 */
HWS_API hws_status hws_checkpoint_load(hws_state *state, const char *path,
                                       hws_checkpoint_info *info);

/**
 * Finds the newest complete checkpoint in a directory: the highest revision, among equals the
 * latest time. It considers files whose names end in ".hwc" and files that begin as checkpoints do,
 * and verifies every block of the one it returns. It skips damaged files and counts them in `info`.
 * Writes the file's path to `path` (room for `path_bytes` bytes, of which at most 4096 are needed).
 * If the directory has no checkpoint, `path` is "" and the call returns HWS_OK. `directory` is
 * borrowed until return; `info` may be NULL. Any thread.
 * Errors: HWS_E_DAMAGED (there are checkpoints, and none of the 64 newest is complete),
 * HWS_E_SYSTEM (no such directory, ...), HWS_E_INVALID, HWS_E_LIMIT (`path` has too little room),
 * HWS_E_NO_MEMORY; `path` is "" then.
 */
HWS_API hws_status hws_checkpoint_newest(const char *directory, char *path, size_t path_bytes,
                                         hws_checkpoint_info *info);

/**
 * Finds a complete checkpoint of revision `revision` (any number) in `directory` (borrowed until
 * return): of several the latest. Writes its path to `path` (room for `path_bytes` bytes, of which
 * at most 4096 are needed), or "" if there is none, and returns HWS_OK. `info` may be NULL. All
 * else is as in hws_checkpoint_newest(). The groups of a sharded model load one revision that all
 * of them have: docs/CHECKPOINTS.md. Any thread. Errors: HWS_E_DAMAGED (there are checkpoints of
 * that revision, and none is complete), and as in hws_checkpoint_newest().
 */
HWS_API hws_status hws_checkpoint_find(const char *directory, uint64_t revision, char *path,
                                       size_t path_bytes, hws_checkpoint_info *info);

#ifdef __cplusplus
}
#endif
#endif
