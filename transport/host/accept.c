// SPDX-License-Identifier: MIT
// The accepting side: connections that say hello, and find their edge or wait a while for it. Until
// then each costs one place of HWI_UNPROVEN_MAX, HWI_HELLO_BYTES and a deadline.
#include <errno.h>
#include <unistd.h>

#include "transport/host/edges.h"
#include "transport/host/host.h"
#include "transport/host/os_linux.h"
#include "transport/host/socket.h"

// ---- the list of unproven connections ----------------------------------------------------------

static void append(struct hwi_edges *edges, struct hwi_stripe *stripe)
{
    struct hwi_stripe **link = &edges->unproven;
    while (*link != NULL) {
        link = &(*link)->next;
    }
    *link = stripe;
    stripe->next = NULL;
    edges->unproven_count++;
}

static void listen_again(struct hwi_edges *edges)
{
    edges->accept_after_ns = 0;
    hwi_poller_set(edges->poller, &edges->listener, HWI_READABLE);
}

static void take_out(struct hwi_edges *edges, struct hwi_stripe *stripe)
{
    struct hwi_stripe **link = &edges->unproven;
    while (*link != stripe) {
        link = &(*link)->next;
    }
    *link = stripe->next;
    stripe->next = NULL;
    edges->unproven_count--;
    if (!edges->accept_after_ns && edges->listener.fd >= 0) {
        listen_again(edges);
    }
}

static void drop(struct hwi_edges *edges, struct hwi_stripe *stripe)
{
    take_out(edges, stripe);
    hwi_edges_close_stripe(edges, stripe);
    edges->refused++;
}

void hwi_edges_drop_unproven(struct hwi_edges *edges)
{
    while (edges->unproven != NULL) {
        drop(edges, edges->unproven);
    }
}

void hwi_edges_expire_unproven(struct hwi_edges *edges, uint64_t now_ns)
{
    while (edges->unproven != NULL && edges->unproven->deadline_ns <= now_ns) {
        drop(edges, edges->unproven);
    }
    if (edges->accept_after_ns && edges->accept_after_ns <= now_ns) {
        listen_again(edges);
    }
}

// ---- accepting ----------------------------------------------------------------------------------

static void welcome(struct hwi_edges *edges, int fd)
{
    struct hwi_stripe *stripe = hwi_stripe_create(fd, HWI_STRIPE_HELLO);
    if (stripe == NULL) {
        close(fd);
        edges->refused++;
        return;
    }
    hwi_socket_tune(fd);
    stripe->deadline_ns = hwi_host_now() + HWI_PROVE_NS_MAX;
    append(edges, stripe);
    if (!hwi_poller_set(edges->poller, &stripe->watch, HWI_READABLE | HWI_HANGUP)) {
        drop(edges, stripe);
    }
}

static bool out_of_descriptors(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

void hwi_edges_accept(struct hwi_edges *edges)
{
    while (edges->unproven_count < HWI_UNPROVEN_MAX) {
        int fd = hwi_os_accept(edges->listener.fd);
        if (fd >= 0) {
            welcome(edges, fd);
        } else if (out_of_descriptors(errno)) {
            edges->accept_after_ns = hwi_host_now() + HWI_ACCEPT_PAUSE_NS;
            break;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
    hwi_poller_set(edges->poller, &edges->listener, 0);
}

// ---- hellos and edges ---------------------------------------------------------------------------

static bool named_by(const struct hwi_edge *edge, const struct hwi_hello *hello)
{
    const struct hwi_msg_edge_open *want = &edge->want;
    return !want->dial && want->run == hello->run && want->peer == hello->from &&
           want->incarnation == hello->from_incarnation && want->self == hello->to &&
           want->self_incarnation == hello->to_incarnation;
}

// Answers the hello and gives the stripe to the edge, which may be up (or gone) afterwards.
static void adopt(struct hwi_edges *edges, struct hwi_edge *edge, struct hwi_stripe *stripe)
{
    const struct hwi_hello *hello = &stripe->hello;
    unsigned char ack[HWI_ACK_BYTES];
    char why[HWI_WHY_BYTES_MAX];
    if (hello->attempt > edge->attempt) {
        hwi_edge_reset(edges, edge);
        edge->attempt = hello->attempt;
        edge->count = hello->count;
    }
    hwi_ack_write(hello->attempt, ack);
    if (hello->attempt < edge->attempt || hello->count != edge->count ||
        edge->stripes[hello->lane][hello->index] != NULL ||
        !hwi_stripe_write_all(stripe, ack, sizeof ack, why)) {
        drop(edges, stripe);
        return;
    }
    take_out(edges, stripe);
    edge->stripes[hello->lane][hello->index] = stripe;
    stripe->edge = edge;
    hwi_edge_proven(edges, edge, stripe);
}

static void match(struct hwi_edges *edges, struct hwi_stripe *stripe)
{
    struct hwi_edge *edge = hwi_edges_find(edges, stripe->hello.from);
    if (edge == NULL || !named_by(edge, &stripe->hello)) {
        hwi_poller_set(edges->poller, &stripe->watch, HWI_HANGUP); // and wait
    } else if (edge->state == HWI_EDGE_EXPECTED) {
        adopt(edges, edge, stripe);
    } else if (stripe->hello.attempt > edge->attempt) {
        hwi_edge_fail(edges, edge, "the other side lost its stripes and dials again");
        hwi_poller_set(edges->poller, &stripe->watch, HWI_HANGUP);
    } else {
        drop(edges, stripe);
    }
}

void hwi_stripe_accepted(struct hwi_edges *edges, struct hwi_stripe *stripe)
{
    char why[HWI_WHY_BYTES_MAX];
    if (stripe->state == HWI_STRIPE_WAITING) { // all it can have to say now is that it is over
        drop(edges, stripe);
        return;
    }
    enum hwi_progress progress = hwi_stripe_read_partial(stripe, HWI_HELLO_BYTES, why);
    if (progress == HWI_PROGRESS_BLOCKED) {
        return;
    }
    if (progress == HWI_PROGRESS_OVER || !hwi_hello_read(stripe->partial, &stripe->hello)) {
        drop(edges, stripe);
        return;
    }
    stripe->state = HWI_STRIPE_WAITING;
    match(edges, stripe);
}

void hwi_edge_adopt(struct hwi_edges *edges, struct hwi_edge *edge)
{
    struct hwi_stripe *stripe = edges->unproven, *next;
    for (; stripe != NULL && edge->state == HWI_EDGE_EXPECTED; stripe = next) {
        next = stripe->next;
        if (stripe->state == HWI_STRIPE_WAITING && named_by(edge, &stripe->hello)) {
            adopt(edges, edge, stripe);
        }
    }
}
