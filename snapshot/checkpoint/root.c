// SPDX-License-Identifier: MIT
// One hash for a whole state, the same as a sync's: of the blocks' hashes and a digest of the
// layout. Tensors that may differ between members do not count.
#include <string.h>
#include <xxhash.h>

#include "snapshot/checkpoint/checkpoint.h"

enum {
    HASH_BYTES = 16,
    TENSOR_BYTES = HWI_NAME_BYTES_MAX + 1 + 8, // name and zeros, type, size
    MAY_DIFFER = 0x80,                         // with the type
};

static void write_u64(unsigned char *at, uint64_t value)
{
    for (int i = 0; i < 8; i++) {
        at[i] = (unsigned char)(value >> (8 * i));
    }
}

static void add_tensor(XXH3_state_t *state, const struct hwi_checkpoint_tensor *tensor)
{
    unsigned char text[TENSOR_BYTES] = {0};
    memcpy(text, tensor->name, strlen(tensor->name));
    text[HWI_NAME_BYTES_MAX] =
        (unsigned char)(tensor->dtype | (tensor->may_differ ? MAY_DIFFER : 0));
    write_u64(text + HWI_NAME_BYTES_MAX + 1, tensor->bytes);
    XXH3_128bits_update(state, text, sizeof text);
}

static void add_hash(XXH3_state_t *state, struct hwi_hash hash)
{
    unsigned char text[HASH_BYTES];
    write_u64(text, hash.lo);
    write_u64(text + 8, hash.hi);
    XXH3_128bits_update(state, text, sizeof text);
}

static struct hwi_hash finish(XXH3_state_t *state)
{
    XXH128_hash_t hash = XXH3_128bits_digest(state);
    XXH3_128bits_reset(state);
    return (struct hwi_hash){.lo = hash.low64, .hi = hash.high64};
}

bool hwi_checkpoint_root(const struct hwi_checkpoint_tensor *tensors, uint32_t count,
                         const struct hwi_checkpoint_block *blocks, struct hwi_hash *root)
{
    XXH3_state_t *state = XXH3_createState();
    if (state == NULL) {
        return false;
    }
    XXH3_128bits_reset(state);
    for (uint32_t i = 0; i < count; i++) {
        add_tensor(state, &tensors[i]);
    }
    struct hwi_hash layout = finish(state);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < hwi_checkpoint_blocks_of(&tensors[i]) && !tensors[i].may_differ;
             k++) {
            add_hash(state, blocks[tensors[i].first_block + k].hash);
        }
    }
    add_hash(state, layout);
    *root = finish(state);
    XXH3_freeState(state);
    return true;
}
