// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // NOLINT: accept4, memfd_create, struct ucred
#include "transport/os/os_linux.h"
#include "transport/os/os_owned.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "actors/base/base.h"
#include "actors/base/limits.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010 // Linux 5.1
#endif

enum { PROC_PATH_BYTES = 40 };

int hwi_os_event_create(void)
{
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

void hwi_os_event_signal(int event)
{
    uint64_t one = 1;
    ssize_t written;
    do {
        written = write(event, &one, sizeof one);
    } while (written < 0 && errno == EINTR);
}

void hwi_os_raise_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < HWI_OS_FILES_MAX) {
        limit.rlim_cur = HWI_MIN(limit.rlim_max, (rlim_t)HWI_OS_FILES_MAX);
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int hwi_os_accept(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    hwi_os_own(fd);
    return fd;
}

void hwi_os_limit_unsent(int socket, int bytes)
{
    setsockopt(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof bytes);
}

void hwi_os_bound_silence(int socket, uint32_t ms)
{
    int on = 1, idle_s = 2, interval_s = 1, probes = (int)HWI_MAX(1, ms / 1000 - 2);
    unsigned timeout_ms = ms;
    setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
    setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
    setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof timeout_ms);
}

void hwi_os_name_thread(const char *name)
{
    prctl(PR_SET_NAME, name, 0, 0, 0);
}

int hwi_os_lock(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        hwi_os_own(fd);
        return fd;
    }
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

// Another descriptor of the same memory, by which it can only be read.
static int reopen_readable(int fd)
{
    char path[PROC_PATH_BYTES];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, O_RDONLY | O_CLOEXEC);
}

void *hwi_os_share_memory(const char *name, size_t bytes, int *readable)
{
    *readable = -1;
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) {
        return NULL;
    }
    void *memory = MAP_FAILED;
    if (ftruncate(fd, (off_t)bytes) == 0) {
        memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    bool fixed = memory != MAP_FAILED && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0;
    fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE); // an older kernel has only the reopening
    if (fixed) {
        *readable = reopen_readable(fd);
    }
    close(fd);
    return memory != MAP_FAILED ? memory : NULL;
}

bool hwi_os_cannot_shrink(int fd)
{
    int seals = fcntl(fd, F_GET_SEALS);
    return seals >= 0 && (seals & F_SEAL_SHRINK);
}

void hwi_os_unshare_memory(void *memory, size_t bytes)
{
    munmap(memory, bytes);
}

bool hwi_os_peer_uid(int socket, uint32_t *uid)
{
    struct ucred peer;
    socklen_t bytes = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) != 0) {
        return false;
    }
    *uid = (uint32_t)peer.uid;
    return true;
}

uint64_t hwi_os_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * HWI_NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t hwi_os_random(void)
{
    uint64_t value = 0;
    while (value == 0 || value > HWI_ID_MAX) {
        ssize_t got = getrandom(&value, sizeof value, 0);
        if (got != (ssize_t)sizeof value) {
            value = 0;
        }
    }
    return value;
}
