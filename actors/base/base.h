// SPDX-License-Identifier: MIT
// The base of every pure part: an allocator that is passed in, checks that unwind, 128-bit hashes.
#ifndef HAWSER_ACTORS_BASE_BASE_H
#define HAWSER_ACTORS_BASE_BASE_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HWI_NS_PER_MS UINT64_C(1000000)
#define HWI_NS_PER_S UINT64_C(1000000000)
#define HWI_NEVER UINT64_MAX
#define HWI_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HWI_MIN(a, b) ((a) < (b) ? (a) : (b))
#define HWI_MAX(a, b) ((a) > (b) ? (a) : (b))

// A 128-bit content hash (XXH3-128). All zero means "none".
struct hwi_hash {
    uint64_t lo;
    uint64_t hi;
};

static inline bool hwi_hash_equal(struct hwi_hash a, struct hwi_hash b)
{
    return a.lo == b.lo && a.hi == b.hi;
}

// The allocator that pure code is given. `resize` behaves like realloc, and frees for bytes == 0.
// The table must outlive everything allocated from it. Owner thread of the actor only.
struct hwi_alloc {
    void *(*resize)(void *user, void *pointer, size_t bytes);
    void *user;
};

// Returns owned, zeroed memory; a failed allocation is a failed check (it unwinds: never NULL).
void *hwi_new(const struct hwi_alloc *alloc, size_t bytes);
// The same, but NULL if memory is short: for callers that must first free what they hold.
void *hwi_try_new(const struct hwi_alloc *alloc, size_t bytes);
// Grows or shrinks; takes `pointer`, returns owned memory whose new bytes are not initialised.
void *hwi_resize(const struct hwi_alloc *alloc, void *pointer, size_t bytes);
// Takes `pointer` (NULL allowed).
void hwi_free(const struct hwi_alloc *alloc, void *pointer);
// The allocator over the C library's realloc, for hosts and tests.
extern const struct hwi_alloc hwi_alloc_libc;

// Where a failed check lands. The drain sets one around each step; checks stay on in every build.
struct hwi_trap {
    jmp_buf landing;
    const char *file;
    const char *what;
    int line;
    struct hwi_trap *outer;
};

// Installs `trap` (borrowed until hwi_trap_leave) for this thread; use with setjmp(trap.landing).
void hwi_trap_enter(struct hwi_trap *trap);
void hwi_trap_leave(struct hwi_trap *trap);
// Unwinds to the innermost trap of this thread, which is left by that; without one the process
// aborts (own tests and tools).
_Noreturn void hwi_check_failed(const char *what, const char *file, int line);
// Prints to stderr and aborts.
_Noreturn void hwi_check_abort(const char *what, const char *file, int line);

// One number for the sources of all actors: builds with the same one take the same decisions.
uint64_t hwi_decision_hash(void);

#define HWI_CHECK(condition)                                                                       \
    ((condition) ? (void)0 : hwi_check_failed(#condition, __FILE__, __LINE__))

// Names the step that failed because memory ran out or the system refused a call. These errors fail
// the operation as a failed check does, and its sentence gives the reason.
#define HWI_OUT_OF_MEMORY "out of memory"
#define HWI_SYSTEM_REFUSED "the operating system refused "

// Is `what` of a failed check (borrowed until return) one of these two?
bool hwi_is_shortage(const char *what);

#define HWI_CHECK_MEMORY(condition)                                                                \
    ((condition) ? (void)0 : hwi_check_failed(HWI_OUT_OF_MEMORY, __FILE__, __LINE__))
#define HWI_CHECK_SYSTEM(condition, call)                                                          \
    ((condition) ? (void)0 : hwi_check_failed(HWI_SYSTEM_REFUSED call, __FILE__, __LINE__))

#endif
