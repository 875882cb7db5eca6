// SPDX-License-Identifier: MIT
// What trainers ask: calls with their buffers, and the operations of a round.
#include "tools/swarm/crew.h"

#include <xxhash.h>

#include <string.h>

enum { GUARD_BYTES = 32, GUARD = 0xa5, HURRY_MOST_MS = 1500 };

uint64_t swarm_key(const struct seat *seat, uint32_t op)
{
    return (uint64_t)seat->round << ROUND_SHIFT | op;
}

// ---- buffers: guard, input, guard, and out of place output, guard

unsigned char *swarm_input(const struct call *call)
{
    return call->memory + GUARD_BYTES + call->order % 8; // alignments differ
}

unsigned char *swarm_output(const struct call *call)
{
    return (unsigned char *)call->asked.output;
}

static size_t buffers_of(const struct call *call)
{
    return call->asked.input == call->asked.output ? 1 : 2;
}

static size_t memory_of(const struct call *call)
{
    return 8 + GUARD_BYTES + buffers_of(call) * (call->bytes + GUARD_BYTES);
}

bool swarm_guards_hold(const struct call *call)
{
    const unsigned char *at = swarm_input(call);
    bool hold = at[-1] == GUARD;
    for (size_t i = 0; i < buffers_of(call); i++) {
        at += call->bytes;
        for (size_t j = 0; j < GUARD_BYTES; j++) {
            hold &= at[j] == GUARD;
        }
        at += GUARD_BYTES;
    }
    return hold;
}

static void give_buffers(struct seat *seat, struct call *call, bool in_place)
{
    call->bytes = call->asked.count * hws_dtype_bytes((hws_dtype)call->asked.dtype);
    size_t most = 8 + GUARD_BYTES + 2 * (call->bytes + GUARD_BYTES);
    call->memory = hwi_resize(&hwi_alloc_libc, NULL, most);
    memset(call->memory, GUARD, most);
    unsigned char *input = swarm_input(call);
    call->asked.input = input;
    call->asked.output = in_place ? input : input + call->bytes + GUARD_BYTES;
    HWI_CHECK(memory_of(call) <= most);
    swarm_fill(&call->asked, seat->incarnation, call->key, input);
    call->input_hash = XXH3_64bits(input, call->bytes);
}

void swarm_call_free(struct seat *seat, struct call *call)
{
    hwi_free(&hwi_alloc_libc, call->memory);
    seat->answered[call->order % ANSWERED_MAX] = call->asked;
    *call = (struct call){0};
    seat->busy--;
}

void swarm_calls_drop(struct seat *seat)
{
    for (uint32_t i = 0; i < CALLS_MAX; i++) {
        if (seat->calls[i].busy) {
            swarm_call_free(seat, &seat->calls[i]);
        }
    }
}

// ---- calls

static uint64_t timeout_of(struct swarm *s, struct seat *seat)
{
    if (s->healed_ns != HWI_NEVER) {
        return 20000;
    }
    if (swarm_chance(&seat->draw, s->traits.hurry)) {
        return swarm_between(&seat->draw, 20, HURRY_MOST_MS);
    }
    return swarm_between(&seat->draw, 10, 30) * 1000;
}

struct call *swarm_call(struct swarm *s, struct seat *seat, uint32_t channel, uint64_t key,
                        uint32_t op, const struct hwi_sim_call *asked)
{
    struct call *call = seat->calls;
    while (call->busy) {
        call++;
    }
    HWI_CHECK(call < seat->calls + CALLS_MAX);
    *call = (struct call){.busy = true,
                          .key = key,
                          .op = op,
                          .channel = channel,
                          .asked = *asked,
                          .order = seat->orders++,
                          .made_ns = hwi_sim_now(s->sim)};
    seat->busy++;
    call->asked.timeout_ms = timeout_of(s, seat);
    call->deadline_ns = call->made_ns + call->asked.timeout_ms * HWI_NS_PER_MS;
    if (asked->kind == HWI_KIND_ALL_REDUCE) {
        give_buffers(seat, call, swarm_chance(&seat->draw, 500));
    }
    call->request = hwi_sim_call(s->sim, seat->node, &call->asked);
    s->outcome->calls++;
    return call;
}

// ---- a round

// Once in its round for each operation: the second try is as the others'.
static bool is_deviant(struct seat *seat, const struct round_op *op, uint32_t index)
{
    if (seat->deviant_round != seat->round) {
        seat->deviant_round = seat->round;
        seat->deviated = 0;
    }
    bool first = (seat->deviated >> index & 1) == 0;
    seat->deviated |= 1u << index;
    return first && op->deviant == seat->node;
}

// Something else than the others call.
static void deviate(struct seat *seat, struct hwi_sim_call *asked)
{
    uint64_t how = swarm_below(&seat->draw, 4);
    if (asked->kind == HWI_KIND_AGREE) {
        asked->redop = asked->redop == HWI_AGREE_AND ? HWI_AGREE_MIN : HWI_AGREE_AND;
    } else if (how == 0) {
        asked->redop = asked->redop == HWS_SUM ? HWS_AVG : HWS_SUM;
    } else if (how == 1) {
        asked->dtype = asked->dtype == HWS_F32 ? HWS_F64 : HWS_F32;
    } else if (how == 2) {
        asked->plan = asked->plan == HWI_PLAN_DIRECT ? HWI_PLAN_ONE_SHOT : HWI_PLAN_DIRECT;
    } else {
        asked->count += swarm_between(&seat->draw, 1, 9);
    }
}

static void launch_one(struct swarm *s, struct seat *seat, const struct round_op *op,
                       uint32_t index)
{
    uint64_t key = swarm_key(seat, index);
    struct hwi_sim_call asked = {.kind = op->kind,
                                 .dtype = op->dtype,
                                 .redop = op->redop,
                                 .retry = op->retry,
                                 .plan = op->plan,
                                 .tag = op->tag,
                                 .count = op->count};
    if (is_deviant(seat, op, index)) {
        deviate(seat, &asked);
    }
    if (op->kind == HWI_KIND_AGREE) {
        asked.value = swarm_vote(seat->incarnation, key);
    }
    seat->launched |= 1u << index;
    swarm_call(s, seat, (uint32_t)op->tag, key, index, &asked);
}

// In flight at once: `window` of them. On a tag they go in the program's order; tags are begun in
// an order of the trainer's own where all fit in the window (else members would wait for each
// other).
void swarm_launch(struct swarm *s, struct seat *seat)
{
    uint32_t count = swarm_round_ops(s, seat->round);
    if ((seat->done | seat->launched) + 1 == 1u << count || seat->busy >= s->traits.window) {
        return;
    }
    struct round_op ops[ROUND_OPS_MAX];
    for (uint32_t index = 0; index < count; index++) {
        swarm_round_op(s, seat->round, index, &ops[index]);
    }
    uint32_t own = (uint32_t)swarm_below(&seat->draw, CHANNELS);
    uint32_t skew = s->traits.window >= count ? own : seat->round % CHANNELS;
    for (uint32_t i = 0; i < CHANNELS; i++) {
        for (uint32_t index = 0; index < count && seat->busy < s->traits.window; index++) {
            bool open = ((seat->done | seat->launched) >> index & 1) == 0;
            if (open && ops[index].tag == (i + skew) % CHANNELS) {
                launch_one(s, seat, &ops[index], index);
            }
        }
    }
}
