// SPDX-License-Identifier: MIT
// Replays all journals into a simulation up to the fork, lets it go, injects the given faults, and
// prints the outcome of the run.
#include "tools/hawser/replay/fork/fork.h"

#include <stdlib.h>
#include <string.h>

#include <hawser/types.h>

enum {
    LINK_US = 200,            // one-way delay of the simulated links
    HEAD_EVENTS_MAX = 64,     // the master's start is among its first events
    QUIET_S = 120,            // without a reply: nothing more will come
    RUN_S = 3600,             // of virtual time, at the most
    AFTER_S = 2,              // of virtual time after the last reply
    HEARD_OF_NS = 1000000000, // after which a death must have been heard of
    SILENT_BEATS = 3,         // heartbeats without an event: the process was gone
};

// Where the recording is forked.
struct fork_point {
    uint32_t source; // whose next event it is; the set's count: of nobody in particular
    int64_t ns;      // time of the last event before it
    bool lose, lost; // that next event's message
};

struct fork_plan {
    struct fork_spec spec;
    uint8_t stage[FORK_FAULTS_MAX]; // 0 to come, 1 on, 2 over
};

static bool is_member(const struct fork_process *process)
{
    return process->there && process->peer != FORK_MASTER;
}

// ---- what the recording holds -------------------------------------------------------------------

static void read_extent(struct fork *fork, uint32_t i)
{
    struct fork_process *process = &fork->processes[i];
    struct hwi_journal_reader *reader = replay_read(fork->set, i);
    struct hwi_journal_record record;
    enum hwi_journal_found found = HWI_JOURNAL_FOUND_HEAD;
    while (reader != NULL && found <= HWI_JOURNAL_FOUND_LOST) {
        found = hwi_journal_read(reader, &record);
        if (found != HWI_JOURNAL_FOUND_EVENT) {
            continue;
        }
        process->events++;
        process->last_ns = replay_time(fork->set, i, record.event.event.now_ns);
    }
    process->closed = found == HWI_JOURNAL_FOUND_CLOSED;
    hwi_journal_reader_close(reader);
}

static bool find_start(const struct fork *fork, struct hwi_msg_master_start *start)
{
    struct hwi_journal_record record;
    for (uint32_t i = 0; i < fork->set->count; i++) {
        struct hwi_journal_reader *reader =
            fork->set->sources[i].incarnation ? NULL : replay_read(fork->set, i);
        bool found = false;
        for (int n = 0; reader != NULL && !found && n < HEAD_EVENTS_MAX; n++) {
            if (hwi_journal_read(reader, &record) != HWI_JOURNAL_FOUND_EVENT ||
                record.event.event.msg->type != HWI_MSG_master_start) {
                continue;
            }
            *start = record.event.event.msg->u.master_start;
            found = true;
        }
        hwi_journal_reader_close(reader);
        if (found) {
            return true;
        }
    }
    return false;
}

static bool find_address(const struct fork *fork, uint32_t source, char *address)
{
    struct hwi_journal_reader *reader = replay_read(fork->set, source);
    struct hwi_journal_record record;
    bool found = false;
    for (int n = 0; reader != NULL && !found && n < HEAD_EVENTS_MAX; n++) {
        if (hwi_journal_read(reader, &record) != HWI_JOURNAL_FOUND_EVENT ||
            record.event.event.msg->type != HWI_MSG_open) {
            continue;
        }
        memcpy(address, record.event.event.msg->u.open.address, HWI_ADDRESS_BYTES_MAX);
        found = true;
    }
    hwi_journal_reader_close(reader);
    return found;
}

// ---- before the fork ----------------------------------------------------------------------------

static bool add_processes(struct fork *fork)
{
    for (uint32_t i = 0; i < fork->set->count; i++) {
        const struct replay_source *source = &fork->set->sources[i];
        struct fork_process *process = &fork->processes[i];
        char address[HWI_ADDRESS_BYTES_MAX] = "";
        process->there = fork->limits[i] > 0;
        if (!process->there) {
            continue;
        }
        if (source->incarnation && !find_address(fork, i, address)) {
            complain("replay", "the journal %s does not begin with a member's opening",
                     source->name);
            return false;
        }
        if (!source->incarnation) {
            snprintf(process->name, sizeof process->name, "master");
        } else if (source->peer) {
            snprintf(process->name, sizeof process->name, "member %llu",
                     (unsigned long long)source->peer);
        } else {
            snprintf(process->name, sizeof process->name, "newcomer %u", i);
        }
        process->peer = source->incarnation ? source->peer : FORK_MASTER;
        process->node = hwi_sim_drive_add(fork->sim, process->name, source->incarnation, address);
    }
    return true;
}

static bool lists(const struct hwi_msg_announce *announce, uint64_t peer)
{
    for (uint32_t i = 0; i < announce->members_count; i++) {
        if (announce->members[i].peer == peer) {
            return true;
        }
    }
    return false;
}

// A member without an event after a view that excludes it was gone.
static void note_outsiders(struct fork *fork, const struct hwi_msg_announce *announce, int64_t ns)
{
    for (uint32_t i = 0; i < fork->set->count; i++) {
        struct fork_process *process = &fork->processes[i];
        uint64_t peer = fork->set->sources[i].peer;
        process->left_out |= peer && process->last_ns < ns && !lists(announce, peer);
    }
}

static void find_outsiders(struct fork *fork, uint32_t i)
{
    struct hwi_journal_reader *reader = replay_read(fork->set, i);
    struct hwi_journal_record record;
    enum hwi_journal_found found = HWI_JOURNAL_FOUND_HEAD;
    while (reader != NULL && found <= HWI_JOURNAL_FOUND_LOST) {
        found = hwi_journal_read(reader, &record);
        const struct hwi_event *event = &record.event.event;
        if (found == HWI_JOURNAL_FOUND_EVENT && event->msg->type == HWI_MSG_announce) {
            note_outsiders(fork, &event->msg->u.announce, replay_time(fork->set, i, event->now_ns));
        }
    }
    hwi_journal_reader_close(reader);
}

// Others continued without it, or so long after its last event that it must have been gone.
static bool ends(const struct fork_process *process, int64_t end_ns, uint32_t heartbeat_ms)
{
    int64_t silent_ns = (int64_t)(SILENT_BEATS * heartbeat_ms * HWI_NS_PER_MS);
    return process->events > 0 &&
           (process->closed || process->left_out || process->last_ns + silent_ns < end_ns);
}

static void find_ends(struct fork *fork, uint32_t heartbeat_ms)
{
    int64_t end_ns = INT64_MIN;
    for (uint32_t i = 0; i < fork->set->count; i++) {
        find_outsiders(fork, i);
    }
    for (uint32_t i = 0; i < fork->set->count; i++) {
        end_ns = HWI_MAX(end_ns, fork->processes[i].last_ns);
    }
    for (uint32_t i = 0; i < fork->set->count; i++) {
        fork->processes[i].ends = ends(&fork->processes[i], end_ns, heartbeat_ms);
    }
}

// A member that was killed is so when its death is first heard of: until then its peers take what
// it had sent. One that left, and a master, are gone behind their last event.
static bool is_heard_of(const struct fork_process *process, const struct replay_item *item)
{
    const struct hwi_msg *msg = item->event->event.msg;
    return (msg->type == HWI_MSG_edge_down && msg->u.edge_down.peer == process->peer) ||
           item->ns > process->last_ns + HEARD_OF_NS;
}

static void end_killed(struct fork *fork, const struct replay_item *item)
{
    for (uint32_t i = 0; i < fork->set->count; i++) {
        struct fork_process *process = &fork->processes[i];
        if (!process->over || (item != NULL && !is_heard_of(process, item))) {
            continue;
        }
        process->over = false;
        hwi_sim_drive_end(fork->sim, process->node);
    }
}

static bool drive(struct fork *fork, const struct replay_item *item, uint64_t at_ns)
{
    struct fork_process *process = &fork->processes[item->source];
    const struct hwi_journal_event *event = item->event;
    end_killed(fork, item);
    if (!hwi_sim_drive(fork->sim, process->node, event->role, &event->event, at_ns) &&
        !event->failed) {
        complain("replay", "an actor crashed at event %llu of %s, and not when it was recorded",
                 (unsigned long long)item->ordinal, fork->set->names[item->source]);
        return false;
    }
    fork_trainer_before(fork->sim, process->node, &process->trainer, &event->event);
    process->over = process->ends && item->ordinal == process->events;
    if (process->over && (process->closed || !is_member(process))) {
        process->over = false;
        hwi_sim_drive_end(fork->sim, process->node);
    }
    return true;
}

static void begin_trainers(struct fork *fork)
{
    end_killed(fork, NULL);
    for (uint32_t i = 0; i < fork->set->count; i++) {
        if (is_member(&fork->processes[i])) {
            fork_trainer_begin(fork->sim, fork->processes[i].node, &fork->processes[i].trainer);
        }
    }
}

// Behind the fork the record only tells what the trainers wanted, and which message is not to be
// heard.
static void look_ahead(struct fork *fork, const struct replay_item *item, struct fork_point *point)
{
    struct fork_process *process = &fork->processes[item->source];
    if (point->source == item->source && item->ordinal == fork->limits[item->source] + 1) {
        point->lost =
            point->lose && process->there &&
            hwi_sim_drive_lose(fork->sim, process->node, item->event->role, &item->event->event);
    }
    if (is_member(process)) {
        fork_trainer_learn(&process->trainer, item->event, (uint64_t)(item->ns - point->ns));
    }
}

// Everything before the fork happens as recorded.
static bool play(struct fork *fork, struct fork_point *point)
{
    struct replay_merge *merge = replay_merge_open(fork->set);
    struct replay_item item;
    bool good = true, forked = false;
    int64_t first_ns = INT64_MIN;
    while (good && replay_merge_next(merge, &item)) {
        if (first_ns == INT64_MIN) {
            first_ns = item.ns;
        }
        if (item.ordinal <= fork->limits[item.source]) {
            point->ns = item.ns;
            good = drive(fork, &item, (uint64_t)(item.ns - first_ns));
            continue;
        }
        if (!forked) {
            begin_trainers(fork);
        }
        forked = true;
        look_ahead(fork, &item, point);
    }
    if (!forked) {
        begin_trainers(fork);
    }
    replay_merge_close(merge);
    return good;
}

// ---- what shall happen --------------------------------------------------------------------------

static const struct fork_process *find_peer(const struct fork *fork, uint64_t peer)
{
    for (uint32_t i = 0; i < fork->set->count; i++) {
        if (fork->processes[i].there && fork->processes[i].peer == peer) {
            return &fork->processes[i];
        }
    }
    return NULL;
}

static bool faults_fit(const struct fork *fork, const struct fork_spec *spec,
                       const struct fork_point *point)
{
    char text[FORK_ERROR_BYTES];
    for (uint32_t i = 0; i < spec->count; i++) {
        const struct fork_fault *fault = &spec->faults[i];
        fork_fault_print(fault, text, sizeof text);
        bool fits = fault->act == FORK_LOSE
                        ? point->source < fork->set->count
                        : find_peer(fork, fault->peer) != NULL &&
                              (fault->act != FORK_CUT || find_peer(fork, fault->other) != NULL);
        if (fits) {
            continue;
        }
        complain("replay",
                 fault->act == FORK_LOSE
                     ? "%s: --until must name an event (ACTOR@JOURNAL:NUMBER) for that"
                     : "%s: there is no such member in the recording before the fork",
                 text);
        return false;
    }
    return true;
}

static void strike(struct fork *fork, const struct fork_fault *fault, bool on)
{
    struct hwi_sim *sim = fork->sim;
    uint32_t node = fault->act == FORK_LOSE ? 0 : find_peer(fork, fault->peer)->node;
    struct hwi_sim_link slow = {.delay_ns = on ? fault->delay_ms * HWI_NS_PER_MS : 0};
    switch (fault->act) {
    case FORK_LOSE:
        break; // done at the fork
    case FORK_KILL:
        hwi_sim_kill(sim, node);
        break;
    case FORK_FREEZE:
        if (on) {
            hwi_sim_freeze(sim, node);
        } else {
            hwi_sim_thaw(sim, node);
        }
        break;
    case FORK_MUTE:
        hwi_sim_control(sim, node, !on);
        break;
    case FORK_CUT:
        hwi_sim_cut_edge(sim, node, find_peer(fork, fault->other)->node, on);
        break;
    case FORK_SLOW:
        hwi_sim_node_link(sim, node, &slow);
        break;
    }
}

// Does what is due and returns when the next thing is.
static uint64_t strike_due(struct fork *fork, struct fork_plan *plan)
{
    uint64_t next_ns = HWI_NEVER, now_ns = hwi_sim_now(fork->sim) - fork->fork_ns;
    for (uint32_t i = 0; i < plan->spec.count; i++) {
        const struct fork_fault *fault = &plan->spec.faults[i];
        uint64_t on_ns = fault->at_ms * HWI_NS_PER_MS;
        uint64_t off_ns = fault->for_ms ? on_ns + fault->for_ms * HWI_NS_PER_MS : HWI_NEVER;
        if (plan->stage[i] == 0 && on_ns <= now_ns) {
            strike(fork, fault, true);
            plan->stage[i] = 1;
        }
        if (plan->stage[i] == 1 && off_ns <= now_ns) {
            strike(fork, fault, false);
            plan->stage[i] = 2;
        }
        uint64_t due_ns = plan->stage[i] == 0 ? on_ns : plan->stage[i] == 1 ? off_ns : HWI_NEVER;
        next_ns = HWI_MIN(next_ns, due_ns == HWI_NEVER ? HWI_NEVER : due_ns + fork->fork_ns);
    }
    return next_ns;
}

// ---- behind the fork ----------------------------------------------------------------------------

// A process that ended in the recording without a farewell ends here too, once it has made its last
// call.
static uint64_t end_as_recorded(struct fork *fork, const struct fork_process *process)
{
    uint64_t due_ns = fork->fork_ns + (uint64_t)HWI_MAX(0, process->last_ns - fork->point_ns);
    if (!process->ends || process->closed || process->trainer.made < process->trainer.count) {
        return HWI_NEVER;
    }
    if (hwi_sim_now(fork->sim) < due_ns) {
        return due_ns;
    }
    hwi_sim_kill(fork->sim, process->node);
    return HWI_NEVER;
}

// Lets all trainers do what is due; returns when the next one has something to do. *idle: none has
// anything left.
static uint64_t act_all(struct fork *fork, bool *idle)
{
    uint64_t next_ns = HWI_NEVER;
    *idle = true;
    for (uint32_t i = 0; i < fork->set->count; i++) {
        struct fork_process *process = &fork->processes[i];
        if (!is_member(process) || !hwi_sim_alive(fork->sim, process->node)) {
            continue;
        }
        uint64_t due_ns = fork_trainer_act(fork->sim, process->node, &process->trainer);
        next_ns = HWI_MIN(next_ns, HWI_MIN(due_ns, end_as_recorded(fork, process)));
        *idle = *idle && fork_trainer_idle(&process->trainer);
    }
    return next_ns;
}

static uint64_t last_reply(const struct fork *fork)
{
    uint64_t ns = fork->fork_ns;
    for (uint32_t i = 0; i < fork->set->count; i++) {
        if (is_member(&fork->processes[i])) {
            ns = HWI_MAX(ns, fork->processes[i].trainer.had_ns);
        }
    }
    return ns;
}

static void carry_on(struct fork *fork, struct fork_plan *plan)
{
    uint64_t end_ns = fork->fork_ns + RUN_S * HWI_NS_PER_S;
    for (;;) {
        bool idle;
        uint64_t strike_ns = strike_due(fork, plan);
        uint64_t next_ns = HWI_MIN(strike_ns, act_all(fork, &idle));
        uint64_t patience_s = idle && strike_ns == HWI_NEVER ? AFTER_S : QUIET_S;
        uint64_t stop_ns = HWI_MIN(end_ns, last_reply(fork) + patience_s * HWI_NS_PER_S);
        if (hwi_sim_now(fork->sim) >= stop_ns && next_ns > stop_ns) {
            return;
        }
        next_ns = HWI_MIN(next_ns, HWI_MAX(stop_ns, hwi_sim_now(fork->sim)));
        if (!hwi_sim_step(fork->sim, next_ns)) {
            hwi_sim_skip(fork->sim, next_ns);
        }
    }
}

// ---- the whole ----------------------------------------------------------------------------------

static bool create_simulation(struct fork *fork)
{
    struct hwi_msg_master_start start;
    if (!find_start(fork, &start)) {
        complain("replay", "the journal of the master does not begin with its start");
        return false;
    }
    struct hwi_sim_config config = {
        .min_members = start.min_members,
        .first_members = start.first_members,
        .dead_ms = start.dead_ms,
        .heartbeat_ms = start.heartbeat_ms,
        .propose_ms = start.propose_ms,
        .gather_ms = start.gather_ms,
        .durable = start.durable,
        .control_ns = LINK_US * UINT64_C(1000),
        .edge_ns = LINK_US * UINT64_C(1000),
        .stripes = 1,
        .unrecorded = 1,
        .driven = 1,
    };
    fork->sim = hwi_sim_create(&config);
    for (uint32_t i = 0; i < fork->set->count; i++) {
        read_extent(fork, i);
    }
    find_ends(fork, start.heartbeat_ms);
    return true;
}

// Where the fork is: just before the event that --until names, or at its time.
static bool find_point(struct fork *fork, const struct replay_options *options,
                       struct fork_point *point)
{
    const struct replay_point *until = &options->until;
    point->source = fork->set->count;
    if (!replay_limits(fork->set, options, fork->limits)) {
        return false;
    }
    if (until->kind != REPLAY_TO_EVENT) {
        return true;
    }
    point->source = replay_point_source(fork->set, until);
    fork->limits[point->source]--;
    return true;
}

static int fork_here(struct fork *fork, const struct replay_options *options,
                     struct fork_plan *plan)
{
    struct fork_point point = {0};
    for (uint32_t i = 0; i < plan->spec.count; i++) {
        point.lose = point.lose || plan->spec.faults[i].act == FORK_LOSE;
    }
    if (!find_point(fork, options, &point) || !fork_is_whole(fork->set, fork->limits) ||
        !create_simulation(fork) || !add_processes(fork) ||
        !faults_fit(fork, &plan->spec, &point)) {
        return REPLAY_UNREADABLE;
    }
    if (!play(fork, &point)) {
        return REPLAY_CRASH;
    }
    if (point.lose && !point.lost) {
        complain("replay", "that event heard no message that could be lost: only what travels "
                           "between a member and the master can be");
        return REPLAY_UNREADABLE;
    }
    hwi_sim_mark(fork->sim);
    hwi_sim_let_go(fork->sim, LINK_US * UINT64_C(1000));
    fork->fork_ns = hwi_sim_now(fork->sim);
    fork->point_ns = point.ns;
    fork_learn_results(fork);
    carry_on(fork, plan);
    fork_tell(fork, &plan->spec);
    return hwi_sim_check_failure(fork->sim) != NULL ? REPLAY_CRASH : REPLAY_OK;
}

// Their actors' decisions are repeated here, not compared.
static void name_other_builds(const struct replay_set *set)
{
    for (uint32_t i = 0; i < set->count; i++) {
        if (set->sources[i].readable && set->sources[i].decision != hwi_decision_hash()) {
            printf("replay: %s: written by another build (%s), whose decisions may be others\n",
                   set->names[i], set->sources[i].build);
        }
    }
}

int fork_run(struct replay_set *set, const struct replay_options *options)
{
    char error[FORK_ERROR_BYTES];
    struct fork_plan plan = {0};
    struct fork fork = {.set = set};
    if (!fork_spec_parse(options->fork, &plan.spec, error)) {
        complain("replay", "--fork: %s", error);
        return REPLAY_USAGE;
    }
    name_other_builds(set);
    replay_learn_peers(set);
    fork.limits = hwi_new(&hwi_alloc_libc, set->count * sizeof *fork.limits);
    fork.processes = hwi_new(&hwi_alloc_libc, set->count * sizeof *fork.processes);
    int verdict = fork_here(&fork, options, &plan);
    if (fork.sim != NULL) {
        hwi_sim_destroy(fork.sim);
    }
    for (uint32_t i = 0; i < set->count; i++) {
        fork_trainer_fini(&fork.processes[i].trainer);
    }
    hwi_free(&hwi_alloc_libc, fork.processes);
    hwi_free(&hwi_alloc_libc, fork.limits);
    return verdict;
}
