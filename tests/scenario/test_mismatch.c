// SPDX-License-Identifier: MIT
// Members that wait for each other in different calls learn it, and nobody else does; which calls
// may run side by side.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/scenario.h"

static const struct call vote_all = {
    .kind = HWI_KIND_AGREE_RUN, .redop = HWI_AGREE_MIN, .step = 1, .tag = 7, .value = 1};
static const struct call vote = {
    .kind = HWI_KIND_AGREE, .redop = HWI_AGREE_MIN, .step = 1, .tag = 7, .value = 1};
static const struct call barrier_all = {.kind = HWI_KIND_BARRIER_RUN, .step = 1, .tag = 7};
static const struct call barrier = {.kind = HWI_KIND_BARRIER, .step = 1, .tag = 7};
static const struct call reduce = {.step = 1, .tag = 7, .count = 100};
static const struct call admission = {.kind = HWI_KIND_ADMIT};
static const struct call state = {.kind = HWI_KIND_SYNC};

// The fault names both sides, whichever of them reports first.
static void expect_told(struct scenario *s, uint32_t node, uint64_t request, uint8_t one,
                        uint8_t other)
{
    const struct hwi_fault *fault = &expect_status(s, node, request, HWS_E_MISMATCH)->fault;
    uint8_t a = fault->signature_a.kind, b = fault->signature_b.kind;
    expect((a == one && b == other) || (a == other && b == one),
           "member %u was told of kinds %u and %u, not %u and %u", node, a, b, one, other);
    expect(fault->peer_a != 0 && fault->peer_b != 0 && fault->peer_a != fault->peer_b,
           "member %u was told of peers %llu and %llu", node, (unsigned long long)fault->peer_a,
           (unsigned long long)fault->peer_b);
}

static void give_everybody_state(struct scenario *s)
{
    for (uint32_t i = 0; i < s->nodes; i++) {
        give_state(s, i, 1000, 1);
    }
    everybody(s, &(struct call){.kind = HWI_KIND_SYNC, .step = 100, .value = 1});
}

// Member `odd` makes another call than the rest of a run of three, or of two groups of two. All
// learn it within about a heartbeat, and the run continues.
static void expect_found(struct scenario *s, const struct call *one, const struct call *two,
                         uint32_t odd, uint32_t first, uint32_t stride)
{
    uint64_t requests[SCENARIO_NODES_MAX];
    give_everybody_state(s);
    for (uint32_t i = first; i < s->nodes; i += stride) {
        requests[i] = make_call(s, i, i == odd ? two : one);
    }
    run_ms(s, 1200);
    uint8_t kinds[] = {one->kind ? one->kind : HWI_KIND_ALL_REDUCE,
                       two->kind ? two->kind : HWI_KIND_ALL_REDUCE};
    for (uint32_t i = first; i < s->nodes; i += stride) {
        expect_told(s, i, requests[i], kinds[0], kinds[1]);
    }
    everybody_acknowledges(s);
    everybody_all_reduces(s, 9, 100);
    everybody(s, &(struct call){.kind = HWI_KIND_AGREE_RUN, .redop = HWI_AGREE_MIN, .step = 9});
    scenario_end(s);
}

static void different_calls_of_one_tag_are_found(void **unused)
{
    (void)unused;
    const struct call *calls[] = {&vote,   &vote_all,  &barrier, &barrier_all,
                                  &reduce, &admission, &state};
    for (size_t i = 0; i < HWI_COUNT(calls); i++) {
        for (size_t j = 0; j < HWI_COUNT(calls); j++) {
            if (i != j) {
                expect_found(scenario_start(3), calls[i], calls[j], (uint32_t)(i + j) % 3, 0, 1);
            }
        }
    }
}

// One of group 0 votes in the run, the other in the group: although the run's vote waits for group
// 1 as well, this is theirs.
static void different_scopes_are_found_in_the_group(void **unused)
{
    (void)unused;
    expect_found(scenario_start_groups(2, 2), &vote, &vote_all, 2, 0, 2);
    expect_found(scenario_start_groups(2, 2), &vote_all, &barrier, 0, 0, 2);
    expect_found(scenario_start_groups(2, 2), &reduce, &vote_all, 3, 1, 2);
}

// A call of the whole run waits for any member that admits, of any group.
static void different_calls_of_the_run_are_found_across_groups(void **unused)
{
    (void)unused;
    expect_found(scenario_start_groups(2, 2), &vote_all, &admission, 3, 0, 1);
    expect_found(scenario_start_groups(3, 1), &vote_all, &admission, 1, 0, 1);
    expect_found(scenario_start_groups(3, 1), &vote_all, &barrier_all, 1, 0, 1);
}

// One group may be ahead: a vote of the run waits for it, and is no mismatch with what that group
// does meanwhile among itself, with the same tag.
static void groups_may_be_ahead_of_each_other(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start_groups(2, 2);
    give_everybody_state(s);
    uint64_t waits[2] = {make_call(s, 0, &vote_all), make_call(s, 2, &vote_all)};
    struct call slow[] = {reduce, vote, barrier, state};
    for (size_t i = 0; i < HWI_COUNT(slow); i++) {
        slow[i].value = 1;
        uint64_t early = make_call(s, 1, &slow[i]);
        run_ms(s, 1500);
        uint64_t late = make_call(s, 3, &slow[i]);
        expect_status(s, 1, early, HWS_OK);
        expect_status(s, 3, late, HWS_OK);
    }
    assert_null(hwi_sim_reply(s->sim, 0, waits[0]));
    uint64_t votes[2] = {make_call(s, 1, &vote_all), make_call(s, 3, &vote_all)};
    for (uint32_t i = 0; i < 2; i++) {
        expect_status(s, 2 * i, waits[i], HWS_OK);
        expect_status(s, 2 * i + 1, votes[i], HWS_OK);
    }
    scenario_end(s);
}

// A slow member is late with everything, and members are not in different calls for that; nor when
// control connections break meanwhile and what was said is said again.
static void late_members_are_no_mismatch(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start_groups(2, 2);
    give_everybody_state(s);
    for (uint32_t round = 1; round < 9; round++) {
        uint64_t requests[4][4];
        for (uint32_t i = 0; i < 4; i++) {
            struct call calls[] = {reduce, vote, reduce, vote_all};
            for (uint32_t j = 0; j < 4; j++) {
                calls[j].step = 10 * round + j;
                requests[i][j] = make_call(s, i, &calls[j]);
            }
            hwi_sim_control_lose(s->sim, (i + round) % 4, 300 * HWI_NS_PER_MS);
            run_ms(s, 170 * (i + round));
        }
        for (uint32_t i = 0; i < 4; i++) {
            for (uint32_t j = 0; j < 4; j++) {
                expect_status(s, i, requests[i][j], HWS_OK);
            }
        }
    }
    scenario_end(s);
}

// ---- the same program everywhere, on links of every kind

enum { MEMBERS = 4, LENGTH = 40, SEEDS = 12 };

struct player {
    struct call program[LENGTH];
    uint64_t requests[LENGTH];
    uint32_t next, collected;
    uint64_t pause_until_ns;
};

static uint64_t draw(uint64_t *seed, uint64_t below)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*seed >> 33) % below;
}

// Whether the call is of the run or of the group, its kind and its tag are the same for all
// members.
static void write_program(struct player *player, uint64_t seed)
{
    static const uint8_t kinds[] = {0,
                                    0,
                                    0,
                                    HWI_KIND_AGREE,
                                    HWI_KIND_BARRIER,
                                    HWI_KIND_AGREE_RUN,
                                    HWI_KIND_BARRIER_RUN,
                                    HWI_KIND_SYNC,
                                    HWI_KIND_ADMIT};
    for (uint32_t i = 0; i < LENGTH; i++) {
        struct call *call = &player->program[i];
        *call = (struct call){
            .kind = kinds[draw(&seed, HWI_COUNT(kinds))], .step = 1000 + i, .timeout_ms = 60000};
        bool whole = call->kind == HWI_KIND_SYNC || call->kind == HWI_KIND_ADMIT;
        call->tag = whole ? 0 : draw(&seed, 3);
        call->count = call->kind == 0 ? 1 + draw(&seed, 30000) : 0;
        call->redop = call->kind == 0 ? HWS_SUM : HWI_AGREE_MIN;
        call->value = 1;
    }
}

static bool is_whole(const struct call *call)
{
    return call->kind == HWI_KIND_SYNC || call->kind == HWI_KIND_ADMIT;
}

// Calls what it may, several at once, but admits and syncs alone.
static void go_on(struct scenario *s, uint32_t node, struct player *player, uint64_t *seed)
{
    while (player->collected < player->next &&
           hwi_sim_peek(s->sim, node, player->requests[player->collected]) != NULL) {
        expect_status(s, node, player->requests[player->collected++], HWS_OK);
    }
    while (player->next < LENGTH && hwi_sim_now(s->sim) >= player->pause_until_ns) {
        bool alone = is_whole(&player->program[player->next]) ||
                     (player->next > 0 && is_whole(&player->program[player->next - 1]));
        if (alone && player->collected < player->next) {
            break;
        }
        player->requests[player->next] = make_call(s, node, &player->program[player->next]);
        player->next++;
        player->pause_until_ns =
            hwi_sim_now(s->sim) + (draw(seed, 3) == 0 ? draw(seed, 900) * HWI_NS_PER_MS : 0);
    }
}

static void no_alarm_is_false(void **unused)
{
    (void)unused;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct hwi_sim_config config = scenario_config;
        struct player players[MEMBERS] = {0};
        uint64_t luck = seed, collected = 0;
        config.first_members = MEMBERS;
        config.seed = seed;
        struct scenario *s = scenario_start_with(&config, 0);
        for (uint32_t i = 0; i < MEMBERS; i++) {
            start_member_at(s, &(struct hwi_sim_place){.group = i % 2});
        }
        for (uint32_t i = 0; i < MEMBERS; i++) {
            expect_open(s, i, HWS_OK);
            write_program(&players[i], seed);
            hwi_sim_node_link(
                s->sim, i,
                &(struct hwi_sim_link){.delay_ns = draw(&luck, 100) * HWI_NS_PER_MS,
                                       .jitter_ns = draw(&luck, 300) * HWI_NS_PER_MS});
        }
        give_everybody_state(s);
        for (uint32_t turn = 0; collected < MEMBERS * LENGTH; turn++) {
            expect(turn < 20000, "seed %llu: the members do not get on", (unsigned long long)seed);
            run_ms(s, 20);
            collected = 0;
            for (uint32_t i = 0; i < MEMBERS; i++) {
                go_on(s, i, &players[i], &luck);
                collected += players[i].collected;
            }
            if (draw(&luck, 40) == 0) {
                hwi_sim_control_lose(s->sim, (uint32_t)draw(&luck, MEMBERS),
                                     draw(&luck, 600) * HWI_NS_PER_MS);
            }
        }
        scenario_end(s);
    }
}

// Everything with one tag runs in the order it was called in; another tag is not held up.
static void a_vote_waits_for_what_was_called_before_it(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(2);
    uint64_t flying = make_call(s, 0, &reduce), voting = make_call(s, 0, &vote);
    struct call other = vote;
    other.tag = 8;
    uint64_t free = make_call(s, 0, &other);
    expect_status(s, 1, make_call(s, 1, &other), HWS_OK);
    expect_status(s, 0, free, HWS_OK);
    uint64_t theirs[] = {make_call(s, 1, &reduce), make_call(s, 1, &vote)};
    expect_status(s, 0, flying, HWS_OK);
    expect_status(s, 0, voting, HWS_OK);
    expect_status(s, 1, theirs[0], HWS_OK);
    expect_status(s, 1, theirs[1], HWS_OK);
    scenario_end(s);
}

static void nothing_is_called_beside_admit_and_sync(void **unused)
{
    (void)unused;
    struct scenario *s = scenario_start(2);
    give_everybody_state(s);
    uint64_t admitting = admit(s, 0);
    run_ms(s, 100);
    expect_status(s, 0, make_call(s, 0, &reduce), HWS_E_BUSY);
    expect_status(s, 0, make_call(s, 0, &vote), HWS_E_BUSY);
    expect_status(s, 1, admit(s, 1), HWS_OK);
    expect_status(s, 0, admitting, HWS_OK);
    scenario_end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(different_calls_of_one_tag_are_found),
        cmocka_unit_test(different_scopes_are_found_in_the_group),
        cmocka_unit_test(different_calls_of_the_run_are_found_across_groups),
        cmocka_unit_test(groups_may_be_ahead_of_each_other),
        cmocka_unit_test(late_members_are_no_mismatch),
        cmocka_unit_test(no_alarm_is_false),
        cmocka_unit_test(a_vote_waits_for_what_was_called_before_it),
        cmocka_unit_test(nothing_is_called_beside_admit_and_sync),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
