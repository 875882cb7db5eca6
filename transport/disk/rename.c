// SPDX-License-Identifier: MIT
#include "transport/disk/rename.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool hwi_disk_sync_directory(const char *path)
{
    char directory[HWI_DISK_PATH_MAX];
    const char *slash = strrchr(path, '/');
    int bytes = slash == path ? 1 : slash != NULL ? (int)(slash - path) : 0;
    snprintf(directory, sizeof directory, "%.*s", bytes ? bytes : 1, bytes ? path : ".");
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    bool ok = fsync(fd) == 0;
    int problem = errno;
    close(fd);
    errno = problem;
    return ok;
}
