// SPDX-License-Identifier: MIT
// C2 and C3: the replies of all members for one operation. An operation is named by its channel,
// view and place among the channel's committed ones, which each member counts for itself.
#include "tools/swarm/crew.h"

#include <hawser/state.h>

struct swarm_life *swarm_life(struct swarm *s, uint64_t peer)
{
    struct swarm_life *life = peer < s->life_count ? &s->lives[peer] : NULL;
    return life != NULL && life->seat != UINT32_MAX ? life : NULL;
}

struct swarm_seat *swarm_seat_of(struct swarm *s, uint64_t peer)
{
    struct swarm_life *life = swarm_life(s, peer);
    struct swarm_seat *seat = life != NULL ? &s->seats[life->seat] : NULL;
    bool lives = seat != NULL && seat->life == life->number && seat->stage == STAGE_MEMBER &&
                 swarm_alive(s, seat) && !seat->leaving;
    return lives ? seat : NULL;
}

// ---- instances

struct offer {
    uint64_t revision, peer;
    bool synced, whole, sends, receives;
};

static struct swarm_instance *find(struct swarm *s, uint32_t channel, uint32_t scope, uint64_t view,
                                   uint32_t place)
{
    for (uint32_t i = s->instance_count; i-- > 0;) {
        struct swarm_instance *made = &s->instances[i];
        if (made->channel == channel && made->scope == scope && made->view == view &&
            made->place == place) {
            return made;
        }
    }
    return NULL;
}

// The call of `seat` on the channel that was made `before` others that are in flight; NULL = none.
static struct swarm_call *in_flight(struct swarm_seat *seat, uint32_t channel, uint32_t before)
{
    struct swarm_call *found = NULL;
    for (uint64_t after = 0;; before--) {
        found = NULL;
        for (uint32_t i = 0; i < CALLS_MAX; i++) {
            struct swarm_call *call = &seat->calls[i];
            bool next =
                call->busy && !call->checked && call->channel == channel && call->order + 1 > after;
            if (next && (found == NULL || call->order < found->order)) {
                found = call;
            }
        }
        if (found == NULL || before == 0) {
            return found;
        }
        after = found->order + 1;
    }
}

// It got another reply, or none: then it must never be in a later view.
void swarm_deny(struct swarm_seat *seat, const struct swarm_seat *first, uint32_t channel,
                uint64_t view)
{
    if (seat->denied.view == 0) {
        seat->denied.view = view;
        seat->denied.channel = channel;
        seat->denied.by = first->node;
    }
}

// Somebody got OK: every member of the view gets it too, or is in no later one.
static void bind(struct swarm *s, const struct swarm_seat *first, uint32_t channel, uint32_t place,
                 const struct hwi_msg_reply *reply)
{
    for (uint32_t rank = 0; rank < reply->members_count; rank++) {
        struct swarm_seat *seat = swarm_seat_of(s, reply->members[rank].value);
        if (seat == NULL || seat == first) {
            continue;
        }
        bool here = seat->channels[channel].view == reply->view;
        uint32_t oks = here ? seat->channels[channel].oks : 0;
        if (oks >= place) {
            continue;
        }
        struct swarm_call *call = in_flight(seat, channel, place - oks - 1);
        if (call == NULL) {
            swarm_deny(seat, first, channel, reply->view);
            continue;
        }
        call->must_ok = reply->view;
        call->owed_by = first->node;
    }
}

static bool same_call(const struct trainer_call *a, const struct trainer_call *b)
{
    return a->kind == b->kind && a->dtype == b->dtype && a->redop == b->redop &&
           a->plan == b->plan && a->tag == b->tag && a->root == b->root &&
           a->unequal == b->unequal && (a->unequal || a->count == b->count);
}

static void compare(struct swarm *s, const struct swarm_seat *seat, const struct swarm_call *call,
                    const struct hwi_msg_reply *reply, const struct swarm_instance *made)
{
    const char *what = made->key != call->key                   ? "which call of the program it was"
                       : !same_call(&made->asked, &call->asked) ? "what was called"
                       : made->value != reply->value            ? "its value"
                       : made->pending != reply->pending        ? "how many newcomers wait"
                       : !hwi_hash_equal(made->root, reply->root)           ? "the root hash"
                       : made->result != swarm_result(s, seat, call, reply) ? "the bytes"
                                                                            : NULL;
    if (what != NULL) {
        swarm_fail(s, SWARM_SAFETY,
                   "C2: members %u and %u both got OK for operation %u of channel %u in view %llu "
                   "and differ in %s",
                   made->seat, seat->node, made->place, call->channel,
                   (unsigned long long)reply->view, what);
    }
}

static void remember(struct swarm *s, const struct swarm_seat *seat, const struct swarm_call *call,
                     uint32_t place, const struct hwi_msg_reply *reply)
{
    s->instances =
        swarm_grow(s->instances, s->instance_count, &s->instance_capacity, sizeof *s->instances);
    s->instances[s->instance_count++] =
        (struct swarm_instance){.channel = call->channel,
                                .scope = swarm_scope(s, seat, call->asked.kind),
                                .view = reply->view,
                                .place = place,
                                .key = call->key,
                                .seat = seat->node,
                                .result = swarm_result(s, seat, call, reply),
                                .value = reply->value,
                                .pending = reply->pending,
                                .root = reply->root,
                                .asked = call->asked};
}

// The known offer of a member of a sync's view; false = it does not live any more.
static bool offer_of(struct swarm *s, struct swarm_seat *first, const struct swarm_call *call,
                     uint64_t peer, struct offer *offer)
{
    struct swarm_seat *seat = swarm_seat_of(s, peer);
    const struct swarm_call *its = seat == NULL    ? NULL
                                   : seat == first ? call
                                                   : in_flight(seat, CHANNEL_SYNC, 0);
    if (its == NULL) {
        return false;
    }
    *offer = (struct offer){.revision = its->asked.value,
                            .peer = peer,
                            .synced = seat->synced_view != 0,
                            // An attempt that was aborted may have been cut
                            .whole = !seat->state_dirty && its->asked.retry == 0,
                            .sends = its->asked.strategy == HWS_SYNC_SEND_ONLY,
                            .receives = its->asked.strategy == HWS_SYNC_RECEIVE_ONLY};
    return true;
}

static uint32_t list_offers(struct swarm *s, struct swarm_seat *seat, const struct swarm_call *call,
                            const struct hwi_msg_reply *reply, struct offer *offers)
{
    uint32_t known = 0;
    for (uint32_t rank = 0; rank < reply->members_count; rank++) {
        known += offer_of(s, seat, call, reply->members[rank].value, &offers[known]);
    }
    return known;
}

// The newest whole state of those that hold the run's, and of those that only send if there are
// such; newcomers never outvote them, and a receive-only member is never elected.
static void check_election(struct swarm *s, struct swarm_seat *seat, const struct swarm_call *call,
                           const struct hwi_msg_reply *reply)
{
    struct offer offers[SWARM_PEERS_MAX] = {{0}};
    uint32_t known = list_offers(s, seat, call, reply, offers);
    bool all_known = known == reply->members_count, any_synced = false, any_sends = false;
    for (uint32_t i = 0; i < known; i++) {
        any_synced |= offers[i].synced;
        any_sends |= offers[i].sends && offers[i].synced;
    }
    any_sends |= !all_known && s->traits.strategies > 0; // perhaps
    bool found = false;
    for (uint32_t i = 0; i < known; i++) {
        const struct offer *o = &offers[i];
        bool stands = o->synced && !o->receives && (o->sends || !any_sends);
        found |= o->synced && !o->receives && o->revision == reply->value;
        if (stands && o->whole && o->revision > reply->value) {
            swarm_fail(
                s, SWARM_SAFETY,
                "election: revision %llu was elected in view %llu, and member %llu holds the "
                "run's state with revision %llu",
                (unsigned long long)reply->value, (unsigned long long)reply->view,
                (unsigned long long)o->peer, (unsigned long long)o->revision);
            return;
        }
    }
    if (all_known && any_synced && !found) {
        swarm_fail(s, SWARM_SAFETY,
                   "election: revision %llu was elected in view %llu, and nobody who holds the "
                   "run's state and may send it offered it",
                   (unsigned long long)reply->value, (unsigned long long)reply->view);
    }
}

// Some member of this reply's view is in a later one: what it offered is not known any more.
static bool went_on(struct swarm *s, const struct hwi_msg_reply *reply)
{
    for (uint32_t rank = 0; rank < reply->members_count; rank++) {
        const struct swarm_seat *seat = swarm_seat_of(s, reply->members[rank].value);
        if (seat != NULL && seat->seen_view > reply->view) {
            return true;
        }
    }
    return false;
}

// The one member that only sends wins, and if there is none the newest: a conflict needs two of
// them, or one that may not win, or nobody who may.
void swarm_check_conflict(struct swarm *s, struct swarm_seat *seat, const struct swarm_call *call,
                          const struct hwi_msg_reply *reply)
{
    struct offer offers[SWARM_PEERS_MAX] = {{0}};
    uint32_t known = list_offers(s, seat, call, reply, offers), sends = 0, stand = 0;
    bool any_synced = false, barred = false;
    for (uint32_t i = 0; i < known; i++) {
        any_synced |= offers[i].synced;
    }
    for (uint32_t i = 0; i < known; i++) {
        bool stands = offers[i].whole && (offers[i].synced || !any_synced);
        sends += offers[i].sends;
        stand += stands && !offers[i].receives;
        barred |= offers[i].sends && !stands;
    }
    if (known == reply->members_count && stand > 0 && sends <= 1 && !barred && !went_on(s, reply)) {
        swarm_fail(s, SWARM_SAFETY,
                   "election: process %u got a conflict in view %llu, and one of %u could win",
                   seat->node, (unsigned long long)reply->view, stand);
    }
}

// A newcomer's state that is newer than the run's is not overwritten.
static void check_overwritten(struct swarm *s, const struct swarm_seat *seat,
                              const struct swarm_call *call, const struct hwi_msg_reply *reply)
{
    bool others = false;
    for (uint32_t rank = 0; rank < reply->members_count; rank++) {
        const struct swarm_seat *other = swarm_seat_of(s, reply->members[rank].value);
        others |= other != NULL && other != seat && other->synced_view != 0 &&
                  other->synced_view < reply->view;
    }
    if (others && seat->synced_view == 0 && call->asked.value > reply->value) {
        swarm_fail(s, SWARM_SAFETY,
                   "election: process %u came with revision %llu and was given the run's %llu",
                   seat->node, (unsigned long long)call->asked.value,
                   (unsigned long long)reply->value);
    }
}

// An admission: answered with the view that is then in force, which is not the same for all. A
// member of that view and of the one before has voted, and got or will get that answer.
static void check_admission(struct swarm *s, const struct swarm_seat *seat,
                            const struct hwi_msg_reply *reply)
{
    for (uint32_t rank = 0; rank < reply->members_count; rank++) {
        struct swarm_seat *other = swarm_seat_of(s, reply->members[rank].value);
        if (other == NULL || other == seat || other->opened_view > seat->view ||
            other->admit_view >= seat->view) {
            continue;
        }
        struct swarm_call *call = in_flight(other, CHANNEL_ADMIT, 0);
        if (call == NULL) {
            swarm_deny(other, seat, CHANNEL_ADMIT, reply->view);
            continue;
        }
        call->must_ok = reply->view;
        call->owed_by = seat->node;
    }
}

void swarm_agreed(struct swarm *s, struct swarm_seat *seat, struct swarm_call *call,
                  const struct hwi_msg_reply *reply)
{
    if (call->must_ok != 0 && call->must_ok < reply->view && call->channel != CHANNEL_ADMIT) {
        swarm_fail(s, SWARM_SAFETY,
                   "C3: process %u got OK in view %llu for a call that others got OK for in view "
                   "%llu, of which it is a member",
                   seat->node, (unsigned long long)reply->view, (unsigned long long)call->must_ok);
        return;
    }
    if (call->channel == CHANNEL_ADMIT) {
        check_admission(s, seat, reply);
        return;
    }
    if (seat->channels[call->channel].view != reply->view) {
        seat->channels[call->channel].view = reply->view;
        seat->channels[call->channel].oks = 0;
    }
    uint32_t scope = swarm_scope(s, seat, call->asked.kind);
    uint32_t place = ++seat->channels[call->channel].oks;
    const struct swarm_instance *made = find(s, call->channel, scope, reply->view, place);
    if (call->channel == CHANNEL_SYNC) {
        check_overwritten(s, seat, call, reply);
    }
    if (swarm_is_data(call->asked.kind)) {
        swarm_check_part(s, seat, call, reply);
    }
    if (made != NULL) {
        compare(s, seat, call, reply, made);
        return;
    }
    if (swarm_is_data(call->asked.kind)) {
        swarm_check_whole(s, seat, call, reply);
    } else if (call->asked.kind == HWI_KIND_AGREE || call->asked.kind == HWI_KIND_AGREE_RUN) {
        swarm_check_vote(s, seat, call, reply);
    } else if (call->channel == CHANNEL_SYNC && !swarm_state_holds(s, seat)) {
        swarm_fail(s, SWARM_SAFETY,
                   "C2: process %u synced to revision %llu and holds bytes that "
                   "nobody wrote as that",
                   seat->node, (unsigned long long)reply->value);
    } else if (call->channel == CHANNEL_SYNC) {
        check_election(s, seat, call, reply);
    }
    remember(s, seat, call, place, reply);
    bind(s, seat, call->channel, place, reply);
}
