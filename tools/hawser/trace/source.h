// SPDX-License-Identifier: MIT
// Where a trace comes from: the rings of processes of this machine, or those of a whole run through
// its master. Both look alike to the code that prints or draws. Owner thread only.
#ifndef HAWSER_TOOLS_HAWSER_TRACE_SOURCE_H
#define HAWSER_TOOLS_HAWSER_TRACE_SOURCE_H

#include "actors/loop/ring.h"

enum {
    TRACE_RINGS_MAX = HWI_MEMBERS_MAX + 1, // of one source
    TRACE_PIDS_MAX = 256,                  // of one target
    TRACE_ERROR_BYTES = 256,
};

// One ring, as far as it is known; never taken away while the source is open.
struct trace_ring {
    struct hwi_ring_owner owner; // as last told
    uint64_t realtime_zero_ns;   // CLOCK_REALTIME - CLOCK_MONOTONIC: rings that agree in it to a
                                 // millisecond are on one machine and share its monotonic clock
    uint64_t lost;               // records that this reader did not get, exactly
    uint64_t awaited; // of what it held when it was opened: records that have not come yet
    bool current;     // what it held when it was opened has been read (or never asked for)
    bool ended;       // its process is gone or let go: nothing more will come
};

// One record. Within a ring they come in order of number; `arrived` and `handled` are nanoseconds
// on the monotonic clock of the ring's machine.
struct trace_item {
    uint32_t ring; // index in the source's rings
    struct hwi_ring_record record;
};

struct trace_source {
    const struct trace_source_ops *ops;
    struct trace_ring *rings; // owned by the source; new ones are added at the end, it may move
    uint32_t ring_count;
    uint32_t promised; // rings that are to come, as a master says; 0 = those that are there
};

struct trace_source_ops {
    // Copies up to `max` records that are new; waits up to `timeout_ms` for the first. 0: nothing
    // came, or a signal did. Counts what was lost in the rings, and finds out who has ended.
    uint32_t (*read)(struct trace_source *source, struct trace_item *items, uint32_t max,
                     uint32_t timeout_ms);
    void (*close)(struct trace_source *source); // takes
};

// The hosts of these processes. `history`: begin with what the rings still hold, else with news.
// Returns owned, or NULL with a sentence in `error` (TRACE_ERROR_BYTES).
struct trace_source *trace_open_processes(const uint32_t *pids, uint32_t count, bool history,
                                          char *error);
// The whole run of the master at "HOST:PORT". Likewise.
struct trace_source *trace_open_run(const char *master, bool history, char *error);

enum { TRACE_QUIET_MS = 1500 }; // so long without news of what is awaited: it does not come

// True once every ring is current, also those that are promised; or all have ended (and there is
// one).
bool trace_is_current(const struct trace_source *source);
// True if a read brought something that was awaited: a ring beyond the first `rings`, or one of
// `items` that is of a ring which is not current.
bool trace_is_awaited(const struct trace_source *source, uint32_t rings,
                      const struct trace_item *items, uint32_t count);
// How many promised rings have not come or have gone silent.
uint32_t trace_missing(const struct trace_source *source);
// Writes who they are, by what the master says of its members: "member 3", "members 3 and 5"; or
// "2 processes" if `status` is NULL or does not tell. `text` (TRACE_ERROR_BYTES) is written.
void trace_print_missing(const struct trace_source *source, const struct hwi_msg_status *status,
                         char *text);
bool trace_has_ended(const struct trace_source *source);

#endif
