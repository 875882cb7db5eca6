// SPDX-License-Identifier: MIT
// Lists the files in a journal's directory, and reads whole files into memory.
#ifndef HAWSER_TRANSPORT_JOURNAL_DIRECTORY_H
#define HAWSER_TRANSPORT_JOURNAL_DIRECTORY_H

#include "transport/journal/format.h"

// The least and the largest number of the journal's segments; false with errno, 0 if it has none.
bool hwi_journal_extent(const char *directory, const char *name, uint32_t *first, uint32_t *last);

struct hwi_journal_file {
    unsigned char *bytes; // owned
    size_t length, capacity;
};

enum { HWI_JOURNAL_FILE_BYTES_MAX = 1 << 30 };

// Reads at most `most` bytes of the file at `path` into file->bytes, whose memory is used again.
// False with errno.
bool hwi_journal_file_read(struct hwi_journal_file *file, const char *path, size_t most);
void hwi_journal_file_fini(struct hwi_journal_file *file);

#endif
