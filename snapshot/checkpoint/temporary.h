// SPDX-License-Identifier: MIT
// A file that takes another's place when it is whole, or never was. It is written under the name
// PATH.saving-N in the same directory, locked by its writer; one that nobody has locked was left by
// a process that was killed, and is removed by the next who saves to PATH.
#ifndef HAWSER_SNAPSHOT_CHECKPOINT_TEMPORARY_H
#define HAWSER_SNAPSHOT_CHECKPOINT_TEMPORARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HWI_TEMPORARY_PATH_MAX = 4096,
    HWI_TEMPORARY_SAVERS_MAX = 8, // at once, to one path
};

struct hwi_temporary {
    int fd;
    char target[HWI_TEMPORARY_PATH_MAX]; // absent, or a regular file, or a link that is replaced
    char path[HWI_TEMPORARY_PATH_MAX + 16];
};

// 0, or HWS_E_INVALID, HWS_E_BUSY (too many savers), HWS_E_SYSTEM with a sentence in `error`.
int hwi_temporary_open(struct hwi_temporary *temporary, const char *path, char *error,
                       size_t error_bytes);
// Writes at an offset. False with errno; never raises SIGXFSZ.
bool hwi_temporary_put(struct hwi_temporary *temporary, uint64_t offset, const void *bytes,
                       size_t length);
// Makes it durable under the target's name and closes it. On an error the target is what it was
// (only if the directory could not be synced it may be either) and the temporary is gone. 0 or
// HWS_E_SYSTEM.
int hwi_temporary_commit(struct hwi_temporary *temporary, char *error, size_t error_bytes);
// Removes it and closes it.
void hwi_temporary_discard(struct hwi_temporary *temporary);

// Whether a file's name is that of a temporary.
bool hwi_temporary_is_name(const char *name);

#endif
