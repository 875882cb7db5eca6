// SPDX-License-Identifier: MIT
// Views coming into force, the outcomes they bring, and the fence.
#include "actors/peer/peer.h"

#include <string.h>

#include <hawser/types.h>

static const struct hwi_past *past_of(const struct hwi_msg_announce *a, uint64_t view)
{
    for (uint32_t i = 0; i < a->past_count; i++) {
        if (a->past[i].view == view) {
            return &a->past[i];
        }
    }
    return NULL;
}

// As outcomes name the channel of a call of that kind.
static uint32_t group_of(const struct hwi_peer *peer, uint8_t kind)
{
    return hwi_kind_is_run_wide(kind) ? 0 : peer->config.group;
}

// Sets what goes with a commit. One that was decided inside the view says what it said there: a
// channel has a tally for each number of newcomers that was told, and its last one decides.
static bool is_committed(const struct hwi_peer *peer, const struct hwi_past *past,
                         struct hwi_peer_call *c)
{
    bool committed = false;
    c->pending = past->pending;
    for (uint32_t i = past->tallies_count; i-- > 0;) {
        const struct hwi_tally *t = &past->tallies[i];
        if (t->kind == hwi_channel_kind(c->op.kind) && t->tag == c->op.tag &&
            t->group == group_of(peer, c->op.kind)) {
            c->value = hwi_kind_is_agreement(c->op.kind) ? t->value : c->value;
            c->pending = c->op.seq < t->done ? t->pending : c->pending;
            committed = c->op.seq < t->heard;
        }
    }
    return committed;
}

static int abort_status(const struct hwi_peer *peer, const struct hwi_past *past,
                        struct hwi_peer_call *c)
{
    for (uint32_t i = 0; i < past->faults_count; i++) {
        const struct hwi_fault *f = &past->faults[i];
        if (f->kind != hwi_channel_kind(c->op.kind) || f->tag != c->op.tag || f->seq != c->op.seq ||
            f->group != group_of(peer, c->op.kind) || f->status == HWS_OK) {
            continue;
        }
        c->fault = *f;
        bool cancelled = f->status == HWS_E_CANCELLED;
        bool others = f->peer_a != peer->id && (cancelled || f->status == HWS_E_TIMEOUT);
        c->request.retry = cancelled ? 0 : c->request.retry; // over for all: it would wait in vain
        return others ? HWS_E_WITHDRAWN : f->status;
    }
    if (c->cancelled && c->withdrawn) {
        return HWS_E_CANCELLED;
    }
    return peer->lost_count > 0 ? HWS_E_MEMBER_LOST : HWS_E_WITHDRAWN;
}

// One that others gave up and that waits for its turn here is decided with those that were entered:
// run in the new view it would wait in vain, and meet another call.
static void name_cancelled(struct hwi_peer *peer, const struct hwi_past *past)
{
    for (uint32_t i = 0; i < past->faults_count; i++) {
        const struct hwi_fault *f = &past->faults[i];
        bool ours = f->group == group_of(peer, f->kind);
        for (uint32_t k = 0; f->status == HWS_E_CANCELLED && ours && k < peer->call_capacity; k++) {
            struct hwi_peer_call *c = &peer->calls[k];
            if (c->stage == HWI_CALL_QUEUED && hwi_channel_kind(c->request.kind) == f->kind &&
                c->request.tag == f->tag && hwi_peer_number_of(peer, c) == f->seq) {
                hwi_peer_take_number(peer, c);
            }
        }
    }
}

// The announcement decides every call of the old view.
static void decide_calls(struct hwi_peer *peer, const struct hwi_past *past,
                         struct hwi_effects *effects)
{
    for (uint32_t i = 0; i < peer->call_capacity && peer->call_count > 0; i++) {
        struct hwi_peer_call *c = &peer->calls[i];
        if (!hwi_peer_entered(c)) {
            continue;
        }
        if (!is_committed(peer, past, c)) {
            hwi_peer_end(peer, c, abort_status(peer, past, c), effects);
        } else if (c->stage == HWI_CALL_DONE) {
            if (c->op.kind == HWI_KIND_ADMIT) { // answered with the new view, once it is in force
                c->stage = HWI_CALL_ENDING;
                c->committed = true;
            } else {
                hwi_peer_end(peer, c, HWS_OK, effects);
            }
        } else {
            hwi_peer_finish(peer, HWS_E_INTERNAL,
                            "the master committed what this member was not Done with", effects);
            return;
        }
    }
}

// Members of the view in force that the next one has not, in *lost if there is room.
static uint32_t list_lost(const struct hwi_peer *peer, const struct hwi_msg_announce *a,
                          struct hwi_id *lost)
{
    uint32_t count = 0, at = 0;
    for (uint32_t i = 0; i < peer->view.count; i++) {
        uint64_t id = peer->view.ids[i].value;
        while (at < a->members_count && a->members[at].peer < id) {
            at++;
        }
        if (at == a->members_count || a->members[at].peer != id) {
            if (lost != NULL) {
                lost[count].value = id;
            }
            count++;
        }
    }
    return count;
}

static void note_lost(struct hwi_peer *peer, const struct hwi_msg_announce *a)
{
    peer->lost_count = list_lost(peer, a, NULL);
    peer->lost = hwi_resize(peer->alloc, peer->lost, peer->lost_count * sizeof *peer->lost);
    list_lost(peer, a, peer->lost);
}

static void tell_lanes(struct hwi_peer *peer, struct hwi_effects *effects)
{
    struct hwi_id *members = hwi_peer_ids(&peer->view, false, effects);
    static const enum hwi_role lanes[] = {HWI_ROLE_REDUCER, HWI_ROLE_SNAPSHOT};
    for (size_t i = 0; i < HWI_COUNT(lanes); i++) {
        struct hwi_msg_lane_view *v = HWI_EMIT(effects, hwi_peer_local(lanes[i]), lane_view);
        v->view = peer->view.number;
        v->self = peer->id;
        v->members = members;
        v->members_count = peer->view.own_count;
    }
}

static void switch_view(struct hwi_peer *peer, const struct hwi_msg_announce *a,
                        struct hwi_effects *effects)
{
    hwi_peer_members_forget(peer, &peer->before);
    peer->before = peer->view;
    peer->view = (struct hwi_peer_members){0};
    hwi_peer_members_set(peer, &peer->view, a->view, a->members, a->members_count);
    peer->view.groups = a->groups;
    peer->view.largest = a->largest;
    peer->channel_count = 0;
    hwi_peer_members_forget(peer, &peer->proposal);
    hwi_peer_targets_forget(peer);
    peer->opening = 0;
    peer->ready_said = false;
    tell_lanes(peer, effects);
    hwi_peer_close_edges(peer, false, effects);
    hwi_peer_heartbeat(peer, effects); // acknowledges the outcomes
    hwi_peer_report_edges(peer, effects);
}

static void become_member(struct hwi_peer *peer, struct hwi_effects *effects)
{
    peer->phase = HWI_PEER_PHASE_MEMBER;
    peer->acked = peer->view.number;
    hwi_peer_reply(peer, peer->config.request, HWI_KIND_NONE, HWS_OK, &peer->view, effects);
}

static void answer_admit(struct hwi_peer *peer, struct hwi_effects *effects)
{
    for (uint32_t i = 0; i < peer->call_capacity && peer->call_count > 0; i++) {
        struct hwi_peer_call *c = &peer->calls[i];
        if (c->stage == HWI_CALL_ENDING && c->op.kind == HWI_KIND_ADMIT) {
            hwi_peer_ended(peer, c, NULL, effects);
        }
    }
}

static bool lists_us(const struct hwi_peer *peer, const struct hwi_msg_announce *a)
{
    uint32_t i = 0;
    while (i < a->members_count && a->members[i].peer != peer->id) {
        i++;
    }
    return i < a->members_count && a->members[i].group == peer->config.group;
}

void hwi_peer_on_announce(struct hwi_peer *peer, const struct hwi_msg_announce *a,
                          struct hwi_effects *effects)
{
    if (a->incarnation != peer->config.incarnation || a->view <= peer->view.number ||
        !lists_us(peer, a) || !hwi_peer_members_ordered(a->members, a->members_count)) {
        return;
    }
    const struct hwi_past *past = past_of(a, peer->view.number);
    if (peer->phase == HWI_PEER_PHASE_MEMBER && past == NULL) {
        hwi_peer_finish(peer, HWS_E_OUTCOME_UNKNOWN, "too many views passed unheard", effects);
        return;
    }
    peer->pending = a->pending;
    note_lost(peer, a);
    if (peer->phase == HWI_PEER_PHASE_MEMBER) {
        name_cancelled(peer, past);
        decide_calls(peer, past, effects);
    }
    if (peer->phase == HWI_PEER_PHASE_FINISHED) {
        return;
    }
    switch_view(peer, a, effects);
    if (peer->phase == HWI_PEER_PHASE_JOINING) {
        become_member(peer, effects);
    }
    answer_admit(peer, effects);
    hwi_peer_start_queued(peer, effects);
    hwi_peer_forget_before(peer);
}

static bool old_calls_in_flight(const struct hwi_peer *peer)
{
    for (uint32_t i = 0; i < peer->call_capacity && peer->call_count > 0; i++) {
        const struct hwi_peer_call *c = &peer->calls[i];
        if (c->stage == HWI_CALL_ENDING && c->op.view != peer->view.number) {
            return true;
        }
    }
    return false;
}

void hwi_peer_acknowledge(struct hwi_peer *peer, const struct hwi_msg_request *r,
                          struct hwi_effects *effects)
{
    bool changed = peer->acked != peer->view.number || peer->fence_held || hwi_peer_failing(peer);
    if (changed && (peer->failures > r->collected || old_calls_in_flight(peer))) {
        hwi_peer_reply(peer, r->request, r->kind, HWS_E_BUSY, &peer->view, effects);
        return;
    }
    peer->acked = peer->view.number;
    peer->fence_held = false;
    hwi_peer_reply(peer, r->request, r->kind, HWS_OK, &peer->view, effects);
    hwi_peer_start_queued(peer, effects);
}
