// SPDX-License-Identifier: MIT
// Public structs carry their size first, so that a caller compiled against an older, shorter one
// still works.
#ifndef HAWSER_ACTORS_NODE_SIZED_H
#define HAWSER_ACTORS_NODE_SIZED_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static inline size_t hwi_sized_bytes(const void *sized)
{
    return *(const size_t *)sized;
}

// Reads the caller's struct into our own of `bytes`; what an older caller does not have is zero.
// False if the size was never set.
static inline bool hwi_sized_read(void *ours, size_t bytes, const void *theirs)
{
    size_t given = hwi_sized_bytes(theirs);
    if (given < sizeof(size_t))
        return false;
    memset(ours, 0, bytes);
    memcpy(ours, theirs, given < bytes ? given : bytes);
    *(size_t *)ours = bytes;
    return true;
}

// Writes our struct into the caller's, as much as it has room for; its size stays.
static inline void hwi_sized_write(void *theirs, const void *ours, size_t bytes)
{
    size_t room = hwi_sized_bytes(theirs);
    memcpy(theirs, ours, room < bytes ? room : bytes);
    *(size_t *)theirs = room;
}

#endif
