// SPDX-License-Identifier: MIT
#include "tools/hawser/trace/source.h"

bool trace_is_current(const struct trace_source *source)
{
    for (uint32_t i = 0; i < source->ring_count; i++) {
        if (!source->rings[i].current && !source->rings[i].ended) {
            return false;
        }
    }
    return source->ring_count > 0;
}

bool trace_has_ended(const struct trace_source *source)
{
    for (uint32_t i = 0; i < source->ring_count; i++) {
        if (!source->rings[i].ended) {
            return false;
        }
    }
    return source->ring_count > 0;
}
