// SPDX-License-Identifier: MIT
// The peer's part in a sync, against a master and a snapshot played message by message: what it
// offers, and which plans it does not believe.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <hawser/state.h>

#include "actors/loop/step.h"
#include "tests/support/reborn.h"

enum { INCARNATION = 77, VIEW = 3, SELF = 5 };

static const struct hwi_hash mine = {1, 2}, other = {3, 4};
static const struct hwi_op op = {.view = VIEW, .kind = HWI_KIND_SYNC};

struct play {
    void *peer;
    struct hwi_effects effects; // of the last step
};

static void hear(struct play *play, enum hwi_role from, const struct hwi_msg *msg)
{
    struct hwi_event event = {1, hwi_addr_of(from, 0), msg};
    hwi_effects_reset(&play->effects);
    play->peer = reborn(&hwi_peer_ops, play->peer);
    hwi_peer_ops.step(play->peer, &event, &play->effects);
}

static const struct hwi_msg *said(const struct play *play, uint16_t type)
{
    for (uint32_t i = 0; i < play->effects.count; i++) {
        if (play->effects.items[i].msg.type == type) {
            return &play->effects.items[i].msg;
        }
    }
    return NULL;
}

static void welcome(struct play *play)
{
    struct hwi_msg msg = {.type = HWI_MSG_welcome};
    msg.u.welcome =
        (struct hwi_msg_welcome){.run = 7, .master = 8, .peer = SELF, .heartbeat_ms = 500};
    hear(play, HWI_ROLE_MASTER, &msg);
}

// It is alone in a view, and has called hws_sync.
static void begin(struct play *play, uint8_t strategy, uint8_t verify)
{
    struct hwi_member member = {.peer = SELF, .incarnation = INCARNATION, .address = "127.0.0.1:1"};
    *play = (struct play){.peer = hwi_peer_ops.create(&hwi_alloc_libc)};
    hwi_effects_init(&play->effects, &hwi_alloc_libc);
    struct hwi_msg msg = {.type = HWI_MSG_open};
    msg.u.open = (struct hwi_msg_open){.incarnation = INCARNATION,
                                       .address = "127.0.0.1:1",
                                       .request = 1,
                                       .timeout_ns = HWI_NS_PER_S,
                                       .grace_ns = HWI_NS_PER_S,
                                       .stripes = 1};
    hear(play, HWI_ROLE_TRAINER, &msg);
    welcome(play);
    msg = (struct hwi_msg){.type = HWI_MSG_propose};
    msg.u.propose = (struct hwi_msg_propose){.view = VIEW,
                                             .incarnation = INCARNATION,
                                             .timeout_ms = 5000,
                                             .members = &member,
                                             .members_count = 1};
    hear(play, HWI_ROLE_MASTER, &msg);
    msg = (struct hwi_msg){.type = HWI_MSG_announce};
    msg.u.announce = (struct hwi_msg_announce){
        .view = VIEW, .incarnation = INCARNATION, .members = &member, .members_count = 1};
    hear(play, HWI_ROLE_MASTER, &msg);
    msg = (struct hwi_msg){.type = HWI_MSG_request};
    msg.u.request = (struct hwi_msg_request){.request = 2,
                                             .kind = HWI_KIND_SYNC,
                                             .value = 9,
                                             .strategy = strategy,
                                             .verify = verify,
                                             .timeout_ns = HWI_NS_PER_S};
    hear(play, HWI_ROLE_TRAINER, &msg);
    const struct hwi_msg *start = said(play, HWI_MSG_sync_start);
    assert_non_null(start);
    assert_int_equal(start->u.sync_start.revision, 9);
    assert_int_equal(start->u.sync_start.verify, verify);
}

static void end(struct play *play)
{
    hwi_effects_fini(&play->effects);
    hwi_peer_ops.destroy(play->peer);
}

static const struct hwi_msg_sync_offer *hashed(struct play *play, uint8_t unhashed)
{
    struct hwi_tensor tensor = {.name = "w", .dtype = 11, .bytes = 16};
    struct hwi_msg msg = {.type = HWI_MSG_state_hashed};
    msg.u.state_hashed = (struct hwi_msg_state_hashed){
        .op = op, .root = mine, .unhashed = unhashed, .tensors = &tensor, .tensors_count = 1};
    hear(play, HWI_ROLE_SNAPSHOT, &msg);
    const struct hwi_msg *offer = said(play, HWI_MSG_sync_offer);
    return offer != NULL ? &offer->u.sync_offer : NULL;
}

static void plan(struct play *play, struct hwi_hash root, uint8_t unhashed)
{
    struct hwi_msg msg = {.type = HWI_MSG_sync_plan};
    msg.u.sync_plan =
        (struct hwi_msg_sync_plan){.op = op, .revision = 10, .root = root, .unhashed = unhashed};
    hear(play, HWI_ROLE_MASTER, &msg);
}

static void verify(struct play *play)
{
    struct hwi_msg msg = {.type = HWI_MSG_sync_verify, .u.sync_verify.op = op};
    hear(play, HWI_ROLE_MASTER, &msg);
}

static void the_offer_says_how_it_takes_part(void **unused)
{
    (void)unused;
    for (uint8_t strategy = HWS_SYNC_ENFORCE; strategy <= HWS_SYNC_RECEIVE_ONLY; strategy++) {
        struct play play;
        begin(&play, strategy, 0);
        const struct hwi_msg_sync_offer *offer = hashed(&play, 0);
        assert_int_equal(offer->strategy, strategy);
        assert_int_equal(offer->revision, 9);
        assert_int_equal(offer->tensors_count, 1);
        assert_string_equal(offer->tensors[0].name, "w");
        welcome(&play); // nothing new: it has not registered again
        assert_null(said(&play, HWI_MSG_sync_offer));
        end(&play);
    }
}

static void a_send_only_member_fetches_nothing(void **unused)
{
    (void)unused;
    struct play play;
    begin(&play, HWS_SYNC_SEND_ONLY, 0);
    hashed(&play, 0);
    plan(&play, other, 0);
    assert_null(said(&play, HWI_MSG_sync_go));
    assert_int_equal(said(&play, HWI_MSG_withdraw)->u.withdraw.fault.status, HWS_E_WITHDRAWN);
    end(&play);
    begin(&play, HWS_SYNC_SEND_ONLY, 0);
    hashed(&play, 0);
    plan(&play, mine, 0);
    assert_int_equal(said(&play, HWI_MSG_sync_go)->u.sync_go.revision, 10);
    end(&play);
}

static void an_unhashed_state_is_not_written_to(void **unused)
{
    (void)unused;
    struct play play;
    begin(&play, HWS_SYNC_ENFORCE, 1);
    assert_int_equal(hashed(&play, 1)->unhashed, 1);
    plan(&play, mine, 0);                    // not what was offered: another's, or an old one
    assert_int_equal(play.effects.count, 1); // the clock
    plan(&play, other, 1);
    assert_null(said(&play, HWI_MSG_sync_go));
    assert_non_null(said(&play, HWI_MSG_withdraw));
    end(&play);
}

static void asked_to_hash_it_offers_again_once(void **unused)
{
    (void)unused;
    struct play play;
    begin(&play, HWS_SYNC_ENFORCE, 1);
    verify(&play); // nothing is offered yet
    assert_null(said(&play, HWI_MSG_sync_start));
    hashed(&play, 1);
    verify(&play);
    assert_int_equal(said(&play, HWI_MSG_sync_start)->u.sync_start.verify, 0);
    verify(&play); // said twice
    assert_null(said(&play, HWI_MSG_sync_start));
    plan(&play, mine, 1); // too late
    assert_null(said(&play, HWI_MSG_sync_go));
    assert_int_equal(hashed(&play, 0)->unhashed, 0);
    verify(&play);
    assert_null(said(&play, HWI_MSG_sync_start));
    plan(&play, other, 0);
    assert_non_null(said(&play, HWI_MSG_sync_go));
    end(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_offer_says_how_it_takes_part),
        cmocka_unit_test(a_send_only_member_fetches_nothing),
        cmocka_unit_test(an_unhashed_state_is_not_written_to),
        cmocka_unit_test(asked_to_hash_it_offers_again_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
