// SPDX-License-Identifier: MIT
// Matches each received message with the sent one, and estimates how much the clocks of different
// machines differ: half the difference between the quickest messages of the two directions.
#include <stdlib.h>
#include <string.h>

#include "tools/hawser/picture/parts.h"

enum {
    SAME_MACHINE_NS = 1000 * 1000, // processes of one machine agree so well in when it started
    MACHINES_MAX = 256,            // of which clocks are related by messages; beyond: time of day
};

// The facts that both sides know about a message between processes.
struct link {
    uint8_t from_role, to_role;
    uint64_t from, to; // session or peer id; 0 = the master
    uint64_t view, tag, key;
    uint32_t seq;
    uint16_t type;
    uint8_t kind;
};

struct end {
    struct link link;
    uint32_t index; // of the item
    bool sent;
};

// ---- links -------------------------------------------------------------------------------------

static uint64_t own_id(const struct hwi_ring_owner *owner, uint8_t actor)
{
    if (actor == HWI_ROLE_MASTER) {
        return 0;
    }
    return actor == HWI_ROLE_PEER ? owner->incarnation : owner->peer;
}

static bool is_actor(uint8_t role)
{
    return role >= HWI_ROLE_MASTER && role <= HWI_ROLE_SNAPSHOT;
}

// False if the other side is no actor of another process.
static bool link_of(const struct perfetto *p, const struct perfetto_item *item, struct link *link)
{
    const struct hwi_ring_record *record = &item->record;
    uint8_t actor = hwi_ring_actor(record);
    struct hwi_addr other = hwi_ring_other(record);
    uint64_t own = own_id(&p->processes[item->process].owner, actor);
    bool sent = hwi_ring_is_sent(record);
    if (!is_actor(actor) || !is_actor(other.role) || (!other.id && other.role != HWI_ROLE_MASTER)) {
        return false;
    }
    memset(link, 0, sizeof *link); // its padding is compared, too
    link->from_role = sent ? actor : other.role;
    link->to_role = sent ? other.role : actor;
    link->from = sent ? own : other.id;
    link->to = sent ? other.id : own;
    link->view = record->view;
    link->tag = record->tag;
    link->key = record->key;
    link->seq = record->seq;
    link->type = record->type;
    link->kind = (uint8_t)(record->kind & ~HWI_RING_SENT);
    return true;
}

static int by_link(const void *a, const void *b)
{
    const struct end *x = a, *y = b;
    int order = memcmp(&x->link, &y->link, sizeof x->link);
    if (order) {
        return order;
    }
    return (x->index > y->index) - (x->index < y->index);
}

// Returns owned; NULL with *count 0 if there are none or no memory (*good).
static struct end *collect_ends(const struct perfetto *p, uint32_t *count, bool *good)
{
    struct end *ends = malloc((p->item_count + 1) * sizeof *ends);
    *count = 0;
    *good = ends != NULL;
    for (uint32_t i = 0; ends != NULL && i < p->item_count; i++) {
        struct end *end = &ends[*count];
        if (!link_of(p, &p->items[i], &end->link)) {
            continue;
        }
        end->index = i;
        end->sent = hwi_ring_is_sent(&p->items[i].record);
        ++*count;
    }
    if (*count) {
        qsort(ends, *count, sizeof *ends, by_link);
    }
    return ends;
}

// ---- machines ----------------------------------------------------------------------------------

static bool is_same_machine(uint64_t a, uint64_t b)
{
    return (a > b ? a - b : b - a) < SAME_MACHINE_NS;
}

// Until messages say better, clocks are related by the time of day.
static bool find_machines(struct perfetto *p)
{
    uint64_t *zeros = malloc((p->process_count + 1) * sizeof *zeros);
    p->shifts = malloc((p->process_count + 1) * sizeof *p->shifts);
    if (zeros == NULL || p->shifts == NULL) {
        free(zeros);
        return false;
    }
    p->machine_count = 0;
    for (uint32_t i = 0; i < p->process_count; i++) {
        uint64_t zero = p->processes[i].realtime_zero_ns;
        uint32_t machine = 0;
        while (machine < p->machine_count && !is_same_machine(zeros[machine], zero)) {
            machine++;
        }
        if (machine == p->machine_count) {
            zeros[machine] = zero;
            p->shifts[machine] = (int64_t)(zero - zeros[0]);
            p->machine_count++;
        }
        p->processes[i].machine = machine;
    }
    free(zeros);
    return true;
}

static uint32_t machine_of(const struct perfetto *p, const struct end *end)
{
    return p->processes[p->items[end->index].process].machine;
}

// Heard minus said, on their own clocks.
static int64_t raw_delay(const struct perfetto *p, const struct end *sent, const struct end *heard)
{
    return (int64_t)(p->items[heard->index].record.arrived - p->items[sent->index].record.handled);
}

// Messages that were sent once and received once: those are never confused.
static void learn_delays(const struct perfetto *p, const struct end *ends, uint32_t count,
                         int64_t *least)
{
    uint32_t machines = p->machine_count;
    for (uint32_t i = 0, next; i < count; i = next) {
        for (next = i + 1;
             next < count && !memcmp(&ends[i].link, &ends[next].link, sizeof ends[i].link); next++)
            ;
        if (next - i != 2 || ends[i].sent == ends[i + 1].sent) {
            continue;
        }
        const struct end *sent = ends[i].sent ? &ends[i] : &ends[i + 1];
        const struct end *heard = ends[i].sent ? &ends[i + 1] : &ends[i];
        int64_t *delay = &least[machine_of(p, sent) * machines + machine_of(p, heard)];
        *delay = HWI_MIN(*delay, raw_delay(p, sent, heard));
    }
}

// From machine 0 to all that messages lead to, nearest first.
static void spread(struct perfetto *p, const int64_t *least)
{
    uint32_t machines = p->machine_count, done = 0, found = 1, queue[MACHINES_MAX] = {0};
    bool seen[MACHINES_MAX] = {true};
    while (done < found) {
        uint32_t a = queue[done++];
        for (uint32_t b = 0; b < machines; b++) {
            int64_t there = least[a * machines + b], back = least[b * machines + a];
            if (seen[b] || there == INT64_MAX || back == INT64_MAX) {
                continue;
            }
            // there = way + (clock b - clock a), back = way - (clock b - clock a)
            p->shifts[b] = p->shifts[a] - (there - back) / 2;
            seen[b] = true;
            queue[found++] = b;
        }
    }
}

static bool relate_clocks(struct perfetto *p, const struct end *ends, uint32_t count)
{
    uint32_t machines = p->machine_count;
    if (machines < 2 || machines > MACHINES_MAX) {
        return true;
    }
    int64_t *least = malloc((size_t)machines * machines * sizeof *least);
    if (least == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < machines * machines; i++) {
        least[i] = INT64_MAX;
    }
    learn_delays(p, ends, count, least);
    spread(p, least);
    free(least);
    return true;
}

// ---- pairs -------------------------------------------------------------------------------------

static int64_t time_of(const struct perfetto *p, const struct end *end)
{
    const struct perfetto_item *item = &p->items[end->index];
    return perfetto_time(p, item->process, end->sent ? item->record.handled : item->record.arrived);
}

static int by_time(const struct perfetto *p, const struct end *a, const struct end *b)
{
    int64_t x = time_of(p, a), y = time_of(p, b);
    return (x > y) - (x < y);
}

// Messages that look the same are matched in order, and none is received before it was sent. A
// message without a partner was lost, or is older than the rings.
static void pair_up(struct perfetto *p, const struct end *ends, uint32_t count)
{
    uint32_t sent = 0, heard = 0;
    while (sent < count && heard < count) {
        if (!ends[sent].sent) {
            sent++;
        } else if (ends[heard].sent) {
            heard++;
        } else if (by_time(p, &ends[heard], &ends[sent]) < 0) {
            heard++;
        } else {
            p->items[ends[sent].index].match = ends[heard].index;
            p->items[ends[heard].index].match = ends[sent].index;
            sent++;
            heard++;
        }
    }
}

static void pair_all(struct perfetto *p, const struct end *ends, uint32_t count)
{
    for (uint32_t i = 0, next; i < count; i = next) {
        for (next = i + 1;
             next < count && !memcmp(&ends[i].link, &ends[next].link, sizeof ends[i].link); next++)
            ;
        pair_up(p, ends + i, next - i);
    }
}

bool perfetto_match(struct perfetto *p)
{
    uint32_t count;
    bool good;
    if (!find_machines(p)) {
        return false;
    }
    struct end *ends = collect_ends(p, &count, &good);
    good = good && relate_clocks(p, ends, count);
    if (good) {
        pair_all(p, ends, count);
    }
    free(ends);
    return good;
}
