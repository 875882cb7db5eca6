// SPDX-License-Identifier: MIT
// Calls that this program makes to the C library, the kernel and ZeroMQ pass through wraps, which
// count them and make one of them fail. The linker sets them up (-Wl,--wrap); calls that other
// libraries make are not counted. Any thread may call.
#ifndef HAWSER_TESTS_PROC_TORTURE_H
#define HAWSER_TESTS_PROC_TORTURE_H

#include <stdbool.h>
#include <stdint.h>

enum torture_kind {
    TORTURE_ALLOCATIONS, // malloc and the like return NULL
    TORTURE_CALLS,       // system calls and calls of ZeroMQ fail as their manual pages say
    TORTURE_KINDS
};

// The calls number `first` to `first + count - 1` of that kind fail, counted from 1 from now on.
// `count` 0 = none fails.
void torture_arm(enum torture_kind kind, uint64_t first, uint64_t count);

// No call fails from now on, and none is counted.
void torture_disarm(void);

// The calls of that kind since torture_arm().
uint64_t torture_count(enum torture_kind kind);

// The name of the first call that was made to fail: static; NULL = none yet.
const char *torture_struck(void);

// Allocations of this program that were not freed yet.
int64_t torture_live(void);

// Starts a thread past the wraps; `thread` is owned by the caller, who joins it.
#define TORTURE_THREAD __real_pthread_create

#endif
