// SPDX-License-Identifier: MIT
// Messages between the processes of a set that were sent and not heard yet. Records name a sender
// and an addressee each in its own way; here both are incarnations (0 = a master).
#ifndef HAWSER_TOOLS_HAWSER_REPLAY_LETTERS_H
#define HAWSER_TOOLS_HAWSER_REPLAY_LETTERS_H

#include "tools/hawser/replay/replay.h"

struct replay_letter {
    uint64_t key;    // of what it says, from whom, to whom
    uint64_t number; // from 1: names the letter
    int64_t ns;      // when it was sent, by the known clocks
    uint32_t sender; // source
    uint32_t next;
};

struct replay_letters;

struct replay_letters *replay_letters_create(const struct replay_set *set); // owned
void replay_letters_destroy(struct replay_letters *letters);                // takes
// The key of what source `from` says; 0 = to nobody of the set.
uint64_t replay_letters_said(const struct replay_letters *letters, uint32_t from,
                             const struct hwi_journal_effect *effect);
// The key of the message that source `to` received, and the sources that could have sent it; 0 =
// none of the set.
uint64_t replay_letters_heard(const struct replay_letters *letters, uint32_t to,
                              const struct hwi_event *event, uint32_t *sender);
// Returns the letter's number.
uint64_t replay_letters_put(struct replay_letters *letters, uint64_t key, uint32_t sender,
                            int64_t ns);
bool replay_letters_has(const struct replay_letters *letters, uint64_t key);
// Takes the oldest letter with this key. False if there is none.
bool replay_letters_take(struct replay_letters *letters, uint64_t key,
                         struct replay_letter *letter);

#endif
