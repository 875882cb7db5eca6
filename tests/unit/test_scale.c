// SPDX-License-Identifier: MIT
// The cost of a run for its master as it grows, counted: steps, effects, encoded bytes, allocated
// memory. The members are played. HAWSER_SCALE=N plays one run of N members and prints a table with
// times.
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
#include "actors/wire/codec.h"

enum { DEATHS = 8 };
static const uint64_t FIRST = UINT64_C(1) << 40; // incarnations of one encoded length

struct cost {
    uint64_t steps, effects, bytes_in, bytes_out;
    uint64_t message_max;     // the longest one, bytes
    double seconds, encoding; // of the actor's steps, and of encoding what they say to members
};

struct run {
    void *master;
    struct hwi_alloc alloc;
    uint64_t allocated, allocated_max;
    struct hwi_effects effects; // of the last step
    struct hwi_encoder encoder;
    uint64_t now_ns, proposal, view;
    uint32_t count;
    uint32_t *told; // [count] commits, proposals or announcements of the phase that each heard
    uint64_t *sent; // [count] messages since its registration
    bool *dead;
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

static uint64_t encoded(const struct hwi_msg *msg)
{
    unsigned char *bytes = NULL;
    size_t length = 0;
    assert_int_equal(hwi_encode(msg, &bytes, &length), HWI_CODEC_OK);
    free(bytes);
    return length;
}

static double seconds_since(const struct timespec *before)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - before->tv_sec) + 1e-9 * (double)(now.tv_nsec - before->tv_nsec);
}

// As the host does.
static void count_effects(struct run *run)
{
    struct timespec before;
    clock_gettime(CLOCK_MONOTONIC, &before);
    hwi_encoder_forget(&run->encoder);
    for (uint32_t i = 0; i < run->effects.count; i++) {
        const struct hwi_envelope *envelope = &run->effects.items[i];
        const unsigned char *bytes;
        size_t length;
        if (envelope->to.role != HWI_ROLE_PEER) {
            continue;
        }
        assert_int_equal(hwi_encoder_encode(&run->encoder, &envelope->msg, &bytes, &length),
                         HWI_CODEC_OK);
        run->cost.bytes_out += length;
        run->cost.message_max = HWI_MAX(run->cost.message_max, length);
        run->told[envelope->to.id - FIRST] += envelope->msg.type != HWI_MSG_probe;
    }
    run->cost.encoding += seconds_since(&before);
    run->cost.effects += run->effects.count;
}

static void hear(struct run *run, struct hwi_addr from, const struct hwi_msg *msg)
{
    struct hwi_event event = {run->now_ns, from, msg};
    struct timespec before;
    run->cost.steps++;
    run->cost.bytes_in += from.role == HWI_ROLE_PEER ? encoded(msg) : 0;
    hwi_effects_reset(&run->effects);
    clock_gettime(CLOCK_MONOTONIC, &before);
    hwi_master_ops.step(run->master, &event, &run->effects);
    run->cost.seconds += seconds_since(&before);
    count_effects(run);
}

static void hear_peer(struct run *run, uint32_t i, const struct hwi_msg *msg)
{
    run->sent[i] = msg->type == HWI_MSG_registration ? 0 : run->sent[i] + 1;
    hear(run, hwi_addr_of(HWI_ROLE_PEER, FIRST + i), msg);
}

// The first effect of this type; NULL = none.
static const struct hwi_msg *said(const struct run *run, uint16_t type)
{
    for (uint32_t i = 0; i < run->effects.count; i++) {
        if (run->effects.items[i].msg.type == type) {
            return &run->effects.items[i].msg;
        }
    }
    return NULL;
}

static void begin(struct run *run, uint32_t count)
{
    *run = (struct run){.count = count, .now_ns = 1};
    run->alloc = (struct hwi_alloc){counted, run};
    run->told = calloc(count, sizeof *run->told);
    run->sent = calloc(count, sizeof *run->sent);
    run->dead = calloc(count, sizeof *run->dead);
    run->master = hwi_master_ops.create(&run->alloc);
    hwi_effects_init(&run->effects, &hwi_alloc_libc);
    struct hwi_msg msg = {.type = HWI_MSG_master_start};
    msg.u.master_start = (struct hwi_msg_master_start){.run = 7,
                                                       .master = 8,
                                                       .min_members = count,
                                                       .heartbeat_ms = 500,
                                                       .dead_ms = 5000,
                                                       .propose_ms = 5000};
    hear(run, hwi_addr_of(HWI_ROLE_TRAINER, 0), &msg);
}

static void end(struct run *run)
{
    hwi_effects_fini(&run->effects);
    hwi_encoder_fini(&run->encoder);
    hwi_master_ops.destroy(run->master);
    assert_int_equal(run->allocated, 0);
    free(run->told);
    free(run->sent);
    free(run->dead);
}

// Begins the counting anew.
static void phase(struct run *run)
{
    run->cost = (struct cost){0};
    memset(run->told, 0, run->count * sizeof *run->told);
}

static void assert_all_told(const struct run *run, uint32_t times)
{
    for (uint32_t i = 0; i < run->count; i++) {
        assert_int_equal(run->told[i], run->dead[i] ? 0 : times);
    }
}

static void report(const struct run *run, const char *what)
{
    if (getenv("HAWSER_SCALE") != NULL) {
        printf("%6u  %-22s %8llu steps %9llu effects %12llu in %13llu out %9llu longest %8.3f s, "
               "encoding %8.3f s\n",
               run->count, what, (unsigned long long)run->cost.steps,
               (unsigned long long)run->cost.effects, (unsigned long long)run->cost.bytes_in,
               (unsigned long long)run->cost.bytes_out, (unsigned long long)run->cost.message_max,
               run->cost.seconds, run->cost.encoding);
    }
}

// In a large run the master waits a little for more changes.
static void wait_for_proposal(struct run *run)
{
    struct hwi_msg woken = {.type = HWI_MSG_woken};
    for (int i = 0; i < 10 && said(run, HWI_MSG_propose) == NULL; i++) {
        run->now_ns = HWI_MAX(run->now_ns, said(run, HWI_MSG_wake_at)->u.wake_at.at_ns);
        hear(run, hwi_addr_of(HWI_ROLE_CLOCK, 0), &woken);
    }
}

static void play_registrations(struct run *run)
{
    phase(run);
    for (uint32_t i = 0; i < run->count; i++) {
        struct hwi_msg msg = {.type = HWI_MSG_registration};
        msg.u.registration.protocol = HWI_PROTOCOL;
        msg.u.registration.incarnation = FIRST + i;
        snprintf(msg.u.registration.address, sizeof msg.u.registration.address,
                 "[2001:db8:1234:5678:9abc:def0:1234:5678]:%05u", 1 + i % 65535);
        hear_peer(run, i, &msg);
    }
    wait_for_proposal(run);
    report(run, "registrations, propose");
    assert_all_told(run, 2);
    run->proposal = said(run, HWI_MSG_propose)->u.propose.view;
}

static void play_readies(struct run *run)
{
    phase(run);
    for (uint32_t i = 0; i < run->count; i++) {
        struct hwi_msg msg = {.type = HWI_MSG_ready, .u.ready.view = run->proposal};
        if (!run->dead[i]) {
            hear_peer(run, i, &msg);
        }
    }
    report(run, "readies, announce");
    assert_all_told(run, 1);
    run->view = said(run, HWI_MSG_announce)->u.announce.view;
    assert_int_equal(run->view, run->proposal);
}

static void play_heartbeats(struct run *run, bool busy)
{
    struct hwi_tally tally = {.kind = HWI_KIND_ALL_REDUCE, .tag = 7, .entered = 2};
    phase(run);
    for (uint32_t i = 0; i < run->count; i++) {
        struct hwi_msg msg = {.type = HWI_MSG_heartbeat, .u.heartbeat.view = run->view};
        msg.u.heartbeat.sent = run->sent[i];
        msg.u.heartbeat.tallies = &tally;
        msg.u.heartbeat.tallies_count = busy;
        if (!run->dead[i]) {
            hear_peer(run, i, &msg);
            assert_non_null(said(run, HWI_MSG_pong));
        }
    }
    report(run, busy ? "heartbeats, one call" : "heartbeats");
    assert_all_told(run, 1);
}

static void play_operation(struct run *run, uint8_t kind, uint32_t number)
{
    phase(run);
    for (uint32_t i = 0; i < run->count; i++) {
        struct hwi_msg msg = {.type = HWI_MSG_done};
        msg.u.done.view = run->view;
        msg.u.done.kind = kind;
        msg.u.done.tag = 7;
        msg.u.done.count = number;
        msg.u.done.redop = kind == HWI_KIND_AGREE ? HWI_AGREE_MIN : 0;
        msg.u.done.value = 100 + i;
        if (!run->dead[i]) {
            hear_peer(run, i, &msg);
        }
    }
    report(run, kind == HWI_KIND_AGREE ? "agree" : "all-reduce");
    assert_all_told(run, 1);
    const struct hwi_msg *commit = said(run, HWI_MSG_commit);
    assert_int_equal(commit->u.commit.count, number);
}

static void play_sync(struct run *run, uint32_t number, bool alike)
{
    phase(run);
    for (uint32_t i = 0; i < run->count; i++) {
        struct hwi_msg msg = {.type = HWI_MSG_sync_offer};
        msg.u.sync_offer.op =
            (struct hwi_op){.view = run->view, .kind = HWI_KIND_SYNC, .seq = number - 1};
        msg.u.sync_offer.revision = 1;
        msg.u.sync_offer.root = (struct hwi_hash){alike ? 1 : i + 1, 1};
        hear_peer(run, i, &msg);
    }
    report(run, alike ? "offers all alike" : "offers all different");
    assert_all_told(run, 1);
    assert_int_equal(said(run, HWI_MSG_sync_plan)->u.sync_plan.sources_count,
                     alike ? run->count : 1);
    struct hwi_msg msg = {.type = HWI_MSG_done};
    msg.u.done = (struct hwi_msg_done){.view = run->view, .kind = HWI_KIND_SYNC, .count = number};
    for (uint32_t i = 0; i < run->count; i++) {
        hear_peer(run, i, &msg);
    }
}

// Some die at once, as killed processes do: all others report it, then the connections are gone.
static void play_deaths(struct run *run)
{
    phase(run);
    for (uint32_t i = 0; i < DEATHS; i++) {
        run->dead[i * (run->count / DEATHS)] = true;
    }
    for (uint32_t i = 0; i < run->count; i++) {
        struct hwi_msg lost = {.type = HWI_MSG_edge_lost};
        for (uint32_t k = 0; k < DEATHS && !run->dead[i]; k++) {
            lost.u.edge_lost.view = run->view;
            lost.u.edge_lost.peer = 1 + k * (run->count / DEATHS);
            hear_peer(run, i, &lost);
        }
    }
    for (uint32_t i = 0; i < run->count; i++) {
        struct hwi_msg gone = {.type = HWI_MSG_unreachable};
        if (run->dead[i]) {
            hear(run, hwi_addr_of(HWI_ROLE_PEER, FIRST + i), &gone);
        }
    }
    wait_for_proposal(run);
    report(run, "8 deaths, propose");
    const struct hwi_msg *propose = said(run, HWI_MSG_propose);
    assert_non_null(propose);
    assert_int_equal(propose->u.propose.members_count, run->count - DEATHS);
    run->proposal = propose->u.propose.view;
}

static void play_status(struct run *run)
{
    phase(run);
    struct hwi_msg want = {.type = HWI_MSG_status_want};
    hear(run, hwi_addr_of(HWI_ROLE_TOOL, 1), &want);
    const struct hwi_msg *status = said(run, HWI_MSG_status);
    run->cost.message_max = encoded(status);
    report(run, "status");
    assert_int_equal(status->u.status.members_count, run->count);
    assert_int_equal(status->u.status.ops_count, 1);
}

// The cost of a run, by phase.
struct costs {
    struct cost registrations, readies, heartbeats, operation, agree, offers, deaths, again;
    uint64_t allocated;
};

static struct costs play(uint32_t count)
{
    struct run run;
    struct costs costs;
    begin(&run, count);
    play_registrations(&run);
    costs.registrations = run.cost;
    play_readies(&run);
    costs.readies = run.cost;
    play_heartbeats(&run, false);
    costs.heartbeats = run.cost;
    play_operation(&run, HWI_KIND_ALL_REDUCE, 1);
    costs.operation = run.cost;
    play_operation(&run, HWI_KIND_AGREE, 1);
    costs.agree = run.cost;
    play_sync(&run, 1, false);
    play_sync(&run, 2, true);
    costs.offers = run.cost;
    play_heartbeats(&run, true);
    play_status(&run);
    costs.allocated = run.allocated;
    play_deaths(&run);
    costs.deaths = run.cost;
    play_readies(&run);
    costs.again = run.cost;
    play_heartbeats(&run, false);
    play_operation(&run, HWI_KIND_AGREE, 1);
    end(&run);
    return costs;
}

// `b` is of a run `times` as large: linear, with room for longer numbers and constant parts.
static void assert_linear(uint64_t a, uint64_t b, uint32_t times)
{
    assert_true(b <= a * times + a * times / 4);
}

static void assert_costs_linear(const struct cost *a, const struct cost *b, uint32_t times)
{
    assert_linear(a->steps, b->steps, times);
    assert_linear(a->effects, b->effects, times);
    assert_linear(a->bytes_in, b->bytes_in, times);
    assert_linear(a->bytes_out, b->bytes_out, times);
}

// Each member hears of all members: bytes are quadratic over all, a message's are linear.
static void assert_views_bounded(const struct cost *a, const struct cost *b, uint32_t times)
{
    assert_linear(a->steps, b->steps, times);
    assert_linear(a->effects, b->effects, times);
    assert_true(b->message_max <= 2 * times * a->message_max); // ids grow from one byte to three
}

static void a_runs_cost_grows_with_its_members(void **unused)
{
    (void)unused;
    struct costs few = play(64), many = play(1024);
    const uint32_t times = 1024 / 64;
    assert_costs_linear(&few.operation, &many.operation, times);
    assert_costs_linear(&few.agree, &many.agree, times);
    assert_costs_linear(&few.heartbeats, &many.heartbeats, times);
    assert_views_bounded(&few.registrations, &many.registrations, times);
    assert_views_bounded(&few.readies, &many.readies, times);
    assert_views_bounded(&few.deaths, &many.deaths, times);
    assert_views_bounded(&few.again, &many.again, times);
    assert_linear(few.allocated, many.allocated, times);
    assert_true(many.operation.steps == 1024 && many.operation.effects == 2 * 1024);
    assert_true(many.allocated / 1024 < 768);
}

// Two members that never acknowledge a view use every tag in each of several.
static void outcomes_of_many_tags_fit_an_announcement(void **unused)
{
    (void)unused;
    struct run run;
    begin(&run, 2);
    play_registrations(&run);
    for (int views = 0; views < 4; views++) {
        play_readies(&run);
        const struct hwi_msg_announce *a = &said(&run, HWI_MSG_announce)->u.announce;
        uint32_t tallies = 0;
        for (uint32_t i = 0; i < a->past_count; i++) {
            tallies += a->past[i].tallies_count;
        }
        assert_int_equal(tallies, HWI_MIN(views, 2) * HWI_TAGS_MAX);
        assert_true(a->past_count == 0 || a->past[a->past_count - 1].view == run.view - 1);
        struct hwi_msg done = {.type = HWI_MSG_done};
        done.u.done = (struct hwi_msg_done){
            .view = run.view, .kind = HWI_KIND_ALL_REDUCE, .count = UINT32_MAX};
        for (uint64_t i = 0; i < 2 * HWI_TAGS_MAX; i++) {
            done.u.done.tag = UINT64_MAX - i / 2;
            hear_peer(&run, i % 2, &done);
        }
        phase(&run);
        struct hwi_msg withdraw = {.type = HWI_MSG_withdraw};
        withdraw.u.withdraw.op =
            (struct hwi_op){.view = run.view, .kind = HWI_KIND_ALL_REDUCE, .tag = 1};
        hear_peer(&run, 0, &withdraw);
        run.proposal = said(&run, HWI_MSG_propose)->u.propose.view;
    }
    end(&run);
}

// The most that the master may have to say: all limits reached at once.
static void the_longest_announcement_can_be_encoded(void **unused)
{
    (void)unused;
    struct hwi_member *members = calloc(HWI_MEMBERS_MAX, sizeof *members);
    struct hwi_tally *tallies = calloc(HWI_TAGS_MAX, sizeof *tallies);
    struct hwi_fault *faults = calloc(HWI_OPS_MAX, sizeof *faults);
    struct hwi_past past[HWI_PAST_VIEWS_MAX] = {0};
    for (uint32_t i = 0; i < HWI_MEMBERS_MAX; i++) {
        members[i] = (struct hwi_member){.peer = HWI_ID_MAX - i, .group = HWI_GROUPS_MAX - 1};
    }
    for (uint32_t i = 0; i < HWI_TAGS_MAX; i++) {
        tallies[i] = (struct hwi_tally){HWI_KIND_MAX, UINT64_MAX, UINT32_MAX, UINT32_MAX,
                                        UINT32_MAX,   UINT64_MAX, UINT32_MAX, HWI_GROUPS_MAX - 1};
    }
    for (uint32_t i = 0; i < HWI_OPS_MAX; i++) {
        struct hwi_signature signature = {HWI_KIND_MAX, 64, 64, HWI_TENSOR_BYTES_MAX, 8,
                                          HWI_ID_MAX,   1};
        faults[i] =
            (struct hwi_fault){INT32_MIN, HWI_KIND_MAX, UINT64_MAX, HWI_ID_MAX,        HWI_ID_MAX,
                               signature, signature,    UINT32_MAX, HWI_GROUPS_MAX - 1};
    }
    for (uint32_t i = 0; i < HWI_PAST_VIEWS_MAX; i++) {
        past[i] = (struct hwi_past){.view = HWI_ID_MAX,
                                    .faults = faults,
                                    .faults_count = HWI_OPS_MAX,
                                    .tallies = tallies,
                                    .pending = UINT32_MAX};
        past[i].tallies_count = i < 2 ? HWI_TAGS_MAX : 0;
    }
    struct hwi_msg announce = {.type = HWI_MSG_announce};
    announce.u.announce = (struct hwi_msg_announce){.view = HWI_ID_MAX,
                                                    .incarnation = HWI_ID_MAX,
                                                    .pending = UINT32_MAX,
                                                    .members = members,
                                                    .members_count = HWI_MEMBERS_MAX,
                                                    .past = past,
                                                    .past_count = HWI_PAST_VIEWS_MAX,
                                                    .groups = HWI_GROUPS_MAX,
                                                    .largest = HWI_MEMBERS_MAX};
    assert_in_range(encoded(&announce), 1 << 19, HWI_MESSAGE_BYTES_MAX);
    free(members);
    free(tallies);
    free(faults);
}

static void the_longest_proposal_can_be_encoded(void **unused)
{
    (void)unused;
    struct hwi_member *members = calloc(HWI_MEMBERS_MAX, sizeof *members);
    for (uint32_t i = 0; i < HWI_MEMBERS_MAX; i++) {
        members[i] = (struct hwi_member){
            .peer = HWI_ID_MAX - i, .incarnation = HWI_ID_MAX - i, .group = HWI_GROUPS_MAX - 1};
        memset(members[i].address, 'a', sizeof members[i].address - 1);
    }
    struct hwi_msg propose = {.type = HWI_MSG_propose};
    propose.u.propose = (struct hwi_msg_propose){.view = HWI_ID_MAX,
                                                 .incarnation = HWI_ID_MAX,
                                                 .timeout_ms = 600000,
                                                 .members = members,
                                                 .members_count = HWI_MEMBERS_MAX};
    assert_in_range(encoded(&propose), 1 << 20, HWI_MESSAGE_BYTES_MAX);
    free(members);
}

int main(void)
{
    const char *wanted = getenv("HAWSER_SCALE");
    if (wanted != NULL) {
        struct costs costs = play((uint32_t)strtoul(wanted, NULL, 10));
        printf("%6s  master's memory %llu bytes\n", wanted, (unsigned long long)costs.allocated);
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_runs_cost_grows_with_its_members),
        cmocka_unit_test(outcomes_of_many_tags_fit_an_announcement),
        cmocka_unit_test(the_longest_announcement_can_be_encoded),
        cmocka_unit_test(the_longest_proposal_can_be_encoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
