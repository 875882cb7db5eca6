// SPDX-License-Identifier: MIT
// What must hold while nothing is wrong: what all called is answered soon, and nobody's life ends.
// A run under faults has such times too, and in them lost messages and wrong guesses show that
// later ones would cover up.
#include "tools/swarm/crew.h"

#include <string.h>

#include <hawser/types.h>

enum {
    SETTLE_MS = 4000,   // besides detection and one proposal
    UNKNOWN_MS = 16000, // the grace: by then a decision must have been available
    SOON_MS = 6000,     // for an operation that all called
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
                   "C1: member %u got %s as if many views had passed since %llu, and now is %llu",
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

void swarm_check_calm(struct swarm *s, const struct swarm_seat *seat, const struct swarm_call *call,
                      const struct hwi_msg_reply *reply)
{
    if (reply->status == HWS_E_OUTCOME_UNKNOWN) {
        check_passed(s, seat, reply);
    }
    bool ended = reply->status == HWS_E_OUTCOME_UNKNOWN || reply->status == HWS_E_EVICTED;
    bool late = call->made_ns == hwi_sim_now(s->sim); // it had ended before, unnoticed
    bool calm_here = ended && !late && !seat->clock_touched && !some_died(s);
    uint64_t calm = calm_here ? calm_ms(s) : 0;
    if (calm >= HWI_MAX(settle_ms(s), UNKNOWN_MS)) {
        swarm_fail(s, SWARM_LIVENESS,
                   "C5: member %u got %s, and nothing has been wrong for %u s: %s", seat->node,
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
        if (call == NULL || call->made_ns + SOON_MS * HWI_NS_PER_MS > now_ns ||
            waits_for_trainer(seat) || is_long(s, call) ||
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
        if (waits && call->cancelled_ns < hwi_sim_now(s->sim) - SOON_MS * HWI_NS_PER_MS) {
            swarm_fail(s, SWARM_LIVENESS,
                       "C5: member %u cancelled a call on channel %u at %llu ms, nothing has been "
                       "wrong for %u s, and it was not answered",
                       seat->node, call->channel,
                       (unsigned long long)(call->cancelled_ns / HWI_NS_PER_MS),
                       (unsigned)(calm_ms(s) / 1000));
        }
    }
}

void swarm_watch_calm(struct swarm *s)
{
    if (calm_ms(s) < settle_ms(s)) {
        return;
    }
    for (uint32_t i = 0; i < s->traits.peers; i++) {
        if (s->seats[i].stage == STAGE_MEMBER) {
            watch_cancelled(s, &s->seats[i]);
        }
    }
    if (members(s) < s->traits.min_members) {
        return;
    }
    for (uint32_t channel = 0; channel <= CHANNELS; channel++) {
        for (uint32_t scope = 0; scope <= s->traits.groups; scope++) {
            watch_scope(s, scope, channel);
        }
    }
}
