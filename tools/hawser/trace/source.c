// SPDX-License-Identifier: MIT
#include "tools/hawser/trace/source.h"

#include <inttypes.h>
#include <stdio.h>

static uint32_t count_live(const struct trace_source *source)
{
    uint32_t live = 0;
    for (uint32_t i = 0; i < source->ring_count; i++) {
        live += !source->rings[i].ended;
    }
    return live;
}

uint32_t trace_missing(const struct trace_source *source)
{
    uint32_t live = count_live(source);
    return source->promised > live ? source->promised - live : 0;
}

bool trace_is_current(const struct trace_source *source)
{
    for (uint32_t i = 0; i < source->ring_count; i++) {
        if (!source->rings[i].current && !source->rings[i].ended) {
            return false;
        }
    }
    return source->ring_count > 0 && trace_missing(source) == 0;
}

bool trace_is_awaited(const struct trace_source *source, uint32_t rings,
                      const struct trace_item *items, uint32_t count)
{
    bool awaited = source->ring_count > rings;
    for (uint32_t i = 0; i < count && !awaited; i++) {
        awaited = !source->rings[items[i].ring].current;
    }
    return awaited;
}

bool trace_has_ended(const struct trace_source *source)
{
    return source->ring_count > 0 && count_live(source) == 0;
}

// ---- the missing -------------------------------------------------------------------------------

static bool has_member(const struct trace_source *source, uint64_t peer)
{
    for (uint32_t i = 0; i < source->ring_count; i++) {
        if (!source->rings[i].ended && source->rings[i].owner.peer == peer) {
            return true;
        }
    }
    return false;
}

void trace_print_missing(const struct trace_source *source, const struct hwi_msg_status *status,
                         char *text)
{
    enum { NAMED_MAX = 8 };
    uint64_t ids[NAMED_MAX];
    uint32_t count = 0, missing = trace_missing(source);
    size_t at = 0;
    for (uint32_t i = 0; status != NULL && i < status->members_count; i++) {
        if (!has_member(source, status->members[i].peer)) {
            if (count < NAMED_MAX) {
                ids[count] = status->members[i].peer;
            }
            count++;
        }
    }
    if (count == 0) {
        snprintf(text, TRACE_ERROR_BYTES, "%" PRIu32 " process%s", missing,
                 missing == 1 ? "" : "es");
        return;
    }
    for (uint32_t i = 0; i < HWI_MIN(count, (uint32_t)NAMED_MAX); i++) {
        const char *before = i == 0           ? (count == 1 ? "member " : "members ")
                             : i + 1 == count ? " and "
                                              : ", ";
        at += (size_t)snprintf(text + at, TRACE_ERROR_BYTES - at, "%s%" PRIu64, before, ids[i]);
    }
    if (count > NAMED_MAX) {
        snprintf(text + at, TRACE_ERROR_BYTES - at, " and %" PRIu32 " more", count - NAMED_MAX);
    }
}
