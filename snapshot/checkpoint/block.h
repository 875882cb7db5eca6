// SPDX-License-Identifier: MIT
// How a block's bytes are stored: as they are, or compressed where a probe says that it pays.
#ifndef HAWSER_SNAPSHOT_CHECKPOINT_BLOCK_H
#define HAWSER_SNAPSHOT_CHECKPOINT_BLOCK_H

#include "snapshot/checkpoint/format.h"

// Room to code one block at a time. Make it with hwi_coder_create; one thread.
struct hwi_coder;

struct hwi_coder *hwi_coder_create(void); // owned; NULL = out of memory
void hwi_coder_destroy(struct hwi_coder *coder);

// Codes 1 to HWI_BLOCK_BYTES bytes of elements of `width` bytes. Fills hash, check, stored_bytes
// and encoding; what to store is returned, borrowed until the next call (`bytes` itself where raw).
const void *hwi_coder_pack(struct hwi_coder *coder, const void *bytes, uint32_t length,
                           uint32_t width, bool compress, struct hwi_checkpoint_block *block);

// Where to put the stored bytes of a block (block->stored_bytes of them, at most HWI_BLOCK_BYTES)
// before they are unpacked into `into`: that itself where they are raw.
void *hwi_coder_room(struct hwi_coder *coder, const struct hwi_checkpoint_block *block, void *into);
// Makes the block's `length` bytes at `into` of what was put into the room. Any bytes may stand
// there. False: they are not what was saved, and what is at `into` means nothing.
bool hwi_coder_unpack(struct hwi_coder *coder, const struct hwi_checkpoint_block *block, void *into,
                      uint32_t length, uint32_t width);

#endif
