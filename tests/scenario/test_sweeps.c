// SPDX-License-Identifier: MIT
// Every fault at every moment of every joint operation: swept over time in small steps. In
// every case the checks of scenario_end hold, and the survivors continue together.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/support/scenario.h"

enum { MEMBERS = 3, NODES = 4, STATE_BYTES = 3 * HWI_BLOCK_BYTES / 2 };

struct fault {
    const char *name;
    void (*strike)(struct scenario *s, uint32_t victim);
    void (*heal)(struct scenario *s, uint32_t victim); // or NULL
    uint64_t heal_after_ms;
    bool harmless; // every call succeeds all the same
};

struct operation {
    const char *name;
    void (*begin)(struct scenario *s);
    bool joiner; // a fourth process waits or has just joined
    bool joiner_is_member;
    uint64_t length_us; // undisturbed
};

// ---- faults

static void kill_it(struct scenario *s, uint32_t victim)
{
    hwi_sim_kill(s->sim, victim);
}

static void cut(struct scenario *s, uint32_t victim)
{
    hwi_sim_cut_edge(s->sim, victim, (victim + 1) % MEMBERS, false);
}

static void cut_for_good(struct scenario *s, uint32_t victim)
{
    hwi_sim_cut_edge(s->sim, victim, (victim + 1) % MEMBERS, true);
}

static void unplug(struct scenario *s, uint32_t victim)
{
    hwi_sim_control(s->sim, victim, false);
}

static void plug(struct scenario *s, uint32_t victim)
{
    hwi_sim_control(s->sim, victim, true);
}

static void leave(struct scenario *s, uint32_t victim)
{
    trainer_close(s->sim, victim);
}

static const struct fault faults[] = {
    {"killed", kill_it, NULL, 0},
    {"leaving", leave, NULL, 0},
    {"frozen for a second", freeze, thaw, 1000, true},
    {"frozen for long", freeze, thaw, 12000},
    {"cut off from one", cut, NULL, 0},
    {"cut off from one for good", cut_for_good, NULL, 0},
    {"without master for two seconds", unplug, plug, 2000, true},
    {"without master for long", unplug, plug, 12000},
};

// ---- operations

static void begin_all_reduce(struct scenario *s)
{
    for (uint32_t node = 0; node < MEMBERS; node++) {
        make_call(s, node, &(struct call){.step = 1, .count = 50000, .in_place = 1});
        make_call(s, node, &(struct call){.step = 2, .tag = 1, .count = 1000});
    }
}

static void begin_all_reduce_with_retry(struct scenario *s)
{
    for (uint32_t node = 0; node < MEMBERS; node++) {
        make_call(s, node,
                  &(struct call){.step = 1, .count = 50000, .retry = 1, .timeout_ms = 30000});
        make_call(s, node,
                  &(struct call){.step = 2, .count = 1000, .retry = 1, .timeout_ms = 30000});
    }
}

static void begin_agree(struct scenario *s)
{
    for (uint32_t node = 0; node < MEMBERS; node++) {
        agree(s, node, 1, 10 + node);
    }
}

static void begin_admit(struct scenario *s)
{
    for (uint32_t node = 0; node < MEMBERS; node++) {
        admit(s, node);
    }
}

static void begin_sync(struct scenario *s)
{
    for (uint32_t node = 0; node < NODES; node++) {
        sync_state(s, node, 2, node < MEMBERS ? 1 : 0);
    }
}

static const struct operation operations[] = {
    {"all-reduce", begin_all_reduce, false, false, 18000},
    {"all-reduce with retry", begin_all_reduce_with_retry, false, false, 18000},
    {"agree", begin_agree, false, false, 11000},
    {"admit", begin_admit, true, false, 25000},
    {"sync", begin_sync, true, true, 70000},
};

// ---- one run

static struct scenario *start(const struct operation *operation)
{
    struct hwi_sim_config config = scenario_config;
    config.edge_bytes_per_s = 20000000;
    struct scenario *s = scenario_start_with(&config, MEMBERS);
    if (operation->joiner) {
        start_member(s);
        run_ms(s, 100);
    }
    if (operation->joiner_is_member) {
        for (uint32_t node = 0; node < NODES; node++) {
            give_state(s, node, STATE_BYTES, node / MEMBERS);
        }
        everybody(s, &(struct call){.kind = HWI_KIND_SYNC, .step = 1, .value = 1});
        everybody_admits(s);
        expect_open(s, MEMBERS, HWS_OK);
    }
    return s;
}

// Everyone learns the view in force, or that it is finished.
static void settle(struct scenario *s)
{
    for (uint32_t i = 0; i < s->call_count; i++) {
        if (is_up(s, s->calls[i].node)) {
            reply_of(s, s->calls[i].node, s->calls[i].request);
        }
    }
    run_ms(s, 15000);
    if (s->nodes == NODES && hwi_sim_reply(s->sim, MEMBERS, 0) != NULL && s->peers[MEMBERS] == 0) {
        expect_open(s, MEMBERS, reply_of(s, MEMBERS, 0)->status);
    }
    for (uint32_t node = 0; node < s->nodes; node++) {
        if (is_up(s, node)) {
            reply_of(s, node, trainer_view(s->sim, node));
        }
    }
}

static void strike(const struct operation *operation, const struct fault *fault, uint32_t victim,
                   uint64_t at_us)
{
    struct scenario *s = start(operation);
    snprintf(s->title, sizeof s->title, "%s: member %u %s after %llu us", operation->name, victim,
             fault->name, (unsigned long long)at_us);
    operation->begin(s);
    hwi_sim_run(s->sim, at_us * 1000);
    fault->strike(s, victim);
    run_ms(s, fault->heal_after_ms);
    if (fault->heal != NULL) {
        fault->heal(s, victim);
    }
    settle(s);
    for (uint32_t i = 0; fault->harmless && i < s->call_count; i++) {
        expect_status(s, s->calls[i].node, s->calls[i].request, HWS_OK);
    }
    if (operation->joiner_is_member) {
        everybody(s, &(struct call){.kind = HWI_KIND_SYNC, .step = 8, .value = 1});
        expect_states(s, 0);
    }
    everybody_all_reduces(s, 9, 1000);
    scenario_end(s);
}

static void sweep(const struct operation *operation, uint32_t steps)
{
    for (size_t f = 0; f < HWI_COUNT(faults); f++) {
        for (uint32_t step = 0; step <= steps; step++) {
            uint32_t victims = operation->joiner ? NODES : MEMBERS;
            uint32_t victim = (step + (uint32_t)f) % victims;
            uint64_t at_us = operation->length_us * step / steps;
            strike(operation, &faults[f], victim, at_us);
        }
    }
}

static void during_an_all_reduce(void **unused)
{
    (void)unused;
    sweep(&operations[0], 18);
}

static void during_an_all_reduce_with_retry(void **unused)
{
    (void)unused;
    sweep(&operations[1], 18);
}

static void during_an_agreement(void **unused)
{
    (void)unused;
    sweep(&operations[2], 11);
}

static void during_an_admission(void **unused)
{
    (void)unused;
    sweep(&operations[3], 15);
}

static void during_a_sync(void **unused)
{
    (void)unused;
    sweep(&operations[4], 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(during_an_all_reduce), cmocka_unit_test(during_an_all_reduce_with_retry),
        cmocka_unit_test(during_an_agreement),  cmocka_unit_test(during_an_admission),
        cmocka_unit_test(during_a_sync),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
