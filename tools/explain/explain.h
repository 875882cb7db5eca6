// SPDX-License-Identifier: MIT
// Says in plain words what went wrong first in a run, from its rings. Pure: the same
// rings give the same report; no clock, no files. One thread at a time.
#ifndef HAWSER_TOOLS_EXPLAIN_EXPLAIN_H
#define HAWSER_TOOLS_EXPLAIN_EXPLAIN_H

#include "actors/loop/ring.h"

enum {
    EXPLAIN_SENTENCE_MAX = 400,
    EXPLAIN_LINE_MAX = 200,
    EXPLAIN_LINES_MAX = 12, // of evidence, for each finding
    EXPLAIN_FINDINGS_MAX = 32,
};

// The messages that one process received and sent. Times are nanoseconds on its monotonic clock.
struct explain_ring {
    struct hwi_ring_owner owner;
    uint64_t realtime_zero_ns;             // CLOCK_REALTIME - its monotonic clock; 0 = virtual time
    const struct hwi_ring_record *records; // in order of number, which may have gaps
    uint32_t count;
    uint64_t as_of_ns; // when it was read; 0 = at its last record
    bool live;         // read from a process that lives; else from a file
    uint64_t lost;     // records that the reader knows it did not get, gaps between others included
    char trouble[HWI_TEXT_BYTES_MAX]; // a master's: why it could not store last; empty = not known
};

struct explain_input {
    const struct explain_ring *rings;
    uint32_t count;
    const struct hwi_msg_status *status; // how the master says that the run stands, or NULL
    uint64_t patience_ns;                // what lasts less is no finding; 0 = a second
};

struct explain_finding {
    const char *rule; // that found it: "members", "operations", ... static
    int64_t at_ns;    // since when, on the common clock
    bool open;        // it still is so
    bool over;        // operations were committed in a later view: the run has continued
    bool first;       // while it is open, nothing else can end: it comes before its causes
    bool mild;        // nothing waits or failed for it: slow members, states that were repaired
    char sentence[EXPLAIN_SENTENCE_MAX];
    char lines[EXPLAIN_LINES_MAX][EXPLAIN_LINE_MAX]; // the evidence, by time
    int64_t line_ns[EXPLAIN_LINES_MAX];
    uint32_t line_count;
    char hint[EXPLAIN_SENTENCE_MAX];
};

struct explain_report {
    int64_t now_ns; // the latest moment that any ring knows, on the common clock
    bool realtime;  // the common clock counts from 1970; else it is virtual
    bool trouble;   // something is open or not over; else the first finding says that nothing waits
    char caveat[EXPLAIN_SENTENCE_MAX]; // what is missing (records, rings), or empty
    struct explain_finding findings[EXPLAIN_FINDINGS_MAX]; // first cause first; at least one
    uint32_t count;
};

// Fills in *report. The input is borrowed until return.
void explain_analyse(const struct explain_input *input, struct explain_report *report);

// "12.0 s", "340 ms".
void explain_print_time(int64_t ns, char *text, size_t bytes);

#endif
