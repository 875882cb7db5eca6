// SPDX-License-Identifier: MIT
// The master's election of a shared state, for each combination of strategies, revisions, contents,
// layouts, cut syncs and newcomers, against the rules of docs/STATE.md written down a second time.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <hawser/state.h>

#include "actors/loop/image.h"

enum { MEMBERS_MAX = 3, INCARNATION = 1000, NOBODY = -1 };

struct holding {
    uint8_t strategy;
    uint64_t revision, content, layout; // from 1
    bool dirty, newcomer;
};

struct decision {
    int status;           // HWS_OK: planned, or removed
    int out[MEMBERS_MAX]; // statuses of the removed members; HWS_OK = stays
    bool any_out;
    uint64_t revision, content; // elected
    int winner, other;          // named by the failure
    bool source[MEMBERS_MAX];
};

// ---- the rules, once more -----------------------------------------------------------------------

struct run {
    const struct holding *all;
    int count;
    bool synced; // before
    bool in[MEMBERS_MAX];
};

static int left(const struct run *r)
{
    int count = 0;
    for (int i = 0; i < r->count; i++) {
        count += r->in[i];
    }
    return count;
}

// How many of those left have the same layout, or hold the same, as i.
static int party(const struct run *r, int i, bool layout)
{
    int count = 0;
    for (int k = 0; k < r->count; k++) {
        bool same =
            layout ? r->all[k].layout == r->all[i].layout
                   : r->all[k].content == r->all[i].content && r->all[k].layout == r->all[i].layout;
        count += r->in[k] && same;
    }
    return count;
}

static uint64_t newest_with_layout(const struct run *r, uint64_t layout)
{
    uint64_t newest = 0;
    for (int i = 0; i < r->count; i++) {
        if (r->in[i] && r->all[i].layout == layout && r->all[i].revision > newest) {
            newest = r->all[i].revision;
        }
    }
    return newest;
}

static uint64_t choose_layout(const struct run *r)
{
    int best = NOBODY;
    for (int i = 0; i < r->count; i++) {
        if (!r->in[i]) {
            continue;
        }
        int more = best == NOBODY ? 1 : party(r, i, true) - party(r, best, true);
        bool newer = best != NOBODY && newest_with_layout(r, r->all[i].layout) >
                                           newest_with_layout(r, r->all[best].layout);
        if (more > 0 || (more == 0 && newer)) {
            best = i;
        }
    }
    return r->all[best].layout;
}

static int choose_content(const struct run *r)
{
    int best = NOBODY;
    for (int i = 0; i < r->count; i++) {
        if (r->in[i] && (best == NOBODY || party(r, i, false) > party(r, best, false))) {
            best = i;
        }
    }
    return best;
}

static bool newcomer(const struct run *r, int i)
{
    return r->synced && r->all[i].newcomer;
}

static bool holds(const struct run *r, int i, int winner)
{
    return r->all[i].content == r->all[winner].content && r->all[i].layout == r->all[winner].layout;
}

static int objection(const struct run *r, int i, int winner)
{
    const struct holding *h = &r->all[i], *w = &r->all[winner];
    if (h->layout != w->layout) {
        return HWS_E_LAYOUT;
    }
    if (newcomer(r, i) && h->revision > w->revision) {
        return HWS_E_AHEAD;
    }
    if (newcomer(r, i) && h->strategy == HWS_SYNC_SEND_ONLY && !holds(r, i, winner)) {
        return HWS_E_REFUSED;
    }
    return HWS_OK;
}

// Sifts; the winner, or NOBODY and the status.
static int elect(struct run *r, int *status)
{
    bool send_only = false;
    uint64_t newest = 0;
    for (int i = 0; i < r->count; i++) {
        r->in[i] = !r->all[i].dirty && !newcomer(r, i);
    }
    *status = HWS_E_STATE_LOST;
    if (left(r) == 0) {
        return NOBODY;
    }
    for (int i = 0; i < r->count; i++) {
        r->in[i] = r->in[i] && r->all[i].strategy != HWS_SYNC_RECEIVE_ONLY;
    }
    *status = HWS_E_CONFLICT;
    if (left(r) == 0) {
        return NOBODY;
    }
    uint64_t layout = choose_layout(r);
    for (int i = 0; i < r->count; i++) {
        r->in[i] = r->in[i] && r->all[i].layout == layout;
        send_only |= r->in[i] && r->all[i].strategy == HWS_SYNC_SEND_ONLY;
    }
    for (int i = 0; i < r->count; i++) {
        r->in[i] = r->in[i] && (!send_only || r->all[i].strategy == HWS_SYNC_SEND_ONLY);
        newest = r->in[i] && r->all[i].revision > newest ? r->all[i].revision : newest;
    }
    for (int i = 0; i < r->count; i++) {
        r->in[i] = r->in[i] && r->all[i].revision == newest;
    }
    *status = HWS_OK;
    return choose_content(r);
}

static struct decision expected(const struct holding *all, int count, bool synced)
{
    struct run r = {.all = all, .count = count, .synced = synced};
    struct decision d = {.winner = NOBODY, .other = NOBODY};
    int winner = elect(&r, &d.status);
    if (winner == NOBODY) {
        return d;
    }
    for (int i = 0; i < count; i++) {
        d.out[i] = objection(&r, i, winner);
        d.any_out |= d.out[i] != HWS_OK;
    }
    if (d.any_out) {
        return d;
    }
    for (int i = 0; i < count && d.other == NOBODY; i++) {
        if (all[i].strategy == HWS_SYNC_SEND_ONLY && !holds(&r, i, winner)) {
            d.other = i;
        }
    }
    if (d.other != NOBODY) {
        d.winner = winner;
        d.status = HWS_E_CONFLICT;
        return d;
    }
    d.revision = all[winner].revision;
    d.content = all[winner].content;
    for (int i = 0; i < count; i++) {
        d.source[i] =
            !all[i].dirty && holds(&r, i, winner) && all[i].strategy != HWS_SYNC_RECEIVE_ONLY;
    }
    return d;
}

// ---- a master, and members played message by message --------------------------------------------

struct play {
    void *master;
    struct hwi_effects effects; // of the last step
    uint64_t view;
    uint64_t peers[MEMBERS_MAX];
    uint32_t seq; // of the next sync
};

static void hear(struct play *play, struct hwi_addr from, const struct hwi_msg *msg)
{
    struct hwi_event event = {1, from, msg};
    hwi_effects_reset(&play->effects);
    hwi_master_ops.step(play->master, &event, &play->effects);
}

static void hear_member(struct play *play, int i, const struct hwi_msg *msg)
{
    hear(play, hwi_addr_of(HWI_ROLE_PEER, INCARNATION + (uint64_t)i), msg);
}

static const struct hwi_msg *said(const struct play *play, int to, uint16_t type)
{
    for (uint32_t i = 0; i < play->effects.count; i++) {
        const struct hwi_envelope *envelope = &play->effects.items[i];
        if (envelope->msg.type == type && envelope->to.id == INCARNATION + (uint64_t)to) {
            return &envelope->msg;
        }
    }
    return NULL;
}

static void begin(struct play *play, uint32_t min_members)
{
    *play = (struct play){.master = hwi_master_ops.create(&hwi_alloc_libc)};
    hwi_effects_init(&play->effects, &hwi_alloc_libc);
    struct hwi_msg msg = {.type = HWI_MSG_master_start};
    msg.u.master_start = (struct hwi_msg_master_start){.run = 7,
                                                       .master = 8,
                                                       .min_members = min_members,
                                                       .heartbeat_ms = 500,
                                                       .dead_ms = 5000,
                                                       .propose_ms = 5000};
    hear(play, hwi_addr_of(HWI_ROLE_TRAINER, 0), &msg);
}

static void end(struct play *play)
{
    hwi_effects_fini(&play->effects);
    hwi_master_ops.destroy(play->master);
}

static void enrol(struct play *play, int i)
{
    struct hwi_msg msg = {.type = HWI_MSG_registration};
    msg.u.registration.protocol = HWI_PROTOCOL;
    msg.u.registration.incarnation = INCARNATION + (uint64_t)i;
    snprintf(msg.u.registration.address, sizeof msg.u.registration.address, "127.0.0.1:1");
    hear_member(play, i, &msg);
    play->peers[i] = said(play, i, HWI_MSG_welcome)->u.welcome.peer;
}

static uint64_t proposed(struct play *play)
{
    return said(play, 0, HWI_MSG_propose)->u.propose.view;
}

// The first `count` are ready for that view, and it is announced.
static void all_ready(struct play *play, int count, uint64_t view)
{
    struct hwi_msg msg = {.type = HWI_MSG_ready};
    msg.u.ready.view = view;
    for (int i = 0; i < count; i++) {
        hear_member(play, i, &msg);
    }
    play->view = said(play, 0, HWI_MSG_announce)->u.announce.view;
    play->seq = 0;
}

static void offer(struct play *play, int i, const struct holding *h)
{
    struct hwi_msg msg = {.type = HWI_MSG_sync_offer};
    struct hwi_msg_sync_offer *o = &msg.u.sync_offer;
    o->op = (struct hwi_op){.view = play->view, .kind = HWI_KIND_SYNC, .seq = play->seq};
    o->revision = h->revision;
    o->root = (struct hwi_hash){h->content, h->layout}; // a root covers the layout
    o->layout = (struct hwi_hash){h->layout, 1};
    o->dirty = h->dirty;
    o->strategy = h->strategy;
    hear_member(play, i, &msg);
}

static void say_done(struct play *play, int count, uint8_t kind)
{
    struct hwi_msg msg = {.type = HWI_MSG_done};
    msg.u.done.view = play->view;
    msg.u.done.kind = kind;
    msg.u.done.count = 1;
    for (int i = 0; i < count; i++) {
        hear_member(play, i, &msg);
    }
}

// `count` members of which the last `late` joined after a sync; with `synced` there was one.
static void prepare(struct play *play, int count, int late, bool synced)
{
    static const struct holding same = {
        .strategy = HWS_SYNC_ENFORCE, .revision = 1, .content = 9, .layout = 1};
    begin(play, (uint32_t)(count - late));
    for (int i = 0; i < count - late; i++) {
        enrol(play, i);
    }
    all_ready(play, count - late, proposed(play));
    for (int i = 0; synced && i < count - late; i++) {
        offer(play, i, &same);
    }
    if (synced) {
        assert_non_null(said(play, 0, HWI_MSG_sync_plan));
        say_done(play, count - late, HWI_KIND_SYNC);
        play->seq = 1;
    }
    for (int i = count - late; i < count; i++) {
        enrol(play, i);
    }
    if (late > 0) {
        uint64_t trial = proposed(play);
        say_done(play, count - late, HWI_KIND_ADMIT);
        all_ready(play, count, trial);
    }
}

static void read_plan(const struct play *play, const struct hwi_msg_sync_plan *plan, int count,
                      struct decision *d)
{
    d->revision = plan->revision;
    d->content = plan->root.lo;
    for (uint32_t k = 0; k < plan->sources_count; k++) {
        for (int i = 0; i < count; i++) {
            d->source[i] |= play->peers[i] == plan->sources[k].value;
        }
    }
}

static int member_of(const struct play *play, uint64_t peer)
{
    for (int i = 0; peer != 0 && i < MEMBERS_MAX; i++) {
        if (play->peers[i] == peer) {
            return i;
        }
    }
    return NOBODY;
}

// The failed sync is reported with the next view.
static void read_failure(struct play *play, int count, struct decision *d)
{
    all_ready(play, count, proposed(play));
    const struct hwi_msg_announce *a = &said(play, 0, HWI_MSG_announce)->u.announce;
    const struct hwi_fault *fault = &a->past[a->past_count - 1].faults[0];
    assert_int_equal(a->past[a->past_count - 1].faults_count, 1);
    assert_int_equal(fault->kind, HWI_KIND_SYNC);
    d->status = fault->status;
    d->winner = member_of(play, fault->peer_a);
    d->other = member_of(play, fault->peer_b);
}

static struct decision decided(struct play *play, const struct holding *all, int count)
{
    struct decision d = {.winner = NOBODY, .other = NOBODY};
    for (int i = count; i-- > 0;) { // who offers last does not matter: here the oldest does
        offer(play, i, &all[i]);
    }
    for (int i = 0; i < count; i++) {
        const struct hwi_msg *evicted = said(play, i, HWI_MSG_evicted);
        d.out[i] = evicted != NULL ? evicted->u.evicted.status : HWS_OK;
        d.any_out |= evicted != NULL;
    }
    const struct hwi_msg *plan = said(play, 0, HWI_MSG_sync_plan);
    if (plan != NULL) {
        read_plan(play, &plan->u.sync_plan, count, &d);
    } else if (!d.any_out) {
        read_failure(play, count, &d);
    }
    return d;
}

// ---- all combinations ---------------------------------------------------------------------------

static struct holding combination(uint32_t number)
{
    struct holding h = {.strategy = (uint8_t)(1 + number % 3)};
    number /= 3;
    h.revision = 1 + number % 2;
    h.content = 1 + number / 2 % 2;
    h.layout = 1 + number / 4 % 2;
    h.dirty = number / 8 % 2;
    return h;
}

enum { COMBINATIONS = 3 * 2 * 2 * 2 * 2 };

static void expect_decision(struct play *play, const struct holding *all, int count, bool synced)
{
    struct decision want = expected(all, count, synced), got = decided(play, all, count);
    bool equal = want.status == got.status && want.revision == got.revision &&
                 want.content == got.content && want.winner == got.winner &&
                 want.other == got.other && memcmp(want.out, got.out, sizeof want.out) == 0 &&
                 memcmp(want.source, got.source, sizeof want.source) == 0;
    if (equal) {
        return;
    }
    for (int i = 0; i < count; i++) {
        print_error("%c%u%c%s%s%s: out %d, not %d; source %d, not %d\n", "?ESR"[all[i].strategy],
                    (unsigned)all[i].revision, (int)('a' + all[i].content - 1),
                    all[i].layout > 1 ? "*" : "", all[i].dirty ? "!" : "",
                    all[i].newcomer ? "+" : "", got.out[i], want.out[i], got.source[i],
                    want.source[i]);
    }
    fail_msg(
        "synced %d: status %d, not %d; content %u, not %u; winner %d, not %d; other %d, not %d",
        synced, got.status, want.status, (unsigned)got.content, (unsigned)want.content, got.winner,
        want.winner, got.other, want.other);
}

// Every `stride`-th combination of `count` members of which the last `late` are newcomers.
static void try_all(int count, int late, bool synced, uint32_t stride)
{
    struct play play;
    size_t length;
    uint32_t all = 1;
    prepare(&play, count, late, synced);
    unsigned char *image = hwi_image_save(&hwi_master_ops, play.master, &hwi_alloc_libc, &length);
    for (int i = 0; i < count; i++) {
        all *= COMBINATIONS;
    }
    for (uint32_t number = stride / 2; number < all; number += stride) {
        struct holding held[MEMBERS_MAX] = {{0}};
        struct play tried = play;
        for (uint32_t i = 0, rest = number; i < (uint32_t)count; i++, rest /= COMBINATIONS) {
            held[i] = combination(rest % COMBINATIONS);
            held[i].newcomer = (int)i >= count - late;
        }
        tried.master = hwi_image_load(&hwi_master_ops, image, length, &hwi_alloc_libc);
        expect_decision(&tried, held, count, synced);
        hwi_master_ops.destroy(tried.master);
        play.effects = tried.effects;
    }
    hwi_free(&hwi_alloc_libc, image);
    end(&play);
}

static void one_member(void **unused)
{
    (void)unused;
    try_all(1, 0, false, 1);
    try_all(1, 0, true, 1);
}

static void two_members(void **unused)
{
    (void)unused;
    try_all(2, 0, false, 1);
    try_all(2, 0, true, 1);
    try_all(2, 1, true, 1);
}

static void three_members(void **unused)
{
    (void)unused;
    for (int late = 0; late < 3; late++) {
        try_all(3, late, true, 1);
    }
    try_all(3, 0, false, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_member),
        cmocka_unit_test(two_members),
        cmocka_unit_test(three_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
