// SPDX-License-Identifier: MIT
#include "transport/os/os_epoll.h"

#include <limits.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/base/base.h"

enum { HWI_READY_MAX = 64 };

int hwi_poller_create(void)
{
    return epoll_create1(EPOLL_CLOEXEC);
}

static uint32_t to_epoll(uint8_t interest)
{
    return (interest & HWI_READABLE ? (uint32_t)EPOLLIN : 0) |
           (interest & HWI_WRITABLE ? (uint32_t)EPOLLOUT : 0) |
           (interest & HWI_HANGUP ? (uint32_t)EPOLLRDHUP : 0) |
           (interest & HWI_ON_CHANGE ? (uint32_t)EPOLLET : 0);
}

static uint32_t from_epoll(uint32_t events)
{
    return (events & EPOLLIN ? (uint32_t)HWI_READABLE : 0) |
           (events & EPOLLOUT ? (uint32_t)HWI_WRITABLE : 0) |
           (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR) ? (uint32_t)HWI_HANGUP : 0);
}

bool hwi_poller_set(int poller, struct hwi_watch *watch, uint8_t interest)
{
    if (watch->added && watch->interest == interest) {
        return true;
    }
    struct epoll_event event = {.events = to_epoll(interest), .data.ptr = watch};
    if (epoll_ctl(poller, watch->added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, watch->fd, &event) != 0) {
        return false;
    }
    watch->added = true;
    watch->interest = interest;
    return true;
}

void hwi_poller_close(int poller, struct hwi_watch *watch)
{
    if (watch->fd < 0) {
        return;
    }
    // A forked child may share the descriptor, so closing alone would neither unregister nor hang
    // up.
    if (watch->added) {
        epoll_ctl(poller, EPOLL_CTL_DEL, watch->fd, NULL);
    }
    shutdown(watch->fd, SHUT_RDWR);
    close(watch->fd);
    watch->fd = -1;
    watch->added = false;
}

static int milliseconds(uint64_t timeout_ns)
{
    if (timeout_ns == HWI_NEVER) {
        return -1;
    }
    uint64_t ms = timeout_ns / HWI_NS_PER_MS + (timeout_ns % HWI_NS_PER_MS != 0);
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

uint32_t hwi_poller_wait(int poller, struct hwi_ready *ready, uint32_t max, uint64_t timeout_ns)
{
    struct epoll_event events[HWI_READY_MAX];
    int count = epoll_wait(poller, events, (int)HWI_MIN(max, (uint32_t)HWI_READY_MAX),
                           milliseconds(timeout_ns));
    if (count < 0) {
        return 0;
    }
    for (int i = 0; i < count; i++) {
        ready[i].watch = events[i].data.ptr;
        ready[i].what = from_epoll(events[i].events);
    }
    return (uint32_t)count;
}
