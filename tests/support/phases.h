// SPDX-License-Identifier: MIT
// What today's plans call their phases: inputs go to owners, results to everybody.
#ifndef HAWSER_TESTS_SUPPORT_PHASES_H
#define HAWSER_TESTS_SUPPORT_PHASES_H

enum { PHASE_INPUTS = 1, PHASE_RESULTS = 2 };

#endif
