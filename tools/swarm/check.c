// SPDX-License-Identifier: MIT
// Checks of each reply and of the whole run: C1 (in time), C4 (mismatches), buffers.
#include "tools/swarm/crew.h"
#include "tools/swarm/ends.h"

#include <hawser/state.h>

#define GRACE_NS (15 * HWI_NS_PER_S)     // decision_grace, as the simulator opens members
#define OPEN_NS (60 * HWI_NS_PER_S)      // ... and their deadline to become one
#define EXCUSE_NS (1100 * HWI_NS_PER_MS) // after a freeze
#define MEMORY_MAX (UINT64_C(16) << 20)
#define SLACK_NS (500 * HWI_NS_PER_MS)

// ---- C4

static bool is_whole(uint8_t kind)
{
    return kind == HWI_KIND_ADMIT || kind == HWI_KIND_SYNC;
}

// Members say their signatures to each other; the master knows of votes how they combine, and of
// calls that never meet the kinds.
static bool has_signature(const struct trainer_call *asked, const struct swarm_call *call,
                          const struct hwi_signature *signature)
{
    bool whole = is_whole(signature->kind) || is_whole(call->asked.kind);
    bool same = asked->kind == signature->kind && (whole || asked->tag == call->asked.tag);
    if (signature->dtype == 0) {
        bool folds = signature->kind == HWI_KIND_AGREE || signature->kind == HWI_KIND_AGREE_RUN;
        return same && (!folds || signature->redop == 0 || asked->redop == signature->redop);
    }
    return same && asked->redop == signature->redop && asked->count == signature->count &&
           asked->dtype == signature->dtype && asked->plan == signature->plan &&
           asked->root == signature->root && asked->unequal == signature->unequal;
}

// The trainer of `peer` called that on this tag a short while ago, as far as it can be known.
static bool called(struct swarm *s, uint64_t peer, const struct hwi_signature *signature,
                   const struct swarm_call *call)
{
    const struct swarm_seat *seat = swarm_seat_of(s, peer);
    bool found = seat == NULL;
    for (uint32_t i = 0; !found && i < CALLS_MAX; i++) {
        const struct swarm_call *other = &seat->calls[i];
        found = other->busy && has_signature(&other->asked, call, signature);
    }
    for (uint32_t i = 0; !found && i < ANSWERED_MAX; i++) {
        found = has_signature(&seat->answered[i], call, signature);
    }
    return found;
}

static bool equal_signatures(const struct hwi_signature *a, const struct hwi_signature *b)
{
    return a->kind == b->kind && a->dtype == b->dtype && a->redop == b->redop &&
           a->count == b->count && a->plan == b->plan && a->root == b->root &&
           a->unequal == b->unequal;
}

static void check_mismatch(struct swarm *s, const struct swarm_seat *seat,
                           const struct swarm_call *call, const struct hwi_msg_reply *reply)
{
    const struct hwi_fault *fault = &reply->fault;
    bool a = called(s, fault->peer_a, &fault->signature_a, call);
    bool b = called(s, fault->peer_b, &fault->signature_b, call);
    s->outcome->mismatches++;
    if (fault->peer_a == 0 || fault->peer_b == 0 || fault->peer_a == fault->peer_b ||
        equal_signatures(&fault->signature_a, &fault->signature_b)) {
        swarm_fail(s, SWARM_SAFETY,
                   "C4: process %u got a mismatch on tag %llu that does not name two sides that "
                   "differ (members %llu and %llu)",
                   seat->node, (unsigned long long)call->asked.tag,
                   (unsigned long long)fault->peer_a, (unsigned long long)fault->peer_b);
    } else if (!a || !b) {
        swarm_fail(s, SWARM_SAFETY,
                   "C4: process %u got a mismatch on tag %llu, and member %llu made no such call",
                   seat->node, (unsigned long long)call->asked.tag,
                   (unsigned long long)(!a ? fault->peer_a : fault->peer_b));
    }
}

// Others' elements do not fit, or none at all: see give_memory.
static bool has_little_room(const struct trainer_call *asked, uint8_t kind)
{
    uint64_t too_little = kind == HWI_KIND_ALL_GATHER ? asked->count : 0;
    return asked->kind == kind && asked->room == too_little;
}

// A member gave too little room for its result: all get the error, which names that member.
static void check_room(struct swarm *s, const struct swarm_seat *seat,
                       const struct swarm_call *call, const struct hwi_msg_reply *reply)
{
    const struct swarm_seat *short_of = swarm_seat_of(s, reply->fault.peer_a);
    bool found = short_of == NULL && reply->fault.peer_a != 0;
    for (uint32_t i = 0; short_of != NULL && i < CALLS_MAX; i++) {
        const struct swarm_call *other = &short_of->calls[i];
        found |= other->busy && has_little_room(&other->asked, call->asked.kind);
    }
    for (uint32_t i = 0; short_of != NULL && i < ANSWERED_MAX; i++) {
        found |= has_little_room(&short_of->answered[i], call->asked.kind);
    }
    if (!found) {
        swarm_fail(s, SWARM_SAFETY,
                   "C1: process %u got HWS_E_INVALID on tag %llu, and member %llu gave room enough",
                   seat->node, (unsigned long long)call->asked.tag,
                   (unsigned long long)reply->fault.peer_a);
    }
}

// ---- statuses and buffers

static bool is_allowed(const struct swarm_seat *seat, const struct swarm_call *call,
                       hws_status status)
{
    switch (status) {
    case HWS_OK:
    case HWS_E_EVICTED:
    case HWS_E_OUTCOME_UNKNOWN:
        return true;
    case HWS_E_CLOSED:
        return seat->leaving;
    case HWS_E_BUSY:
        return call->channel == CHANNELS;
    case HWS_E_MISMATCH: // after failures trainers may differ in whether they sync first
        return call->channel != CHANNELS;
    case HWS_E_NOT_SYNCED:
        return swarm_is_data(call->asked.kind);
    case HWS_E_STATE_LOST:
    case HWS_E_REFUSED:
    case HWS_E_AHEAD:
        return true; // a sync that removes a member ends its other calls likewise
    case HWS_E_TOO_FEW:
        return call->channel != CHANNEL_ADMIT;
    case HWS_E_INVALID:
        return call->asked.kind == HWI_KIND_REDUCE_SCATTER ||
               call->asked.kind == HWI_KIND_ALL_GATHER;
    case HWS_E_CANCELLED: // the others learn that it was withdrawn
        return call->cancelled_ns != HWI_NEVER;
    case HWS_E_CONFLICT:
        return call->channel == CHANNEL_SYNC;
    default:
        return hws_status_class(status) == HWS_CLASS_VIEW && call->channel != CHANNELS;
    }
}

static void check_status(struct swarm *s, struct swarm_seat *seat, const struct swarm_call *call,
                         const struct hwi_msg_reply *reply)
{
    hws_status status = (hws_status)reply->status;
    uint64_t now_ns = hwi_sim_now(s->sim);
    if (!is_allowed(seat, call, status)) {
        swarm_fail(s, SWARM_SAFETY, "C1: process %u got %s for a call on channel %u: %s",
                   seat->node, hws_status_name(status), call->channel, reply->reason);
    } else if (status == HWS_E_TIMEOUT && now_ns < call->deadline_ns && !seat->clock_touched) {
        swarm_fail(s, SWARM_SAFETY, "C1: process %u got HWS_E_TIMEOUT %llu ms before its deadline",
                   seat->node, (unsigned long long)((call->deadline_ns - now_ns) / HWI_NS_PER_MS));
    } else if (status == HWS_E_MEMBER_LOST && reply->lost_count == 0 && reply->fault.peer_a == 0) {
        swarm_fail(s, SWARM_SAFETY, "C1: process %u got HWS_E_MEMBER_LOST and nobody is named",
                   seat->node);
    } else if (call->must_ok != 0 && status != HWS_OK && !swarm_is_out(status)) {
        swarm_deny(seat, &s->seats[call->owed_by], call->channel, call->must_ok);
    }
}

static void check_buffers(struct swarm *s, const struct swarm_seat *seat,
                          const struct swarm_call *call, bool ok)
{
    if (!swarm_memory_kept(call, ok)) {
        swarm_fail(s, SWARM_SAFETY, "buffers: process %u's %s (kind %u, tag %llu)", seat->node,
                   call->in_place ? "buffer was not put back after an error" : "input was written",
                   call->asked.kind, (unsigned long long)call->asked.tag);
    } else if (!swarm_guards_hold(call)) {
        swarm_fail(s, SWARM_SAFETY, "buffers: process %u: bytes outside a buffer were written",
                   seat->node);
    }
}

static void check_fence(struct swarm *s, const struct swarm_seat *seat,
                        const struct hwi_msg_reply *reply)
{
    hws_status status = (hws_status)reply->status;
    bool closed = seat->leaving && status == HWS_E_CLOSED;
    if (status != HWS_E_VIEW && !swarm_is_out(status) && !closed) {
        swarm_fail(s, SWARM_SAFETY,
                   "fence: process %u got %s for a call made after another had failed, before "
                   "hws_view",
                   seat->node, hws_status_name(status));
    }
}

static void check_sync(struct swarm *s, struct swarm_seat *seat, const struct hwi_msg_reply *reply)
{
    swarm_state_read(seat);
    if (swarm_revision(seat) != reply->value) {
        swarm_fail(s, SWARM_SAFETY, "C2: process %u synced to revision %llu and holds %llu",
                   seat->node, (unsigned long long)reply->value,
                   (unsigned long long)swarm_revision(seat));
    }
}

static void check_checks(struct swarm *s)
{
    const char *failure = hwi_sim_check_failure(s->sim);
    if (failure != NULL) {
        swarm_fail(s, SWARM_SAFETY, "a check failed: %s", failure);
    }
}

void swarm_check(struct swarm *s, struct swarm_seat *seat, struct swarm_call *call,
                 const struct hwi_msg_reply *reply)
{
    bool ok = reply->status == HWS_OK;
    check_checks(s);
    if (call->channel == CHANNEL_FENCED) {
        check_fence(s, seat, reply);
        return;
    }
    check_status(s, seat, call, reply);
    swarm_check_facts(s, seat, call, reply);
    swarm_check_calm(s, seat, call, reply);
    swarm_check_view(s, seat, call->asked.kind, reply);
    if (call->memory != NULL && !swarm_failed(s)) {
        check_buffers(s, seat, call, ok);
    }
    if (reply->status == HWS_E_MISMATCH) {
        check_mismatch(s, seat, call, reply);
    } else if (reply->status == HWS_E_INVALID) {
        check_room(s, seat, call, reply);
    } else if (reply->status == HWS_E_CONFLICT) {
        swarm_check_conflict(s, seat, call, reply);
    }
    if (call->asked.strategy == HWS_SYNC_SEND_ONLY &&
        swarm_state_hash(s, seat) != call->input_hash) {
        swarm_fail(s, SWARM_SAFETY,
                   "strategies: process %u only sent its state, and it was written", seat->node);
    }
    s->outcome->cancelled += reply->status == HWS_E_CANCELLED;
    s->outcome->oks[call->asked.kind] += ok;
    if (!ok || call->channel == CHANNELS || swarm_failed(s)) {
        return;
    }
    if (call->channel == CHANNEL_SYNC) {
        check_sync(s, seat, reply);
    }
    swarm_agreed(s, seat, call, reply);
}

// ---- C1, deaths, bounds

static uint64_t due_of(const struct swarm_seat *seat, uint64_t deadline_ns)
{
    uint64_t due = HWI_MAX(deadline_ns + GRACE_NS, seat->thawed_ns + EXCUSE_NS) + SLACK_NS;
    return seat->clock_touched ? due + (due - seat->opened_ns) : due;
}

static void watch_calls(struct swarm *s, struct swarm_seat *seat)
{
    uint64_t now_ns = hwi_sim_now(s->sim);
    if (seat->stage == STAGE_OPENING && now_ns > due_of(seat, seat->opened_ns + OPEN_NS)) {
        swarm_fail(s, SWARM_SAFETY, "C1: process %u's opening was not answered in time",
                   seat->node);
    }
    for (uint32_t i = 0; i < CALLS_MAX; i++) {
        const struct swarm_call *call = &seat->calls[i];
        bool waits = call->busy && !call->checked;
        if (waits && now_ns > due_of(seat, call->deadline_ns)) {
            swarm_fail(
                s, SWARM_SAFETY,
                "C1: process %u's call on channel %u, made at %llu ms, was not answered by its "
                "deadline and grace",
                seat->node, call->channel, (unsigned long long)(call->made_ns / HWI_NS_PER_MS));
        }
    }
}

// C8: what a process holds stays within what its limits allow for tensors and states of these
// sizes.
static void watch_memory(struct swarm *s, uint32_t node, uint64_t copies)
{
    uint64_t bytes = hwi_sim_memory(s->sim, node);
    s->outcome->memory_most = HWI_MAX(s->outcome->memory_most, bytes);
    if (bytes > MEMORY_MAX + 2 * s->traits.state_bytes + copies) {
        swarm_fail(s, SWARM_SAFETY, "C8: a process (node %d) holds %llu bytes", (int)node,
                   (unsigned long long)bytes);
    }
}

void swarm_watch(struct swarm *s)
{
    watch_memory(s, HWI_SIM_MASTER, 0);
    for (uint32_t i = 0; i < s->traits.peers; i++) {
        struct swarm_seat *seat = &s->seats[i];
        if (seat->stage == STAGE_EMPTY || seat->stage == STAGE_OVER) {
            continue;
        }
        if (!hwi_sim_alive(s->sim, seat->node)) {
            swarm_over(s, seat);
        } else if (!seat->frozen) {
            watch_calls(s, seat);
            watch_memory(s, seat->node, seat->copies_most);
        }
    }
    check_checks(s);
    swarm_watch_calm(s);
}

void swarm_end(struct swarm *s)
{
    for (uint32_t i = 0; i < s->traits.peers; i++) {
        if (s->seats[i].stage != STAGE_EMPTY) {
            hwi_sim_kill(s->sim, s->seats[i].node);
        }
    }
    hwi_sim_kill(s->sim, HWI_SIM_MASTER);
    check_checks(s);
}
