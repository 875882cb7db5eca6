// SPDX-License-Identifier: MIT
#include "collectives/reducer/collective.h"
#include "collectives/reducer/feed.h"
#include "collectives/reducer/grant.h"
#include "collectives/reducer/handlers.h"
#include "collectives/reducer/reducer.h"

// The phases of which the operands' slots are, where they are not all the first.
static void name_phases(const struct hwi_collective *collective, uint32_t stage,
                        struct hwi_msg_reduce *message, struct hwi_effects *effects)
{
    const struct hwi_plan_shape *shape = &collective->shape;
    uint32_t count = message->operands_count;
    message->phases = hwi_effects_memory(effects, count * sizeof *message->phases);
    message->phases_count = count;
    for (uint32_t i = 0; i < count; i++) {
        message->phases[i].value = shape->ops->operand(shape, stage, collective->self, i).phase;
    }
}

// All that is combined in the chunk is here.
static void make(const struct hwi_reducer *reducer, const struct hwi_collective *collective,
                 uint32_t stage, uint32_t chunk, struct hwi_effects *effects)
{
    const struct hwi_plan_shape *shape = &collective->shape;
    struct hwi_plan_work work = shape->ops->work(shape, stage, collective->self);
    bool first = true;
    if (work.operands == 0) {
        return;
    }
    struct hwi_id *operands = hwi_effects_memory(effects, work.operands * sizeof *operands);
    for (uint32_t i = 0; i < work.operands; i++) {
        struct hwi_spot spot = shape->ops->operand(shape, stage, collective->self, i);
        bool own = spot.place == HWI_PLACE_INPUT;
        operands[i].value = own ? HWI_OPERAND_SELF : reducer->members[spot.rank];
        first = first && (own || spot.phase == 1);
    }
    struct hwi_msg_reduce *message = HWI_EMIT(effects, hwi_to_data(), reduce);
    message->op = collective->op;
    message->chunk = chunk;
    message->operands = operands;
    message->operands_count = work.operands;
    message->divisor = work.divisor;
    if (work.into.place == HWI_PLACE_SCRATCH) {
        message->into_phase = (uint8_t)work.into.phase;
        message->into_from = reducer->members[work.into.rank];
    }
    if (!first) {
        name_phases(collective, stage, message, effects);
    }
}

static void stage_came(const struct hwi_reducer *reducer, struct hwi_collective *collective,
                       uint32_t number, uint32_t chunk, struct hwi_effects *effects)
{
    struct hwi_stage *stage = &collective->stages[number - 1];
    HWI_CHECK(chunk >= stage->first);
    if (!hwi_ledger_arrive(&stage->ledger, chunk - stage->first)) {
        return;
    }
    make(reducer, collective, number, chunk, effects);
    hwi_feed_on(reducer, collective, number, chunk, effects);
    hwi_grant_more(reducer, collective, number, effects);
}

static void final_came(struct hwi_collective *collective, struct hwi_run run, uint32_t chunk)
{
    HWI_CHECK(chunk >= run.first && chunk - run.first < run.chunks);
    HWI_CHECK(collective->chunks_due > 0);
    collective->chunks_due--;
}

void hwi_reducer_on_chunk(void *state, const struct hwi_event *event, struct hwi_effects *effects)
{
    struct hwi_reducer *reducer = state;
    const struct hwi_msg_chunk *message = &event->msg->u.chunk;
    uint32_t rank;
    struct hwi_collective *collective = hwi_collective_find(reducer, message->op);
    HWI_CHECK(collective != NULL);
    if (collective->state != HWI_COLLECTIVE_RUNNING) {
        return;
    }
    HWI_CHECK(hwi_reducer_rank(reducer, message->from, &rank));
    HWI_CHECK(message->phase >= 1 && message->phase <= collective->shape.phases);
    uint32_t stage = hwi_collective_phase(collective, message->phase).stage;
    if (stage != 0) {
        stage_came(reducer, collective, stage, message->chunk, effects);
    } else {
        final_came(collective, hwi_collective_run_from(collective, message->phase, rank),
                   message->chunk);
    }
    hwi_collective_finish(collective, effects);
}
