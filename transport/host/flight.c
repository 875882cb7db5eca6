// SPDX-License-Identifier: MIT
#include "transport/host/flight.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transport/host/host.h"
#include "transport/os/os_ticks.h"

#define SUFFIX ".flight"

void hwi_flight_init(struct hwi_flight *flight, const char *directory, const char *name,
                     const void *ring, size_t ring_bytes)
{
    *flight = (struct hwi_flight){.ring = ring, .ring_bytes = ring_bytes, .due_ns = HWI_NEVER};
    snprintf(flight->name, sizeof flight->name, "%s", name);
    if (directory != NULL && *directory && ring != NULL) {
        flight->directory = strdup(directory);
    }
}

void hwi_flight_fini(struct hwi_flight *flight)
{
    if (flight->directory != NULL && flight->due_ns != HWI_NEVER) {
        hwi_flight_turn(flight, HWI_NEVER - 1);
    }
    free(flight->directory);
    flight->directory = NULL;
}

// ---- one file -----------------------------------------------------------------------------------

static bool print_path(const struct hwi_flight *flight, uint32_t number, const char *more,
                       char path[HWI_FLIGHT_PATH_MAX])
{
    int length = snprintf(path, HWI_FLIGHT_PATH_MAX, "%s/%s.%06u" SUFFIX "%s", flight->directory,
                          flight->name, (unsigned)number, more);
    return length > 0 && length < HWI_FLIGHT_PATH_MAX;
}

static bool write_all(int fd, const void *bytes, size_t length)
{
    const char *at = bytes;
    while (length > 0) {
        ssize_t wrote = write(fd, at, length);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote <= 0) {
            return false;
        }
        at += wrote;
        length -= (size_t)wrote;
    }
    return true;
}

// The ring as it is, but for what it says of the moment; what was never used stays a hole.
static bool write_ring(const struct hwi_flight *flight, int fd)
{
    struct hwi_ring_head head;
    memcpy(&head, flight->ring, sizeof head);
    head.taken = hwi_os_ticks();
    uint64_t used = HWI_MIN(head.next, head.capacity);
    size_t bytes = (size_t)used * sizeof(struct hwi_ring_record);
    return write_all(fd, &head, sizeof head) &&
           write_all(fd, (const char *)flight->ring + sizeof head, bytes) &&
           ftruncate(fd, (off_t)flight->ring_bytes) == 0;
}

static bool write_file(const struct hwi_flight *flight, uint32_t number)
{
    char temporary[HWI_FLIGHT_PATH_MAX], path[HWI_FLIGHT_PATH_MAX];
    if (!print_path(flight, number, ".tmp", temporary) || !print_path(flight, number, "", path)) {
        return false;
    }
    if (mkdir(flight->directory, 0700) != 0 && errno != EEXIST) {
        return false;
    }
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return false;
    }
    bool written = write_ring(flight, fd);
    written &= close(fd) == 0;
    if (written && rename(temporary, path) == 0) {
        return true;
    }
    unlink(temporary);
    return false;
}

// ---- how many -----------------------------------------------------------------------------------

static bool is_flight(const char *name)
{
    size_t length = strlen(name), suffix = strlen(SUFFIX);
    return length > suffix && strcmp(name + length - suffix, SUFFIX) == 0;
}

// The oldest file of the directory, and how many there are.
static uint32_t find_oldest(DIR *directory, char oldest[HWI_FLIGHT_PATH_MAX])
{
    uint32_t count = 0;
    struct timespec least = {0};
    rewinddir(directory);
    for (struct dirent *entry; ((entry = readdir(directory)) != NULL);) {
        struct stat status;
        if (!is_flight(entry->d_name) ||
            fstatat(dirfd(directory), entry->d_name, &status, 0) != 0) {
            continue;
        }
        bool older =
            status.st_mtim.tv_sec < least.tv_sec ||
            (status.st_mtim.tv_sec == least.tv_sec && status.st_mtim.tv_nsec < least.tv_nsec);
        if (count++ == 0 || older) {
            least = status.st_mtim;
            snprintf(oldest, HWI_FLIGHT_PATH_MAX, "%s", entry->d_name);
        }
    }
    return count;
}

static void keep_bounds(const struct hwi_flight *flight)
{
    char path[HWI_FLIGHT_PATH_MAX];
    if (flight->number > HWI_FLIGHT_OWN_MAX &&
        print_path(flight, flight->number - HWI_FLIGHT_OWN_MAX + 1, "", path)) {
        unlink(path);
    }
    DIR *directory = opendir(flight->directory);
    while (directory != NULL && find_oldest(directory, path) > HWI_FLIGHT_DIRECTORY_MAX &&
           unlinkat(dirfd(directory), path, 0) == 0)
        ;
    if (directory != NULL) {
        closedir(directory);
    }
}

// ---- when ---------------------------------------------------------------------------------------

void hwi_flight_turn(struct hwi_flight *flight, uint64_t now_ns)
{
    if (flight->directory == NULL || flight->due_ns > now_ns) {
        return;
    }
    flight->due_ns = HWI_NEVER;
    flight->wrote_ns = now_ns;
    if (write_file(flight, flight->number + 1)) {
        flight->number++;
        keep_bounds(flight);
    } else {
        flight->failures++;
    }
}

void hwi_flight_want(struct hwi_flight *flight, uint64_t now_ns)
{
    uint64_t every_ns = HWI_FLIGHT_EVERY_MS * HWI_NS_PER_MS;
    if (flight->directory == NULL) {
        return;
    }
    uint64_t at_ns = flight->wrote_ns ? HWI_MAX(now_ns, flight->wrote_ns + every_ns) : now_ns;
    flight->due_ns = HWI_MIN(flight->due_ns, at_ns);
    hwi_flight_turn(flight, now_ns);
}
