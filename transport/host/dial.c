// SPDX-License-Identifier: MIT
// The dialling side of an edge: connect, say hello, wait for the ack.
#include "transport/host/edges.h"
#include "transport/host/host.h"
#include "transport/host/socket.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static struct hwi_hello hello_of(const struct hwi_edge *edge, uint32_t lane, uint32_t index)
{
    return (struct hwi_hello){
        .run = edge->want.run,
        .from = edge->want.self,
        .from_incarnation = edge->want.self_incarnation,
        .to = edge->want.peer,
        .to_incarnation = edge->want.incarnation,
        .attempt = edge->attempt,
        .lane = (uint8_t)lane,
        .index = (uint8_t)index,
        .count = (uint8_t)edge->count,
    };
}

// Returns NULL with errno.
static struct hwi_stripe *connect_stripe(struct hwi_edges *edges, const struct hwi_address *address)
{
    int fd = hwi_socket_dial(address);
    if (fd < 0) {
        return NULL;
    }
    struct hwi_stripe *stripe = hwi_stripe_create(fd, HWI_STRIPE_CONNECTING);
    if (stripe == NULL) {
        close(fd);
        errno = ENOMEM;
        return NULL;
    }
    if (hwi_poller_set(edges->poller, &stripe->watch, HWI_WRITABLE)) {
        return stripe;
    }
    int error = errno;
    hwi_edges_close_stripe(edges, stripe);
    errno = error;
    return NULL;
}

static bool connect_all(struct hwi_edges *edges, struct hwi_edge *edge,
                        const struct hwi_address *address)
{
    for (uint32_t lane = 0; lane < HWI_LANES; lane++) {
        for (uint32_t i = 0; i < edge->count; i++) {
            struct hwi_stripe *stripe = connect_stripe(edges, address);
            if (stripe == NULL) {
                return false;
            }
            stripe->edge = edge;
            stripe->hello = hello_of(edge, lane, i);
            edge->stripes[lane][i] = stripe;
        }
    }
    return true;
}

void hwi_edge_dial(struct hwi_edges *edges, struct hwi_edge *edge)
{
    struct hwi_address address;
    char why[HWI_WHY_BYTES_MAX];
    uint64_t now_ns = hwi_host_now();
    edge->attempt = now_ns; // rises with every dial of this process
    edge->deadline_ns = now_ns + HWI_PROVE_NS_MAX;
    edges->dials_until_ns = HWI_MIN(edges->dials_until_ns, edge->deadline_ns);
    edge->count = HWI_MIN(HWI_MAX(edge->want.stripes, 1u), (uint32_t)HWI_STRIPES_MAX);
    // A name could take seconds to look up, and its owner could be anybody.
    const char *wrong = hwi_address_parse(edge->want.address, HWI_ADDRESS_NUMERIC, &address);
    if (wrong != NULL) {
        hwi_edge_fail(edges, edge, "dialling \"%s\": %s", edge->want.address, wrong);
    } else if (!connect_all(edges, edge, &address)) {
        hwi_edge_fail(edges, edge, "dialling %s: %s", edge->want.address,
                      hwi_errno_text(errno, why, sizeof why));
    }
}

static void fail(struct hwi_edges *edges, struct hwi_stripe *stripe, const char *why)
{
    hwi_edge_fail(edges, stripe->edge, "dialling %s: %s", stripe->edge->want.address, why);
}

static void say_hello(struct hwi_edges *edges, struct hwi_stripe *stripe)
{
    char why[HWI_WHY_BYTES_MAX] = "";
    unsigned char bytes[HWI_HELLO_BYTES];
    int error = hwi_socket_error(stripe->watch.fd);
    if (error) {
        fail(edges, stripe, hwi_errno_text(error, why, sizeof why));
        return;
    }
    hwi_hello_write(&stripe->hello, bytes);
    stripe->state = HWI_STRIPE_ASKING;
    if (!hwi_stripe_write_all(stripe, bytes, sizeof bytes, why)) {
        fail(edges, stripe, why);
    } else if (!hwi_poller_set(edges->poller, &stripe->watch, HWI_READABLE)) {
        fail(edges, stripe, "no room in the poller");
    }
}

static void hear_ack(struct hwi_edges *edges, struct hwi_stripe *stripe)
{
    char why[HWI_WHY_BYTES_MAX] = "";
    enum hwi_progress progress = hwi_stripe_read_partial(stripe, HWI_ACK_BYTES, why);
    if (progress == HWI_PROGRESS_OVER) {
        fail(edges, stripe, why);
    } else if (progress != HWI_PROGRESS_IDLE) {
        return;
    } else if (!hwi_ack_valid(stripe->partial, stripe->hello.attempt)) {
        fail(edges, stripe, "what answers is not a member of this run");
    } else {
        hwi_edge_proven(edges, stripe->edge, stripe);
    }
}

void hwi_stripe_dialled(struct hwi_edges *edges, struct hwi_stripe *stripe)
{
    if (stripe->state == HWI_STRIPE_CONNECTING) {
        say_hello(edges, stripe);
    } else {
        hear_ack(edges, stripe);
    }
}
