// SPDX-License-Identifier: MIT
// The names of the phases of today's plans: inputs go to owners, results to everybody.
#ifndef HAWSER_TESTS_SUPPORT_PHASES_H
#define HAWSER_TESTS_SUPPORT_PHASES_H

enum { PHASE_INPUTS = 1, PHASE_RESULTS = 2 };

#endif
