// SPDX-License-Identifier: MIT
#include "transport/host/stripe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "transport/host/socket.h"

struct hwi_stripe *hwi_stripe_create(int fd, enum hwi_stripe_state state)
{
    struct hwi_stripe *stripe = calloc(1, sizeof *stripe);
    if (stripe == NULL) {
        return NULL;
    }
    stripe->watch = (struct hwi_watch){.fd = fd, .kind = HWI_WATCH_STRIPE};
    stripe->state = (uint8_t)state;
    return stripe;
}

void hwi_stripe_close(struct hwi_stripe *stripe, int poller, struct hwi_data *data)
{
    const char *why;
    hwi_poller_close(poller, &stripe->watch);
    stripe->state = HWI_STRIPE_CLOSED;
    if (stripe->arriving) {
        hwi_data_received(data, &stripe->in, NULL, &why);
    }
    stripe->arriving = false;
    for (; stripe->out_count > 0; stripe->out_count--) {
        hwi_data_sent(data, &stripe->out[stripe->out_first], false);
        stripe->out_first = (stripe->out_first + 1) % HWI_STRIPE_FRAMES_MAX;
    }
}

enum hwi_progress hwi_stripe_read_partial(struct hwi_stripe *stripe, uint32_t bytes,
                                          char why[HWI_WHY_BYTES_MAX])
{
    while (stripe->partial_bytes < bytes) {
        ssize_t got = recv(stripe->watch.fd, stripe->partial + stripe->partial_bytes,
                           bytes - stripe->partial_bytes, 0);
        if (got > 0) {
            stripe->partial_bytes += (uint32_t)got;
        } else if (got == 0) {
            snprintf(why, HWI_WHY_BYTES_MAX, "the other side closed it");
            return HWI_PROGRESS_OVER;
        } else if (errno == EAGAIN) {
            return HWI_PROGRESS_BLOCKED;
        } else if (errno != EINTR) {
            hwi_errno_text(errno, why, HWI_WHY_BYTES_MAX);
            return HWI_PROGRESS_OVER;
        }
    }
    return HWI_PROGRESS_IDLE;
}

bool hwi_stripe_write_all(struct hwi_stripe *stripe, const unsigned char *bytes, uint32_t count,
                          char why[HWI_WHY_BYTES_MAX])
{
    ssize_t sent = send(stripe->watch.fd, bytes, count, MSG_NOSIGNAL);
    if (sent == (ssize_t)count) {
        return true;
    }
    hwi_errno_text(sent < 0 ? errno : EAGAIN, why, HWI_WHY_BYTES_MAX);
    return false;
}
