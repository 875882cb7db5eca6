// SPDX-License-Identifier: MIT
#ifndef TRAIN_DIGITS_OPTIONS_H
#define TRAIN_DIGITS_OPTIONS_H

#include <stdint.h>

struct options {
    const char *data;   // directory of the four IDX files
    const char *out;    // NULL, or where the final state goes
    const char *report; // NULL, or where lines for programs go
    uint32_t steps;     // outer steps: all-reduces
    uint32_t inner;     // SGD steps between two of them
    uint32_t batch;
    uint32_t hidden;
    uint32_t seed;
    uint32_t every;                   // outer steps per line of progress
    uint32_t die_at;                  // 0, or the outer step in whose all-reduce to die
    uint32_t late_at;                 // 0, or the outer step to whose all-reduce to come late
    float rate, momentum;             // of the inner steps
    float outer_rate, outer_momentum; // of the outer step
};

// Returns -1 to go on, or the exit code: 0 after --help, 2 after a complaint on stderr.
int options_parse(struct options *options, int argc, char **argv);

#endif
