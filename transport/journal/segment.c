// SPDX-License-Identifier: MIT
#include "transport/journal/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    PAGE_BYTES = 4096,
    WINDOW_BYTES = 64 << 10,
    NUMBER_BYTES = 8,
};

static size_t whole_pages(size_t bytes)
{
    return (bytes + PAGE_BYTES - 1) & ~(size_t)(PAGE_BYTES - 1);
}

// ---- the file ----------------------------------------------------------------------------------

// A file beyond the process's limit would be answered with a signal that ends it.
static bool is_allowed(size_t bytes)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
           bytes <= limit.rlim_cur;
}

// Maps `bytes` of the file, after the disk has given them. NULL with errno.
static unsigned char *reserve(int fd, size_t bytes)
{
    errno = EFBIG;
    if (!is_allowed(bytes)) {
        return NULL;
    }
    errno = posix_fallocate(fd, 0, (off_t)bytes);
    if (errno) {
        return NULL;
    }
    void *mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return mapped == MAP_FAILED ? NULL : mapped;
}

int hwi_segment_create(struct hwi_segment *segment, const char *path, size_t bytes)
{
    struct hwi_segment made = {.capacity = whole_pages(bytes)};
    made.fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (made.fd < 0) {
        return errno;
    }
    made.bytes = reserve(made.fd, made.capacity);
    if (made.bytes == NULL) {
        int problem = errno;
        close(made.fd);
        unlink(path);
        return problem;
    }
    *segment = made;
    return 0;
}

bool hwi_segment_fits(const struct hwi_segment *segment, size_t bytes)
{
    return bytes + 2 * HWI_JOURNAL_END_BYTES <= segment->capacity - segment->used;
}

int hwi_segment_grow(struct hwi_segment *segment, size_t bytes)
{
    size_t capacity = whole_pages(segment->used + bytes + 2 * HWI_JOURNAL_END_BYTES);
    unsigned char *mapped = reserve(segment->fd, capacity);
    if (mapped == NULL) {
        int problem = errno; // a part may have been given; what is not used is cut at the end
        return problem;
    }
    munmap(segment->bytes, segment->capacity);
    segment->bytes = mapped;
    segment->capacity = capacity;
    return 0;
}

void hwi_segment_close(struct hwi_segment *segment)
{
    munmap(segment->bytes, segment->capacity);
    if (ftruncate(segment->fd, (off_t)segment->used) != 0) {
        errno = 0; // zeros behind the end are allowed
    }
    close(segment->fd);
    segment->fd = -1;
}

void hwi_segment_abandon(struct hwi_segment *segment)
{
    munmap(segment->bytes, segment->capacity);
    close(segment->fd);
    segment->fd = -1;
}

// Zeros written ahead bring the pages in by the dozen: a fault for each would cost four times that.
static void warm(struct hwi_segment *segment, size_t end)
{
    static const unsigned char zeros[WINDOW_BYTES];
    while (segment->warmed < end) {
        size_t bytes = HWI_MIN((size_t)WINDOW_BYTES, segment->capacity - segment->warmed);
        if (pwrite(segment->fd, zeros, bytes, (off_t)segment->warmed) < 0) {
            errno = 0; // the bytes are ours and zero anyhow
        }
        segment->warmed += bytes;
    }
}

// ---- records -----------------------------------------------------------------------------------

// Header, payload, chain, in this order: a process killed in between leaves a record without chain.
void hwi_segment_put(struct hwi_segment *segment, enum hwi_journal_kind kind, uint8_t role,
                     unsigned char *scratch, size_t bytes)
{
    size_t padded = hwi_journal_padded(bytes), whole = HWI_JOURNAL_HEADER_BYTES + padded;
    struct hwi_journal_header header = {(uint32_t)bytes, (uint8_t)kind, role};
    HWI_CHECK(whole <= segment->capacity - segment->used);
    warm(segment, segment->used + whole);
    hwi_journal_put_u64(scratch, hwi_journal_header_pack(header, segment->used));
    memset(scratch + 8 + bytes, 0, padded - bytes);
    segment->chain = hwi_journal_chain(segment->chain, scratch, 8 + padded);

    unsigned char *at = segment->bytes + segment->used;
    _Atomic uint64_t *words = (_Atomic uint64_t *)(void *)at;
    atomic_store_explicit(&words[1], hwi_journal_get_u64(scratch), memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    memcpy(at + HWI_JOURNAL_HEADER_BYTES, scratch + 8, padded);
    atomic_store_explicit(&words[0], segment->chain, memory_order_release);
    segment->used += whole;
}

void hwi_segment_put_number(struct hwi_segment *segment, enum hwi_journal_kind kind,
                            uint64_t number)
{
    unsigned char scratch[8 + NUMBER_BYTES];
    hwi_journal_put_u64(scratch + 8, number);
    hwi_segment_put(segment, kind, 0, scratch, NUMBER_BYTES);
}

uint64_t hwi_segment_chain_after(const struct hwi_segment *segment, enum hwi_journal_kind kind,
                                 uint64_t number)
{
    unsigned char record[8 + NUMBER_BYTES];
    struct hwi_journal_header header = {NUMBER_BYTES, (uint8_t)kind, 0};
    hwi_journal_put_u64(record, hwi_journal_header_pack(header, segment->used));
    hwi_journal_put_u64(record + 8, number);
    return hwi_journal_chain(segment->chain, record, sizeof record);
}
