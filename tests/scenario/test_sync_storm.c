// SPDX-License-Identifier: MIT
// Syncs of random strategies, revisions and contents, with and without hashes, under random faults:
// who gets OK in one view holds the same bytes, and who only sends is never written to.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hawser/state.h>

#include "tests/support/scenario.h"

enum { SEEDS = 60, ROUNDS = 6, FOUNDERS = 4, NODES_MAX = 8, BYTES = 5 * HWI_BLOCK_BYTES / 4 };

struct storm {
    struct scenario *s;
    uint64_t draw;
    uint64_t revision[NODES_MAX];
    unsigned char *before[NODES_MAX]; // what it held as it called
    struct call calls[NODES_MAX];
    uint64_t requests[NODES_MAX];
    uint32_t ok, unhashed, conflicts; // of all seeds
};

static uint32_t draw(struct storm *storm, uint32_t below)
{
    storm->draw += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t x = storm->draw;
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((x ^ (x >> 31)) >> 8) % below;
}

// A third go on by a step together, some stray, some jump; the rest hold what they held.
static void change(struct storm *storm, uint32_t node, bool step, uint64_t seed)
{
    struct scenario *s = storm->s;
    uint32_t what = draw(storm, 10);
    if (step) {
        storm->revision[node]++;
    } else if (what == 0) {
        s->states[node].bytes[draw(storm, BYTES)] ^= 1;
    } else if (what == 1) {
        fill_state(s, node, (uint32_t)seed);
        storm->revision[node] += draw(storm, 3);
    }
}

static void call(struct storm *storm, uint32_t node, uint32_t step, bool retry, uint32_t lazy)
{
    static const uint8_t strategies[] = {1, 1, 1, 1, 1, 1, 2, 3};
    struct call *made = &storm->calls[node];
    *made = (struct call){.kind = HWI_KIND_SYNC,
                          .step = step,
                          .value = storm->revision[node],
                          .strategy = strategies[draw(storm, HWI_COUNT(strategies))],
                          .verify = draw(storm, 10) < lazy,
                          .retry = retry,
                          .timeout_ms = 20000};
    memcpy(storm->before[node], storm->s->states[node].bytes, BYTES);
    storm->requests[node] = make_call(storm->s, node, made);
}

static void strike(struct storm *storm)
{
    struct scenario *s = storm->s;
    uint32_t victim = draw(storm, s->nodes), other = draw(storm, s->nodes);
    hwi_sim_run(s->sim, draw(storm, 60000) * UINT64_C(1000));
    if (!is_up(s, victim)) {
        return;
    }
    switch (draw(storm, 6)) {
    case 0:
        hwi_sim_kill(s->sim, victim);
        break;
    case 1:
        hwi_sim_control_lose(s->sim, victim, draw(storm, 500) * HWI_NS_PER_MS);
        break;
    case 2:
        if (other != victim && is_up(s, other)) {
            hwi_sim_cut_edge(s->sim, victim, other, false);
        }
        break;
    default:
        break; // none
    }
}

static bool hashed(const struct hwi_msg_reply *reply)
{
    return reply->root.lo != 0 || reply->root.hi != 0;
}

static void check_bytes(struct storm *storm, uint32_t node, const struct hwi_msg_reply *reply)
{
    struct scenario *s = storm->s;
    storm->ok++;
    storm->unhashed += !hashed(reply);
    storm->revision[node] = reply->value;
    for (uint32_t other = 0; other < node && hashed(reply); other++) {
        const struct hwi_msg_reply *theirs =
            is_up(s, other) ? hwi_sim_reply(s->sim, other, storm->requests[other]) : NULL;
        bool together = theirs != NULL && theirs->status == HWS_OK && theirs->view == reply->view;
        expect(!together || memcmp(s->states[node].bytes, s->states[other].bytes, BYTES) == 0,
               "members %u and %u do not hold the same", node, other);
    }
}

// A call that everybody made is answered and in order; false if the state is lost.
static bool settle(struct storm *storm)
{
    struct scenario *s = storm->s;
    bool lost = false;
    for (uint32_t node = 0; node < s->nodes; node++) {
        if (!is_up(s, node)) {
            continue;
        }
        hwi_sim_until(s->sim, node, storm->requests[node], 60 * HWI_NS_PER_S);
        if (!hwi_sim_alive(s->sim, node)) {
            continue;
        }
        const struct hwi_msg_reply *reply = reply_of(s, node, storm->requests[node]);
        bool wrote = memcmp(storm->before[node], s->states[node].bytes, BYTES) != 0;
        expect(!wrote || storm->calls[node].strategy != HWS_SYNC_SEND_ONLY,
               "member %u only sends and was written to", node);
        expect(!wrote || reply->status != HWS_E_CONFLICT, "member %u: a conflict, and bytes moved",
               node);
        storm->conflicts += reply->status == HWS_E_CONFLICT;
        lost |= reply->status == HWS_E_STATE_LOST;
        if (reply->status == HWS_OK) {
            check_bytes(storm, node, reply);
        }
    }
    return !lost;
}

static void join(struct storm *storm)
{
    struct scenario *s = storm->s;
    uint32_t node = s->nodes;
    if (node == NODES_MAX) {
        return;
    }
    start_member(s);
    give_state(s, node, BYTES, 77);
    storm->revision[node] = 0;
    run_ms(s, 200);
    everybody_admits(s);
    expect_open(s, node, HWS_OK);
}

static uint32_t count_up(const struct scenario *s)
{
    uint32_t count = 0;
    for (uint32_t node = 0; node < s->nodes; node++) {
        count += is_up(s, node);
    }
    return count;
}

// False if that was the end of it.
static bool play_round(struct storm *storm, uint32_t round)
{
    struct scenario *s = storm->s;
    bool retry = draw(storm, 2), step = draw(storm, 3) == 0;
    uint32_t lazy = draw(storm, 2) * (5 + draw(storm, 6));
    for (uint32_t node = 0; node < s->nodes; node++) {
        if (is_up(s, node)) {
            change(storm, node, step, 100 + round + node);
            call(storm, node, round, retry, lazy);
        }
    }
    strike(storm);
    if (!settle(storm) || count_up(s) == 0) {
        return false;
    }
    run_ms(s, 12000); // the dead are found
    for (uint32_t node = 0; node < s->nodes; node++) {
        if (is_up(s, node)) {
            reply_of(s, node, trainer_view(s->sim, node));
        }
    }
    if (count_up(s) > 0 && draw(storm, 2) == 0) {
        join(storm);
    }
    return count_up(s) > 0;
}

static void play(struct storm *storm, uint32_t seed)
{
    struct hwi_sim_config config = scenario_config;
    config.edge_bytes_per_s = 50000000;
    storm->draw = seed * UINT64_C(1000003);
    storm->s = scenario_start_with(&config, FOUNDERS);
    snprintf(storm->s->title, sizeof storm->s->title, "seed %u", seed);
    for (uint32_t node = 0; node < FOUNDERS; node++) {
        give_state(storm->s, node, BYTES, 1);
        storm->revision[node] = 1;
    }
    for (uint32_t round = 1; round <= ROUNDS && play_round(storm, round); round++)
        ;
    scenario_end(storm->s);
}

static void members_that_get_ok_hold_the_same_in_every_case(void **unused)
{
    (void)unused;
    struct storm storm = {.ok = 0};
    for (uint32_t node = 0; node < NODES_MAX; node++) {
        storm.before[node] = malloc(BYTES);
    }
    for (uint32_t seed = 1; seed <= SEEDS; seed++) {
        play(&storm, seed);
    }
    for (uint32_t node = 0; node < NODES_MAX; node++) {
        free(storm.before[node]);
    }
    assert_true(storm.ok > SEEDS && storm.unhashed > SEEDS / 4 && storm.conflicts > SEEDS / 4);
    if (getenv("HAWSER_STORM") != NULL) {
        print_message("%u OK, %u of them unhashed, %u conflicts\n", storm.ok, storm.unhashed,
                      storm.conflicts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_that_get_ok_hold_the_same_in_every_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
