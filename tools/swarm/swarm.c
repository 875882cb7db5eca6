// SPDX-License-Identifier: MIT
// One seed's run: time goes from one thing to the next, trainers' timers between.
#include "tools/swarm/crew.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    STEP_S = 30,       // most that a step takes under faults, as the horizon counts
    HORIZON_S = 60,    // ... and what is added to it
    HEALED_ROUNDS = 3, // that each trainer must make after the faults
    HEALED_S = 180,    // ... in that time
    LATE_MOST_S = 90,
    WATCH_MS = 1000,
};

void swarm_fail(struct swarm *s, enum swarm_verdict verdict, const char *format, ...)
{
    struct swarm_outcome *outcome = s->outcome;
    if (outcome->verdict != SWARM_OK) {
        return;
    }
    outcome->verdict = verdict;
    int length = snprintf(outcome->sentence, sizeof outcome->sentence,
                          "at %.3f s: ", (double)(hwi_sim_now(s->sim) / 1000000) / 1000);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(outcome->sentence + length, sizeof outcome->sentence - (size_t)length, format,
              arguments);
    va_end(arguments);
}

bool swarm_failed(const struct swarm *s)
{
    return s->outcome->verdict != SWARM_OK;
}

void *swarm_grow(void *list, uint32_t count, uint32_t *capacity, size_t bytes)
{
    if (count < *capacity) {
        return list;
    }
    *capacity = HWI_MAX(64, 2 * *capacity);
    return hwi_resize(&hwi_alloc_libc, list, *capacity * bytes);
}

// ---- timers: a heap

static bool earlier(const struct swarm_timer *a, const struct swarm_timer *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->sequence < b->sequence;
}

static void add_timer(struct swarm *s, struct swarm_timer timer)
{
    s->timers = swarm_grow(s->timers, s->timer_count, &s->timer_capacity, sizeof *s->timers);
    timer.sequence = s->timer_sequence++;
    uint32_t at = s->timer_count++;
    for (; at > 0 && earlier(&timer, &s->timers[(at - 1) / 2]); at = (at - 1) / 2) {
        s->timers[at] = s->timers[(at - 1) / 2];
    }
    s->timers[at] = timer;
}

void swarm_timer(struct swarm *s, uint64_t in_ns, enum timer_what what, uint32_t which,
                 uint32_t life)
{
    uint64_t at_ns = hwi_sim_now(s->sim) + in_ns;
    add_timer(s, (struct swarm_timer){.at_ns = at_ns, .what = what, .which = which, .life = life});
}

void swarm_timer_cancel(struct swarm *s, uint64_t in_ns, const struct swarm_seat *seat,
                        uint64_t order)
{
    add_timer(s, (struct swarm_timer){.at_ns = hwi_sim_now(s->sim) + in_ns,
                                      .what = TIMER_CANCEL,
                                      .which = seat->node,
                                      .life = seat->life,
                                      .order = order});
}

static struct swarm_timer take_timer(struct swarm *s)
{
    struct swarm_timer first = s->timers[0], last = s->timers[--s->timer_count];
    uint32_t at = 0;
    for (uint32_t child = 1; child < s->timer_count; child = 2 * at + 1) {
        bool right =
            child + 1 < s->timer_count && earlier(&s->timers[child + 1], &s->timers[child]);
        child += right;
        if (!earlier(&s->timers[child], &last)) {
            break;
        }
        s->timers[at] = s->timers[child];
        at = child;
    }
    s->timers[at] = last;
    return first;
}

static void fire(struct swarm *s, const struct swarm_timer *timer)
{
    struct swarm_seat *seat = &s->seats[timer->which % SWARM_PEERS_MAX];
    switch (timer->what) {
    case TIMER_ACT:
        if (seat->life == timer->life) {
            swarm_act(s, seat);
        }
        break;
    case TIMER_CANCEL:
        if (seat->life == timer->life) {
            swarm_cancel(s, seat, timer->order);
        }
        break;
    case TIMER_START:
        if (seat->life == timer->life && !swarm_alive(s, seat)) {
            swarm_start(s, seat);
        }
        break;
    case TIMER_STRIKE:
        if (s->healed_ns == HWI_NEVER) {
            swarm_strike(s, timer->which);
        }
        break;
    case TIMER_MEND:
        swarm_mend(s, timer->which);
        break;
    default:
        swarm_watch(s);
        swarm_timer(s, WATCH_MS * HWI_NS_PER_MS, TIMER_WATCH, 0, 0);
        break;
    }
}

// ---- phases

static uint64_t horizon_ns(const struct swarm *s)
{
    return (HORIZON_S + (uint64_t)STEP_S * s->traits.steps) * HWI_NS_PER_S;
}

static bool under_faults(const struct swarm *s)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < s->traits.peers; i++) {
        most = HWI_MAX(most, s->seats[i].rounds);
    }
    return most < s->traits.steps && hwi_sim_now(s->sim) < horizon_ns(s);
}

// Everybody who lives has made progress since the faults ended.
static bool recovered(const struct swarm *s)
{
    uint32_t living = 0;
    for (uint32_t i = 0; i < s->traits.peers; i++) {
        const struct swarm_seat *seat = &s->seats[i];
        bool lives = swarm_alive(s, seat);
        living += lives;
        if (lives && seat->healed_rounds < HEALED_ROUNDS) {
            return false;
        }
    }
    return living >= s->traits.min_members;
}

static void describe_stuck(struct swarm *s)
{
    const struct swarm_seat *worst = NULL;
    for (uint32_t i = 0; i < s->traits.peers; i++) {
        const struct swarm_seat *seat = &s->seats[i];
        bool stuck = swarm_alive(s, seat) && seat->healed_rounds < HEALED_ROUNDS;
        worst =
            stuck && (worst == NULL || seat->healed_rounds < worst->healed_rounds) ? seat : worst;
    }
    if (worst == NULL) {
        swarm_fail(s, SWARM_LIVENESS, "C5: %u s after the faults only %u members live", HEALED_S,
                   swarm_living(s));
        return;
    }
    swarm_fail(s, SWARM_LIVENESS,
               "C5: %u s after the faults process %u has made %u rounds (%s, "
               "%u calls in flight)",
               HEALED_S, worst->node, worst->healed_rounds,
               worst->stage == STAGE_OPENING ? "opening" : "a member", worst->busy);
}

static void heal(struct swarm *s)
{
    s->healed_ns = hwi_sim_now(s->sim);
    swarm_heal(s);
}

static bool goes_on(struct swarm *s)
{
    if (swarm_failed(s)) {
        return false;
    }
    if (s->healed_ns == HWI_NEVER) {
        if (!under_faults(s)) {
            heal(s);
        }
        return true;
    }
    if (recovered(s)) {
        return false;
    }
    if (hwi_sim_now(s->sim) > s->healed_ns + HEALED_S * HWI_NS_PER_S) {
        describe_stuck(s);
    }
    return !swarm_failed(s);
}

static void replied(void *user, uint32_t node)
{
    struct swarm *s = user;
    s->answered |= UINT64_C(1) << node;
}

static void hear(struct swarm *s)
{
    for (uint32_t node = 0; s->answered != 0; node++, s->answered >>= 1) {
        if ((s->answered & 1) != 0 && !swarm_failed(s)) {
            swarm_hear(s, &s->seats[node]);
        }
    }
}

// One thing of the simulation, or one timer.
static void advance(struct swarm *s)
{
    uint64_t next_ns = s->timers[0].at_ns;
    if (hwi_sim_step(s->sim, next_ns)) {
        if (s->answered != 0) {
            hear(s);
        }
        return;
    }
    hwi_sim_skip(s->sim, next_ns);
    struct swarm_timer timer = take_timer(s);
    fire(s, &timer);
}

// ---- a run

static void begin(struct swarm *s)
{
    const struct swarm_traits *t = &s->traits;
    struct swarm_draw draw = swarm_stream(s->config->seed, SWARM_STREAM_SEAT, UINT64_MAX);
    for (uint32_t i = 0; i < t->peers; i++) {
        struct swarm_seat *seat = &s->seats[i];
        seat->node = i;
        seat->draw = swarm_stream(s->config->seed, SWARM_STREAM_SEAT, i);
        bool late = i >= t->min_members && swarm_chance(&draw, t->late);
        uint64_t in_ns = swarm_below(&draw, late ? LATE_MOST_S * HWI_NS_PER_S : HWI_NS_PER_S);
        swarm_timer(s, in_ns, TIMER_START, i, 0);
    }
    for (uint32_t i = 0; i < s->schedule.count; i++) {
        swarm_timer(s, s->schedule.events[i].at_ns, TIMER_STRIKE, i, 0);
    }
    swarm_timer(s, WATCH_MS * HWI_NS_PER_MS, TIMER_WATCH, 0, 0);
    if (t->newer_master) {
        hwi_sim_build(s->sim, HWI_SIM_MASTER, HWI_SIM_BUILD_NEWER);
    }
}

static void finish_outcome(struct swarm *s)
{
    struct swarm_outcome *outcome = s->outcome;
    struct hwi_msg_status status;
    outcome->digest = hwi_sim_digest(s->sim);
    outcome->virtual_ns = hwi_sim_now(s->sim);
    outcome->heal_ns = s->healed_ns != HWI_NEVER ? outcome->virtual_ns - s->healed_ns : 0;
    swarm_check_units(s);
    memcpy(outcome->injected, hwi_sim_fault_counts(s->sim), sizeof outcome->injected);
    hwi_sim_status(s->sim, &status);
    outcome->committed = status.committed;
    outcome->aborted = status.aborted;
    char error[SWARM_SENTENCE_BYTES_MAX];
    if (s->config->replayed && !hwi_sim_replay(s->sim, error, sizeof error)) {
        swarm_fail(s, SWARM_DIFFERS, "C6: an actor did not do the same again: %s", error);
    }
    if (s->config->look != NULL) {
        s->config->look(s->config->user, s->sim);
    }
    swarm_end(s);
}

static void free_all(struct swarm *s)
{
    hwi_sim_destroy(s->sim);
    for (uint32_t i = 0; i < s->traits.peers; i++) {
        swarm_calls_drop(&s->seats[i]);
        hwi_free(&hwi_alloc_libc, s->seats[i].state);
    }
    for (uint32_t i = 0; i < s->view_count; i++) {
        hwi_free(&hwi_alloc_libc, s->views[i].peers);
    }
    hwi_free(&hwi_alloc_libc, s->views);
    hwi_free(&hwi_alloc_libc, s->lives);
    hwi_free(&hwi_alloc_libc, s->instances);
    hwi_free(&hwi_alloc_libc, s->timers);
    swarm_schedule_fini(&s->schedule);
    hwi_free(&hwi_alloc_libc, s);
}

static uint64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * HWI_NS_PER_S + (uint64_t)now.tv_nsec;
}

static void run_once(const struct swarm_config *config, struct swarm_outcome *outcome)
{
    struct swarm *s = hwi_new(&hwi_alloc_libc, sizeof *s);
    struct swarm_spec spec;
    struct swarm_events only;
    char error[128];
    uint64_t began_ns = cpu_ns();
    HWI_CHECK(swarm_spec_parse(config->faults, &spec, error, sizeof error));
    HWI_CHECK(swarm_events_parse(config->only, &only, error, sizeof error));
    *outcome = (struct swarm_outcome){.seed = config->seed};
    s->config = config;
    s->outcome = outcome;
    s->healed_ns = HWI_NEVER;
    swarm_traits_draw(&s->traits, config);
    s->traits.sim.replied = replied;
    s->traits.sim.replied_user = s;
    s->traits.sim.wire = config->wire;
    outcome->peers = s->traits.peers;
    outcome->steps = s->traits.steps;
    outcome->groups = s->traits.groups;
    outcome->unit = s->traits.unit;
    swarm_schedule_draw(&s->schedule, config->seed, &spec, &only, horizon_ns(s));
    s->sim = hwi_sim_create(&s->traits.sim);
    begin(s);
    while (goes_on(s)) {
        advance(s);
    }
    finish_outcome(s);
    free_all(s);
    outcome->cpu_ns = cpu_ns() - began_ns;
}

void swarm_run(const struct swarm_config *config, struct swarm_outcome *outcome)
{
    run_once(config, outcome);
    if (config->twice && outcome->verdict == SWARM_OK) {
        struct swarm_config again = *config;
        struct swarm_outcome second;
        again.look = NULL;
        again.journal = NULL;
        run_once(&again, &second);
        outcome->cpu_ns += second.cpu_ns;
        if (second.digest != outcome->digest || second.verdict != outcome->verdict) {
            outcome->verdict = SWARM_DIFFERS;
            snprintf(outcome->sentence, sizeof outcome->sentence,
                     "C6: the seed ran twice and gave the transcripts %016llx and %016llx",
                     (unsigned long long)outcome->digest, (unsigned long long)second.digest);
        }
    }
}

bool swarm_config_check(const struct swarm_config *config, char *error, size_t bytes)
{
    struct swarm_spec spec;
    struct swarm_events only;
    return swarm_spec_parse(config->faults, &spec, error, bytes) &&
           swarm_events_parse(config->only, &only, error, bytes);
}

const char *swarm_verdict_name(enum swarm_verdict verdict)
{
    static const char *const names[SWARM_VERDICTS] = {"OK", "safety", "liveness", "crash",
                                                      "differs"};
    return names[verdict];
}
