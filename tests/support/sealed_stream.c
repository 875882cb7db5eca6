// SPDX-License-Identifier: MIT
#include "tests/support/sealed_stream.h"

#include <errno.h>
#include <string.h>

static unsigned char key_at(uint64_t place)
{
    return (unsigned char)(place * 167 + 43);
}

// ---- out

// Sends on what is left of the record; 0 = all of it.
static ssize_t flush(void *user)
{
    struct sealed_stream *sealed = user;
    while (sealed->out_at < sealed->out_end) {
        struct iovec rest = {sealed->out + sealed->out_at, sealed->out_end - sealed->out_at};
        ssize_t sent = sealed->inner.ops->write(sealed->inner.user, &rest, 1);
        if (sent < 0) {
            return sent;
        }
        sealed->out_at += (size_t)sent;
    }
    sealed->out_at = sealed->out_end = 0;
    return 0;
}

// Adds to the record that is being made what there is room for; returns how many bytes.
static size_t seal(struct sealed_stream *sealed, const unsigned char *bytes, size_t count)
{
    size_t end = HWI_MAX(sealed->out_end, (size_t)SEALED_HEAD_BYTES);
    size_t taken = HWI_MIN(count, sizeof sealed->out - end);
    for (size_t i = 0; i < taken; i++) {
        sealed->out[end + i] = bytes[i] ^ key_at(sealed->sealed++);
    }
    sealed->out_end = end + taken;
    sealed->out[0] = (unsigned char)((sealed->out_end - SEALED_HEAD_BYTES) >> 8);
    sealed->out[1] = (unsigned char)(sealed->out_end - SEALED_HEAD_BYTES);
    return taken;
}

static ssize_t write_sealed(void *user, const struct iovec *parts, int count)
{
    struct sealed_stream *sealed = user;
    size_t taken = 0;
    ssize_t flushed = flush(sealed);
    for (int i = 0; i < count && flushed == 0; i++) {
        const unsigned char *part = parts[i].iov_base;
        for (size_t at = 0; at < parts[i].iov_len && flushed == 0;) {
            size_t bytes = seal(sealed, part + at, parts[i].iov_len - at);
            at += bytes;
            taken += bytes;
            flushed = sealed->out_end == sizeof sealed->out ? flush(sealed) : 0;
        }
    }
    flushed = flushed == 0 ? flush(sealed) : flushed;
    return taken > 0 ? (ssize_t)taken : flushed;
}

// ---- in

static size_t record_bytes(const struct sealed_stream *sealed)
{
    return SEALED_HEAD_BYTES + ((size_t)sealed->in[0] << 8 | sealed->in[1]);
}

static bool is_whole(const struct sealed_stream *sealed)
{
    return sealed->in_end >= SEALED_HEAD_BYTES && sealed->in_end == record_bytes(sealed);
}

// 1 = a record is there; else what the inner stream said.
static ssize_t read_record(struct sealed_stream *sealed)
{
    while (!is_whole(sealed)) {
        bool head = sealed->in_end < SEALED_HEAD_BYTES;
        size_t end = head ? SEALED_HEAD_BYTES : record_bytes(sealed);
        if (end > sizeof sealed->in) {
            return -EPROTO;
        }
        struct iovec rest = {sealed->in + sealed->in_end, end - sealed->in_end};
        ssize_t got = sealed->inner.ops->read(sealed->inner.user, &rest, 1);
        if (got <= 0) {
            return got;
        }
        sealed->in_end += (size_t)got;
    }
    if (sealed->in_at == 0) {
        sealed->in_at = SEALED_HEAD_BYTES;
    }
    return 1;
}

static size_t open_into(struct sealed_stream *sealed, unsigned char *to, size_t room)
{
    size_t bytes = HWI_MIN(room, sealed->in_end - sealed->in_at);
    for (size_t i = 0; i < bytes; i++) {
        to[i] = sealed->in[sealed->in_at++] ^ key_at(sealed->opened++);
    }
    if (sealed->in_at == sealed->in_end) {
        sealed->in_at = sealed->in_end = 0;
    }
    return bytes;
}

static ssize_t read_sealed(void *user, const struct iovec *parts, int count)
{
    struct sealed_stream *sealed = user;
    size_t given = 0;
    for (int i = 0; i < count; i++) {
        for (size_t at = 0; at < parts[i].iov_len;) {
            ssize_t got = read_record(sealed);
            if (got <= 0) {
                return given > 0 ? (ssize_t)given : got;
            }
            size_t bytes =
                open_into(sealed, (unsigned char *)parts[i].iov_base + at, parts[i].iov_len - at);
            at += bytes;
            given += bytes;
        }
    }
    return (ssize_t)given;
}

static const struct hwi_stream_ops sealed_ops = {
    .read = read_sealed, .write = write_sealed, .flush = flush};

struct hwi_stream sealed_stream(struct sealed_stream *sealed)
{
    return (struct hwi_stream){.ops = &sealed_ops, .user = sealed};
}
