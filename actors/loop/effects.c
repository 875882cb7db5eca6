// SPDX-License-Identifier: MIT
#include <stdalign.h>
#include <string.h>

#include "actors/loop/step.h"

enum {
    ARENA_BLOCK_BYTES = 16 << 10,
    ARENA_BYTES_MAX = 64 << 20, // lists of one step's effects; passing it is a failed check
    ITEMS_KEPT_MAX = 64,        // a larger array is given back at reset
};

struct hwi_arena_block {
    struct hwi_arena_block *next;
    size_t bytes;
    size_t used;
    alignas(max_align_t) unsigned char data[];
};

void hwi_effects_init(struct hwi_effects *effects, const struct hwi_alloc *alloc)
{
    *effects = (struct hwi_effects){.alloc = alloc};
}

static void drop_blocks(struct hwi_effects *effects)
{
    while (effects->arena != NULL) {
        struct hwi_arena_block *block = effects->arena;
        effects->arena = block->next;
        hwi_free(effects->alloc, block);
    }
}

void hwi_effects_reset(struct hwi_effects *effects)
{
    effects->count = 0;
    if (effects->capacity > ITEMS_KEPT_MAX) {
        hwi_free(effects->alloc, effects->items);
        effects->items = NULL;
        effects->capacity = 0;
    }
    struct hwi_arena_block *block = effects->arena;
    if (block != NULL && block->next == NULL && block->bytes == ARENA_BLOCK_BYTES) {
        block->used = 0; // the common step allocates nothing
    } else {
        drop_blocks(effects);
    }
}

void hwi_effects_fini(struct hwi_effects *effects)
{
    drop_blocks(effects);
    hwi_free(effects->alloc, effects->items);
    *effects = (struct hwi_effects){0};
}

struct hwi_msg *hwi_emit(struct hwi_effects *effects, struct hwi_addr to, uint16_t type)
{
    if (effects->count == effects->capacity) {
        HWI_CHECK(effects->count < HWI_EFFECTS_MAX);
        uint32_t capacity = effects->capacity ? 2 * effects->capacity : 16;
        effects->items =
            hwi_resize(effects->alloc, effects->items, capacity * sizeof effects->items[0]);
        effects->capacity = capacity;
    }
    struct hwi_envelope *envelope = &effects->items[effects->count++];
    memset(envelope, 0, sizeof *envelope);
    envelope->to = to;
    envelope->msg.type = type;
    return &envelope->msg;
}

static size_t arena_bytes(const struct hwi_effects *effects)
{
    size_t bytes = 0;
    for (const struct hwi_arena_block *block = effects->arena; block != NULL; block = block->next) {
        bytes += block->bytes;
    }
    return bytes;
}

static struct hwi_arena_block *new_block(struct hwi_effects *effects, size_t bytes)
{
    bytes = HWI_MAX(bytes, (size_t)ARENA_BLOCK_BYTES);
    HWI_CHECK(bytes <= ARENA_BYTES_MAX && arena_bytes(effects) <= ARENA_BYTES_MAX - bytes);
    struct hwi_arena_block *block = hwi_resize(effects->alloc, NULL, sizeof *block + bytes);
    *block = (struct hwi_arena_block){.next = effects->arena, .bytes = bytes};
    effects->arena = block;
    return block;
}

void *hwi_effects_memory(struct hwi_effects *effects, size_t bytes)
{
    if (!bytes) {
        return NULL;
    }
    HWI_CHECK(bytes <= ARENA_BYTES_MAX);
    size_t taken = (bytes + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct hwi_arena_block *block = effects->arena;
    if (block == NULL || block->bytes - block->used < taken) {
        block = new_block(effects, taken);
    }
    void *memory = block->data + block->used;
    block->used += taken;
    return memset(memory, 0, taken);
}

void *hwi_effects_copy(struct hwi_effects *effects, const void *from, size_t bytes)
{
    void *copy = hwi_effects_memory(effects, bytes);
    return bytes > 0 ? memcpy(copy, from, bytes) : copy;
}
