// SPDX-License-Identifier: MIT
// Frames to bytes: what a stripe has in hand leaves in one call, header, payload and trailer of
// each.
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "transport/host/socket.h"
#include "transport/host/stripe.h"

enum {
    PARTS_MAX = 3 * HWI_STRIPE_FRAMES_MAX,
    ZEROS_BYTES = 64 << 10,
};

static const unsigned char zeros[ZEROS_BYTES]; // stands in for the payload of an abandoned frame

struct parts {
    struct iovec iov[PARTS_MAX];
    int count;
    size_t bytes;
};

static uint32_t frame_bytes(const struct hwi_frame_out *out)
{
    return HWI_FRAME_HEADER_BYTES + out->frame.payload_bytes + HWI_FRAME_TRAILER_BYTES;
}

static struct hwi_frame_out *frame_at(struct hwi_stripe *stripe, uint32_t index)
{
    return &stripe->out[(stripe->out_first + index) % HWI_STRIPE_FRAMES_MAX];
}

static void pull(struct hwi_stripe *stripe, struct hwi_data *data, uint64_t peer)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < stripe->out_count; i++) {
        bytes += frame_bytes(frame_at(stripe, i)) - frame_at(stripe, i)->written;
    }
    while (stripe->out_count < HWI_STRIPE_FRAMES_MAX && bytes < HWI_STRIPE_GATHER_BYTES) {
        struct hwi_frame_out *out = frame_at(stripe, stripe->out_count);
        if (!hwi_data_next(data, peer, stripe->hello.lane, out)) {
            return;
        }
        stripe->out_count++;
        bytes += frame_bytes(out);
    }
}

static void add(struct parts *parts, const unsigned char *bytes, size_t count)
{
    if (count == 0) {
        return;
    }
    parts->iov[parts->count++] = (struct iovec){(void *)(uintptr_t)bytes, count};
    parts->bytes += count;
}

// Adds what is left of a frame; false if zeros ran out before its end.
static bool add_frame(struct parts *parts, const struct hwi_frame_out *out)
{
    uint32_t at = out->written;
    uint32_t trailer_at = HWI_FRAME_HEADER_BYTES + out->frame.payload_bytes;
    if (at < HWI_FRAME_HEADER_BYTES) {
        add(parts, out->header + at, HWI_FRAME_HEADER_BYTES - at);
        at = HWI_FRAME_HEADER_BYTES;
    }
    uint32_t left = at < trailer_at ? trailer_at - at : 0;
    if (left > 0 && out->payload != NULL) {
        add(parts, out->payload + (at - HWI_FRAME_HEADER_BYTES), left);
    } else if (left > 0) {
        add(parts, zeros, HWI_MIN(left, (uint32_t)ZEROS_BYTES));
        if (left > ZEROS_BYTES) {
            return false;
        }
    }
    at += left;
    add(parts, out->trailer + (at - trailer_at), HWI_FRAME_TRAILER_BYTES - (at - trailer_at));
    return true;
}

static struct parts gather(struct hwi_stripe *stripe)
{
    struct parts parts = {.count = 0};
    for (uint32_t i = 0; i < stripe->out_count; i++) {
        if (!add_frame(&parts, frame_at(stripe, i))) {
            break;
        }
    }
    return parts;
}

static void advance(struct hwi_stripe *stripe, struct hwi_data *data, size_t count)
{
    while (stripe->out_count > 0) {
        struct hwi_frame_out *out = frame_at(stripe, 0);
        size_t left = frame_bytes(out) - out->written;
        if (count < left) {
            out->written += (uint32_t)count;
            return;
        }
        count -= left;
        out->written += (uint32_t)left;
        hwi_data_sent(data, out, true);
        stripe->out_first = (stripe->out_first + 1) % HWI_STRIPE_FRAMES_MAX;
        stripe->out_count--;
    }
}

enum hwi_progress hwi_stripe_write(struct hwi_stripe *stripe, struct hwi_data *data, uint64_t peer,
                                   char why[HWI_WHY_BYTES_MAX])
{
    for (size_t total = 0; total < HWI_STRIPE_TURN_BYTES_MAX;) {
        pull(stripe, data, peer);
        if (stripe->out_count == 0) {
            return HWI_PROGRESS_IDLE;
        }
        struct parts parts = gather(stripe);
        struct msghdr message = {.msg_iov = parts.iov, .msg_iovlen = (size_t)parts.count};
        ssize_t sent = sendmsg(stripe->watch.fd, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0 && errno != EAGAIN) {
            hwi_errno_text(errno, why, HWI_WHY_BYTES_MAX);
            return HWI_PROGRESS_OVER;
        }
        if (sent > 0) {
            stripe->bytes_sent += (size_t)sent;
            advance(stripe, data, (size_t)sent);
        }
        if (sent < (ssize_t)parts.bytes) {
            return HWI_PROGRESS_BLOCKED;
        }
        total += (size_t)sent;
    }
    return HWI_PROGRESS_MORE;
}
