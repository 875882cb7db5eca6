// SPDX-License-Identifier: MIT
// The meaning of plans: their answers alone say what each member's output holds in the
// end, and whether that is what the collective promises, and that the door's rules hold. No
// reducer, no data port. A plan of another choose.c is judged in the same way.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hawser/types.h>

#include "collectives/plans/plan.h"

enum { WORLD_MAX = 9 };

// Ranks whose inputs are combined, in order, and by how many they were divided.
struct value {
    uint32_t count, divisor;
    uint32_t who[4 * WORLD_MAX];
};

static bool holds(struct hwi_run run, uint32_t chunk)
{
    return chunk >= run.first && chunk - run.first < run.chunks;
}

static void append(struct value *value, const struct value *more)
{
    assert_true(value->count + more->count <= HWI_COUNT(value->who));
    assert_int_equal(more->divisor, 0); // an average is no operand
    memcpy(&value->who[value->count], more->who, more->count * sizeof more->who[0]);
    value->count += more->count;
}

// ---- where a chunk comes from -------------------------------------------------------------------

static struct value sent(const struct hwi_plan_shape *shape, uint32_t phase, uint32_t from,
                         uint32_t to, uint32_t chunk);

// The value that a member computes for a chunk of a stage.
static struct value made(const struct hwi_plan_shape *shape, uint32_t stage, uint32_t self,
                         uint32_t chunk)
{
    struct hwi_plan_work work = shape->ops->work(shape, stage, self);
    struct value value = {0};
    assert_in_range(work.operands, 1, shape->world);
    for (uint32_t i = 0; i < work.operands; i++) {
        struct hwi_spot spot = shape->ops->operand(shape, stage, self, i);
        struct value one = {.count = 1, .who = {self}};
        if (spot.place == HWI_PLACE_SCRATCH) {
            struct hwi_plan_phase came = shape->ops->phase(shape, spot.phase, self);
            assert_true(came.scratch && came.stage == stage);
            one = sent(shape, spot.phase, spot.rank, self, chunk);
        } else {
            assert_int_equal(spot.place, HWI_PLACE_INPUT);
        }
        append(&value, &one);
    }
    value.divisor = work.divisor;
    return value;
}

// The contents of the output when the stage's chunk is complete.
static struct value in_output(const struct hwi_plan_shape *shape, uint32_t stage, uint32_t self,
                              uint32_t chunk)
{
    struct hwi_plan_work work = shape->ops->work(shape, stage, self);
    if (work.operands > 0 && work.into.place == HWI_PLACE_OUTPUT) {
        return made(shape, stage, self, chunk);
    }
    for (uint32_t phase = stage; phase <= shape->phases; phase++) {
        struct hwi_plan_phase came = shape->ops->phase(shape, phase, self);
        for (uint32_t rank = 0; rank < shape->world; rank++) {
            if (came.stage == stage && !came.scratch &&
                holds(shape->ops->run(shape, phase, rank, self), chunk)) {
                return sent(shape, phase, rank, self, chunk);
            }
        }
    }
    fail_msg("phase after %u of rank %u: nothing is in its output", stage, self);
    return (struct value){0};
}

static struct value sent(const struct hwi_plan_shape *shape, uint32_t phase, uint32_t from,
                         uint32_t to, uint32_t chunk)
{
    struct hwi_plan_phase goes = shape->ops->phase(shape, phase, from);
    struct value value = {.count = 1, .who = {from}};
    assert_true(from != to && holds(shape->ops->run(shape, phase, from, to), chunk));
    assert_true(goes.after < phase);
    if (goes.from.place == HWI_PLACE_OUTPUT) {
        return in_output(shape, goes.after, from, chunk);
    }
    if (goes.from.place != HWI_PLACE_SCRATCH) {
        assert_int_equal(goes.after, 0);
        return value;
    }
    struct hwi_plan_work work = shape->ops->work(shape, goes.after, from);
    bool partial = work.operands > 0 && work.into.place == HWI_PLACE_SCRATCH &&
                   work.into.phase == goes.from.phase && work.into.rank == goes.from.rank;
    return partial ? made(shape, goes.after, from, chunk)
                   : sent(shape, goes.from.phase, goes.from.rank, from, chunk);
}

// ---- what each output holds ---------------------------------------------------------------------

// A stage's run; every way that leads to it, and every way from it, must be the same.
static struct hwi_run stage_run(const struct hwi_plan_shape *shape, uint32_t stage, uint32_t self)
{
    struct hwi_run all = {0};
    for (uint32_t phase = 1; phase <= shape->phases; phase++) {
        struct hwi_plan_phase seen = shape->ops->phase(shape, phase, self);
        for (uint32_t rank = 0; rank < shape->world; rank++) {
            struct hwi_run in = shape->ops->run(shape, phase, rank, self);
            if (seen.stage == stage && in.chunks > 0) {
                assert_true(phase >= stage);
                assert_true(all.chunks == 0 || (all.first == in.first && all.chunks == in.chunks));
                all = in;
            }
        }
    }
    for (uint32_t phase = 1; phase <= shape->phases; phase++) {
        struct hwi_plan_phase seen = shape->ops->phase(shape, phase, self);
        for (uint32_t rank = 0; rank < shape->world; rank++) {
            struct hwi_run out = shape->ops->run(shape, phase, self, rank);
            if (seen.after == stage && out.chunks > 0) {
                assert_true(out.first == all.first && out.chunks == all.chunks);
            }
        }
    }
    return all;
}

// How often a chunk of a member's output is written, and with what.
static uint32_t written(const struct hwi_plan_shape *shape, uint32_t self, uint32_t chunk,
                        struct value *value)
{
    uint32_t times = 0;
    if (holds(shape->ops->copied(shape, self), chunk)) {
        *value = (struct value){.count = 1, .who = {self}};
        times++;
    }
    for (uint32_t phase = 1; phase <= shape->phases; phase++) {
        struct hwi_plan_phase came = shape->ops->phase(shape, phase, self);
        for (uint32_t rank = 0; rank < shape->world; rank++) {
            if (!came.scratch && holds(shape->ops->run(shape, phase, rank, self), chunk)) {
                *value = sent(shape, phase, rank, self, chunk);
                times++;
            }
        }
        struct hwi_plan_work work = {0};
        if (came.stage == phase && holds(stage_run(shape, phase, self), chunk)) {
            work = shape->ops->work(shape, phase, self);
        }
        if (work.operands > 0 && work.into.place == HWI_PLACE_OUTPUT) {
            *value = made(shape, phase, self, chunk);
            times++;
        }
    }
    return times;
}

static uint32_t region_of(const struct hwi_plan_shape *shape, uint32_t chunk)
{
    uint32_t rank = 0;
    while (shape->first[rank + 1] <= chunk) {
        rank++;
    }
    return rank;
}

static void check_all_once(const struct hwi_plan_shape *shape, const struct value *value)
{
    uint32_t seen = 0;
    for (uint32_t i = 0; i < value->count; i++) {
        seen |= 1u << value->who[i];
    }
    assert_int_equal(value->count, shape->world);
    assert_int_equal(seen, (1u << shape->world) - 1);
    assert_int_equal(value->divisor,
                     shape->redop == HWS_AVG && shape->world > 1 ? shape->world : 0);
}

// The expected contents of a member's chunk; `same`: those of another member's, once known.
static void check_chunk(const struct hwi_plan_shape *shape, uint32_t self, uint32_t chunk,
                        struct value *same)
{
    struct value value = {0};
    uint32_t times = written(shape, self, chunk, &value);
    bool mine = shape->kind != HWI_KIND_REDUCE_SCATTER || region_of(shape, chunk) == self;
    assert_int_equal(times, mine);
    if (!mine) {
        return;
    }
    if (shape->kind == HWI_KIND_ALL_REDUCE || shape->kind == HWI_KIND_REDUCE_SCATTER) {
        check_all_once(shape, &value);
    } else {
        bool gather = shape->kind == HWI_KIND_ALL_GATHER;
        assert_int_equal(value.count, 1);
        assert_int_equal(value.who[0], gather ? region_of(shape, chunk) : shape->root);
    }
    if (same->count == 0) {
        *same = value;
    }
    assert_memory_equal(same, &value, sizeof value);
}

static void check(struct hwi_plan_shape *shape)
{
    shape->ops = hwi_plan_choose(shape);
    shape->ops->cut(shape);
    assert_in_range(shape->phases, 1, hwi_plan_phases_max(shape->world));
    for (uint32_t chunk = 0; chunk < shape->chunks; chunk++) {
        struct value same = {0};
        for (uint32_t self = 0; self < shape->world; self++) {
            check_chunk(shape, self, chunk, &same);
        }
    }
}

// ---- all of them --------------------------------------------------------------------------------

static void check_kind(uint8_t kind, uint8_t redop, uint8_t asked, uint32_t world, uint64_t bytes)
{
    uint64_t begin[WORLD_MAX + 1] = {0};
    uint32_t first[WORLD_MAX + 1] = {0};
    bool regions = kind == HWI_KIND_REDUCE_SCATTER || kind == HWI_KIND_ALL_GATHER;
    for (uint32_t rank = 0; rank < world; rank++) { // some regions are empty
        begin[rank + 1] = begin[rank] + (rank % 3 == 1 ? 0 : bytes / 4 * (rank + 1) / world * 4);
    }
    begin[world] += 4;
    struct hwi_plan_shape shape = {.asked = asked,
                                   .kind = kind,
                                   .redop = redop,
                                   .world = world,
                                   .root =
                                       kind == HWI_KIND_BROADCAST ? (uint32_t)(bytes % world) : 0,
                                   .unit_bytes = 4,
                                   .bytes = regions ? begin[world] : bytes,
                                   .begin = regions ? begin : NULL,
                                   .first = regions ? first : NULL};
    check(&shape);
}

static void test_every_output_holds_what_it_must(void **state)
{
    (void)state;
    static const uint8_t kinds[] = {HWI_KIND_ALL_REDUCE, HWI_KIND_REDUCE_SCATTER,
                                    HWI_KIND_ALL_GATHER, HWI_KIND_BROADCAST};
    static const uint64_t sizes[] = {4, 64, 1000, 70000, 300000, 2000000};
    for (uint32_t k = 0; k < HWI_COUNT(kinds); k++) {
        for (uint32_t world = 1; world <= WORLD_MAX; world++) {
            for (uint32_t s = 0; s < HWI_COUNT(sizes); s++) {
                for (uint8_t asked = HWI_PLAN_AUTO; asked <= HWI_PLAN_DIRECT; asked++) {
                    check_kind(kinds[k], HWS_SUM, asked, world, sizes[s]);
                    check_kind(kinds[k], HWS_AVG, asked, world, sizes[s]);
                }
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_output_holds_what_it_must)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
