// SPDX-License-Identifier: MIT
// The few other things that only Linux has. Any thread.
#ifndef HAWSER_TRANSPORT_OS_OS_LINUX_H
#define HAWSER_TRANSPORT_OS_OS_LINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HWI_OS_FILES_MAX = 1 << 20 };

// CLOCK_MONOTONIC in nanoseconds.
uint64_t hwi_os_now(void);
// 64 random bits from the system, never 0, at most HWI_ID_MAX.
uint64_t hwi_os_random(void);

// A descriptor that becomes readable when signalled; owned (close()); -1 with errno.
int hwi_os_event_create(void);
void hwi_os_event_signal(int event);

// Raises the soft limit on open files to the hard one, but to no more than HWI_OS_FILES_MAX. What
// the system refuses stays as it is.
void hwi_os_raise_files(void);

// Accepts a connection, non-blocking and closed on exec and fork; owned; -1 with errno.
int hwi_os_accept(int listener);
// How many unsent bytes the kernel takes before the socket stops being writable.
void hwi_os_limit_unsent(int socket, int bytes);
// The kernel ends a connection from which it has heard nothing for about `ms`: of data that is not
// acknowledged (TCP_USER_TIMEOUT, RFC 5482) and of an idle one (keep-alive).
void hwi_os_bound_silence(int socket, uint32_t ms);
// Names the calling thread, at most 15 characters.
void hwi_os_name_thread(const char *name);
// Opens (creates) `path` and locks it for this open file alone, not for children; owned; -1 with
// errno, EWOULDBLOCK = locked.
int hwi_os_lock(const char *path);

// Zeroed memory of `bytes` that other processes may be let read: *readable is the descriptor for
// them, by which nobody can write, shrink or grow it (owned). Returns the owned, writable mapping;
// NULL if the system has no such thing.
void *hwi_os_share_memory(const char *name, size_t bytes, int *readable);
// True if what such a descriptor stands for can never become shorter: mapped, it stays there.
bool hwi_os_cannot_shrink(int fd);
void hwi_os_unshare_memory(void *memory, size_t bytes);
// The process at the other end of a Unix socket.
bool hwi_os_peer_uid(int socket, uint32_t *uid);

#endif
