// SPDX-License-Identifier: MIT
// Waiting for many descriptors at once. Owner thread only.
#ifndef HAWSER_TRANSPORT_OS_OS_EPOLL_H
#define HAWSER_TRANSPORT_OS_OS_EPOLL_H

#include <stdbool.h>
#include <stdint.h>

// The events to report (interest) and those that occurred (ready). Errors and a full hang-up are
// always reported.
enum {
    HWI_READABLE = 1,
    HWI_WRITABLE = 2,
    HWI_HANGUP = 4,    // the other side will send no more
    HWI_ON_CHANGE = 8, // interest only: tell once per change, not as long as it is so
};

enum hwi_watch_kind {
    HWI_WATCH_WAKE = 1,
    HWI_WATCH_CONTROL,
    HWI_WATCH_EDGE, // of a kind of edges: begins a struct hwi_edge_watch
    HWI_WATCH_RINGPORT,
};

// One descriptor in the poller; embedded in what it belongs to, at a fixed place while it is open.
struct hwi_watch {
    int fd;           // -1 = closed
    uint8_t kind;     // enum hwi_watch_kind
    uint8_t interest; // as last set
    bool added;
};

struct hwi_ready {
    struct hwi_watch *watch;
    uint32_t what;
};

// Returns an owned descriptor (close()), or -1 with errno.
int hwi_poller_create(void);
// Sets what `watch` (borrowed until closed) is interested in; false with errno if the system has no
// room.
bool hwi_poller_set(int poller, struct hwi_watch *watch, uint8_t interest);
// Takes the descriptor out and closes it; nothing if it is closed already.
void hwi_poller_close(int poller, struct hwi_watch *watch);
// Waits up to timeout_ns (HWI_NEVER = for ever), rounded up to milliseconds; returns how many are
// ready, at most `max`.
uint32_t hwi_poller_wait(int poller, struct hwi_ready *ready, uint32_t max, uint64_t timeout_ns);

#endif
