// SPDX-License-Identifier: MIT
#include "snapshot/checkpoint/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hawser/types.h>

#include "snapshot/checkpoint/problem.h"
#include "transport/disk/rename.h"

enum { ATTEMPTS_MAX = 64 }; // to make a file that others take for a leftover, for a moment

static const char infix[] = ".saving-";

static void name_slot(struct hwi_temporary *temporary, unsigned slot)
{
    snprintf(temporary->path, sizeof temporary->path, "%s%s%u", temporary->target, infix, slot);
}

bool hwi_temporary_is_name(const char *name)
{
    size_t length = strlen(name), tail = sizeof infix; // the infix and one digit
    return length > tail && strncmp(name + length - tail, infix, tail - 1) == 0;
}

// The file by that name is the one behind the descriptor, and plain.
static bool is_the_same(int fd, const char *path)
{
    struct stat open, named;
    return fstat(fd, &open) == 0 && lstat(path, &named) == 0 && S_ISREG(named.st_mode) &&
           open.st_ino == named.st_ino && open.st_dev == named.st_dev;
}

// The holder of the lock may remove the file; nobody makes a file by a name that is taken, so
// between the look and the removal it stays the same.
static void remove_leftover(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        return;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && is_the_same(fd, path)) {
        unlink(path);
    }
    close(fd);
}

enum taken { TAKEN, TAKEN_BY_OTHER, TAKEN_LOST, TAKEN_NEVER };

static enum taken take_slot(struct hwi_temporary *temporary)
{
    int fd = open(temporary->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666); // umask decides
    if (fd < 0) {
        return errno == EEXIST ? TAKEN_BY_OTHER : TAKEN_NEVER;
    }
    temporary->fd = fd;
    // Somebody may have locked it before us, to remove it.
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        return is_the_same(fd, temporary->path) ? TAKEN : TAKEN_LOST;
    }
    return errno == EWOULDBLOCK ? TAKEN_LOST : TAKEN_NEVER;
}

static void drop_slot(struct hwi_temporary *temporary, bool remove)
{
    int problem = errno;
    if (temporary->fd >= 0) {
        if (remove) {
            unlink(temporary->path);
        }
        close(temporary->fd);
    }
    temporary->fd = -1;
    errno = problem;
}

static int take_any(struct hwi_temporary *temporary, char *error, size_t error_bytes)
{
    unsigned slot = 0;
    for (int attempt = 0; attempt < ATTEMPTS_MAX && slot < HWI_TEMPORARY_SAVERS_MAX; attempt++) {
        name_slot(temporary, slot);
        enum taken taken = take_slot(temporary);
        if (taken == TAKEN) {
            return HWS_OK;
        }
        drop_slot(temporary, taken == TAKEN_NEVER);
        if (taken == TAKEN_NEVER) {
            return hwi_problem_system(error, error_bytes, "cannot create a file in its directory");
        }
        slot += taken == TAKEN_BY_OTHER;
    }
    snprintf(error, error_bytes, "%d others are saving to it", HWI_TEMPORARY_SAVERS_MAX);
    return HWS_E_BUSY;
}

int hwi_temporary_open(struct hwi_temporary *temporary, const char *path, char *error,
                       size_t error_bytes)
{
    struct stat about;
    temporary->fd = -1;
    if (*path == '\0' || strlen(path) >= sizeof temporary->target) {
        snprintf(error, error_bytes, "the path has not 1 to %d bytes", HWI_TEMPORARY_PATH_MAX - 1);
        return HWS_E_INVALID;
    }
    snprintf(temporary->target, sizeof temporary->target, "%s", path);
    if (lstat(path, &about) == 0 && !S_ISREG(about.st_mode) && !S_ISLNK(about.st_mode)) {
        snprintf(error, error_bytes, "it is there and no plain file");
        return HWS_E_INVALID;
    }
    for (unsigned slot = 0; slot < HWI_TEMPORARY_SAVERS_MAX; slot++) {
        name_slot(temporary, slot);
        remove_leftover(temporary->path);
    }
    return take_any(temporary, error, error_bytes);
}

// A write beyond the process's limit would be answered with a signal that ends it.
static bool is_allowed(uint64_t end)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
        end <= limit.rlim_cur) {
        return true;
    }
    errno = EFBIG;
    return false;
}

bool hwi_temporary_put(struct hwi_temporary *temporary, uint64_t offset, const void *bytes,
                       size_t length)
{
    const unsigned char *at = bytes;
    if (!is_allowed(offset + length)) {
        return false;
    }
    while (length > 0) {
        ssize_t put = pwrite(temporary->fd, at, length, (off_t)offset);
        if (put < 0 && errno != EINTR) {
            return false;
        }
        if (put > 0) {
            at += put;
            offset += (uint64_t)put;
            length -= (size_t)put;
        }
    }
    return true;
}

int hwi_temporary_commit(struct hwi_temporary *temporary, char *error, size_t error_bytes)
{
    bool ok = fsync(temporary->fd) == 0 && rename(temporary->path, temporary->target) == 0;
    drop_slot(temporary, !ok);
    if (!ok) {
        return hwi_problem_system(error, error_bytes, "cannot be put in place");
    }
    if (!hwi_disk_sync_directory(temporary->target)) {
        return hwi_problem_system(error, error_bytes,
                                  "is in place, but its directory could not be synced");
    }
    return HWS_OK;
}

void hwi_temporary_discard(struct hwi_temporary *temporary)
{
    drop_slot(temporary, true);
}
