// SPDX-License-Identifier: MIT
// Where the histories of one actor in two journals part.
#ifndef HAWSER_TOOLS_HAWSER_REPLAY_PART_H
#define HAWSER_TOOLS_HAWSER_REPLAY_PART_H

#include "tools/hawser/replay/replay.h"

struct replay_parting_side {
    struct replay_set *set; // borrowed
    uint32_t source;
    uint64_t number; // of the first event that the other does not have; 0 = there is none
    uint64_t now_ns; // of that event
};

struct replay_parting {
    uint8_t role;
    struct replay_parting_side a, b;
    bool parted;
    uint64_t equal; // events of both (before they part), background aside
    uint64_t moved; // of them: in another order
};

// Fills in the rest of a parting of which role, sets and sources are given. Returns the verdict of
// reading: an end that is damaged or of another version is printed.
int replay_find_parting(struct replay_parting *parting);
// Prints the event and those before it.
void replay_print_context(struct replay_set *set, uint32_t source, uint8_t role, uint64_t number);

#endif
