// SPDX-License-Identifier: MIT
// The TCP kind: from stripes to an edge.
#include "transport/host/edge/tcp/port.h"

#include <errno.h>
#include <stdlib.h>

#include "transport/host/edge/tcp/socket.h"

// ---- up and down

void hwi_tcp_edge_reset(struct hwi_tcp_edge *edge)
{
    for (uint32_t lane = 0; lane < HWI_LANES; lane++) {
        for (uint32_t i = 0; i < HWI_STRIPES_MAX; i++) {
            if (edge->stripes[lane][i] != NULL) {
                hwi_tcp_stripe_close(hwi_tcp_of(edge), edge->stripes[lane][i]);
            }
            edge->stripes[lane][i] = NULL;
        }
    }
    edge->proven = 0;
}

static void up(struct hwi_tcp_edge *edge)
{
    int poller = hwi_tcp_poller(hwi_tcp_of(edge));
    for (uint32_t lane = 0; lane < HWI_LANES; lane++) {
        for (uint32_t i = 0; i < edge->count; i++) {
            if (!hwi_poller_set(poller, &edge->stripes[lane][i]->watch.watch, HWI_READABLE)) {
                hwi_edge_fail(&edge->edge, "no room in the poller");
                return;
            }
        }
    }
    hwi_edge_up(&edge->edge, edge->count);
}

void hwi_tcp_edge_proven(struct hwi_tcp_edge *edge, struct hwi_tcp_stripe *stripe)
{
    stripe->state = HWI_TCP_PROVEN;
    edge->proven++;
    if (edge->proven == HWI_LANES * edge->count) {
        up(edge);
    } else { // frames that came early stay in the kernel
        hwi_poller_set(hwi_tcp_poller(hwi_tcp_of(edge)), &stripe->watch.watch, HWI_HANGUP);
    }
}

static void dial_edge(struct hwi_edge_kind *kind, struct hwi_edge *edge)
{
    (void)kind;
    hwi_tcp_dial((struct hwi_tcp_edge *)edge);
}

static void expect_edge(struct hwi_edge_kind *kind, struct hwi_edge *edge)
{
    (void)kind;
    hwi_tcp_adopt((struct hwi_tcp_edge *)edge);
}

static void close_edge(struct hwi_edge_kind *kind, struct hwi_edge *edge)
{
    (void)kind;
    hwi_tcp_edge_reset((struct hwi_tcp_edge *)edge);
}

// ---- frames

// The first stripe that is not full takes all it can, so small traffic stays on one connection;
// those after it only finish what they have in hand. True if a turn's bytes are used up.
static bool write_lane(struct hwi_tcp_edge *edge, uint32_t lane)
{
    bool more = false, idle = false;
    for (uint32_t i = 0; i < edge->count; i++) {
        struct hwi_tcp_stripe *stripe = edge->stripes[lane][i];
        if (stripe->blocked || (idle && !hwi_stripe_unfinished(&stripe->writer))) {
            continue;
        }
        enum hwi_progress progress = hwi_tcp_stripe_write(stripe);
        if (progress == HWI_PROGRESS_OVER) {
            return false;
        }
        idle = idle || progress == HWI_PROGRESS_IDLE;
        more = more || progress == HWI_PROGRESS_MORE;
    }
    return more;
}

static bool write_edge(struct hwi_edge_kind *kind, struct hwi_edge *edge)
{
    (void)kind;
    bool more = false;
    for (uint32_t lane = 0; lane < HWI_LANES && edge->state == HWI_EDGE_UP; lane++) {
        more = write_lane((struct hwi_tcp_edge *)edge, lane) || more;
    }
    return more;
}

static void proven_ready(struct hwi_tcp_stripe *stripe, uint32_t what)
{
    struct hwi_tcp_edge *edge = stripe->edge;
    if (edge->edge.state == HWI_EDGE_UP) {
        if ((what & HWI_WRITABLE) != 0) {
            stripe->blocked = false;
            hwi_edge_mark(&edge->edge);
        }
        if ((what & (HWI_READABLE | HWI_HANGUP)) != 0) {
            hwi_tcp_stripe_read(stripe);
        }
    } else if (edge->edge.state == HWI_EDGE_DIALLING) {
        hwi_edge_fail(&edge->edge, "%s closed a stripe before all were open",
                      edge->edge.want.address);
    } else {
        hwi_tcp_edge_reset(edge); // the dialler gave up; it may come again
    }
}

static void ready(struct hwi_edge_kind *kind, struct hwi_edge_watch *watch, uint32_t what)
{
    struct hwi_tcp *tcp = (struct hwi_tcp *)kind;
    if (watch == &tcp->listener) {
        hwi_tcp_accept(tcp);
        return;
    }
    struct hwi_tcp_stripe *stripe = (struct hwi_tcp_stripe *)watch; // its first member
    switch (stripe->state) {
    case HWI_TCP_CONNECTING:
    case HWI_TCP_ASKING:
        hwi_tcp_dialled(stripe);
        break;
    case HWI_TCP_HELLO:
    case HWI_TCP_WAITING:
        hwi_tcp_accepted(tcp, stripe);
        break;
    case HWI_TCP_PROVEN:
        proven_ready(stripe, what);
        break;
    default: // closed earlier in this turn
        break;
    }
}

// ---- time and life

static uint64_t next_ns(const struct hwi_edge_kind *kind)
{
    const struct hwi_tcp *tcp = (const struct hwi_tcp *)kind;
    uint64_t next = tcp->unproven != NULL ? tcp->unproven->deadline_ns : HWI_NEVER;
    return tcp->accept_after_ns > 0 ? HWI_MIN(next, tcp->accept_after_ns) : next;
}

static void expire(struct hwi_edge_kind *kind, uint64_t now_ns)
{
    hwi_tcp_expire_unproven((struct hwi_tcp *)kind, now_ns);
}

static void bury(struct hwi_edge_kind *kind)
{
    struct hwi_tcp *tcp = (struct hwi_tcp *)kind;
    while (tcp->closed != NULL) {
        struct hwi_tcp_stripe *stripe = tcp->closed;
        tcp->closed = stripe->next;
        free(stripe);
    }
}

static void abandon_edge(int poller, const struct hwi_tcp_edge *edge)
{
    for (uint32_t i = 0; i < HWI_LANES * HWI_STRIPES_MAX; i++) {
        struct hwi_tcp_stripe *stripe = edge->stripes[i / HWI_STRIPES_MAX][i % HWI_STRIPES_MAX];
        if (stripe != NULL) {
            hwi_poller_close(poller, &stripe->watch.watch);
        }
    }
}

static void abandon(struct hwi_edge_kind *kind)
{
    struct hwi_tcp *tcp = (struct hwi_tcp *)kind;
    int poller = hwi_tcp_poller(tcp);
    hwi_poller_close(poller, &tcp->listener.watch);
    for (struct hwi_tcp_stripe *stripe = tcp->unproven; stripe != NULL; stripe = stripe->next) {
        hwi_poller_close(poller, &stripe->watch.watch);
    }
    const struct hwi_edge *edge = NULL;
    while ((edge = hwi_edge_after(kind, edge)) != NULL) {
        abandon_edge(poller, (const struct hwi_tcp_edge *)edge);
    }
}

static void destroy(struct hwi_edge_kind *kind)
{
    struct hwi_tcp *tcp = (struct hwi_tcp *)kind;
    hwi_poller_close(hwi_tcp_poller(tcp), &tcp->listener.watch);
    hwi_tcp_drop_unproven(tcp);
    bury(kind);
    free(tcp);
}

struct hwi_edge_kind *hwi_tcp_create(struct hwi_edges *edges, struct hwi_address *listen)
{
    struct hwi_tcp *tcp = calloc(1, sizeof *tcp);
    if (tcp == NULL) {
        return NULL;
    }
    tcp->kind = (struct hwi_edge_kind){.ops = &hwi_tcp_ops, .edges = edges};
    tcp->listener = hwi_edge_watch_of(&tcp->kind, hwi_socket_listen(listen));
    if (tcp->listener.watch.fd >= 0 &&
        hwi_poller_set(hwi_tcp_poller(tcp), &tcp->listener.watch, HWI_READABLE)) {
        return &tcp->kind;
    }
    int error = errno;
    hwi_poller_close(hwi_tcp_poller(tcp), &tcp->listener.watch);
    free(tcp);
    errno = error;
    return NULL;
}

const struct hwi_edge_ops hwi_tcp_ops = {
    .edge_bytes = sizeof(struct hwi_tcp_edge),
    .dial = dial_edge,
    .expect = expect_edge,
    .write = write_edge,
    .close = close_edge,
    .ready = ready,
    .next_ns = next_ns,
    .expire = expire,
    .bury = bury,
    .abandon = abandon,
    .destroy = destroy,
};
