// SPDX-License-Identifier: MIT
// Tensor memory of a test, all in one mapping, so that it can be made inaccessible at once.
#ifndef HAWSER_TESTS_SUPPORT_ARENA_H
#define HAWSER_TESTS_SUPPORT_ARENA_H

#include <stddef.h>

struct arena {
    unsigned char *base;
    size_t bytes;
    size_t used;
};

void arena_init(struct arena *arena, size_t bytes);
// Zeroed memory that begins `misalign` bytes after a multiple of 64. Borrowed until arena_fini.
void *arena_take(struct arena *arena, size_t bytes, size_t misalign);
// From now on every access is a fault.
void arena_lock(struct arena *arena);
void arena_fini(struct arena *arena);

#endif
