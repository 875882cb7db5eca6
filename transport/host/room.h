// SPDX-License-Identifier: MIT
// Whether the system has room for a host. ZeroMQ ends the process where it lacks a descriptor or a
// thread, so both are tried before it is called. Any thread.
#ifndef HAWSER_TRANSPORT_HOST_ROOM_H
#define HAWSER_TRANSPORT_HOST_ROOM_H

#include <stdbool.h>
#include <stddef.h>

enum {
    // ZeroMQ 4.3 opens seven: a mailbox each for its context, its reaper, its I/O thread and the
    // socket, a poller for each of the two threads, and the connection or listener. A dial again
    // may hold an eighth. The rest is the host's own.
    HWI_ROOM_DESCRIPTORS = 24,
    HWI_ROOM_THREADS = 3, // ZeroMQ's two and the host's
};

// True if that much is available now. False: `text` says what is short and how to raise it.
// Another thread may still take the room before it is used.
bool hwi_room_check(char *text, size_t bytes);

#endif
