// SPDX-License-Identifier: MIT
// How often the second implementation behind a door was asked for something: a test in which it
// was not asked proves nothing.
#ifndef HAWSER_TESTS_DOORS_USED_H
#define HAWSER_TESTS_DOORS_USED_H

#include <stdint.h>

extern uint64_t door_used;

#endif
