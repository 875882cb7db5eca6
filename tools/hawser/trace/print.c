// SPDX-License-Identifier: MIT
// Which records are wanted, and their lines.
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "actors/wire/codec.h"
#include "tools/hawser/trace/trace.h"

enum { TEXT_BYTES = 192, TIME_BYTES = 16 };

static uint8_t kind_of(const struct hwi_ring_record *record)
{
    return (uint8_t)(record->kind & ~HWI_RING_SENT);
}

bool trace_wanted(const struct trace_filter *filter, const struct trace_ring *ring,
                  const struct hwi_ring_record *record)
{
    if (filter->actors && !(filter->actors & 1u << hwi_ring_actor(record))) {
        return false;
    }
    if (filter->some_messages &&
        (record->type >= HWI_MSG_TYPE_MAX || !filter->messages[record->type])) {
        return false;
    }
    if (filter->some_tag && (kind_of(record) == 0 || record->tag != filter->tag)) {
        return false;
    }
    if (filter->some_view && record->view != filter->view) {
        return false;
    }
    return !filter->some_member || ring->owner.peer == filter->member;
}

void trace_print_process(const struct trace_ring *ring, char *text, size_t bytes)
{
    if (ring->owner.peer) {
        snprintf(text, bytes, "%s %" PRIu64 " (pid %" PRIu64 ")", ring->owner.name,
                 ring->owner.peer, ring->owner.pid);
    } else {
        snprintf(text, bytes, "%s (pid %" PRIu64 ")", ring->owner.name, ring->owner.pid);
    }
}

// A session is named by the member that it is of, if that one's ring is known.
void trace_print_other(const struct trace_source *source, struct hwi_addr other, char *text)
{
    for (uint32_t i = 0; other.role == HWI_ROLE_PEER && i < source->ring_count; i++) {
        const struct hwi_ring_owner *owner = &source->rings[i].owner;
        if (other.id && owner->incarnation == other.id && owner->peer) {
            snprintf(text, TRACE_WHO_BYTES, "peer of member %" PRIu64, owner->peer);
            return;
        }
    }
    hwi_addr_print(other, text, TRACE_WHO_BYTES);
}

static void print_time(uint64_t realtime_ns, char text[TIME_BYTES])
{
    time_t seconds = (time_t)(realtime_ns / HWI_NS_PER_S);
    struct tm local;
    localtime_r(&seconds, &local);
    snprintf(text, TIME_BYTES, "%02u:%02u:%02u.%06u", (unsigned)local.tm_hour % 100,
             (unsigned)local.tm_min % 100, (unsigned)local.tm_sec % 100,
             (unsigned)(realtime_ns % HWI_NS_PER_S / 1000));
}

static void print_duration(uint64_t ns, char text[TRACE_WHO_BYTES])
{
    if (ns < 10 * 1000) {
        snprintf(text, TRACE_WHO_BYTES, "%.2f us", (double)ns / 1e3);
    } else if (ns < 10 * HWI_NS_PER_MS) {
        snprintf(text, TRACE_WHO_BYTES, "%.1f us", (double)ns / 1e3);
    } else if (ns < 10 * HWI_NS_PER_S) {
        snprintf(text, TRACE_WHO_BYTES, "%.1f ms", (double)ns / 1e6);
    } else {
        snprintf(text, TRACE_WHO_BYTES, "%.1f s", (double)ns / 1e9);
    }
}

void trace_print_item(FILE *stream, const struct trace_source *source,
                      const struct trace_item *item)
{
    const struct trace_ring *ring = &source->rings[item->ring];
    const struct hwi_ring_record *record = &item->record;
    const char *actor = hwi_role_name(hwi_ring_actor(record));
    char when[TIME_BYTES], process[TRACE_WHO_BYTES * 2], other[TRACE_WHO_BYTES], text[TEXT_BYTES];
    char waited[TRACE_WHO_BYTES];
    bool sent = hwi_ring_is_sent(record);
    print_time(ring->realtime_zero_ns + record->handled, when);
    trace_print_process(ring, process, sizeof process);
    trace_print_other(source, hwi_ring_other(record), other);
    hwi_ring_print(record, text, sizeof text);
    // A clock that was measured anew may put it a trifle before its arrival.
    print_duration(record->handled > record->arrived ? record->handled - record->arrived : 0,
                   waited);
    fprintf(stream, "%s  %-21s  %s -> %s  %s  %s%s\n", when, process, sent ? actor : other,
            sent ? other : actor, text, sent ? "said" : "waited ", sent ? "" : waited);
}
