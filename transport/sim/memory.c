// SPDX-License-Identifier: MIT
// The memory of a process's actors and data port: counted, and all found again when it crashes.
#include "transport/sim/world.h"

#include <stdalign.h>

struct hwi_sim_block {
    alignas(max_align_t) struct hwi_sim_block *next;
    struct hwi_sim_block *previous;
    size_t bytes;
};

static void unlink_block(struct hwi_sim_process *process, struct hwi_sim_block *block)
{
    if (block->previous != NULL) {
        block->previous->next = block->next;
    } else {
        process->blocks = block->next;
    }
    if (block->next != NULL) {
        block->next->previous = block->previous;
    }
    process->memory_bytes -= block->bytes;
}

static void link_block(struct hwi_sim_process *process, struct hwi_sim_block *block, size_t bytes)
{
    *block = (struct hwi_sim_block){.next = process->blocks, .bytes = bytes};
    if (block->next != NULL) {
        block->next->previous = block;
    }
    process->blocks = block;
    process->memory_bytes += bytes;
}

static void *resize(void *user, void *pointer, size_t bytes)
{
    struct hwi_sim_process *process = user;
    struct hwi_sim_block *block = pointer != NULL ? (struct hwi_sim_block *)pointer - 1 : NULL;
    struct hwi_sim_block *resized = NULL;
    if (block != NULL) {
        unlink_block(process, block);
    }
    if (bytes > 0 || block != NULL) {
        resized = hwi_alloc_libc.resize(NULL, block, bytes > 0 ? sizeof *block + bytes : 0);
    }
    if (bytes > 0 && resized != NULL) {
        link_block(process, resized, bytes);
        return resized + 1;
    }
    if (bytes > 0 && block != NULL) {
        link_block(process, block, block->bytes); // no memory: as it was
    }
    return NULL;
}

const struct hwi_alloc hwi_sim_alloc = {.resize = resize};

void hwi_sim_memory_drop(struct hwi_sim_process *process)
{
    while (process->blocks != NULL) {
        (void)resize(process, process->blocks + 1, 0);
    }
}
