// SPDX-License-Identifier: MIT
// Shared by the parts of `hawser trace`.
#ifndef HAWSER_TOOLS_HAWSER_TRACE_TRACE_H
#define HAWSER_TOOLS_HAWSER_TRACE_TRACE_H

#include <stdio.h>

#include "tools/hawser/trace/source.h"

enum { TRACE_TARGET_BYTES = 256, TRACE_WHO_BYTES = 48 };

// Which records are wanted; all zero = all.
struct trace_filter {
    uint32_t actors;                       // bit per enum hwi_role; 0 = all
    uint8_t messages[HWI_MSG_TYPE_MAX];    // 1 = wanted
    bool some_messages;                    // `messages` counts
    bool some_tag, some_view, some_member; // the numbers below count
    uint64_t tag, view, member;            // member 0 = the master
};

struct trace_options {
    const char *target;  // borrowed from the arguments
    const char *picture; // where --perfetto writes; NULL = lines are printed
    struct trace_filter filter;
    bool history, follow; // begin with the content of the rings; continue with new messages
    bool json;            // an object a line, in place of lines for people
    uint64_t for_ms;      // 0 = no end
    uint64_t count;       // records; UINT64_MAX = no end
};

// Fills *options. Returns EXIT_OK, or another code for the process to exit with; *done is set if
// the help was printed.
int trace_parse(struct trace_options *options, int argc, char **argv, bool *done);

bool trace_wanted(const struct trace_filter *filter, const struct trace_ring *ring,
                  const struct hwi_ring_record *record);

// The sender or the receiver of a message: "master", "peer of member 2". `text` holds
// TRACE_WHO_BYTES.
void trace_print_other(const struct trace_source *source, struct hwi_addr other, char *text);

// "member 2 (pid 4711)", "master (pid 4700)"; cut to `bytes`.
void trace_print_process(const struct trace_ring *ring, char *text, size_t bytes);
// One line for a record of `source`.
void trace_print_item(FILE *stream, const struct trace_source *source,
                      const struct trace_item *item);

// json.c: the same as one object, and what else a trace tells.
void trace_put_item(FILE *stream, const struct trace_source *source, const struct trace_item *item);
void trace_put_loss(FILE *stream, const struct trace_ring *ring, uint64_t lost);
struct trace_end {
    uint64_t shown, lost, awaited; // messages
    const char *missing;           // who sent nothing; empty = all did; borrowed
    bool ended;                    // all processes have ended
};
void trace_put_end(FILE *stream, const struct trace_end *end);

#endif
