// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/base/rows.h"
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
    const uint64_t *revision; // the only one that is looked for; NULL = any
    // Whose heads are good, the newest first; what is older than all of them is let go.
    struct candidate candidates[HWI_CHECKPOINT_CANDIDATES_MAX];
    uint32_t count;
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
    if (found->skipped++ > 0) {
        return;
    }
    snprintf(found->skipped_name, sizeof found->skipped_name, "%s", name);
    snprintf(found->skipped_why, sizeof found->skipped_why, "%s", why);
}

// The head, from a plain file only. False: it cannot be read.
static bool read_head(int directory, const char *name,
                      unsigned char bytes[HWI_CHECKPOINT_HEAD_BYTES], bool *plain)
{
    struct stat about;
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    *plain = fd < 0 || (fstat(fd, &about) == 0 && S_ISREG(about.st_mode));
    if (fd < 0) {
        return false;
    }
    bool whole =
        *plain && pread(fd, bytes, HWI_CHECKPOINT_HEAD_BYTES, 0) == HWI_CHECKPOINT_HEAD_BYTES;
    close(fd);
    return whole;
}

// The newest comes first.
static int compare(const void *item, const void *wanted)
{
    const struct candidate *a = item, *b = wanted;
    if (a->head.revision != b->head.revision) {
        return a->head.revision > b->head.revision ? -1 : 1;
    }
    if (a->head.time_ms != b->head.time_ms) {
        return a->head.time_ms > b->head.time_ms ? -1 : 1;
    }
    return strcmp(b->name, a->name);
}

static void keep(struct search *search, const char *name, const struct hwi_checkpoint_head *head)
{
    struct candidate candidate = {.head = *head};
    snprintf(candidate.name, sizeof candidate.name, "%s", name);
    uint32_t at =
        hwi_rows_place(search->candidates, search->count, sizeof candidate, compare, &candidate);
    if (at == HWI_CHECKPOINT_CANDIDATES_MAX) {
        return;
    }
    if (search->count == HWI_CHECKPOINT_CANDIDATES_MAX) {
        search->count--; // the oldest of them
    }
    struct candidate *kept = HWI_ROWS_OPEN(search->candidates, &search->count, at);
    *kept = candidate;
}

static void look_at(struct search *search, int directory, const char *name)
{
    unsigned char bytes[HWI_CHECKPOINT_HEAD_BYTES];
    struct hwi_checkpoint_head head;
    uint32_t format;
    bool plain;
    enum hwi_checkpoint_kind kind = HWI_CHECKPOINT_IS_NONE;
    if (read_head(directory, name, bytes, &plain)) {
        kind = hwi_checkpoint_head_unpack(bytes, &head, &format);
    }
    if (!plain || (kind == HWI_CHECKPOINT_IS_NONE && !is_named_so(name))) {
        return; // some other file
    }
    if (kind == HWI_CHECKPOINT_IS_GOOD) {
        bool other = search->revision != NULL && head.revision != *search->revision;
        if (!other) {
            keep(search, name, &head);
        }
    } else if (kind == HWI_CHECKPOINT_IS_OTHER) {
        skip(search, name, "is of another format");
    } else {
        skip(search, name, "cannot be read, or its head is damaged");
    }
}

static int list(struct search *search)
{
    DIR *open = opendir(search->directory);
    if (open == NULL) {
        return hwi_problem_system(search->error, HWI_CHECKPOINT_ERROR_BYTES,
                                  "cannot be read as a directory");
    }
    for (struct dirent *entry; (entry = readdir(open)) != NULL;) {
        if (strlen(entry->d_name) < NAME_BYTES && !hwi_temporary_is_name(entry->d_name)) {
            look_at(search, dirfd(open), entry->d_name);
        }
    }
    closedir(open);
    return HWS_OK;
}

// HWS_OK if the whole file is good; it is what was looked for then.
static int take(struct search *search, const struct candidate *candidate, char *why)
{
    struct hwi_checkpoint_found *found = search->found;
    struct hwi_checkpoint checkpoint;
    struct hwi_checkpoint_place place;
    snprintf(found->path, sizeof found->path, "%s/%s", search->directory, candidate->name);
    int status = hwi_checkpoint_open(&checkpoint, found->path, why);
    if (status == HWS_OK) {
        status = hwi_checkpoint_verify(&checkpoint, &place, why);
        found->head = checkpoint.head;
        found->sum = checkpoint.sum;
        hwi_checkpoint_close(&checkpoint);
    }
    if (status != HWS_OK) {
        found->path[0] = '\0';
    }
    return status;
}

static int choose(struct search *search)
{
    struct hwi_checkpoint_found *found = search->found;
    char why[HWI_CHECKPOINT_ERROR_BYTES];
    for (uint32_t i = 0; i < search->count; i++) {
        int status = take(search, &search->candidates[i], why);
        if (status == HWS_OK) {
            return status;
        }
        if (status == HWS_E_NO_MEMORY) { // no reason to take an older one
            snprintf(search->error, HWI_CHECKPOINT_ERROR_BYTES, "%s", why);
            return status;
        }
        skip(search, search->candidates[i].name, why);
    }
    if (found->skipped == 0 || (search->revision != NULL && search->count == 0)) {
        return HWS_OK;
    }
    snprintf(search->error, HWI_CHECKPOINT_ERROR_BYTES,
             "holds no whole checkpoint; of %u that are not, %.80s %.160s", found->skipped,
             found->skipped_name, found->skipped_why);
    return HWS_E_DAMAGED;
}

int hwi_checkpoint_find(const char *directory, const uint64_t *revision,
                        struct hwi_checkpoint_found *found, char *error)
{
    *found = (struct hwi_checkpoint_found){0};
    if (strlen(directory) + 1 + NAME_BYTES > sizeof found->path) {
        snprintf(error, HWI_CHECKPOINT_ERROR_BYTES, "the path is too long");
        return HWS_E_INVALID;
    }
    struct search *search = calloc(1, sizeof *search);
    if (search == NULL) {
        snprintf(error, HWI_CHECKPOINT_ERROR_BYTES, "out of memory");
        return HWS_E_NO_MEMORY;
    }
    search->directory = directory;
    search->revision = revision;
    search->found = found;
    search->error = error;
    int status = list(search);
    if (status == HWS_OK) {
        status = choose(search);
    }
    free(search);
    return status;
}
