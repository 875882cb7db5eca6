// SPDX-License-Identifier: MIT
// Calls from the trainer: their turn on a channel, their end, their deadlines.
#include "actors/peer/peer.h"

#include <string.h>

#include <hawser/types.h>

struct call *hwi_peer_call_of(struct peer *p, struct hwi_op op)
{
    uint32_t seen = 0;
    for (uint32_t i = 0; i < p->call_capacity && seen < p->call_count; i++) {
        struct call *c = &p->calls[i];
        seen += c->stage != CALL_FREE;
        if (hwi_peer_entered(c) && hwi_op_equal(c->op, op)) {
            return c;
        }
    }
    return NULL;
}

void hwi_peer_calls_reserve(struct peer *p, uint32_t capacity)
{
    uint32_t old = p->call_capacity;
    if (capacity > old) {
        p->calls = hwi_resize(p->alloc, p->calls, capacity * sizeof *p->calls);
        memset(p->calls + old, 0, (capacity - old) * sizeof *p->calls);
        p->call_capacity = capacity;
    }
}

struct channel *hwi_peer_channel(struct peer *p, uint8_t kind, uint64_t tag)
{
    uint32_t low = 0, high = p->channel_count;
    kind = hwi_channel_kind(kind);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct channel *c = &p->channels[middle];
        bool before = c->kind < kind || (c->kind == kind && c->tag < tag);
        low = before ? middle + 1 : low;
        high = before ? high : middle;
    }
    bool found =
        low < p->channel_count && p->channels[low].kind == kind && p->channels[low].tag == tag;
    if (found) {
        return &p->channels[low];
    }
    if (p->channel_count == HWI_TAGS_MAX) {
        return NULL;
    }
    if (p->channel_count == p->channel_capacity) {
        p->channel_capacity = HWI_MAX(16, p->channel_capacity * 2);
        p->channels = hwi_resize(p->alloc, p->channels, p->channel_capacity * sizeof *p->channels);
    }
    struct channel *c = &p->channels[low];
    memmove(c + 1, c, (p->channel_count++ - low) * sizeof *c);
    *c = (struct channel){.kind = kind, .tag = tag};
    return c;
}

static bool is_barrier(const struct call *c)
{
    return c->request.kind == HWI_KIND_BARRIER || c->request.kind == HWI_KIND_BARRIER_RUN;
}

void hwi_peer_tell_done(struct peer *p, const struct channel *ch, struct hwi_effects *fx)
{
    struct hwi_op last = {
        .view = p->view.number, .kind = ch->kind, .tag = ch->tag, .seq = ch->done - 1};
    const struct call *c = hwi_peer_call_of(p, last);
    struct hwi_msg_done *d = PEER_TELL(p, fx, done);
    d->view = p->view.number;
    d->kind = ch->kind;
    d->tag = ch->tag;
    d->count = ch->done;
    d->group = p->config.group;
    if (hwi_kind_is_agreement(ch->kind) && c != NULL) {
        d->redop = is_barrier(c) ? HWI_AGREE_BARRIER : c->request.redop;
        d->value = is_barrier(c) ? 0 : c->request.value;
    }
}

void hwi_peer_call_done(struct peer *p, struct call *c, struct hwi_effects *fx)
{
    c->stage = CALL_DONE;
    c->done_ns = p->now_ns;
    struct channel *ch = hwi_peer_channel(p, c->op.kind, c->op.tag);
    HWI_CHECK(ch != NULL);
    uint32_t before = ch->done;
    struct hwi_op next = c->op;
    for (; ch->done < ch->entered; ch->done++) {
        next.seq = ch->done;
        const struct call *d = hwi_peer_call_of(p, next);
        bool whole = d != NULL && d->stage == CALL_DONE;
#ifdef HWI_CANARY // the planted bug that `hawser sim` must find
        whole = d != NULL;
#endif
        if (!whole || d->withdrawn) {
            break; // Done is said in order; who withdrew never says it
        }
    }
    if (ch->done > before) {
        hwi_peer_tell_done(p, ch, fx);
    }
}

void hwi_peer_tell_withdraw(struct peer *p, const struct call *c, struct hwi_effects *fx)
{
    struct hwi_msg_withdraw *w = PEER_TELL(p, fx, withdraw);
    w->op = c->op;
    w->fault = c->fault;
}

void hwi_peer_withdraw(struct peer *p, struct call *c, const struct hwi_fault *fault,
                       struct hwi_effects *fx)
{
    if (!c->withdrawn) {
        c->withdrawn = true;
        c->fault = *fault;
        hwi_peer_tell_withdraw(p, c, fx);
    }
}

static struct hwi_signature signature_of(const struct call *c)
{
    return (struct hwi_signature){.kind = c->request.kind,
                                  .dtype = c->request.dtype,
                                  .redop = c->request.redop,
                                  .count = c->request.count,
                                  .plan = c->request.plan,
                                  .root = c->request.root,
                                  .unequal = c->request.unequal};
}

static enum hwi_role lane_of(uint8_t kind)
{
    return hwi_channel_kind(kind) == HWI_KIND_ALL_REDUCE ? HWI_ROLE_REDUCER
           : kind == HWI_KIND_SYNC                       ? HWI_ROLE_SNAPSHOT
                                                         : HWI_ROLE_NONE;
}

static void emit_start(struct peer *p, struct call *c, struct channel *ch, struct hwi_effects *fx)
{
    if (lane_of(c->op.kind) == HWI_ROLE_REDUCER) {
        struct hwi_msg_op_start *s = HWI_EMIT(fx, hwi_peer_local(HWI_ROLE_REDUCER), op_start);
        s->op = c->op;
        s->signature = signature_of(c);
        s->request = c->request.request;
        s->in_place = c->request.in_place;
        s->plan = c->request.plan;
        s->room = c->request.room;
    } else if (c->op.kind == HWI_KIND_SYNC) {
        hwi_peer_start_sync(c, c->request.verify, fx);
    } else { // a vote: saying it is being Done
        c->stage = CALL_DONE;
        c->done_ns = p->now_ns;
        ch->done = ch->entered;
        hwi_peer_tell_done(p, ch, fx);
    }
}

// A broadcast whose root is no member fails on all of them alike before anybody enters it, and
// would each time it ran again.
static bool lacks_root(struct peer *p, struct call *c)
{
    if (c->request.kind != HWI_KIND_BROADCAST || hwi_peer_is_ours(&p->view, c->request.root)) {
        return false;
    }
    c->request.retry = 0;
    c->fault = (struct hwi_fault){.status = HWS_E_MEMBER_LOST, .peer_a = c->request.root};
    return true;
}

static void enter(struct peer *p, struct call *c, struct hwi_effects *fx)
{
    if (lacks_root(p, c)) {
        hwi_peer_end(p, c, HWS_E_MEMBER_LOST, fx);
        return;
    }
    struct channel *ch = hwi_peer_channel(p, c->request.kind, c->request.tag);
    if (ch == NULL) {
        hwi_peer_end(p, c, HWS_E_LIMIT, fx);
        return;
    }
    c->op = (struct hwi_op){
        .view = p->view.number, .kind = c->request.kind, .tag = ch->tag, .seq = ch->entered++};
    c->stage = CALL_RUNNING;
    c->attempts++;
    c->withdrawn = false;
    memset(&c->fault, 0, sizeof c->fault);
    memset(&c->sync, 0, sizeof c->sync);
    emit_start(p, c, ch, fx);
}

// An earlier call with the same tag that has not entered this view must go first; and a vote waits
// until it is over, as what comes after waits for a vote: whoever votes has nothing else in flight
// with that tag, which the master relies on when it looks for members that wait for each other.
static bool must_wait(struct peer *p, const struct call *c)
{
    for (uint32_t i = 0, seen = 0; i < p->call_capacity && seen < p->call_count; i++) {
        const struct call *d = &p->calls[i];
        seen += d->stage != CALL_FREE;
        if (d->stage == CALL_FREE || d->arrival >= c->arrival || d->request.tag != c->request.tag) {
            continue;
        }
        bool vote =
            hwi_kind_is_agreement(c->request.kind) || hwi_kind_is_agreement(d->request.kind);
        // Comes back, or takes us with it
        bool returns = d->withdrawn || (d->stage == CALL_ENDING && !d->committed);
        if (vote || returns || d->stage == CALL_QUEUED) {
            return true;
        }
    }
    return false;
}

// A call with `retry` was made before anything failed, or would not have been taken: it goes on by
// itself, in its place on its tag. It acknowledges the view for new calls, too, unless one failed.
static bool fence_open(struct peer *p, const struct call *c)
{
    bool failed = p->fence_held || hwi_peer_failing(p);
    if (c->request.retry && !failed) {
        p->acked = p->view.number;
    }
    return c->request.retry || (!failed && p->acked == p->view.number);
}

static struct call *next_queued(struct peer *p, uint64_t after)
{
    struct call *next = NULL;
    for (uint32_t i = 0, seen = 0; i < p->call_capacity && seen < p->call_count; i++) {
        struct call *c = &p->calls[i];
        seen += c->stage != CALL_FREE;
        if (c->stage == CALL_QUEUED && c->arrival > after &&
            (next == NULL || c->arrival < next->arrival)) {
            next = c;
        }
    }
    return next;
}

// Its turn has come. What may not enter waits if it has `retry`, for more members or for hws_view;
// else it ends: its trainer may wait for it before that.
static void take_turn(struct peer *p, struct call *c, struct hwi_effects *fx)
{
    bool few = p->view.count < p->config.min_members && c->request.kind != HWI_KIND_ADMIT;
    if (!few && fence_open(p, c)) {
        enter(p, c, fx);
    } else if (!c->request.retry) {
        hwi_peer_end(p, c, few ? HWS_E_TOO_FEW : HWS_E_VIEW, fx);
    }
}

void hwi_peer_start_queued(struct peer *p, struct hwi_effects *fx)
{
    struct call *c = next_queued(p, 0);
    while (c != NULL && p->phase == PHASE_MEMBER) {
        uint64_t arrival = c->arrival;
        if (!must_wait(p, c)) {
            take_turn(p, c, fx);
        }
        c = next_queued(p, arrival);
    }
}

// A vote is Done as it is made: what it waits for then are the others.
static void count_wait(struct peer *p, struct call *c)
{
    uint64_t waited_us = (p->now_ns - c->done_ns) / 1000;
    if (c->stage == CALL_DONE && lane_of(c->request.kind) == HWI_ROLE_NONE) {
        c->members_us += waited_us;
    } else if (c->stage == CALL_DONE) {
        c->commit_us += waited_us;
    }
}

void hwi_peer_end(struct peer *p, struct call *c, int status, struct hwi_effects *fx)
{
    count_wait(p, c);
    enum hwi_role lane = hwi_peer_entered(c) ? lane_of(c->request.kind) : HWI_ROLE_NONE;
    lane = (p->lanes_failed & 1u << lane) != 0 ? HWI_ROLE_NONE : lane;
    c->stage = CALL_ENDING;
    c->committed = status == HWS_OK;
    c->status = status;
    if (c->committed && c->request.kind == HWI_KIND_SYNC) {
        p->state_dirty = false;
        p->state_synced = true;
    }
    if (lane == HWI_ROLE_NONE) {
        hwi_peer_ended(p, c, NULL, fx);
        return;
    }
    struct hwi_msg_op_end *e = HWI_EMIT(fx, hwi_peer_local(lane), op_end);
    e->op = c->op;
    e->committed = c->committed;
}

void hwi_peer_lane_failed(struct peer *p, enum hwi_role lane, struct hwi_effects *fx)
{
    p->lanes_failed |= 1u << lane;
    for (uint32_t i = 0; i < p->call_capacity && p->call_count > 0; i++) {
        struct call *c = &p->calls[i];
        if (c->stage == CALL_ENDING && lane_of(c->request.kind) == lane) {
            hwi_peer_ended(p, c, NULL, fx); // it let go of the memory as it failed
        }
    }
    hwi_peer_finish(p, HWS_E_INTERNAL, "an internal check failed", fx);
}

static bool runs_again(const struct peer *p, const struct call *c)
{
    bool given_up = c->cancelled && c->withdrawn;
    return !c->committed && c->request.retry && !given_up && p->phase == PHASE_MEMBER &&
           hws_status_class((hws_status)c->status) == HWS_CLASS_VIEW && p->now_ns < c->deadline_ns;
}

bool hwi_peer_failing(const struct peer *p)
{
    for (uint32_t i = 0, seen = 0; i < p->call_capacity && seen < p->call_count; i++) {
        const struct call *c = &p->calls[i];
        seen += c->stage != CALL_FREE;
        if (c->stage == CALL_ENDING && !c->committed && !runs_again(p, c)) {
            return true;
        }
    }
    return false;
}

// Those behind it on its tag fail with it: run again they would take its place, and meet others'
// calls there.
static void fail_behind(struct peer *p, const struct call *c, struct hwi_effects *fx)
{
    for (uint32_t i = 0; i < p->call_capacity && p->phase == PHASE_MEMBER; i++) {
        struct call *d = &p->calls[i];
        if (d->arrival <= c->arrival || d->request.tag != c->request.tag) {
            continue;
        }
        if (d->stage == CALL_QUEUED || (d->stage == CALL_ENDING && !d->committed)) {
            d->request.retry = 0;
        }
        if (d->stage == CALL_QUEUED) {
            hwi_peer_end(p, d, HWS_E_VIEW, fx);
        }
    }
}

// Calls that are ENDING may still belong to it.
void hwi_peer_forget_before(struct peer *p)
{
    if (p->call_count == 0) {
        hwi_peer_members_forget(p, &p->before);
    }
}

static const struct members *view_of(const struct peer *p, const struct call *c)
{
    bool old = c->attempts > 0 && c->op.view == p->before.number;
    return old && c->request.kind != HWI_KIND_ADMIT ? &p->before : &p->view;
}

static void reply_call(struct peer *p, const struct call *c, const struct hwi_msg_op_ended *e,
                       struct hwi_effects *fx)
{
    struct hwi_msg_reply *r =
        hwi_peer_reply(p, c->request.request, c->request.kind, c->status, view_of(p, c), fx);
    p->failures += c->request.async && c->status != HWS_OK;
    r->attempts = c->attempts;
    r->fault = c->fault;
    r->value = c->request.kind == HWI_KIND_SYNC ? c->sync.revision : c->value;
    r->root = c->sync.root;
    r->members_us = c->members_us;
    r->commit_us = c->commit_us;
    r->credit_us = c->credit_us;
    if (c->committed) {
        r->pending = c->pending;
        r->lost_count = c->attempts > 1 ? r->lost_count : 0;
    }
    if (e != NULL) {
        r->bytes_sent = e->bytes_sent;
        r->bytes_received = e->bytes_received;
        r->sources = e->sources;
        r->hash_us = e->hash_us;
        r->move_us = e->move_us;
    }
    if (e != NULL && c->committed) {
        r->offset = e->offset;
        r->count = e->count;
        r->counts = hwi_effects_copy(fx, e->counts, e->counts_count * sizeof *e->counts);
        r->counts_count = e->counts_count;
    }
}

void hwi_peer_ended(struct peer *p, struct call *c, const struct hwi_msg_op_ended *e,
                    struct hwi_effects *fx)
{
    c->members_us += e != NULL ? e->members_us : 0;
    c->credit_us += e != NULL ? e->credit_us : 0;
    if (runs_again(p, c)) {
        c->stage = CALL_QUEUED;
        c->withdrawn = false;
        if (c->cancelled) {
            hwi_peer_give_up(p, c, HWS_E_CANCELLED, fx);
        }
        return;
    }
    if (!c->committed) {
        fail_behind(p, c, fx);
    }
    if (c->committed && c->request.kind == HWI_KIND_ADMIT) {
        p->acked = p->view.number; // the joint call is the acknowledgement
    }
    p->fence_held |= !c->committed && c->attempts > 0;
    reply_call(p, c, e, fx);
    c->stage = CALL_FREE;
    p->call_count--;
    hwi_peer_forget_before(p);
    if (!c->committed && p->phase == PHASE_MEMBER &&
        hws_status_class((hws_status)c->status) == HWS_CLASS_RUN) {
        hwi_peer_finish(p, c->status, hws_status_text((hws_status)c->status), fx);
    }
}

uint32_t hwi_peer_number_of(struct peer *p, const struct call *c)
{
    const struct channel *ch = hwi_peer_channel(p, c->request.kind, c->request.tag);
    uint32_t number = ch != NULL ? ch->entered : 0;
    for (uint32_t i = 0, seen = 0; i < p->call_capacity && seen < p->call_count && ch != NULL;
         i++) {
        const struct call *d = &p->calls[i];
        seen += d->stage != CALL_FREE;
        bool in_name = hwi_peer_entered(d) && d->op.seq >= ch->entered;
        bool returns = d->stage == CALL_ENDING && runs_again(p, d);
        number += (d->stage == CALL_QUEUED || in_name || returns) && d->arrival < c->arrival &&
                  d->request.tag == ch->tag && hwi_channel_kind(d->request.kind) == ch->kind;
    }
    return number;
}

void hwi_peer_take_number(struct peer *p, struct call *c)
{
    c->op = (struct hwi_op){.view = p->view.number,
                            .kind = c->request.kind,
                            .tag = c->request.tag,
                            .seq = hwi_peer_number_of(p, c)};
    c->stage = CALL_RUNNING;
    c->attempts++;
}

void hwi_peer_give_up(struct peer *p, struct call *c, int status, struct hwi_effects *fx)
{
    struct hwi_fault fault = {.status = status, .peer_a = p->id, .signature_a = signature_of(c)};
    if (c->stage == CALL_QUEUED && hwi_peer_channel(p, c->request.kind, c->request.tag) == NULL) {
        hwi_peer_end(p, c, HWS_E_LIMIT, fx);
        return;
    }
    if (c->stage == CALL_QUEUED) {
        hwi_peer_take_number(p, c);
    }
    hwi_peer_withdraw(p, c, &fault, fx);
}

// What to say of a call that never got its turn.
static int queued_status(const struct peer *p)
{
    return p->view.count < p->config.min_members ? HWS_E_TOO_FEW : HWS_E_TIMEOUT;
}

static void check_deadline(struct peer *p, struct call *c, struct hwi_effects *fx)
{
    int queued = queued_status(p);
    if (c->stage == CALL_QUEUED && queued == HWS_E_TIMEOUT) {
        hwi_peer_give_up(p, c, queued, fx); // its turn would still come in this view
    } else if (c->stage == CALL_QUEUED) {
        hwi_peer_end(p, c, queued, fx);
    } else if (hwi_peer_entered(c)) {
        if (p->now_ns - c->deadline_ns >= p->config.grace_ns) {
            hwi_peer_finish(p, HWS_E_OUTCOME_UNKNOWN, "the master gave no decision in time", fx);
            return;
        }
        hwi_peer_give_up(p, c, HWS_E_TIMEOUT, fx);
    }
}

void hwi_peer_check_deadlines(struct peer *p, struct hwi_effects *fx)
{
    if (p->now_ns < p->excused_until_ns) {
        return;
    }
    for (uint32_t i = 0; i < p->call_capacity && p->call_count > 0; i++) {
        struct call *c = &p->calls[i];
        if (c->stage != CALL_FREE && p->now_ns >= c->deadline_ns) {
            check_deadline(p, c, fx);
        }
    }
}

uint64_t hwi_peer_next_deadline(const struct peer *p)
{
    uint64_t next = HWI_NEVER;
    for (uint32_t i = 0, seen = 0; i < p->call_capacity && seen < p->call_count; i++) {
        const struct call *c = &p->calls[i];
        if (c->stage == CALL_FREE) {
            continue;
        }
        seen++;
        uint64_t at = c->withdrawn ? c->deadline_ns + p->config.grace_ns : c->deadline_ns;
        next = c->stage == CALL_ENDING ? next : HWI_MIN(next, HWI_MAX(at, p->excused_until_ns));
    }
    return next;
}
