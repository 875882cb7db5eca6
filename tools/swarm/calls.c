// SPDX-License-Identifier: MIT
// The trainers' requests: calls with their buffers, and the operations of a round.
#include "tools/swarm/crew.h"

enum { HURRY_MOST_MS = 1500, WHOLE_CHANCE = 250 };
#define CANCEL_SOON_NS (200 * HWI_NS_PER_MS)
#define CANCEL_LATE_NS (5 * HWI_NS_PER_S)
#define RUN_KEY UINT64_MAX // groups are not at the same place of the program

uint64_t swarm_key(const struct swarm_seat *seat, uint32_t op)
{
    return (uint64_t)seat->round << ROUND_SHIFT | op;
}

void swarm_call_free(struct swarm_seat *seat, struct swarm_call *call)
{
    hwi_free(&hwi_alloc_libc, call->memory);
    seat->answered[call->order % ANSWERED_MAX] = call->asked;
    *call = (struct swarm_call){0};
    seat->busy--;
}

void swarm_calls_drop(struct swarm_seat *seat)
{
    for (uint32_t i = 0; i < CALLS_MAX; i++) {
        if (seat->calls[i].busy) {
            swarm_call_free(seat, &seat->calls[i]);
        }
    }
    swarm_batch_drop(seat);
}

// ---- calls

uint64_t swarm_timeout(struct swarm *s, struct swarm_seat *seat)
{
    if (s->healed_ns != HWI_NEVER) {
        return 20000;
    }
    if (swarm_chance(&seat->draw, s->traits.hurry)) {
        return swarm_between(&seat->draw, 20, HURRY_MOST_MS);
    }
    return swarm_between(&seat->draw, 10, 30) * 1000;
}

static void give_memory(const struct swarm *s, struct swarm_seat *seat, struct swarm_call *call)
{
    struct trainer_call *asked = &call->asked;
    uint32_t place = (uint32_t)swarm_below(&seat->draw, s->traits.peers);
    uint64_t spare = swarm_below(&seat->draw, 3);
    bool no_room = asked->room == (uint64_t)SWARM_NO_ROOM;
    call->in_place = swarm_chance(&seat->draw, 500) && !asked->unequal && !no_room;
    // The API refuses an all-gather that has not even room for the own elements
    uint64_t too_little = asked->kind == HWI_KIND_ALL_GATHER ? asked->count : 0;
    asked->room = no_room ? too_little : asked->count + spare;
    if (asked->kind == HWI_KIND_ALL_GATHER && !no_room) {
        asked->room += (asked->unequal ? SWARM_OWN_COUNTS * call->unequal_most : asked->count) *
                       s->traits.peers;
    }
    swarm_memory_give(seat, call, place);
}

// Of what is in flight in place a process holds a copy; of others' inputs what fits the scratch;
// and it keeps memory for the next ones.
static void note_copies(const struct swarm *s, struct swarm_seat *seat)
{
    uint64_t copies = 0;
    for (uint32_t i = 0; i < CALLS_MAX; i++) {
        uint64_t output = seat->calls[i].busy ? seat->calls[i].output_bytes : 0;
        copies += output + HWI_MIN(output * s->traits.peers, HWI_SCRATCH_BYTES_MAX);
    }
    seat->copies_most = HWI_MAX(seat->copies_most, copies);
}

struct swarm_call swarm_prepare(struct swarm *s, struct swarm_seat *seat,
                                const struct swarm_asked *what, uint64_t timeout_ms)
{
    struct swarm_call call = {.key = what->key,
                              .op = what->op,
                              .channel = what->channel,
                              .asked = what->call,
                              .unequal_most = what->call.unequal ? what->call.value : 0,
                              .order = seat->orders,
                              .made_ns = hwi_sim_now(s->sim),
                              .cancelled_ns = HWI_NEVER};
    call.asked.timeout_ms = timeout_ms;
    call.deadline_ns = call.made_ns + timeout_ms * HWI_NS_PER_MS;
    if (swarm_is_data(call.asked.kind)) {
        give_memory(s, seat, &call);
    }
    if (call.asked.kind == HWI_KIND_SYNC) {
        call.input_hash = swarm_state_hash(s, seat);
    }
    return call;
}

struct swarm_call *swarm_place(struct swarm *s, struct swarm_seat *seat,
                               const struct swarm_call *prepared)
{
    struct swarm_call *call = seat->calls;
    while (call->busy) {
        call++;
    }
    HWI_CHECK(call < seat->calls + CALLS_MAX);
    *call = *prepared;
    call->busy = true;
    call->alone = seat->busy == 0;
    call->order = seat->orders++;
    call->made_ns = hwi_sim_now(s->sim);
    seat->busy++;
    s->outcome->calls++;
    if (swarm_is_data(call->asked.kind)) {
        note_copies(s, seat);
    }
    return call;
}

struct swarm_call *swarm_call(struct swarm *s, struct swarm_seat *seat,
                              const struct swarm_asked *what)
{
    struct swarm_call prepared = swarm_prepare(s, seat, what, swarm_timeout(s, seat));
    struct swarm_call *call = swarm_place(s, seat, &prepared);
    call->request = trainer_call(s->sim, seat->node, &call->asked);
    bool operation = what->channel < CHANNEL_ADMIT; // what has a handle
    if (operation && s->healed_ns == HWI_NEVER && swarm_chance(&seat->draw, s->traits.cancel)) {
        uint64_t most = swarm_chance(&seat->draw, 500) ? CANCEL_SOON_NS : CANCEL_LATE_NS;
        swarm_timer_cancel(s, swarm_below(&seat->draw, most), seat, call->order);
    }
    return call;
}

void swarm_cancel(struct swarm *s, struct swarm_seat *seat, uint64_t order)
{
    for (uint32_t i = 0; i < CALLS_MAX; i++) {
        struct swarm_call *call = &seat->calls[i];
        if (call->busy && call->order == order && !seat->frozen && swarm_alive(s, seat)) {
            hwi_sim_cancel(s->sim, seat->node, call->request);
            call->cancelled_ns = hwi_sim_now(s->sim);
        }
    }
}

// ---- a round

// Once in its round for each operation: the second try is as the others'.
static bool is_deviant(struct swarm_seat *seat, const struct swarm_round_op *op, uint32_t index)
{
    if (seat->deviant_round != seat->round) {
        seat->deviant_round = seat->round;
        seat->deviated = 0;
    }
    bool first = (seat->deviated >> index & 1) == 0;
    seat->deviated |= 1u << index;
    return first && op->deviant == seat->node;
}

static uint64_t root_of(const struct swarm_seat *seat, uint32_t place)
{
    return seat->member_count > 0 ? seat->members[place % seat->member_count] : seat->peer;
}

static struct trainer_call asked_of(const struct swarm_seat *seat, const struct swarm_round_op *op,
                                    uint64_t key)
{
    struct trainer_call asked = {.kind = op->kind,
                                 .dtype = op->dtype,
                                 .redop = op->redop,
                                 .retry = op->retry,
                                 .plan = op->plan,
                                 .unequal = op->unequal,
                                 .tag = op->tag,
                                 .count = op->count};
    if (op->kind == HWI_KIND_BROADCAST) {
        asked.root = root_of(seat, op->root);
    }
    if (op->unequal) {
        asked.count = swarm_own_count(seat->incarnation, key, op->count);
        asked.value = op->count;
    }
    return asked;
}

// The operation as this trainer calls it, `deviant` or not.
static struct swarm_asked ask(struct swarm_seat *seat, const struct swarm_round_op *op,
                              uint32_t index, bool deviant)
{
    uint64_t key = hwi_kind_is_run_wide(op->kind) ? RUN_KEY : swarm_key(seat, index);
    struct swarm_asked what = {.key = key, .op = index, .call = asked_of(seat, op, key)};
    if (deviant) {
        swarm_deviate(seat, &what.call);
    }
    if (what.call.kind == HWI_KIND_AGREE || what.call.kind == HWI_KIND_AGREE_RUN) {
        what.call.value = swarm_vote(seat->incarnation, key);
    }
    bool odd = hwi_kind_is_run_wide(what.call.kind) != hwi_kind_is_run_wide(op->kind);
    what.channel = odd ? CHANNEL_ODD : (uint32_t)op->tag;
    seat->launched |= 1u << index;
    return what;
}

static void launch_one(struct swarm *s, struct swarm_seat *seat, const struct swarm_round_op *op,
                       uint32_t index)
{
    bool deviant = is_deviant(seat, op, index);
    if (deviant && seat->busy == 0 && swarm_chance(&seat->draw, WHOLE_CHANCE)) {
        swarm_whole(s, seat, swarm_chance(&seat->draw, 500) ? HWI_KIND_ADMIT : HWI_KIND_SYNC);
        return;
    }
    struct swarm_asked what = ask(seat, op, index, deviant);
    swarm_call(s, seat, &what);
}

// One hws_batch of all that is left of the round, but for the vote that ends it. False: that is all
// that is left.
static bool launch_batch(struct swarm *s, struct swarm_seat *seat, const struct swarm_round_op *ops,
                         uint32_t count)
{
    struct swarm_asked left[ROUND_OPS_MAX];
    uint32_t left_count = 0;
    for (uint32_t index = 0; index < count; index++) {
        bool open = ((seat->done | seat->launched) >> index & 1) == 0;
        if (open && ops[index].tag != CHANNEL_RUN) {
            bool deviant = is_deviant(seat, &ops[index], index);
            left[left_count++] = ask(seat, &ops[index], index, deviant);
            left[left_count - 1].call.retry = 1;
        }
    }
    if (left_count > 0) {
        swarm_batch_begin(s, seat, left, left_count);
    }
    return left_count > 0;
}

// The call that ends the round comes alone, after all others.
static bool may_launch(const struct swarm_seat *seat, const struct swarm_round_op *op,
                       uint32_t index)
{
    for (uint32_t i = 0; i < CALLS_MAX; i++) {
        if (seat->calls[i].busy && seat->calls[i].channel >= CHANNEL_ADMIT) {
            return false; // a mistake: nothing else is in flight with it
        }
    }
    bool open = ((seat->done | seat->launched) >> index & 1) == 0;
    return open && (op->tag != CHANNEL_RUN || seat->done + 1 == 1u << index);
}

// In flight at once: `window` of them. On a tag they go in the program's order; tags are begun in
// an order of the trainer's own where all fit in the window (else members would wait for each
// other).
void swarm_launch(struct swarm *s, struct swarm_seat *seat)
{
    uint32_t count = swarm_round_ops(s, seat->round);
    if ((seat->done | seat->launched) + 1 == 1u << count || seat->busy >= s->traits.window) {
        return;
    }
    struct swarm_round_op ops[ROUND_OPS_MAX + 1];
    for (uint32_t index = 0; index < count; index++) {
        swarm_round_op(s, seat->round, index, &ops[index]);
    }
    if (swarm_batches(s, seat->round) && launch_batch(s, seat, ops, count)) {
        return;
    }
    uint32_t own = (uint32_t)swarm_below(&seat->draw, CHANNELS);
    uint32_t skew = s->traits.window >= count ? own : seat->round % CHANNELS;
    for (uint32_t i = 0; i < CHANNELS; i++) {
        for (uint32_t index = 0; index < count && seat->busy < s->traits.window; index++) {
            if (ops[index].tag == (i + skew) % CHANNELS && may_launch(seat, &ops[index], index)) {
                launch_one(s, seat, &ops[index], index);
            }
        }
    }
}
