// SPDX-License-Identifier: MIT
// The yardstick: two plain processes, each sending and receiving at once over TCP connections.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/hawser/bench/bench.h"

enum { RAW_TIMEOUT_MS = 60000, PIECE_BYTES_MAX = 1 << 20 };

static bool prepare(int fd)
{
    int yes = 1;
    return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) == 0 &&
           fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
}

// The same as a connected pair from one process: the listener's queue holds the connection.
static bool open_connection(int listener, const struct sockaddr_in *address, int ends[2])
{
    ends[0] = socket(AF_INET, SOCK_STREAM, 0);
    ends[1] = -1;
    if (ends[0] >= 0 && connect(ends[0], (const struct sockaddr *)address, sizeof *address) == 0) {
        ends[1] = accept(listener, NULL, NULL);
    }
    return ends[1] >= 0 && prepare(ends[0]) && prepare(ends[1]);
}

bool raw_open_pair(struct bench_raw pair[2], uint32_t count)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    pair[0].count = pair[1].count = 0;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    bool good = listener >= 0 && bind(listener, (struct sockaddr *)&address, length) == 0 &&
                listen(listener, BENCH_STRIPES_MAX) == 0 &&
                getsockname(listener, (struct sockaddr *)&address, &length) == 0;
    while (good && pair[0].count < count) {
        int ends[2];
        good = open_connection(listener, &address, ends);
        for (int side = 0; side < 2; side++) {
            if (ends[side] >= 0) {
                pair[side].fds[pair[side].count++] = ends[side];
            }
        }
    }
    int error = errno;
    if (listener >= 0) {
        close(listener);
    }
    if (!good) {
        raw_close(&pair[0]);
        raw_close(&pair[1]);
    }
    errno = error;
    return good;
}

void raw_close(struct bench_raw *raw)
{
    for (uint32_t i = 0; i < raw->count; i++) {
        close(raw->fds[i]);
    }
    raw->count = 0;
}

// A connection's part of both directions, as offsets into the buffers.
struct slice {
    uint64_t sent, received, end;
};

static uint64_t piece(uint64_t from, uint64_t to)
{
    return to - from < PIECE_BYTES_MAX ? to - from : PIECE_BYTES_MAX;
}

static bool would_block(ssize_t result)
{
    return result < 0 && (errno == EAGAIN || errno == EINTR);
}

// Moves what can be moved; *moved says if anything was. False if the connection broke.
static bool move_slice(int fd, struct slice *slice, const unsigned char *out, unsigned char *in,
                       bool *moved)
{
    if (slice->sent < slice->end) {
        ssize_t sent = send(fd, out + slice->sent, piece(slice->sent, slice->end), MSG_NOSIGNAL);
        if (sent < 0 && !would_block(sent)) {
            return false;
        }
        *moved = *moved || sent > 0;
        slice->sent += sent > 0 ? (uint64_t)sent : 0;
    }
    if (slice->received < slice->end) {
        ssize_t got = recv(fd, in + slice->received, piece(slice->received, slice->end), 0);
        if (got == 0) {
            errno = ECONNRESET;
        }
        if (got == 0 || (got < 0 && !would_block(got))) {
            return false;
        }
        *moved = *moved || got > 0;
        slice->received += got > 0 ? (uint64_t)got : 0;
    }
    return true;
}

static bool await(const struct bench_raw *raw, const struct slice *slices)
{
    struct pollfd fds[BENCH_STRIPES_MAX];
    nfds_t used = 0;
    for (uint32_t i = 0; i < raw->count; i++) {
        short events = (short)((slices[i].sent < slices[i].end ? POLLOUT : 0) |
                               (slices[i].received < slices[i].end ? POLLIN : 0));
        if (events) {
            fds[used++] = (struct pollfd){raw->fds[i], events, 0};
        }
    }
    int ready = poll(fds, used, RAW_TIMEOUT_MS);
    if (ready == 0) {
        errno = ETIMEDOUT;
    }
    return ready > 0 || (ready < 0 && errno == EINTR);
}

bool raw_exchange(struct bench_raw *raw, const void *out, void *in, uint64_t bytes)
{
    struct slice slices[BENCH_STRIPES_MAX];
    for (uint32_t i = 0; i < raw->count; i++) {
        uint64_t from = bytes * i / raw->count;
        slices[i] = (struct slice){from, from, bytes * (i + 1) / raw->count};
    }
    for (;;) {
        bool moved = false, over = true;
        for (uint32_t i = 0; i < raw->count; i++) {
            if (!move_slice(raw->fds[i], &slices[i], out, in, &moved)) {
                return false;
            }
            over = over && slices[i].sent == slices[i].end && slices[i].received == slices[i].end;
        }
        if (over) {
            return true;
        }
        if (!moved && !await(raw, slices)) {
            return false;
        }
    }
}
