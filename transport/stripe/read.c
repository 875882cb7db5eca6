// SPDX-License-Identifier: MIT
// Bytes to frames. A large payload is read straight to its target, and what follows it, like all
// that is small, into the staging buffer that a thread's readers share; less than a header or a
// trailer is kept in the reader until the rest comes.
#include "transport/stripe/stripe.h"

#include <errno.h>
#include <string.h>

enum {
    LARGE_BYTES = 16 << 10, // of such a payload's successor only the header is read along: the rest
                            // would be copied
    AHEAD_BYTES = HWI_FRAME_TRAILER_BYTES + HWI_FRAME_HEADER_BYTES,
};

struct reading {
    struct hwi_stripe_reader *reader;
    const struct hwi_stripe_owner *owner;
    struct hwi_stripe_fault *fault;
};

static bool begin_frame(const struct reading *reading, const unsigned char *header)
{
    struct hwi_stripe_reader *reader = reading->reader;
    const struct hwi_stripe_owner *owner = reading->owner;
    if (hwi_data_arriving(owner->data, owner->peer, owner->lane, header, &reader->in,
                          &reading->fault->why) != HWI_VERDICT_OK) {
        return false;
    }
    reader->arriving = true;
    reader->placed = 0;
    return true;
}

static bool end_frame(const struct reading *reading, const unsigned char *trailer)
{
    struct hwi_stripe_reader *reader = reading->reader;
    reader->arriving = false;
    return hwi_data_received(reading->owner->data, &reader->in, trailer, &reading->fault->why) ==
           HWI_VERDICT_OK;
}

static uint32_t payload_left(const struct hwi_stripe_reader *reader)
{
    return reader->arriving ? reader->in.frame.payload_bytes - reader->placed : 0;
}

static uint32_t take_payload(struct hwi_stripe_reader *reader, const unsigned char *bytes,
                             size_t count)
{
    uint32_t taken = (uint32_t)HWI_MIN(count, (size_t)payload_left(reader));
    if (reader->in.target != NULL && taken > 0) {
        memcpy(reader->in.target + reader->placed, bytes, taken);
    }
    reader->placed += taken;
    return taken;
}

// Consumes staged bytes; what is less than the next header or trailer is kept.
static bool parse(const struct reading *reading, const unsigned char *bytes, size_t count)
{
    struct hwi_stripe_reader *reader = reading->reader;
    size_t at = 0;
    for (;;) {
        if (reader->arriving) {
            at += take_payload(reader, bytes + at, count - at);
        }
        size_t need = reader->arriving ? HWI_FRAME_TRAILER_BYTES : HWI_FRAME_HEADER_BYTES;
        if (payload_left(reader) > 0 || count - at < need) {
            break;
        }
        bool whole = reader->arriving;
        if (!(whole ? end_frame(reading, bytes + at) : begin_frame(reading, bytes + at))) {
            return false;
        }
        at += need;
    }
    memcpy(reader->partial, bytes + at, count - at);
    reader->partial_bytes = (uint32_t)(count - at);
    return true;
}

// Where the next bytes go: the rest of the payload, then staging behind what is kept.
static int place(const struct hwi_stripe_reader *reader, struct hwi_staging *staging,
                 struct iovec parts[2])
{
    uint32_t left = payload_left(reader);
    memcpy(staging->bytes, reader->partial, reader->partial_bytes);
    struct iovec rest = {staging->bytes + reader->partial_bytes,
                         sizeof staging->bytes - reader->partial_bytes};
    if (left == 0) {
        parts[0] = rest;
        return 1;
    }
    bool wanted = reader->in.target != NULL;
    parts[0].iov_base = wanted ? reader->in.target + reader->placed : staging->sink;
    parts[0].iov_len = wanted ? left : HWI_MIN(left, (uint32_t)sizeof staging->sink);
    if (parts[0].iov_len < left) {
        return 1;
    }
    if (left >= LARGE_BYTES) {
        rest.iov_len = AHEAD_BYTES;
    }
    parts[1] = rest;
    return 2;
}

static bool consume(const struct reading *reading, const struct hwi_staging *staging, size_t count)
{
    struct hwi_stripe_reader *reader = reading->reader;
    uint32_t left = payload_left(reader);
    uint32_t direct = (uint32_t)HWI_MIN(count, (size_t)left);
    reader->placed += direct;
    if (direct < left) {
        return true;
    }
    return parse(reading, staging->bytes, reader->partial_bytes + count - direct);
}

static enum hwi_progress over(struct hwi_stripe_fault *fault, ssize_t got)
{
    if (got == 0) {
        fault->why = "the other side closed it";
    } else {
        fault->error = (int)-got;
    }
    return HWI_PROGRESS_OVER;
}

enum hwi_progress hwi_stripe_read(struct hwi_stripe_reader *reader,
                                  const struct hwi_stripe_owner *owner,
                                  const struct hwi_stream *stream, struct hwi_staging *staging,
                                  struct hwi_stripe_fault *fault)
{
    struct reading reading = {reader, owner, fault};
    *fault = (struct hwi_stripe_fault){0};
    for (size_t total = 0; total < HWI_STRIPE_TURN_BYTES_MAX;) {
        struct iovec parts[2] = {{0}};
        int count = place(reader, staging, parts);
        ssize_t got = stream->ops->read(stream->user, parts, count);
        if (got == -EAGAIN) {
            return HWI_PROGRESS_IDLE;
        }
        if (got <= 0) {
            return over(fault, got);
        }
        reader->bytes += (size_t)got;
        if (!consume(&reading, staging, (size_t)got)) {
            return HWI_PROGRESS_OVER;
        }
        total += (size_t)got;
        // Fewer bytes than there was room for: the stream is empty, no call is needed to learn it.
        if ((size_t)got < parts[0].iov_len + parts[1].iov_len) {
            return HWI_PROGRESS_IDLE;
        }
    }
    return HWI_PROGRESS_MORE;
}

void hwi_stripe_reader_end(struct hwi_stripe_reader *reader, struct hwi_data *data)
{
    const char *why;
    if (reader->arriving) {
        hwi_data_received(data, &reader->in, NULL, &why);
    }
    reader->arriving = false;
}
