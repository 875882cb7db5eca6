// SPDX-License-Identifier: MIT
// Shared by the parts of the picture.
#ifndef HAWSER_TOOLS_HAWSER_PICTURE_PARTS_H
#define HAWSER_TOOLS_HAWSER_PICTURE_PARTS_H

#include <stdio.h>

#include "tools/hawser/picture/perfetto.h"

enum { PERFETTO_NONE = UINT32_MAX };

struct perfetto_item {
    struct hwi_ring_record record;
    uint32_t process;
    uint32_t order; // in which it was added
    uint32_t match; // index of the other side's item, or PERFETTO_NONE
};

struct perfetto_process {
    struct hwi_ring_owner owner;
    uint64_t realtime_zero_ns;
    uint32_t machine;      // index
    uint32_t first, count; // its items, once they are sorted
    bool known;
};

struct perfetto {
    struct perfetto_item *items;
    uint32_t item_count, item_capacity;
    uint64_t dropped; // beyond PERFETTO_RECORDS_MAX, or older than what the file has room for
    uint64_t bytes_max;
    struct perfetto_process *processes;
    uint32_t process_count;
    int64_t *shifts; // by machine: what makes its monotonic clock the picture's
    uint32_t machine_count;
    int64_t start_ns; // the picture's left edge
};

// The time of a moment of `process`, in the picture.
int64_t perfetto_time(const struct perfetto *p, uint32_t process, uint64_t ns);

// perfetto_match.c. Finds machines, relates their clocks, and says of each item which one is its
// other side. False: no memory.
bool perfetto_match(struct perfetto *p);

// perfetto_events.c: one event each, written to `out`.
struct perfetto_out {
    FILE *stream;
    bool some;                 // an event was written: a comma comes first
    bool failed;               // no memory for an event
    uint32_t ids;              // of flows and spans
    uint64_t bytes, bytes_max; // written, and at most
    uint64_t left_out;         // messages for which there was no room
};
// Whether an arrow, a span or a slice still fits: each is written whole or not at all.
bool perfetto_has_room(const struct perfetto_out *out);
struct perfetto_track {
    uint32_t process;
    uint8_t actor; // enum hwi_role
};
void perfetto_put_names(struct perfetto_out *out, const struct perfetto *p);
// A received message, or a message sent at a time when its actor has no slice. A length
// of 0: it is not known.
void perfetto_put_slice(struct perfetto_out *out, struct perfetto_track track, int64_t start_ns,
                        int64_t duration_ns, const struct hwi_ring_record *record);
// A sent message.
void perfetto_put_mark(struct perfetto_out *out, struct perfetto_track track, int64_t at_ns,
                       const struct hwi_ring_record *record);
void perfetto_put_flow(struct perfetto_out *out, const char *name, struct perfetto_track from,
                       int64_t from_ns, struct perfetto_track to, int64_t to_ns);
// A span on a separate track (one for all of the same name). `marked_ns`: a mark within, or < 0.
struct perfetto_span {
    const char *category, *name, *what; // `what` is shown when it is selected
    uint32_t process;
    int64_t start_ns, end_ns, marked_ns;
    const char *mark;
};
void perfetto_put_span(struct perfetto_out *out, const struct perfetto_span *span);

// perfetto_spans.c: operations, from call to reply, and data on its way. False: no memory.
bool perfetto_put_operations(struct perfetto_out *out, const struct perfetto *p);
bool perfetto_put_transfers(struct perfetto_out *out, const struct perfetto *p);

#endif
