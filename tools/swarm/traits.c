// SPDX-License-Identifier: MIT
// The traits that a seed draws for its run, and the program that its crew follows.
#include "tools/swarm/crew.h"

static uint32_t between(struct swarm_draw *draw, uint32_t least, uint32_t most)
{
    return (uint32_t)swarm_between(draw, least, most);
}

// 0 in most seeds, else up to `most`.
static uint32_t sometimes(struct swarm_draw *draw, uint32_t in_thousand, uint32_t most)
{
    uint32_t value = between(draw, 1, most);
    return swarm_chance(draw, in_thousand) ? value : 0;
}

static void draw_links(struct hwi_sim_config *sim, struct swarm_draw *draw)
{
    sim->control_ns = swarm_between(draw, 1, 60) * HWI_NS_PER_MS;
    sim->edge_ns = swarm_between(draw, 1, 60) * HWI_NS_PER_MS;
    sim->edge_bytes_per_s = swarm_between(draw, 1000000, 50000000);
    sim->stripes = between(draw, 1, 4);
    sim->durable = (uint8_t)swarm_below(draw, 2);
    sim->heartbeat_ms = between(draw, 4, 15) * 100;
    sim->dead_ms = sim->heartbeat_ms * between(draw, 5, 8);
    sim->propose_ms = between(draw, 2, 8) * 1000;
}

static void draw_habits(struct swarm_traits *t, struct swarm_draw *draw)
{
    t->pace_ms = between(draw, 1, swarm_chance(draw, 300) ? 2 : 12) * 1000;
    t->dawdle = sometimes(draw, 300, 40);
    t->hurry = sometimes(draw, 300, 100);
    t->late = sometimes(draw, 400, 600);
    t->mismatch = sometimes(draw, 250, 60);
    t->retry = swarm_chance(draw, 300) ? 1000 : sometimes(draw, 400, 1000);
    t->sync_on_change = t->retry < 1000;
    t->sync_every = sometimes(draw, 500, 8);
    t->window = between(draw, 1, ROUND_OPS_MAX);
    t->tags = between(draw, 1, TAGS);
    t->keep_state = between(draw, 0, 1000);
    t->waits = (enum waits)swarm_below(draw, WAITS);
    t->cancel = sometimes(draw, 300, 60);
    t->strategies = sometimes(draw, 300, 300);
    t->lazy = sometimes(draw, 400, 1000);
    t->resync = sometimes(draw, 300, 700);
}

static void draw_groups(struct swarm_traits *t, struct swarm_draw *draw)
{
    t->groups = swarm_chance(draw, 350) ? between(draw, 2, GROUPS) : 1;
    t->unit = swarm_chance(draw, 250) ? between(draw, 2, 3) : 0;
    if (t->groups > 1 || swarm_chance(draw, 150)) { // else nobody knows when all may admit
        t->run = swarm_chance(draw, 300) ? HWI_KIND_BARRIER_RUN : HWI_KIND_AGREE_RUN;
        t->run_how = t->run == HWI_KIND_BARRIER_RUN ? 0 : (uint8_t)between(draw, 1, 2);
    }
    // A vote of the run that fails at one member and runs again at another parts their programs
    // until its deadline: in crews of several groups all calls retry, or none
    if (t->groups > 1) {
        t->retry = t->retry > 500 ? 1000 : 0;
        t->sync_on_change = t->retry == 0;
    }
}

// A separate stream, so that seeds without batches give the same runs as before batches existed.
static void draw_batches(struct swarm_traits *t, uint64_t seed)
{
    struct swarm_draw draw = swarm_stream(seed, SWARM_STREAM_BATCH, UINT64_MAX);
    bool retries = t->retry > 0; // a batch does
    t->batches = retries ? sometimes(&draw, 400, 1000) : 0;
}

// The master is updated first or last.
static void draw_builds(struct swarm_traits *t, uint64_t seed)
{
    struct swarm_draw draw = swarm_stream(seed, SWARM_STREAM_BUILD, UINT64_MAX);
    uint32_t newer = sometimes(&draw, 250, 1000); // in 1000 seats
    t->newer_master = newer > 0 && swarm_chance(&draw, 500);
    for (uint32_t i = 0; i < t->peers; i++) {
        t->newer |= (uint64_t)swarm_chance(&draw, newer) << i;
    }
}

static void draw_sizes(struct swarm_traits *t, struct swarm_draw *draw)
{
    t->elements_most = between(draw, 1, swarm_chance(draw, 300) ? 3000 : 200);
    t->large = sometimes(draw, 60, 40);
    t->huge = sometimes(draw, 40, 60);
    t->state_bytes = swarm_chance(draw, 40) ? swarm_between(draw, 1, 2 * HWI_BLOCK_BYTES)
                                            : swarm_between(draw, 1, 4000);
}

void swarm_traits_draw(struct swarm_traits *t, const struct swarm_config *config)
{
    struct swarm_draw peers = swarm_stream(config->seed, SWARM_STREAM_PEERS, 0);
    struct swarm_draw draw = swarm_stream(config->seed, SWARM_STREAM_TRAITS, 0);
    *t = (struct swarm_traits){0};
    // Small ones more often: what a run costs grows with the square
    uint32_t one = between(&peers, config->peers_least, config->peers_most);
    uint32_t two = between(&peers, config->peers_least, config->peers_most);
    t->peers = HWI_MIN(one, two);
    t->steps = between(&draw, 6, 24);
    t->steps = config->steps != 0 ? config->steps : t->steps;
    uint32_t least = between(&draw, 1, 4);
    t->min_members = HWI_MIN(least, (t->peers + 1) / 2);
    draw_links(&t->sim, &draw);
    draw_habits(t, &draw);
    draw_sizes(t, &draw);
    draw_groups(t, &draw);
    draw_batches(t, config->seed);
    draw_builds(t, config->seed);
    t->sim.min_members = t->sim.first_members = t->min_members;
    t->sim.seed = config->seed;
    t->sim.unrecorded = !config->replayed;
    t->sim.untold = !config->transcript;
    t->sim.digest = HWI_SIM_DIGEST_LIGHT;
    t->sim.journal = config->journal;
}

void swarm_draw_size(const struct swarm_config *config, uint32_t *peers, uint32_t *steps)
{
    struct swarm_traits traits;
    swarm_traits_draw(&traits, config);
    *peers = traits.peers;
    *steps = traits.steps;
}

// ---- the program

static struct swarm_draw round_stream(const struct swarm *s, uint32_t round, uint32_t which)
{
    uint64_t number = (uint64_t)round << ROUND_SHIFT | which;
    return swarm_stream(s->config->seed, SWARM_STREAM_ROUND, number);
}

uint32_t swarm_round_ops(const struct swarm *s, uint32_t round)
{
    struct swarm_draw draw = round_stream(s, round, ROUND_OPS_MAX + 1);
    return between(&draw, 1, ROUND_OPS_MAX) + (s->traits.run != 0);
}

uint32_t swarm_group(const struct swarm *s, uint32_t node)
{
    return node % s->traits.groups;
}

uint32_t swarm_unit(const struct swarm *s, uint32_t node)
{
    uint32_t unit = s->traits.unit > 0 ? node / s->traits.unit : UINT32_MAX;
    return s->traits.unit > 0 && (unit + 1) * s->traits.unit <= s->traits.peers ? unit : UINT32_MAX;
}

uint32_t swarm_scope(const struct swarm *s, const struct swarm_seat *seat, uint8_t kind)
{
    bool run = kind == HWI_KIND_NONE || hwi_kind_is_run_wide(kind);
    return run ? 0 : 1 + swarm_group(s, seat->node);
}

// Not all to all: links would be full of it for minutes.
static void draw_huge(const struct swarm_traits *t, struct swarm_draw *draw,
                      struct swarm_round_op *op)
{
    op->dtype =
        (uint8_t)(swarm_chance(draw, 500) ? HWS_F32 : swarm_between(draw, HWS_U32, HWS_I64));
    op->plan = op->plan == HWI_PLAN_ONE_SHOT ? HWI_PLAN_DIRECT : op->plan;
    op->count = swarm_between(draw, 1 << 18, 1 << 20);
    op->count /= op->kind == HWI_KIND_ALL_GATHER ? SWARM_OWN_COUNTS * t->peers : 1;
}

static void draw_collective(const struct swarm_traits *t, struct swarm_draw *draw,
                            struct swarm_round_op *op)
{
    static const uint8_t kinds[] = {
        HWI_KIND_ALL_REDUCE,     HWI_KIND_ALL_REDUCE, HWI_KIND_ALL_REDUCE, HWI_KIND_ALL_REDUCE,
        HWI_KIND_REDUCE_SCATTER, HWI_KIND_ALL_GATHER, HWI_KIND_BROADCAST};
    op->kind = kinds[swarm_below(draw, HWI_COUNT(kinds))];
    op->dtype = (uint8_t)swarm_between(draw, HWS_U8, HWS_F64);
    op->redop = (uint8_t)swarm_between(draw, HWS_SUM, HWS_MIN);
    op->plan = swarm_chance(draw, 400) ? (uint8_t)(1 + swarm_below(draw, HWI_PLAN_COUNT - 1))
                                       : HWI_PLAN_AUTO;
    op->count = swarm_chance(draw, t->large) ? swarm_between(draw, 4000, 40000)
                                             : swarm_between(draw, 1, t->elements_most);
    if (swarm_chance(draw, t->huge)) {
        draw_huge(t, draw, op);
    }
    op->unequal = op->kind == HWI_KIND_ALL_GATHER && swarm_chance(draw, 500);
    op->root = (uint32_t)swarm_below(draw, SWARM_PEERS_MAX);
    if (op->kind == HWI_KIND_ALL_GATHER || op->kind == HWI_KIND_BROADCAST) {
        op->redop = 0;
    }
}

static void draw_vote(struct swarm_draw *draw, struct swarm_round_op *op)
{
    bool barrier = swarm_chance(draw, 300);
    op->kind = barrier ? HWI_KIND_BARRIER : HWI_KIND_AGREE;
    op->redop = barrier ? 0 : swarm_chance(draw, 500) ? HWI_AGREE_AND : HWI_AGREE_MIN;
}

void swarm_round_op(const struct swarm *s, uint32_t round, uint32_t index,
                    struct swarm_round_op *op)
{
    const struct swarm_traits *t = &s->traits;
    struct swarm_draw draw = round_stream(s, round, index);
    *op = (struct swarm_round_op){.tag = CHANNEL_RUN, .kind = t->run, .redop = t->run_how};
    if (t->run == 0 || index + 1 < swarm_round_ops(s, round)) {
        if (swarm_chance(&draw, 750)) {
            draw_collective(t, &draw, op);
        } else {
            draw_vote(&draw, op);
        }
        op->tag = swarm_below(&draw, t->tags);
    }
    op->retry = swarm_chance(&draw, t->retry);
    uint32_t deviant = (uint32_t)swarm_below(&draw, t->peers);
    op->deviant = swarm_chance(&draw, t->mismatch) ? deviant : UINT32_MAX;
}
