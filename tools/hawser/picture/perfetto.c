// SPDX-License-Identifier: MIT
// The parts of the picture, and the order in which they are drawn.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "actors/base/rows.h"
#include "actors/wire/codec.h"
#include "tools/hawser/picture/parts.h"

enum {
    ITEMS_FIRST = 1 << 12,
    RECORD_BYTES = 640, // of the file, as a rule: a slice, an arrow, its part of a span
};

struct perfetto *perfetto_create(void)
{
    struct perfetto *p = calloc(1, sizeof *p);
    if (p != NULL) {
        p->bytes_max = PERFETTO_BYTES_MAX;
    }
    return p;
}

void perfetto_limit(struct perfetto *p, uint64_t bytes)
{
    p->bytes_max = HWI_MAX(bytes, PERFETTO_BYTES_LEAST);
}

uint64_t perfetto_left_out(const struct perfetto *p)
{
    return p->dropped;
}

void perfetto_destroy(struct perfetto *p)
{
    free(p->items);
    free(p->processes);
    free(p->shifts);
    free(p);
}

// ---- what is added -----------------------------------------------------------------------------

static bool make_process(struct perfetto *p, uint32_t process)
{
    if (process < p->process_count) {
        return true;
    }
    if (process >= PERFETTO_PROCESSES_MAX) {
        return false;
    }
    struct perfetto_process *more = realloc(p->processes, (process + 1) * sizeof *more);
    if (more == NULL) {
        return false;
    }
    memset(more + p->process_count, 0, (process + 1 - p->process_count) * sizeof *more);
    p->processes = more;
    p->process_count = process + 1;
    return true;
}

bool perfetto_process(struct perfetto *p, uint32_t process, const struct hwi_ring_owner *owner,
                      uint64_t realtime_zero_ns)
{
    if (!make_process(p, process)) {
        return false;
    }
    p->processes[process].owner = *owner;
    p->processes[process].realtime_zero_ns = realtime_zero_ns;
    p->processes[process].known = true;
    return true;
}

static bool make_room(struct perfetto *p)
{
    if (p->item_count < p->item_capacity) {
        return true;
    }
    uint32_t capacity = p->item_capacity ? 2 * p->item_capacity : ITEMS_FIRST;
    struct perfetto_item *items =
        capacity <= PERFETTO_RECORDS_MAX ? realloc(p->items, capacity * sizeof *items) : NULL;
    if (items == NULL) {
        return false;
    }
    p->items = items;
    p->item_capacity = capacity;
    return true;
}

void perfetto_add(struct perfetto *p, uint32_t process, const struct hwi_ring_record *record)
{
    if (!make_process(p, process) || !make_room(p)) {
        p->dropped++;
        return;
    }
    p->items[p->item_count] = (struct perfetto_item){
        .record = *record, .process = process, .order = p->item_count, .match = PERFETTO_NONE};
    p->item_count++;
}

// ---- the order of things -----------------------------------------------------------------------

static int by_process(const void *a, const void *b)
{
    const struct perfetto_item *x = a, *y = b;
    if (x->process != y->process) {
        return x->process < y->process ? -1 : 1;
    }
    return (x->order > y->order) - (x->order < y->order);
}

static void sort_items(struct perfetto *p)
{
    if (p->item_count) {
        qsort(p->items, p->item_count, sizeof p->items[0], by_process);
    }
    for (uint32_t i = 0; i < p->item_count; i++) {
        struct perfetto_process *process = &p->processes[p->items[i].process];
        if (!process->count++) {
            process->first = i;
        }
    }
}

int64_t perfetto_time(const struct perfetto *p, uint32_t process, uint64_t ns)
{
    return (int64_t)ns + p->shifts[p->processes[process].machine] - p->start_ns;
}

static void find_start(struct perfetto *p)
{
    int64_t least = INT64_MAX;
    p->start_ns = 0;
    for (uint32_t i = 0; i < p->item_count; i++) {
        least = HWI_MIN(least, perfetto_time(p, p->items[i].process, p->items[i].record.arrived));
    }
    p->start_ns = p->item_count ? least : 0;
}

// ---- slices ------------------------------------------------------------------------------------

static int64_t time_of(const struct perfetto *p, uint32_t index)
{
    return perfetto_time(p, p->items[index].process, p->items[index].record.handled);
}

// The end of a step is not on record. Where the next message of the process waited already as this
// step began, its step began as this one ended; elsewhere the length is not known: 0.
static int64_t slice_ns(const struct perfetto *p, uint32_t index)
{
    const struct perfetto_process *process = &p->processes[p->items[index].process];
    const struct hwi_ring_record *record = &p->items[index].record;
    for (uint32_t i = index + 1; i < process->first + process->count; i++) {
        const struct hwi_ring_record *next = &p->items[i].record;
        bool follows = next->number == p->items[i - 1].record.number + 1;
        if (!follows || (hwi_ring_is_sent(next) && next->handled != record->handled)) {
            return 0; // records are missing here, or a step that is in no ring
        }
        if (!hwi_ring_is_sent(next)) {
            bool waited = next->arrived <= record->handled && next->handled >= record->handled;
            return waited ? (int64_t)(next->handled - record->handled) : 0;
        }
    }
    return 0;
}

static struct perfetto_track track_of(const struct perfetto_item *item)
{
    return (struct perfetto_track){item->process, hwi_ring_actor(&item->record)};
}

// Whether `actor` of the process has a slice that begins at these ticks. Ticks only grow.
static bool has_slice(const struct perfetto *p, uint32_t process, uint8_t actor, uint64_t ticks)
{
    const struct perfetto_process *of = &p->processes[process];
    const struct perfetto_item *items = p->items + of->first;
    uint32_t at = HWI_ROWS_PLACE(struct perfetto_item, record.handled, items, of->count, ticks);
    for (; at < of->count && items[at].record.handled == ticks; at++) {
        if (!hwi_ring_is_sent(&items[at].record) && hwi_ring_actor(&items[at].record) == actor) {
            return true;
        }
    }
    return false;
}

static void draw_slice(struct perfetto_out *out, const struct perfetto *p, uint32_t index)
{
    const struct perfetto_item *item = &p->items[index];
    bool sent = hwi_ring_is_sent(&item->record);
    if (!sent) {
        perfetto_put_slice(out, track_of(item), time_of(p, index), slice_ns(p, index),
                           &item->record);
    } else if (item->match == PERFETTO_NONE) {
        perfetto_put_mark(out, track_of(item), time_of(p, index), &item->record);
    } else if (!has_slice(p, item->process, hwi_ring_actor(&item->record), item->record.handled)) {
        perfetto_put_slice(out, track_of(item), time_of(p, index), 0, &item->record);
    }
}

static void draw_arrow(struct perfetto_out *out, const struct perfetto *p, uint32_t index)
{
    const struct perfetto_item *item = &p->items[index];
    struct hwi_addr other = hwi_ring_other(&item->record);
    const char *name = hwi_layout_of(item->record.type)->name;
    bool sent = hwi_ring_is_sent(&item->record);
    if (sent && item->match != PERFETTO_NONE) {
        perfetto_put_flow(out, name, track_of(item), time_of(p, index),
                          track_of(&p->items[item->match]), time_of(p, item->match));
    } else if (!sent && !other.id &&
               has_slice(p, item->process, other.role, item->record.arrived)) {
        // From another actor of the process: it was put into the mailbox in that one's step.
        struct perfetto_track from = {item->process, other.role};
        perfetto_put_flow(out, name, from, perfetto_time(p, item->process, item->record.arrived),
                          track_of(item), time_of(p, index));
    }
}

// A viewer joins an arrow to the slice that it has read last: all slices come first.
static void draw_items(struct perfetto_out *out, const struct perfetto *p,
                       void (*draw)(struct perfetto_out *, const struct perfetto *, uint32_t))
{
    for (uint32_t i = 0; i < p->item_count; i++) {
        if (hwi_layout_of(p->items[i].record.type) != NULL) {
            draw(out, p, i);
        }
    }
}

static bool draw(struct perfetto_out *out, const struct perfetto *p)
{
    fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n", out->stream);
    perfetto_put_names(out, p);
    draw_items(out, p, draw_slice);
    draw_items(out, p, draw_arrow);
    bool good = perfetto_put_operations(out, p) && perfetto_put_transfers(out, p);
    fputs("\n]}\n", out->stream);
    return good && !out->failed;
}

// ---- the size ----------------------------------------------------------------------------------

static int by_age(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static uint64_t age_of(const struct perfetto *p, const struct perfetto_item *item)
{
    return p->processes[item->process].realtime_zero_ns + item->record.handled;
}

// Keeps the newest items if there are too many for the file. False: no memory.
static bool keep_newest(struct perfetto *p)
{
    uint64_t most = p->bytes_max / RECORD_BYTES;
    if (p->item_count <= most) {
        return true;
    }
    uint64_t *ages = malloc(p->item_count * sizeof *ages);
    if (ages == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < p->item_count; i++) {
        ages[i] = age_of(p, &p->items[i]);
    }
    qsort(ages, p->item_count, sizeof *ages, by_age);
    uint64_t oldest = ages[p->item_count - most];
    uint32_t kept = 0;
    for (uint32_t i = 0; i < p->item_count; i++) {
        if (age_of(p, &p->items[i]) >= oldest) {
            p->items[kept++] = p->items[i];
        }
    }
    p->dropped += p->item_count - kept;
    p->item_count = kept;
    free(ages);
    return true;
}

int perfetto_write(struct perfetto *p, const char *path, char *error)
{
    if (!keep_newest(p)) {
        snprintf(error, PERFETTO_ERROR_BYTES, "no memory for the picture");
        return -1;
    }
    sort_items(p);
    if (!perfetto_match(p)) {
        snprintf(error, PERFETTO_ERROR_BYTES, "no memory for the picture");
        return -1;
    }
    find_start(p);
    struct perfetto_out out = {.stream = fopen(path, "w"), .bytes_max = p->bytes_max};
    if (out.stream == NULL) {
        snprintf(error, PERFETTO_ERROR_BYTES, "cannot write %.150s: %s", path, strerror(errno));
        return -1;
    }
    bool drawn = draw(&out, p);
    p->dropped += out.left_out;
    bool written = !ferror(out.stream);
    written = fclose(out.stream) == 0 && written;
    if (!drawn) {
        snprintf(error, PERFETTO_ERROR_BYTES, "no memory for the picture");
    } else if (!written) {
        snprintf(error, PERFETTO_ERROR_BYTES, "cannot write %.150s: %s", path, strerror(errno));
    }
    return drawn && written ? 0 : -1;
}
