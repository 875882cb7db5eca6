// SPDX-License-Identifier: MIT
// A checkpoint file, byte for byte. All numbers are little-endian.
//
//   head (64 bytes)    magic, format, counts, revision, time; hash of the tables; own checksum
//   table of tensors   80 bytes each: name padded with zeros, type, flags, size
//   table of blocks    32 bytes each: hash of its bytes, checksum of what is stored, size, encoding
//   blocks             one behind the other, in the order of the table; nothing behind the last
//
// Each tensor is cut into blocks of HWI_BLOCK_BYTES as in a sync, so the hashes are the same. The
// head is written last: a file that was being written has no magic. All formats keep magic, format
// and checksum where they are here.
#ifndef HAWSER_SNAPSHOT_CHECKPOINT_FORMAT_H
#define HAWSER_SNAPSHOT_CHECKPOINT_FORMAT_H

#include "actors/base/base.h"
#include "actors/base/limits.h"

enum {
    HWI_CHECKPOINT_FORMAT = 1,
    HWI_CHECKPOINT_HEAD_BYTES = 64,
    HWI_CHECKPOINT_TENSOR_BYTES = 80,
    HWI_CHECKPOINT_BLOCK_BYTES = 32,
    // 2^40 bytes in whole blocks, and one rest per tensor.
    HWI_CHECKPOINT_BLOCKS_MAX = (1 << 20) + HWI_TENSORS_MAX,
};

// How a block is stored.
enum hwi_checkpoint_encoding {
    HWI_CHECKPOINT_RAW = 0,
    HWI_CHECKPOINT_LZ4 = 1,
    HWI_CHECKPOINT_PLANES =
        2, // LZ4 of its byte planes: all first bytes of the elements, all second ..
};

struct hwi_checkpoint_head {
    uint32_t tensor_count, block_count;
    uint64_t revision;
    uint64_t time_ms;       // when it was saved, since 1970
    struct hwi_hash tables; // XXH3-128 of both tables
};

struct hwi_checkpoint_tensor {
    char name[HWI_NAME_BYTES_MAX]; // 1 to 63 bytes and zeros
    uint8_t dtype;                 // hws_dtype
    bool may_differ;               // members may hold other bytes
    uint64_t bytes;                // whole elements; 0 is allowed
    uint32_t first_block;          // counted through all tensors; not in the file
};

struct hwi_checkpoint_block {
    struct hwi_hash hash;  // XXH3-128 of its bytes
    uint64_t check;        // XXH3-64 of what is stored; 0 where that is its bytes
    uint64_t offset;       // of what is stored, in the file; not in the file
    uint32_t stored_bytes; // less than its bytes, or raw
    uint8_t encoding;      // enum hwi_checkpoint_encoding
};

// A file's first bytes.
enum hwi_checkpoint_kind {
    HWI_CHECKPOINT_IS_NONE,    // no checkpoint, or one that was being written
    HWI_CHECKPOINT_IS_DAMAGED, // its head does not match its checksum
    HWI_CHECKPOINT_IS_OTHER,   // of another format
    HWI_CHECKPOINT_IS_GOOD,
};

void hwi_checkpoint_head_pack(const struct hwi_checkpoint_head *head,
                              unsigned char bytes[HWI_CHECKPOINT_HEAD_BYTES]);
// *head is written for GOOD only; *format for OTHER.
enum hwi_checkpoint_kind
hwi_checkpoint_head_unpack(const unsigned char bytes[HWI_CHECKPOINT_HEAD_BYTES],
                           struct hwi_checkpoint_head *head, uint32_t *format);

// Sets first_block of each tensor. The number of all blocks; 0 and *fits = false if a size or the
// sum is above its bound.
uint32_t hwi_checkpoint_number(struct hwi_checkpoint_tensor *tensors, uint32_t count, bool *fits);

// Bytes of both tables; the counts are within their bounds.
static inline size_t hwi_checkpoint_tables_bytes(uint32_t tensors, uint32_t blocks)
{
    return (size_t)tensors * HWI_CHECKPOINT_TENSOR_BYTES +
           (size_t)blocks * HWI_CHECKPOINT_BLOCK_BYTES;
}

void hwi_checkpoint_tables_pack(const struct hwi_checkpoint_tensor *tensors, uint32_t tensor_count,
                                const struct hwi_checkpoint_block *blocks, uint32_t block_count,
                                unsigned char *bytes);
// Reads the tables whose counts are the head's, sets what follows from them, and checks every
// field: false if one makes no sense.
bool hwi_checkpoint_tables_unpack(const unsigned char *bytes,
                                  const struct hwi_checkpoint_head *head,
                                  struct hwi_checkpoint_tensor *tensors,
                                  struct hwi_checkpoint_block *blocks);

// Bytes of a tensor's block, by its number within the tensor.
static inline uint32_t hwi_checkpoint_block_bytes(const struct hwi_checkpoint_tensor *tensor,
                                                  uint32_t block)
{
    uint64_t rest = tensor->bytes - (uint64_t)block * HWI_BLOCK_BYTES;
    return (uint32_t)HWI_MIN(rest, (uint64_t)HWI_BLOCK_BYTES);
}

static inline uint32_t hwi_checkpoint_blocks_of(const struct hwi_checkpoint_tensor *tensor)
{
    return (uint32_t)(tensor->bytes / HWI_BLOCK_BYTES + (tensor->bytes % HWI_BLOCK_BYTES != 0));
}

struct hwi_hash hwi_checkpoint_hash(const void *bytes, size_t length);

#endif
