// SPDX-License-Identifier: MIT
#include "tools/swarm/faults.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/base/base.h"
#include "tools/swarm/draw.h"
#include "tools/swarm/streams.h"

enum { RATE_MAX = 1000 * 1000, KIND_CHANCE = 230, CALM_CHANCE = 60 };
#define FAULT_MAX_NS (20 * HWI_NS_PER_S)
#define FAULT_SHORT_NS (3 * HWI_NS_PER_S)

static const struct {
    const char *word, *doc;
    uint32_t seconds;
} kinds[SWARM_KINDS] = {
#define FAULT(name, text, every, about) {.word = text, .doc = about, .seconds = every},
#include "tools/swarm/faults.def"
};

const char *swarm_kind_word(enum swarm_kind kind)
{
    return kinds[kind].word;
}

const char *swarm_kind_doc(enum swarm_kind kind)
{
    return kinds[kind].doc;
}

// ---- texts

static bool kind_of(const char *text, size_t length, enum swarm_kind *kind)
{
    for (uint32_t i = 0; i < SWARM_KINDS; i++) {
        if (strlen(kinds[i].word) == length && memcmp(kinds[i].word, text, length) == 0) {
            *kind = (enum swarm_kind)i;
            return true;
        }
    }
    return false;
}

// "0.5" as 500; at most three decimals count.
static bool parse_rate(const char *text, const char **end, uint32_t *rate)
{
    uint64_t value = 0;
    uint32_t scale = 1000;
    if (!isdigit((unsigned char)*text)) {
        return false;
    }
    for (; isdigit((unsigned char)*text) && value <= RATE_MAX; text++) {
        value = value * 10 + (uint64_t)(*text - '0') * 1000;
    }
    if (*text == '.') {
        for (text++; isdigit((unsigned char)*text); text++) {
            scale /= 10;
            value += (uint64_t)(*text - '0') * scale;
        }
    }
    *end = text;
    *rate = (uint32_t)value;
    return value <= RATE_MAX;
}

static void set_all(struct swarm_spec *spec, enum swarm_how how)
{
    for (uint32_t i = 0; i < SWARM_KINDS; i++) {
        spec->kinds[i].how = how;
    }
}

static bool parse_item(const char **at, struct swarm_spec *spec)
{
    size_t length = strcspn(*at, "=,");
    enum swarm_kind kind;
    if (!kind_of(*at, length, &kind)) {
        return false;
    }
    *at += length;
    spec->kinds[kind].how = SWARM_ON;
    if (**at == '=') {
        spec->kinds[kind].how = SWARM_RATE;
        return parse_rate(*at + 1, at, &spec->kinds[kind].rate);
    }
    return true;
}

bool swarm_spec_parse(const char *text, struct swarm_spec *spec, char *error, size_t bytes)
{
    *spec = (struct swarm_spec){0};
    if (text == NULL) {
        return true;
    }
    bool all = strcmp(text, "all") == 0;
    set_all(spec, all ? SWARM_ON : SWARM_OFF);
    if (all || strcmp(text, "none") == 0) {
        return true;
    }
    for (const char *at = text;; at++) {
        const char *item = at;
        if (!parse_item(&at, spec) || (*at != ',' && *at != '\0')) {
            snprintf(error, bytes, "\"%s\" is no fault, or its rate no number", item);
            return false;
        }
        if (*at == '\0') {
            return true;
        }
    }
}

static bool parse_event(const char **at, struct swarm_events *events)
{
    size_t length = strcspn(*at, ".,");
    enum swarm_kind kind;
    if (!kind_of(*at, length, &kind) || (*at)[length] != '.' ||
        !isdigit((unsigned char)(*at)[length + 1])) {
        return false;
    }
    char *end;
    unsigned long number = strtoul(*at + length + 1, &end, 10);
    *at = end;
    if (number >= SWARM_EVENTS_MAX) {
        return false;
    }
    events->numbers[kind] |= UINT64_C(1) << number;
    return true;
}

bool swarm_events_parse(const char *text, struct swarm_events *events, char *error, size_t bytes)
{
    memset(events, text == NULL ? 0xff : 0, sizeof *events);
    if (text == NULL || strcmp(text, "none") == 0) {
        return true;
    }
    for (const char *at = text;; at++) {
        const char *item = at;
        if (!parse_event(&at, events) || (*at != ',' && *at != '\0')) {
            snprintf(error, bytes, "\"%s\" names no event; one is called \"freeze.2\"", item);
            return false;
        }
        if (*at == '\0') {
            return true;
        }
    }
}

static bool has(const struct swarm_events *events, uint32_t kind, uint32_t number)
{
    return (events->numbers[kind] >> number & 1) != 0;
}

void swarm_events_print(const struct swarm_events *events, char *text, size_t bytes)
{
    size_t used = 0;
    snprintf(text, bytes, "none");
    for (uint32_t i = 0; i < SWARM_KINDS * SWARM_EVENTS_MAX && used < bytes; i++) {
        if (has(events, i / SWARM_EVENTS_MAX, i % SWARM_EVENTS_MAX)) {
            used += (size_t)snprintf(text + used, bytes - used, "%s%s.%u", used > 0 ? "," : "",
                                     kinds[i / SWARM_EVENTS_MAX].word, i % SWARM_EVENTS_MAX);
        }
    }
}

uint32_t swarm_events_count(const struct swarm_events *events)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < SWARM_KINDS * SWARM_EVENTS_MAX; i++) {
        count += has(events, i / SWARM_EVENTS_MAX, i % SWARM_EVENTS_MAX);
    }
    return count;
}

// ---- the schedule

// Mean time between two events of the kind; 0 = there are none.
static uint64_t gap_of(uint64_t seed, const struct swarm_spec *spec, uint32_t kind)
{
    struct swarm_draw all = swarm_stream(seed, SWARM_STREAM_KINDS, UINT64_MAX);
    struct swarm_draw own = swarm_stream(seed, SWARM_STREAM_KINDS, kind);
    bool calm = swarm_chance(&all, CALM_CHANCE);
    bool on = swarm_chance(&own, KIND_CHANCE) && !calm;
    uint64_t drawn = kinds[kind].seconds * HWI_NS_PER_S * swarm_between(&own, 40, 400) / 100;
    switch (spec->kinds[kind].how) {
    case SWARM_BY_SEED:
        return on ? drawn : 0;
    case SWARM_ON:
        return drawn;
    case SWARM_RATE:
        return spec->kinds[kind].rate > 0 ? 60000 * HWI_NS_PER_S / spec->kinds[kind].rate : 0;
    default:
        return 0;
    }
}

static void add_kind(struct swarm_schedule *schedule, uint64_t seed, uint32_t kind, uint64_t gap_ns,
                     const struct swarm_events *only, uint64_t horizon_ns)
{
    struct swarm_draw draw = swarm_stream(seed, SWARM_STREAM_EVENTS, kind);
    uint64_t at_ns = 0;
    for (uint32_t number = 0; number < SWARM_EVENTS_MAX; number++) {
        at_ns += swarm_between(&draw, 1, 2 * gap_ns);
        uint64_t most_ns = swarm_chance(&draw, 500) ? FAULT_SHORT_NS : FAULT_MAX_NS;
        struct swarm_fault fault = {.kind = (enum swarm_kind)kind,
                                    .number = number,
                                    .at_ns = at_ns,
                                    .for_ns = swarm_between(&draw, HWI_NS_PER_MS, most_ns)};
        for (uint32_t i = 0; i < HWI_COUNT(fault.raw); i++) {
            fault.raw[i] = swarm_next(&draw);
        }
        if (at_ns >= horizon_ns) {
            return;
        }
        if (has(only, kind, number)) {
            schedule->events[schedule->count++] = fault;
        }
    }
}

static int by_time(const void *left, const void *right)
{
    const struct swarm_fault *a = left, *b = right;
    if (a->at_ns != b->at_ns) {
        return a->at_ns < b->at_ns ? -1 : 1;
    }
    return (a->kind > b->kind) - (a->kind < b->kind);
}

void swarm_schedule_draw(struct swarm_schedule *schedule, uint64_t seed,
                         const struct swarm_spec *spec, const struct swarm_events *only,
                         uint64_t horizon_ns)
{
    schedule->events =
        hwi_new(&hwi_alloc_libc, SWARM_KINDS * SWARM_EVENTS_MAX * sizeof *schedule->events);
    schedule->count = 0;
    for (uint32_t kind = 0; kind < SWARM_KINDS; kind++) {
        uint64_t gap_ns = gap_of(seed, spec, kind);
        if (gap_ns > 0) {
            add_kind(schedule, seed, kind, gap_ns, only, horizon_ns);
        }
    }
    qsort(schedule->events, schedule->count, sizeof *schedule->events, by_time);
}

void swarm_schedule_fini(struct swarm_schedule *schedule)
{
    hwi_free(&hwi_alloc_libc, schedule->events);
    *schedule = (struct swarm_schedule){0};
}
