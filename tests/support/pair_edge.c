// SPDX-License-Identifier: MIT
#include "tests/support/pair_edge.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/sealed_stream.h"
#include "transport/host/edge/descriptor.h"
#include "transport/host/edge/edge.h"
#include "transport/os/os_linux.h"

enum {
    FRAMES_MAX = 8,
    SEND_BYTES = 24 << 10, // of the kernel's: small, so that frames leave in pieces
    STRIPES_ALL = HWI_LANES * HWI_STRIPES_MAX,
};

struct pair_stripe {
    struct hwi_edge_watch watch;
    struct pair_edge *edge;
    uint32_t number; // lane * HWI_STRIPES_MAX + index
    bool answered, blocked, closed;
    struct pair_stripe *next_closed;
    struct hwi_stripe_reader reader;
    struct hwi_stripe_writer writer;
    struct hwi_frame_out frames[FRAMES_MAX];
    struct sealed_stream sealed; // if the kind seals
};

struct pair_edge {
    struct hwi_edge edge;
    uint32_t count, answered;
    struct pair_stripe *stripes[STRIPES_ALL];
};

struct pair_kind {
    struct hwi_edge_kind kind;
    struct hwi_edge_watch bell; // rung when something is in the registry
    struct pair_kind *next;
    struct pair_stripe *closed;
    bool seals;
};

// ---- the registry

// Far ends that wait to be taken.
struct offer {
    struct hwi_msg_edge_open want; // the dialler's
    uint32_t count;
    int fds[STRIPES_ALL];
    struct offer *next;
};

static struct {
    pthread_mutex_t mutex;
    struct offer *offers;
    struct pair_kind *kinds;
    struct pair_edge_counts counts;
} registry = {.mutex = PTHREAD_MUTEX_INITIALIZER};

struct pair_edge_counts pair_edge_counts(void)
{
    pthread_mutex_lock(&registry.mutex);
    struct pair_edge_counts counts = registry.counts;
    pthread_mutex_unlock(&registry.mutex);
    return counts;
}

static void count_up(void)
{
    pthread_mutex_lock(&registry.mutex);
    registry.counts.ups++;
    pthread_mutex_unlock(&registry.mutex);
}

static void count_bytes(uint64_t bytes)
{
    pthread_mutex_lock(&registry.mutex);
    registry.counts.bytes += bytes;
    pthread_mutex_unlock(&registry.mutex);
}

static void leave(struct offer *offer)
{
    pthread_mutex_lock(&registry.mutex);
    offer->next = registry.offers;
    registry.offers = offer;
    for (struct pair_kind *kind = registry.kinds; kind != NULL; kind = kind->next) {
        hwi_os_event_signal(kind->bell.watch.fd);
    }
    pthread_mutex_unlock(&registry.mutex);
}

static bool same_two(const struct hwi_msg_edge_open *dialler, const struct hwi_msg_edge_open *other)
{
    return dialler->run == other->run && dialler->self == other->peer &&
           dialler->self_incarnation == other->incarnation && dialler->peer == other->self &&
           dialler->incarnation == other->self_incarnation;
}

// The offer of the dialler `from` for the one that it names: returns owned, or NULL.
static struct offer *take(const struct hwi_msg_edge_open *expecting)
{
    pthread_mutex_lock(&registry.mutex);
    struct offer **link = &registry.offers;
    while (*link != NULL && !same_two(&(*link)->want, expecting)) {
        link = &(*link)->next;
    }
    struct offer *offer = *link;
    if (offer != NULL) {
        *link = offer->next;
    }
    pthread_mutex_unlock(&registry.mutex);
    return offer;
}

static void drop_offer(struct offer *offer)
{
    for (uint32_t i = 0; offer != NULL && i < STRIPES_ALL; i++) {
        if (offer->fds[i] >= 0) {
            close(offer->fds[i]);
        }
    }
    free(offer);
}

// ---- stripes

static struct pair_stripe *make_stripe(struct pair_edge *edge, uint32_t number, int fd)
{
    struct pair_stripe *stripe = calloc(1, sizeof *stripe);
    int bytes = SEND_BYTES;
    HWI_CHECK(stripe != NULL);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    stripe->watch = hwi_edge_watch_of(edge->edge.kind, fd);
    stripe->edge = edge;
    stripe->number = number;
    stripe->writer = (struct hwi_stripe_writer){.frames = stripe->frames, .room = FRAMES_MAX};
    edge->stripes[number] = stripe;
    return stripe;
}

static int poller_of(const struct pair_stripe *stripe)
{
    return hwi_edges_poller(stripe->edge->edge.kind->edges);
}

static struct hwi_stripe_owner owner_of(const struct pair_stripe *stripe)
{
    const struct hwi_edge *edge = &stripe->edge->edge;
    return (struct hwi_stripe_owner){.data = hwi_edges_data(edge->kind->edges),
                                     .peer = edge->want.peer,
                                     .lane = (enum hwi_lane)(stripe->number / HWI_STRIPES_MAX)};
}

static struct hwi_stream stream_of(struct pair_stripe *stripe)
{
    const struct pair_kind *kind = (const struct pair_kind *)stripe->edge->edge.kind;
    stripe->sealed.inner = hwi_descriptor_stream(&stripe->watch.watch.fd);
    return kind->seals ? sealed_stream(&stripe->sealed) : stripe->sealed.inner;
}

static void close_stripe(struct pair_stripe *stripe)
{
    struct pair_kind *kind = (struct pair_kind *)stripe->edge->edge.kind;
    struct hwi_data *data = hwi_edges_data(kind->kind.edges);
    hwi_poller_close(poller_of(stripe), &stripe->watch.watch);
    hwi_stripe_reader_end(&stripe->reader, data);
    hwi_stripe_writer_end(&stripe->writer, data);
    stripe->closed = true;
    stripe->next_closed = kind->closed;
    kind->closed = stripe;
}

static bool has_stripe(const struct pair_edge *edge, uint32_t number)
{
    return number % HWI_STRIPES_MAX < edge->count;
}

static void come_up(struct pair_edge *edge)
{
    for (uint32_t i = 0; i < STRIPES_ALL; i++) {
        if (has_stripe(edge, i)) {
            struct pair_stripe *stripe = edge->stripes[i];
            HWI_CHECK(hwi_poller_set(poller_of(stripe), &stripe->watch.watch, HWI_READABLE));
        }
    }
    hwi_edge_up(&edge->edge, edge->count);
    count_up();
}

// ---- opening

static void dial(struct hwi_edge_kind *kind, struct hwi_edge *base)
{
    struct pair_edge *edge = (struct pair_edge *)base;
    struct offer *offer = calloc(1, sizeof *offer);
    (void)kind;
    HWI_CHECK(offer != NULL);
    edge->count = offer->count = HWI_MAX(base->want.stripes, 1u);
    offer->want = base->want;
    memset(offer->fds, 0xff, sizeof offer->fds); // -1
    for (uint32_t i = 0; i < STRIPES_ALL; i++) {
        int ends[2];
        if (!has_stripe(edge, i)) {
            continue;
        }
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
            drop_offer(offer);
            hwi_edge_fail(base, "no socket pair");
            return;
        }
        offer->fds[i] = ends[1];
        struct pair_stripe *stripe = make_stripe(edge, i, ends[0]);
        HWI_CHECK(hwi_poller_set(poller_of(stripe), &stripe->watch.watch, HWI_READABLE));
    }
    leave(offer);
}

// The other side has taken the far end: its first byte says so.
static void hear_answer(struct pair_stripe *stripe)
{
    struct pair_edge *edge = stripe->edge;
    char byte;
    ssize_t got = recv(stripe->watch.watch.fd, &byte, 1, 0);
    if (got < 0 && errno == EAGAIN) {
        return;
    }
    if (got <= 0 || stripe->answered) {
        hwi_edge_fail(&edge->edge, "the other side closed a stripe");
        return;
    }
    stripe->answered = true;
    hwi_poller_set(poller_of(stripe), &stripe->watch.watch, HWI_HANGUP); // frames wait there
    if (++edge->answered == HWI_LANES * edge->count) {
        come_up(edge);
    }
}

static void expect(struct hwi_edge_kind *kind, struct hwi_edge *base)
{
    struct pair_edge *edge = (struct pair_edge *)base;
    struct offer *offer = take(&base->want);
    (void)kind;
    if (offer == NULL) {
        return; // the bell will ring
    }
    edge->count = offer->count;
    for (uint32_t i = 0; i < STRIPES_ALL; i++) {
        if (has_stripe(edge, i)) {
            struct pair_stripe *stripe = make_stripe(edge, i, offer->fds[i]);
            stripe->answered = true;
            send(stripe->watch.watch.fd, "!", 1, MSG_NOSIGNAL);
        }
    }
    free(offer);
    come_up(edge);
}

static void look_for_offers(struct pair_kind *kind)
{
    uint64_t rings;
    if (read(kind->bell.watch.fd, &rings, sizeof rings) < 0) {
        return;
    }
    struct hwi_edge *edge = NULL;
    while ((edge = hwi_edge_after(&kind->kind, edge)) != NULL) {
        if (edge->state == HWI_EDGE_EXPECTED) {
            expect(&kind->kind, edge);
        }
    }
}

// ---- frames

static enum hwi_progress write_stripe(struct pair_stripe *stripe)
{
    struct hwi_edge *edge = &stripe->edge->edge;
    struct hwi_stripe_owner owner = owner_of(stripe);
    struct hwi_stream stream = stream_of(stripe);
    struct hwi_stripe_fault fault;
    char why[HWI_FAULT_BYTES_MAX];
    uint64_t before = stripe->writer.bytes;
    enum hwi_progress progress = hwi_stripe_write(&stripe->writer, &owner, &stream, &fault);
    count_bytes(stripe->writer.bytes - before);
    hwi_edge_sent(edge, owner.lane, stripe->number % HWI_STRIPES_MAX, stripe->writer.bytes);
    if (progress == HWI_PROGRESS_OVER) {
        hwi_edge_fail(edge, "writing to a stripe: %s", hwi_fault_text(&fault, why));
        return progress;
    }
    stripe->blocked = progress == HWI_PROGRESS_BLOCKED;
    hwi_poller_set(poller_of(stripe), &stripe->watch.watch,
                   stripe->blocked ? HWI_READABLE | HWI_WRITABLE : HWI_READABLE);
    return progress;
}

// Stripes take turns here: each takes what there is until it is full.
static bool write_edge(struct hwi_edge_kind *kind, struct hwi_edge *base)
{
    struct pair_edge *edge = (struct pair_edge *)base;
    bool more = false;
    (void)kind;
    for (uint32_t i = 0; i < STRIPES_ALL && base->state == HWI_EDGE_UP; i++) {
        if (has_stripe(edge, i) && !edge->stripes[i]->blocked) {
            more = write_stripe(edge->stripes[i]) == HWI_PROGRESS_MORE || more;
        }
    }
    return more;
}

static void read_stripe(struct pair_stripe *stripe)
{
    struct hwi_edge *edge = &stripe->edge->edge;
    struct hwi_stripe_owner owner = owner_of(stripe);
    struct hwi_stream stream = stream_of(stripe);
    struct hwi_stripe_fault fault;
    char why[HWI_FAULT_BYTES_MAX];
    enum hwi_progress progress = hwi_stripe_read(&stripe->reader, &owner, &stream,
                                                 hwi_edges_staging(edge->kind->edges), &fault);
    hwi_edge_received(edge, owner.lane, stripe->number % HWI_STRIPES_MAX, stripe->reader.bytes);
    if (progress == HWI_PROGRESS_OVER) {
        hwi_edge_fail(edge, "reading from a stripe: %s", hwi_fault_text(&fault, why));
    }
}

static void ready(struct hwi_edge_kind *base, struct hwi_edge_watch *watch, uint32_t what)
{
    struct pair_kind *kind = (struct pair_kind *)base;
    struct pair_stripe *stripe = (struct pair_stripe *)watch;
    if (watch == &kind->bell) {
        look_for_offers(kind);
        return;
    }
    if (stripe->closed) {
        return;
    }
    if (stripe->edge->edge.state == HWI_EDGE_DIALLING) {
        hear_answer(stripe);
        return;
    }
    if ((what & HWI_WRITABLE) != 0) {
        stripe->blocked = false;
        hwi_edge_mark(&stripe->edge->edge);
    }
    if ((what & (HWI_READABLE | HWI_HANGUP)) != 0) {
        read_stripe(stripe);
    }
}

// ---- life

static void close_edge(struct hwi_edge_kind *kind, struct hwi_edge *base)
{
    struct pair_edge *edge = (struct pair_edge *)base;
    (void)kind;
    for (uint32_t i = 0; i < STRIPES_ALL; i++) {
        if (edge->stripes[i] != NULL) {
            close_stripe(edge->stripes[i]);
        }
        edge->stripes[i] = NULL;
    }
    struct hwi_msg_edge_open mirrored = base->want; // an offer that nobody took
    mirrored.self = base->want.peer;
    mirrored.self_incarnation = base->want.incarnation;
    mirrored.peer = base->want.self;
    mirrored.incarnation = base->want.self_incarnation;
    if (base->want.dial) {
        drop_offer(take(&mirrored));
    }
}

static uint64_t next_ns(const struct hwi_edge_kind *kind)
{
    (void)kind;
    return HWI_NEVER;
}

static void expire(struct hwi_edge_kind *kind, uint64_t now_ns)
{
    (void)kind;
    (void)now_ns;
}

static void bury(struct hwi_edge_kind *base)
{
    struct pair_kind *kind = (struct pair_kind *)base;
    while (kind->closed != NULL) {
        struct pair_stripe *stripe = kind->closed;
        kind->closed = stripe->next_closed;
        free(stripe);
    }
}

static void abandon(struct hwi_edge_kind *base)
{
    const struct hwi_edge *edge = NULL;
    while ((edge = hwi_edge_after(base, edge)) != NULL) {
        const struct pair_edge *pair = (const struct pair_edge *)edge;
        for (uint32_t i = 0; i < STRIPES_ALL; i++) {
            if (pair->stripes[i] != NULL) {
                hwi_poller_close(hwi_edges_poller(base->edges), &pair->stripes[i]->watch.watch);
            }
        }
    }
}

static void destroy(struct hwi_edge_kind *base)
{
    struct pair_kind *kind = (struct pair_kind *)base;
    pthread_mutex_lock(&registry.mutex);
    struct pair_kind **link = &registry.kinds;
    while (*link != kind) {
        link = &(*link)->next;
    }
    *link = kind->next;
    pthread_mutex_unlock(&registry.mutex);
    hwi_poller_close(hwi_edges_poller(base->edges), &kind->bell.watch);
    bury(base);
    free(kind);
}

static bool odd(const struct hwi_edge_kind *kind, const struct hwi_msg_edge_open *want)
{
    (void)kind;
    return (want->self + want->peer) % 2 == 1;
}

static struct hwi_edge_kind *create(struct hwi_edges *edges, const struct hwi_edge_ops *ops,
                                    bool seals)
{
    struct pair_kind *kind = calloc(1, sizeof *kind);
    HWI_CHECK(kind != NULL);
    kind->kind = (struct hwi_edge_kind){.ops = ops, .edges = edges};
    kind->seals = seals;
    kind->bell = hwi_edge_watch_of(&kind->kind, hwi_os_event_create());
    HWI_CHECK(hwi_poller_set(hwi_edges_poller(edges), &kind->bell.watch, HWI_READABLE));
    pthread_mutex_lock(&registry.mutex);
    kind->next = registry.kinds;
    registry.kinds = kind;
    pthread_mutex_unlock(&registry.mutex);
    return &kind->kind;
}

#define PAIR_OPS(which)                                                                            \
    {                                                                                              \
        .edge_bytes = sizeof(struct pair_edge), .reaches = (which), .dial = dial,                  \
        .expect = expect, .write = write_edge, .close = close_edge, .ready = ready,                \
        .next_ns = next_ns, .expire = expire, .bury = bury, .abandon = abandon,                    \
        .destroy = destroy,                                                                        \
    }

static const struct hwi_edge_ops all_ops = PAIR_OPS(NULL);
static const struct hwi_edge_ops odd_ops = PAIR_OPS(odd);

struct hwi_edge_kind *pair_edge_all(struct hwi_edges *edges)
{
    return create(edges, &all_ops, false);
}

struct hwi_edge_kind *pair_edge_odd(struct hwi_edges *edges)
{
    return create(edges, &odd_ops, false);
}

struct hwi_edge_kind *pair_edge_sealed(struct hwi_edges *edges)
{
    return create(edges, &all_ops, true);
}
