// SPDX-License-Identifier: MIT
#include "transport/data/span.h"

bool hwi_span_write(struct hwi_pool *pool, struct hwi_location at, uint32_t bytes,
                    struct hwi_span *span)
{
    *span = (struct hwi_span){.bytes = hwi_location_direct(at, bytes)};
    if (span->bytes == NULL) {
        span->bytes = span->staged = hwi_pool_take(pool, bytes);
    }
    return span->bytes != NULL;
}

bool hwi_span_read(struct hwi_pool *pool, struct hwi_location at, uint32_t bytes,
                   struct hwi_span *span)
{
    if (!hwi_span_write(pool, at, bytes, span)) {
        return false;
    }
    if (span->staged != NULL) {
        hwi_location_copy_out(at, span->staged, bytes);
    }
    return true;
}

void hwi_span_commit(struct hwi_pool *pool, struct hwi_location at, uint32_t bytes,
                     struct hwi_span *span)
{
    if (span->staged != NULL) {
        hwi_location_copy_in(at, span->staged, bytes);
    }
    hwi_span_close(pool, span);
}

void hwi_span_close(struct hwi_pool *pool, struct hwi_span *span)
{
    hwi_pool_give(pool, span->staged);
    *span = (struct hwi_span){0};
}
