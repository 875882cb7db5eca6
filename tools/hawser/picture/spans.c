// SPDX-License-Identifier: MIT
// Operations from call to reply, and data from the port that sends it to the one that has it whole.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "actors/base/rows.h"
#include "actors/wire/codec.h"
#include "tools/hawser/picture/parts.h"

enum { NAME_BYTES = 64, WHAT_BYTES = 192 };

// Items that belong together have the same `name`; sorted by it, and then by time.
struct entry {
    uint64_t name[5];
    uint32_t index; // of the item
};

static int by_name(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    for (uint32_t i = 0; i < HWI_COUNT(x->name); i++) {
        if (x->name[i] != y->name[i]) {
            return x->name[i] < y->name[i] ? -1 : 1;
        }
    }
    return (x->index > y->index) - (x->index < y->index);
}

// Writes the name of an item to *entry; false if the item is none of those that are looked for.
typedef bool (*name_fn)(const struct perfetto *p, const struct perfetto_item *item,
                        struct entry *entry);

// Returns owned, sorted; NULL: no memory.
static struct entry *collect(const struct perfetto *p, name_fn name, uint32_t *count)
{
    struct entry *entries = malloc((p->item_count + 1) * sizeof *entries);
    *count = 0;
    for (uint32_t i = 0; entries != NULL && i < p->item_count; i++) {
        entries[*count] = (struct entry){.index = i};
        *count += name(p, &p->items[i], &entries[*count]);
    }
    if (*count) {
        qsort(entries, *count, sizeof *entries, by_name);
    }
    return entries;
}

// ---- operations --------------------------------------------------------------------------------

// By process and request: the call, its memory (which tells the operation's name), its reply.
static bool name_request(const struct perfetto *p, const struct perfetto_item *item,
                         struct entry *entry)
{
    (void)p;
    entry->name[0] = item->process;
    entry->name[1] = item->record.key;
    return item->record.type == HWI_MSG_request || item->record.type == HWI_MSG_op_memory ||
           item->record.type == HWI_MSG_reply;
}

// By process and operation: its end, as decided.
static bool name_end(const struct perfetto *p, const struct perfetto_item *item,
                     struct entry *entry)
{
    const struct hwi_ring_record *record = &item->record;
    (void)p;
    *entry = (struct entry){
        .name = {item->process, record->view, record->kind, record->tag, record->seq},
        .index = entry->index};
    return record->type == HWI_MSG_op_end && !hwi_ring_is_sent(record);
}

static const struct perfetto_item *find_end(const struct perfetto *p, const struct entry *ends,
                                            uint32_t count, const struct perfetto_item *memory)
{
    struct entry wanted = {.index = 0};
    struct perfetto_item like = *memory;
    like.record.kind &= (uint8_t)~HWI_RING_SENT;
    name_end(p, &like, &wanted);
    uint32_t at = hwi_rows_place(ends, count, sizeof *ends, by_name, &wanted);
    bool found = at < count && !memcmp(ends[at].name, wanted.name, sizeof wanted.name);
    return found ? &p->items[ends[at].index] : NULL;
}

static void name_call(const struct perfetto_item *call, char name[NAME_BYTES])
{
    const struct hwi_ring_record *record = &call->record;
    if (record->kind == HWI_KIND_NONE) {
        snprintf(name, NAME_BYTES, "view");
    } else {
        snprintf(name, NAME_BYTES, "%s/%" PRIu64, hwi_kind_name(record->kind), record->tag);
    }
}

// "all_reduce/7#3@v2, request 5, status 0".
static void describe(const struct perfetto_item *item, const struct perfetto_item *reply,
                     char what[WHAT_BYTES])
{
    struct hwi_op op;
    char name[NAME_BYTES] = "";
    if (hwi_ring_op(&item->record, &op)) {
        snprintf(name, sizeof name, "%s/%" PRIu64 "#%" PRIu32 "@v%" PRIu64 ", ",
                 hwi_kind_name(op.kind), op.tag, op.seq, op.view);
    }
    if (reply != NULL) {
        snprintf(what, WHAT_BYTES, "%srequest %" PRIu64 ", status %" PRId32, name, item->record.key,
                 (int32_t)reply->record.seq);
    } else {
        snprintf(what, WHAT_BYTES, "%srequest %" PRIu64 ", not answered", name, item->record.key);
    }
}

// The picture's right edge for a call that was not answered yet.
static int64_t last_of(const struct perfetto *p, uint32_t process)
{
    const struct perfetto_process *of = &p->processes[process];
    return perfetto_time(p, process, p->items[of->first + of->count - 1].record.handled);
}

// One request's entries.
static void draw_operation(struct perfetto_out *out, const struct perfetto *p,
                           const struct entry *entries, uint32_t count, const struct entry *ends,
                           uint32_t end_count)
{
    const struct perfetto_item *call = NULL, *memory = NULL, *reply = NULL, *end = NULL;
    char name[NAME_BYTES], what[WHAT_BYTES];
    for (uint32_t i = 0; i < count; i++) {
        const struct perfetto_item *item = &p->items[entries[i].index];
        if (item->record.type == HWI_MSG_request) {
            call = item;
        } else if (item->record.type == HWI_MSG_op_memory) {
            memory = item; // of several attempts the last
        } else {
            reply = item;
        }
    }
    if (call == NULL) {
        return;
    }
    end = memory != NULL ? find_end(p, ends, end_count, memory) : NULL;
    name_call(call, name);
    describe(memory != NULL ? memory : call, reply, what);
    struct perfetto_span span = {
        .category = "operation",
        .name = name,
        .what = what,
        .process = call->process,
        .start_ns = perfetto_time(p, call->process, call->record.arrived),
        .end_ns = reply != NULL ? perfetto_time(p, call->process, reply->record.handled)
                                : last_of(p, call->process),
        .marked_ns = end != NULL ? perfetto_time(p, call->process, end->record.arrived) : -1,
        .mark = end != NULL && end->record.key ? "committed" : "aborted"};
    perfetto_put_span(out, &span);
}

bool perfetto_put_operations(struct perfetto_out *out, const struct perfetto *p)
{
    uint32_t count, end_count;
    struct entry *entries = collect(p, name_request, &count);
    struct entry *ends = collect(p, name_end, &end_count);
    for (uint32_t i = 0, next; entries != NULL && ends != NULL && i < count; i = next) {
        for (next = i + 1;
             next < count && !memcmp(entries[i].name, entries[next].name, sizeof entries[i].name);
             next++)
            ;
        draw_operation(out, p, entries + i, next - i, ends, end_count);
    }
    bool good = entries != NULL && ends != NULL;
    free(entries);
    free(ends);
    return good;
}

// ---- data --------------------------------------------------------------------------------------

static bool is_block(uint16_t type)
{
    return type == HWI_MSG_block_send || type == HWI_MSG_block_placed;
}

// By view, tag and number of the operation, what it is, and the two members. A `send` may stand for
// several chunks: the one of a chunk is the last that begins at or before it.
static bool name_transfer(const struct perfetto *p, const struct perfetto_item *item,
                          struct entry *entry)
{
    const struct hwi_ring_record *record = &item->record;
    uint64_t own = p->processes[item->process].owner.peer, other = record->key >> 32;
    bool sent = hwi_ring_is_sent(record);
    if (record->type != HWI_MSG_send && record->type != HWI_MSG_chunk && !is_block(record->type)) {
        return false;
    }
    entry->name[0] = record->view;
    entry->name[1] = record->tag;
    entry->name[2] = (uint64_t)record->seq << 1 | is_block(record->type);
    entry->name[3] = (sent ? own : other) << 32 | (uint32_t)(sent ? other : own);
    entry->name[4] = (uint64_t)(uint32_t)record->key << 1 | !sent;
    return own != 0;
}

static void draw_transfer(struct perfetto_out *out, const struct perfetto *p,
                          const struct perfetto_item *sent, const struct perfetto_item *heard)
{
    char name[NAME_BYTES], what[WHAT_BYTES];
    snprintf(name, sizeof name, "data to member %" PRIu64, p->processes[heard->process].owner.peer);
    hwi_ring_print(&heard->record, what, sizeof what);
    struct perfetto_span span = {.category = "data",
                                 .name = name,
                                 .what = what,
                                 .process = sent->process,
                                 .start_ns = perfetto_time(p, sent->process, sent->record.handled),
                                 .end_ns = perfetto_time(p, heard->process, heard->record.arrived),
                                 .marked_ns = -1};
    perfetto_put_span(out, &span);
}

bool perfetto_put_transfers(struct perfetto_out *out, const struct perfetto *p)
{
    uint32_t count;
    struct entry *entries = collect(p, name_transfer, &count);
    const struct entry *sent = NULL; // the last before this one
    for (uint32_t i = 0; entries != NULL && i < count; i++) {
        const struct perfetto_item *item = &p->items[entries[i].index];
        if (hwi_ring_is_sent(&item->record)) {
            sent = &entries[i];
        } else if (sent != NULL &&
                   !memcmp(sent->name, entries[i].name, 4 * sizeof entries[i].name[0])) {
            draw_transfer(out, p, &p->items[sent->index], item);
        }
    }
    bool good = entries != NULL;
    free(entries);
    return good;
}
