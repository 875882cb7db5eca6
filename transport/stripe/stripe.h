// SPDX-License-Identifier: MIT
// A stripe's frames as bytes: cut from the data port into a stream, and put together from one.
// Hosts and the simulator use this same code; it knows no descriptor and no clock. A stream carries
// the bytes. It is a table of two functions: a socket, memory, or something that seals what it
// passes on to another stream.
//
// Frames in hand are the reader's or the writer's: the data port has pointers into both, so they
// stay at one place until hwi_stripe_reader_end and hwi_stripe_writer_end have given all back.
#ifndef HAWSER_TRANSPORT_STRIPE_STRIPE_H
#define HAWSER_TRANSPORT_STRIPE_STRIPE_H

#include <sys/types.h>
#include <sys/uio.h>

#include "transport/data/data.h"

enum {
    HWI_STRIPE_GATHER_BYTES = 64 << 10,  // a writer takes no further frame with this many in hand
    HWI_STRIPE_TURN_BYTES_MAX = 1 << 20, // read or written before the others have their turn
    HWI_STRIPE_PARTS_MAX = 32,           // of one write
    HWI_STAGING_BYTES = 64 << 10,        // headers, trailers and small payloads are read here
};

// Both return how many bytes (at least 1), or
//   0            read only: the other side has closed it
//   -EAGAIN      not now
//   another -E   it is broken
// Fewer bytes than `parts` have: no more are there to be read, or there is room for no more.
// `parts` are borrowed until return. Nothing blocks.
struct hwi_stream_ops {
    ssize_t (*read)(void *user, const struct iovec *parts, int count);
    ssize_t (*write)(void *user, const struct iovec *parts, int count);
    // Sends on what `write` took and has kept: 0 = nothing is kept any more, or a negative value as
    // above. NULL = it keeps nothing.
    ssize_t (*flush)(void *user);
};

struct hwi_stream {
    const struct hwi_stream_ops *ops; // borrowed
    void *user;
};

// Whose frames a stripe carries.
struct hwi_stripe_owner {
    struct hwi_data *data; // borrowed
    uint64_t peer;
    enum hwi_lane lane;
};

// Why a stripe is broken: what the peer did (static text), or else an errno value.
struct hwi_stripe_fault {
    const char *why; // NULL = `error` says it
    int error;
};

enum hwi_progress {
    HWI_PROGRESS_IDLE,    // all there was is done
    HWI_PROGRESS_BLOCKED, // write: the stream takes no more now
    HWI_PROGRESS_MORE,    // the turn's bytes are used up
    HWI_PROGRESS_OVER,    // it is broken; *fault says why
};

// Memory that all readers of a thread read through; nothing stays in it between calls.
struct hwi_staging {
    unsigned char bytes[HWI_STAGING_BYTES];
    unsigned char sink[HWI_STAGING_BYTES]; // what nobody wants
};

// ---- bytes to frames

// All zero to begin with.
struct hwi_stripe_reader {
    bool arriving;   // `in` is held
    uint32_t placed; // payload bytes of it received
    struct hwi_frame_in in;
    // A header or trailer of which more is to come
    unsigned char partial[HWI_FRAME_HEADER_BYTES];
    uint32_t partial_bytes;
    uint64_t bytes; // read so far, headers included
};

// Reads what is there, at most a turn's bytes, and hands whole frames to the data port.
enum hwi_progress hwi_stripe_read(struct hwi_stripe_reader *reader,
                                  const struct hwi_stripe_owner *owner,
                                  const struct hwi_stream *stream, struct hwi_staging *staging,
                                  struct hwi_stripe_fault *fault);
// Gives the frame in hand back to `data`, which may be NULL if there is none.
void hwi_stripe_reader_end(struct hwi_stripe_reader *reader, struct hwi_data *data);

// ---- frames to bytes

struct hwi_stripe_writer {
    struct hwi_frame_out *frames; // a ring of `room`, borrowed until the end
    uint32_t room;                // at most HWI_STRIPE_PARTS_MAX / 3
    uint32_t first, count;
    bool kept;      // the stream has taken what it could not send yet
    uint64_t bytes; // written so far, headers included
};

// True if what has begun to leave has not left whole.
static inline bool hwi_stripe_unfinished(const struct hwi_stripe_writer *writer)
{
    return writer->count > 0 || writer->kept;
}

// Takes frames from the data port until there is enough in hand; false if there is nothing.
bool hwi_stripe_pull(struct hwi_stripe_writer *writer, const struct hwi_stripe_owner *owner);
// Writes of what is in hand what the stream takes at once. IDLE = all that was tried has left;
// nothing is left in hand, or it is to be called again.
enum hwi_progress hwi_stripe_flush(struct hwi_stripe_writer *writer, struct hwi_data *data,
                                   const struct hwi_stream *stream, struct hwi_stripe_fault *fault);
// Both, until nothing waits, the stream is full, or a turn's bytes have left.
enum hwi_progress hwi_stripe_write(struct hwi_stripe_writer *writer,
                                   const struct hwi_stripe_owner *owner,
                                   const struct hwi_stream *stream, struct hwi_stripe_fault *fault);
// Gives the frames in hand back to `data`, which may be NULL if there is none.
void hwi_stripe_writer_end(struct hwi_stripe_writer *writer, struct hwi_data *data);

#endif
