// SPDX-License-Identifier: MIT
#include "tests/support/pair_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PARTS_MAX = 8 };

struct pair_wire {
    int in, out;
    unsigned char *backlog; // what the kernel has no room for yet
    size_t first, end, capacity;
};

struct pair_wire_counts pair_wire_counts;

static void *open_wire(void)
{
    int ends[2];
    HWI_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    struct pair_wire *wire = hwi_new(&hwi_alloc_libc, sizeof *wire);
    wire->in = ends[0];
    wire->out = ends[1];
    fcntl(wire->in, F_SETFL, O_NONBLOCK);
    fcntl(wire->out, F_SETFL, O_NONBLOCK);
    pair_wire_counts.wires++;
    return wire;
}

static void close_wire(void *user)
{
    struct pair_wire *wire = user;
    close(wire->in);
    close(wire->out);
    hwi_free(&hwi_alloc_libc, wire->backlog);
    hwi_free(&hwi_alloc_libc, wire);
}

// Gives the kernel what it has room for.
static void pump(struct pair_wire *wire)
{
    ssize_t sent = 1;
    while (wire->first < wire->end && sent > 0) {
        sent = send(wire->in, wire->backlog + wire->first, wire->end - wire->first, MSG_NOSIGNAL);
        HWI_CHECK(sent > 0 || errno == EAGAIN);
        wire->first += sent > 0 ? (size_t)sent : 0;
    }
    if (wire->first == wire->end) {
        wire->first = wire->end = 0;
    }
}

static void put(void *user, const unsigned char *bytes, size_t count)
{
    struct pair_wire *wire = user;
    if (wire->end + count > wire->capacity) {
        wire->capacity = 2 * (wire->end + count);
        wire->backlog = hwi_resize(&hwi_alloc_libc, wire->backlog, wire->capacity);
    }
    memcpy(wire->backlog + wire->end, bytes, count);
    wire->end += count;
    pump(wire);
}

static size_t take(void *user, const struct iovec *parts, int count, size_t most)
{
    struct pair_wire *wire = user;
    struct iovec places[PARTS_MAX];
    int used = 0;
    HWI_CHECK(count <= PARTS_MAX);
    for (; used < count && most > 0; used++) {
        places[used] = parts[used];
        places[used].iov_len = HWI_MIN(parts[used].iov_len, most);
        most -= places[used].iov_len;
    }
    ssize_t got = readv(wire->out, places, used);
    HWI_CHECK(got > 0); // it was put before
    pair_wire_counts.bytes += (uint64_t)got;
    pump(wire);
    return (size_t)got;
}

const struct hwi_sim_wire_ops pair_wire_ops = {
    .open = open_wire, .put = put, .take = take, .close = close_wire};
