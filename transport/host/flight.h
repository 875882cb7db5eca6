// SPDX-License-Identifier: MIT
// The flight recorder: when something fails, what the ring holds is written to a file, for
// `hawser explain`. At most one file a second; of one process the first is kept and the newest, of
// one directory a bounded number. A file that cannot be written is counted. Host thread.
#ifndef HAWSER_TRANSPORT_HOST_FLIGHT_H
#define HAWSER_TRANSPORT_HOST_FLIGHT_H

#include "actors/loop/ring.h"

enum {
    HWI_FLIGHT_OWN_MAX = 8,        // files of one process; the first of them stays
    HWI_FLIGHT_DIRECTORY_MAX = 64, // files of one directory: the oldest go
    HWI_FLIGHT_EVERY_MS = 1000,
    HWI_FLIGHT_PATH_MAX = 4096,
    HWI_FLIGHT_NAME_MAX = 64,
};

struct hwi_flight {
    char *directory;                // owned; NULL = nothing is written
    char name[HWI_FLIGHT_NAME_MAX]; // files are NAME.NNNNNN.flight
    const void *ring;               // borrowed
    size_t ring_bytes;
    uint64_t due_ns;   // when to write next; HWI_NEVER = nothing is to be written
    uint64_t wrote_ns; // when it wrote last; 0 = never
    uint32_t number;   // of the last file
    uint64_t failures; // files that could not be written
};

// `directory` (NULL: records nothing) and `name` are copied; the ring is borrowed until fini.
void hwi_flight_init(struct hwi_flight *flight, const char *directory, const char *name,
                     const void *ring, size_t ring_bytes);
// Writes what is still due.
void hwi_flight_fini(struct hwi_flight *flight);
// Something failed: writes now, or when the last file is old enough.
void hwi_flight_want(struct hwi_flight *flight, uint64_t now_ns);
// To be called when `due_ns` has come.
void hwi_flight_turn(struct hwi_flight *flight, uint64_t now_ns);

#endif
