// SPDX-License-Identifier: MIT
// --until, as the number of events of each journal.
#include <inttypes.h>
#include <string.h>

#include "tools/hawser/replay/merge.h"

uint32_t replay_point_source(const struct replay_set *set, const struct replay_point *point)
{
    uint32_t found = set->count, matches = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        if (strcmp(set->names[i], point->journal) == 0) {
            return i;
        }
        if (strncmp(set->names[i], point->journal, strlen(point->journal)) != 0) {
            continue;
        }
        found = i;
        matches++;
    }
    if (matches > 1) {
        complain("replay",
                 "%" PRIu32 " journals' names begin with %s: say more of the one you mean", matches,
                 point->journal);
    } else if (matches == 0) {
        complain("replay", "no journal's name in %s begins with %s", set->directory,
                 point->journal);
    }
    return matches == 1 ? found : set->count;
}

// The first and the last of its events that can be read.
struct extent {
    uint64_t first, last;
};

static void complain_of(const struct replay_point *point, struct extent there)
{
    char numbers[64] = "there are none";
    if (there.last) {
        snprintf(numbers, sizeof numbers, "there are %" PRIu64 " to %" PRIu64, there.first,
                 there.last);
    }
    complain("replay", "no event %" PRIu64 " of that actor in the journal %s: %s", point->number,
             point->journal, numbers);
}

bool replay_limits(struct replay_set *set, const struct replay_options *options, uint64_t *limits)
{
    const struct replay_point *until = &options->until;
    bool timed = until->kind == REPLAY_TO_TIME, found = timed;
    uint32_t source = set->count;
    for (uint32_t i = 0; i < set->count; i++) {
        limits[i] = until->kind < REPLAY_TO_TIME ? UINT64_MAX : 0;
    }
    if (until->kind < REPLAY_TO_TIME) {
        return true;
    }
    if (!timed && (source = replay_point_source(set, until)) == set->count) {
        return false;
    }
    replay_time(set, 0, 0); // relates the clocks before the order is fixed
    struct replay_merge *merge = replay_merge_open(set);
    struct replay_item item;
    struct extent there = {0};
    while (replay_merge_next(merge, &item) && !(timed && item.ns > until->ns)) {
        limits[item.source] = item.ordinal;
        if (item.source != source || item.event->role != until->role) {
            continue;
        }
        there = (struct extent){there.last ? there.first : item.event->number, item.event->number};
        found = item.event->number == until->number;
        if (found) {
            break;
        }
    }
    replay_merge_close(merge);
    if (!found) {
        complain_of(until, there);
    }
    return found;
}
