// SPDX-License-Identifier: MIT
// More facts about a source that trace_open_run has opened.
#ifndef HAWSER_TOOLS_HAWSER_TRACE_RUN_H
#define HAWSER_TOOLS_HAWSER_TRACE_RUN_H

#include "tools/hawser/trace/source.h"

// Monotonic time of the ring's own machine when it was heard last.
uint64_t trace_run_as_of(const struct trace_source *source, uint32_t ring);

#endif
