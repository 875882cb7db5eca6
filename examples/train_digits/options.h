// SPDX-License-Identifier: MIT
#ifndef TRAIN_DIGITS_OPTIONS_H
#define TRAIN_DIGITS_OPTIONS_H

#include <stdint.h>

enum mode { MODE_DILOCO, MODE_DDP, MODE_ASYNC_DILOCO, MODE_STREAMING, MODES };
enum { FRAGMENTS_MAX = 64 };

struct options {
    enum mode mode;
    const char *data;   // directory of the four IDX files
    const char *out;    // NULL, or where the final state goes
    const char *report; // NULL, or where lines for programs go
    uint32_t steps;     // outer steps
    uint32_t inner;     // SGD steps of each member per outer step
    uint32_t fragments; // 1 to FRAGMENTS_MAX; 1 in all modes but MODE_STREAMING
    uint32_t overlap;   // slots (as many as fragments) for which a fragment is on its way, 1 and up
    uint32_t batch;
    uint32_t hidden;
    uint32_t seed;
    uint32_t every;                   // outer steps per line of progress
    uint32_t die_at;                  // 0, or the outer step in whose reduction to die
    uint32_t late_at;                 // 0, or the outer step to whose reduction to come late
    float rate, momentum;             // of the inner steps
    float outer_rate, outer_momentum; // of the outer step
};

const char *mode_name(enum mode mode);

// Returns -1 to continue, or the exit code: 0 after --help, 2 after a complaint on stderr.
int options_parse(struct options *options, int argc, char **argv);

#endif
