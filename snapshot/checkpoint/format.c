// SPDX-License-Identifier: MIT
#include "snapshot/checkpoint/format.h"

#include <string.h>
#include <xxhash.h>

#include <hawser/types.h>

#include "actors/base/bytes.h"
#include "actors/base/dtype.h"

enum {
    CHECKED_BYTES = HWI_CHECKPOINT_HEAD_BYTES - 8, // what the head's checksum covers
    MAY_DIFFER = 1,                                // the only flag of a tensor
};

static const unsigned char magic[8] = {'H', 'W', 'S', 'T', 'A', 'T', 'E', '\n'};

static void put_hash(unsigned char *at, struct hwi_hash hash)
{
    hwi_put_u64(at, hash.lo);
    hwi_put_u64(at + 8, hash.hi);
}

static struct hwi_hash get_hash(const unsigned char *at)
{
    return (struct hwi_hash){.lo = hwi_get_u64(at), .hi = hwi_get_u64(at + 8)};
}

static bool is_zero(const unsigned char *at, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (at[i]) {
            return false;
        }
    }
    return true;
}

struct hwi_hash hwi_checkpoint_hash(const void *bytes, size_t length)
{
    XXH128_hash_t hash = XXH3_128bits(bytes, length);
    return (struct hwi_hash){.lo = hash.low64, .hi = hash.high64};
}

// ---- head --------------------------------------------------------------------------------------

void hwi_checkpoint_head_pack(const struct hwi_checkpoint_head *head,
                              unsigned char bytes[HWI_CHECKPOINT_HEAD_BYTES])
{
    memcpy(bytes, magic, sizeof magic);
    hwi_put_u32(bytes + 8, HWI_CHECKPOINT_FORMAT);
    hwi_put_u32(bytes + 12, head->tensor_count);
    hwi_put_u64(bytes + 16, head->block_count);
    hwi_put_u64(bytes + 24, head->revision);
    hwi_put_u64(bytes + 32, head->time_ms);
    put_hash(bytes + 40, head->tables);
    hwi_put_u64(bytes + CHECKED_BYTES, XXH3_64bits(bytes, CHECKED_BYTES));
}

enum hwi_checkpoint_kind
hwi_checkpoint_head_unpack(const unsigned char bytes[HWI_CHECKPOINT_HEAD_BYTES],
                           struct hwi_checkpoint_head *head, uint32_t *format)
{
    if (memcmp(bytes, magic, sizeof magic) != 0) {
        return HWI_CHECKPOINT_IS_NONE;
    }
    if (hwi_get_u64(bytes + CHECKED_BYTES) != XXH3_64bits(bytes, CHECKED_BYTES)) {
        return HWI_CHECKPOINT_IS_DAMAGED;
    }
    if (hwi_get_u32(bytes + 8) != HWI_CHECKPOINT_FORMAT) {
        *format = hwi_get_u32(bytes + 8);
        return HWI_CHECKPOINT_IS_OTHER;
    }
    uint32_t tensors = hwi_get_u32(bytes + 12);
    uint64_t blocks = hwi_get_u64(bytes + 16);
    if (tensors > HWI_TENSORS_MAX || blocks > HWI_CHECKPOINT_BLOCKS_MAX) {
        return HWI_CHECKPOINT_IS_DAMAGED;
    }
    *head = (struct hwi_checkpoint_head){.tensor_count = tensors,
                                         .block_count = (uint32_t)blocks,
                                         .revision = hwi_get_u64(bytes + 24),
                                         .time_ms = hwi_get_u64(bytes + 32),
                                         .tables = get_hash(bytes + 40)};
    return HWI_CHECKPOINT_IS_GOOD;
}

// ---- tables ------------------------------------------------------------------------------------

uint32_t hwi_checkpoint_number(struct hwi_checkpoint_tensor *tensors, uint32_t count, bool *fits)
{
    uint64_t blocks = 0;
    *fits = false;
    for (uint32_t i = 0; i < count; i++) {
        if (tensors[i].bytes > HWI_TENSOR_BYTES_MAX) {
            return 0;
        }
        tensors[i].first_block = (uint32_t)blocks;
        blocks += hwi_checkpoint_blocks_of(&tensors[i]);
        if (blocks > HWI_CHECKPOINT_BLOCKS_MAX) {
            return 0;
        }
    }
    *fits = true;
    return (uint32_t)blocks;
}

static void pack_tensor(const struct hwi_checkpoint_tensor *tensor, unsigned char *at)
{
    memset(at, 0, HWI_CHECKPOINT_TENSOR_BYTES);
    memcpy(at, tensor->name, strnlen(tensor->name, HWI_NAME_BYTES_MAX - 1));
    at[HWI_NAME_BYTES_MAX] = tensor->dtype;
    at[HWI_NAME_BYTES_MAX + 1] = tensor->may_differ ? MAY_DIFFER : 0;
    hwi_put_u64(at + HWI_NAME_BYTES_MAX + 8, tensor->bytes);
}

static void pack_block(const struct hwi_checkpoint_block *block, unsigned char *at)
{
    memset(at, 0, HWI_CHECKPOINT_BLOCK_BYTES);
    put_hash(at, block->hash);
    hwi_put_u64(at + 16, block->check);
    hwi_put_u32(at + 24, block->stored_bytes);
    at[28] = block->encoding;
}

void hwi_checkpoint_tables_pack(const struct hwi_checkpoint_tensor *tensors, uint32_t tensor_count,
                                const struct hwi_checkpoint_block *blocks, uint32_t block_count,
                                unsigned char *bytes)
{
    for (uint32_t i = 0; i < tensor_count; i++, bytes += HWI_CHECKPOINT_TENSOR_BYTES) {
        pack_tensor(&tensors[i], bytes);
    }
    for (uint32_t i = 0; i < block_count; i++, bytes += HWI_CHECKPOINT_BLOCK_BYTES) {
        pack_block(&blocks[i], bytes);
    }
}

static bool unpack_tensor(const unsigned char *at, struct hwi_checkpoint_tensor *tensor)
{
    size_t length = strnlen((const char *)at, HWI_NAME_BYTES_MAX);
    memset(tensor, 0, sizeof *tensor);
    if (length == 0 || !is_zero(at + length, HWI_NAME_BYTES_MAX - length) ||
        length == HWI_NAME_BYTES_MAX) {
        return false;
    }
    memcpy(tensor->name, at, length);
    tensor->dtype = at[HWI_NAME_BYTES_MAX];
    tensor->may_differ = at[HWI_NAME_BYTES_MAX + 1] & MAY_DIFFER;
    tensor->bytes = hwi_get_u64(at + HWI_NAME_BYTES_MAX + 8);
    uint32_t unit = hwi_dtype_unit(tensor->dtype);
    return unit != 0 && tensor->bytes % unit == 0 && at[HWI_NAME_BYTES_MAX + 1] <= MAY_DIFFER &&
           is_zero(at + HWI_NAME_BYTES_MAX + 2, 6);
}

static bool unpack_block(const unsigned char *at, const struct hwi_checkpoint_tensor *tensor,
                         uint32_t bytes, struct hwi_checkpoint_block *block)
{
    *block = (struct hwi_checkpoint_block){.hash = get_hash(at),
                                           .check = hwi_get_u64(at + 16),
                                           .stored_bytes = hwi_get_u32(at + 24),
                                           .encoding = at[28]};
    if (!is_zero(at + 29, 3)) {
        return false;
    }
    switch (block->encoding) {
    case HWI_CHECKPOINT_RAW:
        return block->stored_bytes == bytes && block->check == 0;
    case HWI_CHECKPOINT_PLANES:
        if (hwi_dtype_unit(tensor->dtype) < 2) {
            return false;
        }
        break;
    case HWI_CHECKPOINT_LZ4:
        break;
    default:
        return false;
    }
    return block->stored_bytes > 0 && block->stored_bytes < bytes;
}

bool hwi_checkpoint_tables_unpack(const unsigned char *bytes,
                                  const struct hwi_checkpoint_head *head,
                                  struct hwi_checkpoint_tensor *tensors,
                                  struct hwi_checkpoint_block *blocks)
{
    bool fits;
    uint64_t offset = HWI_CHECKPOINT_HEAD_BYTES +
                      hwi_checkpoint_tables_bytes(head->tensor_count, head->block_count);
    for (uint32_t i = 0; i < head->tensor_count; i++, bytes += HWI_CHECKPOINT_TENSOR_BYTES) {
        if (!unpack_tensor(bytes, &tensors[i])) {
            return false;
        }
    }
    if (hwi_checkpoint_number(tensors, head->tensor_count, &fits) != head->block_count || !fits) {
        return false;
    }
    for (uint32_t i = 0; i < head->tensor_count; i++) {
        for (uint32_t k = 0; k < hwi_checkpoint_blocks_of(&tensors[i]); k++) {
            uint32_t length = hwi_checkpoint_block_bytes(&tensors[i], k);
            if (!unpack_block(bytes, &tensors[i], length, blocks)) {
                return false;
            }
            blocks->offset = offset;
            offset += blocks->stored_bytes;
            bytes += HWI_CHECKPOINT_BLOCK_BYTES;
            blocks++;
        }
    }
    return true;
}
