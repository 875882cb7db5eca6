// SPDX-License-Identifier: MIT
// Relates the clocks of a set's processes. Each journal's head pairs its clock with the time of
// day. Where by that a message was heard before it was sent, two clocks are apart: they are moved
// until the quickest message took the same time in both directions.
#include "actors/base/rows.h"
#include "tools/hawser/replay/merge.h"

// The quickest message from one source to another.
struct delay {
    uint32_t from, to;
    int64_t ns;
};

enum { DELAYS_MAX = 1 << 24 }; // pairs of processes

struct delays {
    struct delay *items; // sorted by (from, to)
    uint32_t count, capacity;
};

static int compare(const void *item, const void *wanted)
{
    const struct delay *a = item, *b = wanted;
    if (a->from != b->from) {
        return a->from < b->from ? -1 : 1;
    }
    return (a->to > b->to) - (a->to < b->to);
}

// Where (from, to) is or belongs.
static uint32_t place(const struct delays *delays, uint32_t from, uint32_t to)
{
    struct delay wanted = {.from = from, .to = to};
    return hwi_rows_place(delays->items, delays->count, sizeof wanted, compare, &wanted);
}

static struct delay *find(const struct delays *delays, uint32_t from, uint32_t to)
{
    struct delay wanted = {.from = from, .to = to};
    return hwi_rows_find(delays->items, delays->count, sizeof wanted, compare, &wanted);
}

static void add(struct delays *delays, struct delay delay)
{
    struct delay *added =
        HWI_ROWS_INSERT(&hwi_alloc_libc, &delays->items, &delays->count, &delays->capacity,
                        DELAYS_MAX, place(delays, delay.from, delay.to));
    *added = delay;
}

static void measure(struct replay_set *set, struct delays *delays)
{
    struct replay_merge *merge = replay_merge_open(set);
    struct replay_item item;
    while (replay_merge_next(merge, &item)) {
        if (!item.sent_here) {
            continue;
        }
        int64_t heard_ns = replay_time_known(set, item.source, item.event->event.now_ns);
        struct delay delay = {item.letter.sender, item.source, heard_ns - item.letter.ns};
        struct delay *known = find(delays, delay.from, delay.to);
        if (known != NULL) {
            known->ns = HWI_MIN(known->ns, delay.ns);
        } else {
            add(delays, delay);
        }
    }
    replay_merge_close(merge);
}

// Moves the clock of `to` against that of `from`, which stays.
static void shift(struct replay_set *set, const struct delays *delays, const struct delay *there)
{
    const struct delay *back = find(delays, there->to, there->from);
    int64_t shift_ns = 0;
    if (back != NULL && (there->ns < 0 || back->ns < 0)) {
        shift_ns = (back->ns - there->ns) / 2;
    } else if (back == NULL && there->ns < 0) {
        shift_ns = -there->ns;
    }
    set->sources[there->to].shift_ns = set->sources[there->from].shift_ns + shift_ns;
}

// From the first journal (a master's, if there is one) along the messages to all others.
static void spread(struct replay_set *set, const struct delays *delays)
{
    bool *reached = hwi_new(&hwi_alloc_libc, set->count * sizeof *reached);
    uint32_t *queue = hwi_new(&hwi_alloc_libc, set->count * sizeof *queue);
    uint32_t queued = 0;
    for (uint32_t root = 0; root < set->count; root++) {
        uint32_t at = queued;
        if (reached[root]) {
            continue;
        }
        reached[root] = true;
        queue[queued++] = root;
        for (; at < queued; at++) {
            for (uint32_t i = place(delays, queue[at], 0); i < delays->count; i++) {
                const struct delay *delay = &delays->items[i];
                if (delay->from != queue[at]) {
                    break;
                }
                if (reached[delay->to]) {
                    continue;
                }
                shift(set, delays, delay);
                reached[delay->to] = true;
                queue[queued++] = delay->to;
            }
        }
    }
    hwi_free(&hwi_alloc_libc, queue);
    hwi_free(&hwi_alloc_libc, reached);
}

int64_t replay_time(struct replay_set *set, uint32_t source, uint64_t monotonic_ns)
{
    if (!set->aligned) {
        struct delays delays = {0};
        set->aligned = true;
        if (set->count > 1) {
            measure(set, &delays);
        }
        spread(set, &delays);
        hwi_free(&hwi_alloc_libc, delays.items);
        replay_set_zero(set);
    }
    return replay_time_known(set, source, monotonic_ns);
}
