// SPDX-License-Identifier: MIT
// The dialling side of an edge: connect, say hello, wait for the ack.
#include <errno.h>
#include <unistd.h>

#include "transport/host/edge/tcp/port.h"
#include "transport/host/edge/tcp/socket.h"
#include "transport/os/os_error.h"
#include "transport/os/os_linux.h"

static struct hwi_hello hello_of(const struct hwi_tcp_edge *edge, uint32_t lane, uint32_t index)
{
    const struct hwi_msg_edge_open *want = &edge->edge.want;
    return (struct hwi_hello){
        .run = want->run,
        .from = want->self,
        .from_incarnation = want->self_incarnation,
        .to = want->peer,
        .to_incarnation = want->incarnation,
        .attempt = edge->attempt,
        .lane = (uint8_t)lane,
        .index = (uint8_t)index,
        .count = (uint8_t)edge->count,
    };
}

// Returns NULL with errno.
static struct hwi_tcp_stripe *connect_stripe(struct hwi_tcp *tcp, const struct hwi_address *address)
{
    int fd = hwi_socket_dial(address);
    if (fd < 0) {
        return NULL;
    }
    struct hwi_tcp_stripe *stripe = hwi_tcp_stripe_create(tcp, fd, HWI_TCP_CONNECTING);
    if (stripe == NULL) {
        close(fd);
        errno = ENOMEM;
        return NULL;
    }
    if (hwi_poller_set(hwi_tcp_poller(tcp), &stripe->watch.watch, HWI_WRITABLE)) {
        return stripe;
    }
    int error = errno;
    hwi_tcp_stripe_close(tcp, stripe);
    errno = error;
    return NULL;
}

static bool connect_all(struct hwi_tcp_edge *edge, const struct hwi_address *address)
{
    for (uint32_t lane = 0; lane < HWI_LANES; lane++) {
        for (uint32_t i = 0; i < edge->count; i++) {
            struct hwi_tcp_stripe *stripe = connect_stripe(hwi_tcp_of(edge), address);
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

void hwi_tcp_dial(struct hwi_tcp_edge *edge)
{
    const struct hwi_msg_edge_open *want = &edge->edge.want;
    struct hwi_address address;
    char why[HWI_TCP_WHY_BYTES_MAX];
    edge->attempt = hwi_os_now(); // rises with every dial of this process
    edge->count = HWI_MIN(HWI_MAX(want->stripes, 1u), (uint32_t)HWI_STRIPES_MAX);
    // A name could take seconds to look up, and its owner could be anybody.
    const char *wrong = hwi_address_parse(want->address, HWI_ADDRESS_NUMERIC, &address);
    if (wrong != NULL) {
        hwi_edge_fail(&edge->edge, "dialling \"%s\": %s", want->address, wrong);
    } else if (!connect_all(edge, &address)) {
        hwi_edge_fail(&edge->edge, "dialling %s: %s", want->address,
                      hwi_os_error_text(errno, why, sizeof why));
    }
}

static void fail(struct hwi_tcp_stripe *stripe, const char *why)
{
    struct hwi_edge *edge = &stripe->edge->edge;
    hwi_edge_fail(edge, "dialling %s: %s", edge->want.address, why);
}

static void say_hello(struct hwi_tcp_stripe *stripe)
{
    char why[HWI_TCP_WHY_BYTES_MAX] = "";
    unsigned char bytes[HWI_HELLO_BYTES];
    int error = hwi_socket_error(stripe->watch.watch.fd);
    if (error != 0) {
        fail(stripe, hwi_os_error_text(error, why, sizeof why));
        return;
    }
    hwi_hello_write(&stripe->hello, bytes);
    stripe->state = HWI_TCP_ASKING;
    int poller = hwi_tcp_poller(hwi_tcp_of(stripe->edge));
    if (!hwi_tcp_stripe_write_all(stripe, bytes, sizeof bytes, why)) {
        fail(stripe, why);
    } else if (!hwi_poller_set(poller, &stripe->watch.watch, HWI_READABLE)) {
        fail(stripe, "no room in the poller");
    }
}

static void hear_ack(struct hwi_tcp_stripe *stripe)
{
    char why[HWI_TCP_WHY_BYTES_MAX] = "";
    enum hwi_progress progress = hwi_tcp_stripe_read_partial(stripe, HWI_ACK_BYTES, why);
    if (progress == HWI_PROGRESS_OVER) {
        fail(stripe, why);
    } else if (progress != HWI_PROGRESS_IDLE) {
        return;
    } else if (!hwi_ack_valid(stripe->partial, stripe->hello.attempt)) {
        fail(stripe, "what answers is not a member of this run");
    } else {
        hwi_tcp_edge_proven(stripe->edge, stripe);
    }
}

void hwi_tcp_dialled(struct hwi_tcp_stripe *stripe)
{
    if (stripe->state == HWI_TCP_CONNECTING) {
        say_hello(stripe);
    } else {
        hear_ack(stripe);
    }
}
