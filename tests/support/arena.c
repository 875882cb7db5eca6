// SPDX-License-Identifier: MIT
#define _DEFAULT_SOURCE // MAP_ANONYMOUS
#include "tests/support/arena.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "tests/support/expect.h"

void arena_init(struct arena *arena, size_t bytes)
{
    void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    expect(base != MAP_FAILED, "no address space for %zu bytes of tensors", bytes);
    *arena = (struct arena){.base = base, .bytes = bytes};
}

void *arena_take(struct arena *arena, size_t bytes, size_t misalign)
{
    size_t begin = ((arena->used + 63) & ~(size_t)63) + misalign;
    expect(begin + bytes <= arena->bytes, "the test's tensors pass %zu bytes", arena->bytes);
    arena->used = begin + bytes;
    return arena->base + begin;
}

void arena_lock(struct arena *arena)
{
    expect(mprotect(arena->base, arena->bytes, PROT_NONE) == 0, "mprotect failed");
}

void arena_fini(struct arena *arena)
{
    munmap(arena->base, arena->bytes);
}
