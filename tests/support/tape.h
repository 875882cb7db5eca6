// SPDX-License-Identifier: MIT
// Real states for tests of images: a scenario in which much is under way at once, from which one
// image of each actor and the events that it heard next are kept.
#ifndef HAWSER_TESTS_SUPPORT_TAPE_H
#define HAWSER_TESTS_SUPPORT_TAPE_H

#include "actors/loop/step.h"

enum { TAPE_EVENTS_MAX = 64, TAPES = 4 };

struct tape_event {
    struct hwi_event event; // msg: owned
    struct hwi_msg msg;
    void *block;
};

struct tape {
    const struct hwi_actor_ops *ops; // the real actor's
    unsigned char *image;            // owned
    size_t length;
    struct tape_event events[TAPE_EVENTS_MAX];
    uint32_t count;
    uint64_t seen; // events it could have begun with
};

// Plays the scenario, which ends with the usual proof. Keeps the largest images for draw 0, others
// for others. The array of TAPES tapes is static and good until the next call or tape_fini.
struct tape *tape_record(uint64_t draw);
void tape_fini(void);

#endif
