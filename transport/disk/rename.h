// SPDX-License-Identifier: MIT
// Makes sure that a file stays where a rename has put it.
#ifndef HAWSER_TRANSPORT_DISK_RENAME_H
#define HAWSER_TRANSPORT_DISK_RENAME_H

#include <stdbool.h>

enum { HWI_DISK_PATH_MAX = 4096 }; // bytes of a path, with its NUL

// Syncs the directory that `path` (borrowed, shorter than HWI_DISK_PATH_MAX) is in: a rename is
// durable when its directory is. False with errno set. Any thread; blocks for the disk.
bool hwi_disk_sync_directory(const char *path);

#endif
