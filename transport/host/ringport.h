// SPDX-License-Identifier: MIT
// A host's ring and how others of the same user get at it: shared memory that they may only read,
// handed out over a Unix socket in a directory that belongs to that user. If something for that is
// missing, tracing fails, never the host. Created on one thread, then used on the host's thread
// only.
#ifndef HAWSER_TRANSPORT_HOST_RINGPORT_H
#define HAWSER_TRANSPORT_HOST_RINGPORT_H

#include "actors/loop/ring.h"
#include "transport/os/os_epoll.h"

enum {
    HWI_RINGPORT_PATH_MAX = 108,   // bytes of a Unix socket's path, with its NUL
    HWI_RINGPORT_TURN_MAX = 4,     // connections served before the others have their turn
    HWI_RINGPORT_STALE_MAX = 4096, // names looked at for sockets of the dead
};

#define HWI_RINGPORT_MAGIC UINT32_C(0x31525748) // "HWR1"

// The answer to a connection, sent with the descriptor of the ring; then it is closed.
struct hwi_ringport_hello {
    uint32_t magic;
    uint32_t reserved;
    uint64_t bytes; // of the ring
};

// A processor's ticks and the monotonic clock at one moment.
struct hwi_ringport_moment {
    uint64_t ticks, ns;
};

struct hwi_ringport {
    struct hwi_ring *ring; // NULL: no memory for one
    void *memory;          // the ring's, for readers in this process
    size_t bytes;
    bool mapped;                      // memory is shared, else it is plain
    int readable;                     // descriptor that is handed out; -1 = none
    int poller;                       // borrowed
    struct hwi_watch watch;           // of the listening socket
    char path[HWI_RINGPORT_PATH_MAX]; // of the socket; empty = there is none
    struct hwi_ring_owner owner;
    struct hwi_ringport_moment first, last; // of the clock's measurement
    double ns_per_tick;
    uint64_t failures; // no way to be traced, or connections that were refused
};

// A zeroed `port`; `poller` is borrowed until fini. Never fails as a whole.
void hwi_ringport_init(struct hwi_ringport *port, int poller);
// Says who this is and, from here on, lets others read. `address` may be empty.
void hwi_ringport_open(struct hwi_ringport *port, const char *name, uint64_t incarnation,
                       const char *address);
void hwi_ringport_fini(struct hwi_ringport *port);

// Connections wait: serves a few.
void hwi_ringport_ready(struct hwi_ringport *port);
// Measures the clock again if it is time.
void hwi_ringport_turn(struct hwi_ringport *port, uint64_t now_ns);
// A message that may tell the run or the own peer id.
void hwi_ringport_learn(struct hwi_ringport *port, const struct hwi_msg *msg);

// The directory of sockets of user `uid` below `base` ("/tmp": /tmp/hawser-UID, else BASE/hawser).
// False if it does not fit.
bool hwi_ringport_directory(const char *base, uint32_t uid, char path[HWI_RINGPORT_PATH_MAX]);

#endif
