// SPDX-License-Identifier: MIT
#include "transport/host/edge/tcp/port.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "transport/host/edge/descriptor.h"
#include "transport/os/os_error.h"

struct hwi_tcp_stripe *hwi_tcp_stripe_create(struct hwi_tcp *tcp, int fd,
                                             enum hwi_tcp_stripe_state state)
{
    struct hwi_tcp_stripe *stripe = calloc(1, sizeof *stripe);
    if (stripe == NULL) {
        return NULL;
    }
    stripe->watch = hwi_edge_watch_of(&tcp->kind, fd);
    stripe->state = (uint8_t)state;
    stripe->writer =
        (struct hwi_stripe_writer){.frames = stripe->frames, .room = HWI_TCP_FRAMES_MAX};
    return stripe;
}

void hwi_tcp_stripe_close(struct hwi_tcp *tcp, struct hwi_tcp_stripe *stripe)
{
    struct hwi_data *data = hwi_edges_data(tcp->kind.edges);
    hwi_poller_close(hwi_tcp_poller(tcp), &stripe->watch.watch);
    stripe->state = HWI_TCP_CLOSED;
    hwi_stripe_reader_end(&stripe->reader, data);
    hwi_stripe_writer_end(&stripe->writer, data);
    stripe->next = tcp->closed;
    tcp->closed = stripe;
}

// ---- frames

static struct hwi_stripe_owner owner_of(const struct hwi_tcp_stripe *stripe)
{
    const struct hwi_edge *edge = &stripe->edge->edge;
    return (struct hwi_stripe_owner){.data = hwi_edges_data(edge->kind->edges),
                                     .peer = edge->want.peer,
                                     .lane = (enum hwi_lane)stripe->hello.lane};
}

// The stream that carries the stripe's frames. A sealed one would build on it.
static struct hwi_stream stream_of(struct hwi_tcp_stripe *stripe)
{
    return hwi_descriptor_stream(&stripe->watch.watch.fd);
}

// Interest follows from whether the socket is full.
static void set_blocked(struct hwi_tcp_stripe *stripe, bool blocked)
{
    stripe->blocked = blocked;
    hwi_poller_set(hwi_tcp_poller(hwi_tcp_of(stripe->edge)), &stripe->watch.watch,
                   blocked ? HWI_READABLE | HWI_WRITABLE : HWI_READABLE);
}

enum hwi_progress hwi_tcp_stripe_write(struct hwi_tcp_stripe *stripe)
{
    struct hwi_edge *edge = &stripe->edge->edge;
    struct hwi_stripe_owner owner = owner_of(stripe);
    struct hwi_stream stream = stream_of(stripe);
    struct hwi_stripe_fault fault;
    char why[HWI_FAULT_BYTES_MAX];
    enum hwi_progress progress = hwi_stripe_write(&stripe->writer, &owner, &stream, &fault);
    hwi_edge_sent(edge, owner.lane, stripe->hello.index, stripe->writer.bytes);
    if (progress == HWI_PROGRESS_OVER) {
        hwi_edge_fail(edge, "writing to a stripe: %s", hwi_fault_text(&fault, why));
    } else {
        set_blocked(stripe, progress == HWI_PROGRESS_BLOCKED);
    }
    return progress;
}

void hwi_tcp_stripe_read(struct hwi_tcp_stripe *stripe)
{
    struct hwi_edge *edge = &stripe->edge->edge;
    struct hwi_stripe_owner owner = owner_of(stripe);
    struct hwi_stream stream = stream_of(stripe);
    struct hwi_stripe_fault fault;
    char why[HWI_FAULT_BYTES_MAX];
    enum hwi_progress progress = hwi_stripe_read(&stripe->reader, &owner, &stream,
                                                 hwi_edges_staging(edge->kind->edges), &fault);
    hwi_edge_received(edge, owner.lane, stripe->hello.index, stripe->reader.bytes);
    if (progress == HWI_PROGRESS_OVER) {
        hwi_edge_fail(edge, "reading from a stripe: %s", hwi_fault_text(&fault, why));
    }
}

// ---- hello and ack

enum hwi_progress hwi_tcp_stripe_read_partial(struct hwi_tcp_stripe *stripe, uint32_t bytes,
                                              char why[HWI_TCP_WHY_BYTES_MAX])
{
    while (stripe->partial_bytes < bytes) {
        ssize_t got = recv(stripe->watch.watch.fd, stripe->partial + stripe->partial_bytes,
                           bytes - stripe->partial_bytes, 0);
        if (got > 0) {
            stripe->partial_bytes += (uint32_t)got;
        } else if (got == 0) {
            snprintf(why, HWI_TCP_WHY_BYTES_MAX, "the other side closed it");
            return HWI_PROGRESS_OVER;
        } else if (errno == EAGAIN) {
            return HWI_PROGRESS_BLOCKED;
        } else if (errno != EINTR) {
            hwi_os_error_text(errno, why, HWI_TCP_WHY_BYTES_MAX);
            return HWI_PROGRESS_OVER;
        }
    }
    return HWI_PROGRESS_IDLE;
}

bool hwi_tcp_stripe_write_all(struct hwi_tcp_stripe *stripe, const unsigned char *bytes,
                              uint32_t count, char why[HWI_TCP_WHY_BYTES_MAX])
{
    ssize_t sent = send(stripe->watch.watch.fd, bytes, count, MSG_NOSIGNAL);
    if (sent == (ssize_t)count) {
        return true;
    }
    hwi_os_error_text(sent < 0 ? errno : EAGAIN, why, HWI_TCP_WHY_BYTES_MAX);
    return false;
}
