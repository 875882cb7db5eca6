// SPDX-License-Identifier: MIT
#include "transport/host/edge/tcp/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "transport/os/listen.h"
#include "transport/os/os_linux.h"
#include "transport/os/os_owned.h"

enum {
    HWI_LISTEN_BACKLOG = 1024,
    HWI_UNSENT_BYTES_MAX = 128 << 10, // a stripe pulls the next frame when fewer wait in the kernel
    SILENCE_MS_MAX = 5000, // the detection time by default; what is shorter would cut off a member
                           // that is stopped for a moment, whose kernel takes nothing more
};

static int fail(int fd)
{
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static int open_stream(const struct hwi_address *address)
{
    int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    hwi_os_own(fd);
    return fd;
}

static int listen_at(struct hwi_address *address)
{
    int fd = open_stream(address), on = 1, off = 0;
    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->storage.ss_family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    }
    if (bind(fd, (const struct sockaddr *)&address->storage, address->bytes) != 0 ||
        listen(fd, HWI_LISTEN_BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&address->storage, &address->bytes) != 0) {
        return fail(fd);
    }
    return fd;
}

int hwi_socket_listen(struct hwi_address *address)
{
    int fd = listen_at(address);
    while (fd < 0 && errno == EADDRINUSE && hwi_listen_next(address)) {
        fd = listen_at(address);
    }
    return fd;
}

int hwi_socket_dial(const struct hwi_address *address)
{
    int fd = open_stream(address);
    if (fd < 0) {
        return -1;
    }
    hwi_socket_tune(fd);
    if (connect(fd, (const struct sockaddr *)&address->storage, address->bytes) != 0 &&
        errno != EINPROGRESS) {
        return fail(fd);
    }
    return fd;
}

void hwi_socket_tune(int fd)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    hwi_os_limit_unsent(fd, HWI_UNSENT_BYTES_MAX);
    hwi_os_bound_silence(fd, SILENCE_MS_MAX);
}

int hwi_socket_error(int fd)
{
    int error = 0;
    socklen_t bytes = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) == 0 ? error : errno;
}
