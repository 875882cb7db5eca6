// SPDX-License-Identifier: MIT
#include "transport/host/edge/descriptor.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "transport/os/os_error.h"

static ssize_t read_parts(void *user, const struct iovec *parts, int count)
{
    const int *fd = user;
    ssize_t got;
    do {
        got = readv(*fd, parts, count);
    } while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

static ssize_t write_parts(void *user, const struct iovec *parts, int count)
{
    const int *fd = user;
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts,
                             .msg_iovlen = (size_t)count};
    ssize_t sent;
    do {
        sent = sendmsg(*fd, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

static const struct hwi_stream_ops descriptor_ops = {.read = read_parts, .write = write_parts};

struct hwi_stream hwi_descriptor_stream(int *fd)
{
    return (struct hwi_stream){.ops = &descriptor_ops, .user = fd};
}

const char *hwi_fault_text(const struct hwi_stripe_fault *fault, char text[HWI_FAULT_BYTES_MAX])
{
    if (fault->why != NULL) {
        snprintf(text, HWI_FAULT_BYTES_MAX, "%s", fault->why);
        return text;
    }
    return hwi_os_error_text(fault->error, text, HWI_FAULT_BYTES_MAX);
}
