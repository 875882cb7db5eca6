// SPDX-License-Identifier: MIT
#include "transport/journal/directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hawser/types.h>

// ---- listing -----------------------------------------------------------------------------------

bool hwi_journal_extent(const char *directory, const char *name, uint32_t *first, uint32_t *last)
{
    char found[HWI_JOURNAL_NAME_MAX];
    uint32_t segment;
    DIR *open = opendir(directory);
    if (open == NULL) {
        return false;
    }
    *first = *last = 0;
    for (struct dirent *entry; (entry = readdir(open)) != NULL;) {
        if (!hwi_journal_path_parse(entry->d_name, found, &segment) || strcmp(found, name) != 0) {
            continue;
        }
        *first = *first ? HWI_MIN(*first, segment) : segment;
        *last = HWI_MAX(*last, segment);
    }
    closedir(open);
    errno = 0;
    return *first > 0;
}

struct names {
    char **items;
    uint32_t count, capacity;
};

static bool add_name(struct names *names, const char *name)
{
    if (names->count == names->capacity) {
        uint32_t capacity = names->capacity ? 2 * names->capacity : 16;
        char **grown = realloc(names->items, capacity * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        names->items = grown;
        names->capacity = capacity;
    }
    char *copy = strdup(name);
    if (copy != NULL) {
        names->items[names->count++] = copy;
    }
    return copy != NULL;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_names(struct names *names)
{
    for (uint32_t i = 0; i < names->count; i++) {
        free(names->items[i]);
    }
    free(names->items);
    *names = (struct names){0};
}

// One of each: a journal has a name in every segment's file.
static void sort_names(struct names *names)
{
    uint32_t kept = 0;
    if (names->count) {
        qsort(names->items, names->count, sizeof *names->items, by_text);
    }
    for (uint32_t i = 0; i < names->count; i++) {
        if (kept && strcmp(names->items[kept - 1], names->items[i]) == 0) {
            free(names->items[i]);
        } else {
            names->items[kept++] = names->items[i];
        }
    }
    names->count = kept;
}

int hwi_journal_names(const char *directory, char ***names, uint32_t *count, char *error,
                      size_t bytes)
{
    struct names found = {0};
    char name[HWI_JOURNAL_NAME_MAX], text[96] = "";
    uint32_t segment;
    DIR *open = opendir(directory);
    if (open == NULL) {
        strerror_r(errno, text, sizeof text);
        snprintf(error, bytes, "cannot read the directory %.120s: %s", directory, text);
        return HWS_E_SYSTEM;
    }
    bool good = true;
    for (struct dirent *entry; good && (entry = readdir(open)) != NULL;) {
        if (hwi_journal_path_parse(entry->d_name, name, &segment)) {
            good = add_name(&found, name);
        }
    }
    closedir(open);
    if (!good) {
        free_names(&found);
        snprintf(error, bytes, "out of memory");
        return HWS_E_NO_MEMORY;
    }
    sort_names(&found);
    *names = found.items;
    *count = found.count;
    return HWS_OK;
}

// ---- files -------------------------------------------------------------------------------------

static bool read_up_to(int fd, struct hwi_journal_file *file, size_t most)
{
    file->length = 0;
    while (file->length < most) {
        ssize_t got = read(fd, file->bytes + file->length, most - file->length);
        if (got < 0 && errno != EINTR) {
            return false;
        }
        if (got == 0) {
            break;
        }
        file->length += got > 0 ? (size_t)got : 0;
    }
    return true;
}

static bool make_room(struct hwi_journal_file *file, size_t bytes)
{
    if (bytes <= file->capacity) {
        return true;
    }
    unsigned char *grown = realloc(file->bytes, bytes);
    if (grown == NULL) {
        return false;
    }
    file->bytes = grown;
    file->capacity = bytes;
    return true;
}

bool hwi_journal_file_read(struct hwi_journal_file *file, const char *path, size_t most)
{
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a pipe would wait for its writer
    if (fd < 0) {
        return false;
    }
    bool good = fstat(fd, &about) == 0;
    if (good && (!S_ISREG(about.st_mode) || about.st_size > HWI_JOURNAL_FILE_BYTES_MAX)) {
        errno = S_ISREG(about.st_mode) ? EFBIG : EISDIR;
        good = false;
    }
    size_t bytes = good ? HWI_MIN(most, (size_t)about.st_size) : 0;
    good = good && make_room(file, HWI_MAX(bytes, (size_t)1)) && read_up_to(fd, file, bytes);
    int problem = errno;
    close(fd);
    errno = problem;
    return good;
}

void hwi_journal_file_fini(struct hwi_journal_file *file)
{
    free(file->bytes);
    *file = (struct hwi_journal_file){0};
}
