// SPDX-License-Identifier: MIT
#include "transport/host/viewfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xxhash.h>

#include <hawser/types.h>

#include "actors/wire/codec.h"
#include "transport/disk/rename.h"
#include "transport/host/host.h"
#include "transport/os/os_linux.h"
#include "transport/os/os_error.h"

enum {
    HEADER_BYTES = 16, // 8 magic, 8 XXH3-64 of the message, little-endian
    FILE_BYTES_MAX = HEADER_BYTES + HWI_MESSAGE_BYTES_MAX,
    TEXT_BYTES = 96,
    PATH_TOLD_MAX = 56, // bytes of a path in a sentence, ...
    TEXT_TOLD_MAX = 36, // ... and of the system's words
};

static const unsigned char magic[8] = {'H', 'W', 'S', 'V', 'I', 'E', 'W', '1'};

static void write_header(unsigned char header[HEADER_BYTES], const void *bytes, size_t length)
{
    uint64_t hash = XXH3_64bits(bytes, length);
    memcpy(header, magic, sizeof magic);
    for (int i = 0; i < 8; i++) {
        header[8 + i] = (unsigned char)(hash >> (8 * i));
    }
}

int hwi_viewfile_open(struct hwi_viewfile *file, const char *path, char *error)
{
    char lock_path[HWI_PATH_BYTES_MAX + 8], text[TEXT_BYTES];
    file->lock = -1;
    if (strlen(path) + sizeof ".new" > sizeof file->path) {
        snprintf(error, HWI_ERROR_BYTES_MAX, "the state file's path is too long");
        return HWS_E_INVALID;
    }
    snprintf(file->path, sizeof file->path, "%s", path);
    snprintf(lock_path, sizeof lock_path, "%s.lock", path);
    file->lock = hwi_os_lock(lock_path);
    if (file->lock >= 0) {
        return HWS_OK;
    }
    if (errno == EWOULDBLOCK) {
        snprintf(error, HWI_ERROR_BYTES_MAX, "state file %.150s is in use by another master", path);
    } else {
        snprintf(error, HWI_ERROR_BYTES_MAX, "cannot lock %.140s: %s", lock_path,
                 hwi_os_error_text(errno, text, sizeof text));
    }
    return HWS_E_SYSTEM;
}

void hwi_viewfile_close(struct hwi_viewfile *file)
{
    if (file->lock >= 0) {
        close(file->lock);
    }
    file->lock = -1;
}

// ---- loading -----------------------------------------------------------------------------------

// Reads to the end; returns owned bytes, or NULL with errno.
static unsigned char *read_all(int fd, size_t *length)
{
    struct stat about;
    if (fstat(fd, &about) != 0) {
        return NULL;
    }
    if (about.st_size < 0 || about.st_size > FILE_BYTES_MAX) {
        errno = EFBIG;
        return NULL;
    }
    unsigned char *bytes = malloc((size_t)about.st_size + 1);
    ssize_t got = 1;
    for (*length = 0; bytes != NULL && got > 0 && *length < (size_t)about.st_size;
         *length += (size_t)got) {
        got = read(fd, bytes + *length, (size_t)about.st_size - *length);
        if (got < 0) {
            free(bytes);
            return NULL;
        }
    }
    return bytes;
}

static bool decode(const unsigned char *bytes, size_t length, struct hwi_msg *msg, void **block)
{
    unsigned char header[HEADER_BYTES];
    if (length < HEADER_BYTES) {
        return false;
    }
    write_header(header, bytes + HEADER_BYTES, length - HEADER_BYTES);
    if (memcmp(header, bytes, HEADER_BYTES) != 0 ||
        hwi_decode(bytes + HEADER_BYTES, length - HEADER_BYTES, msg, block) != HWI_CODEC_OK) {
        return false;
    }
    if (msg->type == HWI_MSG_view_file) {
        return true;
    }
    free(*block);
    return false;
}

static int complain(const struct hwi_viewfile *file, int problem, char *error)
{
    char text[TEXT_BYTES];
    snprintf(error, HWI_ERROR_BYTES_MAX, "cannot read state file %.120s: %s", file->path,
             hwi_os_error_text(problem, text, sizeof text));
    return HWS_E_SYSTEM;
}

bool hwi_viewfile_exists(const struct hwi_viewfile *file)
{
    return access(file->path, F_OK) == 0 || errno != ENOENT;
}

int hwi_viewfile_load(const struct hwi_viewfile *file, struct hwi_msg *msg, void **block,
                      char *error)
{
    size_t length = 0;
    int fd = open(file->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return complain(file, errno, error);
    }
    unsigned char *bytes = read_all(fd, &length);
    int problem = errno;
    close(fd);
    if (bytes == NULL) {
        return complain(file, problem, error);
    }
    bool whole = decode(bytes, length, msg, block);
    free(bytes);
    if (whole) {
        return HWS_OK;
    }
    snprintf(error, HWI_ERROR_BYTES_MAX,
             "state file %.120s is damaged: restore it, or begin a new run with --new-run",
             file->path);
    return HWS_E_INVALID;
}

// ---- storing -----------------------------------------------------------------------------------

static bool write_all(int fd, const unsigned char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t put = write(fd, bytes, length);
        if (put < 0 && errno != EINTR) {
            return false;
        }
        if (put > 0) {
            bytes += put;
            length -= (size_t)put;
        }
    }
    return true;
}

static bool write_file(const char *path, const unsigned char *bytes, size_t length)
{
    unsigned char header[HEADER_BYTES];
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return false;
    }
    write_header(header, bytes, length);
    bool ok =
        write_all(fd, header, sizeof header) && write_all(fd, bytes, length) && fsync(fd) == 0;
    int problem = errno;
    bool closed = close(fd) == 0;
    errno = ok ? errno : problem;
    return closed && ok;
}

// A long path ends with what tells files apart.
static void explain(const struct hwi_viewfile *file, int problem, char *reason)
{
    char text[TEXT_BYTES];
    size_t length = strlen(file->path);
    bool whole = length <= PATH_TOLD_MAX;
    snprintf(reason, HWI_TEXT_BYTES_MAX, "cannot write its state file %s%s: %.*s",
             whole ? "" : "...", file->path + (whole ? 0 : length - PATH_TOLD_MAX), TEXT_TOLD_MAX,
             hwi_os_error_text(problem, text, sizeof text));
}

int hwi_viewfile_store(const struct hwi_viewfile *file, const struct hwi_msg *msg, char *reason)
{
    char temporary[HWI_PATH_BYTES_MAX + 8];
    unsigned char *bytes = NULL;
    size_t length = 0;
    int encoded = hwi_encode(msg, &bytes, &length);
    if (encoded != HWI_CODEC_OK) {
        explain(file, encoded == HWI_CODEC_MEMORY ? ENOMEM : EMSGSIZE, reason);
        return encoded == HWI_CODEC_MEMORY ? HWS_E_NO_MEMORY : HWS_E_LIMIT;
    }
    snprintf(temporary, sizeof temporary, "%s.new", file->path);
    bool ok = write_file(temporary, bytes, length) && rename(temporary, file->path) == 0 &&
              hwi_disk_sync_directory(file->path);
    if (!ok) {
        explain(file, errno, reason);
    }
    free(bytes);
    return ok ? HWS_OK : HWS_E_SYSTEM;
}
