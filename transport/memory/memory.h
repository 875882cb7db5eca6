// SPDX-License-Identifier: MIT
// The door to callers' tensors: what is behind a location, only its memory knows. Each kind of
// memory has a file here; tensor.c says which kind a caller's pointer is of.
//
// A location is no pointer, so nothing outside of this folder can read or write the bytes there by
// itself, and a test looks that nobody takes the hidden number out of it.
//
// The duties of an implementation:
// - Locations are flat: the byte behind a location is at the hidden number plus one. All bytes of a
//   tensor have one memory.
// - `direct` gives the address of the bytes if the CPU and the kernel's socket calls can read and
//   write them there, for as long as the tensor is known. NULL = they cannot: code that needs them
//   as plain bytes then works on a copy (transport/data/span.h). The answer for a tensor never
//   changes.
// - `copy_out` and `copy_in` are whole when they return, and see what was written before, by
//   whichever way.
// - None of them fails and none calls back. Several threads may be in them, at different bytes.
#ifndef HAWSER_TRANSPORT_MEMORY_MEMORY_H
#define HAWSER_TRANSPORT_MEMORY_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hwi_memory_ops;

// Where a tensor, or a part of it, begins. All zero = nowhere.
struct hwi_location {
    const struct hwi_memory_ops *memory;
    uintptr_t hidden;
};

struct hwi_memory_ops {
    const char *name;
    unsigned char *(*direct)(struct hwi_location at, size_t bytes);
    // To plain bytes that are not read soon (a saved copy, say): borrowed until return.
    void (*copy_out)(struct hwi_location from, void *to, size_t bytes);
    // From plain bytes: borrowed until return.
    void (*copy_in)(struct hwi_location to, const void *from, size_t bytes);
};

extern const struct hwi_memory_ops hwi_memory_host; // host.c

// tensor.c, which a test may replace: what a caller calls `pointer`. NULL = nowhere.
struct hwi_location hwi_location_of(const void *pointer);
// host.c: plain host memory. NULL = nowhere.
struct hwi_location hwi_location_host(const void *bytes);

static inline bool hwi_location_exists(struct hwi_location at)
{
    return at.memory != NULL;
}

static inline struct hwi_location hwi_location_add(struct hwi_location at, uint64_t bytes)
{
    at.hidden += (uintptr_t)bytes;
    return at;
}

// True if `at` lies in the `bytes` bytes that begin at `begin`; *offset says where.
static inline bool hwi_location_within(struct hwi_location at, struct hwi_location begin,
                                       uint64_t bytes, uint64_t *offset)
{
    *offset = (uint64_t)(at.hidden - begin.hidden);
    return at.memory == begin.memory && at.hidden >= begin.hidden && *offset < bytes;
}

static inline bool hwi_location_equal(struct hwi_location a, struct hwi_location b)
{
    return a.memory == b.memory && a.hidden == b.hidden;
}

static inline unsigned char *hwi_location_direct(struct hwi_location at, size_t bytes)
{
    return at.memory->direct(at, bytes);
}

static inline void hwi_location_copy_out(struct hwi_location from, void *to, size_t bytes)
{
    from.memory->copy_out(from, to, bytes);
}

static inline void hwi_location_copy_in(struct hwi_location to, const void *from, size_t bytes)
{
    to.memory->copy_in(to, from, bytes);
}

#endif
