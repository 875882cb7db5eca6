// SPDX-License-Identifier: MIT
// The settings of links: delays, bandwidth, blocks. Only links that differ from the config take
// memory.
#include "transport/sim/world.h"

// ---- draws: splitmix64

static uint64_t draw(struct hwi_sim *sim)
{
    uint64_t z = sim->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t hwi_sim_draw(struct hwi_sim *sim, uint64_t below)
{
    return draw(sim) % below;
}

// ---- the table of pairs

static uint32_t slot_of(const struct hwi_sim_pairs *pairs, uint32_t from, uint32_t to)
{
    uint64_t key = ((uint64_t)from << 32 | to) * UINT64_C(0x9e3779b97f4a7c15);
    uint32_t index = (uint32_t)(key >> 32) & (pairs->capacity - 1);
    while (pairs->slots[index] != NULL &&
           (pairs->slots[index]->from != from || pairs->slots[index]->to != to)) {
        index = (index + 1) & (pairs->capacity - 1);
    }
    return index;
}

struct hwi_sim_pair *hwi_sim_pair_of(const struct hwi_sim *sim, uint32_t from, uint32_t to)
{
    return sim->pairs.count > 0 ? sim->pairs.slots[slot_of(&sim->pairs, from, to)] : NULL;
}

static void grow(struct hwi_sim_pairs *pairs)
{
    struct hwi_sim_pairs old = *pairs;
    pairs->capacity = HWI_MAX(64, 2 * old.capacity);
    pairs->slots = hwi_new(&hwi_alloc_libc, pairs->capacity * sizeof(struct hwi_sim_pair *));
    for (uint32_t i = 0; i < old.capacity; i++) {
        if (old.slots[i] != NULL) {
            pairs->slots[slot_of(pairs, old.slots[i]->from, old.slots[i]->to)] = old.slots[i];
        }
    }
    hwi_free(&hwi_alloc_libc, old.slots);
}

static struct hwi_sim_pair *pair_for(struct hwi_sim *sim, uint32_t from, uint32_t to)
{
    struct hwi_sim_pairs *pairs = &sim->pairs;
    (void)hwi_sim_process_of(sim, from);
    (void)hwi_sim_process_of(sim, to);
    HWI_CHECK(from != to);
    if (2 * (pairs->count + 1) > pairs->capacity) {
        grow(pairs);
    }
    struct hwi_sim_pair **slot = &pairs->slots[slot_of(pairs, from, to)];
    if (*slot == NULL) {
        *slot = hwi_new(&hwi_alloc_libc, sizeof(**slot));
        (*slot)->from = from;
        (*slot)->to = to;
        pairs->count++;
    }
    return *slot;
}

void hwi_sim_links_fini(struct hwi_sim *sim)
{
    for (uint32_t i = 0; i < sim->pairs.capacity; i++) {
        struct hwi_sim_pair *pair = sim->pairs.slots[i];
        if (pair != NULL) {
            hwi_sim_queue_drop(sim, &pair->held);
            hwi_free(&hwi_alloc_libc, pair);
        }
    }
    hwi_free(&hwi_alloc_libc, sim->pairs.slots);
}

// ---- what links do

void hwi_sim_link(struct hwi_sim *sim, uint32_t from, uint32_t to, const struct hwi_sim_link *link)
{
    pair_for(sim, from, to)->link = *link;
}

void hwi_sim_node_link(struct hwi_sim *sim, uint32_t node, const struct hwi_sim_link *link)
{
    static const struct hwi_sim_link none;
    hwi_sim_node_of(sim, node)->link = link != NULL ? *link : none;
    sim->linked_nodes++;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static void join(struct hwi_sim_link *link, const struct hwi_sim_link *other)
{
    bool narrower = other->bytes_per_s != 0 &&
                    (link->bytes_per_s == 0 || other->bytes_per_s < link->bytes_per_s);
    link->delay_ns += other->delay_ns;
    link->jitter_ns += other->jitter_ns;
    link->bytes_per_s = narrower ? other->bytes_per_s : link->bytes_per_s;
    link->duplicate_in = least(link->duplicate_in, other->duplicate_in);
    link->truncate_in = least(link->truncate_in, other->truncate_in);
    link->damage_in = least(link->damage_in, other->damage_in);
    link->flip_in = least(link->flip_in, other->flip_in);
}

static void join_node(struct hwi_sim *sim, uint32_t node, struct hwi_sim_quality *quality)
{
    if (sim->linked_nodes > 0) {
        const struct hwi_sim_link *link = &hwi_sim_node_of(sim, node)->link;
        join(&quality->link, link);
        quality->node_ns += link->delay_ns;
    }
}

bool hwi_sim_quality_of(struct hwi_sim *sim, uint32_t from, uint32_t to,
                        struct hwi_sim_quality *quality)
{
    const struct hwi_sim_pair *pair = hwi_sim_pair_of(sim, from, to);
    if (pair == NULL && sim->linked_nodes == 0) {
        return false;
    }
    *quality = (struct hwi_sim_quality){0};
    if (pair != NULL) {
        quality->link = pair->link;
    }
    join_node(sim, from, quality);
    join_node(sim, to, quality);
    return true;
}

uint64_t hwi_sim_delay_over(struct hwi_sim *sim, uint32_t from, uint32_t to, uint64_t base_ns,
                            uint64_t *last_ns)
{
    struct hwi_sim_quality quality;
    uint64_t more_ns = 0;
    if (hwi_sim_quality_of(sim, from, to, &quality)) {
        const struct hwi_sim_link *link = &quality.link;
        more_ns = link->delay_ns;
        more_ns += link->jitter_ns > 0 ? hwi_sim_draw(sim, link->jitter_ns + 1) : 0;
        sim->faults[HWI_SIM_DELAYED] += more_ns > 0;
        sim->faults[HWI_SIM_SLOWED] += quality.node_ns > 0;
    }
    uint64_t at_ns = HWI_MAX(*last_ns, sim->now_ns + base_ns + more_ns);
    *last_ns = at_ns;
    return at_ns - sim->now_ns;
}

void hwi_sim_arrived(struct hwi_sim_process *process, const struct hwi_sim_event *event)
{
    if (event->sequence < process->heard) {
        process->sim->faults[HWI_SIM_REORDERED]++;
    } else {
        process->heard = event->sequence;
    }
}

// ---- blocks

bool hwi_sim_blocked(const struct hwi_sim *sim, uint32_t from, uint32_t to)
{
    const struct hwi_sim_pair *pair = hwi_sim_pair_of(sim, from, to);
    return pair != NULL && pair->blocked;
}

// The pair whose block stops the event, or NULL.
static struct hwi_sim_pair *stopper(struct hwi_sim *sim, const struct hwi_sim_event *event)
{
    struct hwi_sim_pair *pair = hwi_sim_pair_of(sim, event->from_node, event->to_node);
    if (pair != NULL && pair->blocked) {
        return pair;
    }
    pair = event->both ? hwi_sim_pair_of(sim, event->to_node, event->from_node) : NULL;
    return pair != NULL && pair->blocked ? pair : NULL;
}

bool hwi_sim_held_back(struct hwi_sim *sim, struct hwi_sim_event *event)
{
    if (!event->travels || sim->pairs.count == 0) {
        return false;
    }
    struct hwi_sim_pair *pair = stopper(sim, event);
    if (pair == NULL) {
        return false;
    }
    bool full = hwi_sim_blocked(sim, pair->to, pair->from);
    sim->faults[full ? HWI_SIM_PARTITIONED : HWI_SIM_BLOCKED]++;
    hwi_sim_queue_add(&pair->held, event);
    return true;
}

static uint32_t member_of(const struct hwi_sim_pair *pair)
{
    return pair->from == HWI_SIM_MASTER ? pair->to : pair->from;
}

// A control connection over which nothing came for long is given up.
static void look_at_silence(struct hwi_sim_process *process, struct hwi_sim_event *event)
{
    struct hwi_sim *sim = process->sim;
    const struct hwi_sim_pair *pair = hwi_sim_pair_of(sim, event->from_node, event->to_node);
    struct hwi_sim_process *member = hwi_sim_process_of(sim, member_of(pair));
    if (pair->blocked && sim->now_ns >= pair->blocked_ns + HWI_SIM_SILENCE_NS && member->alive &&
        !member->control.down) {
        sim->faults[HWI_SIM_LOST]++;
        hwi_sim_control_down(member, 0);
    }
}

static void begin_silence(struct hwi_sim *sim, const struct hwi_sim_pair *pair)
{
    struct hwi_sim_event *event = hwi_sim_event_new(sim, sim->master, look_at_silence);
    event->anyway = true;
    event->from_node = pair->from;
    event->to_node = pair->to;
    hwi_sim_schedule(sim, event, HWI_SIM_SILENCE_NS);
}

void hwi_sim_block(struct hwi_sim *sim, uint32_t from, uint32_t to, bool on)
{
    struct hwi_sim_pair *pair = pair_for(sim, from, to);
    if (pair->blocked == on) {
        return;
    }
    pair->blocked = on;
    pair->blocked_ns = sim->now_ns;
    if (on) {
        if (from == HWI_SIM_MASTER || to == HWI_SIM_MASTER) {
            begin_silence(sim, pair);
        }
    } else {
        hwi_sim_queue_release(sim, &pair->held);
        hwi_sim_stripes_resume(sim, from, to);
    }
}

void hwi_sim_cut_edge(struct hwi_sim *sim, uint32_t a, uint32_t b, bool stay)
{
    HWI_CHECK(a != HWI_SIM_MASTER && b != HWI_SIM_MASTER);
    if (stay || hwi_sim_pair_of(sim, a, b) != NULL) {
        pair_for(sim, a, b)->cut = stay;
        pair_for(sim, b, a)->cut = stay;
    }
    hwi_sim_edge_cut(sim, a, b);
}

// ---- counts

const uint64_t *hwi_sim_fault_counts(const struct hwi_sim *sim)
{
    return sim->faults;
}

const char *hwi_sim_fault_name(enum hwi_sim_fault fault)
{
    static const char *const names[HWI_SIM_FAULTS] = {
        [HWI_SIM_DELAYED] = "delayed",
        [HWI_SIM_REORDERED] = "reordered",
        [HWI_SIM_DUPLICATED] = "duplicated",
        [HWI_SIM_TRUNCATED] = "truncated",
        [HWI_SIM_DAMAGED] = "damaged",
        [HWI_SIM_CLOGGED] = "clogged",
        [HWI_SIM_BLOCKED] = "blocked",
        [HWI_SIM_PARTITIONED] = "partitioned",
        [HWI_SIM_LOST] = "lost",
        [HWI_SIM_MUTED] = "muted",
        [HWI_SIM_CUT] = "cut",
        [HWI_SIM_UNREACHED] = "unreached",
        [HWI_SIM_FROZEN] = "frozen",
        [HWI_SIM_KILLED] = "killed",
        [HWI_SIM_RESTARTED] = "restarted",
        [HWI_SIM_SLOWED] = "slowed",
        [HWI_SIM_JUMPED] = "jumped",
        [HWI_SIM_SKEWED] = "skewed",
        [HWI_SIM_FLIPPED] = "flipped",
    };
    return names[fault];
}
