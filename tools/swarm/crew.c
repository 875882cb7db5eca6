// SPDX-License-Identifier: MIT
// Trainers' lives. A trainer opens, syncs, and makes round after round; after a failure it waits
// for what is in flight, acknowledges the view, syncs (or, in a crew that leaves it to `retry`,
// does not) and makes what failed again. All members decide their next step from replies that are
// equal on all.
#include "tools/swarm/crew.h"
#include "tools/swarm/ends.h"

#include <stdio.h>

#include <hawser/state.h>

enum {
    FENCED_CHANCE = 200, // in 1000 failures: a call is made without looking
    AGAIN_MS = 20,       // before a call is made again
    FEW_MS = 1500,       // before newcomers are looked for
    RESTART_MS = 25000,  // most between two lives
    DAWDLE_MS = 45000,
    SYNCS_MAX = 4,      // that follow each other
    ABSENT_CHANCE = 200 // in 1000: nobody comes back before the faults are over
};

bool swarm_alive(const struct swarm *s, const struct swarm_seat *seat)
{
    return (seat->stage == STAGE_OPENING || seat->stage == STAGE_MEMBER) &&
           hwi_sim_alive(s->sim, seat->node);
}

uint32_t swarm_living(const struct swarm *s)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->traits.peers; i++) {
        count += swarm_alive(s, &s->seats[i]);
    }
    return count;
}

void swarm_then(struct swarm *s, struct swarm_seat *seat, enum next next, uint64_t in_ns)
{
    seat->next = next;
    swarm_timer(s, in_ns, TIMER_ACT, seat->node, seat->life);
}

static uint64_t soon(struct swarm_seat *seat)
{
    return swarm_below(&seat->draw, AGAIN_MS * HWI_NS_PER_MS);
}

static uint64_t compute_ns(struct swarm *s, struct swarm_seat *seat)
{
    uint64_t ns = swarm_between(&seat->draw, s->traits.pace_ms / 2, s->traits.pace_ms);
    if (s->healed_ns == HWI_NEVER && swarm_chance(&seat->draw, s->traits.dawdle)) {
        ns += swarm_below(&seat->draw, DAWDLE_MS);
    }
    return ns * HWI_NS_PER_MS;
}

// ---- beginning and end

static void begin_life(struct swarm *s, struct swarm_seat *seat)
{
    bool keep = seat->state != NULL && !seat->state_dirty &&
                swarm_chance(&seat->draw, s->traits.keep_state);
    if (!keep) {
        swarm_state_fresh(s, seat);
    }
    seat->stage = STAGE_OPENING;
    seat->incarnation = hwi_sim_incarnation(s->sim, seat->node);
    seat->opened_ns = hwi_sim_now(s->sim);
    seat->frozen = seat->leaving = seat->clock_touched = false;
    seat->seen_view = seat->denied.view = 0;
    seat->peer = seat->view = seat->synced_view = seat->admit_view = 0;
    seat->failed = seat->few = seat->fenced = false;
    seat->member_count = 0;
    seat->launched = seat->healed_rounds = 0;
    seat->next = NEXT_NOTHING;
    seat->must_sync = true;
    seat->awaited = UINT64_MAX;
    seat->copies_most = 0;
    for (uint32_t i = 0; i < CHANNELS; i++) {
        seat->channels[i].view = 0;
    }
    swarm_state_attach(s, seat);
}

static void take_seat(struct swarm *s, uint32_t node)
{
    char name[32] = "";
    uint32_t unit = swarm_unit(s, node);
    if (unit != UINT32_MAX) {
        snprintf(name, sizeof name, "unit-%u", unit);
    }
    struct hwi_sim_place place = {.group = swarm_group(s, node),
                                  .unit = name,
                                  .unit_size = unit != UINT32_MAX ? s->traits.unit : 0};
    HWI_CHECK(hwi_sim_member_at(s->sim, s->traits.min_members, &place) == node);
    bool newer = (s->traits.newer >> node & 1) != 0;
    hwi_sim_build(s->sim, node, newer ? HWI_SIM_BUILD_NEWER : HWI_SIM_BUILD_SAME);
}

void swarm_start(struct swarm *s, struct swarm_seat *seat)
{
    if (seat->stage == STAGE_EMPTY) {
        // Nodes are numbered as they start: the process here gets the next number's seat
        for (uint32_t node = 0; node <= seat->node; node++) {
            struct swarm_seat *earlier = &s->seats[node];
            if (earlier->stage == STAGE_EMPTY) {
                take_seat(s, node);
                earlier->life++;
                begin_life(s, earlier);
            }
        }
        return;
    }
    swarm_calls_drop(seat);
    hwi_sim_restart(s->sim, seat->node, s->traits.min_members);
    seat->life++;
    begin_life(s, seat);
}

void swarm_over(struct swarm *s, struct swarm_seat *seat)
{
    if (seat->stage == STAGE_OVER) {
        return;
    }
    for (uint32_t i = 0; i < CALLS_MAX; i++) { // a sync may have been under way
        seat->state_dirty |= seat->calls[i].busy && seat->calls[i].channel == CHANNEL_SYNC;
    }
    seat->stage = STAGE_OVER;
    seat->next = NEXT_NOTHING;
    swarm_trouble(s, 0);
    uint64_t pause_ms = swarm_below(&seat->draw, RESTART_MS);
    bool healed = s->healed_ns != HWI_NEVER;
    if (healed || !swarm_chance(&seat->draw, ABSENT_CHANCE)) {
        pause_ms = healed ? pause_ms / 8 : pause_ms;
        swarm_timer(s, pause_ms * HWI_NS_PER_MS, TIMER_START, seat->node, seat->life);
    }
}

void swarm_leave(struct swarm *s, struct swarm_seat *seat)
{
    seat->leaving = true;
    trainer_close(s->sim, seat->node);
}

// This incarnation is finished.
static void finish(struct swarm *s, struct swarm_seat *seat)
{
    if (!seat->leaving) {
        swarm_leave(s, seat);
    }
    swarm_over(s, seat);
}

// ---- what is next

static void end_round(struct swarm *s, struct swarm_seat *seat)
{
    seat->round++;
    seat->done = seat->launched = 0;
    seat->rounds++;
    seat->healed_rounds += s->healed_ns != HWI_NEVER;
    swarm_state_write(s, seat);
    bool knows = !seat->joined_midway || s->traits.run != 0; // all made the vote that ends it
    seat->joined_midway = false;
    enum next next = NEXT_ROUND;
    if (knows && seat->pending > 0) {
        next = NEXT_ADMIT;
    } else if (knows && s->traits.sync_on_change && seat->view != seat->synced_view) {
        next = NEXT_SYNC;
    } else if (s->traits.sync_every > 0 && seat->round % s->traits.sync_every == 0) {
        next = NEXT_SYNC;
    }
    swarm_then(s, seat, next, compute_ns(s, seat));
}

// A trainer that does not look at the results of its calls continues.
static void go_on(struct swarm *s, struct swarm_seat *seat)
{
    struct trainer_call asked = {.kind = HWI_KIND_AGREE,
                                 .tag = FENCED_TAG,
                                 .redop = HWI_AGREE_MIN,
                                 .retry = swarm_chance(&seat->draw, 500)};
    seat->fenced = false;
    swarm_call(s, seat, &(struct swarm_asked){.channel = CHANNEL_FENCED, .call = asked});
}

void swarm_settle(struct swarm *s, struct swarm_seat *seat)
{
    if (seat->fenced && swarm_chance(&seat->draw, FENCED_CHANCE)) {
        go_on(s, seat);
    } else if (seat->failed) {
        swarm_then(s, seat, NEXT_VIEW, soon(seat));
    } else if (seat->done + 1 == 1u << swarm_round_ops(s, seat->round)) {
        end_round(s, seat);
    } else {
        swarm_then(s, seat, NEXT_ROUND, soon(seat));
    }
}

static void draw_sync(struct swarm *s, struct swarm_seat *seat, struct trainer_call *asked)
{
    asked->value = swarm_revision(seat);
    asked->retry = swarm_chance(&seat->draw, s->traits.retry / 2);
    asked->verify = swarm_chance(&seat->draw, s->traits.lazy);
    asked->strategy = HWS_SYNC_ENFORCE;
    if (s->healed_ns == HWI_NEVER && swarm_chance(&seat->draw, s->traits.strategies)) {
        asked->strategy =
            swarm_chance(&seat->draw, 400) ? HWS_SYNC_SEND_ONLY : HWS_SYNC_RECEIVE_ONLY;
    }
}

void swarm_whole(struct swarm *s, struct swarm_seat *seat, uint8_t kind)
{
    struct trainer_call asked = {.kind = kind};
    if (kind == HWI_KIND_SYNC) {
        draw_sync(s, seat, &asked);
    }
    uint32_t channel = kind == HWI_KIND_SYNC ? CHANNEL_SYNC : CHANNEL_ADMIT;
    swarm_call(s, seat, &(struct swarm_asked){.channel = channel, .call = asked});
}

void swarm_act(struct swarm *s, struct swarm_seat *seat)
{
    enum next next = seat->next;
    if (seat->frozen || seat->leaving || !swarm_alive(s, seat)) {
        return; // a frozen trainer continues when it thaws
    }
    seat->next = NEXT_NOTHING;
    switch (next) {
    case NEXT_VIEW:
        swarm_call(s, seat, &(struct swarm_asked){.channel = CHANNELS});
        break;
    case NEXT_SYNC:
        seat->must_sync = true;
        swarm_whole(s, seat, HWI_KIND_SYNC);
        break;
    case NEXT_ADMIT:
        swarm_whole(s, seat, HWI_KIND_ADMIT);
        break;
    case NEXT_ROUND:
        seat->launched = 0;
        swarm_launch(s, seat);
        break;
    default:
        break;
    }
}

// ---- what comes back

static void opened(struct swarm *s, struct swarm_seat *seat, const struct hwi_msg_reply *reply)
{
    seat->stage = STAGE_MEMBER;
    seat->view = seat->opened_view = reply->view;
    s->outcome->lives++;
    swarm_then(s, seat, NEXT_SYNC, soon(seat));
}

static void viewed(struct swarm *s, struct swarm_seat *seat, const struct hwi_msg_reply *reply)
{
    if (reply->status == HWS_E_BUSY) {
        swarm_then(s, seat, NEXT_VIEW, soon(seat));
        return;
    }
    bool few = seat->few || reply->members_count < s->traits.min_members;
    seat->failed = seat->few = seat->fenced = false;
    seat->launched = 0;
    if (few) {
        swarm_then(s, seat, NEXT_ADMIT, FEW_MS * HWI_NS_PER_MS);
    } else {
        bool sync = s->traits.sync_on_change || seat->must_sync;
        swarm_then(s, seat, sync ? NEXT_SYNC : NEXT_ROUND, soon(seat));
    }
}

// All members think alike, of the same sync.
static bool syncs_again(const struct swarm *s, const struct swarm_seat *seat)
{
    uint32_t place = seat->channels[CHANNEL_SYNC].oks;
    uint64_t drawn = swarm_mix(swarm_mix(s->config->seed, seat->view), place);
    return place < SYNCS_MAX && drawn % 1000 < s->traits.resync;
}

static void synced(struct swarm *s, struct swarm_seat *seat, const struct hwi_msg_reply *reply)
{
    seat->must_sync = seat->state_dirty = false;
    seat->view = seat->synced_view = reply->view;
    seat->launched = 0;
    seat->member_count = HWI_MIN(reply->members_count, SWARM_PEERS_MAX);
    for (uint32_t rank = 0; rank < seat->member_count; rank++) {
        seat->members[rank] = reply->members[rank].value;
    }
    seat->joined_midway = seat->done != 0;
    swarm_then(s, seat, syncs_again(s, seat) ? NEXT_SYNC : NEXT_ROUND, soon(seat));
}

// An operation of the round. The result of the one with the highest number counts: it is the same
// for all.
static void operated(struct swarm *s, struct swarm_seat *seat, uint32_t op,
                     const struct hwi_msg_reply *reply)
{
    seat->done |= 1u << op;
    swarm_state_mark(s, seat);
    if (seat->done >> op == 1) {
        seat->pending = reply->pending;
        seat->view = reply->view;
    }
}

static void succeeded(struct swarm *s, struct swarm_seat *seat, const struct swarm_call *call,
                      const struct hwi_msg_reply *reply)
{
    if (call->channel == CHANNEL_ADMIT) {
        seat->admit_view = seat->view = reply->view;
        seat->must_sync = true;
        swarm_then(s, seat, NEXT_SYNC, soon(seat));
    } else if (call->channel == CHANNEL_SYNC) {
        synced(s, seat, reply);
    } else {
        operated(s, seat, call->op, reply);
    }
}

// The trainer's reaction to the reply to one of its operations, an admission or a sync.
static void note_reply(struct swarm *s, struct swarm_seat *seat, const struct swarm_call *was,
                       const struct hwi_msg_reply *reply)
{
    bool ok = reply->status == HWS_OK;
    seat->failed |= !ok;
    // A call with retry acknowledges, too
    seat->fenced |= !ok && s->traits.retry == 0 && reply->attempts > 0;
    seat->few |= reply->status == HWS_E_TOO_FEW;
    seat->state_dirty |= !ok && was->channel == CHANNEL_SYNC;
    bool rootless = was->asked.kind == HWI_KIND_BROADCAST && reply->status == HWS_E_MEMBER_LOST;
    seat->must_sync |= rootless;                        // and then another is the root
    seat->must_sync |= reply->status == HWS_E_MISMATCH; // perhaps the others sync
    if (ok) {
        succeeded(s, seat, was, reply);
    }
}

// A call with a handle, or hws_batch, has returned.
static void go_on_with_round(struct swarm *s, struct swarm_seat *seat, bool operation, bool ok)
{
    if (operation && ok && !seat->failed) {
        swarm_launch(s, seat); // there is room in the window
    }
    if (seat->busy == 0 && (operation || !ok)) {
        swarm_settle(s, seat);
    }
}

static void batch_answered(struct swarm *s, struct swarm_seat *seat, const struct swarm_call *was,
                           const struct hwi_msg_reply *reply)
{
    note_reply(s, seat, was, reply);
    enum swarm_batch_end end = swarm_batch_answered(s, seat, was, reply);
    if (end == SWARM_BATCH_OUT) {
        finish(s, seat);
    } else if (end == SWARM_BATCH_RETURNED) {
        go_on_with_round(s, seat, true, !seat->failed);
    }
}

static void answered(struct swarm *s, struct swarm_seat *seat, struct swarm_call *call,
                     const struct hwi_msg_reply *reply)
{
    struct swarm_call was = *call;
    call->memory = NULL;
    swarm_call_free(seat, call);
    if (was.batch_place != 0) {
        batch_answered(s, seat, &was, reply);
    } else if (swarm_is_out(reply->status)) {
        seat->state_dirty |= was.channel == CHANNEL_SYNC;
        finish(s, seat);
    } else if (was.channel == CHANNELS) {
        viewed(s, seat, reply);
    } else if (was.channel == CHANNEL_FENCED) {
        swarm_settle(s, seat);
    } else {
        note_reply(s, seat, &was, reply);
        go_on_with_round(s, seat, was.channel < CHANNEL_ADMIT, reply->status == HWS_OK);
    }
    hwi_free(&hwi_alloc_libc, was.memory);
}

static void hear_opening(struct swarm *s, struct swarm_seat *seat)
{
    const struct hwi_msg_reply *reply = hwi_sim_reply(s->sim, seat->node, 0);
    if (reply == NULL) {
        return;
    }
    swarm_check_view(s, seat, HWI_KIND_NONE, reply);
    if (reply->status == HWS_OK) {
        opened(s, seat, reply);
    } else {
        finish(s, seat);
    }
}

// Replies are checked as they come, in the order of their calls.
static void check_replies(struct swarm *s, struct swarm_seat *seat)
{
    for (struct swarm_call *call = NULL; !swarm_failed(s); call->checked = true) {
        const struct hwi_msg_reply *reply = NULL;
        call = NULL;
        for (uint32_t i = 0; i < CALLS_MAX; i++) {
            struct swarm_call *next = &seat->calls[i];
            bool unchecked =
                next->busy && !next->checked && (call == NULL || next->order < call->order);
            const struct hwi_msg_reply *came =
                unchecked ? hwi_sim_peek(s->sim, seat->node, next->request) : NULL;
            call = came != NULL ? next : call;
            reply = came != NULL ? came : reply;
        }
        if (call == NULL) {
            return;
        }
        swarm_check(s, seat, call, reply);
    }
}

// The call that it waits for: when that has been answered, some other.
static struct swarm_call *awaited(struct swarm_seat *seat)
{
    struct swarm_call *others[CALLS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < CALLS_MAX; i++) {
        struct swarm_call *call = &seat->calls[i];
        if (call->busy && call->order == seat->awaited) {
            return call;
        }
        if (call->busy) {
            others[count++] = call;
        }
    }
    struct swarm_call *call = count > 0 ? others[swarm_below(&seat->draw, count)] : NULL;
    seat->awaited = call != NULL ? call->order : UINT64_MAX;
    return call;
}

// The next reply that the trainer takes note of: a trainer that waits for its calls in the order in
// which they were made does not know the outcomes of later ones.
static struct swarm_call *next_reply(const struct swarm *s, struct swarm_seat *seat)
{
    struct swarm_call *first = NULL;
    if (s->traits.waits == WAITS_RANDOM && seat->batch == NULL) {
        first = awaited(seat);
        return first != NULL && first->checked ? first : NULL;
    }
    for (uint32_t i = 0; i < CALLS_MAX; i++) {
        struct swarm_call *call = &seat->calls[i];
        bool in_order = s->traits.waits == WAITS_IN_ORDER && seat->batch == NULL;
        bool looked_at = call->busy && (in_order || call->checked);
        if (looked_at && (first == NULL || call->order < first->order)) {
            first = call;
        }
    }
    return first != NULL && first->checked ? first : NULL;
}

void swarm_hear(struct swarm *s, struct swarm_seat *seat)
{
    if (seat->stage == STAGE_OPENING) {
        hear_opening(s, seat);
    }
    check_replies(s, seat);
    while (seat->stage == STAGE_MEMBER && !swarm_failed(s)) {
        struct swarm_call *call = next_reply(s, seat);
        if (call == NULL) {
            return;
        }
        uint64_t request = call->request;
        answered(s, seat, call, hwi_sim_reply(s->sim, seat->node, request));
        hwi_sim_forget(s->sim, seat->node, request);
    }
}
