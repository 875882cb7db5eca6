// SPDX-License-Identifier: MIT
// A stream over a stream that changes every byte on its way and cuts them into records, as an
// encrypted one does: what it has taken it must send in its own time, and what it has read it may
// have to keep. The bytes depend on their place, so none may be lost or sealed twice.
#ifndef HAWSER_TESTS_SUPPORT_SEALED_STREAM_H
#define HAWSER_TESTS_SUPPORT_SEALED_STREAM_H

#include "transport/stripe/stripe.h"

enum { SEALED_RECORD_BYTES = 3000, SEALED_HEAD_BYTES = 2 };

// One end; all zero but for `inner`.
struct sealed_stream {
    struct hwi_stream inner;
    uint64_t sealed, opened; // bytes so far
    unsigned char out[SEALED_HEAD_BYTES + SEALED_RECORD_BYTES];
    size_t out_at, out_end; // of a record that is leaving
    unsigned char in[SEALED_HEAD_BYTES + SEALED_RECORD_BYTES];
    size_t in_end; // read of the record that is coming
    size_t in_at;  // given out, once it is whole
};

struct hwi_stream sealed_stream(struct sealed_stream *sealed);

#endif
