// SPDX-License-Identifier: MIT
#include "tools/hawser/run/chaos.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/hawser/command.h"

enum { ITEM_BYTES_MAX = 64, INDEX_MAX = 1023 };

// Keeps the events in the order of their times; equal times in the order of the spec.
static bool add_event(struct chaos *chaos, struct chaos_event event)
{
    if (chaos->count == CHAOS_EVENTS_MAX) {
        return false;
    }
    uint32_t at = chaos->count++;
    for (; at > 0 && chaos->events[at - 1].at_ms > event.at_ms; at--) {
        chaos->events[at] = chaos->events[at - 1];
    }
    chaos->events[at] = event;
    return true;
}

static bool consume(const char **text, const char *expected)
{
    size_t length = strlen(expected);
    if (strncmp(*text, expected, length) != 0) {
        return false;
    }
    *text += length;
    return true;
}

static bool parse_index(const char **text, uint32_t *index)
{
    char *end;
    if (!isdigit((unsigned char)**text)) {
        return false;
    }
    unsigned long value = strtoul(*text, &end, 10);
    *text = end;
    *index = (uint32_t)value;
    return value <= INDEX_MAX;
}

// kill@T:I
static bool parse_kill(const char *text, struct chaos *chaos)
{
    struct chaos_event event = {.act = CHAOS_KILL};
    return parse_duration(&text, &event.at_ms) && consume(&text, ":") &&
           parse_index(&text, &event.index) && !*text && add_event(chaos, event);
}

// stop@T:I or stop@T:I+D
static bool parse_stop(const char *text, struct chaos *chaos)
{
    struct chaos_event event = {.act = CHAOS_STOP};
    uint64_t pause_ms;
    if (!parse_duration(&text, &event.at_ms) || !consume(&text, ":") ||
        !parse_index(&text, &event.index) || !add_event(chaos, event)) {
        return false;
    }
    if (!*text) {
        return true;
    }
    if (!consume(&text, "+") || !parse_duration(&text, &pause_ms) || *text) {
        return false;
    }
    event.act = CHAOS_CONTINUE;
    event.at_ms += pause_ms;
    return add_event(chaos, event);
}

// start@T
static bool parse_start(const char *text, struct chaos *chaos)
{
    struct chaos_event event = {.act = CHAOS_START};
    return parse_duration(&text, &event.at_ms) && !*text && add_event(chaos, event);
}

static bool parse_every(const char *text, struct chaos *chaos)
{
    bool good = parse_duration(&text, &chaos->every_ms) && !*text && chaos->every_ms > 0;
    chaos->every_at_ms = chaos->every_ms;
    return good;
}

static bool parse_seed(const char *text, struct chaos *chaos)
{
    uint32_t seed = 0;
    bool good = parse_u32(text, 0, UINT32_MAX, &seed);
    chaos->seed = seed;
    return good;
}

static bool parse_item(const char *item, struct chaos *chaos)
{
    static const struct {
        const char *word;
        bool (*parse)(const char *text, struct chaos *chaos);
    } items[] = {
        {"kill@", parse_kill},   {"stop@", parse_stop}, {"start@", parse_start},
        {"every=", parse_every}, {"seed=", parse_seed},
    };
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        if (consume(&item, items[i].word)) {
            return items[i].parse(item, chaos);
        }
    }
    return false;
}

bool chaos_parse(const char *spec, struct chaos *chaos, char *error)
{
    memset(chaos, 0, sizeof *chaos);
    while (*spec) {
        char item[ITEM_BYTES_MAX];
        size_t length = strcspn(spec, ",");
        snprintf(item, sizeof item, "%.*s", (int)length, spec);
        if (length >= sizeof item || !parse_item(item, chaos)) {
            snprintf(error, CHAOS_ERROR_BYTES,
                     "cannot read \"%s\" in the chaos SPEC (at most %d "
                     "events): expected kill@T:I, stop@T:I+D, start@T, every=T or seed=N, with "
                     "times such as 2s or 500ms",
                     item, CHAOS_EVENTS_MAX);
            return false;
        }
        spec += length + (spec[length] == ',');
    }
    return true;
}

uint64_t chaos_next_ms(const struct chaos *chaos)
{
    uint64_t next = chaos->every_ms ? chaos->every_at_ms : UINT64_MAX;
    if (chaos->next < chaos->count && chaos->events[chaos->next].at_ms < next) {
        next = chaos->events[chaos->next].at_ms;
    }
    return next;
}

bool chaos_take(struct chaos *chaos, uint64_t now_ms, struct chaos_event *event)
{
    if (chaos->next == chaos->count || chaos->events[chaos->next].at_ms > now_ms) {
        return false;
    }
    *event = chaos->events[chaos->next++];
    return true;
}

bool chaos_take_every(struct chaos *chaos, uint64_t now_ms)
{
    if (!chaos->every_ms || chaos->every_at_ms > now_ms) {
        return false;
    }
    chaos->every_at_ms += chaos->every_ms;
    return true;
}

bool chaos_will_continue(const struct chaos *chaos, uint32_t index)
{
    for (uint32_t i = chaos->next; i < chaos->count; i++) {
        if (chaos->events[i].act == CHAOS_CONTINUE && chaos->events[i].index == index) {
            return true;
        }
    }
    return false;
}

void chaos_describe(const struct chaos_event *event, char text[CHAOS_TEXT_BYTES])
{
    double seconds = (double)event->at_ms / 1000;
    switch (event->act) {
    case CHAOS_KILL:
        snprintf(text, CHAOS_TEXT_BYTES, "kill@%gs:%u", seconds, event->index);
        break;
    case CHAOS_STOP:
        snprintf(text, CHAOS_TEXT_BYTES, "stop@%gs:%u", seconds, event->index);
        break;
    case CHAOS_START:
        snprintf(text, CHAOS_TEXT_BYTES, "start@%gs", seconds);
        break;
    case CHAOS_CONTINUE:
        text[0] = 0;
        break;
    }
}

// splitmix64
uint32_t chaos_pick(struct chaos *chaos, uint32_t count)
{
    uint64_t x = (chaos->seed += UINT64_C(0x9e3779b97f4a7c15));
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((x ^ (x >> 31)) % count);
}
