// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "snapshot/checkpoint/checkpoint.h"
#include "snapshot/checkpoint/problem.h"
#include "snapshot/checkpoint/temporary.h"

enum { NAME_BYTES = 256 };

struct candidate {
    char name[NAME_BYTES];
    struct hwi_checkpoint_head head;
};

struct search {
    const char *directory;
    struct candidate *candidates; // whose heads are good
    uint32_t count, capacity, seen;
    struct hwi_checkpoint_found *found;
    char *error;
};

static bool is_named_so(const char *name)
{
    size_t length = strlen(name);
    return length > 4 && strcmp(name + length - 4, ".hwc") == 0;
}

static void skip(struct search *search, const char *name, const char *why)
{
    struct hwi_checkpoint_found *found = search->found;
    if (found->skipped++ > 0)
        return;
    snprintf(found->skipped_name, sizeof found->skipped_name, "%s", name);
    snprintf(found->skipped_why, sizeof found->skipped_why, "%s", why);
}

static bool grow(struct search *search)
{
    if (search->count < search->capacity)
        return true;
    uint32_t capacity = search->capacity ? 2 * search->capacity : 16;
    struct candidate *grown = realloc(search->candidates, capacity * sizeof *grown);
    if (!grown)
        return false;
    search->candidates = grown;
    search->capacity = capacity;
    return true;
}

// The head, from a plain file only. False: there is none to be had.
static bool read_head(int directory, const char *name,
                      unsigned char bytes[HWI_CHECKPOINT_HEAD_BYTES], bool *plain)
{
    struct stat about;
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    *plain = fd < 0 || (fstat(fd, &about) == 0 && S_ISREG(about.st_mode));
    if (fd < 0)
        return false;
    bool whole =
        *plain && pread(fd, bytes, HWI_CHECKPOINT_HEAD_BYTES, 0) == HWI_CHECKPOINT_HEAD_BYTES;
    close(fd);
    return whole;
}

static int look_at(struct search *search, int directory, const char *name)
{
    unsigned char bytes[HWI_CHECKPOINT_HEAD_BYTES];
    struct hwi_checkpoint_head head;
    uint32_t format;
    bool plain;
    enum hwi_checkpoint_kind kind = HWI_CHECKPOINT_IS_NONE;
    if (read_head(directory, name, bytes, &plain))
        kind = hwi_checkpoint_head_unpack(bytes, &head, &format);
    if (!plain || (kind == HWI_CHECKPOINT_IS_NONE && !is_named_so(name)))
        return HWS_OK; // some other file
    if (++search->seen > HWI_CHECKPOINT_FILES_MAX) {
        snprintf(search->error, HWI_CHECKPOINT_ERROR_BYTES, "holds more than %d checkpoints",
                 HWI_CHECKPOINT_FILES_MAX);
        return HWS_E_LIMIT;
    }
    if (kind == HWI_CHECKPOINT_IS_OTHER)
        skip(search, name, "is of another format");
    else if (kind != HWI_CHECKPOINT_IS_GOOD)
        skip(search, name, "cannot be read, or its head is damaged");
    if (kind != HWI_CHECKPOINT_IS_GOOD)
        return HWS_OK;
    if (!grow(search)) {
        snprintf(search->error, HWI_CHECKPOINT_ERROR_BYTES, "out of memory");
        return HWS_E_NO_MEMORY;
    }
    struct candidate *candidate = &search->candidates[search->count++];
    candidate->head = head;
    snprintf(candidate->name, sizeof candidate->name, "%s", name);
    return HWS_OK;
}

static int list(struct search *search)
{
    int status = HWS_OK;
    DIR *open = opendir(search->directory);
    if (!open)
        return hwi_problem_system(search->error, HWI_CHECKPOINT_ERROR_BYTES,
                                  "cannot be read as a directory");
    for (struct dirent *entry; status == HWS_OK && (entry = readdir(open)) != NULL;)
        if (strlen(entry->d_name) < NAME_BYTES && !hwi_temporary_is_name(entry->d_name))
            status = look_at(search, dirfd(open), entry->d_name);
    closedir(open);
    return status;
}

static int by_age(const void *a, const void *b)
{
    const struct candidate *left = a, *right = b;
    if (left->head.revision != right->head.revision)
        return left->head.revision < right->head.revision ? 1 : -1;
    if (left->head.time_ms != right->head.time_ms)
        return left->head.time_ms < right->head.time_ms ? 1 : -1;
    return strcmp(right->name, left->name);
}

// True if the whole file is good; it is what was looked for then.
static bool take(struct search *search, const struct candidate *candidate)
{
    struct hwi_checkpoint_found *found = search->found;
    struct hwi_checkpoint checkpoint;
    struct hwi_checkpoint_place place;
    char why[HWI_CHECKPOINT_ERROR_BYTES];
    snprintf(found->path, sizeof found->path, "%s/%s", search->directory, candidate->name);
    int status = hwi_checkpoint_open(&checkpoint, found->path, why);
    if (status == HWS_OK) {
        status = hwi_checkpoint_verify(&checkpoint, &place, why);
        found->head = checkpoint.head;
        found->sum = checkpoint.sum;
        hwi_checkpoint_close(&checkpoint);
    }
    if (status == HWS_OK)
        return true;
    found->path[0] = '\0';
    skip(search, candidate->name, why);
    return false;
}

static int choose(struct search *search)
{
    struct hwi_checkpoint_found *found = search->found;
    if (search->count > 0)
        qsort(search->candidates, search->count, sizeof *search->candidates, by_age);
    for (uint32_t i = 0; i < search->count; i++)
        if (take(search, &search->candidates[i]))
            return HWS_OK;
    if (found->skipped == 0)
        return HWS_OK;
    snprintf(search->error, HWI_CHECKPOINT_ERROR_BYTES,
             "holds no whole checkpoint; of %u that are not, %.80s %.160s", found->skipped,
             found->skipped_name, found->skipped_why);
    return HWS_E_DAMAGED;
}

int hwi_checkpoint_newest(const char *directory, struct hwi_checkpoint_found *found, char *error)
{
    struct search search = {.directory = directory, .found = found, .error = error};
    *found = (struct hwi_checkpoint_found){0};
    if (strlen(directory) + 1 + NAME_BYTES > sizeof found->path) {
        snprintf(error, HWI_CHECKPOINT_ERROR_BYTES, "the path is too long");
        return HWS_E_INVALID;
    }
    int status = list(&search);
    if (status == HWS_OK)
        status = choose(&search);
    free(search.candidates);
    return status;
}
