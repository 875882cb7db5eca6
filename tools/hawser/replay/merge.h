// SPDX-License-Identifier: MIT
// The events of all journals of a set in one order: by time, but none before the message it heard
// was sent.
#ifndef HAWSER_TOOLS_HAWSER_REPLAY_MERGE_H
#define HAWSER_TOOLS_HAWSER_REPLAY_MERGE_H

#include "tools/hawser/replay/replay.h"
#include "tools/hawser/replay/letters.h"

struct replay_item {
    uint32_t source;
    int64_t ns;                            // as replay_time, and never before the item before
    uint64_t ordinal;                      // of the journal's events, from 1
    const struct hwi_journal_event *event; // borrowed until the next item
    bool sent_here;                        // what it heard was sent by a journal of the set:
    struct replay_letter letter;           // when and by whom
    const uint64_t *flows; // for each effect: the letter's number, 0 = to nobody of the set
};

struct replay_merge;

// Owned. With what is known of the clocks.
struct replay_merge *replay_merge_open(struct replay_set *set);
// False when all journals have been read.
bool replay_merge_next(struct replay_merge *merge, struct replay_item *item);
void replay_merge_close(struct replay_merge *merge); // takes

#endif
