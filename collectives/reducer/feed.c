// SPDX-License-Identifier: MIT
#include "collectives/reducer/feed.h"

#include <hawser/types.h>

#include "actors/base/dtype.h"
#include "collectives/reducer/grant.h"
#include "collectives/reducer/layout.h"
#include "collectives/reducer/reducer.h"

// ---- calls --------------------------------------------------------------------------------------

static bool signatures_equal(const struct hwi_signature *a, const struct hwi_signature *b)
{
    return a->kind == b->kind && a->dtype == b->dtype && a->redop == b->redop &&
           a->plan == b->plan && a->root == b->root && a->unequal == b->unequal &&
           (a->unequal || a->count == b->count);
}

// The smaller peer id comes first, so that both sides report the same fault.
static void report_mismatch(const struct hwi_reducer *reducer, struct hwi_collective *collective,
                            uint32_t rank, const struct hwi_msg_call *call,
                            struct hwi_effects *effects)
{
    bool self_first = reducer->self < rank;
    struct hwi_msg_op_fault *message = HWI_EMIT(effects, hwi_to_peer(), op_fault);
    message->op = collective->op;
    struct hwi_fault *fault = &message->fault;
    fault->status = HWS_E_MISMATCH;
    fault->kind = hwi_channel_kind(collective->op.kind);
    fault->tag = collective->op.tag;
    fault->peer_a = reducer->members[self_first ? reducer->self : rank];
    fault->peer_b = reducer->members[self_first ? rank : reducer->self];
    fault->signature_a = self_first ? collective->signature : call->signature;
    fault->signature_b = self_first ? call->signature : collective->signature;
    collective->state = HWI_COLLECTIVE_FAULTED;
}

void hwi_feed_called(struct hwi_reducer *reducer, struct hwi_collective *collective, uint32_t rank,
                     const struct hwi_msg_call *call, struct hwi_effects *effects)
{
    struct hwi_collective_edge *edge = &collective->edges[rank];
    const struct hwi_signature *signature = &call->signature;
    if (edge->called || collective->state >= HWI_COLLECTIVE_FAULTED) {
        return;
    }
    if (!signatures_equal(&collective->signature, signature)) {
        report_mismatch(reducer, collective, rank, call, effects);
        return;
    }
    edge->called = true;
    uint32_t ahead = hwi_collective_hop(collective, 1, rank)->open;
    if (ahead > 0) {
        struct hwi_run run = hwi_collective_run_to(collective, 1, rank);
        reducer->ahead_bytes[rank] -= (uint32_t)hwi_layout_bytes(collective, run, ahead);
    }
    if (signature->unequal) {
        collective->shape.begin[rank + 1] = hwi_dtype_bytes(signature->dtype, signature->count);
    }
    if (--collective->calls_due == 0) {
        collective->waits.called_ns = reducer->now_ns;
    }
    hwi_feed_granted(collective, 1, rank, call->granted);
    hwi_grant_caller(reducer, collective, rank, effects);
}

void hwi_feed_granted(struct hwi_collective *collective, uint32_t phase, uint32_t rank,
                      uint32_t granted)
{
    struct hwi_collective_hop *hop = hwi_collective_hop(collective, phase, rank);
    hop->granted = HWI_MAX(hop->granted, granted);
}

// ---- what may go --------------------------------------------------------------------------------

// How many chunks may go to a member that has not called: no more than it will grant at first, and
// no more than it keeps room for. Asked once, when nothing has been sent.
static uint32_t eager_limit(const struct hwi_reducer *reducer,
                            const struct hwi_collective *collective, uint32_t rank,
                            struct hwi_run run)
{
    const struct hwi_plan_shape *shape = &collective->shape;
    struct hwi_plan_phase there = shape->ops->phase(shape, 1, rank);
    uint32_t window = hwi_layout_window(collective, &there, run.chunks);
    uint64_t room = HWI_EAGER_BYTES_MAX - reducer->ahead_bytes[rank];
    uint32_t limit = 0;
    while (limit < window && hwi_layout_bytes(collective, run, limit + 1) <= room) {
        limit++;
    }
    return limit;
}

// A chunk of the stage is complete only when something of it has come from the member. So it has
// called, even if its call is still under way on another stripe.
static bool takes_part(const struct hwi_collective *collective, uint32_t stage, uint32_t rank)
{
    bool part = false;
    for (uint32_t phase = stage; phase <= collective->shape.phases && !part; phase++) {
        part = hwi_collective_phase(collective, phase).stage == stage &&
               hwi_collective_run_from(collective, phase, rank).chunks > 0;
    }
    return part;
}

// How many chunks of the run to the member may go, when they are there.
static uint32_t limit_of(const struct hwi_reducer *reducer, const struct hwi_collective *collective,
                         uint32_t phase, uint32_t after, uint32_t rank, struct hwi_run run)
{
    const struct hwi_plan_shape *shape = &collective->shape;
    bool called = collective->edges[rank].called;
    bool told = phase == 1 || collective->signature.unequal ||
                shape->ops->phase(shape, phase, rank).stage != 0;
    if (told && called) {
        return HWI_MIN(hwi_collective_hop(collective, phase, rank)->granted, run.chunks);
    }
    if (phase == 1) {
        return eager_limit(reducer, collective, rank, run);
    }
    bool ready = called || (after != 0 && takes_part(collective, after, rank));
    return ready && !told ? run.chunks : 0;
}

// ---- sending ------------------------------------------------------------------------------------

static void send(const struct hwi_reducer *reducer, const struct hwi_collective *collective,
                 uint32_t phase, const struct hwi_spot *from, uint32_t rank, uint32_t first,
                 uint32_t chunks, struct hwi_effects *effects)
{
    struct hwi_msg_send *message = HWI_EMIT(effects, hwi_to_data(), send);
    message->op = collective->op;
    message->phase = (uint8_t)phase;
    message->to = reducer->members[rank];
    message->first = first;
    message->chunks = chunks;
    message->place = (uint8_t)from->place;
    if (from->place == HWI_PLACE_SCRATCH) {
        message->slot_phase = (uint8_t)from->phase;
        message->slot_from = reducer->members[from->rank];
    }
}

// The complete ones of chunks [begin, end) of a run that comes after a stage.
static void send_complete(const struct hwi_reducer *reducer,
                          const struct hwi_collective *collective, uint32_t phase,
                          const struct hwi_plan_phase *seen, uint32_t rank, struct hwi_run run,
                          uint32_t begin, uint32_t end, struct hwi_effects *effects)
{
    const struct hwi_stage *stage = &collective->stages[seen->after - 1];
    HWI_CHECK(run.first == stage->first && run.chunks == stage->ledger.count);
    uint32_t low = HWI_MIN(HWI_MAX(stage->ledger.low, begin), end);
    if (low > begin) {
        send(reducer, collective, phase, &seen->from, rank, run.first + begin, low - begin,
             effects);
    }
    for (uint32_t chunk = low; chunk < end && chunk < stage->ledger.granted; chunk++) {
        if (hwi_ledger_complete(&stage->ledger, chunk)) {
            send(reducer, collective, phase, &seen->from, rank, run.first + chunk, 1, effects);
        }
    }
}

static void feed_phase(struct hwi_reducer *reducer, struct hwi_collective *collective,
                       uint32_t phase, uint32_t rank, struct hwi_run run,
                       struct hwi_effects *effects)
{
    struct hwi_collective_hop *hop = hwi_collective_hop(collective, phase, rank);
    struct hwi_plan_phase seen = hwi_collective_phase(collective, phase);
    uint32_t limit = limit_of(reducer, collective, phase, seen.after, rank, run);
    if (limit <= hop->open) {
        return;
    }
    if (seen.after != 0) {
        send_complete(reducer, collective, phase, &seen, rank, run, hop->open, limit, effects);
    } else {
        send(reducer, collective, phase, &seen.from, rank, run.first + hop->open, limit - hop->open,
             effects);
    }
    if (phase == 1 && !collective->edges[rank].called) { // nothing was sent before
        reducer->ahead_bytes[rank] += (uint32_t)hwi_layout_bytes(collective, run, limit);
    }
    hop->open = limit;
}

// Counts the time in which some member does not let come what waits for it.
static void note_stall(struct hwi_waits *waits, struct hwi_collective_edge *edge, bool stalled,
                       uint64_t now_ns)
{
    if (stalled == edge->stalled) {
        return;
    }
    edge->stalled = stalled;
    if (stalled && waits->stalled++ == 0) {
        waits->stalled_from_ns = now_ns;
    }
    if (!stalled && --waits->stalled == 0) {
        waits->stalled_ns += now_ns - waits->stalled_from_ns;
    }
}

void hwi_feed_member(struct hwi_reducer *reducer, struct hwi_collective *collective, uint32_t rank,
                     struct hwi_effects *effects)
{
    struct hwi_collective_edge *edge = &collective->edges[rank];
    bool behind = false;
    if (!hwi_collective_is_known(collective)) {
        return;
    }
    for (uint32_t phase = 1; phase <= collective->shape.phases; phase++) {
        struct hwi_run run = hwi_collective_run_to(collective, phase, rank);
        if (run.chunks == 0) {
            continue;
        }
        feed_phase(reducer, collective, phase, rank, run, effects);
        behind = behind || (hwi_collective_phase(collective, phase).after == 0 &&
                            hwi_collective_hop(collective, phase, rank)->open < run.chunks);
    }
    note_stall(&collective->waits, edge, edge->called && behind, reducer->now_ns);
}

void hwi_feed_all(struct hwi_reducer *reducer, struct hwi_collective *collective,
                  struct hwi_effects *effects)
{
    for (uint32_t i = 0; i + 1 < reducer->world; i++) {
        hwi_feed_member(reducer, collective, hwi_reducer_other(reducer, i), effects);
    }
}

void hwi_feed_on(const struct hwi_reducer *reducer, const struct hwi_collective *collective,
                 uint32_t stage, uint32_t chunk, struct hwi_effects *effects)
{
    for (uint32_t phase = stage + 1; phase <= collective->shape.phases; phase++) {
        struct hwi_plan_phase seen = hwi_collective_phase(collective, phase);
        for (uint32_t i = 0; seen.after == stage && i + 1 < reducer->world; i++) {
            uint32_t rank = hwi_reducer_other(reducer, i);
            struct hwi_run run = hwi_collective_run_to(collective, phase, rank);
            if (chunk < run.first ||
                chunk - run.first >= hwi_collective_hop(collective, phase, rank)->open) {
                continue;
            }
            send(reducer, collective, phase, &seen.from, rank, chunk, 1, effects);
        }
    }
}
