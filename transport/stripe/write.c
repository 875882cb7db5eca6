// SPDX-License-Identifier: MIT
// Frames to bytes: what a stripe has in hand leaves in one call, header, payload and trailer of
// each. In the place of a payload that was given up go zeros.
#include "transport/stripe/stripe.h"

#include <errno.h>

enum { ZEROS_BYTES = 64 << 10 };

static const unsigned char zeros[ZEROS_BYTES];

struct parts {
    struct iovec iov[HWI_STRIPE_PARTS_MAX];
    int count;
    size_t bytes;
};

static uint32_t frame_bytes(const struct hwi_frame_out *out)
{
    return HWI_FRAME_HEADER_BYTES + out->frame.payload_bytes + HWI_FRAME_TRAILER_BYTES;
}

static struct hwi_frame_out *frame_at(const struct hwi_stripe_writer *writer, uint32_t index)
{
    return &writer->frames[(writer->first + index) % writer->room];
}

bool hwi_stripe_pull(struct hwi_stripe_writer *writer, const struct hwi_stripe_owner *owner)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < writer->count; i++) {
        bytes += frame_bytes(frame_at(writer, i)) - frame_at(writer, i)->written;
    }
    while (writer->count < writer->room && bytes < HWI_STRIPE_GATHER_BYTES) {
        struct hwi_frame_out *out = frame_at(writer, writer->count);
        if (!hwi_data_next(owner->data, owner->peer, owner->lane, out)) {
            break;
        }
        writer->count++;
        bytes += frame_bytes(out);
    }
    return writer->count > 0;
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

static struct parts gather(const struct hwi_stripe_writer *writer)
{
    struct parts parts = {.count = 0};
    for (uint32_t i = 0; i < writer->count; i++) {
        if (!add_frame(&parts, frame_at(writer, i))) {
            break;
        }
    }
    return parts;
}

static void advance(struct hwi_stripe_writer *writer, struct hwi_data *data, size_t count)
{
    while (writer->count > 0) {
        struct hwi_frame_out *out = frame_at(writer, 0);
        size_t left = frame_bytes(out) - out->written;
        if (count < left) {
            out->written += (uint32_t)count;
            return;
        }
        count -= left;
        out->written += (uint32_t)left;
        hwi_data_sent(data, out, true);
        writer->first = (writer->first + 1) % writer->room;
        writer->count--;
    }
}

enum hwi_progress hwi_stripe_flush(struct hwi_stripe_writer *writer, struct hwi_data *data,
                                   const struct hwi_stream *stream, struct hwi_stripe_fault *fault)
{
    struct parts parts = gather(writer);
    if (parts.count == 0) {
        return HWI_PROGRESS_IDLE;
    }
    ssize_t sent = stream->ops->write(stream->user, parts.iov, parts.count);
    if (sent < 0 && sent != -EAGAIN) {
        *fault = (struct hwi_stripe_fault){.error = (int)-sent};
        return HWI_PROGRESS_OVER;
    }
    if (sent > 0) {
        writer->bytes += (size_t)sent;
        advance(writer, data, (size_t)sent);
    }
    return sent < (ssize_t)parts.bytes ? HWI_PROGRESS_BLOCKED : HWI_PROGRESS_IDLE;
}

// Nothing waits to be written: what about that which the stream has kept?
static enum hwi_progress flush_kept(struct hwi_stripe_writer *writer,
                                    const struct hwi_stream *stream, struct hwi_stripe_fault *fault)
{
    ssize_t flushed = stream->ops->flush != NULL ? stream->ops->flush(stream->user) : 0;
    writer->kept = flushed == -EAGAIN;
    if (flushed < 0 && !writer->kept) {
        *fault = (struct hwi_stripe_fault){.error = (int)-flushed};
        return HWI_PROGRESS_OVER;
    }
    return writer->kept ? HWI_PROGRESS_BLOCKED : HWI_PROGRESS_IDLE;
}

enum hwi_progress hwi_stripe_write(struct hwi_stripe_writer *writer,
                                   const struct hwi_stripe_owner *owner,
                                   const struct hwi_stream *stream, struct hwi_stripe_fault *fault)
{
    uint64_t end = writer->bytes + HWI_STRIPE_TURN_BYTES_MAX;
    while (writer->bytes < end) {
        if (!hwi_stripe_pull(writer, owner)) {
            return flush_kept(writer, stream, fault);
        }
        enum hwi_progress progress = hwi_stripe_flush(writer, owner->data, stream, fault);
        if (progress != HWI_PROGRESS_IDLE) {
            return progress;
        }
    }
    return HWI_PROGRESS_MORE;
}

void hwi_stripe_writer_end(struct hwi_stripe_writer *writer, struct hwi_data *data)
{
    for (; writer->count > 0; writer->count--) {
        hwi_data_sent(data, frame_at(writer, 0), false);
        writer->first = (writer->first + 1) % writer->room;
    }
}
