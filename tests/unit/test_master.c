// SPDX-License-Identifier: MIT
// The master against members and newcomers played message by message, as no honest peer would
// speak.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <hawser/types.h>

#include "actors/loop/step.h"
#include "tests/support/reborn.h"

enum { MANY = 3000, FIRST = 1000 };

struct play {
    void *master;
    struct hwi_effects effects; // of the last step
    uint64_t now_ns;
};

static void hear(struct play *play, struct hwi_addr from, const struct hwi_msg *msg)
{
    struct hwi_event event = {play->now_ns, from, msg};
    hwi_effects_reset(&play->effects);
    play->master = reborn(&hwi_master_ops, play->master);
    hwi_master_ops.step(play->master, &event, &play->effects);
}

static void hear_peer(struct play *play, uint64_t incarnation, const struct hwi_msg *msg)
{
    hear(play, hwi_addr_of(HWI_ROLE_PEER, incarnation), msg);
}

static void wake(struct play *play)
{
    struct hwi_msg msg = {.type = HWI_MSG_woken};
    hear(play, hwi_addr_of(HWI_ROLE_CLOCK, 0), &msg);
}

// The first effect of this type to this peer, or to anybody for 0; NULL = none.
static const struct hwi_msg *said(const struct play *play, uint64_t to, uint16_t type)
{
    for (uint32_t i = 0; i < play->effects.count; i++) {
        const struct hwi_envelope *envelope = &play->effects.items[i];
        if (envelope->msg.type == type && (to == 0 || envelope->to.id == to)) {
            return &envelope->msg;
        }
    }
    return NULL;
}

static void begin(struct play *play, uint32_t min_members, bool durable)
{
    *play = (struct play){.master = hwi_master_ops.create(&hwi_alloc_libc), .now_ns = 1};
    hwi_effects_init(&play->effects, &hwi_alloc_libc);
    struct hwi_msg msg = {.type = HWI_MSG_master_start};
    msg.u.master_start = (struct hwi_msg_master_start){.run = 7,
                                                       .master = 8,
                                                       .min_members = min_members,
                                                       .heartbeat_ms = 500,
                                                       .dead_ms = 5000,
                                                       .propose_ms = 5000,
                                                       .durable = durable};
    hear(play, hwi_addr_of(HWI_ROLE_TRAINER, 0), &msg);
}

static void end(struct play *play)
{
    hwi_effects_fini(&play->effects);
    hwi_master_ops.destroy(play->master);
}

static void register_at(struct play *play, uint64_t incarnation, uint32_t group, const char *unit,
                        uint32_t unit_size)
{
    struct hwi_msg msg = {.type = HWI_MSG_registration};
    msg.u.registration.protocol = HWI_PROTOCOL;
    msg.u.registration.incarnation = incarnation;
    msg.u.registration.group = group;
    msg.u.registration.unit_size = unit_size;
    snprintf(msg.u.registration.unit, sizeof msg.u.registration.unit, "%s", unit);
    snprintf(msg.u.registration.address, sizeof msg.u.registration.address, "127.0.0.1:1");
    hear_peer(play, incarnation, &msg);
}

// Returns the peer id it is given.
static uint64_t enrol(struct play *play, uint64_t incarnation)
{
    register_at(play, incarnation, 0, "", 0);
    const struct hwi_msg *welcome = said(play, incarnation, HWI_MSG_welcome);
    assert_non_null(welcome);
    return welcome->u.welcome.peer;
}

static void say_ready(struct play *play, uint64_t incarnation, uint64_t view, uint64_t broken)
{
    struct hwi_id id = {broken};
    struct hwi_msg msg = {.type = HWI_MSG_ready};
    msg.u.ready.view = view;
    msg.u.ready.broken = &id;
    msg.u.ready.broken_count = broken != 0;
    hear_peer(play, incarnation, &msg);
}

static void vote_to_admit(struct play *play, uint64_t incarnation, uint64_t view)
{
    struct hwi_msg msg = {.type = HWI_MSG_done};
    msg.u.done.view = view;
    msg.u.done.kind = HWI_KIND_ADMIT;
    msg.u.done.count = 1;
    hear_peer(play, incarnation, &msg);
}

// One member, and a newcomer in an open proposal. Returns the proposal; *newcomer its peer id.
static uint64_t propose_newcomer(struct play *play, uint64_t *member, uint64_t *newcomer)
{
    begin(play, 1, false);
    *member = enrol(play, FIRST);
    say_ready(play, FIRST, said(play, FIRST, HWI_MSG_propose)->u.propose.view, 0);
    uint64_t view = said(play, FIRST, HWI_MSG_announce)->u.announce.view;
    *newcomer = enrol(play, FIRST + 1);
    uint64_t proposal = said(play, FIRST + 1, HWI_MSG_propose)->u.propose.view;
    vote_to_admit(play, FIRST, view);
    return proposal;
}

static void a_newcomer_whose_stripes_break_is_not_proposed_for_ever(void **unused)
{
    (void)unused;
    struct play play;
    uint64_t member, newcomer, proposal = propose_newcomer(&play, &member, &newcomer);
    say_ready(&play, FIRST, proposal, 0);
    struct hwi_msg lost = {.type = HWI_MSG_edge_lost};
    lost.u.edge_lost = (struct hwi_msg_edge_lost){.view = proposal, .peer = newcomer};
    hear_peer(&play, FIRST, &lost);
    assert_non_null(said(&play, FIRST + 1, HWI_MSG_evicted));
    assert_null(said(&play, 0, HWI_MSG_propose));
    assert_non_null(said(&play, FIRST, HWI_MSG_commit));
    end(&play);
}

// A member is out at once when its connection is gone and its stripes broke: only members are
// believed the latter.
static void a_newcomers_word_puts_no_member_out(void **unused)
{
    (void)unused;
    for (int late = 0; late < 2; late++) {
        struct play play;
        uint64_t member, newcomer, proposal = propose_newcomer(&play, &member, &newcomer);
        struct hwi_msg gone = {.type = HWI_MSG_unreachable};
        hear_peer(&play, FIRST, &gone);
        say_ready(&play, FIRST + 1, proposal, late ? 0 : member);
        struct hwi_msg lost = {.type = HWI_MSG_edge_lost};
        lost.u.edge_lost = (struct hwi_msg_edge_lost){.view = proposal, .peer = member};
        if (late) {
            hear_peer(&play, FIRST + 1, &lost);
        }
        assert_null(said(&play, FIRST, HWI_MSG_evicted));
        assert_non_null(said(&play, FIRST + 1, HWI_MSG_evicted));
        end(&play);
    }
}

static void hundreds_that_fall_silent_together_are_removed_together(void **unused)
{
    (void)unused;
    struct play play;
    begin(&play, MANY, false);
    for (uint64_t i = 0; i < MANY; i++) {
        enrol(&play, FIRST + i);
    }
    play.now_ns += 100 * HWI_NS_PER_MS; // that many are waited for a little
    wake(&play);
    uint64_t proposal = said(&play, FIRST, HWI_MSG_propose)->u.propose.view;
    for (uint64_t i = 0; i < MANY; i++) {
        say_ready(&play, FIRST + i, proposal, 0);
    }
    assert_non_null(said(&play, FIRST, HWI_MSG_announce));
    uint32_t evicted = 0;
    for (int half = 0; half < 12; half++) { // one of them is heard
        play.now_ns += 500 * HWI_NS_PER_MS;
        struct hwi_msg alive = {.type = HWI_MSG_heartbeat};
        hear_peer(&play, FIRST, &alive);
        wake(&play);
        for (uint32_t i = 0; i < play.effects.count; i++) {
            evicted += play.effects.items[i].msg.type == HWI_MSG_evicted;
        }
        assert_true(play.effects.count < 2 * MANY + 10);
    }
    assert_int_equal(evicted, MANY - 1);
    end(&play);
}

static void a_first_store_that_failed_is_tried_again(void **unused)
{
    (void)unused;
    struct play play;
    begin(&play, 1, true);
    assert_non_null(said(&play, 0, HWI_MSG_view_file));
    struct hwi_msg stored = {.type = HWI_MSG_stored, .u.stored.status = HWS_E_SYSTEM};
    hear(&play, hwi_addr_of(HWI_ROLE_DISK, 0), &stored);
    uint64_t at_ns = said(&play, 0, HWI_MSG_wake_at)->u.wake_at.at_ns;
    assert_true(at_ns < HWI_NEVER);
    play.now_ns = at_ns;
    wake(&play);
    assert_non_null(said(&play, 0, HWI_MSG_view_file));
    stored.u.stored.status = HWS_OK;
    hear(&play, hwi_addr_of(HWI_ROLE_DISK, 0), &stored);
    enrol(&play, FIRST);
    end(&play);
}

static void a_process_that_does_not_fit_its_unit_is_refused(void **unused)
{
    (void)unused;
    static const struct {
        const char *unit;
        uint32_t size;
        const char *reason; // NULL = it fits
    } cases[] = {
        {"a", 2, NULL},
        {"a", 3, "unit a has 3 processes for it, 2 for the others"},
        {"b", 0, "its unit is malformed"},
        {"", 2, "its unit is malformed"},
        {"\x1b[2J", 2, "its unit is malformed"},
        {"a b", 2, "its unit is malformed"},
        {"a", 2, NULL},
        {"a", 2, "unit a has all its 2 processes already"},
        {"b", 1, NULL},
    };
    struct play play;
    begin(&play, 100, false);
    for (uint64_t i = 0; i < HWI_COUNT(cases); i++) {
        register_at(&play, FIRST + i, 0, cases[i].unit, cases[i].size);
        const struct hwi_msg *refused = said(&play, FIRST + i, HWI_MSG_refused);
        assert_true((refused != NULL) == (cases[i].reason != NULL));
        assert_true((said(&play, FIRST + i, HWI_MSG_welcome) == NULL) == (refused != NULL));
        if (refused != NULL) {
            assert_string_equal(refused->u.refused.reason, cases[i].reason);
        }
    }
    end(&play);
}

// Members of groups 0 and 1 in turns, all ready. Returns the view.
static uint64_t begin_groups(struct play *play, uint64_t members)
{
    begin(play, (uint32_t)members, false);
    for (uint64_t i = 0; i < members; i++) {
        register_at(play, FIRST + i, i % 2, "", 0);
    }
    uint64_t proposal = said(play, FIRST, HWI_MSG_propose)->u.propose.view;
    for (uint64_t i = 0; i < members; i++) {
        say_ready(play, FIRST + i, proposal, 0);
    }
    assert_int_equal(said(play, FIRST, HWI_MSG_announce)->u.announce.groups, 2);
    return proposal;
}

// Groups have no stripes between them: who says that some broke is not believed.
static void an_edge_between_groups_is_nobodys(void **unused)
{
    (void)unused;
    struct play play;
    uint64_t view = begin_groups(&play, 4);
    struct hwi_msg gone = {.type = HWI_MSG_unreachable};
    hear_peer(&play, FIRST + 1, &gone);
    struct hwi_msg lost = {.type = HWI_MSG_edge_lost};
    lost.u.edge_lost = (struct hwi_msg_edge_lost){.view = view, .peer = 2};
    hear_peer(&play, FIRST, &lost);
    assert_null(said(&play, 0, HWI_MSG_evicted));
    assert_null(said(&play, 0, HWI_MSG_propose));
    hear_peer(&play, FIRST + 3, &lost); // of its group
    assert_non_null(said(&play, FIRST + 1, HWI_MSG_evicted));
    end(&play);
}

static void beat(struct play *play, uint64_t incarnation, uint64_t view, uint8_t kind, uint64_t tag,
                 uint64_t sent)
{
    struct hwi_tally tally = {.kind = kind, .tag = tag, .entered = 1};
    struct hwi_msg msg = {.type = HWI_MSG_heartbeat};
    msg.u.heartbeat = (struct hwi_msg_heartbeat){
        .view = view, .sent = sent, .tallies = &tally, .tallies_count = 1};
    hear_peer(play, incarnation, &msg);
}

static bool finds_mismatch(struct play *play)
{
    play->now_ns += 250 * HWI_NS_PER_MS;
    wake(play);
    return said(play, 0, HWI_MSG_propose) != NULL;
}

// A heartbeat counts as it was sent: of this view, and with nothing before it lost.
static void only_what_is_still_true_is_a_mismatch(void **unused)
{
    (void)unused;
    struct play play;
    uint64_t view = begin_groups(&play, 4);
    // ready was the first message of each since its registration
    beat(&play, FIRST, view, HWI_KIND_AGREE, 7, 1);
    beat(&play, FIRST + 2, view, HWI_KIND_ALL_REDUCE, 8, 1); // another tag
    assert_false(finds_mismatch(&play));
    beat(&play, FIRST + 1, view, HWI_KIND_ALL_REDUCE, 7, 1); // another group
    assert_false(finds_mismatch(&play));
    beat(&play, FIRST + 2, view - 1, HWI_KIND_ALL_REDUCE, 7, 2); // another view
    assert_false(finds_mismatch(&play));
    beat(&play, FIRST + 2, view, HWI_KIND_ALL_REDUCE, 7, 9); // something before it was lost
    assert_false(finds_mismatch(&play));
    beat(&play, FIRST + 2, view, HWI_KIND_ALL_REDUCE, 7, 4);
    assert_true(finds_mismatch(&play));
    end(&play);
}

static void tallies_of_a_hostile_member_harm_nobody(void **unused)
{
    (void)unused;
    struct play play;
    uint64_t view = begin_groups(&play, 2);
    enum { MANY_TALLIES = HWI_OPS_MAX };
    static struct hwi_tally tallies[MANY_TALLIES];
    for (uint32_t i = 0; i < MANY_TALLIES; i++) {
        tallies[i] = (struct hwi_tally){.kind = (uint8_t)(i % (HWI_KIND_MAX + 1)),
                                        .tag = i / 40,
                                        .entered = UINT32_MAX,
                                        .group = i % HWI_GROUPS_MAX};
    }
    struct hwi_msg msg = {.type = HWI_MSG_heartbeat};
    msg.u.heartbeat = (struct hwi_msg_heartbeat){
        .view = view, .sent = 1, .tallies = tallies, .tallies_count = MANY_TALLIES};
    hear_peer(&play, FIRST, &msg);
    assert_false(finds_mismatch(&play)); // with itself
    struct hwi_msg want = {.type = HWI_MSG_status_want};
    hear(&play, hwi_addr_of(HWI_ROLE_TOOL, 5), &want);
    assert_non_null(said(&play, 5, HWI_MSG_status));
    end(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_newcomer_whose_stripes_break_is_not_proposed_for_ever),
        cmocka_unit_test(a_newcomers_word_puts_no_member_out),
        cmocka_unit_test(hundreds_that_fall_silent_together_are_removed_together),
        cmocka_unit_test(a_first_store_that_failed_is_tried_again),
        cmocka_unit_test(a_process_that_does_not_fit_its_unit_is_refused),
        cmocka_unit_test(an_edge_between_groups_is_nobodys),
        cmocka_unit_test(only_what_is_still_true_is_a_mismatch),
        cmocka_unit_test(tallies_of_a_hostile_member_harm_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
