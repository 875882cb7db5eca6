// SPDX-License-Identifier: MIT
#include "tools/hawser/replay/merge.h"

// An event whose message the set's journals never say (its record was removed, or was in the
// damaged part) may not wait for ever: a sender whose journal lost its beginning is waited for as
// long as its clock can be behind.
#define CLOCK_ERROR_MAX_NS (INT64_C(10) * 1000000000)

struct stream {
    struct hwi_journal_reader *reader;
    struct hwi_journal_record record; // its next event
    bool open;
    int64_t ns;       // of the next event, by the known clocks
    uint64_t ordinal; // of the next event
    uint64_t key;     // of what it hears; 0 = from nobody of the set
    uint32_t sender;
    bool held; // in this search
};

struct replay_merge {
    struct replay_set *set;
    struct replay_letters *letters;
    struct stream *streams;
    uint64_t *flows;
    uint32_t flows_capacity;
    uint32_t last; // source of the last item: its stream is still at it; count = none
    int64_t ns;    // of the last item
};

// Moves a stream to its next event.
static void advance(struct replay_merge *merge, uint32_t i)
{
    struct stream *stream = &merge->streams[i];
    enum hwi_journal_found found;
    do {
        found = hwi_journal_read(stream->reader, &stream->record);
    } while (found < HWI_JOURNAL_FOUND_EVENT || found == HWI_JOURNAL_FOUND_LOST);
    stream->open = found == HWI_JOURNAL_FOUND_EVENT;
    if (!stream->open) {
        return;
    }
    const struct hwi_event *event = &stream->record.event.event;
    stream->ordinal++;
    stream->ns = replay_time_known(merge->set, i, event->now_ns);
    stream->key = replay_letters_heard(merge->letters, i, event, &stream->sender);
}

struct replay_merge *replay_merge_open(struct replay_set *set)
{
    struct replay_merge *merge = hwi_new(&hwi_alloc_libc, sizeof *merge);
    replay_learn_peers(set);
    merge->set = set;
    merge->letters = replay_letters_create(set);
    merge->streams = hwi_new(&hwi_alloc_libc, set->count * sizeof *merge->streams);
    merge->last = set->count;
    merge->ns = INT64_MIN;
    for (uint32_t i = 0; i < set->count; i++) {
        merge->streams[i].reader = set->sources[i].readable ? replay_read(set, i) : NULL;
        if (merge->streams[i].reader != NULL) {
            advance(merge, i);
        }
    }
    return merge;
}

void replay_merge_close(struct replay_merge *merge)
{
    for (uint32_t i = 0; i < merge->set->count; i++) {
        hwi_journal_reader_close(merge->streams[i].reader);
    }
    replay_letters_destroy(merge->letters);
    hwi_free(&hwi_alloc_libc, merge->streams);
    hwi_free(&hwi_alloc_libc, merge->flows);
    hwi_free(&hwi_alloc_libc, merge);
}

// True while the message of the next event has not been sent, and will be.
static bool must_wait(const struct replay_merge *merge, const struct stream *stream)
{
    const struct stream *sender = &merge->streams[stream->sender];
    if (!stream->key || !sender->open || replay_letters_has(merge->letters, stream->key)) {
        return false;
    }
    return merge->set->sources[stream->sender].segment <= 1 ||
           sender->ns < stream->ns + CLOCK_ERROR_MAX_NS;
}

static uint32_t earliest(const struct replay_merge *merge, bool held)
{
    uint32_t best = merge->set->count;
    for (uint32_t i = 0; i < merge->set->count; i++) {
        const struct stream *stream = &merge->streams[i];
        if (stream->open && stream->held == held &&
            (best == merge->set->count || stream->ns < merge->streams[best].ns)) {
            best = i;
        }
    }
    return best;
}

// The earliest event that need not wait; if all wait for each other, the earliest.
static uint32_t choose(struct replay_merge *merge)
{
    uint32_t i;
    for (i = 0; i < merge->set->count; i++) {
        merge->streams[i].held = false;
    }
    while ((i = earliest(merge, false)) < merge->set->count) {
        if (!must_wait(merge, &merge->streams[i])) {
            return i;
        }
        merge->streams[i].held = true;
    }
    return earliest(merge, true);
}

static void post_effects(struct replay_merge *merge, uint32_t source)
{
    const struct stream *stream = &merge->streams[source];
    const struct hwi_journal_event *event = &stream->record.event;
    if (event->effect_count > merge->flows_capacity) {
        merge->flows_capacity = 2 * event->effect_count;
        merge->flows =
            hwi_resize(&hwi_alloc_libc, merge->flows, merge->flows_capacity * sizeof *merge->flows);
    }
    for (uint32_t i = 0; i < event->effect_count; i++) {
        uint64_t key = replay_letters_said(merge->letters, source, &event->effects[i]);
        merge->flows[i] = key ? replay_letters_put(merge->letters, key, source, stream->ns) : 0;
    }
}

bool replay_merge_next(struct replay_merge *merge, struct replay_item *item)
{
    if (merge->last < merge->set->count) {
        advance(merge, merge->last);
    }
    uint32_t i = choose(merge);
    merge->last = i;
    if (i == merge->set->count) {
        return false;
    }
    const struct stream *stream = &merge->streams[i];
    merge->ns = HWI_MAX(merge->ns, stream->ns);
    *item = (struct replay_item){
        .source = i, .ns = merge->ns, .ordinal = stream->ordinal, .event = &stream->record.event};
    item->sent_here =
        stream->key && replay_letters_take(merge->letters, stream->key, &item->letter);
    post_effects(merge, i);
    item->flows = merge->flows;
    return true;
}
