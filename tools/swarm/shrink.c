// SPDX-License-Identifier: MIT
// A smaller run that fails the same way: events are left out in ever smaller pieces, then peers and
// steps; a run that still fails is kept and tried again.
#include "tools/swarm/swarm.h"

#include <stdio.h>
#include <string.h>

#include "actors/base/base.h"

void swarm_command(const struct swarm_config *config, char *text, size_t bytes)
{
    char peers[32];
    snprintf(peers, sizeof peers, "%u", config->peers_least);
    if (config->peers_least != config->peers_most) {
        snprintf(peers, sizeof peers, "%u-%u", config->peers_least, config->peers_most);
    }
    int length = snprintf(text, bytes, "hawser sim --seed %llu --peers %s",
                          (unsigned long long)config->seed, peers);
    const struct {
        const char *option, *value;
    } texts[] = {{"--faults", config->faults}, {"--only", config->only}};
    if (config->steps > 0 && (size_t)length < bytes) {
        length += snprintf(text + length, bytes - (size_t)length, " --steps %u", config->steps);
    }
    for (size_t i = 0; i < HWI_COUNT(texts); i++) {
        if (texts[i].value != NULL && (size_t)length < bytes) {
            length += snprintf(text + length, bytes - (size_t)length, " %s %s", texts[i].option,
                               texts[i].value);
        }
    }
}

struct shrink {
    struct swarm_shrunk *best;
    uint32_t tries_max;
    uint32_t verdict;
    swarm_try_fn try;
    void *user;
};

// Keeps the config if it still fails the same way.
static bool attempt(struct shrink *shrink, const struct swarm_config *config)
{
    struct swarm_outcome outcome;
    if (shrink->best->tries == shrink->tries_max) {
        return false;
    }
    shrink->best->tries++;
    shrink->try(shrink->user, config, &outcome);
    if (outcome.verdict != shrink->verdict) {
        return false;
    }
    if (config->only != shrink->best->only && config->only != NULL) {
        snprintf(shrink->best->only, sizeof shrink->best->only, "%s", config->only);
    }
    shrink->best->config = *config;
    shrink->best->config.only = shrink->best->only;
    shrink->best->outcome = outcome;
    return true;
}

static bool try_events(struct shrink *shrink, const struct swarm_events *events)
{
    static char text[SWARM_LIST_BYTES_MAX];
    struct swarm_config config = shrink->best->config;
    swarm_events_print(events, text, sizeof text);
    config.only = text;
    return attempt(shrink, &config);
}

// Events without the set ones numbered first..first + count - 1.
static struct swarm_events without(const struct swarm_events *events, uint32_t first,
                                   uint32_t count)
{
    struct swarm_events left = *events;
    uint32_t seen = 0;
    for (uint32_t i = 0; i < SWARM_KINDS * SWARM_EVENTS_MAX; i++) {
        uint64_t bit = UINT64_C(1) << i % SWARM_EVENTS_MAX;
        if ((events->numbers[i / SWARM_EVENTS_MAX] & bit) != 0) {
            bool out = seen >= first && seen < first + count;
            left.numbers[i / SWARM_EVENTS_MAX] &= out ? ~bit : UINT64_MAX;
            seen++;
        }
    }
    return left;
}

static void fewer_events(struct shrink *shrink, struct swarm_events *events)
{
    for (uint32_t piece = swarm_events_count(events); piece > 0; piece /= 2) {
        for (uint32_t first = 0; first < swarm_events_count(events);) {
            struct swarm_events left = without(events, first, piece);
            if (try_events(shrink, &left)) {
                *events = left;
            } else {
                first += piece;
            }
        }
    }
}

static void fewer_peers(struct shrink *shrink)
{
    for (uint32_t peers = 1; peers < shrink->best->config.peers_least; peers++) {
        struct swarm_config config = shrink->best->config;
        config.peers_least = config.peers_most = peers;
        if (attempt(shrink, &config)) {
            return;
        }
    }
}

static void fewer_steps(struct shrink *shrink)
{
    for (uint32_t cut = shrink->best->config.steps / 2; cut > 0; cut /= 2) {
        struct swarm_config config = shrink->best->config;
        while (config.steps > cut) {
            config.steps -= cut;
            if (!attempt(shrink, &config)) {
                break;
            }
        }
    }
}

void swarm_shrink(const struct swarm_config *config, const struct swarm_outcome *outcome,
                  uint32_t tries_max, swarm_try_fn try, void *user, struct swarm_shrunk *shrunk)
{
    struct shrink shrink = {.best = shrunk,
                            .tries_max = tries_max,
                            .verdict = outcome->verdict,
                            .try = try,
                            .user = user};
    *shrunk = (struct swarm_shrunk){.config = *config, .outcome = *outcome};
    shrunk->config.peers_least = shrunk->config.peers_most = outcome->peers;
    shrunk->config.steps = outcome->steps;
    // A run that died could not say which events had come: all of them are candidates
    struct swarm_events events = outcome->fired;
    if (swarm_events_count(&events) == 0 && outcome->verdict == SWARM_CRASH) {
        char error[64];
        swarm_events_parse(config->only, &events, error, sizeof error);
    }
    swarm_events_print(&events, shrunk->only, sizeof shrunk->only);
    shrunk->config.only = shrunk->only;
    if (!try_events(&shrink, &events)) {
        return; // not even with these: it is what it was
    }
    for (uint32_t before = UINT32_MAX; shrunk->tries < before && shrunk->tries < tries_max;) {
        struct swarm_events last = events;
        uint32_t steps = shrunk->config.steps, peers = shrunk->config.peers_least;
        fewer_events(&shrink, &events);
        fewer_peers(&shrink);
        fewer_steps(&shrink);
        bool smaller = memcmp(&last, &events, sizeof last) != 0 || shrunk->config.steps < steps ||
                       shrunk->config.peers_least < peers;
        before = smaller ? UINT32_MAX : 0;
    }
}
