// SPDX-License-Identifier: MIT
// One segment file while it is written: mapped, with all its bytes given by the disk beforehand, so
// that a store into it cannot fail.
#ifndef HAWSER_TRANSPORT_JOURNAL_SEGMENT_H
#define HAWSER_TRANSPORT_JOURNAL_SEGMENT_H

#include "transport/journal/format.h"

struct hwi_segment {
    int fd;
    unsigned char *bytes;
    size_t capacity; // a multiple of the page
    size_t used;
    size_t warmed; // up to here the pages are in memory
    uint64_t chain;
};

// Creates (or empties) the file at `path` with `bytes` of room. 0, or an errno and nothing is left.
int hwi_segment_create(struct hwi_segment *segment, const char *path, size_t bytes);
// True if `bytes` more fit besides an END and a LOST.
bool hwi_segment_fits(const struct hwi_segment *segment, size_t bytes);
// Grows the file until they do. 0 or an errno, and nothing changed.
int hwi_segment_grow(struct hwi_segment *segment, size_t bytes);
// Appends a record that fits (END and LOST always do once). Its payload (`bytes` of them) is in
// `scratch` from byte 8 on; the first 8 and up to 7 behind are overwritten.
void hwi_segment_put(struct hwi_segment *segment, enum hwi_journal_kind kind, uint8_t role,
                     unsigned char *scratch, size_t bytes);
// An END or LOST.
void hwi_segment_put_number(struct hwi_segment *segment, enum hwi_journal_kind kind,
                            uint64_t number);
// The chain that there would be after hwi_segment_put_number.
uint64_t hwi_segment_chain_after(const struct hwi_segment *segment, enum hwi_journal_kind kind,
                                 uint64_t number);
// Unmaps the file, cuts it to what was used and closes it.
void hwi_segment_close(struct hwi_segment *segment);
// As a killed process leaves it: zeros follow what was appended.
void hwi_segment_abandon(struct hwi_segment *segment);

#endif
