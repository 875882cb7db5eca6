// SPDX-License-Identifier: MIT
// The shared state as a row of blocks: each tensor is cut into HWI_BLOCK_BYTES pieces, and the
// pieces are numbered through all tensors in the order the trainer added them. An empty tensor, and
// one that may differ, has no blocks. Pure arithmetic and hashes of hashes.
#ifndef HAWSER_SNAPSHOT_MANIFEST_H
#define HAWSER_SNAPSHOT_MANIFEST_H

#include "actors/wire/msg.h"

enum {
    // 2^40 bytes in whole blocks, and one rest per tensor; more is a failed check.
    HWI_STATE_BLOCKS_MAX = (1 << 20) + HWI_TENSORS_MAX,
};

struct hwi_tensor_span {
    struct hwi_tensor tensor; // nothing behind its name
    uint32_t first;           // its first block's number, or what that would be
};

struct hwi_manifest {
    struct hwi_tensor_span *spans; // one per tensor; owned
    uint32_t tensor_count;
    uint32_t block_count;   // 0..HWI_STATE_BLOCKS_MAX
    struct hwi_hash layout; // of names, types, sizes and what may differ, in order
};

// Where a block's bytes are.
struct hwi_piece {
    uint32_t tensor;
    uint32_t bytes; // 1..HWI_BLOCK_BYTES
    uint64_t offset;
};

// Fills *manifest; `tensors` (1..HWI_TENSORS_MAX: a failed check otherwise) is borrowed until
// return.
void hwi_manifest_init(struct hwi_manifest *manifest, const struct hwi_alloc *alloc,
                       const struct hwi_tensor *tensors, uint32_t count);
// Numbers the blocks again from the tensors' sizes; false, and nothing is numbered, if one is
// larger than a tensor may be, or they are too many blocks.
bool hwi_manifest_number(struct hwi_manifest *manifest);
// Leaves *manifest all zero, which is a manifest of nothing; may be called on one.
void hwi_manifest_fini(struct hwi_manifest *manifest, const struct hwi_alloc *alloc);

// `block` must be below block_count.
struct hwi_piece hwi_manifest_piece(const struct hwi_manifest *manifest, uint32_t block);

// Pages of HWI_MANIFEST_PAGE_MAX hashes that the state fills; the last may be shorter.
uint32_t hwi_manifest_pages(const struct hwi_manifest *manifest);
// Hashes in the page that begins with block `first`; 0 if no page begins there.
uint32_t hwi_manifest_page_size(const struct hwi_manifest *manifest, uint32_t first);

// XXH3-128 over the hashes of all blocks (block_count of them, borrowed until return) and the
// layout.
struct hwi_hash hwi_manifest_root(const struct hwi_manifest *manifest,
                                  const struct hwi_alloc *alloc, const struct hwi_hash *hashes);

#endif
