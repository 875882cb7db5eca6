// SPDX-License-Identifier: MIT
// Checks that hold while nothing is wrong: a call that all made is answered soon, and nobody's life
// ends. A run under faults has such times too, and in them lost messages and wrong guesses show
// that later ones would cover up.
#include "tools/swarm/crew.h"

#include <string.h>

#include <hawser/types.h>

enum {
    SETTLE_MS = 4000,   // besides detection and one proposal
    UNKNOWN_MS = 16000, // the grace: by then a decision must have been available
    SOON_MS = 2500,     // for an operation that all called
    ADMITTED_MS = 1000, // until a newcomer has heard what members were told
    MISTAKES_MS = 3500, // more where trainers make mistakes, which are reported one by one
    SMALL = 4000,       // elements, bytes of state: the links carry more in no time
};

void swarm_trouble(struct swarm *s, uint64_t for_ns)
{
    s->trouble_ns = HWI_MAX(s->trouble_ns, hwi_sim_now(s->sim) + for_ns);
}

// For how long nothing has been wrong.
static uint64_t calm_ms(const struct swarm *s)
{
    uint64_t now_ns = hwi_sim_now(s->sim);
    for (uint32_t event = 0; event < s->schedule.count; event++) {
        if (s->lasting[event]) {
            return 0;
        }
    }
    return now_ns > s->trouble_ns ? (now_ns - s->trouble_ns) / HWI_NS_PER_MS : 0;
}

static uint64_t settle_ms(const struct swarm *s)
{
    return s->traits.sim.dead_ms + s->traits.sim.propose_ms + SETTLE_MS;
}

// A call that all have made must be answered within this time.
static uint64_t soon_ms(const struct swarm *s)
{
    return s->traits.mismatch > 0 ? SOON_MS + MISTAKES_MS : SOON_MS;
}

// Outcomes are kept for this number of views: a member that missed fewer finds them.
static void check_passed(struct swarm *s, const struct swarm_seat *seat,
                         const struct hwi_msg_reply *reply)
{
    struct hwi_msg_status status;
    if (strstr(reply->reason, "too many views") == NULL) {
        return;
    }
    hwi_sim_status(s->sim, &status);
    if (status.view != 0 && status.view - seat->view < HWI_PAST_VIEWS_MAX) {
        swarm_fail(s, SWARM_SAFETY,
                   "C1: process %u got %s as if many views had passed since %llu, and now is %llu",
                   seat->node, hws_status_name((hws_status)reply->status),
                   (unsigned long long)seat->view, (unsigned long long)status.view);
    }
}

// Killed by its fate, and nobody has looked since.
static bool some_died(const struct swarm *s)
{
    for (uint32_t i = 0; i < s->traits.peers; i++) {
        const struct swarm_seat *seat = &s->seats[i];
        bool lived = seat->stage == STAGE_OPENING || seat->stage == STAGE_MEMBER;
        if (lived && !hwi_sim_alive(s->sim, seat->node)) {
            return true;
        }
    }
    return false;
}

// For how long nothing may have been wrong when such a call fails; 0 = it may fail at any time.
static uint64_t patience_ms(const struct swarm *s, const struct swarm_call *call, hws_status status)
{
    bool rootless = call->asked.kind == HWI_KIND_BROADCAST;
    switch (status) {
    case HWS_E_OUTCOME_UNKNOWN:
        return HWI_MAX(settle_ms(s), UNKNOWN_MS);
    case HWS_E_EVICTED:
        return settle_ms(s);
    case HWS_E_MEMBER_LOST:
        return rootless ? 0 : settle_ms(s);
    default:
        return 0;
    }
}

void swarm_check_calm(struct swarm *s, const struct swarm_seat *seat, const struct swarm_call *call,
                      const struct hwi_msg_reply *reply)
{
    hws_status status = (hws_status)reply->status;
    if (status == HWS_E_OUTCOME_UNKNOWN) {
        check_passed(s, seat, reply);
    }
    uint64_t took_ms = (hwi_sim_now(s->sim) - call->made_ns) / HWI_NS_PER_MS;
    if (status == HWS_OK && call->channel == CHANNEL_ADMIT && calm_ms(s) > settle_ms(s) + took_ms) {
        s->calm.asked_ns = HWI_MAX(s->calm.asked_ns, call->made_ns);
        s->calm.told_ns = hwi_sim_now(s->sim);
    }
    uint64_t patience = patience_ms(s, call, status);
    bool late = call->made_ns == hwi_sim_now(s->sim); // it had ended before, unnoticed
    bool calm_here = patience > 0 && !late && !seat->clock_touched && !some_died(s);
    uint64_t calm = calm_here ? calm_ms(s) : 0;
    if (patience > 0 && calm >= patience) {
        swarm_fail(s, SWARM_LIVENESS,
                   "C5: process %u got %s, and nothing has been wrong for %u s: %s", seat->node,
                   hws_status_name((hws_status)reply->status), (unsigned)(calm / 1000),
                   reply->reason);
    }
}

// The oldest call that was not answered, of the channel, or of any (CHANNELS).
static const struct swarm_call *oldest_of(const struct swarm_seat *seat, uint32_t channel)
{
    const struct swarm_call *oldest = NULL;
    for (uint32_t i = 0; i < CALLS_MAX; i++) {
        const struct swarm_call *call = &seat->calls[i];
        bool waits =
            call->busy && !call->checked && (channel == CHANNELS || call->channel == channel);
        oldest = waits && (oldest == NULL || call->order < oldest->order) ? call : oldest;
    }
    return oldest;
}

static bool waits_for_trainer(const struct swarm_seat *seat)
{
    bool waits = seat->failed || seat->leaving;
    for (uint32_t i = 0; i < CALLS_MAX; i++) {
        waits |= seat->calls[i].busy && seat->calls[i].checked;
    }
    return waits;
}

static bool is_long(const struct swarm *s, const struct swarm_call *call)
{
    bool sync = call->asked.kind == HWI_KIND_SYNC;
    return sync ? s->traits.state_bytes > SMALL : call->asked.count > SMALL;
}

// Something large is on its way to or from it, which the rest waits behind.
static bool carries_much(const struct swarm *s, const struct swarm_seat *seat)
{
    bool much = false;
    for (uint32_t i = 0; i < CALLS_MAX; i++) {
        const struct swarm_call *call = &seat->calls[i];
        much |= call->busy && !call->checked && is_long(s, call);
    }
    return much;
}

static uint32_t members(const struct swarm *s)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->traits.peers; i++) {
        count += s->seats[i].stage == STAGE_MEMBER;
    }
    return count;
}

// All members of the scope (a group, or the run) have waited for long: in one operation of the
// channel, or (CHANNELS) in any calls, because then no member is left that could end them. The
// first one's call; NULL = they have not. Calls of the run keep a group waiting as long as it
// takes.
static const struct swarm_call *all_wait(const struct swarm *s, uint32_t scope, uint32_t channel)
{
    const struct swarm_call *first = NULL;
    uint64_t now_ns = hwi_sim_now(s->sim);
    for (uint32_t i = 0; i < s->traits.peers; i++) {
        const struct swarm_seat *seat = &s->seats[i];
        if (seat->stage != STAGE_MEMBER || (scope != 0 && 1 + swarm_group(s, i) != scope)) {
            continue;
        }
        const struct swarm_call *call = oldest_of(seat, channel);
        if (call == NULL || call->made_ns + soon_ms(s) * HWI_NS_PER_MS > now_ns ||
            waits_for_trainer(seat) || carries_much(s, seat) ||
            (scope != 0 && hwi_kind_is_run_wide(call->asked.kind)) ||
            (channel != CHANNELS && first != NULL && call->key != first->key)) {
            return NULL;
        }
        first = first == NULL ? call : first;
    }
    return first;
}

static void watch_scope(struct swarm *s, uint32_t scope, uint32_t channel)
{
    const struct swarm_call *call = all_wait(s, scope, channel);
    if (call != NULL) {
        swarm_fail(s, SWARM_LIVENESS,
                   "C5: all members of %s %u wait in %s, on channel %u since %llu ms, nothing has "
                   "been wrong for %u s, and nobody was answered",
                   scope == 0 ? "the run," : "group", scope == 0 ? members(s) : scope - 1,
                   channel == CHANNELS ? "calls" : "an operation", call->channel,
                   (unsigned long long)(call->made_ns / HWI_NS_PER_MS),
                   (unsigned)(calm_ms(s) / 1000));
    }
}

// A broadcast's root has all it will ever have before the others call: it waits for them.
static void watch_cancelled(struct swarm *s, const struct swarm_seat *seat)
{
    for (uint32_t i = 0; i < CALLS_MAX; i++) {
        const struct swarm_call *call = &seat->calls[i];
        bool waits = call->busy && !call->checked && call->asked.kind != HWI_KIND_BROADCAST;
        if (waits && call->cancelled_ns < hwi_sim_now(s->sim) - soon_ms(s) * HWI_NS_PER_MS) {
            swarm_fail(s, SWARM_LIVENESS,
                       "C5: process %u cancelled a call on channel %u at %llu ms, nothing has been "
                       "wrong for %u s, and it was not answered",
                       seat->node, call->channel,
                       (unsigned long long)(call->cancelled_ns / HWI_NS_PER_MS),
                       (unsigned)(calm_ms(s) / 1000));
        }
    }
}

static bool is_opening(const struct swarm *s, const struct swarm_seat *seat)
{
    return seat->stage == STAGE_OPENING && hwi_sim_alive(s->sim, seat->node);
}

// A newcomer, of no unit, that had come when the members asked for newcomers is one of them.
static void watch_newcomer(struct swarm *s, const struct swarm_seat *seat)
{
    bool due = seat->opened_ns + ADMITTED_MS * HWI_NS_PER_MS < s->calm.asked_ns &&
               s->calm.told_ns + ADMITTED_MS * HWI_NS_PER_MS < hwi_sim_now(s->sim);
    if (due && is_opening(s, seat) && swarm_unit(s, seat->node) == UINT32_MAX) {
        swarm_fail(s, SWARM_LIVENESS,
                   "C5: process %u came at %llu ms, an admission of %llu ms was answered, nothing "
                   "has been wrong for %u s, and it is no member",
                   seat->node, (unsigned long long)(seat->opened_ns / HWI_NS_PER_MS),
                   (unsigned long long)(s->calm.asked_ns / HWI_NS_PER_MS),
                   (unsigned)(calm_ms(s) / 1000));
    }
}

// In a view that is too small, what waits is answered as soon as a newcomer is there.
static void watch_few(struct swarm *s, const struct swarm_seat *seat)
{
    uint64_t soon_ns = soon_ms(s) * HWI_NS_PER_MS, now_ns = hwi_sim_now(s->sim);
    const struct swarm_call *call = oldest_of(seat, CHANNELS);
    bool waits = seat->stage == STAGE_MEMBER && call != NULL && call->made_ns + soon_ns < now_ns &&
                 call->asked.kind != HWI_KIND_ADMIT;
    for (uint32_t i = 0; waits && i < s->traits.peers; i++) {
        const struct swarm_seat *other = &s->seats[i];
        if (is_opening(s, other) && other->opened_ns + soon_ns < now_ns &&
            swarm_unit(s, other->node) == UINT32_MAX) {
            swarm_fail(
                s, SWARM_LIVENESS,
                "C5: process %u waits in a call, the view is too small, and is not told that "
                "process %u could be admitted",
                seat->node, other->node);
        }
    }
}

// No trainer withdraws from a call, or makes others wait for longer than their deadlines: after
// such things there is another view.
static bool calls_meet(const struct swarm *s)
{
    const struct swarm_traits *t = &s->traits;
    return t->mismatch + t->cancel + t->hurry + t->dawdle + t->strategies == 0;
}

// A view follows another because somebody came or went: nobody goes while nothing is wrong.
static void watch_view(struct swarm *s)
{
    struct hwi_msg_status status;
    bool opening = false;
    for (uint32_t i = 0; i < s->traits.peers; i++) {
        opening |= s->seats[i].stage == STAGE_OPENING;
    }
    hwi_sim_status(s->sim, &status);
    if (s->calm.view != 0 && status.view != s->calm.view && s->outcome->lives == s->calm.lives &&
        !opening && calls_meet(s)) {
        swarm_fail(s, SWARM_LIVENESS,
                   "C5: view %llu came after %llu, nothing has been wrong for %u s, and nobody "
                   "came or went",
                   (unsigned long long)status.view, (unsigned long long)s->calm.view,
                   (unsigned)(calm_ms(s) / 1000));
    }
    s->calm.view = status.view;
    s->calm.lives = opening ? UINT64_MAX : s->outcome->lives;
}

void swarm_watch_calm(struct swarm *s)
{
    if (calm_ms(s) < settle_ms(s)) {
        s->calm.view = 0;
        return;
    }
    bool few = members(s) < s->traits.min_members;
    for (uint32_t i = 0; i < s->traits.peers; i++) {
        if (s->seats[i].stage == STAGE_MEMBER) {
            watch_cancelled(s, &s->seats[i]);
        }
        if (few) {
            watch_few(s, &s->seats[i]);
        }
        watch_newcomer(s, &s->seats[i]);
    }
    watch_view(s);
    if (few) {
        return;
    }
    for (uint32_t channel = 0; channel <= CHANNELS; channel++) {
        for (uint32_t scope = 0; scope <= s->traits.groups; scope++) {
            watch_scope(s, scope, channel);
        }
    }
}
