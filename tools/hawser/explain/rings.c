// SPDX-License-Identifier: MIT
#include "tools/hawser/explain/rings.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/hawser/command.h"

void rings_free(struct explain_rings *rings)
{
    for (uint32_t i = 0; i < rings->count; i++) {
        hwi_free(&hwi_alloc_libc, rings->records[i]);
    }
    hwi_free(&hwi_alloc_libc, rings->rings);
    hwi_free(&hwi_alloc_libc, rings->records);
    hwi_free(&hwi_alloc_libc, rings->capacities);
    *rings = (struct explain_rings){0};
}

uint32_t rings_add(struct explain_rings *rings, const struct hwi_ring_owner *owner,
                   uint64_t realtime_zero_ns)
{
    const struct hwi_alloc *libc = &hwi_alloc_libc;
    if (rings->count == rings->capacity) {
        uint32_t capacity = rings->capacity ? 2 * rings->capacity : 16;
        rings->rings = hwi_resize(libc, rings->rings, capacity * sizeof *rings->rings);
        rings->records = hwi_resize(libc, rings->records, capacity * sizeof *rings->records);
        rings->capacities =
            hwi_resize(libc, rings->capacities, capacity * sizeof *rings->capacities);
        rings->capacity = capacity;
    }
    uint32_t index = rings->count++;
    rings->rings[index] =
        (struct explain_ring){.owner = *owner, .realtime_zero_ns = realtime_zero_ns};
    rings->records[index] = NULL;
    rings->capacities[index] = 0;
    return index;
}

void rings_append(struct explain_rings *rings, uint32_t index, const struct hwi_ring_record *record)
{
    struct explain_ring *ring = &rings->rings[index];
    if (ring->count == rings->capacities[index]) {
        rings->capacities[index] = ring->count ? 2 * ring->count : 1024;
        rings->records[index] =
            hwi_resize(&hwi_alloc_libc, rings->records[index],
                       rings->capacities[index] * sizeof *rings->records[index]);
        ring->records = rings->records[index];
    }
    rings->records[index][ring->count++] = *record;
}

static int compare_numbers(const void *a, const void *b)
{
    const struct hwi_ring_record *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

void rings_settle(struct explain_rings *rings)
{
    for (uint32_t i = 0; i < rings->count; i++) {
        struct explain_ring *ring = &rings->rings[i];
        struct hwi_ring_record *records = rings->records[i];
        uint32_t kept = 0;
        make_printable(ring->owner.name);
        make_printable(ring->owner.address);
        make_printable(ring->trouble);
        if (ring->count == 0) {
            continue;
        }
        qsort(records, ring->count, sizeof *records, compare_numbers);
        for (uint32_t j = 0; j < ring->count; j++) {
            if (kept == 0 || records[j].number != records[kept - 1].number) {
                records[kept++] = records[j];
            }
        }
        ring->count = kept;
    }
}
