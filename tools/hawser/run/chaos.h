// SPDX-License-Identifier: MIT
// What `hawser run --chaos` shall do to the processes, and when. No clock, no processes: a plan.
#ifndef HAWSER_TOOLS_HAWSER_RUN_CHAOS_H
#define HAWSER_TOOLS_HAWSER_RUN_CHAOS_H

#include <stdbool.h>
#include <stdint.h>

enum { CHAOS_EVENTS_MAX = 128, CHAOS_ERROR_BYTES = 256, CHAOS_TEXT_BYTES = 48 };

enum chaos_act { CHAOS_KILL = 1, CHAOS_STOP, CHAOS_CONTINUE, CHAOS_START };

struct chaos_event {
    uint64_t at_ms;
    uint32_t index; // the process; not for CHAOS_START
    enum chaos_act act;
};

struct chaos {
    struct chaos_event events[CHAOS_EVENTS_MAX]; // by time
    uint32_t count, next;
    uint64_t every_ms, every_at_ms; // kill a random process and start a new one; 0 = never
    uint64_t seed;
};

// Parses a SPEC (grammar in `hawser run --help`). False with a sentence in `error`
// (CHAOS_ERROR_BYTES) that names the item.
bool chaos_parse(const char *spec, struct chaos *chaos, char *error);

// When something is due next; UINT64_MAX = never.
uint64_t chaos_next_ms(const struct chaos *chaos);

// Takes an event that is due; false if none is.
bool chaos_take(struct chaos *chaos, uint64_t now_ms, struct chaos_event *event);

// True if it is time for "every", which is then due an interval later.
bool chaos_take_every(struct chaos *chaos, uint64_t now_ms);

// Whether a later CHAOS_CONTINUE of `index` is planned.
bool chaos_will_continue(const struct chaos *chaos, uint32_t index);

// Writes the event as its item of a SPEC reads, "kill@2s:1"; a CHAOS_CONTINUE as "".
void chaos_describe(const struct chaos_event *event, char text[CHAOS_TEXT_BYTES]);

// A number below `count`, from the seed.
uint32_t chaos_pick(struct chaos *chaos, uint32_t count);

#endif
