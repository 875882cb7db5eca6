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
static uint32_t group_of(const struct peer *p, uint8_t kind)
{
    return hwi_kind_is_run_wide(kind) ? 0 : p->config.group;
}

// Sets what goes with a commit. One that was decided inside the view says what it said there: a
// channel has a tally for each number of newcomers that was told, and its last one decides.
static bool is_committed(const struct peer *p, const struct hwi_past *past, struct call *c)
{
    bool committed = false;
    c->pending = past->pending;
    for (uint32_t i = past->tallies_count; i-- > 0;) {
        const struct hwi_tally *t = &past->tallies[i];
        if (t->kind == hwi_channel_kind(c->op.kind) && t->tag == c->op.tag &&
            t->group == group_of(p, c->op.kind)) {
            c->value = hwi_kind_is_agreement(c->op.kind) ? t->value : c->value;
            c->pending = c->op.seq < t->done ? t->pending : c->pending;
            committed = c->op.seq < t->heard;
        }
    }
    return committed;
}

static int abort_status(const struct peer *p, const struct hwi_past *past, struct call *c)
{
    for (uint32_t i = 0; i < past->faults_count; i++) {
        const struct hwi_fault *f = &past->faults[i];
        if (f->kind != hwi_channel_kind(c->op.kind) || f->tag != c->op.tag || f->seq != c->op.seq ||
            f->group != group_of(p, c->op.kind) || f->status == HWS_OK) {
            continue;
        }
        c->fault = *f;
        bool cancelled = f->status == HWS_E_CANCELLED;
        bool others = f->peer_a != p->id && (cancelled || f->status == HWS_E_TIMEOUT);
        c->request.retry = cancelled ? 0 : c->request.retry; // over for all: it would wait in vain
        return others ? HWS_E_WITHDRAWN : f->status;
    }
    if (c->cancelled && c->withdrawn) {
        return HWS_E_CANCELLED;
    }
    return p->lost_count > 0 ? HWS_E_MEMBER_LOST : HWS_E_WITHDRAWN;
}

// One that others gave up and that waits for its turn here is decided with those that were entered:
// run in the new view it would wait in vain, and meet another call.
static void name_cancelled(struct peer *p, const struct hwi_past *past)
{
    for (uint32_t i = 0; i < past->faults_count; i++) {
        const struct hwi_fault *f = &past->faults[i];
        bool ours = f->group == group_of(p, f->kind);
        for (uint32_t k = 0; f->status == HWS_E_CANCELLED && ours && k < p->call_capacity; k++) {
            struct call *c = &p->calls[k];
            if (c->stage == CALL_QUEUED && hwi_channel_kind(c->request.kind) == f->kind &&
                c->request.tag == f->tag && hwi_peer_number_of(p, c) == f->seq) {
                hwi_peer_take_number(p, c);
            }
        }
    }
}

// The announcement decides every call of the old view.
static void decide_calls(struct peer *p, const struct hwi_past *past, struct hwi_effects *fx)
{
    for (uint32_t i = 0; i < p->call_capacity && p->call_count > 0; i++) {
        struct call *c = &p->calls[i];
        if (!hwi_peer_entered(c)) {
            continue;
        }
        if (!is_committed(p, past, c)) {
            hwi_peer_end(p, c, abort_status(p, past, c), fx);
        } else if (c->stage == CALL_DONE) {
            if (c->op.kind == HWI_KIND_ADMIT) { // answered with the new view, once it is in force
                c->stage = CALL_ENDING;
                c->committed = true;
            } else {
                hwi_peer_end(p, c, HWS_OK, fx);
            }
        } else {
            hwi_peer_finish(p, HWS_E_INTERNAL,
                            "the master committed what this member was not Done with", fx);
            return;
        }
    }
}

// Members of the view in force that the next one has not, in *lost if there is room.
static uint32_t list_lost(const struct peer *p, const struct hwi_msg_announce *a,
                          struct hwi_id *lost)
{
    uint32_t count = 0, at = 0;
    for (uint32_t i = 0; i < p->view.count; i++) {
        uint64_t peer = p->view.ids[i].value;
        while (at < a->members_count && a->members[at].peer < peer) {
            at++;
        }
        if (at == a->members_count || a->members[at].peer != peer) {
            if (lost != NULL) {
                lost[count].value = peer;
            }
            count++;
        }
    }
    return count;
}

static void note_lost(struct peer *p, const struct hwi_msg_announce *a)
{
    p->lost_count = list_lost(p, a, NULL);
    p->lost = hwi_resize(p->alloc, p->lost, p->lost_count * sizeof *p->lost);
    list_lost(p, a, p->lost);
}

static void tell_lanes(struct peer *p, struct hwi_effects *fx)
{
    struct hwi_id *members = hwi_peer_ids(&p->view, false, fx);
    static const enum hwi_role lanes[] = {HWI_ROLE_REDUCER, HWI_ROLE_SNAPSHOT};
    for (size_t i = 0; i < HWI_COUNT(lanes); i++) {
        struct hwi_msg_lane_view *v = HWI_EMIT(fx, hwi_peer_local(lanes[i]), lane_view);
        v->view = p->view.number;
        v->self = p->id;
        v->members = members;
        v->members_count = p->view.own_count;
    }
}

static void switch_view(struct peer *p, const struct hwi_msg_announce *a, struct hwi_effects *fx)
{
    hwi_peer_members_forget(p, &p->before);
    p->before = p->view;
    p->view = (struct members){0};
    hwi_peer_members_set(p, &p->view, a->view, a->members, a->members_count);
    p->view.groups = a->groups;
    p->view.largest = a->largest;
    p->channel_count = 0;
    hwi_peer_members_forget(p, &p->proposal);
    hwi_peer_targets_forget(p);
    p->opening = 0;
    p->ready_said = false;
    tell_lanes(p, fx);
    hwi_peer_close_edges(p, false, fx);
    hwi_peer_heartbeat(p, fx); // acknowledges the outcomes
    hwi_peer_report_edges(p, fx);
}

static void become_member(struct peer *p, struct hwi_effects *fx)
{
    p->phase = PHASE_MEMBER;
    p->acked = p->view.number;
    hwi_peer_reply(p, p->config.request, HWI_KIND_NONE, HWS_OK, &p->view, fx);
}

static void answer_admit(struct peer *p, struct hwi_effects *fx)
{
    for (uint32_t i = 0; i < p->call_capacity && p->call_count > 0; i++) {
        struct call *c = &p->calls[i];
        if (c->stage == CALL_ENDING && c->op.kind == HWI_KIND_ADMIT) {
            hwi_peer_ended(p, c, NULL, fx);
        }
    }
}

static bool lists_us(const struct peer *p, const struct hwi_msg_announce *a)
{
    uint32_t i = 0;
    while (i < a->members_count && a->members[i].peer != p->id) {
        i++;
    }
    return i < a->members_count && a->members[i].group == p->config.group;
}

void hwi_peer_on_announce(struct peer *p, const struct hwi_msg_announce *a, struct hwi_effects *fx)
{
    if (a->incarnation != p->config.incarnation || a->view <= p->view.number || !lists_us(p, a) ||
        !hwi_peer_members_ordered(a->members, a->members_count)) {
        return;
    }
    const struct hwi_past *past = past_of(a, p->view.number);
    if (p->phase == PHASE_MEMBER && past == NULL) {
        hwi_peer_finish(p, HWS_E_OUTCOME_UNKNOWN, "too many views passed unheard", fx);
        return;
    }
    p->pending = a->pending;
    note_lost(p, a);
    if (p->phase == PHASE_MEMBER) {
        name_cancelled(p, past);
        decide_calls(p, past, fx);
    }
    if (p->phase == PHASE_FINISHED) {
        return;
    }
    switch_view(p, a, fx);
    if (p->phase == PHASE_JOINING) {
        become_member(p, fx);
    }
    answer_admit(p, fx);
    hwi_peer_start_queued(p, fx);
    hwi_peer_forget_before(p);
}

static bool old_calls_in_flight(const struct peer *p)
{
    for (uint32_t i = 0; i < p->call_capacity && p->call_count > 0; i++) {
        const struct call *c = &p->calls[i];
        if (c->stage == CALL_ENDING && c->op.view != p->view.number) {
            return true;
        }
    }
    return false;
}

void hwi_peer_acknowledge(struct peer *p, const struct hwi_msg_request *r, struct hwi_effects *fx)
{
    bool changed = p->acked != p->view.number || p->fence_held || hwi_peer_failing(p);
    if (changed && (p->failures > r->collected || old_calls_in_flight(p))) {
        hwi_peer_reply(p, r->request, r->kind, HWS_E_BUSY, &p->view, fx);
        return;
    }
    p->acked = p->view.number;
    p->fence_held = false;
    hwi_peer_reply(p, r->request, r->kind, HWS_OK, &p->view, fx);
    hwi_peer_start_queued(p, fx);
}
