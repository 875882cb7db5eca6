// SPDX-License-Identifier: MIT
// Counts of dropped messages, records and connections, by the names that all commands use.
#ifndef HAWSER_TOOLS_HAWSER_COMMON_DROPPED_H
#define HAWSER_TOOLS_HAWSER_COMMON_DROPPED_H

#include "actors/wire/msg.h"

enum { DROPPED_KINDS = 7 };

struct dropped {
    const char *name; // static
    uint64_t count;
};

void dropped_list(const struct hwi_counters *counters, struct dropped list[DROPPED_KINDS]);

#endif
