// SPDX-License-Identifier: MIT
// Records of several processes as a picture: Chrome's trace JSON, for ui.perfetto.dev. Keeps all
// that it is given until it is written. Owner thread only.
#ifndef HAWSER_TOOLS_HAWSER_PICTURE_PERFETTO_H
#define HAWSER_TOOLS_HAWSER_PICTURE_PERFETTO_H

#include "actors/loop/ring.h"

enum {
    PERFETTO_RECORDS_MAX = 1 << 21, // what comes after is only counted
    PERFETTO_BYTES_MAX = 256 << 20, // of a file, unless perfetto_limit says otherwise
    PERFETTO_BYTES_LEAST = 1 << 16, // of any limit
    PERFETTO_PROCESSES_MAX = HWI_MEMBERS_MAX + 1,
    PERFETTO_ERROR_BYTES = 256,
};

struct perfetto;

struct perfetto *perfetto_create(void);           // returns owned; NULL: no memory
void perfetto_destroy(struct perfetto *perfetto); // takes
// Names process number `process` (0 to PERFETTO_PROCESSES_MAX - 1); the latest call counts.
// `realtime_zero_ns` (CLOCK_REALTIME - CLOCK_MONOTONIC) tells machines apart: those that agree in
// it to a millisecond share a clock, others' clocks are aligned by the messages between them.
// False: no memory.
bool perfetto_process(struct perfetto *perfetto, uint32_t process,
                      const struct hwi_ring_owner *owner, uint64_t realtime_zero_ns);
// Adds one record (copied), whose ticks are monotonic nanoseconds; each process's in order.
// hwi_ring_record_of makes one from any message.
void perfetto_add(struct perfetto *perfetto, uint32_t process,
                  const struct hwi_ring_record *record);
// The file has at most that number of bytes (at least PERFETTO_BYTES_LEAST): the newest records
// are drawn.
void perfetto_limit(struct perfetto *perfetto, uint64_t bytes);
// Records that were added and are not in the file, once it is written.
uint64_t perfetto_left_out(const struct perfetto *perfetto);
// Lays out and writes what was added. 0, or -1 with a sentence in `error` (PERFETTO_ERROR_BYTES).
int perfetto_write(struct perfetto *perfetto, const char *path, char *error);

#endif
