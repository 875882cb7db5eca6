// SPDX-License-Identifier: MIT
// Mistakes of a trainer: another call than the others make at that place of the tag's sequence.
#include "tools/swarm/crew.h"

static bool reduces(uint8_t kind)
{
    return kind == HWI_KIND_ALL_REDUCE || kind == HWI_KIND_REDUCE_SCATTER;
}

static bool change_count(struct swarm_seat *seat, struct trainer_call *asked)
{
    asked->count += swarm_between(&seat->draw, 1, 9);
    return swarm_is_data(asked->kind) && !asked->unequal;
}

static bool change_dtype(struct swarm_seat *seat, struct trainer_call *asked)
{
    (void)seat;
    asked->dtype = asked->dtype == HWS_F32 ? HWS_F64 : HWS_F32;
    return swarm_is_data(asked->kind);
}

static bool change_redop(struct swarm_seat *seat, struct trainer_call *asked)
{
    (void)seat;
    asked->redop = asked->redop == HWS_SUM ? HWS_AVG : HWS_SUM;
    return reduces(asked->kind) || asked->kind == HWI_KIND_AGREE ||
           asked->kind == HWI_KIND_AGREE_RUN; // AND and MIN are 1 and 2, too
}

static bool change_plan(struct swarm_seat *seat, struct trainer_call *asked)
{
    (void)seat;
    asked->plan = asked->plan == HWI_PLAN_DIRECT ? HWI_PLAN_ONE_SHOT : HWI_PLAN_DIRECT;
    return swarm_is_data(asked->kind);
}

static bool change_root(struct swarm_seat *seat, struct trainer_call *asked)
{
    uint64_t before = asked->root;
    asked->root = seat->peer;
    return asked->kind == HWI_KIND_BROADCAST && before != seat->peer;
}

// No other call, but one that fails for all.
static bool change_room(struct swarm_seat *seat, struct trainer_call *asked)
{
    (void)seat;
    asked->room = (uint64_t)SWARM_NO_ROOM;
    return asked->kind == HWI_KIND_REDUCE_SCATTER || asked->kind == HWI_KIND_ALL_GATHER;
}

// Another collective, or a vote where the others have a collective, or the other way round.
static bool change_kind(struct swarm_seat *seat, struct trainer_call *asked)
{
    static const uint8_t kinds[] = {
        HWI_KIND_ALL_REDUCE, HWI_KIND_REDUCE_SCATTER, HWI_KIND_ALL_GATHER, HWI_KIND_BROADCAST,
        HWI_KIND_AGREE,      HWI_KIND_BARRIER,        HWI_KIND_AGREE_RUN,  HWI_KIND_BARRIER_RUN};
    uint8_t before = asked->kind;
    // A member that is alone in its group cannot differ from another
    size_t among = seat->member_count > 1 ? HWI_COUNT(kinds) : HWI_COUNT(kinds) - 2;
    struct trainer_call other = {
        .kind = kinds[swarm_below(&seat->draw, among)], .retry = asked->retry, .tag = asked->tag};
    if (swarm_is_data(other.kind)) {
        other.dtype = (uint8_t)swarm_between(&seat->draw, HWS_U8, HWS_F64);
        other.count = swarm_between(&seat->draw, 1, 100);
        other.root = other.kind == HWI_KIND_BROADCAST ? seat->peer : 0;
    }
    bool agrees = other.kind == HWI_KIND_AGREE || other.kind == HWI_KIND_AGREE_RUN;
    other.redop = reduces(other.kind) ? HWS_MAX : agrees ? HWI_AGREE_MIN : 0;
    *asked = other;
    return before != other.kind;
}

void swarm_deviate(struct swarm_seat *seat, struct trainer_call *asked)
{
    static bool (*const ways[])(struct swarm_seat *, struct trainer_call *) = {
        change_count, change_dtype, change_redop, change_plan,
        change_root,  change_room,  change_kind,  change_kind};
    for (bool done = false; !done;) {
        struct trainer_call other = *asked;
        done = ways[swarm_below(&seat->draw, HWI_COUNT(ways))](seat, &other);
        *asked = done ? other : *asked;
    }
}
