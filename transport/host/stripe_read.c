// SPDX-License-Identifier: MIT
// Bytes to frames. A large payload is read straight to its target, and what follows it, like all
// that is small, into the staging buffer that the host's stripes share; less than a header or a
// trailer is kept in the stripe until the rest comes.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

#include "transport/host/socket.h"
#include "transport/host/stripe.h"

enum {
    LARGE_BYTES = 16 << 10, // of such a payload's successor only the header is read along: the rest
                            // would be copied
    AHEAD_BYTES = HWI_FRAME_TRAILER_BYTES + HWI_FRAME_HEADER_BYTES,
};

struct reader {
    struct hwi_stripe *stripe;
    struct hwi_data *data;
    uint64_t peer;
    char *why;
};

static bool broken(struct reader *reader, const char *what)
{
    snprintf(reader->why, HWI_WHY_BYTES_MAX, "%s", what);
    return false;
}

static bool begin_frame(struct reader *reader, const unsigned char *header)
{
    struct hwi_stripe *stripe = reader->stripe;
    const char *why = "";
    if (hwi_data_arriving(reader->data, reader->peer, stripe->hello.lane, header, &stripe->in,
                          &why) != HWI_VERDICT_OK) {
        return broken(reader, why);
    }
    stripe->arriving = true;
    stripe->in_written = 0;
    return true;
}

static bool end_frame(struct reader *reader, const unsigned char *trailer)
{
    const char *why = "";
    reader->stripe->arriving = false;
    if (hwi_data_received(reader->data, &reader->stripe->in, trailer, &why) != HWI_VERDICT_OK) {
        return broken(reader, why);
    }
    return true;
}

static uint32_t payload_left(const struct hwi_stripe *stripe)
{
    return stripe->arriving ? stripe->in.frame.payload_bytes - stripe->in_written : 0;
}

static uint32_t take_payload(struct hwi_stripe *stripe, const unsigned char *bytes, size_t count)
{
    uint32_t taken = (uint32_t)HWI_MIN(count, (size_t)payload_left(stripe));
    if (stripe->in.target != NULL && taken > 0) {
        memcpy(stripe->in.target + stripe->in_written, bytes, taken);
    }
    stripe->in_written += taken;
    return taken;
}

// Consumes staged bytes; what is less than the next header or trailer is kept.
static bool parse(struct reader *reader, const unsigned char *bytes, size_t count)
{
    struct hwi_stripe *stripe = reader->stripe;
    size_t at = 0;
    for (;;) {
        if (stripe->arriving) {
            at += take_payload(stripe, bytes + at, count - at);
        }
        size_t need = stripe->arriving ? HWI_FRAME_TRAILER_BYTES : HWI_FRAME_HEADER_BYTES;
        if (payload_left(stripe) > 0 || count - at < need) {
            break;
        }
        bool whole = stripe->arriving;
        if (!(whole ? end_frame(reader, bytes + at) : begin_frame(reader, bytes + at))) {
            return false;
        }
        at += need;
    }
    memcpy(stripe->partial, bytes + at, count - at);
    stripe->partial_bytes = (uint32_t)(count - at);
    return true;
}

// Where the next bytes go: the rest of the payload, then staging behind what is kept.
static int place(struct hwi_stripe *stripe, struct hwi_staging *staging, struct iovec iov[2])
{
    uint32_t left = payload_left(stripe);
    memcpy(staging->bytes, stripe->partial, stripe->partial_bytes);
    struct iovec rest = {staging->bytes + stripe->partial_bytes,
                         sizeof staging->bytes - stripe->partial_bytes};
    if (left == 0) {
        iov[0] = rest;
        return 1;
    }
    bool wanted = stripe->in.target != NULL;
    iov[0].iov_base = wanted ? stripe->in.target + stripe->in_written : staging->sink;
    iov[0].iov_len = wanted ? left : HWI_MIN(left, (uint32_t)sizeof staging->sink);
    if (iov[0].iov_len < left) {
        return 1;
    }
    if (left >= LARGE_BYTES) {
        rest.iov_len = AHEAD_BYTES;
    }
    iov[1] = rest;
    return 2;
}

static bool consume(struct reader *reader, const struct hwi_staging *staging, size_t count)
{
    struct hwi_stripe *stripe = reader->stripe;
    uint32_t left = payload_left(stripe);
    uint32_t direct = (uint32_t)HWI_MIN(count, (size_t)left);
    stripe->in_written += direct;
    if (direct < left) {
        return true;
    }
    return parse(reader, staging->bytes, stripe->partial_bytes + count - direct);
}

static enum hwi_progress over(struct reader *reader, ssize_t got)
{
    if (got == 0) {
        broken(reader, "the other side closed it");
    } else {
        hwi_errno_text(errno, reader->why, HWI_WHY_BYTES_MAX);
    }
    return HWI_PROGRESS_OVER;
}

enum hwi_progress hwi_stripe_read(struct hwi_stripe *stripe, struct hwi_data *data, uint64_t peer,
                                  struct hwi_staging *staging, char why[HWI_WHY_BYTES_MAX])
{
    struct reader reader = {stripe, data, peer, why};
    for (size_t total = 0; total < HWI_STRIPE_TURN_BYTES_MAX;) {
        struct iovec iov[2] = {{0}};
        int places = place(stripe, staging, iov);
        ssize_t got = readv(stripe->watch.fd, iov, places);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 && errno == EAGAIN) {
            return HWI_PROGRESS_IDLE;
        }
        if (got <= 0) {
            return over(&reader, got);
        }
        stripe->bytes_received += (size_t)got;
        if (!consume(&reader, staging, (size_t)got)) {
            return HWI_PROGRESS_OVER;
        }
        total += (size_t)got;
        // Fewer bytes than there was room for: the socket is empty, no call is needed to learn it.
        if ((size_t)got < iov[0].iov_len + iov[1].iov_len) {
            return HWI_PROGRESS_IDLE;
        }
    }
    return HWI_PROGRESS_MORE;
}
