// SPDX-License-Identifier: MIT
// Events of two histories made comparable: what is drawn anew for every run, and what only tells
// one member from another, does not count.
#ifndef HAWSER_TOOLS_HAWSER_REPLAY_NORMAL_H
#define HAWSER_TOOLS_HAWSER_REPLAY_NORMAL_H

#include "tools/hawser/replay/replay.h"

enum replay_likeness {
    REPLAY_SAME_MEMBER,  // in two runs: run ids, incarnations, addresses, times do not count
    REPLAY_OTHER_MEMBER, // nor do peer ids, shares and contents
};

// True for what comes when time passes and not when something happens: it is not compared.
bool replay_is_background(const struct hwi_msg *msg);
// Equal for events that are equal but for what does not count.
uint64_t replay_normal_key(const struct hwi_journal_event *event, enum replay_likeness likeness);

#endif
