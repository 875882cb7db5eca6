// SPDX-License-Identifier: MIT
// --until, as the number of events of each journal.
#include <string.h>

#include "tools/hawser/replay_merge.h"

static bool is_point(const struct replay_set *set, const struct replay_item *item,
                     const struct replay_point *point)
{
    return item->event->role == point->role && item->event->number == point->number &&
           strncmp(set->names[item->source], point->journal, strlen(point->journal)) == 0;
}

bool replay_limits(struct replay_set *set, const struct replay_options *options, uint64_t *limits)
{
    const struct replay_point *until = &options->until;
    bool timed = until->kind == REPLAY_TO_TIME, found = timed;
    for (uint32_t i = 0; i < set->count; i++)
        limits[i] = until->kind < REPLAY_TO_TIME ? UINT64_MAX : 0;
    if (until->kind < REPLAY_TO_TIME)
        return true;
    replay_time(set, 0, 0); // relates the clocks before the order is fixed
    struct replay_merge *merge = replay_merge_open(set);
    struct replay_item item;
    while (replay_merge_next(merge, &item) && !(timed && item.ns > until->ns)) {
        limits[item.source] = item.ordinal;
        if (timed || !is_point(set, &item, until))
            continue;
        found = true;
        break;
    }
    replay_merge_close(merge);
    if (!found)
        complain("replay", "no event %llu of that actor in a journal %s*",
                 (unsigned long long)until->number, until->journal);
    return found;
}
