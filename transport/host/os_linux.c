// SPDX-License-Identifier: MIT
#define _GNU_SOURCE // NOLINT: accept4
#include "transport/host/os_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport/host/host.h"

int hwi_os_event_create(void)
{
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

void hwi_os_event_signal(int event)
{
    uint64_t one = 1;
    ssize_t written;
    do
        written = write(event, &one, sizeof one);
    while (written < 0 && errno == EINTR);
}

int hwi_os_accept(int listener)
{
    return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

void hwi_os_limit_unsent(int socket, int bytes)
{
    setsockopt(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof bytes);
}

void hwi_os_name_thread(const char *name)
{
    prctl(PR_SET_NAME, name, 0, 0, 0);
}

int hwi_os_lock(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

uint64_t hwi_host_random(void)
{
    uint64_t value = 0;
    while (value == 0 || value > HWI_ID_MAX) {
        ssize_t got = getrandom(&value, sizeof value, 0);
        if (got != (ssize_t)sizeof value)
            value = 0;
    }
    return value;
}
