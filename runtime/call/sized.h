// SPDX-License-Identifier: MIT
// Public structs carry their size first, so that a caller compiled against an older, shorter one
// still works.
#ifndef HAWSER_RUNTIME_CALL_SIZED_H
#define HAWSER_RUNTIME_CALL_SIZED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
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
    if (given < sizeof(size_t)) {
        return false;
    }
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

// Item `index` of the caller's array (NULL: NULL), whose items are as long as the first says.
static inline void *hwi_sized_at(const void *array, size_t index)
{
    return array == NULL ? NULL : (char *)(uintptr_t)array + index * hwi_sized_bytes(array);
}

// True if all `count` items say the same length, of `least` bytes or more, that a struct can have.
static inline bool hwi_sized_array(const void *array, size_t count, size_t least)
{
    bool same = count == 0 ||
                (hwi_sized_bytes(array) >= least && hwi_sized_bytes(array) % sizeof(size_t) == 0);
    for (size_t i = 1; same && i < count; i++) {
        same = hwi_sized_bytes(hwi_sized_at(array, i)) == hwi_sized_bytes(array);
    }
    return same;
}

#endif
