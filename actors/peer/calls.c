// SPDX-License-Identifier: MIT
// Calls from the trainer: their turn on a channel, their end, their deadlines.
#include "actors/peer/peer.h"

#include <string.h>

#include <hawser/types.h>

struct hwi_peer_call *hwi_peer_call_of(struct hwi_peer *peer, struct hwi_op op)
{
    uint32_t seen = 0;
    for (uint32_t i = 0; i < peer->call_capacity && seen < peer->call_count; i++) {
        struct hwi_peer_call *c = &peer->calls[i];
        seen += c->stage != HWI_CALL_FREE;
        if (hwi_peer_entered(c) && hwi_op_equal(c->op, op)) {
            return c;
        }
    }
    return NULL;
}

void hwi_peer_calls_reserve(struct hwi_peer *peer, uint32_t capacity)
{
    uint32_t old = peer->call_capacity;
    if (capacity > old) {
        peer->calls = hwi_resize(peer->alloc, peer->calls, capacity * sizeof *peer->calls);
        memset(peer->calls + old, 0, (capacity - old) * sizeof *peer->calls);
        peer->call_capacity = capacity;
    }
}

struct hwi_peer_channel *hwi_peer_channel(struct hwi_peer *peer, uint8_t kind, uint64_t tag)
{
    uint32_t low = 0, high = peer->channel_count;
    kind = hwi_channel_kind(kind);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct hwi_peer_channel *c = &peer->channels[middle];
        bool before = c->kind < kind || (c->kind == kind && c->tag < tag);
        low = before ? middle + 1 : low;
        high = before ? high : middle;
    }
    bool found = low < peer->channel_count && peer->channels[low].kind == kind &&
                 peer->channels[low].tag == tag;
    if (found) {
        return &peer->channels[low];
    }
    if (peer->channel_count == HWI_TAGS_MAX) {
        return NULL;
    }
    if (peer->channel_count == peer->channel_capacity) {
        peer->channel_capacity = HWI_MAX(16, peer->channel_capacity * 2);
        peer->channels = hwi_resize(peer->alloc, peer->channels,
                                    peer->channel_capacity * sizeof *peer->channels);
    }
    struct hwi_peer_channel *c = &peer->channels[low];
    memmove(c + 1, c, (peer->channel_count++ - low) * sizeof *c);
    *c = (struct hwi_peer_channel){.kind = kind, .tag = tag};
    return c;
}

static bool is_barrier(const struct hwi_peer_call *c)
{
    return c->request.kind == HWI_KIND_BARRIER || c->request.kind == HWI_KIND_BARRIER_RUN;
}

void hwi_peer_tell_done(struct hwi_peer *peer, const struct hwi_peer_channel *ch,
                        struct hwi_effects *effects)
{
    struct hwi_op last = {
        .view = peer->view.number, .kind = ch->kind, .tag = ch->tag, .seq = ch->done - 1};
    const struct hwi_peer_call *c = hwi_peer_call_of(peer, last);
    struct hwi_msg_done *d = HWI_PEER_TELL(peer, effects, done);
    d->view = peer->view.number;
    d->kind = ch->kind;
    d->tag = ch->tag;
    d->count = ch->done;
    d->group = peer->config.group;
    if (hwi_kind_is_agreement(ch->kind) && c != NULL) {
        d->redop = is_barrier(c) ? HWI_AGREE_BARRIER : c->request.redop;
        d->value = is_barrier(c) ? 0 : c->request.value;
    }
}

void hwi_peer_call_done(struct hwi_peer *peer, struct hwi_peer_call *c, struct hwi_effects *effects)
{
    c->stage = HWI_CALL_DONE;
    c->done_ns = peer->now_ns;
    struct hwi_peer_channel *ch = hwi_peer_channel(peer, c->op.kind, c->op.tag);
    HWI_CHECK(ch != NULL);
    uint32_t before = ch->done;
    struct hwi_op next = c->op;
    for (; ch->done < ch->entered; ch->done++) {
        next.seq = ch->done;
        const struct hwi_peer_call *d = hwi_peer_call_of(peer, next);
        bool whole = d != NULL && d->stage == HWI_CALL_DONE;
#ifdef HWI_CANARY // the planted bug that `hawser sim` must find
        whole = d != NULL;
#endif
        if (!whole || d->withdrawn) {
            break; // Done is said in order; who withdrew never says it
        }
    }
    if (ch->done > before) {
        hwi_peer_tell_done(peer, ch, effects);
    }
}

void hwi_peer_tell_withdraw(struct hwi_peer *peer, const struct hwi_peer_call *c,
                            struct hwi_effects *effects)
{
    struct hwi_msg_withdraw *w = HWI_PEER_TELL(peer, effects, withdraw);
    w->op = c->op;
    w->fault = c->fault;
}

void hwi_peer_withdraw(struct hwi_peer *peer, struct hwi_peer_call *c,
                       const struct hwi_fault *fault, struct hwi_effects *effects)
{
    if (!c->withdrawn) {
        c->withdrawn = true;
        c->fault = *fault;
        hwi_peer_tell_withdraw(peer, c, effects);
    }
}

static struct hwi_signature signature_of(const struct hwi_peer_call *c)
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
    return hwi_kind_is_collective(kind) ? HWI_ROLE_REDUCER
           : kind == HWI_KIND_SYNC      ? HWI_ROLE_SNAPSHOT
                                        : HWI_ROLE_NONE;
}

static void emit_start(struct hwi_peer *peer, struct hwi_peer_call *c, struct hwi_peer_channel *ch,
                       struct hwi_effects *effects)
{
    if (lane_of(c->op.kind) == HWI_ROLE_REDUCER) {
        struct hwi_msg_op_start *s = HWI_EMIT(effects, hwi_peer_local(HWI_ROLE_REDUCER), op_start);
        s->op = c->op;
        s->signature = signature_of(c);
        s->request = c->request.request;
        s->in_place = c->request.in_place;
        s->plan = c->request.plan;
        s->room = c->request.room;
    } else if (c->op.kind == HWI_KIND_SYNC) {
        hwi_peer_start_sync(c, c->request.verify, effects);
    } else { // a vote: saying it is being Done
        c->stage = HWI_CALL_DONE;
        c->done_ns = peer->now_ns;
        ch->done = ch->entered;
        hwi_peer_tell_done(peer, ch, effects);
    }
}

// A broadcast whose root is no member fails on all of them alike before anybody enters it, and
// would each time it ran again.
static bool lacks_root(struct hwi_peer *peer, struct hwi_peer_call *c)
{
    if (c->request.kind != HWI_KIND_BROADCAST || hwi_peer_is_ours(&peer->view, c->request.root)) {
        return false;
    }
    c->request.retry = 0;
    c->fault = (struct hwi_fault){.status = HWS_E_MEMBER_LOST, .peer_a = c->request.root};
    return true;
}

static void enter(struct hwi_peer *peer, struct hwi_peer_call *c, struct hwi_effects *effects)
{
    if (lacks_root(peer, c)) {
        hwi_peer_end(peer, c, HWS_E_MEMBER_LOST, effects);
        return;
    }
    struct hwi_peer_channel *ch = hwi_peer_channel(peer, c->request.kind, c->request.tag);
    if (ch == NULL) {
        hwi_peer_end(peer, c, HWS_E_LIMIT, effects);
        return;
    }
    c->op = (struct hwi_op){
        .view = peer->view.number, .kind = c->request.kind, .tag = ch->tag, .seq = ch->entered++};
    c->stage = HWI_CALL_RUNNING;
    c->attempts++;
    c->withdrawn = false;
    memset(&c->fault, 0, sizeof c->fault);
    memset(&c->sync, 0, sizeof c->sync);
    emit_start(peer, c, ch, effects);
}

// An earlier call with the same tag that has not entered this view must go first; and a vote waits
// until it is over, as what comes after waits for a vote: whoever votes has nothing else in flight
// with that tag, which the master relies on when it looks for members that wait for each other.
static bool must_wait(struct hwi_peer *peer, const struct hwi_peer_call *c)
{
    for (uint32_t i = 0, seen = 0; i < peer->call_capacity && seen < peer->call_count; i++) {
        const struct hwi_peer_call *d = &peer->calls[i];
        seen += d->stage != HWI_CALL_FREE;
        if (d->stage == HWI_CALL_FREE || d->arrival >= c->arrival ||
            d->request.tag != c->request.tag) {
            continue;
        }
        bool vote =
            hwi_kind_is_agreement(c->request.kind) || hwi_kind_is_agreement(d->request.kind);
        // Comes back, or takes us with it
        bool returns = d->withdrawn || (d->stage == HWI_CALL_ENDING && !d->committed);
        if (vote || returns || d->stage == HWI_CALL_QUEUED) {
            return true;
        }
    }
    return false;
}

// A call with `retry` was made before anything failed, or would not have been taken: it goes on by
// itself, in its place on its tag. It acknowledges the view for new calls, too, unless one failed.
static bool fence_open(struct hwi_peer *peer, const struct hwi_peer_call *c)
{
    bool failed = peer->fence_held || hwi_peer_failing(peer);
    if (c->request.retry && !failed) {
        peer->acked = peer->view.number;
    }
    return c->request.retry || (!failed && peer->acked == peer->view.number);
}

static struct hwi_peer_call *next_queued(struct hwi_peer *peer, uint64_t after)
{
    struct hwi_peer_call *next = NULL;
    for (uint32_t i = 0, seen = 0; i < peer->call_capacity && seen < peer->call_count; i++) {
        struct hwi_peer_call *c = &peer->calls[i];
        seen += c->stage != HWI_CALL_FREE;
        if (c->stage == HWI_CALL_QUEUED && c->arrival > after &&
            (next == NULL || c->arrival < next->arrival)) {
            next = c;
        }
    }
    return next;
}

// Its turn has come. What may not enter waits if it has `retry`, for more members or for hws_view;
// else it ends: its trainer may wait for it before that.
static void take_turn(struct hwi_peer *peer, struct hwi_peer_call *c, struct hwi_effects *effects)
{
    bool few = peer->view.count < peer->config.min_members && c->request.kind != HWI_KIND_ADMIT;
    if (!few && fence_open(peer, c)) {
        enter(peer, c, effects);
    } else if (!c->request.retry) {
        hwi_peer_end(peer, c, few ? HWS_E_TOO_FEW : HWS_E_VIEW, effects);
    }
}

void hwi_peer_start_queued(struct hwi_peer *peer, struct hwi_effects *effects)
{
    struct hwi_peer_call *c = next_queued(peer, 0);
    while (c != NULL && peer->phase == HWI_PEER_PHASE_MEMBER) {
        uint64_t arrival = c->arrival;
        if (!must_wait(peer, c)) {
            take_turn(peer, c, effects);
        }
        c = next_queued(peer, arrival);
    }
}

// A vote is Done as it is made: what it waits for then are the others.
static void count_wait(struct hwi_peer *peer, struct hwi_peer_call *c)
{
    uint64_t waited_us = (peer->now_ns - c->done_ns) / 1000;
    if (c->stage == HWI_CALL_DONE && lane_of(c->request.kind) == HWI_ROLE_NONE) {
        c->members_us += waited_us;
    } else if (c->stage == HWI_CALL_DONE) {
        c->commit_us += waited_us;
    }
}

void hwi_peer_end(struct hwi_peer *peer, struct hwi_peer_call *c, int status,
                  struct hwi_effects *effects)
{
    count_wait(peer, c);
    enum hwi_role lane = hwi_peer_entered(c) ? lane_of(c->request.kind) : HWI_ROLE_NONE;
    lane = (peer->lanes_failed & 1u << lane) != 0 ? HWI_ROLE_NONE : lane;
    c->stage = HWI_CALL_ENDING;
    c->committed = status == HWS_OK;
    c->status = status;
    if (c->committed && c->request.kind == HWI_KIND_SYNC) {
        peer->state_dirty = false;
        peer->state_synced = true;
    }
    if (lane == HWI_ROLE_NONE) {
        hwi_peer_ended(peer, c, NULL, effects);
        return;
    }
    struct hwi_msg_op_end *e = HWI_EMIT(effects, hwi_peer_local(lane), op_end);
    e->op = c->op;
    e->committed = c->committed;
}

void hwi_peer_lane_failed(struct hwi_peer *peer, enum hwi_role lane, struct hwi_effects *effects)
{
    peer->lanes_failed |= 1u << lane;
    for (uint32_t i = 0; i < peer->call_capacity && peer->call_count > 0; i++) {
        struct hwi_peer_call *c = &peer->calls[i];
        if (c->stage == HWI_CALL_ENDING && lane_of(c->request.kind) == lane) {
            hwi_peer_ended(peer, c, NULL, effects); // it let go of the memory as it failed
        }
    }
    hwi_peer_finish(peer, HWS_E_INTERNAL, "an internal check failed", effects);
}

static bool runs_again(const struct hwi_peer *peer, const struct hwi_peer_call *c)
{
    bool given_up = c->cancelled && c->withdrawn;
    return !c->committed && c->request.retry && !given_up && peer->phase == HWI_PEER_PHASE_MEMBER &&
           hws_status_class((hws_status)c->status) == HWS_CLASS_VIEW &&
           peer->now_ns < c->deadline_ns;
}

bool hwi_peer_failing(const struct hwi_peer *peer)
{
    for (uint32_t i = 0, seen = 0; i < peer->call_capacity && seen < peer->call_count; i++) {
        const struct hwi_peer_call *c = &peer->calls[i];
        seen += c->stage != HWI_CALL_FREE;
        if (c->stage == HWI_CALL_ENDING && !c->committed && !runs_again(peer, c)) {
            return true;
        }
    }
    return false;
}

// Those behind it on its tag fail with it: run again they would take its place, and meet others'
// calls there.
static void fail_behind(struct hwi_peer *peer, const struct hwi_peer_call *c,
                        struct hwi_effects *effects)
{
    for (uint32_t i = 0; i < peer->call_capacity && peer->phase == HWI_PEER_PHASE_MEMBER; i++) {
        struct hwi_peer_call *d = &peer->calls[i];
        if (d->arrival <= c->arrival || d->request.tag != c->request.tag) {
            continue;
        }
        if (d->stage == HWI_CALL_QUEUED || (d->stage == HWI_CALL_ENDING && !d->committed)) {
            d->request.retry = 0;
        }
        if (d->stage == HWI_CALL_QUEUED) {
            hwi_peer_end(peer, d, HWS_E_VIEW, effects);
        }
    }
}

// Calls that are ENDING may still belong to it.
void hwi_peer_forget_before(struct hwi_peer *peer)
{
    if (peer->call_count == 0) {
        hwi_peer_members_forget(peer, &peer->before);
    }
}

static const struct hwi_peer_members *view_of(const struct hwi_peer *peer,
                                              const struct hwi_peer_call *c)
{
    bool old = c->attempts > 0 && c->op.view == peer->before.number;
    return old && c->request.kind != HWI_KIND_ADMIT ? &peer->before : &peer->view;
}

static void reply_call(struct hwi_peer *peer, const struct hwi_peer_call *c,
                       const struct hwi_msg_op_ended *e, struct hwi_effects *effects)
{
    struct hwi_msg_reply *r = hwi_peer_reply(peer, c->request.request, c->request.kind, c->status,
                                             view_of(peer, c), effects);
    peer->failures += c->request.async && c->status != HWS_OK;
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
        r->counts = hwi_effects_copy(effects, e->counts, e->counts_count * sizeof *e->counts);
        r->counts_count = e->counts_count;
    }
}

void hwi_peer_ended(struct hwi_peer *peer, struct hwi_peer_call *c,
                    const struct hwi_msg_op_ended *e, struct hwi_effects *effects)
{
    c->members_us += e != NULL ? e->members_us : 0;
    c->credit_us += e != NULL ? e->credit_us : 0;
    if (runs_again(peer, c)) {
        c->stage = HWI_CALL_QUEUED;
        c->withdrawn = false;
        if (c->cancelled) {
            hwi_peer_give_up(peer, c, HWS_E_CANCELLED, effects);
        }
        return;
    }
    if (!c->committed) {
        fail_behind(peer, c, effects);
    }
    if (c->committed && c->request.kind == HWI_KIND_ADMIT) {
        peer->acked = peer->view.number; // the joint call is the acknowledgement
    }
    peer->fence_held |= !c->committed && c->attempts > 0;
    reply_call(peer, c, e, effects);
    c->stage = HWI_CALL_FREE;
    peer->call_count--;
    hwi_peer_forget_before(peer);
    if (!c->committed && peer->phase == HWI_PEER_PHASE_MEMBER &&
        hws_status_class((hws_status)c->status) == HWS_CLASS_RUN) {
        hwi_peer_finish(peer, c->status, hws_status_text((hws_status)c->status), effects);
    }
}

uint32_t hwi_peer_number_of(struct hwi_peer *peer, const struct hwi_peer_call *c)
{
    const struct hwi_peer_channel *ch = hwi_peer_channel(peer, c->request.kind, c->request.tag);
    uint32_t number = ch != NULL ? ch->entered : 0;
    for (uint32_t i = 0, seen = 0; i < peer->call_capacity && seen < peer->call_count && ch != NULL;
         i++) {
        const struct hwi_peer_call *d = &peer->calls[i];
        seen += d->stage != HWI_CALL_FREE;
        bool in_name = hwi_peer_entered(d) && d->op.seq >= ch->entered;
        bool returns = d->stage == HWI_CALL_ENDING && runs_again(peer, d);
        number += (d->stage == HWI_CALL_QUEUED || in_name || returns) && d->arrival < c->arrival &&
                  d->request.tag == ch->tag && hwi_channel_kind(d->request.kind) == ch->kind;
    }
    return number;
}

void hwi_peer_take_number(struct hwi_peer *peer, struct hwi_peer_call *c)
{
    c->op = (struct hwi_op){.view = peer->view.number,
                            .kind = c->request.kind,
                            .tag = c->request.tag,
                            .seq = hwi_peer_number_of(peer, c)};
    c->stage = HWI_CALL_RUNNING;
    c->attempts++;
}

void hwi_peer_give_up(struct hwi_peer *peer, struct hwi_peer_call *c, int status,
                      struct hwi_effects *effects)
{
    struct hwi_fault fault = {.status = status, .peer_a = peer->id, .signature_a = signature_of(c)};
    if (c->stage == HWI_CALL_QUEUED &&
        hwi_peer_channel(peer, c->request.kind, c->request.tag) == NULL) {
        hwi_peer_end(peer, c, HWS_E_LIMIT, effects);
        return;
    }
    if (c->stage == HWI_CALL_QUEUED) {
        hwi_peer_take_number(peer, c);
    }
    hwi_peer_withdraw(peer, c, &fault, effects);
}

// What to say of a call that never got its turn.
static int queued_status(const struct hwi_peer *peer)
{
    return peer->view.count < peer->config.min_members ? HWS_E_TOO_FEW : HWS_E_TIMEOUT;
}

static void check_deadline(struct hwi_peer *peer, struct hwi_peer_call *c,
                           struct hwi_effects *effects)
{
    int queued = queued_status(peer);
    if (c->stage == HWI_CALL_QUEUED && queued == HWS_E_TIMEOUT) {
        hwi_peer_give_up(peer, c, queued, effects); // its turn would still come in this view
    } else if (c->stage == HWI_CALL_QUEUED) {
        hwi_peer_end(peer, c, queued, effects);
    } else if (hwi_peer_entered(c)) {
        if (peer->now_ns - c->deadline_ns >= peer->config.grace_ns) {
            hwi_peer_finish(peer, HWS_E_OUTCOME_UNKNOWN, "the master gave no decision in time",
                            effects);
            return;
        }
        hwi_peer_give_up(peer, c, HWS_E_TIMEOUT, effects);
    }
}

void hwi_peer_check_deadlines(struct hwi_peer *peer, struct hwi_effects *effects)
{
    if (peer->now_ns < peer->excused_until_ns) {
        return;
    }
    for (uint32_t i = 0; i < peer->call_capacity && peer->call_count > 0; i++) {
        struct hwi_peer_call *c = &peer->calls[i];
        if (c->stage != HWI_CALL_FREE && peer->now_ns >= c->deadline_ns) {
            check_deadline(peer, c, effects);
        }
    }
}

uint64_t hwi_peer_next_deadline(const struct hwi_peer *peer)
{
    uint64_t next = HWI_NEVER;
    for (uint32_t i = 0, seen = 0; i < peer->call_capacity && seen < peer->call_count; i++) {
        const struct hwi_peer_call *c = &peer->calls[i];
        if (c->stage == HWI_CALL_FREE) {
            continue;
        }
        seen++;
        uint64_t at = c->withdrawn ? c->deadline_ns + peer->config.grace_ns : c->deadline_ns;
        next =
            c->stage == HWI_CALL_ENDING ? next : HWI_MIN(next, HWI_MAX(at, peer->excused_until_ns));
    }
    return next;
}
