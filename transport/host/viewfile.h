// SPDX-License-Identifier: MIT
// A master's view file: one encoded view_file message behind a checksum, replaced atomically,
// locked for as long as it is open through FILE.lock. One thread at a time.
#ifndef HAWSER_TRANSPORT_HOST_VIEWFILE_H
#define HAWSER_TRANSPORT_HOST_VIEWFILE_H

#include "actors/wire/msg.h"

enum { HWI_PATH_BYTES_MAX = 1024 };

struct hwi_viewfile {
    char path[HWI_PATH_BYTES_MAX];
    int lock; // -1 = not open
};

// Locks. Returns 0, or an hws_status with a sentence in `error` (HWI_ERROR_BYTES_MAX bytes).
int hwi_viewfile_open(struct hwi_viewfile *file, const char *path, char *error);
void hwi_viewfile_close(struct hwi_viewfile *file);

// False if there is no such file yet: what is kept in it begins.
bool hwi_viewfile_exists(const struct hwi_viewfile *file);

// Reads the file. On success *msg owns one block in *block (free() it). HWS_E_INVALID if it is
// damaged, HWS_E_SYSTEM if it cannot be read, with a sentence that says what can be done.
int hwi_viewfile_load(const struct hwi_viewfile *file, struct hwi_msg *msg, void **block,
                      char *error);

// Replaces the file by `msg` (a view_file); durable on return. Returns an hws_status; if that is an
// error, `reason` (HWI_TEXT_BYTES_MAX bytes) says in a sentence what is wrong with which file.
int hwi_viewfile_store(const struct hwi_viewfile *file, const struct hwi_msg *msg, char *reason);

#endif
