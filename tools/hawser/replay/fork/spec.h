// SPDX-License-Identifier: MIT
// What `hawser replay --fork` shall do to a recorded run: a row of plain phrases. No journal, no
// simulation: a plan.
#ifndef HAWSER_TOOLS_HAWSER_FORK_SPEC_H
#define HAWSER_TOOLS_HAWSER_FORK_SPEC_H

#include <stdbool.h>
#include <stdint.h>

enum { FORK_FAULTS_MAX = 32, FORK_ERROR_BYTES = 256 };

enum fork_act {
    FORK_LOSE = 1, // the message at which the recording is forked
    FORK_KILL,
    FORK_FREEZE,
    FORK_MUTE, // its control link loses everything
    FORK_CUT,  // the stripes between two members
    FORK_SLOW, // its links get a delay
};

#define FORK_MASTER UINT64_MAX // in place of a peer id

struct fork_fault {
    enum fork_act act;
    uint64_t peer, other; // peer ids, or FORK_MASTER; other: FORK_CUT only
    uint64_t at_ms;       // after the fork
    uint64_t for_ms;      // 0 = for ever
    uint64_t delay_ms;    // FORK_SLOW
};

struct fork_spec {
    struct fork_fault faults[FORK_FAULTS_MAX];
    uint32_t count;
};

// Parses "PHRASE, PHRASE, ..." (grammar in `hawser replay --help`; "" and "nothing" are no faults).
// False with a sentence in `error` (FORK_ERROR_BYTES) that names the phrase.
bool fork_spec_parse(const char *text, struct fork_spec *spec, char *error);

// "kill peer 3 at +2000 ms": into text of `bytes`.
void fork_fault_print(const struct fork_fault *fault, char *text, unsigned bytes);

#endif
