// SPDX-License-Identifier: MIT
// Rings in files: memory images of rings, as the flight recorder writes them.
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "actors/wire/codec.h"
#include "tools/hawser/explain/rings.h"

#define SUFFIX ".flight"

enum { PATH_BYTES = 4096, BLOCK_RECORDS = 256 };

// ---- reading ------------------------------------------------------------------------------------

// Returns the file's bytes (owned; aligned for records), *bytes of them, or NULL with errno.
static void *read_file(const char *path, size_t *bytes)
{
    struct stat found;
    void *memory = NULL;
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    size_t most = hwi_ring_bytes(HWI_RING_RECORDS_MAX);
    if (fstat(fileno(file), &found) == 0 && S_ISREG(found.st_mode) &&
        (size_t)found.st_size <= most) {
        *bytes = (size_t)found.st_size;
        memory = aligned_alloc(64, (*bytes + 127) / 64 * 64);
        if (memory != NULL && fread(memory, 1, *bytes, file) != *bytes) {
            free(memory);
            memory = NULL;
        }
    }
    fclose(file);
    return memory;
}

// The ring of this process if there is one already.
static uint32_t ring_of(struct explain_rings *rings, const struct hwi_ring_head *head)
{
    for (uint32_t i = 0; i < rings->count; i++) {
        struct hwi_ring_owner *owner = &rings->rings[i].owner;
        if (owner->incarnation == head->owner.incarnation && owner->pid == head->owner.pid &&
            strcmp(owner->name, head->owner.name) == 0) {
            if (owner->peer == 0) {
                *owner = head->owner;
            }
            return i;
        }
    }
    return rings_add(rings, &head->owner, head->clock.realtime_ns - head->clock.ns_zero);
}

static bool load_image(struct explain_rings *rings, const void *memory, size_t bytes)
{
    struct hwi_ring_reader reader;
    struct hwi_ring_head head;
    struct hwi_ring_record records[BLOCK_RECORDS];
    if (!hwi_ring_attach(&reader, memory, bytes) || !hwi_ring_head(&reader, &head)) {
        return false;
    }
    uint32_t index = ring_of(rings, &head);
    uint64_t taken_ns = head.taken ? hwi_ring_ns(&head.clock, head.taken) : 0;
    rings->rings[index].as_of_ns = HWI_MAX(rings->rings[index].as_of_ns, taken_ns);
    for (uint32_t count; (count = hwi_ring_read(&reader, records, BLOCK_RECORDS)) > 0;) {
        for (uint32_t i = 0; i < count; i++) {
            records[i].arrived = hwi_ring_ns(&head.clock, records[i].arrived);
            records[i].handled = hwi_ring_ns(&head.clock, records[i].handled);
            rings_append(rings, index, &records[i]);
        }
    }
    return true;
}

static bool load_file(struct explain_rings *rings, const char *path)
{
    size_t bytes = 0;
    void *memory = read_file(path, &bytes);
    bool good = memory != NULL && load_image(rings, memory, bytes);
    free(memory);
    return good;
}

static bool is_flight(const char *name)
{
    size_t length = strlen(name), suffix = strlen(SUFFIX);
    return length > suffix && strcmp(name + length - suffix, SUFFIX) == 0;
}

static uint32_t load_directory(struct explain_rings *rings, const char *path, uint32_t *skipped)
{
    struct dirent **names;
    uint32_t loaded = 0;
    int count = scandir(path, &names, NULL, alphasort); // the same order everywhere
    for (int i = 0; i < count; i++) {
        char file[PATH_BYTES];
        bool fits = snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name) < (int)sizeof file;
        if (is_flight(names[i]->d_name) && fits && loaded < RINGS_FILES_MAX) {
            bool good = load_file(rings, file);
            loaded += good;
            *skipped += !good;
        }
        free(names[i]);
    }
    if (count >= 0) {
        free(names);
    }
    return loaded;
}

bool rings_load(struct explain_rings *rings, const char *path, uint32_t *skipped, char *error)
{
    struct stat found;
    if (stat(path, &found) != 0) {
        snprintf(error, RINGS_ERROR_BYTES, "%.160s: %s", path, strerror(errno));
        return false;
    }
    bool directory = S_ISDIR(found.st_mode), good = false;
    if (directory ? load_directory(rings, path, skipped) > 0 : load_file(rings, path)) {
        good = true;
    }
    if (directory && rings_load_journals(rings, path, skipped) > 0) {
        good = true;
    }
    if (good) {
        return true;
    }
    if (!directory) {
        snprintf(error, RINGS_ERROR_BYTES, "%.160s is no ring file of this build", path);
    } else if (*skipped) {
        snprintf(error, RINGS_ERROR_BYTES,
                 "the %u rings and journals in %.120s are damaged or of another build", *skipped,
                 path);
    } else {
        snprintf(error, RINGS_ERROR_BYTES,
                 "no files *" SUFFIX " or journals in %.120s: nothing has failed there, or "
                 "HAWSER_FLIGHT and HAWSER_JOURNAL named another directory",
                 path);
    }
    return false;
}

// ---- writing ------------------------------------------------------------------------------------

static uint32_t capacity_for(const struct explain_ring *ring)
{
    uint64_t span =
        ring->count ? ring->records[ring->count - 1].number - ring->records[0].number + 1 : 1;
    uint32_t capacity = 64;
    while (capacity < span && capacity < HWI_RING_RECORDS_MAX) {
        capacity *= 2;
    }
    return capacity;
}

static bool write_ring(FILE *file, const struct explain_ring *ring)
{
    uint32_t capacity = capacity_for(ring);
    uint64_t last = ring->count ? ring->records[ring->count - 1].number : 0;
    struct hwi_ring_head head = {.magic = HWI_RING_MAGIC,
                                 .format = HWI_RING_FORMAT,
                                 .capacity = capacity,
                                 .schema = hwi_schema_hash(),
                                 .next = last + 1,
                                 .clock = {.ns_per_tick = 1, .realtime_ns = ring->realtime_zero_ns},
                                 .owner = ring->owner,
                                 .taken = ring->as_of_ns};
    struct hwi_ring_record *slots = calloc(capacity, sizeof *slots);
    for (uint32_t i = 0; slots != NULL && i < ring->count; i++) {
        if (ring->records[i].number + capacity > last) {
            slots[ring->records[i].number & (capacity - 1)] = ring->records[i];
        }
    }
    bool good = slots != NULL && fwrite(&head, sizeof head, 1, file) == 1 &&
                fwrite(slots, sizeof *slots, capacity, file) == capacity;
    free(slots);
    return good;
}

bool rings_save(const struct explain_rings *rings, const char *directory, char *error)
{
    if (mkdir(directory, 0700) != 0 && errno != EEXIST) {
        snprintf(error, RINGS_ERROR_BYTES, "%.160s: %s", directory, strerror(errno));
        return false;
    }
    for (uint32_t i = 0; i < rings->count; i++) {
        char path[PATH_BYTES];
        const struct hwi_ring_owner *owner = &rings->rings[i].owner;
        // Named as its process would: what others say of themselves makes no path.
        snprintf(path, sizeof path, "%s/%s-%" PRIx64 ".000000" SUFFIX, directory,
                 owner->incarnation ? "member" : "master",
                 owner->incarnation ? owner->incarnation : owner->pid);
        FILE *file = fopen(path, "wb");
        bool good = file != NULL && write_ring(file, &rings->rings[i]);
        good &= file != NULL && fclose(file) == 0;
        if (!good) {
            snprintf(error, RINGS_ERROR_BYTES, "%.160s: %s", path, strerror(errno));
            return false;
        }
    }
    return true;
}
