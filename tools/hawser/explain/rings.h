// SPDX-License-Identifier: MIT
// Rings as `hawser explain` takes them: from a running trace source, from files, and into files.
#ifndef HAWSER_TOOLS_HAWSER_EXPLAIN_RINGS_H
#define HAWSER_TOOLS_HAWSER_EXPLAIN_RINGS_H

#include "tools/explain/explain.h"
#include "tools/hawser/trace/source.h"

enum { RINGS_ERROR_BYTES = 256, RINGS_FILES_MAX = 4096 };

struct explain_rings {
    struct explain_ring *rings;       // owned
    struct hwi_ring_record **records; // owned, and each of them: what rings[i].records points to
    uint32_t *capacities;             // owned
    uint32_t count, capacity;
    char missing[TRACE_ERROR_BYTES]; // members that were asked and sent nothing; empty = none
};

void rings_free(struct explain_rings *rings);

// A new, empty ring; its index.
uint32_t rings_add(struct explain_rings *rings, const struct hwi_ring_owner *owner,
                   uint64_t realtime_zero_ns);
// Times are nanoseconds already.
void rings_append(struct explain_rings *rings, uint32_t index,
                  const struct hwi_ring_record *record);
// Orders each ring's records by number and drops those that are there twice.
void rings_settle(struct explain_rings *rings);

// json.c: prints what is made of them as one JSON object.
void rings_put_report(const struct explain_rings *rings, const struct explain_report *report);

// Adds the ring in a file, or all in a directory, with its journals; several files of one process
// become one ring.
// False with a sentence in `error` (RINGS_ERROR_BYTES) if there is none that can be read; *skipped
// counts files that are no rings of this build.
bool rings_load(struct explain_rings *rings, const char *path, uint32_t *skipped, char *error);
// Adds a ring for each journal of a directory whose process has none yet, or continued after the
// file of its ring was written. Returns how many journals were read; *skipped counts the others.
uint32_t rings_load_journals(struct explain_rings *rings, const char *directory, uint32_t *skipped);
// Writes each ring to a file in `directory`, which is made if it is missing.
bool rings_save(const struct explain_rings *rings, const char *directory, char *error);

#endif
