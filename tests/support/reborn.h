// SPDX-License-Identifier: MIT
// An actor that lives on from its own image.
#ifndef HAWSER_TESTS_SUPPORT_REBORN_H
#define HAWSER_TESTS_SUPPORT_REBORN_H

#include "actors/loop/step.h"

// Saves `state` (taken), loads it and returns what was loaded (owned); fails the test unless its
// image is the same bytes. Tests that do this before each step prove that the image is whole. Large
// states are mostly returned as they are.
void *reborn(const struct hwi_actor_ops *ops, void *state);

#endif
