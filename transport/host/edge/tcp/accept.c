// SPDX-License-Identifier: MIT
// The accepting side: connections that say hello, and find their edge or wait a while for it. Until
// then each costs one place of HWI_TCP_UNPROVEN_MAX, HWI_HELLO_BYTES and a deadline. When all
// places are taken, the oldest connection that has said nothing makes room: many silent ones keep
// nobody out.
#include <errno.h>
#include <unistd.h>

#include "transport/host/edge/tcp/port.h"
#include "transport/host/edge/tcp/socket.h"
#include "transport/os/os_linux.h"

// ---- the list of unproven connections

static void append(struct hwi_tcp *tcp, struct hwi_tcp_stripe *stripe)
{
    struct hwi_tcp_stripe **link = &tcp->unproven;
    while (*link != NULL) {
        link = &(*link)->next;
    }
    *link = stripe;
    stripe->next = NULL;
    tcp->unproven_count++;
}

static void listen_again(struct hwi_tcp *tcp)
{
    tcp->accept_after_ns = 0;
    hwi_poller_set(hwi_tcp_poller(tcp), &tcp->listener.watch, HWI_READABLE);
}

static void take_out(struct hwi_tcp *tcp, struct hwi_tcp_stripe *stripe)
{
    struct hwi_tcp_stripe **link = &tcp->unproven;
    while (*link != stripe) {
        link = &(*link)->next;
    }
    *link = stripe->next;
    stripe->next = NULL;
    tcp->unproven_count--;
}

static void drop(struct hwi_tcp *tcp, struct hwi_tcp_stripe *stripe)
{
    take_out(tcp, stripe);
    hwi_tcp_stripe_close(tcp, stripe);
    tcp->kind.refused++;
}

void hwi_tcp_drop_unproven(struct hwi_tcp *tcp)
{
    while (tcp->unproven != NULL) {
        drop(tcp, tcp->unproven);
    }
}

void hwi_tcp_expire_unproven(struct hwi_tcp *tcp, uint64_t now_ns)
{
    while (tcp->unproven != NULL && tcp->unproven->deadline_ns <= now_ns) {
        drop(tcp, tcp->unproven);
    }
    if (tcp->accept_after_ns > 0 && tcp->accept_after_ns <= now_ns) {
        listen_again(tcp);
    }
}

// ---- accepting

// The oldest connection that has not said hello yet, or NULL.
static struct hwi_tcp_stripe *silent(const struct hwi_tcp *tcp)
{
    struct hwi_tcp_stripe *stripe = tcp->unproven;
    while (stripe != NULL && stripe->state != HWI_TCP_HELLO) {
        stripe = stripe->next;
    }
    return stripe;
}

static void make_room(struct hwi_tcp *tcp)
{
    if (tcp->unproven_count >= HWI_TCP_UNPROVEN_MAX) {
        struct hwi_tcp_stripe *oldest = silent(tcp);
        drop(tcp, oldest != NULL ? oldest : tcp->unproven);
    }
}

static void welcome(struct hwi_tcp *tcp, int fd)
{
    struct hwi_tcp_stripe *stripe = hwi_tcp_stripe_create(tcp, fd, HWI_TCP_HELLO);
    if (stripe == NULL) {
        close(fd);
        tcp->kind.refused++;
        return;
    }
    make_room(tcp);
    hwi_socket_tune(fd);
    stripe->deadline_ns = hwi_os_now() + HWI_PROVE_NS_MAX;
    append(tcp, stripe);
    if (!hwi_poller_set(hwi_tcp_poller(tcp), &stripe->watch.watch, HWI_READABLE | HWI_HANGUP)) {
        drop(tcp, stripe);
    } else {
        hwi_tcp_accepted(tcp, stripe); // a hello that is here already cannot be taken for silence
    }
}

static bool out_of_descriptors(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

// A silent connection gives up its descriptor; else the listener rests. True to try again.
static bool find_descriptor(struct hwi_tcp *tcp)
{
    struct hwi_tcp_stripe *oldest = silent(tcp);
    if (oldest != NULL) {
        drop(tcp, oldest);
        return true;
    }
    tcp->accept_after_ns = hwi_os_now() + HWI_TCP_PAUSE_NS;
    hwi_poller_set(hwi_tcp_poller(tcp), &tcp->listener.watch, 0);
    return false;
}

void hwi_tcp_accept(struct hwi_tcp *tcp)
{
    bool more = true;
    for (uint32_t i = 0; i < HWI_TCP_ACCEPTS_MAX && more; i++) { // the rest have their turn later
        int fd = hwi_os_accept(tcp->listener.watch.fd);
        if (fd >= 0) {
            welcome(tcp, fd);
        } else if (out_of_descriptors(errno)) {
            more = find_descriptor(tcp);
        } else {
            more = errno == EINTR || errno == ECONNABORTED;
        }
    }
}

// ---- hellos and edges

static bool named_by(const struct hwi_tcp_edge *edge, const struct hwi_hello *hello)
{
    const struct hwi_msg_edge_open *want = &edge->edge.want;
    return !want->dial && want->run == hello->run && want->peer == hello->from &&
           want->incarnation == hello->from_incarnation && want->self == hello->to &&
           want->self_incarnation == hello->to_incarnation;
}

// Answers the hello and gives the stripe to the edge, which may be up (or gone) afterwards.
static void adopt(struct hwi_tcp *tcp, struct hwi_tcp_edge *edge, struct hwi_tcp_stripe *stripe)
{
    const struct hwi_hello *hello = &stripe->hello;
    unsigned char ack[HWI_ACK_BYTES];
    char why[HWI_TCP_WHY_BYTES_MAX];
    if (hello->attempt > edge->attempt) {
        hwi_tcp_edge_reset(edge);
        edge->attempt = hello->attempt;
        edge->count = hello->count;
    }
    hwi_ack_write(hello->attempt, ack);
    if (hello->attempt < edge->attempt || hello->count != edge->count ||
        edge->stripes[hello->lane][hello->index] != NULL ||
        !hwi_tcp_stripe_write_all(stripe, ack, sizeof ack, why)) {
        drop(tcp, stripe);
        return;
    }
    take_out(tcp, stripe);
    edge->stripes[hello->lane][hello->index] = stripe;
    stripe->edge = edge;
    hwi_tcp_edge_proven(edge, stripe);
}

static void match(struct hwi_tcp *tcp, struct hwi_tcp_stripe *stripe)
{
    int poller = hwi_tcp_poller(tcp);
    struct hwi_edge *found = hwi_edge_of(&tcp->kind, stripe->hello.from);
    struct hwi_tcp_edge *edge = (struct hwi_tcp_edge *)found;
    if (edge == NULL || !named_by(edge, &stripe->hello)) {
        hwi_poller_set(poller, &stripe->watch.watch, HWI_HANGUP); // and wait
    } else if (edge->edge.state == HWI_EDGE_EXPECTED) {
        adopt(tcp, edge, stripe);
    } else if (stripe->hello.attempt > edge->attempt) {
        hwi_edge_fail(&edge->edge, "the other side lost its stripes and dials again");
        hwi_poller_set(poller, &stripe->watch.watch, HWI_HANGUP);
    } else {
        drop(tcp, stripe);
    }
}

void hwi_tcp_accepted(struct hwi_tcp *tcp, struct hwi_tcp_stripe *stripe)
{
    char why[HWI_TCP_WHY_BYTES_MAX];
    if (stripe->state == HWI_TCP_WAITING) { // all it can have to say now is that it is over
        drop(tcp, stripe);
        return;
    }
    enum hwi_progress progress = hwi_tcp_stripe_read_partial(stripe, HWI_HELLO_BYTES, why);
    if (progress == HWI_PROGRESS_BLOCKED) {
        return;
    }
    if (progress == HWI_PROGRESS_OVER || !hwi_hello_read(stripe->partial, &stripe->hello)) {
        drop(tcp, stripe);
        return;
    }
    stripe->state = HWI_TCP_WAITING;
    match(tcp, stripe);
}

void hwi_tcp_adopt(struct hwi_tcp_edge *edge)
{
    struct hwi_tcp *tcp = hwi_tcp_of(edge);
    struct hwi_tcp_stripe *stripe = tcp->unproven, *next;
    for (; stripe != NULL && edge->edge.state == HWI_EDGE_EXPECTED; stripe = next) {
        next = stripe->next;
        if (stripe->state == HWI_TCP_WAITING && named_by(edge, &stripe->hello)) {
            adopt(tcp, edge, stripe);
        }
    }
}
