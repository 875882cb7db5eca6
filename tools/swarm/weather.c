// SPDX-License-Identifier: MIT
// The effects of the schedule's events: `strike` picks a living process to hit, `mend` ends a
// lasting fault. Both make do with what they find, so any event may be left out.
#include "tools/swarm/crew.h"

#include <string.h>

#define SLOW_NS (3 * HWI_NS_PER_S)
#define JUMP_NS (15 * HWI_NS_PER_S)

// ---- whom

// The living seat that a number names; NULL = nobody lives.
static struct swarm_seat *pick(struct swarm *s, uint64_t raw)
{
    uint32_t living = swarm_living(s);
    uint64_t left = living > 0 ? raw % living : 0;
    for (uint32_t i = 0; i < s->traits.peers; i++) {
        if (swarm_alive(s, &s->seats[i]) && left-- == 0) {
            return &s->seats[i];
        }
    }
    return NULL;
}

static struct swarm_seat *pick_other(struct swarm *s, const struct swarm_seat *than, uint64_t raw)
{
    if (than == NULL || swarm_living(s) < 2) {
        return NULL;
    }
    struct swarm_seat *seat = pick(s, raw);
    return seat != than ? seat : pick(s, raw + 1);
}

// The node that an event had hit, if it still lives. The event's own number finds the seat again.
static struct swarm_seat *hit(struct swarm *s, const struct swarm_fault *f)
{
    return s->hits[f->kind][f->number] < SWARM_PEERS_MAX ? &s->seats[s->hits[f->kind][f->number]]
                                                         : NULL;
}

static bool note(struct swarm *s, const struct swarm_fault *f, const struct swarm_seat *seat)
{
    s->hits[f->kind][f->number] = seat != NULL ? (uint8_t)seat->node : UINT8_MAX;
    return seat != NULL;
}

// ---- processes

static bool strike_kill(struct swarm *s, const struct swarm_fault *f)
{
    struct swarm_seat *seat = pick(s, f->raw[0]);
    bool last = swarm_living(s) < 2 && f->raw[1] % 4 != 0;
    if (seat == NULL || last) {
        return false;
    }
    hwi_sim_kill(s->sim, seat->node);
    swarm_over(s, seat);
    return true;
}

static bool strike_kill_at(struct swarm *s, const struct swarm_fault *f)
{
    static const enum hwi_role roles[] = {HWI_ROLE_PEER, HWI_ROLE_PEER, HWI_ROLE_REDUCER,
                                          HWI_ROLE_SNAPSHOT};
    struct swarm_seat *seat = pick(s, f->raw[0]);
    enum hwi_role role = roles[f->raw[1] % HWI_COUNT(roles)];
    if (seat == NULL || swarm_living(s) < 2) {
        return false;
    }
    uint32_t n = 1 + (uint32_t)(f->raw[2] % 40);
    hwi_sim_kill_at(s->sim, seat->node, role, hwi_sim_events(s->sim, seat->node, role) + n);
    return true;
}

static bool strike_kill_on(struct swarm *s, const struct swarm_fault *f)
{
    static const uint16_t types[] = {
        HWI_MSG_propose,   HWI_MSG_announce,     HWI_MSG_commit,       HWI_MSG_edge_up,
        HWI_MSG_edge_down, HWI_MSG_op_done,      HWI_MSG_op_ended,     HWI_MSG_sync_plan,
        HWI_MSG_manifest,  HWI_MSG_block_placed, HWI_MSG_state_hashed, HWI_MSG_chunk,
        HWI_MSG_quiesced,  HWI_MSG_lane_view,    HWI_MSG_call,         HWI_MSG_welcome,
    };
    struct swarm_seat *seat = pick(s, f->raw[0]);
    if (seat == NULL || swarm_living(s) < 2) {
        return false;
    }
    // Counted from the process's start: one that has passed already never comes
    hwi_sim_kill_on(s->sim, seat->node, types[f->raw[1] % HWI_COUNT(types)],
                    1 + (uint32_t)(f->raw[2] % 24));
    return true;
}

static void thaw(struct swarm *s, struct swarm_seat *seat)
{
    if (seat->frozen) {
        seat->frozen = false;
        seat->thawed_ns = hwi_sim_now(s->sim);
        hwi_sim_thaw(s->sim, seat->node);
        swarm_timer(s, 0, TIMER_ACT, seat->node, seat->life);
    }
}

static bool strike_freeze(struct swarm *s, const struct swarm_fault *f)
{
    struct swarm_seat *seat = pick(s, f->raw[0]);
    if (!note(s, f, seat) || seat->frozen) {
        return false;
    }
    seat->frozen = true;
    hwi_sim_freeze(s->sim, seat->node);
    return true;
}

static void mend_freeze(struct swarm *s, const struct swarm_fault *f)
{
    thaw(s, hit(s, f));
}

static bool strike_leave(struct swarm *s, const struct swarm_fault *f)
{
    struct swarm_seat *seat = pick(s, f->raw[0]);
    if (seat == NULL || seat->frozen || seat->leaving || swarm_living(s) < 2) {
        return false;
    }
    swarm_leave(s, seat);
    return true;
}

// A newcomer takes the place of somebody, or one that nobody has.
static struct swarm_seat *replace(struct swarm *s, const struct swarm_fault *f)
{
    struct swarm_seat *seat = &s->seats[f->raw[0] % s->traits.peers];
    if (swarm_living(s) < 2) {
        return NULL;
    }
    if (seat->stage != STAGE_EMPTY) {
        hwi_sim_kill(s->sim, seat->node);
        swarm_over(s, seat);
    }
    swarm_start(s, seat);
    return seat;
}

// ---- links of one member

static void apply(struct swarm *s, const struct swarm_seat *seat)
{
    hwi_sim_node_link(s->sim, seat->node, &seat->link);
}

static bool strike_delay(struct swarm *s, const struct swarm_fault *f)
{
    struct swarm_seat *seat = pick(s, f->raw[0]);
    if (!note(s, f, seat)) {
        return false;
    }
    uint64_t most = f->raw[1] % 4 == 0 ? SLOW_NS : SLOW_NS / 20;
    seat->link.delay_ns = f->raw[1] % most;
    seat->link.jitter_ns = f->raw[2] % most;
    apply(s, seat);
    return true;
}

static void mend_delay(struct swarm *s, const struct swarm_fault *f)
{
    struct swarm_seat *seat = hit(s, f);
    seat->link.delay_ns = seat->link.jitter_ns = 0;
    apply(s, seat);
}

static bool strike_clog(struct swarm *s, const struct swarm_fault *f)
{
    struct swarm_seat *seat = pick(s, f->raw[0]);
    if (!note(s, f, seat)) {
        return false;
    }
    seat->link.bytes_per_s = 10 + f->raw[1] % (f->raw[2] % 2 == 0 ? 1000 : 100000);
    apply(s, seat);
    return true;
}

static void mend_clog(struct swarm *s, const struct swarm_fault *f)
{
    hit(s, f)->link.bytes_per_s = 0;
    apply(s, hit(s, f));
}

static bool strike_duplicate(struct swarm *s, const struct swarm_fault *f)
{
    struct swarm_seat *seat = pick(s, f->raw[0]);
    if (!note(s, f, seat)) {
        return false;
    }
    seat->link.duplicate_in = 1 + (uint32_t)(f->raw[1] % 10);
    apply(s, seat);
    return true;
}

static void mend_duplicate(struct swarm *s, const struct swarm_fault *f)
{
    hit(s, f)->link.duplicate_in = 0;
    apply(s, hit(s, f));
}

static bool strike_truncate(struct swarm *s, const struct swarm_fault *f)
{
    struct swarm_seat *seat = pick(s, f->raw[0]);
    if (!note(s, f, seat)) {
        return false;
    }
    seat->link.truncate_in = 2 + (uint32_t)(f->raw[1] % 20);
    apply(s, seat);
    return true;
}

static void mend_truncate(struct swarm *s, const struct swarm_fault *f)
{
    hit(s, f)->link.truncate_in = 0;
    apply(s, hit(s, f));
}

static bool strike_flip(struct swarm *s, const struct swarm_fault *f)
{
    struct swarm_seat *seat = pick(s, f->raw[0]);
    if (!note(s, f, seat)) {
        return false;
    }
    seat->link.flip_in = 2 + (uint32_t)(f->raw[1] % 20);
    apply(s, seat);
    return true;
}

static void mend_flip(struct swarm *s, const struct swarm_fault *f)
{
    hit(s, f)->link.flip_in = 0;
    apply(s, hit(s, f));
}

static bool strike_damage(struct swarm *s, const struct swarm_fault *f)
{
    struct swarm_seat *seat = pick(s, f->raw[0]);
    if (!note(s, f, seat)) {
        return false;
    }
    seat->link.damage_in = 5 + (uint32_t)(f->raw[1] % 200);
    apply(s, seat);
    return true;
}

static void mend_damage(struct swarm *s, const struct swarm_fault *f)
{
    hit(s, f)->link.damage_in = 0;
    apply(s, hit(s, f));
}

static bool strike_slow(struct swarm *s, const struct swarm_fault *f)
{
    struct swarm_seat *seat = replace(s, f);
    if (!note(s, f, seat)) {
        return false;
    }
    seat->link.delay_ns = f->raw[1] % SLOW_NS;
    seat->link.bytes_per_s = 200 + f->raw[2] % 100000;
    apply(s, seat);
    return true;
}

static void mend_slow(struct swarm *s, const struct swarm_fault *f)
{
    mend_delay(s, f);
    mend_clog(s, f);
}

static bool strike_unreachable(struct swarm *s, const struct swarm_fault *f)
{
    struct swarm_seat *seat = replace(s, f);
    if (!note(s, f, seat)) {
        return false;
    }
    hwi_sim_unreachable(s->sim, seat->node);
    return true;
}

static void mend_unreachable(struct swarm *s, const struct swarm_fault *f)
{
    hwi_sim_reachable(s->sim, hit(s, f)->node);
}

// ---- connections

static bool strike_cut(struct swarm *s, const struct swarm_fault *f)
{
    struct swarm_seat *a = pick(s, f->raw[0]), *b = pick_other(s, a, f->raw[1]);
    if (b == NULL) {
        return false;
    }
    hwi_sim_cut_edge(s->sim, a->node, b->node, false);
    return true;
}

static void cut_pair(struct swarm *s, const struct swarm_fault *f, bool on)
{
    uint32_t a = s->hits[f->kind][f->number] % SWARM_PEERS_MAX, b = s->others[f->kind][f->number];
    hwi_sim_cut_edge(s->sim, a, b, on);
}

static bool strike_sever(struct swarm *s, const struct swarm_fault *f)
{
    struct swarm_seat *a = pick(s, f->raw[0]), *b = pick_other(s, a, f->raw[1]);
    if (!note(s, f, b == NULL ? NULL : a)) {
        return false;
    }
    s->others[f->kind][f->number] = (uint8_t)b->node;
    cut_pair(s, f, true);
    return true;
}

static void mend_sever(struct swarm *s, const struct swarm_fault *f)
{
    cut_pair(s, f, false);
}

static bool strike_lose(struct swarm *s, const struct swarm_fault *f)
{
    struct swarm_seat *seat = pick(s, f->raw[0]);
    if (seat == NULL) {
        return false;
    }
    hwi_sim_control_lose(s->sim, seat->node, f->for_ns / 2);
    return true;
}

static bool strike_mute(struct swarm *s, const struct swarm_fault *f)
{
    struct swarm_seat *seat = pick(s, f->raw[0]);
    if (!note(s, f, seat)) {
        return false;
    }
    hwi_sim_control(s->sim, seat->node, false);
    return true;
}

static void mend_mute(struct swarm *s, const struct swarm_fault *f)
{
    hwi_sim_control(s->sim, hit(s, f)->node, true);
}

// ---- partitions: a bit of raw[0] says on which side a node is, raw[1] on which the master is

static bool side_of(const struct swarm *s, const struct swarm_fault *f, uint32_t i)
{
    return i == s->traits.peers ? (f->raw[1] & 1) != 0 : (f->raw[0] >> i % 64 & 1) != 0;
}

static bool exists(const struct swarm *s, uint32_t i)
{
    return i == s->traits.peers || s->seats[i].stage != STAGE_EMPTY;
}

static uint32_t node_of(const struct swarm *s, uint32_t i)
{
    return i == s->traits.peers ? HWI_SIM_MASTER : i;
}

static bool divide(struct swarm *s, const struct swarm_fault *f, bool on)
{
    bool any = false;
    for (uint32_t i = 0; i <= s->traits.peers; i++) {
        for (uint32_t j = 0; j <= s->traits.peers; j++) {
            if (side_of(s, f, i) && !side_of(s, f, j) && exists(s, i) && exists(s, j)) {
                hwi_sim_block(s->sim, node_of(s, i), node_of(s, j), on);
                hwi_sim_block(s->sim, node_of(s, j), node_of(s, i), on);
                any = true;
            }
        }
    }
    return any;
}

static bool strike_partition(struct swarm *s, const struct swarm_fault *f)
{
    return divide(s, f, true);
}

static void mend_partition(struct swarm *s, const struct swarm_fault *f)
{
    divide(s, f, false);
}

static bool strike_one_way(struct swarm *s, const struct swarm_fault *f)
{
    struct swarm_seat *a = pick(s, f->raw[0]), *b = pick_other(s, a, f->raw[1]);
    bool master = f->raw[2] % 3 == 0;
    if (!note(s, f, a) || (b == NULL && !master)) {
        return false;
    }
    uint32_t other = master ? HWI_SIM_MASTER : b->node;
    s->others[f->kind][f->number] = master ? UINT8_MAX : (uint8_t)b->node;
    hwi_sim_block(s->sim, f->raw[2] % 2 ? a->node : other, f->raw[2] % 2 ? other : a->node, true);
    return true;
}

static void mend_one_way(struct swarm *s, const struct swarm_fault *f)
{
    uint8_t noted = s->others[f->kind][f->number];
    uint32_t other = noted == UINT8_MAX ? HWI_SIM_MASTER : noted, node = hit(s, f)->node;
    hwi_sim_block(s->sim, f->raw[2] % 2 ? node : other, f->raw[2] % 2 ? other : node, false);
}

// ---- clocks

static bool strike_jump(struct swarm *s, const struct swarm_fault *f)
{
    struct swarm_seat *seat = pick(s, f->raw[0]);
    if (seat == NULL) {
        return false;
    }
    seat->clock_touched = true;
    hwi_sim_clock_jump(s->sim, seat->node, f->raw[1] % JUMP_NS);
    return true;
}

static bool strike_skew(struct swarm *s, const struct swarm_fault *f)
{
    struct swarm_seat *seat = pick(s, f->raw[0]);
    if (!note(s, f, seat)) {
        return false;
    }
    seat->clock_touched = true;
    hwi_sim_clock_rate(s->sim, seat->node, (int32_t)(f->raw[1] % 400000) - 200000);
    return true;
}

static void mend_skew(struct swarm *s, const struct swarm_fault *f)
{
    hwi_sim_clock_rate(s->sim, hit(s, f)->node, 0);
}

// ---- the master

static bool strike_stall(struct swarm *s, const struct swarm_fault *f)
{
    (void)f;
    hwi_sim_freeze(s->sim, HWI_SIM_MASTER);
    return true;
}

static void mend_stall(struct swarm *s, const struct swarm_fault *f)
{
    (void)f;
    hwi_sim_thaw(s->sim, HWI_SIM_MASTER);
}

static bool strike_leap(struct swarm *s, const struct swarm_fault *f)
{
    hwi_sim_clock_jump(s->sim, HWI_SIM_MASTER, f->raw[1] % JUMP_NS);
    return true;
}

// Without a file the next one begins another run, and numbers of views begin again.
static bool strike_crash(struct swarm *s, const struct swarm_fault *f)
{
    static const uint16_t types[] = {HWI_MSG_stored, HWI_MSG_ready, HWI_MSG_done,
                                     HWI_MSG_registration};
    if (!s->traits.sim.durable || !hwi_sim_alive(s->sim, HWI_SIM_MASTER)) {
        return false;
    }
    if (f->raw[0] % 2 == 0) {
        hwi_sim_kill(s->sim, HWI_SIM_MASTER);
    } else {
        // Counted from the process's start: one that has passed already never comes
        hwi_sim_kill_on(s->sim, HWI_SIM_MASTER, types[f->raw[1] % HWI_COUNT(types)],
                        1 + (uint32_t)(f->raw[2] % 24));
    }
    return true;
}

static void mend_crash(struct swarm *s, const struct swarm_fault *f)
{
    (void)f;
    if (!hwi_sim_alive(s->sim, HWI_SIM_MASTER)) {
        hwi_sim_restart(s->sim, HWI_SIM_MASTER, 0);
    }
    hwi_sim_kill_on(s->sim, HWI_SIM_MASTER, 0, 0);
}

static bool strike_full(struct swarm *s, const struct swarm_fault *f)
{
    (void)f;
    hwi_sim_disk_full(s->sim, true);
    return s->traits.sim.durable;
}

static void mend_full(struct swarm *s, const struct swarm_fault *f)
{
    (void)f;
    hwi_sim_disk_full(s->sim, false);
}

// ---- all

static const struct {
    bool (*strike)(struct swarm *s, const struct swarm_fault *f); // false: it hit nobody
    void (*mend)(struct swarm *s, const struct swarm_fault *f);   // NULL: it does not last
} weather[SWARM_KINDS] = {
    [SWARM_kill] = {strike_kill, NULL},
    [SWARM_kill_at] = {strike_kill_at, NULL},
    [SWARM_kill_on] = {strike_kill_on, NULL},
    [SWARM_freeze] = {strike_freeze, mend_freeze},
    [SWARM_leave] = {strike_leave, NULL},
    [SWARM_cut] = {strike_cut, NULL},
    [SWARM_sever] = {strike_sever, mend_sever},
    [SWARM_lose] = {strike_lose, NULL},
    [SWARM_mute] = {strike_mute, mend_mute},
    [SWARM_partition] = {strike_partition, mend_partition},
    [SWARM_one_way] = {strike_one_way, mend_one_way},
    [SWARM_delay] = {strike_delay, mend_delay},
    [SWARM_clog] = {strike_clog, mend_clog},
    [SWARM_duplicate] = {strike_duplicate, mend_duplicate},
    [SWARM_truncate] = {strike_truncate, mend_truncate},
    [SWARM_damage] = {strike_damage, mend_damage},
    [SWARM_slow] = {strike_slow, mend_slow},
    [SWARM_unreachable] = {strike_unreachable, mend_unreachable},
    [SWARM_jump] = {strike_jump, NULL},
    [SWARM_skew] = {strike_skew, mend_skew},
    [SWARM_stall] = {strike_stall, mend_stall},
    [SWARM_leap] = {strike_leap, NULL},
    [SWARM_crash] = {strike_crash, mend_crash},
    [SWARM_full] = {strike_full, mend_full},
    [SWARM_flip] = {strike_flip, mend_flip},
};

void swarm_strike(struct swarm *s, uint32_t event)
{
    const struct swarm_fault *f = &s->schedule.events[event];
    s->outcome->fired.numbers[f->kind] |= UINT64_C(1) << f->number;
    if (weather[f->kind].strike(s, f)) {
        s->outcome->struck[f->kind]++;
        swarm_trouble(s, f->kind == SWARM_lose ? f->for_ns / 2 : 0);
        s->lasting[event] = weather[f->kind].mend != NULL;
        if (s->lasting[event]) {
            swarm_timer(s, f->for_ns, TIMER_MEND, event, 0);
        }
    }
}

void swarm_mend(struct swarm *s, uint32_t event)
{
    if (s->lasting[event]) {
        s->lasting[event] = false;
        swarm_trouble(s, 0);
        weather[s->schedule.events[event].kind].mend(s, &s->schedule.events[event]);
    }
}

void swarm_heal(struct swarm *s)
{
    for (uint32_t event = 0; event < s->schedule.count; event++) {
        swarm_mend(s, event);
    }
    for (uint32_t i = 0; i < s->traits.peers; i++) {
        struct swarm_seat *seat = &s->seats[i];
        if (seat->stage == STAGE_EMPTY) {
            continue;
        }
        hwi_sim_kill_at(s->sim, seat->node, HWI_ROLE_PEER, 0);
        hwi_sim_kill_on(s->sim, seat->node, 0, 0);
        hwi_sim_control(s->sim, seat->node, true);
        if (seat->stage == STAGE_OVER) {
            swarm_timer(s, 0, TIMER_START, seat->node, seat->life);
        }
    }
}
