// SPDX-License-Identifier: MIT
// The rings of processes of this machine.
#include "tools/hawser/trace/source.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tools/hawser/command.h"
#include "transport/host/ringsocket.h"

enum {
    POLL_MS = 5,     // between two looks at rings that had nothing new
    SEARCH_MS = 500, // between two searches for new hosts of the processes
    BATCH_MAX = 512, // records of one ring before the others have their turn
    BASE_BYTES = 64,
    HEADROOM = 32, // this part of a full ring's history is left out
};

// One ring, mapped. The public part of it is in the source's `rings`, at the same index.
struct mapping {
    struct hwi_ring_reader reader;
    void *memory;
    size_t bytes;
    uint64_t current; // number that `next` had at the beginning
    uint32_t pid;
    char path[HWI_RINGPORT_PATH_MAX]; // of its socket: as long as that is there, the host is
};

struct processes {
    struct trace_source source; // the first: it is what others hold
    uint32_t pids[TRACE_PIDS_MAX];
    uint32_t pid_count;
    struct mapping *mappings;
    uint32_t capacity; // of mappings and of source.rings
    bool history;
    uint64_t search_ns;
    uint32_t turn; // index of the ring that is read first
    int error;     // errno of the last host that could not be attached to; 0 = none
};

// ---- attaching ---------------------------------------------------------------------------------

static bool is_known(const struct processes *all, const char *path)
{
    for (uint32_t i = 0; i < all->source.ring_count; i++) {
        if (strcmp(all->mappings[i].path, path) == 0 && !all->source.rings[i].ended) {
            return true;
        }
    }
    return false;
}

static bool make_room(struct processes *all)
{
    if (all->source.ring_count < all->capacity) {
        return true;
    }
    uint32_t capacity = all->capacity ? 2 * all->capacity : 8;
    if (capacity > TRACE_RINGS_MAX) {
        return false;
    }
    void *mappings = realloc(all->mappings, capacity * sizeof *all->mappings);
    if (mappings != NULL) {
        all->mappings = mappings;
    }
    void *rings =
        mappings != NULL ? realloc(all->source.rings, capacity * sizeof *all->source.rings) : NULL;
    if (rings == NULL) {
        return false;
    }
    all->source.rings = rings;
    all->capacity = capacity;
    return true;
}

// The content of the head now, for the ring at `index`.
static bool refresh(struct processes *all, uint32_t index, struct hwi_ring_clock *clock)
{
    struct hwi_ring_head head;
    struct trace_ring *ring = &all->source.rings[index];
    if (!hwi_ring_head(&all->mappings[index].reader, &head)) {
        return false;
    }
    *clock = head.clock;
    ring->owner = head.owner;
    make_printable(ring->owner.name);
    make_printable(ring->owner.address);
    ring->realtime_zero_ns = head.clock.realtime_ns - head.clock.ns_zero;
    return true;
}

static void attach(struct processes *all, uint32_t pid, const char *path)
{
    struct mapping new = {.pid = pid};
    struct hwi_ring_clock clock;
    uint64_t bytes = 0;
    if (is_known(all, path) || !make_room(all)) {
        return;
    }
    int fd = hwi_ringsocket_fetch(path, &bytes);
    struct stat found;
    if (fd < 0 || fstat(fd, &found) != 0 || bytes > (uint64_t)found.st_size) {
        all->error = fd < 0 ? errno : EPROTO;
        if (fd >= 0) {
            close(fd);
        }
        return;
    }
    new.bytes = (size_t)bytes;
    new.memory = mmap(NULL, new.bytes, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (new.memory == MAP_FAILED || !hwi_ring_attach(&new.reader, new.memory, new.bytes)) {
        all->error = new.memory == MAP_FAILED ? errno : EPROTO;
        if (new.memory != MAP_FAILED) {
            munmap(new.memory, new.bytes);
        }
        return;
    }
    if (!all->history) {
        new.reader.next = hwi_ring_next(&new.reader);
    } else if (new.reader.next > 1) { // the very oldest are about to be overwritten
        new.reader.next += new.reader.capacity / HEADROOM;
    }
    new.current = hwi_ring_next(&new.reader);
    snprintf(new.path, sizeof new.path, "%s", path);
    uint32_t index = all->source.ring_count++;
    all->mappings[index] = new;
    all->source.rings[index] = (struct trace_ring){0};
    refresh(all, index, &clock);
}

// ---- searching ---------------------------------------------------------------------------------

static void search_directory(struct processes *all, const char *directory, uint32_t pid)
{
    DIR *names = opendir(directory);
    struct dirent *entry;
    for (int i = 0;
         names != NULL && i < HWI_RINGPORT_STALE_MAX && ((entry = readdir(names)) != NULL); i++) {
        char path[HWI_RINGPORT_PATH_MAX], *end;
        unsigned long number = strtoul(entry->d_name, &end, 10);
        int length = snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        if (number == pid && *end == '-' && length < (int)sizeof path) {
            attach(all, pid, path);
        }
    }
    if (names != NULL) {
        closedir(names);
    }
}

static void search(struct processes *all, uint32_t pid)
{
    char proc[BASE_BYTES], run[BASE_BYTES], directory[HWI_RINGPORT_PATH_MAX];
    struct stat found;
    snprintf(proc, sizeof proc, "/proc/%u", (unsigned)pid);
    if (stat(proc, &found) != 0) {
        return;
    }
    snprintf(run, sizeof run, "/run/user/%u", (unsigned)found.st_uid);
    const char *own = getenv("XDG_RUNTIME_DIR");
    const char *bases[] = {own != NULL && strcmp(own, run) != 0 ? own : NULL, run, "/tmp"};
    for (size_t i = 0; i < HWI_COUNT(bases); i++) {
        if (bases[i] != NULL &&
            hwi_ringport_directory(bases[i], (uint32_t)found.st_uid, directory) &&
            hwi_ringsocket_is_safe(directory, (uint32_t)found.st_uid)) {
            search_directory(all, directory, pid);
        }
    }
}

static void search_all(struct processes *all)
{
    all->search_ns = now_ns();
    for (uint32_t i = 0; i < all->pid_count; i++) {
        search(all, all->pids[i]);
    }
    all->history = true; // of hosts that are found later nothing is missed
}

// ---- reading -----------------------------------------------------------------------------------

static uint32_t read_ring(struct processes *all, uint32_t index, struct trace_item *items,
                          uint32_t max)
{
    struct hwi_ring_record records[BATCH_MAX];
    struct hwi_ring_reader *reader = &all->mappings[index].reader;
    struct hwi_ring_clock clock;
    uint32_t count = hwi_ring_read(reader, records, HWI_MIN(max, (uint32_t)BATCH_MAX));
    all->source.rings[index].lost = reader->lost;
    all->source.rings[index].current = reader->next >= all->mappings[index].current;
    if (!count || !refresh(all, index, &clock)) {
        return 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        items[i] = (struct trace_item){index, records[i]};
        items[i].record.arrived = hwi_ring_ns(&clock, records[i].arrived);
        items[i].record.handled = hwi_ring_ns(&clock, records[i].handled);
    }
    return count;
}

static uint32_t read_all(struct processes *all, struct trace_item *items, uint32_t max)
{
    uint32_t count = 0, rings = all->source.ring_count;
    for (uint32_t i = 0; i < rings && count < max; i++) {
        uint32_t index = (all->turn + i) % rings;
        if (!all->source.rings[index].ended) {
            count += read_ring(all, index, items + count, max - count);
        }
    }
    all->turn++;
    return count;
}

// After a look at a ring that had nothing new: a process that is gone has written nothing since.
static void find_ends(struct processes *all)
{
    for (uint32_t i = 0; i < all->source.ring_count; i++) {
        struct mapping *mapping = &all->mappings[i];
        bool gone = (kill((pid_t)mapping->pid, 0) != 0 && errno == ESRCH) ||
                    (access(mapping->path, F_OK) != 0 && errno == ENOENT);
        bool quiet = hwi_ring_next(&mapping->reader) <= mapping->reader.next;
        all->source.rings[i].ended = all->source.rings[i].ended || (gone && quiet);
    }
}

static void nap(uint32_t ms)
{
    struct timespec time = {.tv_nsec = (long)(ms * HWI_NS_PER_MS)};
    nanosleep(&time, NULL);
}

static uint32_t read_processes(struct trace_source *source, struct trace_item *items, uint32_t max,
                               uint32_t timeout_ms)
{
    struct processes *all = (struct processes *)source;
    uint64_t end_ns = now_ns() + timeout_ms * HWI_NS_PER_MS;
    for (;;) {
        uint32_t count = read_all(all, items, max);
        if (count) {
            return count;
        }
        find_ends(all);
        uint64_t time_ns = now_ns();
        if (time_ns >= end_ns || trace_has_ended(source)) {
            return 0;
        }
        if (time_ns - all->search_ns > SEARCH_MS * HWI_NS_PER_MS) {
            search_all(all);
        }
        nap(POLL_MS);
    }
}

static void close_processes(struct trace_source *source)
{
    struct processes *all = (struct processes *)source;
    for (uint32_t i = 0; i < source->ring_count; i++) {
        munmap(all->mappings[i].memory, all->mappings[i].bytes);
    }
    free(all->mappings);
    free(source->rings);
    free(all);
}

static const struct trace_source_ops processes_ops = {.read = read_processes,
                                                      .close = close_processes};

// ---- opening -----------------------------------------------------------------------------------

static bool has_ring(const struct processes *all, uint32_t pid)
{
    for (uint32_t i = 0; i < all->source.ring_count; i++) {
        if (all->mappings[i].pid == pid) {
            return true;
        }
    }
    return false;
}

static const char *why_not(uint32_t pid, int error)
{
    if (kill((pid_t)pid, 0) != 0 && errno == ESRCH) {
        return "there is no such process";
    }
    if (error == EACCES || error == EPERM) {
        return "it lets only its own user read its messages";
    }
    if (error == EAGAIN) {
        return "it does not answer; is it stopped?";
    }
    if (error == EPROTO) {
        return "it is of another version";
    }
    return error ? strerror(error) : "it runs nothing of Hawser, or is another user's";
}

struct trace_source *trace_open_processes(const uint32_t *pids, uint32_t count, bool history,
                                          char *error)
{
    struct processes *all = calloc(1, sizeof *all);
    if (all == NULL || count > TRACE_PIDS_MAX) {
        snprintf(error, TRACE_ERROR_BYTES, all != NULL ? "too many processes" : "no memory");
        free(all);
        return NULL;
    }
    all->source.ops = &processes_ops;
    all->history = history;
    all->pid_count = count;
    memcpy(all->pids, pids, count * sizeof *pids);
    search_all(all);
    for (uint32_t i = 0; i < count; i++) {
        if (has_ring(all, pids[i])) {
            continue;
        }
        snprintf(error, TRACE_ERROR_BYTES, "cannot attach to process %u: %s", (unsigned)pids[i],
                 why_not(pids[i], all->error));
        close_processes(&all->source);
        return NULL;
    }
    return &all->source;
}
