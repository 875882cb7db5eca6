// SPDX-License-Identifier: MIT
// The program under torture: a master and two members in one process open, sync, make
// every collective, save and load a checkpoint, and close.
#ifndef HAWSER_TESTS_PROC_TORTURE_STORY_H
#define HAWSER_TESTS_PROC_TORTURE_STORY_H

#include <stdbool.h>

// Plays it with files below `place` (borrowed, an empty directory). False: a call returned a wrong
// result or a status without a sentence; stderr tells. `undisturbed`: every call must succeed.
bool torture_story(const char *place, bool undisturbed);

#endif
