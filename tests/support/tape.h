// SPDX-License-Identifier: MIT
// Real states for tests of images: a scenario in which much is under way at once, from which the
// largest image of each actor and the events that it heard next are kept.
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
};

// Plays the scenario; the array of TAPES tapes is static. The scenario ends with the usual proof.
struct tape *tape_record(void);
void tape_fini(void);

#endif
