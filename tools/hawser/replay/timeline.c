// SPDX-License-Identifier: MIT
// The events of all journals as one timeline, as text.
#include "tools/hawser/replay/merge.h"

// Reads a chosen journal to its end, to say what is no part of the timeline.
static enum replay_verdict check_end(const struct replay_set *set, uint32_t source)
{
    struct hwi_journal_reader *reader = replay_read(set, source);
    struct hwi_journal_record record = {0};
    enum hwi_journal_found found = HWI_JOURNAL_FOUND_HEAD;
    if (reader == NULL) {
        return REPLAY_UNREADABLE;
    }
    while (found <= HWI_JOURNAL_FOUND_LOST) {
        found = hwi_journal_read(reader, &record);
    }
    enum replay_verdict verdict = replay_report_end(&set->sources[source], found, &record);
    hwi_journal_reader_close(reader);
    return verdict;
}

static int print_events(struct replay_set *set, const struct replay_options *options,
                        const uint64_t *limits)
{
    struct replay_merge *merge = replay_merge_open(set);
    struct replay_item item;
    while (replay_merge_next(merge, &item)) {
        if (replay_chosen(set, options, item.source) && item.ordinal <= limits[item.source] &&
            (!options->role || options->role == item.event->role)) {
            replay_print_event(stdout, &set->sources[item.source], item.ns, item.event);
        }
    }
    replay_merge_close(merge);
    return REPLAY_OK;
}

int replay_timeline(struct replay_set *set, const struct replay_options *options)
{
    uint64_t *limits = hwi_new(&hwi_alloc_libc, set->count * sizeof *limits);
    int verdict = REPLAY_UNREADABLE;
    if (replay_limits(set, options, limits)) {
        replay_time(set, 0, 0); // relates the clocks before the order is fixed
        verdict = options->perfetto != NULL ? replay_picture(set, options, limits)
                                            : print_events(set, options, limits);
        for (uint32_t i = 0; i < set->count; i++) {
            int end = replay_chosen(set, options, i) ? (int)check_end(set, i) : REPLAY_OK;
            verdict = HWI_MAX(verdict, end);
        }
    }
    hwi_free(&hwi_alloc_libc, limits);
    return verdict;
}
