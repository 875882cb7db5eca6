// SPDX-License-Identifier: MIT
// Each wrap asks whether its turn to fail has come; the errno is one that its manual page names.
#include <dirent.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <zmq.h>

#include "tests/proc/torture.h"

enum { FRAMES_MAX = 24 };

static struct {
    _Atomic int kind; // -1 = disarmed
    _Atomic uint64_t first, end;
    _Atomic uint64_t counts[TORTURE_KINDS];
    _Atomic(const char *) struck;
    _Atomic int64_t live;
} torture = {.kind = -1};

void torture_arm(enum torture_kind kind, uint64_t first, uint64_t count)
{
    torture.first = first;
    torture.end = first + count;
    torture.struck = NULL;
    for (int i = 0; i < TORTURE_KINDS; i++) {
        torture.counts[i] = 0;
    }
    torture.kind = (int)kind;
}

void torture_disarm(void)
{
    torture.kind = -1;
}

uint64_t torture_count(enum torture_kind kind)
{
    return torture.counts[kind];
}

const char *torture_struck(void)
{
    return torture.struck;
}

int64_t torture_live(void)
{
    return torture.live;
}

// Where it struck goes to stderr, for addr2line.
static void say_where(const char *name)
{
    void *frames[FRAMES_MAX];
    torture.struck = name;
    dprintf(STDERR_FILENO, "torture: %s fails here:\n", name);
    backtrace_symbols_fd(frames, backtrace(frames, FRAMES_MAX), STDERR_FILENO);
}

static bool fails(enum torture_kind kind, const char *name)
{
    if (torture.kind < 0) {
        return false;
    }
    uint64_t number = ++torture.counts[kind];
    if (torture.kind != (int)kind || number < torture.first || number >= torture.end) {
        return false;
    }
    if (number == torture.first) {
        say_where(name);
    }
    return true;
}

// -------- allocations --------

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
char *__real_strdup(const char *text);
void __real_free(void *memory);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);
char *__wrap_strdup(const char *text);
void __wrap_free(void *memory);

static void *counted(void *memory)
{
    torture.live += memory != NULL;
    return memory;
}

static bool no_memory(const char *name)
{
    if (fails(TORTURE_ALLOCATIONS, name)) {
        errno = ENOMEM;
        return true;
    }
    return false;
}

void *__wrap_malloc(size_t bytes)
{
    return no_memory("malloc") ? NULL : counted(__real_malloc(bytes));
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return no_memory("calloc") ? NULL : counted(__real_calloc(count, bytes));
}

void *__wrap_realloc(void *old, size_t bytes)
{
    if (no_memory("realloc")) {
        return NULL;
    }
    void *memory = __real_realloc(old, bytes);
    torture.live += memory != NULL && old == NULL;
    return memory;
}

void *__wrap_aligned_alloc(size_t alignment, size_t bytes)
{
    return no_memory("aligned_alloc") ? NULL : counted(__real_aligned_alloc(alignment, bytes));
}

char *__wrap_strdup(const char *text)
{
    return no_memory("strdup") ? NULL : counted(__real_strdup(text));
}

void __wrap_free(void *memory)
{
    torture.live -= memory != NULL;
    __real_free(memory);
}

// -------- system calls: `failed` is what the call returns as it fails with `error` --------

#define WRAP(type, name, failed, error, parameters, arguments)                                     \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        if (fails(TORTURE_CALLS, #name)) {                                                         \
            errno = error;                                                                         \
            return failed;                                                                         \
        }                                                                                          \
        return __real_##name arguments;                                                            \
    }

WRAP(int, socket, -1, EMFILE, (int domain, int type, int protocol), (domain, type, protocol))
WRAP(int, setsockopt, -1, ENOBUFS, (int fd, int level, int name, const void *value, socklen_t size),
     (fd, level, name, value, size))
WRAP(int, getsockopt, -1, ENOBUFS, (int fd, int level, int name, void *value, socklen_t *size),
     (fd, level, name, value, size))
WRAP(int, bind, -1, EADDRINUSE, (int fd, const struct sockaddr *address, socklen_t size),
     (fd, address, size))
WRAP(int, listen, -1, EADDRINUSE, (int fd, int backlog), (fd, backlog))
WRAP(int, connect, -1, ECONNREFUSED, (int fd, const struct sockaddr *address, socklen_t size),
     (fd, address, size))
WRAP(int, accept4, -1, EMFILE, (int fd, struct sockaddr *address, socklen_t *size, int flags),
     (fd, address, size, flags))
WRAP(int, getsockname, -1, ENOBUFS, (int fd, struct sockaddr *address, socklen_t *size),
     (fd, address, size))
WRAP(int, shutdown, -1, ENOTCONN, (int fd, int how), (fd, how))
WRAP(ssize_t, send, -1, ECONNRESET, (int fd, const void *bytes, size_t count, int flags),
     (fd, bytes, count, flags))
WRAP(ssize_t, sendmsg, -1, ECONNRESET, (int fd, const struct msghdr *message, int flags),
     (fd, message, flags))
WRAP(ssize_t, recv, -1, ECONNRESET, (int fd, void *bytes, size_t count, int flags),
     (fd, bytes, count, flags))
WRAP(ssize_t, recvmsg, -1, ECONNRESET, (int fd, struct msghdr *message, int flags),
     (fd, message, flags))
WRAP(ssize_t, pread, -1, EIO, (int fd, void *bytes, size_t count, off_t offset),
     (fd, bytes, count, offset))
WRAP(ssize_t, readv, -1, ECONNRESET, (int fd, const struct iovec *parts, int count),
     (fd, parts, count))
WRAP(ssize_t, pwrite, -1, ENOSPC, (int fd, const void *bytes, size_t count, off_t offset),
     (fd, bytes, count, offset))
WRAP(int, epoll_create1, -1, EMFILE, (int flags), (flags))
WRAP(int, epoll_ctl, -1, ENOMEM, (int set, int what, int fd, struct epoll_event *event),
     (set, what, fd, event))
WRAP(int, epoll_wait, -1, EINTR, (int set, struct epoll_event *events, int room, int timeout_ms),
     (set, events, room, timeout_ms))
WRAP(int, poll, -1, EINTR, (struct pollfd * list, nfds_t count, int timeout_ms),
     (list, count, timeout_ms))
WRAP(int, eventfd, -1, EMFILE, (unsigned value, int flags), (value, flags))
WRAP(int, memfd_create, -1, EMFILE, (const char *name, unsigned flags), (name, flags))
WRAP(void *, mmap, MAP_FAILED, ENOMEM,
     (void *at, size_t bytes, int protection, int flags, int fd, off_t offset),
     (at, bytes, protection, flags, fd, offset))
WRAP(int, ftruncate, -1, ENOSPC, (int fd, off_t bytes), (fd, bytes))
WRAP(int, fsync, -1, EIO, (int fd), (fd))
WRAP(int, fstat, -1, EIO, (int fd, struct stat *about), (fd, about))
WRAP(int, fstatat, -1, EACCES, (int fd, const char *name, struct stat *about, int flags),
     (fd, name, about, flags))
WRAP(int, lstat, -1, EACCES, (const char *name, struct stat *about), (name, about))
WRAP(int, access, -1, EACCES, (const char *name, int mode), (name, mode))
WRAP(int, mkdir, -1, ENOSPC, (const char *name, mode_t mode), (name, mode))
WRAP(int, rename, -1, ENOSPC, (const char *from, const char *to), (from, to))
WRAP(int, unlink, -1, EIO, (const char *name), (name))
WRAP(int, unlinkat, -1, EIO, (int fd, const char *name, int flags), (fd, name, flags))
WRAP(int, flock, -1, ENOLCK, (int fd, int what), (fd, what))
WRAP(DIR *, opendir, NULL, EMFILE, (const char *name), (name))
WRAP(struct dirent *, readdir, NULL, EIO, (DIR * directory), (directory))
WRAP(ssize_t, getrandom, -1, ENOSYS, (void *bytes, size_t count, unsigned flags),
     (bytes, count, flags))
WRAP(int, gethostname, -1, ENAMETOOLONG, (char *name, size_t bytes), (name, bytes))
WRAP(int, getifaddrs, -1, ENOMEM, (struct ifaddrs * *list), (list))

// An eventfd takes and gives its eight bytes always: no kernel fails that.
static bool is_event(int fd)
{
    static const char event[] = "anon_inode:[eventfd]";
    char path[32], name[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(path, name, sizeof name);
    return (size_t)length == strlen(event) && memcmp(name, event, strlen(event)) == 0;
}

ssize_t __real_read(int fd, void *bytes, size_t count);
ssize_t __wrap_read(int fd, void *bytes, size_t count);
ssize_t __real_write(int fd, const void *bytes, size_t count);
ssize_t __wrap_write(int fd, const void *bytes, size_t count);

ssize_t __wrap_read(int fd, void *bytes, size_t count)
{
    if (!is_event(fd) && fails(TORTURE_CALLS, "read")) {
        errno = EIO;
        return -1;
    }
    return __real_read(fd, bytes, count);
}

ssize_t __wrap_write(int fd, const void *bytes, size_t count)
{
    if (!is_event(fd) && fails(TORTURE_CALLS, "write")) {
        errno = ENOSPC;
        return -1;
    }
    return __real_write(fd, bytes, count);
}

// These return their error.
WRAP(int, pthread_create, EAGAIN, EAGAIN,
     (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument),
     (thread, attributes, run, argument))
WRAP(int, posix_fallocate, ENOSPC, ENOSPC, (int fd, off_t offset, off_t bytes), (fd, offset, bytes))
WRAP(int, getaddrinfo, EAI_AGAIN, EAGAIN,
     (const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **list),
     (host, port, hints, list))
WRAP(int, getnameinfo, EAI_MEMORY, ENOMEM,
     (const struct sockaddr *address, socklen_t size, char *host, socklen_t host_bytes, char *port,
      socklen_t port_bytes, int flags),
     (address, size, host, host_bytes, port, port_bytes, flags))

WRAP(void *, zmq_ctx_new, NULL, EMFILE, (void), ())
WRAP(void *, zmq_socket, NULL, EMFILE, (void *context, int type), (context, type))
WRAP(int, zmq_setsockopt, -1, EINVAL, (void *socket, int option, const void *value, size_t bytes),
     (socket, option, value, bytes))
WRAP(int, zmq_getsockopt, -1, EINVAL, (void *socket, int option, void *value, size_t *bytes),
     (socket, option, value, bytes))
WRAP(int, zmq_bind, -1, EADDRINUSE, (void *socket, const char *address), (socket, address))
WRAP(int, zmq_connect, -1, EMTHREAD, (void *socket, const char *address), (socket, address))
WRAP(int, zmq_send, -1, EAGAIN, (void *socket, const void *bytes, size_t count, int flags),
     (socket, bytes, count, flags))
WRAP(int, zmq_msg_init_size, -1, ENOMEM, (zmq_msg_t * message, size_t bytes), (message, bytes))
WRAP(int, zmq_msg_send, -1, EAGAIN, (zmq_msg_t * message, void *socket, int flags),
     (message, socket, flags))
WRAP(int, zmq_msg_recv, -1, EINTR, (zmq_msg_t * message, void *socket, int flags),
     (message, socket, flags))

// Calls with an argument that may be missing.
#define WRAP_VARIADIC(name, error, type, parameters, last, ...)                                    \
    int __real_##name parameters;                                                                  \
    int __wrap_##name parameters;                                                                  \
    int __wrap_##name parameters                                                                   \
    {                                                                                              \
        va_list list;                                                                              \
        va_start(list, last);                                                                      \
        type more = va_arg(list, type);                                                            \
        va_end(list);                                                                              \
        if (fails(TORTURE_CALLS, #name)) {                                                         \
            errno = error;                                                                         \
            return -1;                                                                             \
        }                                                                                          \
        return __real_##name(__VA_ARGS__, more);                                                   \
    }

WRAP_VARIADIC(open, EMFILE, int, (const char *path, int flags, ...), flags, path, flags)
WRAP_VARIADIC(openat, EMFILE, int, (int fd, const char *path, int flags, ...), flags, fd, path,
              flags)
WRAP_VARIADIC(fcntl, ENOLCK, long, (int fd, int what, ...), what, fd, what)
