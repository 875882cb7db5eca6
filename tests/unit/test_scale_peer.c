// SPDX-License-Identifier: MIT
// The cost of a run for one of its peers as it grows, counted: steps, effects, allocated memory at
// rest and at most. Master, data port and lanes are played. HAWSER_SCALE=N plays one run of N
// members and prints a table with times.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <hawser/types.h>

#include "actors/loop/step.h"

static const uint64_t FIRST = UINT64_C(1) << 40;

struct cost {
    uint64_t steps, effects;
    double seconds;
};

struct run {
    void *peer;
    struct hwi_alloc alloc;
    uint64_t allocated, allocated_max;
    struct hwi_effects effects; // of the last step
    struct hwi_member *members;
    uint32_t count;
    uint64_t self, view;
    struct cost cost; // of the phase
};

// An allocator that keeps each block's size in front of it.
static void *counted(void *user, void *pointer, size_t bytes)
{
    struct run *run = user;
    size_t *head = pointer != NULL ? (size_t *)pointer - 2 : NULL;
    run->allocated -= head != NULL ? head[0] : 0;
    if (bytes == 0) {
        free(head);
        return NULL;
    }
    head = realloc(head, bytes + 2 * sizeof *head);
    assert_non_null(head);
    head[0] = bytes;
    run->allocated += bytes;
    run->allocated_max = HWI_MAX(run->allocated_max, run->allocated);
    return head + 2;
}

static void hear(struct run *run, enum hwi_role from, const struct hwi_msg *msg)
{
    struct hwi_event event = {1, hwi_addr_of(from, 0), msg};
    struct timespec before, after;
    hwi_effects_reset(&run->effects);
    clock_gettime(CLOCK_MONOTONIC, &before);
    hwi_peer_ops.step(run->peer, &event, &run->effects);
    clock_gettime(CLOCK_MONOTONIC, &after);
    run->cost.steps++;
    run->cost.effects += run->effects.count;
    run->cost.seconds +=
        (double)(after.tv_sec - before.tv_sec) + 1e-9 * (double)(after.tv_nsec - before.tv_nsec);
}

static uint32_t count_said(const struct run *run, uint16_t type)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < run->effects.count; i++) {
        count += run->effects.items[i].msg.type == type;
    }
    return count;
}

static const struct hwi_msg *said(const struct run *run, uint16_t type)
{
    for (uint32_t i = 0; i < run->effects.count; i++) {
        if (run->effects.items[i].msg.type == type) {
            return &run->effects.items[i].msg;
        }
    }
    return NULL;
}

// The peer is the one in the middle.
static void begin(struct run *run, uint32_t count)
{
    *run = (struct run){.count = count, .self = 1 + count / 2};
    run->alloc = (struct hwi_alloc){counted, run};
    run->members = calloc(count, sizeof *run->members);
    for (uint32_t i = 0; i < count; i++) {
        run->members[i] = (struct hwi_member){.peer = 1 + i, .incarnation = FIRST + i};
        snprintf(run->members[i].address, sizeof run->members[i].address,
                 "[2001:db8:1234:5678:9abc:def0:1234:5678]:%05u", 1 + i % 65535);
    }
    run->peer = hwi_peer_ops.create(&run->alloc);
    hwi_effects_init(&run->effects, &hwi_alloc_libc);
    struct hwi_msg open = {.type = HWI_MSG_open};
    open.u.open = (struct hwi_msg_open){.incarnation = FIRST + run->self - 1,
                                        .address = "127.0.0.1:1",
                                        .request = 1,
                                        .timeout_ns = HWI_NS_PER_S,
                                        .grace_ns = HWI_NS_PER_S,
                                        .stripes = 1};
    hear(run, HWI_ROLE_TRAINER, &open);
    struct hwi_msg welcome = {.type = HWI_MSG_welcome};
    welcome.u.welcome =
        (struct hwi_msg_welcome){.run = 7, .master = 8, .peer = run->self, .heartbeat_ms = 500};
    hear(run, HWI_ROLE_MASTER, &welcome);
}

static void end(struct run *run)
{
    hwi_effects_fini(&run->effects);
    hwi_peer_ops.destroy(run->peer);
    assert_int_equal(run->allocated, 0);
    free(run->members);
}

static void phase(struct run *run)
{
    run->cost = (struct cost){0};
    run->allocated_max = run->allocated;
}

static void report(const struct run *run, const char *what)
{
    if (getenv("HAWSER_SCALE") != NULL) {
        printf("%6u  %-18s %8llu steps %8llu effects %9llu bytes at rest %9llu at most %9.6f s\n",
               run->count, what, (unsigned long long)run->cost.steps,
               (unsigned long long)run->cost.effects, (unsigned long long)run->allocated,
               (unsigned long long)run->allocated_max, run->cost.seconds);
    }
}

static void propose(struct run *run, uint64_t view, const struct hwi_member *members,
                    uint32_t count)
{
    struct hwi_msg msg = {.type = HWI_MSG_propose};
    msg.u.propose = (struct hwi_msg_propose){.view = view,
                                             .incarnation = FIRST + run->self - 1,
                                             .timeout_ms = 5000,
                                             .members = (struct hwi_member *)members,
                                             .members_count = count};
    hear(run, HWI_ROLE_MASTER, &msg);
}

static void announce(struct run *run, uint64_t view, const struct hwi_member *members,
                     uint32_t count)
{
    struct hwi_past past = {.view = run->view};
    struct hwi_msg msg = {.type = HWI_MSG_announce};
    msg.u.announce = (struct hwi_msg_announce){.view = view,
                                               .incarnation = FIRST + run->self - 1,
                                               .members = (struct hwi_member *)members,
                                               .members_count = count,
                                               .past = &past,
                                               .past_count = run->view > 0};
    hear(run, HWI_ROLE_MASTER, &msg);
    assert_int_equal(count_said(run, HWI_MSG_lane_view), 2);
    assert_int_equal(count_said(run, HWI_MSG_edge_lost), 0);
    run->view = view;
}

static void edge(struct run *run, uint16_t type, uint64_t peer)
{
    struct hwi_msg msg = {.type = type};
    if (type == HWI_MSG_edge_up) {
        msg.u.edge_up.peer = peer;
    } else {
        msg.u.edge_down.peer = peer;
    }
    hear(run, HWI_ROLE_DATA, &msg);
}

// Every stripe takes a second try, and a third for those that dial us.
static void play_opening(struct run *run)
{
    phase(run);
    propose(run, 1, run->members, run->count);
    assert_int_equal(count_said(run, HWI_MSG_edge_open), run->count - 1);
    for (uint32_t i = 0; i < run->count; i++) {
        if (run->members[i].peer != run->self) {
            edge(run, HWI_MSG_edge_down, run->members[i].peer);
            const struct hwi_msg *open = said(run, HWI_MSG_edge_open);
            assert_non_null(open);
            bool dial = run->members[i].peer > run->self;
            assert_string_equal(open->u.edge_open.address, dial ? run->members[i].address : "");
            assert_true(open->u.edge_open.incarnation == run->members[i].incarnation);
        }
    }
    report(run, "propose, downs");
    for (uint32_t i = run->count; i-- > 0;) {
        assert_null(said(run, HWI_MSG_ready));
        if (run->members[i].peer != run->self) {
            edge(run, HWI_MSG_edge_up, run->members[i].peer);
        }
    }
    report(run, "propose, ups, ready");
    assert_int_equal(said(run, HWI_MSG_ready)->u.ready.broken_count, 0);
}

static void play_calls(struct run *run, uint32_t calls)
{
    phase(run);
    for (uint32_t i = 0; i < calls; i++) {
        struct hwi_msg call = {.type = HWI_MSG_request};
        call.u.request = (struct hwi_msg_request){.request = 10 + i,
                                                  .kind = HWI_KIND_AGREE,
                                                  .redop = HWI_AGREE_MIN,
                                                  .value = 5,
                                                  .timeout_ns = HWI_NS_PER_S};
        hear(run, HWI_ROLE_TRAINER, &call);
        assert_int_equal(said(run, HWI_MSG_done)->u.done.count, i + 1);
        struct hwi_msg commit = {.type = HWI_MSG_commit};
        commit.u.commit = (struct hwi_msg_commit){
            .view = run->view, .kind = HWI_KIND_AGREE, .count = i + 1, .value = 5};
        hear(run, HWI_ROLE_MASTER, &commit);
        assert_int_equal(said(run, HWI_MSG_reply)->u.reply.status, HWS_OK);
    }
    report(run, "agrees");
}

// The last member dies; it is noticed, and the next view is without it.
static void play_death(struct run *run)
{
    phase(run);
    edge(run, HWI_MSG_edge_down, run->count);
    assert_int_equal(count_said(run, HWI_MSG_edge_lost), 1);
    propose(run, 2, run->members, run->count - 1);
    assert_int_equal(said(run, HWI_MSG_ready)->u.ready.broken_count, 0);
    announce(run, 2, run->members, run->count - 1);
    assert_int_equal(count_said(run, HWI_MSG_edge_close), 1);
    report(run, "death, next view");
}

struct costs {
    struct cost opening, calls, death;
    uint64_t at_rest, at_most, call_memory;
};

static struct costs play(uint32_t count)
{
    struct run run;
    struct costs costs;
    begin(&run, count);
    play_opening(&run);
    costs.opening = run.cost;
    costs.at_most = run.allocated_max;
    announce(&run, 1, run.members, count);
    costs.at_rest = run.allocated;
    play_calls(&run, 100);
    costs.calls = run.cost;
    costs.call_memory = run.allocated - costs.at_rest;
    play_death(&run);
    costs.death = run.cost;
    assert_true(run.allocated <= costs.at_rest + costs.call_memory);
    end(&run);
    return costs;
}

static void a_members_memory_is_bounded(void **unused)
{
    (void)unused;
    struct costs few = play(64), many = play(4096);
    uint64_t members = 4096 - 64;
    assert_true(many.at_rest - few.at_rest <= 24 * members);
    assert_true(many.at_most - few.at_most <= 88 * members);
    assert_true(few.at_rest < 8192 && few.call_memory < 4096);
}

static void a_peers_work_grows_with_the_members_of_a_view_and_not_of_a_call(void **unused)
{
    (void)unused;
    struct costs few = play(64), many = play(4096);
    assert_int_equal(few.opening.steps, 1 + 2 * 63);
    assert_int_equal(many.opening.steps, 1 + 2 * 4095);
    assert_true(many.opening.effects <= few.opening.effects * 65);
    assert_int_equal(many.calls.effects, few.calls.effects);
    assert_int_equal(many.death.effects, few.death.effects);
}

int main(void)
{
    const char *wanted = getenv("HAWSER_SCALE");
    if (wanted != NULL) {
        play((uint32_t)strtoul(wanted, NULL, 10));
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_members_memory_is_bounded),
        cmocka_unit_test(a_peers_work_grows_with_the_members_of_a_view_and_not_of_a_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
