// SPDX-License-Identifier: MIT
// A stretch of memory as plain bytes: those that lie there, if their memory can be reached
// directly, else a copy of them.
#ifndef HAWSER_TRANSPORT_DATA_SPAN_H
#define HAWSER_TRANSPORT_DATA_SPAN_H

#include "transport/data/pool.h"
#include "transport/memory/memory.h"

struct hwi_span {
    unsigned char *bytes;
    void *staged; // from the pool; NULL = no copy
};

// The bytes at `at` now, for reading. False if memory is short.
bool hwi_span_read(struct hwi_pool *pool, struct hwi_location at, uint32_t bytes,
                   struct hwi_span *span);
// Room for all of it, to be written and then committed; holds anything. False likewise.
bool hwi_span_write(struct hwi_pool *pool, struct hwi_location at, uint32_t bytes,
                    struct hwi_span *span);
// Brings what was written to where it belongs, and closes.
void hwi_span_commit(struct hwi_pool *pool, struct hwi_location at, uint32_t bytes,
                     struct hwi_span *span);
void hwi_span_close(struct hwi_pool *pool, struct hwi_span *span);

#endif
