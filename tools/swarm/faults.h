// SPDX-License-Identifier: MIT
// Which faults a seed has, and when: a schedule drawn up front, in which each event has a name
// ("freeze.2") that stays the same whatever else is left out.
#ifndef HAWSER_TOOLS_SWARM_FAULTS_H
#define HAWSER_TOOLS_SWARM_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum swarm_kind {
#define FAULT(name, word, seconds, doc) SWARM_##name,
#include "tools/swarm/faults.def"
    SWARM_KINDS
};

enum {
    SWARM_EVENTS_MAX = 64, // of one kind in one run
    SWARM_LIST_BYTES_MAX = SWARM_KINDS * SWARM_EVENTS_MAX * 16,
};

// How often a kind comes, in events for 1000 minutes.
enum swarm_how { SWARM_BY_SEED, SWARM_OFF, SWARM_ON, SWARM_RATE };
struct swarm_spec {
    struct {
        enum swarm_how how;
        uint32_t rate; // with SWARM_RATE
    } kinds[SWARM_KINDS];
};

struct swarm_fault {
    enum swarm_kind kind;
    uint32_t number; // among its kind, from 0
    uint64_t at_ns, for_ns;
    uint64_t raw[3]; // whom and what: the weather makes something of it
};

struct swarm_schedule {
    struct swarm_fault *events; // by time; owned
    uint32_t count;
};

// A set of events: a bit for each number of each kind.
struct swarm_events {
    uint64_t numbers[SWARM_KINDS];
};

const char *swarm_kind_word(enum swarm_kind kind);
const char *swarm_kind_doc(enum swarm_kind kind);

// "kill=0.5,freeze,partition" (events a minute; without a number the seed draws it), "all", "none";
// NULL: the seed draws which there are. False and a sentence in `error`.
bool swarm_spec_parse(const char *text, struct swarm_spec *spec, char *error, size_t bytes);
// "kill.0,freeze.2" or "none"; NULL: all. False and a sentence in `error`.
bool swarm_events_parse(const char *text, struct swarm_events *events, char *error, size_t bytes);
// Writes such a list.
void swarm_events_print(const struct swarm_events *events, char *text, size_t bytes);
uint32_t swarm_events_count(const struct swarm_events *events);

// Draws the events before `horizon_ns`, and leaves out those not in `only`.
void swarm_schedule_draw(struct swarm_schedule *schedule, uint64_t seed,
                         const struct swarm_spec *spec, const struct swarm_events *only,
                         uint64_t horizon_ns);
void swarm_schedule_fini(struct swarm_schedule *schedule);

#endif
